using DeepEdu.Devices;
using DeepEdu.Kernels;
using DeepEdu.Lanes;

namespace DeepEdu.Tests.Kernels;

/// <summary>The product against sums in double precision, at every width, around every edge of a tile.</summary>
[Collection("alone")]
public sealed unsafe class GemmTests
{
    // sizes around vectors of 4, 8, 16 and tiles of 4 and 8 rows, 12, 24 and 48 columns
    private static readonly int[] s_sizes = [1, 2, 3, 4, 5, 7, 8, 9, 12, 13, 15, 16, 17, 23, 24, 31, 32, 33, 47, 48, 49, 63, 65, 67];

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void SmallSizesAtEveryWidth(bool transA, bool transB)
    {
        var random = new Random(1);
        for (int i = 0; i < 1500; i++)
        {
            int m = s_sizes[random.Next(s_sizes.Length)], n = s_sizes[random.Next(s_sizes.Length)], k = random.Next(20) == 0 ? 0 : s_sizes[random.Next(s_sizes.Length)];
            Check(new Case(random, transA, transB, m, n, k));
        }
    }

    [Theory]
    [InlineData(false, false, 200, 300, 700)]
    [InlineData(false, true, 129, 513, 1300)]
    [InlineData(true, false, 130, 400, 600)]
    [InlineData(true, true, 257, 99, 641)]
    [InlineData(false, false, 80, 100, 1024)] // rows of A 4 KiB apart: packed
    [InlineData(false, true, 32, 300, 1300)] // A turned round instead of B
    [InlineData(false, true, 46, 77, 200)]
    [InlineData(false, true, 64, 1001, 130)]
    [InlineData(false, false, 390, 200, 650)] // B packed from rows of its own
    [InlineData(true, false, 64, 64, 5000)] // k in pieces
    [InlineData(true, false, 10, 3, 20001)]
    [InlineData(false, true, 5, 40, 9000)]
    [InlineData(false, false, 1, 700, 900)] // vectors times matrices
    [InlineData(false, true, 1, 700, 900)]
    [InlineData(true, true, 1, 700, 900)]
    [InlineData(false, false, 700, 1, 900)]
    [InlineData(true, false, 700, 1, 900)]
    [InlineData(false, true, 7, 1, 30000)]
    [InlineData(true, false, 7, 1, 30000)]
    [InlineData(false, true, 47, 1, 4096)] // and more rows than a vector has lanes, of which each takes the one bias
    [InlineData(false, false, 20, 1, 5000)]
    [InlineData(false, false, 1, 1, 30000)]
    [InlineData(false, false, 3000, 1, 5)]
    [InlineData(false, false, 5000, 16, 8)]
    [InlineData(false, false, 300, 1001, 1)] // a column times a row
    [InlineData(true, true, 257, 320, 1)]
    public void LargeSizesAtEveryWidth(bool transA, bool transB, int m, int n, int k)
    {
        var random = new Random(m + n + k);
        for (int i = 0; i < 3; i++) { Check(new Case(random, transA, transB, m, n, k)); }
    }

    [Theory]
    [InlineData(false, false, 300, 200, 100)]
    [InlineData(false, true, 64, 500, 400)]
    [InlineData(false, true, 32, 700, 900)]
    [InlineData(true, false, 64, 64, 10000)]
    [InlineData(false, false, 1, 2001, 1000)]
    [InlineData(false, true, 1, 2000, 1000)]
    [InlineData(true, true, 100, 1, 9000)]
    [InlineData(false, true, 900, 333, 1)]
    [InlineData(false, true, 1000, 130, 300)]
    [InlineData(false, true, 600, 100, 1100)]
    [InlineData(false, true, 4, 300, 260)]
    [InlineData(false, true, 11, 301, 333)]
    public void ThreadsDoNotChangeBits(bool transA, bool transB, int m, int n, int k)
    {
        var test = new Case(new Random(7), transA, transB, m, n, k);
        if (F16.IsSupported) { Alike(test.Product<F16>); }
        if (F8.IsSupported) { Alike(test.Product<F8>); }
        if (F4.IsSupported) { Alike(test.Product<F4>); }
        Alike(test.Product<F1>);
    }

    private static void Alike(Func<float[]> product)
    {
        int before = DeepEduOptions.MaxThreads;
        try
        {
            DeepEduOptions.MaxThreads = 1;
            float[] one = product();
            foreach (int threads in new[] { 2, 8 })
            {
                DeepEduOptions.MaxThreads = threads;
                for (int i = 0; i < 3; i++) { Assert.Equal(one, product()); }
            }
        }
        finally { DeepEduOptions.MaxThreads = before; }
    }

    // k in one block, in two, and in pieces; a last panel of every width
    [Theory]
    [InlineData(16, 2, 3)]
    [InlineData(64, 96, 128)]
    [InlineData(65, 65, 700)]
    [InlineData(100, 133, 641)]
    [InlineData(40, 17, 3000)]
    [InlineData(64, 500, 1300)]
    [InlineData(32, 130, 650)]
    public void PackedWeightsGiveTheSameBits(int m, int n, int k)
    {
        var random = new Random(n);
        float[] a = Values(random, m * k), b = Values(random, n * k), bias = Values(random, n), packed = new float[GemmPanels.Length(n, k)], c = new float[m * n], expected = new float[m * n];
        foreach (bool relu in new[] { false, true })
        {
            fixed (float* pa = a, pb = b, pp = packed, pc = c, pe = expected, pbias = bias)
            {
                foreach (bool transB in new[] { false, true })
                {
                    int ldb = transB ? k : n;
                    GemmPanels.Pack(transB, n, k, pb, ldb, pp);
                    Gemm.Run(false, transB, m, n, k, pa, k, pb, ldb, pe, n, epilogue: new(pbias, relu));
                    Gemm.Run(false, false, m, n, k, pa, k, pp, -k, pc, n, epilogue: new(pbias, relu));
                    Assert.Equal(expected, c);
                }
            }
        }
    }

    [Theory]
    [InlineData(37, 5, 6, 7)]
    [InlineData(3, 150, 160, 170)]
    [InlineData(2, 300, 310, 320)]
    public void BatchIsOneProductAfterTheOther(int count, int m, int n, int k)
    {
        var random = new Random(3);
        float[] a = Values(random, count * m * k), b = Values(random, k * n), c = new float[count * m * n], expected = new float[count * m * n];
        fixed (float* pa = a, pb = b, pc = c, pe = expected)
        {
            Gemm.Batch(count, false, false, m, n, k, pa, k, m * k, pb, n, 0, pc, n, m * n); // a stride of 0: one B for all
            for (int i = 0; i < count; i++) { Gemm.Run(false, false, m, n, k, pa + (i * m * k), k, pb, n, pe + (i * m * n), n); }
        }
        Assert.Equal(expected, c);
    }

    [Fact]
    public void NotANumberStaysThroughRelu()
    {
        float a = float.NaN, b = 1, c = 0;
        Gemm.Run(false, false, 1, 1, 1, &a, 1, &b, 1, &c, 1, false, new Epilogue(null, true));
        Assert.True(float.IsNaN(c));
    }

    private static void Check(Case test)
    {
        test.Check(test.Product<F1>());
        test.Check(test.Product<F4>());
        test.Check(test.Product<F8>());
        test.Check(test.Product<F16>());
    }

    private static float[] Values(Random random, int count)
    {
        var values = new float[count];
        for (int i = 0; i < count; i++) { values[i] = (random.NextSingle() * 2) - 1; }
        return values;
    }

    private sealed class Case
    {
        private const float Guard = 12345.5f;
        private readonly bool _transA, _transB, _accumulate, _relu;
        private readonly int _m, _n, _k, _lda, _ldb, _ldc;
        private readonly float[] _a, _b, _c;
        private readonly float[]? _bias;
        private readonly double[] _expected;

        public Case(Random random, bool transA, bool transB, int m, int n, int k)
        {
            (_transA, _transB, _m, _n, _k) = (transA, transB, m, n, k);
            int gap = random.Next(3);
            (_lda, _ldb, _ldc) = ((transA ? m : k) + gap, (transB ? k : n) + random.Next(3), n + random.Next(2) * 3);
            _accumulate = random.Next(2) == 0;
            _relu = random.Next(3) == 0;
            _a = Values(random, Length(transA ? k : m, transA ? m : k, _lda));
            _b = Values(random, Length(transB ? n : k, transB ? k : n, _ldb));
            _c = Values(random, m * _ldc + 7);
            for (int i = 0; i < _c.Length; i++) { if (i % _ldc >= n || i >= m * _ldc) { _c[i] = Guard; } }
            _bias = random.Next(2) == 0 ? null : Values(random, n);
            _expected = new double[m * n];
            for (int i = 0; i < m; i++)
            {
                for (int j = 0; j < n; j++)
                {
                    double sum = (_accumulate ? _c[(i * _ldc) + j] : 0) + (_bias is null ? 0 : _bias[j]);
                    for (int p = 0; p < k; p++) { sum += (double)_a[transA ? (p * _lda) + i : (i * _lda) + p] * _b[transB ? (j * _ldb) + p : (p * _ldb) + j]; }
                    _expected[(i * n) + j] = _relu ? Math.Max(0, sum) : sum;
                }
            }
        }

        public float[] Product<L>() where L : struct, IVectorLane<L>, ILane<L>
        {
            float[] c = [.. _c];
            // values behind the factors' ends and the bias's would show up in the sums
            float[] a = [.. _a, .. Enumerable.Repeat(float.NaN, 64)], b = [.. _b, .. Enumerable.Repeat(float.NaN, 64)];
            float[]? ownBias = _bias is null ? null : [.. _bias, .. Enumerable.Repeat(float.NaN, 64)];
            fixed (float* pa = a, pb = b, pc = c, bias = ownBias)
            {
                Gemm.Run<L>(_transA, _transB, _m, _n, _k, pa, _lda, pb, _ldb, pc, _ldc, _accumulate, new Epilogue(bias, _relu));
            }
            return c;
        }

        public void Check(float[] c)
        {
            // each of k products below 1 is rounded to 2⁻²⁴ of a sum that seldom passes 4·√k
            double tolerance = 1e-6 * (4 + Math.Sqrt(_k)) * Math.Sqrt(_k + 1);
            for (int i = 0; i < c.Length; i++)
            {
                int row = i / _ldc, column = i % _ldc;
                if (row >= _m || column >= _n)
                {
                    Assert.True(c[i] == Guard, $"{this}: wrote [{row},{column}]");
                }
                else if (!(Math.Abs(c[i] - _expected[(row * _n) + column]) <= tolerance))
                {
                    Assert.Fail($"{this}: [{row},{column}] is {c[i]}, should be {_expected[(row * _n) + column]}");
                }
            }
        }

        public override string ToString()
            => $"{(_transA ? 'T' : 'N')}{(_transB ? 'T' : 'N')} {_m}x{_n}x{_k} ld {_lda} {_ldb} {_ldc}{(_accumulate ? " accumulate" : "")}{(_bias is null ? "" : " bias")}{(_relu ? " relu" : "")}";

        private static int Length(int rows, int columns, int ld) => rows == 0 ? 0 : ((rows - 1) * ld) + columns;
    }
}
