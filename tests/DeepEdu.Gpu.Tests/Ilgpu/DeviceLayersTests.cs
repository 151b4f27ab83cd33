using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;
using DeepEdu.Tests.Nn;

namespace DeepEdu.Gpu.Tests;

/// <summary>Every row of the catalogue of layers on a device that refuses to hand anything back to the processor: PyTorch's values, gradients and running statistics.</summary>
public class DeviceLayersTests
{
    // PyTorch's are in double precision; sums of at most a few hundred products, in another order than the processor's
    private const float Tolerance = 5e-5f;

    private static readonly GpuDevice s_device = Strict();

    public static TheoryData<string> Rows => [.. LayerCatalog.All.Keys];

    [Theory, MemberData(nameof(Rows))]
    public void ForwardAndGradientsEqualPyTorch(string name)
    {
        var golden = LayerCatalog.Golden[name];
        var layer = GoldenLayers.Load(LayerCatalog.All[name](), golden);
        layer.To(s_device);
        using var tape = new Tape(training: golden.GetProperty("mode").GetString() == "train");
        Tensor? x = null;
        Tensor y = golden.TryGetProperty("x", out var input) ? layer.Forward(x = tape.Watch(GoldenLayers.Tensor(input).To(s_device))) : layer.Forward(GoldenLayers.Indices(golden));
        Assert.Same(s_device, y.Device);
        Near("y", golden.GetProperty("y"), y);
        var gradients = tape.Gradients(y, GoldenLayers.Tensor(golden.GetProperty("dy")).To(s_device));
        if (x is not null) { Near("dx", golden.GetProperty("dx"), gradients[x]); }
        foreach (var (parameter, value) in layer.Parameters()) { Near(parameter, golden.GetProperty("gradients").GetProperty(parameter), gradients[value]); }
        foreach (var (buffer, value) in layer.Buffers()) { Near(buffer, golden.GetProperty("after").GetProperty(buffer), value); }
    }

    /// <summary>Step by step, one sequence going on from the other: the cache follows the model, and so do the tables of its places.</summary>
    [Fact]
    public void GenerationWithACacheIsTheProcessors()
    {
        float[] want = Generated(CpuDevice.Instance), got = Generated(s_device);
        for (int i = 0; i < want.Length; i++) { Assert.Equal(want[i], got[i], Tolerance * (1 + MathF.Abs(want[i]))); }

        static float[] Generated(Device device)
        {
            Rng rng = new(3);
            var places = new SinusoidalPositions(8, 12);
            var stack = new TransformerDecoder(() => new(12, 3, rng, 16, 0), 2, new LayerNorm(12));
            var turned = new MultiHeadAttention(12, 3, rng, rotary: new(8, 4));
            stack.To(device);
            turned.To(device);
            Tensor x = Tensor.Normal([2, 6, 12], rng).To(device), memory = Tensor.Normal([2, 5, 12], rng).To(device);
            var cache = stack.NewCache(2, 6);
            var own = turned.NewCache(2, 6);
            List<float> all = [];
            for (int i = 0; i < 6; i++)
            {
                var y = turned.Forward(stack.Forward(places.Forward(x.Narrow(1, i, 1), i), memory, cache), own);
                all.AddRange(y.ToArray());
                if (i != 2) { continue; }
                cache.Reorder(Indices.Of(1, 1));
                own.Reorder(Indices.Of(1, 0));
            }
            return [.. all];
        }
    }

    private static void Near(string what, System.Text.Json.JsonElement expected, Tensor actual)
    {
        var e = GoldenLayers.Tensor(expected);
        Assert.Equal(e.Shape, actual.Shape);
        float[] want = e.ToArray(), got = actual.ToArray();
        float largest = want.Length == 0 ? 0 : want.Max(MathF.Abs);
        for (int i = 0; i < want.Length; i++) { Assert.True(MathF.Abs(want[i] - got[i]) <= Tolerance * (MathF.Abs(want[i]) + largest), $"{what}[{i}]: {got[i]:g9}, expected {want[i]:g9}"); }
    }

    private static GpuDevice Strict()
    {
        var device = TestDevice.New();
        device.Strict = true;
        return device;
    }
}
