using System.Text.RegularExpressions;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Gpu.Kernels;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Gpu.Tests;

/// <summary>Convolutions by tensor cores and their gradients.</summary>
public class TensorConvTests
{
    private static readonly Dictionary<string, (int Images, int C, int H, int W, int OutC, int KH, int KW, (int, int) Stride, (int, int) Padding, (int, int) Dilation, int Groups)> s_sizes = new()
    {
        ["one tile, sum of a part of one"] = (2, 1, 6, 7, 32, 3, 3, (1, 1), (0, 0), (1, 1), 1), // fours of dy
        ["edges of tiles, several along every side"] = (3, 35, 9, 7, 70, 3, 2, (1, 1), (1, 0), (1, 1), 1),
        ["fours of the weight"] = (1, 36, 8, 5, 33, 3, 3, (1, 1), (1, 1), (1, 1), 1),
        ["stride 2, 3, dilation 2, 1"] = (2, 32, 11, 10, 33, 3, 2, (2, 3), (2, 1), (2, 1), 1),
        ["groups"] = (2, 64, 5, 6, 66, 2, 3, (1, 1), (0, 1), (1, 1), 2),
        ["side 1"] = (5, 33, 3, 4, 34, 1, 1, (1, 1), (0, 0), (1, 1), 1),
    };

    public static TheoryData<string> Sizes => [.. s_sizes.Keys];

    /// <summary>Of factors that TF32 holds exactly every product is exact, so results are float32's but for the order of sums: the processor's.</summary>
    [Theory, MemberData(nameof(Sizes))]
    public void OfShortNumbersIsFloat32(string name)
    {
        var want = Run(name, CpuDevice.Instance, 11);
        var got = Run(name, Device(), 11);
        for (int i = 0; i < want.Length; i++)
        {
            Assert.Equal(want[i].Length, got[i].Length);
            float largest = want[i].Max(MathF.Abs);
            for (int j = 0; j < want[i].Length; j++) { Assert.True(MathF.Abs(want[i][j] - got[i][j]) <= 1e-5f * largest, $"{name}: value {j} of result {i} is {got[i][j]:g9}, expected {want[i][j]:g9}"); }
        }
    }

    /// <summary>Other numbers lose what TF32 drops: up to 2⁻¹¹ of each factor of sums of 300 terms that are hardly larger than one; with the switch at Highest they do not.</summary>
    [Theory, InlineData(MatMulPrecision.High, 1e-2f, true), InlineData(MatMulPrecision.Medium, 1e-2f, true), InlineData(MatMulPrecision.Highest, 1e-5f, false)]
    public void OtherNumbersAreRounded(MatMulPrecision precision, float tolerance, bool rounds)
    {
        var device = Device();
        device.MatMulPrecision = precision;
        var want = Run("fours of the weight", CpuDevice.Instance, 24);
        var got = Run("fours of the weight", device, 24);
        for (int i = 0; i < 3; i++)
        {
            float largest = want[i].Max(MathF.Abs), worst = want[i].Zip(got[i], (a, b) => MathF.Abs(a - b)).Max();
            Assert.InRange(worst, rounds ? 1e-5f * largest : 0, tolerance * largest);
        }
    }

    /// <summary>The text of the kernel for a GPU: 16 products of a warp at each of two steps, in the loop and behind it; everything in registers.</summary>
    [Theory]
    [InlineData(typeof(ConvForwardProduct))]
    [InlineData(typeof(ConvInputProduct<NoStrides>))]
    [InlineData(typeof(ConvInputProduct<SomeStrides>))]
    [InlineData(typeof(ConvWeightProduct))]
    public void TheInstructionsAreThere(Type product)
    {
        string ptx = Ptx.Of(typeof(ConvTensorTiles<,>).MakeGenericType(product, typeof(TensorCoreProducts<Tf32>)));
        Assert.Equal((64, 64), (Ptx.Count(ptx, "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32"), Ptx.Count(ptx, "mma")));
        Assert.Equal((0, 0), (Ptx.Count(ptx, ".local"), Ptx.Count(ptx, "call")));
        Assert.Empty(Regex.Matches(ptx, @"\b(ld|st)\.(v\d\.)?[fbus]\d+")); // generic
        Assert.DoesNotMatch(@"\.uni\b", ptx);
        Ptx.DividesAsShouldBe(ptx);
        // twelve of factors (a four of A and two of B, half a tile at a time, before the loop and in it), three of places
        Assert.Equal(12 + 3, Ptx.Count(ptx, "st.shared.v4"));
        for (int i = 0; i < 64; i++) { Assert.Equal(10, Regex.Count(ptx, $@"\bacc{i}\b")); }
    }

    // y, dx, dweight of numbers of so many bits
    private static float[][] Run(string name, Device device, int bits)
    {
        var s = s_sizes[name];
        using var tape = new Tape();
        Tensor x = tape.Watch(Numbers([s.Images, s.C, s.H, s.W], 1, bits, device)), w = tape.Watch(Numbers([s.OutC, s.C / s.Groups, s.KH, s.KW], 2, bits, device)), b = Numbers([s.OutC], 3, bits, device);
        var y = x.Conv2d(w, b, s.Stride, s.Padding, s.Dilation, s.Groups);
        var g = tape.Gradients(y, Numbers(y.Shape, 4, bits, device));
        return [y.ToArray(), g[x].ToArray(), g[w].ToArray(), .. s.Stride == (1, 1) ? [x.Conv2dRelu(w, b, padding: s.Padding, groups: s.Groups).ToArray()] : Array.Empty<float[]>()];
    }

    private static GpuDevice Device()
    {
        var device = TestDevice.New();
        (device.Strict, device.MatMulPrecision) = (true, MatMulPrecision.High);
        return device;
    }

    private static Tensor Numbers(Shape shape, int seed, int bits, Device device)
    {
        float unit = 1 << (bits - 1);
        return Tensor.Of(shape, [.. Enumerable.Range(0, shape.Size).Select(i => MathF.Round(MathF.Sin((i * 1.7f) + (seed * 0.61f)) * unit) / unit)], device);
    }
}
