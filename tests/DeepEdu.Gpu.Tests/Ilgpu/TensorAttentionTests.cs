using System.Text.RegularExpressions;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Gpu.Kernels;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Gpu.Tests;

/// <summary>Attention by tensor cores and its gradients.</summary>
public class TensorAttentionTests
{
    private static readonly Dictionary<string, (Shape[] Shapes, Func<Tensor[], Tensor> Run)> s_cases = new()
    {
        ["rows that begin on 16 bytes"] = ([[2, 33, 24], [2, 37, 24], [2, 37, 16]], x => x[0].Attention(x[1], x[2], 2)),
        ["several blocks, values of more than one"] = ([[1, 67, 18], [1, 70, 18], [1, 70, 66]], x => x[0].Attention(x[1], x[2], scale: 0.2f)),
        ["causal, several blocks"] = ([[1, 70, 4], [1, 66, 4], [1, 66, 4]], x => x[0].Attention(x[1], x[2], 1, AttentionMask.Past)),
        ["lengths, causal with an offset"] = ([[2, 34, 8], [2, 40, 8], [2, 40, 6]], x => x[0].Attention(x[1], x[2], 2, new() { Lengths = Indices.Of(33, 0), Causal = true, Offset = 1 })),
        ["scores, one row of −∞"] = ([[2, 34, 8], [2, 40, 8], [2, 40, 6], [2, 2, 34, 40]], x => x[0].Attention(x[1], x[2], 2, new() { Scores = Hidden(x[3].Detach()) })),
        ["dropout"] = ([[2, 34, 8], [2, 40, 8], [2, 40, 6]], x => x[0].Attention(x[1], x[2], 2, dropout: 0.4f, rng: new(5))),
        ["self-attention"] = ([[2, 40, 48]], x => x[0].SelfAttention(2, AttentionMask.Past)),
    };

    public static TheoryData<string> Cases => [.. s_cases.Keys];

    /// <summary>With every option and odd shapes the processor's values and gradients, but for what TF32 drops: 2⁻¹¹ of each factor, of sums of up to 70 terms that are hardly larger than one.</summary>
    [Theory, MemberData(nameof(Cases))]
    public void IsThatOfTheProcessorRounded(string name) => Check(name, Device());

    internal static void Check(string name, GpuDevice device)
    {
        var (shapes, run) = s_cases[name];
        float[][] want = Run(shapes, run, CpuDevice.Instance, 24), got = Run(shapes, run, device, 24);
        for (int i = 0; i < want.Length; i++)
        {
            Assert.Equal(want[i].Length, got[i].Length);
            float largest = want[i].Max(MathF.Abs), worst = 0;
            for (int j = 0; j < want[i].Length; j++)
            {
                Assert.True(MathF.Abs(want[i][j] - got[i][j]) <= 1e-2f * largest, $"{name}: value {j} of result {i} is {got[i][j]:g9}, expected {want[i][j]:g9}");
                worst = Math.Max(worst, MathF.Abs(want[i][j] - got[i][j]));
            }
            Assert.True(worst > 2e-6f * largest, $"{name}: nothing of result {i} was rounded");
        }
    }

    /// <summary>Of numbers that TF32 holds exactly only weights and their gradients are rounded: each term of a sum by 2⁻¹¹ of itself at most. Beside the sums in double precision.</summary>
    [Fact]
    public void EachTermIsRoundedOnce()
    {
        const int Queries = 66, Keys = 70, Width = 10;
        const double Rounding = 1.0 / 2048, Float = 1e-5;
        Shape[] shapes = [[1, Queries, Width], [1, Keys, Width], [1, Keys, Width]];
        var got = Run(shapes, x => x[0].Attention(x[1], x[2], scale: 0.25f), Device(), 8);
        double[][] x = [.. shapes.Select((s, i) => Numbers(s, i, 8, CpuDevice.Instance).ToArray().Select(v => (double)v).ToArray())];
        double[] dy = [.. Numbers([1, Queries, Width], 31, 8, CpuDevice.Instance).ToArray().Select(v => (double)v)];
        double[] dk = new double[Keys * Width], dkSizes = new double[Keys * Width], dv = new double[Keys * Width], dvSizes = new double[Keys * Width];
        for (int i = 0; i < Queries; i++)
        {
            double[] s = [.. Enumerable.Range(0, Keys).Select(j => 0.25 * Dot(x[0], i, x[1], j))], p = [.. s.Select(v => Math.Exp(v - s.Max()))];
            double sum = p.Sum(), delta = 0, deltaSize = 0;
            for (int j = 0; j < Keys; j++) { p[j] /= sum; }
            for (int e = 0; e < Width; e++)
            {
                double y = 0, sizes = 0;
                for (int j = 0; j < Keys; j++) { (y, sizes) = (y + (p[j] * x[2][(j * Width) + e]), sizes + (p[j] * Math.Abs(x[2][(j * Width) + e]))); }
                Near(y, got[0][(i * Width) + e], (Rounding + Float) * sizes);
                double d = dy[(i * Width) + e];
                (delta, deltaSize) = (delta + (d * y), deltaSize + (Math.Abs(d) * sizes));
            }
            double[] dq = new double[Width], dqSizes = new double[Width];
            for (int j = 0; j < Keys; j++)
            {
                double ds = 0.25 * p[j] * (Dot(dy, i, x[2], j) - delta), size = (Rounding * Math.Abs(ds)) + (0.25 * p[j] * ((Rounding * deltaSize) + (Float * (deltaSize + Width))));
                for (int e = 0; e < Width; e++)
                {
                    double q = x[0][(i * Width) + e], k = x[1][(j * Width) + e], d = dy[(i * Width) + e];
                    (dq[e], dqSizes[e]) = (dq[e] + (ds * k), dqSizes[e] + (size * Math.Abs(k)));
                    (dk[(j * Width) + e], dkSizes[(j * Width) + e]) = (dk[(j * Width) + e] + (ds * q), dkSizes[(j * Width) + e] + (size * Math.Abs(q)));
                    (dv[(j * Width) + e], dvSizes[(j * Width) + e]) = (dv[(j * Width) + e] + (p[j] * d), dvSizes[(j * Width) + e] + ((Rounding + Float) * p[j] * Math.Abs(d)));
                }
            }
            for (int e = 0; e < Width; e++) { Near(dq[e], got[1][(i * Width) + e], dqSizes[e]); }
        }
        for (int i = 0; i < Keys * Width; i++)
        {
            Near(dk[i], got[2][i], dkSizes[i]);
            Near(dv[i], got[3][i], dvSizes[i]);
        }

        static double Dot(double[] a, int i, double[] b, int j) => Enumerable.Range(0, Width).Sum(e => a[(i * Width) + e] * b[(j * Width) + e]);
        static void Near(double want, float got, double bound) => Assert.InRange(got, want - bound - 1e-12, want + bound + 1e-12);
    }

    /// <summary>The switch: float32 unless set, TF32 for both other values, and float32 where a side is narrow; and back.</summary>
    [Fact]
    public void TheSwitchDecides()
    {
        var device = TestDevice.New();
        device.Strict = true;
        var (shapes, run) = s_cases["rows that begin on 16 bytes"];
        float[][] exact = Run(shapes, run, device, 24), narrow = Narrow();
        device.MatMulPrecision = MatMulPrecision.High;
        float[][] high = Run(shapes, run, device, 24);
        device.MatMulPrecision = MatMulPrecision.Medium;
        float[][] medium = Run(shapes, run, device, 24);
        for (int i = 0; i < exact.Length; i++)
        {
            Assert.NotEqual(exact[i], high[i]);
            Assert.Equal(high[i], medium[i]);
        }
        Assert.Equal(narrow, Narrow());
        device.MatMulPrecision = MatMulPrecision.Highest;
        Assert.Equal(exact, Run(shapes, run, device, 24));

        float[][] Narrow() => Run([[1, 31, 8], [1, 40, 8], [1, 40, 8]], x => x[0].Attention(x[1], x[2]), device, 24);
    }

    /// <summary>The text of the kernels for a GPU: four products of a warp at each of two steps along every sum; everything in registers, and no more shared memory than every GPU gives.</summary>
    [Theory]
    [InlineData(typeof(AttentionForwardKernel<TensorAttention<TensorCoreRow>>), 2, 1)]
    [InlineData(typeof(AttentionQueryPull<TensorAttention<TensorCoreRow>>), 3, 1)]
    [InlineData(typeof(AttentionKeyPull<TensorAttention<TensorCoreRow>>), 4, 2)]
    public void TheInstructionsAreThere(Type kernel, int sums, int results)
    {
        string ptx = Ptx.Of(kernel);
        Assert.Equal((8 * sums, 8 * sums), (Ptx.Count(ptx, "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32"), Ptx.Count(ptx, "mma")));
        Assert.Equal((0, 0), (Ptx.Count(ptx, ".local"), Ptx.Count(ptx, "call")));
        Assert.Empty(Regex.Matches(ptx, @"\b(ld|st)\.(v\d\.)?[fbus]\d+")); // generic
        Assert.DoesNotMatch(@"\.uni\b", ptx);
        Ptx.DividesAsShouldBe(ptx);
        // begun with once a sum, summed at each of its two steps; shown once a block of scores; of results stored alone or, after two products, two at a time
        for (int i = 0; i < 16; i++) { Assert.Equal((5 * sums) + (sums - results) + (results * 5), Regex.Count(ptx, $@"\bacc{i}\b")); }
        Assert.Equal(8 * results, Ptx.Count(ptx, "st.global.v2.f32"));
        // factors go to shared memory sixteen bytes at a time: two of a sum of scores, one of weights
        Assert.Equal((2 * (sums - results)) + results, Ptx.Count(ptx, "st.shared.v4"));
        Assert.InRange(Regex.Matches(ptx, @"\.shared .*\[(\d+)\];").Sum(m => int.Parse(m.Groups[1].Value)), 1, 48 * 1024);
    }

    // y, and the gradients of Σ y ⊙ fixed numbers of so many bits
    private static float[][] Run(Shape[] shapes, Func<Tensor[], Tensor> run, Device device, int bits)
    {
        using var tape = new Tape();
        Tensor[] x = [.. shapes.Select((s, i) => Numbers(s, i, bits, device))];
        foreach (var one in x.AsSpan(0, Math.Min(3, x.Length))) { tape.Watch(one); }
        var y = run(x);
        var g = tape.Gradients(y, Numbers(y.Shape, 31, bits, device));
        return [y.ToArray(), .. x.Take(3).Select(t => g[t].ToArray())];
    }

    private static GpuDevice Device()
    {
        var device = TestDevice.New();
        (device.Strict, device.MatMulPrecision) = (true, MatMulPrecision.High);
        return device;
    }

    private static Tensor Hidden(Tensor scores)
    {
        float[] minus = new float[scores.Size];
        Array.Fill(minus, float.NegativeInfinity, 40, 40);
        return scores + Tensor.Of(scores.Shape, minus, scores.Device);
    }

    private static Tensor Numbers(Shape shape, int seed, int bits, Device device)
    {
        float unit = 1 << (bits - 1);
        return Tensor.Of(shape, [.. Enumerable.Range(0, shape.Size).Select(i => MathF.Round(MathF.Sin((i * 1.7f) + (seed * 0.61f)) * unit) / unit)], device);
    }
}
