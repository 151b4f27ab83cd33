using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Gpu.Kernels;
using DeepEdu.Gpu.Tests.Cuda;
using DeepEdu.Ops;
using DeepEdu.Tensors;
using Xunit.Abstractions;

namespace DeepEdu.Gpu.Tests;

/// <summary>How kernels read and write memory, counted on the emulated GPU: threads side by side take what lies side by side, and from shared memory what lies in different banks.</summary>
[Collection(nameof(EmulatedDriver))]
public class TrafficTests(ITestOutputHelper log)
{
    // an operation, way forward and back; how many times the least its launches together may move of global and of shared memory
    private static readonly Dictionary<string, (Func<GpuDevice, Tensor[]> Inputs, Func<Tensor[], Tensor> Run, double Global, double Shared)> s_ops = new()
    {
        ["attention"] = (d => [Numbers([1, 96, 128], 1, d), Numbers([1, 96, 128], 2, d), Numbers([1, 96, 128], 3, d)], x => x[0].Attention(x[1], x[2], heads: 2), 1.1, 1.1),
        ["self-attention, causal"] = (d => [Numbers([2, 64, 192], 1, d)], x => x[0].SelfAttention(2, AttentionMask.Past), 1.1, 1.1),
        ["attention by tensor cores"] = (d => [Numbers([1, 96, 128], 1, Rounding(d)), Numbers([1, 96, 128], 2, d), Numbers([1, 96, 128], 3, d)], x => x[0].Attention(x[1], x[2], heads: 2), 1.1, 1.1),
        ["matmul"] = (d => [Numbers([128, 96], 1, d), Numbers([96, 128], 2, d)], x => x[0].MatMul(x[1]), 1.1, 1.1),
        ["conv2d"] = (d => [Numbers([2, 8, 12, 12], 1, d), Numbers([16, 8, 3, 3], 2, d), Numbers([16], 3, d)], x => x[0].Conv2d(x[1], x[2]), 1.8, 1.1),
        ["lstm"] = (d => [Numbers([4, 3, 16], 1, d), Numbers([4 * 40, 16], 2, d), Numbers([4 * 40, 40], 3, d), Numbers([4 * 40], 4, d), Numbers([4 * 40], 5, d), Numbers([4, 40], 6, d), Numbers([4, 40], 7, d)],
            x => x[0].Lstm(x[1], x[2], x[3], x[4], x[5], x[6]).Output, 2.4, 1.1),
        ["rows and columns broadcast"] = (d => [Numbers([64, 128], 1, d), Numbers([128], 2, d), Numbers([64, 1], 3, d)], x => (x[0] * x[1]) - (x[0] * x[2]), 1.1, 1.1),
        ["sums of rows"] = (d => [Numbers([64, 128], 1, d)], x => x[0].Sum(1), 1.1, 1.1),
        ["softmax"] = (d => [Numbers([64, 128], 1, d)], x => x[0].Softmax(), 1.1, 1.1),
        ["softmax of columns"] = (d => [Numbers([64, 128], 1, d)], x => x[0].Softmax(0), 1.1, 1.1),
        ["layer norm"] = (d => [Numbers([64, 128], 1, d), Numbers([128], 2, d), Numbers([128], 3, d)], x => x[0].LayerNorm([128], x[1], x[2]), 1.1, 1.1),
        ["batch norm of images"] = (d => [Numbers([4, 8, 16, 16], 1, d), Numbers([8], 2, d), Numbers([8], 3, d)], x => x[0].BatchNorm(null, null, x[1], x[2]), 1.1, 1.1),
        ["batch norm of rows"] = (d => [Numbers([64, 96], 1, d), Numbers([96], 2, d), Numbers([96], 3, d)], x => x[0].BatchNorm(null, null, x[1], x[2]), 1.1, 1.1),
        ["transpose"] = (d => [Numbers([96, 128], 1, d)], x => x[0].Transpose(0, 1), 1.1, 1.1),
        ["max pool"] = (d => [Numbers([2, 4, 32, 32], 1, d)], x => x[0].MaxPool2d((2, 2)), 1.35, 1.1),
        ["embedding"] = (d => [Numbers([50, 64], 1, d)], x => x[0].Embedding(Indices.Of([.. Enumerable.Range(0, 96).Select(i => i * 7 % 50)])), 1.1, 1.1),
        ["cross-entropy"] = (d => [Numbers([64, 128], 1, d)], x => x[0].CrossEntropy(Indices.Of([.. Enumerable.Range(0, 64)])), 1.15, 1.1),
    };

    public static TheoryData<string> Ops => [.. s_ops.Keys];

    [EmulatedTheory, MemberData(nameof(Ops))]
    public void NeighboursReadNeighbours(string op)
    {
        var (inputs, run, global, shared) = s_ops[op];
        using var device = EmulatedDriver.NewDevice();
        Kept code = new(device);
        device.Code = code;
        Step(); // what is made once is made
        device.Synchronize();
        Traffic.Launches = [];
        List<Traffic> all;
        try
        {
            Step();
            device.Synchronize();
            all = Traffic.Launches;
        }
        finally { Traffic.Launches = null; }
        Assert.NotEmpty(all);
        foreach (var launch in all) { log.WriteLine($"{code.Names[launch.Function]}: {launch}"); }
        double sectors = all.Sum(t => (double)t.Sectors) / all.Sum(t => t.LeastSectors), rounds = all.Sum(t => (double)t.Rounds) / Math.Max(1, all.Sum(t => t.LeastRounds));
        log.WriteLine($"{op}: {sectors:0.00} {rounds:0.00}");
        Assert.True(sectors <= global && rounds <= shared, $"{op} moves {sectors:0.00} times the least of global memory and takes {rounds:0.00} times the least rounds of shared memory");
        // a thread a row would touch a sector of its own with each of its reads: eight times as many
        foreach (var rows in all.Where(t => code.Names[t.Function] is nameof(AttentionDelta))) { Assert.InRange(rows.Sectors, 1, rows.LeastSectors * 1.3); }

        void Step()
        {
            using var tape = new Tape();
            var x = inputs(device);
            foreach (var one in x) { tape.Watch(one); }
            var y = run(x);
            var g = tape.Gradients((y * Numbers(y.Shape, 9, device)).Sum());
        }
    }

    private static GpuDevice Rounding(GpuDevice device)
    {
        device.MatMulPrecision = MatMulPrecision.High;
        return device;
    }

    private static Tensor Numbers(Shape shape, int seed, Device device) => Tensor.Of(shape, [.. Enumerable.Range(0, shape.Size).Select(i => 0.3f * MathF.Sin((i * 1.7f) + (seed * 0.61f)))], device);

    // remembers which kernel is whose
    private sealed class Kept(GpuDevice device) : GpuCode(device.Accelerator, device.Queue)
    {
        public Dictionary<nint, string> Names { get; } = [];

        public override Launcher<K> Load<K>()
        {
            var launcher = base.Load<K>();
            Names[((CudaLauncher<K>)launcher).Function] = GpuKernels.NameOf(typeof(K));
            return launcher;
        }
    }
}
