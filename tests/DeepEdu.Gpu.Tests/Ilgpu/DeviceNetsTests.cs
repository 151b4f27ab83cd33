using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Gpu.Tests;

/// <summary>Kernels of networks with every option and odd shapes, on a device that refuses to hand anything back to the processor: values and gradients are the processor's.</summary>
public partial class DeviceNetsTests
{
    // the same polynomials and single roundings, but sums in another order, some contracted; recurrent cells of the processor have a tanh of their own (3·10⁻⁷)
    private const float Tolerance = 2e-5f;

    private static readonly GpuDevice s_device = Refusing();

    private static Case[] EveryCase => [.. Recurrent, .. Padded, .. Categories, .. Convolutions, .. Images, .. Attentions];

    public static TheoryData<string> Cases => [.. EveryCase.Select(c => c.Name)];

    [Theory, MemberData(nameof(Cases))]
    public void EqualsTheProcessor(string name)
    {
        var c = EveryCase.Single(c => c.Name == name);
        var want = Run(c, CpuDevice.Instance);
        var got = Run(c, s_device);
        for (int i = 0; i < want.Length; i++)
        {
            Assert.Equal(want[i].Length, got[i].Length);
            float largest = want[i].Where(float.IsFinite).Select(MathF.Abs).DefaultIfEmpty().Max();
            for (int j = 0; j < want[i].Length; j++)
            {
                Assert.True(want[i][j].Equals(got[i][j]) || MathF.Abs(want[i][j] - got[i][j]) <= Tolerance * (1e-3f + largest), $"{name}: value {j} of result {i} is {got[i][j]:g9}, expected {want[i][j]:g9}");
            }
        }
    }

    /// <summary>Without a tape: what need not be kept is not.</summary>
    [Theory, MemberData(nameof(Cases))]
    public void ForwardAloneEqualsTheProcessor(string name)
    {
        var c = EveryCase.Single(c => c.Name == name);
        var (want, got) = (c.Run(c.Inputs(CpuDevice.Instance)), c.Run(c.Inputs(s_device)));
        for (int i = 0; i < want.Length; i++)
        {
            float[] a = want[i].ToArray(), b = got[i].ToArray();
            float largest = a.Where(float.IsFinite).Select(MathF.Abs).DefaultIfEmpty().Max();
            for (int j = 0; j < a.Length; j++) { Assert.Equal(a[j], b[j], Tolerance * (1e-3f + largest)); }
        }
    }

    private static GpuDevice Refusing()
    {
        var device = TestDevice.New();
        device.Strict = true;
        return device;
    }

    // outputs, then the gradients of Σ outputs ⊙ fixed numbers
    private static float[][] Run(Case c, Device device)
    {
        using var tape = new Tape();
        var x = c.Inputs(device);
        foreach (var input in x) { tape.Watch(input); }
        var outputs = c.Run(x);
        var loss = outputs.Select((y, i) => (y * Numbers(y.Shape, 31 + i, device)).Sum()).Aggregate((a, b) => a + b);
        var g = tape.Gradients(loss);
        return [.. outputs.Select(y => y.ToArray()), .. x.Select(t => g.Find(t)?.ToArray() ?? [])];
    }

    // the same on every device; spread over [−1, 1]
    private static Tensor Numbers(Shape shape, int seed, Device device) =>
        Tensor.Of(shape, [.. Enumerable.Range(0, shape.Size).Select(i => MathF.Sin((i * 1.7f) + (seed * 0.61f)))], device);

    private sealed record Case(string Name, Shape[] Shapes, Func<Tensor[], Tensor[]> Run)
    {
        public Tensor[] Inputs(Device device) => [.. Shapes.Select((s, i) => Numbers(s, i, device))];
    }
}
