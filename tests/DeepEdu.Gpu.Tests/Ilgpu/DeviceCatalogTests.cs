using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Gpu.Tests;

/// <summary>Every row of the catalogue on a device that refuses to hand anything back to the processor: the processor's values and gradients within rounding.</summary>
public class DeviceCatalogTests
{
    private static readonly GpuDevice s_device = Device();

    // 1 by 0.1 stands at a step of the remainder, to which only a fused multiply-add knows the side, and large numbers are nothing but steps; what contracts the two to one, the driver of a GPU, is not emulated
    public static TheoryData<string> All => [.. DeepEdu.Tests.OpCatalog.Rows.Select(r => r.Name).Where(n => n is not ("remainder at a step" or "remainder of large"))];

    [Theory, MemberData(nameof(All))]
    public void EqualsTheProcessor(string name) => Check(name, s_device);

    internal static void Check(string name, GpuDevice device)
    {
        var row = DeepEdu.Tests.OpCatalog.Row(name);
        foreach (var c in DeepEdu.Tests.OpGolden.Cases(row))
        {
            if (c.Inputs.Length == 0) { continue; }
            var (y0, g0) = Run(row, c, CpuDevice.Instance);
            var (y1, g1) = Run(row, c, device);
            // both round each operation once, but sum in another order and contract other pairs to fused multiply-adds
            Close(y0, y1, Math.Max(row.Tolerance, 1e-4f), $"{name}: output");
            for (int i = 0; i < g0.Length; i++) { Close(g0[i], g1[i], Math.Max(row.Tolerance, 1e-4f), $"{name}: gradient {i}"); }
        }
    }

    // a row of each kind of way back: formulas of one and of two operands, sums, products, moved values, kernels with an adjoint, fused ones
    [Theory]
    [InlineData("gelu"), InlineData("tanh"), InlineData("div"), InlineData("var"), InlineData("matmul"), InlineData("gather"), InlineData("conv2d"), InlineData("adaptive-max-pool2d"), InlineData("adaptive-avg-pool2d")]
    [InlineData("softmax"), InlineData("layer-norm"), InlineData("cross-entropy"), InlineData("linear"), InlineData("lstm"), InlineData("self-attention")]
    public void GradientsOfGradientsEqualTheProcessors(string name)
    {
        var row = DeepEdu.Tests.OpCatalog.Row(name);
        var c = DeepEdu.Tests.OpGolden.Cases(row)[0];
        float[][] want = Second(CpuDevice.Instance), got = Second(s_device);
        for (int i = 0; i < want.Length; i++) { Close(want[i], got[i], 1e-3f, $"{name}: gradient of gradients {i}"); } // twice the rounding, and terms that cancel

        float[][] Second(Device device)
        {
            using var tape = new Tape();
            var inputs = Array.ConvertAll(c.Inputs, x => Tensor.Of(x.Shape, x.ToArray(), device));
            Tensor[] of = [.. c.Differentiable.Select(i => tape.Watch(inputs[i]))];
            var y = row.Run(inputs, c.Indices);
            var slopes = tape.RecordedGradients((y * y).Sum(), of);
            var sum = slopes[0].Square().Sum();
            foreach (var slope in slopes[1..]) { sum += slope.Square().Sum(); }
            var g = tape.Gradients(sum);
            return [.. of.Select(x => g[x].ToArray())];
        }
    }

    public static TheoryData<string> OfSeveral => [.. DeepEdu.Tests.OpCatalog.Rows.Where(r => DeepEdu.Tests.OpGolden.Cases(r).Any(c => c.Inputs.Length > 1)).Select(r => r.Name)];

    [Theory, MemberData(nameof(OfSeveral))]
    public void OperandsOfTwoDevicesAreNamed(string name)
    {
        var row = DeepEdu.Tests.OpCatalog.Row(name);
        var c = DeepEdu.Tests.OpGolden.Cases(row).First(c => c.Inputs.Length > 1);
        using var arena = new Memory.Arena();
        for (int i = 0; i < c.Inputs.Length; i++)
        {
            Tensor[] inputs = [.. c.Inputs.Select((x, at) => Tensor.Of(x.Shape, x.ToArray(), at == i ? s_device : CpuDevice.Instance))];
            var message = Assert.Throws<InvalidOperationException>(() => row.Run(inputs, c.Indices)).Message;
            Assert.Contains(s_device.Name, message, StringComparison.Ordinal);
            Assert.Matches(@"\bcpu\b[^ (]|\bcpu$|\bcpu (?!\()", message);
        }
    }

    private static (float[] Y, float[][] Gradients) Run(DeepEdu.Tests.OpRow row, DeepEdu.Tests.OpCase c, Device device)
    {
        using var tape = new Tape();
        var inputs = Array.ConvertAll(c.Inputs, x => Tensor.Of(x.Shape, x.ToArray(), device));
        foreach (int i in c.Differentiable) { tape.Watch(inputs[i]); }
        var y = row.Run(inputs, c.Indices);
        if (c.Differentiable.Length == 0) { return (y.ToArray(), []); }
        var dy = Tensor.Of(y.Shape, [.. Enumerable.Range(0, y.Size).Select(i => MathF.Sin(i + 1))], y.Device);
        var g = tape.Gradients(y, dy);
        return (y.ToArray(), [.. c.Differentiable.Select(i => g.Find(inputs[i])?.ToArray() ?? new float[inputs[i].Size])]);
    }

    private static void Close(float[] want, float[] got, float tolerance, string what)
    {
        Assert.Equal(want.Length, got.Length);
        float largest = want.Where(float.IsFinite).Select(MathF.Abs).DefaultIfEmpty().Max();
        for (int i = 0; i < want.Length; i++)
        {
            if (want[i].Equals(got[i])) { continue; }
            Assert.True(MathF.Abs(want[i] - got[i]) <= tolerance * (MathF.Abs(want[i]) + (0.1f * largest)), $"{what}: value {i} is {got[i]:g9}, expected {want[i]:g9}");
        }
    }

    private static GpuDevice Device()
    {
        var device = GpuDevice.All() is [var first, ..] ? first : TestDevice.New();
        device.Strict = true;
        return device;
    }
}
