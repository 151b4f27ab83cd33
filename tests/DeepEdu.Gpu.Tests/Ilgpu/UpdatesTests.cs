using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Gpu.Tests.Cuda;
using DeepEdu.Lanes;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Gpu.Tests;

/// <summary>An optimiser's step on a device: many parameters with few launches.</summary>
public class UpdatesTests
{
    // eleven, of very different sizes: some take one group of threads, some several
    private static readonly int[] s_sizes = [1, 3000, 7, 256, 1025, 2, 64, 5, 4096, 1, 33];

    [Fact]
    public void TogetherIsAsOneByOne()
    {
        using var device = GpuDevice.Simulated();
        float[][] want = Stepped(CpuDevice.Instance, 2), got = Stepped(device, 2);
        for (int i = 0; i < want.Length; i++)
        {
            // one division and one root, rounded otherwise
            for (int j = 0; j < want[i].Length; j++) { Assert.Equal(want[i][j], got[i][j], 1e-5f * (1 + MathF.Abs(want[i][j]))); }
        }
    }

    /// <summary>Fours, what is left behind them, and what does not begin on 16 bytes: nothing else is touched.</summary>
    [Theory]
    [InlineData(1, 0, 0), InlineData(3, 0, 0), InlineData(4, 4, 8), InlineData(1030, 0, 4), InlineData(1030, 3, 0), InlineData(1029, 0, 1), InlineData(70000, 8, 0)]
    public void StepsEveryValueOnce(int length, int at, int statesAt)
    {
        using var device = TestDevice.New();
        const int Behind = 6;
        // whole numbers: exact, contracted or not
        Tensor[] all = [.. Enumerable.Range(0, 5).Select(k => Tensor.Of([length + at + statesAt + Behind], [.. Enumerable.Range(0, length + at + statesAt + Behind).Select(i => (float)(((k + 3) * i % 61) - 30))], device))];
        float[][] before = [.. all.Select(t => t.ToArray())];
        View Part(int k, int from) => new(all[k].View.Block, from, length);
        device.Update(default(Mixing), Part(0, at), Part(1, at), Part(2, statesAt), Part(3, statesAt), Part(4, statesAt));
        float[][] after = [.. all.Select(t => t.ToArray())];
        for (int i = 0; i < length; i++)
        {
            float w = before[0][at + i], g = before[1][at + i], a = before[2][statesAt + i], b = before[3][statesAt + i], c = before[4][statesAt + i];
            (before[0][at + i], before[2][statesAt + i], before[3][statesAt + i], before[4][statesAt + i]) = (w - g, a + (2 * g), b + w, c - a);
        }
        Assert.Equal(before, after);
    }

    /// <summary>Eight at a time; parameters of another weight decay are stepped by another formula.</summary>
    [Collection(nameof(EmulatedDriver))]
    public class Launches
    {
        [EmulatedFact]
        public void OfAStep()
        {
            EmulatedDriver.Start(EmulatedDriver.Kind.CountOnly);
            using var device = EmulatedDriver.NewDevice();
            Assert.Equal(3, Count(device)); // 8, 1, and the other formula's 2
        }

        /// <summary>The bytes of a formula without numbers hold anything, and so do those between the fields of another.</summary>
        [EmulatedFact]
        public unsafe void AFormulaIsItsFields()
        {
            EmulatedDriver.Start(EmulatedDriver.Kind.CountOnly);
            using var device = EmulatedDriver.NewDevice();
            Halving halving;
            new Span<byte>(&halving, sizeof(Halving)).Fill(0xA5);
            Assert.Equal(1, LaunchesOf(device, default, halving));
            Shrinking shrinking;
            new Span<byte>(&shrinking, sizeof(Shrinking)).Fill(0xA5);
            (shrinking.When, shrinking.By) = (1, 0.5f);
            Assert.Equal(1, LaunchesOf(device, new() { When = 1, By = 0.5f }, shrinking));
            Assert.Equal(2, LaunchesOf(device, new() { When = 1, By = 0.25f }, shrinking));
        }

        private static long LaunchesOf<F>(GpuDevice device, F one, F other) where F : unmanaged, IUpdate
        {
            Tensor w = Tensor.Ones([8], device), g = Tensor.Ones([8], device);
            EmulatedDriver.Reset();
            device.BeginUpdates();
            device.Update(one, w.View, g.View, default, default, default);
            device.Update(other, w.View, g.View, default, default, default);
            device.EndUpdates();
            return EmulatedDriver.CountOf("cuLaunchKernel");
        }

        private static long Count(GpuDevice device)
        {
            var (optimizer, parameters) = Make(device);
            for (int i = 0; i < 2; i++) // the first step makes the statistics
            {
                using var tape = new Tape();
                var loss = parameters[0].Value.Sum();
                foreach (var p in parameters.AsSpan(1)) { loss += p.Value.Sum(); }
                var gradients = tape.Gradients(loss);
                foreach (var p in parameters) { _ = gradients[p.Value]; }
                EmulatedDriver.Reset();
                optimizer.Step(gradients);
            }
            return EmulatedDriver.CountOf("cuLaunchKernel");
        }
    }

    internal record struct Halving : IUpdate
    {
        public static int States => 0;

        public readonly void Step<L>(ref L w, L g, ref L s1, ref L s2, ref L s3) where L : struct, ILane<L> => w *= 0.5f;
    }

    internal record struct Mixing : IUpdate
    {
        public static int States => 3;

        public readonly void Step<L>(ref L w, L g, ref L s1, ref L s2, ref L s3) where L : struct, ILane<L>
        {
            s3 -= s1;
            s2 += w;
            s1 += g + g;
            w -= g;
        }
    }

    internal record struct Shrinking : IUpdate
    {
        public byte When;
        public float By;

        public static int States => 0;

        public readonly void Step<L>(ref L w, L g, ref L s1, ref L s2, ref L s3) where L : struct, ILane<L> => w *= When * By;
    }

    private static (Adam Optimizer, (string Name, Parameter Value)[] Parameters) Make(Device device)
    {
        Rng rng = new(5);
        (string Name, Parameter Value)[] all = [.. s_sizes.Select((n, i) => ($"p{i}", new Parameter(Tensor.Normal([n], rng).To(device))))];
        return (new([new ParameterGroup(all[..9]), new ParameterGroup(all[9..]) { WeightDecay = 0.1 }], new() { LearningRate = 0.01 }), all);
    }

    private static float[][] Stepped(Device device, int steps)
    {
        var (optimizer, parameters) = Make(device);
        for (int i = 0; i < steps; i++)
        {
            using var tape = new Tape();
            var loss = parameters[0].Value.Square().Sum();
            foreach (var p in parameters.AsSpan(1)) { loss += p.Value.Square().Sum(); }
            optimizer.Step(tape.Gradients(loss));
        }
        return [.. parameters.Select(p => p.Value.ToArray())];
    }
}
