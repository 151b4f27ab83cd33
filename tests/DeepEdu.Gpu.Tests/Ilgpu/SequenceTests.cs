using System.Text.RegularExpressions;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Gpu.Kernels;
using DeepEdu.Gpu.Tests.Cuda;
using DeepEdu.Ops;
using DeepEdu.Tensors;
using ILGPU.Runtime.Cuda;

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
    [EmulatedTheory, InlineData(false), InlineData(true)]
    public void WhoWaitsForTooLongGivesUp(bool graphs)
    {
        var device = EmulatedDriver.NewDevice();
        (device.Patience, device.Graphs) = (100, graphs);
        for (int i = 0; i < GraphCache.Repeats; i++) { Run(device, 4, 3, 3, 24, padded: false); }
        Assert.Equal(graphs, device.Counts.Made > 0);
        EmulatedDriver.Missed = 1;
        try
        {
            // first what reads a result says so, then whatever is asked: copies, graphs, memory
            for (int i = 0; i < 3; i++) { Named(Assert.Throws<CudaException>(() => Run(device, 4, 3, 3, 24, padded: false))); }
            Named(Assert.Throws<CudaException>(() => device.AllocatePersistent(1 << 20)));
        }
        finally { EmulatedDriver.Missed = 0; }
        device.Dispose();

        static void Named(CudaException error)
        {
            Assert.Contains("gives up", error.Message, StringComparison.Ordinal);
            Assert.Single(Regex.Matches(error.Message, nameof(GpuDevice.PersistentRecurrence)));
        }
    }

    /// <summary>Where steps are taken for want of room, it is said once for each size and way, and the driver is not asked again.</summary>
    [EmulatedFact]
    public void WantOfRoomIsToldOnce()
    {
        List<string> said = [];
        using (var device = Counting())
        {
            device.MostGroups = 1;
            for (int batch = 3; batch < 6; batch++) { Run(device, 4, batch, 2, 24); }
            Assert.Equal(2, said.Count);
            Assert.Contains("lstm: ", said[0], StringComparison.Ordinal);
            Assert.Contains("3 sequences of 24 units forward", said[0], StringComparison.Ordinal);
            Assert.Contains("3 sequences of 24 units back", said[1], StringComparison.Ordinal);
            Assert.All(said, s => Assert.Contains(nameof(GpuDevice.PersistentRecurrence), s, StringComparison.Ordinal));
            Run(device, 3, 3, 2, 28);
            Assert.Equal((4, true), (said.Count, said[3].StartsWith("gru: ", StringComparison.Ordinal)));
            device.PersistentRecurrence = false;
            Run(device, 4, 3, 2, 40);
            Assert.Equal(4, said.Count);
        }
        said.Clear();
        EmulatedDriver.MostTogether = 1; // the launch is refused
        try
        {
            using var device = Counting();
            EmulatedDriver.Reset();
            for (int i = 0; i < 3; i++) { Run(device, 4, 3, 2, 24); }
            Assert.Equal((2, 2), (said.Count, EmulatedDriver.CountOf("cuLaunchCooperativeKernel")));
        }
        finally { EmulatedDriver.MostTogether = 0; }

        GpuDevice Counting()
        {
            EmulatedDriver.Start(EmulatedDriver.Kind.CountOnly);
            var device = EmulatedDriver.NewDevice();
            device.Log = said.Add;
            return device;
        }
    }

    /// <summary>More sequences than a launch's second and third number of groups may say.</summary>
    [EmulatedTheory, InlineData(false), InlineData(true)]
    public void ThereMayBeMillionsOfSequences(bool together)
    {
        EmulatedDriver.Start(EmulatedDriver.Kind.CountOnly);
        using var device = EmulatedDriver.NewDevice();
        device.PersistentRecurrence = together;
        Run(device, 4, 2_200_000, 1, 1, padded: false);
    }

    /// <summary>What threads take of a multiprocessor's registers decides how many groups are there at once, and so how they divide the work.</summary>
    [EmulatedFact]
    public void MoreRegistersMakeOtherGroups()
    {
        Assert.Equal(("25 of 12 units × 4 of 8: 384 threads", "25 of 12 units × 4 of 8: 384 threads"), Divisions(126)); // sixteen warps of a multiprocessor
        Assert.Equal(("30 of 10 units × 4 of 8: 320 threads", "none"), Divisions(200)); // ten
        Assert.Equal(("38 of 8 units × 3 of 11: 256 threads", "none"), Divisions(255)); // eight

        static (string Forward, string Back) Divisions(int registers)
        {
            EmulatedDriver.RegistersOf = _ => registers;
            try
            {
                using var device = EmulatedDriver.NewDevice();
                return (Say(device.Shape<ForwardCell<GpuLstm>, Depth3>(300, 32)), Say(device.Shape<BackwardCell<GpuLstm>, Depth3>(300, 32)));
            }
            finally { EmulatedDriver.RegistersOf = null; }
        }
    }

    /// <summary>With the registers that CUDA's assembler gives them, the layers of the benchmark are shared as the pages say, and the way back of 512 units takes twelve sequences.</summary>
    [PtxasEmulatedFact]
    public void TheAssemblersRegistersMakeTheseGroups()
    {
        EmulatedDriver.RegistersOf = ptx => Ptxas.Run(ptx, "sm_90") is { Registers: > 0 and var registers } ? registers : throw new InvalidOperationException("the assembler takes no such text");
        EmulatedDriver.Version = 11080; // text that any assembler for the GPU knows
        try
        {
            using var device = EmulatedDriver.NewDevice();
            Assert.Equal("25 of 12 units × 4 of 8: 384 threads", Say(device.Shape<ForwardCell<GpuLstm>, Depth3>(300, 32)));
            Assert.Equal("25 of 12 units × 4 of 8: 384 threads", Say(device.Shape<BackwardCell<GpuLstm>, Depth3>(300, 32)));
            Assert.Equal((true, false), (device.Shape<BackwardCell<GpuLstm>, Depth4>(512, 12) is not null, device.Shape<BackwardCell<GpuLstm>, Depth4>(512, 13) is not null));
        }
        finally { (EmulatedDriver.RegistersOf, EmulatedDriver.Version) = (null, 0); }
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

        SequenceShape? Forward(int[] room) => hidden > 256 ? SequenceShape.Of<ForwardCell<GpuLstm>, Depth3>(hidden, batch, 132, room, int.MaxValue, 1024) : hidden > 128 ? SequenceShape.Of<ForwardCell<GpuLstm>, Depth2>(hidden, batch, 132, room, int.MaxValue, 1024) : SequenceShape.Of<ForwardCell<GpuLstm>, Depth1>(hidden, batch, 132, room, int.MaxValue, 1024);

        SequenceShape? Back(int[] room) => hidden > 256 ? SequenceShape.Of<BackwardCell<GpuLstm>, Depth3>(hidden, batch, 132, room, int.MaxValue, 1024) : hidden > 128 ? SequenceShape.Of<BackwardCell<GpuLstm>, Depth2>(hidden, batch, 132, room, int.MaxValue, 1024) : SequenceShape.Of<BackwardCell<GpuLstm>, Depth1>(hidden, batch, 132, room, int.MaxValue, 1024);
    }

    private static string Say(SequenceShape? s) => s is { } x ? $"{x.Groups} of {x.Units} units × {x.Shares} of {x.Share}: {x.Threads} threads" : "none";

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
