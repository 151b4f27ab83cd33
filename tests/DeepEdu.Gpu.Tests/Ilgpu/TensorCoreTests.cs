using System.Reflection;
using System.Text.RegularExpressions;
using DeepEdu.Gpu.Kernels;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Gpu.Tests;

/// <summary>Products by tensor cores: the fragments and the instruction are those of a GPU; on ILGPU's accelerator on the processor, ordinary arithmetic stands for the instruction.</summary>
public class TensorCoreTests
{
    // 2⁻¹¹ and 2⁻⁸: half a unit in the last of 11 and 8 bits
    private static readonly Dictionary<MatMulPrecision, double> s_rounding = new() { [MatMulPrecision.High] = 1.0 / 2048, [MatMulPrecision.Medium] = 1.0 / 256 };

    private static readonly Lazy<GpuDevice> s_device = new(() => GpuDevice.All().FirstOrDefault(d => d.HasTensorCores) ?? TestDevice.New());

    /// <summary>Edges of tiles and of words, and every way that factors lie: beside exact products of the rounded factors.</summary>
    [Theory]
    [InlineData(MatMulPrecision.High, 3, 5, 2, false, false)]
    [InlineData(MatMulPrecision.High, 70, 19, 133, false, true)]
    [InlineData(MatMulPrecision.High, 131, 33, 36, true, false)]
    [InlineData(MatMulPrecision.High, 8, 20, 40, true, true)]
    [InlineData(MatMulPrecision.Medium, 3, 5, 2, true, true)]
    [InlineData(MatMulPrecision.Medium, 70, 19, 133, true, false)]
    [InlineData(MatMulPrecision.Medium, 131, 33, 36, false, true)]
    [InlineData(MatMulPrecision.Medium, 8, 68, 40, false, false)]
    public void EqualsProductsOfRoundedFactors(MatMulPrecision precision, int m, int k, int n, bool transA, bool transB) => Check(s_device.Value, precision, m, k, n, transA, transB);

    internal static void Check(GpuDevice device, MatMulPrecision precision, int m, int k, int n, bool transA, bool transB)
    {
        Rng rng = new(21);
        Tensor a = Tensor.Normal(transA ? [k, m] : [m, k], rng), b = Tensor.Normal(transB ? [n, k] : [k, n], rng), bias = Tensor.Normal([n], rng);
        var got = DeviceMatMulTests.Run(device, a, b, bias, new() { M = m, K = k, N = n, TransA = transA ? 1 : 0, TransB = transB ? 1 : 0, HasBias = 1, Relu = 1 }, Tile(precision));
        float[] x = a.ToArray(), y = b.ToArray(), z = bias.ToArray();
        for (int i = 0; i < m; i++)
        {
            for (int j = 0; j < n; j++)
            {
                double sum = z[j], sizes = Math.Abs(z[j]), exact = z[j];
                for (int q = 0; q < k; q++)
                {
                    float p = x[transA ? (q * m) + i : (i * k) + q], w = y[transB ? (j * k) + q : (q * n) + j];
                    double term = (double)Rounded(precision, p) * Rounded(precision, w);
                    (sum, sizes, exact) = (sum + term, sizes + Math.Abs(term), exact + ((double)p * w));
                }
                // float32 sums of k + 1 terms in any order; tensor cores may cut, not round, what they align
                Assert.InRange(got[(i * n) + j], Math.Max(0, sum) - (sizes * k * 1.2e-7), Math.Max(0, sum) + (sizes * k * 1.2e-7));
                Assert.Equal(Math.Max(0, exact), got[(i * n) + j], (2.01 * s_rounding[precision] * sizes) + 1e-6);
            }
        }
    }

    [Theory, InlineData(MatMulPrecision.High), InlineData(MatMulPrecision.Medium)]
    public void PiecesOfSumsAreJoined(MatMulPrecision precision)
    {
        Tensor a = Tensor.Normal([34, 70], new Rng(22)), b = Tensor.Normal([70, 36], new Rng(23));
        MatMulKernel.Plan plan = new() { M = 34, K = 70, N = 36 };
        float[] whole = DeviceMatMulTests.Run(s_device.Value, a, b, null, plan, Tile(precision)), pieces = DeviceMatMulTests.Run(s_device.Value, a, b, null, plan, Tile(precision), 3);
        for (int i = 0; i < whole.Length; i++) { Assert.Equal(whole[i], pieces[i], 2e-5f); } // 70 float32 terms in another order
    }

    /// <summary>The switch: float32 unless set, for batches and dense layers, and back.</summary>
    [Fact]
    public void TheSwitchDecides()
    {
        using var device = TestDevice.New();
        device.Strict = true;
        Assert.Equal(MatMulPrecision.Highest, device.MatMulPrecision);
        Tensor a = Tensor.Normal([2, 33, 6], new Rng(24)).To(device), b = Tensor.Normal([2, 6, 32], new Rng(25)).To(device);
        float[] exact = a.MatMul(b).ToArray();
        device.MatMulPrecision = MatMulPrecision.Medium;
        float[] rounded = a.MatMul(b).ToArray();
        Assert.NotEqual(exact, rounded);
        for (int i = 0; i < exact.Length; i++) { Assert.Equal(exact[i], rounded[i], 0.15f); } // 6 products of normal numbers, each within 2⁻⁷
        Assert.Equal(a[.., ..31].MatMul(b).ToArray(), exact.Chunk(33 * 32).SelectMany(c => c.Take(31 * 32))); // too narrow
        device.MatMulPrecision = MatMulPrecision.Highest;
        Assert.Equal(exact, a.MatMul(b).ToArray());
    }

    [Theory]
    [InlineData(1f, 1f, 1f)]
    [InlineData(-0f, -0f, -0f)]
    [InlineData(1.00048828125f, 1.0009765625f, 1f)] // 1 + 2⁻¹¹: away from 0
    [InlineData(-1.00048828125f, -1.0009765625f, -1f)]
    [InlineData(1.00390625f, 1.00390625f, 1f)] // 1 + 2⁻⁸: to even
    [InlineData(1.01171875f, 1.01171875f, 1.015625f)] // 1 + 3·2⁻⁸: to even, upwards
    [InlineData(3.4028235e38f, float.PositiveInfinity, float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity, float.NegativeInfinity, float.NegativeInfinity)]
    [InlineData(float.NaN, float.NaN, float.NaN)]
    [InlineData(1e-45f, 0f, 0f)]
    public void FactorsAreRounded(float x, float tf32, float bfloat16)
    {
        Assert.Equal(tf32, Rounded(MatMulPrecision.High, x));
        Assert.Equal(bfloat16, Rounded(MatMulPrecision.Medium, x));
        // a NaN whose few bits would be dropped
        float thin = BitConverter.Int32BitsToSingle(0x7F800001);
        Assert.True(float.IsNaN(Rounded(MatMulPrecision.High, thin)) && float.IsNaN(Rounded(MatMulPrecision.Medium, thin)));
    }

    /// <summary>16 tiles of a warp at each of two steps, in the loop and behind it, whichever way the factors lie: the text of the kernel for a GPU.</summary>
    [Theory]
    [InlineData(MatMulPrecision.High, false, true)]
    [InlineData(MatMulPrecision.High, true, false)]
    [InlineData(MatMulPrecision.Medium, false, false)]
    [InlineData(MatMulPrecision.Medium, true, true)]
    public void TheInstructionsAreThere(MatMulPrecision precision, bool transA, bool transB)
    {
        bool tf32 = precision == MatMulPrecision.High;
        string instruction = tf32 ? "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32" : "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32";
        Type word = tf32 ? typeof(Tf32) : typeof(BFloat16Pair);
        string ptx = Ptx.Of(typeof(ProductKernel<>).MakeGenericType(typeof(TensorTile<,,,>)
            .MakeGenericType(word, typeof(TensorCoreProducts<>).MakeGenericType(word), transA ? typeof(LinesTogether) : typeof(WordsTogether), transB ? typeof(WordsTogether) : typeof(LinesTogether))));
        Assert.Equal((64, 64), (Ptx.Count(ptx, instruction), Ptx.Count(ptx, "mma")));
        Assert.Equal((0, 0, 0), (Ptx.Count(ptx, ".local"), Ptx.Count(ptx, "call"), Ptx.Count(ptx, "mul.f32")));
        Assert.Empty(Regex.Matches(ptx, @"\b(ld|st)\.(v\d\.)?[fbus]\d+")); // generic
        Assert.DoesNotMatch(@"\.uni\b", ptx);
        // four words of each of four rows, two of each of four columns; for 16 products
        Assert.Equal(4 * 24, Ptx.Count(ptx, "ld.shared"));
        Assert.Equal(8, Ptx.Count(ptx, "st.shared.v4"));
        Assert.Equal(2, Ptx.Count(ptx, "bar.sync") + Ptx.Count(ptx, "barrier.sync"));
        // inline PTX ends its instructions itself, also where several stand on a line
        Assert.All(ptx.Split('\n').Where(l => Regex.IsMatch(l, @"\b(acc|out)\d+\b")), l => Assert.EndsWith(";", l.Trim(), StringComparison.Ordinal));
        // every register of the sums is set once, summed at each of the four steps and stored once
        for (int i = 0; i < 64; i++) { Assert.Equal(10, Regex.Count(ptx, $@"\bacc{i}\b")); }
    }

    private static float Rounded(MatMulPrecision precision, float x) =>
        BitConverter.Int32BitsToSingle(precision == MatMulPrecision.High ? Kernels.Tf32.Round(x) : BFloat16Pair.Round(x) << 16);

    private static ProductTile Tile(MatMulPrecision precision) => precision == MatMulPrecision.High ? ProductTile.Tf32 : ProductTile.BFloat16;
}
