using DeepEdu.Autograd;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;
using FsCheck;
using FsCheck.Fluent;

namespace DeepEdu.Tests.Ops;

/// <summary>Order, extremes and columns of rows of every length, few and many of them, beside plain loops: values with many equals, both zeros, infinities and NaNs, compared bit by bit.</summary>
[Trait("Width", "yes")]
public class OrderProperties
{
    private static readonly float[] s_special = [0, -0f, float.NaN, float.PositiveInfinity, float.NegativeInfinity, float.Epsilon, -float.Epsilon];

    [Fact]
    public void RowsAreSortedAsLists() => ForAll((x, rng) =>
    {
        int n = x.Shape[1], inner = x.Shape[2], k = rng.Next(n + 1);
        bool descending = rng.Next(2) == 0;
        float[] values = x.ToArray();
        var (sorted, order) = x.Sort(1, descending);
        var (top, places) = x.TopK(k, 1, descending);
        for (int row = 0; row < x.Shape[0] * inner; row++)
        {
            int at = (row / inner * n * inner) + (row % inner), atTop = (row / inner * k * inner) + (row % inner);
            int[] all = [.. Enumerable.Range(0, n)];
            var keys = all.Select(j => values[at + (j * inner)] is var v && float.IsNaN(v) ? (1, 0) : (0, v)).ToArray();
            int[] want = [.. descending ? all.OrderByDescending(j => keys[j]) : all.OrderBy(j => keys[j])];
            Assert.Equal(want, all.Select(j => order.Span[at + (j * inner)]));
            Assert.Equal(want.Take(k), Enumerable.Range(0, k).Select(j => places.Span[atTop + (j * inner)]));
            Assert.Equal(want.Select(j => Bits(values[at + (j * inner)])), all.Select(j => Bits(sorted.AsSpan()[at + (j * inner)])));
            Assert.Equal(want.Take(k).Select(j => Bits(values[at + (j * inner)])), Enumerable.Range(0, k).Select(j => Bits(top.AsSpan()[atTop + (j * inner)])));
        }
    });

    [Fact]
    public void TheFirstExtremeOfEachRowIsFound() => ForAll((x, rng) =>
    {
        int n = x.Shape[1], inner = x.Shape[2];
        if (n == 0) { return; }
        float[] values = x.ToArray();
        foreach (bool largest in new[] { true, false })
        {
            var (found, places) = largest ? x.MaxWithIndices(1) : x.MinWithIndices(1);
            for (int row = 0; row < x.Shape[0] * inner; row++)
            {
                int at = (row / inner * n * inner) + (row % inner), best = 0;
                for (int j = 1; j < n; j++)
                {
                    float v = values[at + (j * inner)], b = values[at + (best * inner)];
                    if ((largest ? v > b : v < b) || (float.IsNaN(v) && !float.IsNaN(b))) { best = j; }
                }
                Assert.Equal(best, places.Span[row]);
                Assert.Equal(Bits(values[at + (best * inner)]), Bits(found.AsSpan()[row]));
            }
        }
    });

    [Fact]
    public void ColumnsByIndexAreALoopAndSoIsTheirGradient() => ForAll((drawn, rng) =>
    {
        int rows = drawn.Shape[0], n = drawn.Shape[1], m = rng.Next(40);
        if (n == 0) { return; }
        using var tape = new Tape();
        var x = tape.Watch(drawn.Narrow(2, 0, 1).Reshape(rows, n));
        int[] index = [.. Enumerable.Range(0, m).Select(_ => rng.Next(n))];
        var y = x.IndexSelect(1, index);
        var dy = Tensor.Normal(y.Shape, rng);
        float[] values = x.ToArray(), want = new float[rows * m], sums = new float[rows * n];
        for (int i = 0; i < want.Length; i++)
        {
            int at = (i / m * n) + index[i % m];
            want[i] = values[at];
            sums[at] += dy.AsSpan()[i];
        }
        Assert.Equal(want.Select(Bits), y.ToArray().Select(Bits));
        Assert.Equal(sums, tape.Gradients(y, dy)[x].ToArray());
    });

    private static int Bits(float x) => BitConverter.SingleToInt32Bits(x);

    private static void ForAll(Action<Tensor, Rng> law) => Properties.Hold(60, Prop.ForAll(Gen.Choose(0, 1 << 20).ToArbitrary(), seed =>
    {
        var rng = new Rng((ulong)seed);
        int n = rng.Next(3) switch { 0 => rng.Next(12), 1 => rng.Next(70), _ => rng.Next(300) };
        Shape shape = [1 + rng.Next(rng.Next(2) == 0 ? 5 : 150), n, rng.Next(2) == 0 ? 1 : 1 + rng.Next(40)];
        int kinds = 1 + rng.Next(2 * n + 1), rare = 1 + rng.Next(30);
        law(Tensor.Of(shape, [.. Enumerable.Range(0, shape.Size).Select(_ => rng.Next(rare) == 0 ? s_special[rng.Next(s_special.Length)] : rng.Next(kinds) - (kinds / 2))]), rng);
    }));
}
