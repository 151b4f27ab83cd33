using System.Runtime.CompilerServices;
using DeepEdu.Devices;
using DeepEdu.Lanes;
using DeepEdu.Memory;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Devices;

/// <summary>The five loops against plain loops, at lengths around every width and chunk.</summary>
[Trait("Width", "yes")]
[Collection("alone")]
public class CpuDeviceTests
{
    private static readonly CpuDevice s_cpu = CpuDevice.Instance;

    public static TheoryData<int> Lengths => [.. Enumerable.Range(0, 68), CpuDevice.Grain - 1, CpuDevice.Grain, CpuDevice.Grain + 1, (3 * CpuDevice.Grain) + 5];

    [Theory]
    [MemberData(nameof(Lengths))]
    public void MapTouchesItsRangeAndNothingElse(int n)
    {
        var x = Random(n + 2, 1).Alias([n], 1);
        var whole = Tensor.Full([n + 2], -7);
        var y = whole.Alias([n], 1);
        s_cpu.Map(default(TwicePlusOne), x.View, y.View);
        float[] xs = x.ToArray(), ys = y.ToArray();
        for (int i = 0; i < n; i++) { Assert.Equal((2 * xs[i]) + 1, ys[i]); }
        Assert.Equal((-7, -7), (whole.ToArray()[0], whole.ToArray()[^1]));
    }

    // shapes of a and b, the result's
    [Theory]
    [InlineData(new[] { 3, 5 }, new[] { 5 })]
    [InlineData(new[] { 5 }, new[] { 3, 5 })]
    [InlineData(new[] { 3, 1 }, new[] { 1, 5 })]
    [InlineData(new[] { 2, 3, 4, 5 }, new[] { 3, 1, 5 })]
    [InlineData(new[] { 2, 1, 4, 1 }, new[] { 1, 3, 1, 67 })]
    [InlineData(new[] { 1 }, new[] { 40000 })]
    [InlineData(new int[0], new[] { 33 })]
    [InlineData(new[] { 700, 1 }, new[] { 70 })]
    [InlineData(new[] { 0, 3 }, new[] { 3 })]
    [InlineData(new[] { 2, 1, 2, 1, 2, 1, 2 }, new[] { 1, 2, 1, 2, 1, 2, 1 })]
    public void ZipBroadcastsAsNumPyDoes(int[] left, int[] right)
    {
        Tensor a = Random(Shape.Create(left), 1), b = Random(Shape.Create(right), 2);
        var shape = Shape.Broadcast("test", a.Shape, b.Shape);
        var y = Tensor.Full(shape, float.NaN);
        s_cpu.Zip(default(Minus), a.View, b.View, y.View, Broadcasting.Plan("test", shape, a.Shape, b.Shape, shape));
        float[] xa = a.ToArray(), xb = b.ToArray(), got = y.ToArray();
        for (int i = 0; i < got.Length; i++) { Assert.Equal(xa[Place(i, shape, a.Shape)] - xb[Place(i, shape, b.Shape)], got[i]); }
    }

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(7, 13, 1)]
    [InlineData(1, 100_000, 1)]
    [InlineData(3, 5000, 1)]
    [InlineData(2, 9, 67)]
    [InlineData(1, 300, 5)]
    [InlineData(4, 1, 33)]
    [InlineData(3, 0, 4)]
    [InlineData(0, 3, 4)]
    public void FoldIsTheSumInDouble(int outer, int n, int inner)
    {
        var x = Random([outer, n, inner], 3);
        var y = Tensor.Full([outer, inner], float.NaN);
        s_cpu.Fold(default(Total), x.View, outer, n, inner, y.View);
        float[] xs = x.ToArray(), ys = y.ToArray();
        for (int o = 0; o < outer; o++)
        {
            for (int k = 0; k < inner; k++)
            {
                double sum = 0, size = 0;
                for (int i = 0; i < n; i++)
                {
                    sum += xs[(((o * n) + i) * inner) + k];
                    size += Math.Abs(xs[(((o * n) + i) * inner) + k]);
                }
                // each addition rounds by half an ulp of a partial sum; partial sums stay far below the sum of sizes
                Assert.Equal(sum, ys[(o * inner) + k], (size * 1e-6) + 1e-12);
            }
        }
    }

    [Theory]
    [InlineData(1, 1_000_000, 2)]
    [InlineData(2, 300_000, 3)]
    [InlineData(1, 1_000_000, 1)]
    public void LongSumsKeepTheirDigits(int outer, int n, int inner)
    {
        var y = Tensor.Empty([outer, inner]);
        s_cpu.Fold(default(Total), Tensor.Full([outer, n, inner], 0.1f).View, outer, n, inner, y.View);
        // added one after the other, a million tenths would be 1 % off; pieces of 4096 round far less
        Assert.All(y.ToArray(), sum => Assert.Equal(1, sum / (0.1f * (double)n), 1e-4));
    }

    [Theory]
    [MemberData(nameof(Lengths))]
    public void UpdateStepsEachValueOnce(int n)
    {
        Tensor w = Random(n, 4), g = Random(n, 5), m = Random(n, 6);
        float[] w0 = w.ToArray(), g0 = g.ToArray(), m0 = m.ToArray();
        s_cpu.Update(default(Momentum), w.View, g.View, m.View, default, default);
        for (int i = 0; i < n; i++)
        {
            Assert.Equal((0.5f * m0[i]) + g0[i], m.AsSpan()[i]);
            Assert.Equal(w0[i] - ((0.5f * m0[i]) + g0[i]), w.AsSpan()[i]);
        }
    }

    [Fact]
    public void AResultLongerThanTheCachesHasTheBitsOfItsParts()
    {
        // it is written past the caches, but for an end that fills no vector
        const int N = (1 << 23) + 21, Part = 1 << 20;
        using var arena = new Arena();
        var x = Tensor.Uniform([N], new Rng(3), -9, 9);
        ReadOnlySpan<float> from = x.AsSpan(), all = x.Sigmoid().AsSpan();
        for (int i = 0; i < N; i += Part)
        {
            int n = Math.Min(Part, N - i);
            using var inner = new Arena();
            Assert.True(all.Slice(i, n).SequenceEqual(Tensor.Of([n], from.Slice(i, n)).Sigmoid().AsSpan()), $"between {i} and {i + n}");
        }
    }

    [Fact]
    public void ThreadsNeverChangeABit()
    {
        var x = Random([3, 70_001], 7);
        int threads = DeepEduOptions.MaxThreads;
        var results = new List<float[]>();
        try
        {
            foreach (int t in new[] { 1, 2, 3, 8 })
            {
                DeepEduOptions.MaxThreads = t;
                Tensor rows = Tensor.Empty([3]), columns = Tensor.Empty([70_001]);
                s_cpu.Fold(default(Total), x.View, 3, 70_001, 1, rows.View);
                s_cpu.Fold(default(Total), x.View, 1, 3, 70_001, columns.View);
                results.Add([.. rows.ToArray(), .. columns.ToArray()]);
            }
        }
        finally { DeepEduOptions.MaxThreads = threads; }
        Assert.All(results, r => Assert.Equal(results[0], r));
    }

    private static Tensor Random(int n, ulong stream) => Random([n], stream);

    private static Tensor Random(Shape shape, ulong stream) => Tensor.Uniform(shape, new Rng(11, stream), -1, 1);

    private static int Place(int flat, Shape of, Shape operand)
    {
        int place = 0, step = 1;
        for (int i = 1; i <= of.Rank; i++)
        {
            int at = flat % of[^i];
            flat /= of[^i];
            if (i > operand.Rank) { continue; }
            place += operand[^i] == 1 ? 0 : at * step;
            step *= operand[^i];
        }
        return place;
    }

    private readonly struct TwicePlusOne : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => (2f * x) + 1f;
    }

    private readonly struct Minus : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L a, L b) where L : struct, ILane<L> => a - b;
    }

    private readonly struct Total : IFold
    {
        public float Start => 0;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Step<L>(L acc, L x) where L : struct, ILane<L> => acc + x;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Join<L>(L a, L b) where L : struct, ILane<L> => a + b;
    }

    private readonly struct Momentum : IUpdate
    {
        public static int States => 1;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Step<L>(ref L w, L g, ref L s1, ref L s2, ref L s3) where L : struct, ILane<L>
        {
            s1 = (0.5f * s1) + g;
            w -= s1;
        }
    }
}
