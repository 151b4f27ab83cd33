using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Gpu.Kernels;
using DeepEdu.Gpu.Tests.Cuda;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Gpu.Tests;

/// <summary>Recurrent layers whose steps are one launch, on the emulated driver: groups that run at once and wait for each other, whose every read of another's values is checked for the fences that allow it.</summary>
[Collection(nameof(EmulatedDriver))]
public class SequenceTests
{
    // gates, batch, steps, units; GRUs have three gates
    [EmulatedTheory]
    [InlineData(4, 5, 3, 24)] // several groups, rows of sixteen bytes
    [InlineData(4, 3, 4, 30)] // rows that are not
    [InlineData(3, 6, 3, 28)]
    [InlineData(4, 2, 2, 136)] // two, three and four times four terms a lane
    [InlineData(3, 1, 2, 260)]
    [InlineData(4, 1, 2, 388)]
    public void EqualsSteps(int gates, int batch, int steps, int units)
    {
        using var device = EmulatedDriver.NewDevice();
        device.Strict = true;
        long launches = Launcher.Cooperative;
        var got = Run(device, gates, batch, steps, units);
        Assert.Equal(launches + 2, Launcher.Cooperative);
        Same(got, Run(device, gates, batch, steps, units), 0); // the same bits every time
        device.PersistentRecurrence = false;
        launches = Launcher.Cooperative;
        Same(Run(device, gates, batch, steps, units), got, 2e-5f);
        Assert.Equal(launches, Launcher.Cooperative);
    }

    /// <summary>However the groups divide units and sequences among themselves, the bits are the same: of a GPU of fewer multiprocessors, too.</summary>
    [EmulatedFact]
    public void EveryDivisionGivesTheSameBits()
    {
        float[][]? first = null;
        foreach (int most in (int[])[0, 3, 40])
        {
            using var device = EmulatedDriver.NewDevice();
            EmulatedDriver.MostTogether = most;
            try
            {
                long launches = Launcher.Cooperative;
                device.MostGroups = most == 0 ? int.MaxValue : most;
                var got = Run(device, 4, 7, 3, 36);
                Assert.Equal(launches + 2, Launcher.Cooperative);
                if (first is null) { first = got; } else { Same(first, got, 0); }
            }
            finally { EmulatedDriver.MostTogether = 0; }
        }
    }

    /// <summary>Other processes have part of the GPU, which the driver says when a launch is asked for: then each step is a launch.</summary>
    [EmulatedFact]
    public void WhereGroupsHaveNoRoomStepsAreLaunches()
    {
        using var device = EmulatedDriver.NewDevice();
        EmulatedDriver.MostTogether = 1;
        try
        {
            long launches = Launcher.Cooperative;
            var got = Run(device, 4, 3, 3, 24);
            Assert.Equal(launches, Launcher.Cooperative);
            device.PersistentRecurrence = false;
            Same(Run(device, 4, 3, 3, 24), got, 0);
        }
        finally { EmulatedDriver.MostTogether = 0; }
    }

    /// <summary>A group that never comes is an error that names the setting, and no hang.</summary>
    [EmulatedFact]
    public void WhoWaitsForTooLongGivesUp()
    {
        var device = EmulatedDriver.NewDevice();
        device.Patience = 100;
        EmulatedDriver.Missed = 1;
        try
        {
            string message = Assert.ThrowsAny<Exception>(() => Run(device, 4, 3, 3, 24, padded: false)).Message;
            Assert.Contains(nameof(GpuDevice.PersistentRecurrence), message, StringComparison.Ordinal);
            Assert.Contains("gives up", message, StringComparison.Ordinal);
        }
        finally { EmulatedDriver.Missed = 0; }
        device.Dispose();
    }

    /// <summary>On a device with 132 multiprocessors the layers of the benchmark keep most of them busy.</summary>
    [Theory]
    [InlineData(64, 32, 128, "16 of 4 units × 8 of 4: 128 threads")]
    [InlineData(300, 32, 384, "25 of 12 units × 4 of 8: 384 threads")]
    [InlineData(200, 32, 512, "13 of 16 units × 8 of 4: 512 threads")]
    [InlineData(256, 64, 512, "16 of 16 units × 8 of 8: 512 threads")]
    public void GroupsDivideTheWork(int hidden, int batch, int threads, string shape)
    {
        // one group of 512 threads with 128 registers, or several that are smaller; 46.5 KiB each
        int[] together = [.. Enumerable.Range(0, 17).Select(w => 132 * Math.Min(4, 16 / Math.Max(1, w)))];
        Assert.Equal((shape, shape), (Say(Forward(together)), Say(Back(together))));
        Assert.InRange(Forward(together)!.Value.Groups * Forward(together)!.Value.Shares, 100, 132);
        Assert.Equal(threads, Forward(together)!.Value.Threads);
        Assert.Null(Forward(new int[17]));

        SequenceShape? Forward(int[] room) => hidden > 256 ? SequenceShape.Of<ForwardCell<GpuLstm>, Depth3>(hidden, batch, 132, room, 1024) : hidden > 128 ? SequenceShape.Of<ForwardCell<GpuLstm>, Depth2>(hidden, batch, 132, room, 1024) : SequenceShape.Of<ForwardCell<GpuLstm>, Depth1>(hidden, batch, 132, room, 1024);

        SequenceShape? Back(int[] room) => hidden > 256 ? SequenceShape.Of<BackwardCell<GpuLstm>, Depth3>(hidden, batch, 132, room, 1024) : hidden > 128 ? SequenceShape.Of<BackwardCell<GpuLstm>, Depth2>(hidden, batch, 132, room, 1024) : SequenceShape.Of<BackwardCell<GpuLstm>, Depth1>(hidden, batch, 132, room, 1024);

        static string Say(SequenceShape? s) => s is { } x ? $"{x.Groups} of {x.Units} units × {x.Shares} of {x.Share}: {x.Threads} threads" : "none";
    }

    /// <summary>Two launches a step in time become four for all.</summary>
    [EmulatedFact]
    public void LaunchesDoNotGrowWithSteps()
    {
        EmulatedDriver.Start(EmulatedDriver.Kind.CountOnly);
        using var device = EmulatedDriver.NewDevice();
        int[] counts = [Count(4), Count(12)];
        device.PersistentRecurrence = false;
        Assert.Equal(counts[0], counts[1]);
        Assert.Equal(counts[0] + (2 * 12) - 3, Count(12));

        int Count(int steps)
        {
            Run(device, 4, 3, steps, 24, padded: false); // compiles
            long before = device.Counts.Direct;
            Run(device, 4, 3, steps, 24, padded: false);
            return (int)(device.Counts.Direct - before);
        }
    }

    private static float[][] Run(GpuDevice device, int gates, int batch, int steps, int units, bool padded = true)
    {
        using var tape = new Tape();
        Tensor[] x = [Numbers([batch, steps, 2], 1, device), Numbers([gates * units, 2], 2, device), Numbers([gates * units, units], 3, device), Numbers([gates * units], 4, device), Numbers([gates * units], 5, device), Numbers([batch, units], 6, device), Numbers([batch, units], 7, device)];
        foreach (var input in x) { tape.Watch(input); }
        int[] lengths = [.. Enumerable.Range(0, batch).Select(i => i == 0 || !padded ? steps : (i * 5) % (steps + 1))];
        Tensor[] outputs = gates == 4 ? All(x[0].Lstm(x[1], x[2], x[3], x[4], x[5], x[6], Indices.Of(lengths))) : All(x[0].Gru(x[1], x[2], x[3], x[4], x[5], Indices.Of(lengths)));
        var g = tape.Gradients(outputs.Select((y, i) => (y * Numbers(y.Shape, 31 + i, device)).Sum()).Aggregate((a, b) => a + b));
        return [.. outputs.Select(y => y.ToArray()), .. x.Select(t => g.Find(t)?.ToArray() ?? [])];
    }

    private static Tensor[] All(LstmResult r) => [r.Output, r.H, r.C];

    private static Tensor[] All(RecurrentResult r) => [r.Output, r.H];

    private static void Same(float[][] want, float[][] got, float tolerance)
    {
        Assert.Equal(want.Length, got.Length);
        for (int i = 0; i < want.Length; i++)
        {
            float largest = want[i].Select(MathF.Abs).DefaultIfEmpty().Max();
            Assert.Equal(want[i].Length, got[i].Length);
            for (int j = 0; j < want[i].Length; j++) { Assert.True(MathF.Abs(want[i][j] - got[i][j]) <= tolerance * (1e-3f + largest), $"value {j} of result {i} is {got[i][j]:g9}, expected {want[i][j]:g9}"); }
        }
    }

    private static Tensor Numbers(Shape shape, int seed, Device device) =>
        Tensor.Of(shape, [.. Enumerable.Range(0, shape.Size).Select(i => 0.3f * MathF.Sin((i * 1.7f) + (seed * 0.61f)))], device);
}
