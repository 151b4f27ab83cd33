using DeepEdu.Autograd;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;
using FsCheck;
using FsCheck.Fluent;

namespace DeepEdu.Tests.Ops;

/// <summary>Laws of broadcasting and reductions over random shapes, on small whole numbers, where float32 is exact and equality means equality; and random graphs of
/// both against finite differences.</summary>
public class ElementwiseProperties
{
    // the sizes of a result, and a number to draw the rest from
    private static readonly Arbitrary<(int[] Sizes, int Seed)> s_shapes = Gen.Choose(0, 4)
        .SelectMany(rank => Gen.Frequency((1, Gen.Constant(0)), (3, Gen.Constant(1)), (12, Gen.Choose(2, 7)), (3, Gen.Choose(8, 40))).ArrayOf(rank))
        .SelectMany(sizes => Gen.Choose(0, 1 << 20).Select(seed => (sizes, seed)))
        .ToArbitrary();

    [Fact]
    public void BroadcastReadsEachOperandWhereNumPyWould() => ForAll((shape, rng) =>
    {
        Tensor a = Drawn(Part(shape, rng), rng), b = Drawn(Part(shape, rng), rng), c = Drawn(shape, rng);
        int[] at = new int[shape.Size], bt = new int[shape.Size];
        for (int i = 0; i < shape.Size; i++) { (at[i], bt[i]) = (Place(shape, i, a.Shape), Place(shape, i, b.Shape)); }
        float[] av = a.ToArray(), bv = b.ToArray(), cv = c.ToArray();
        // c has the full shape, so a and b broadcast to it
        Assert.Equal(Enumerable.Range(0, shape.Size).Select(i => av[at[i]] - (bv[bt[i]] * cv[i])), (a - (b * c)).ToArray());
        Assert.Equal(Enumerable.Range(0, shape.Size).Select(i => cv[i] != 0 ? av[at[i]] : bv[bt[i]]), Tensor.Where(c, a, b).ToArray());
        Assert.Equal((a + b).ToArray(), (b + a).ToArray());
        Assert.Equal((a * (b + c)).ToArray(), ((a * b) + (a * c)).ToArray());
        Assert.Equal(Tensor.Maximum(a, b).ToArray(), (-Tensor.Minimum(-a, -b)).ToArray());
        Assert.Equal(a.Less(b).ToArray(), b.GreaterOrEqual(a).MaskedFill(b.Equal(a), 0).ToArray());
    });

    [Fact]
    public void TheGradientOfABroadcastAddsUpTheRepeats() => ForAll((shape, rng) =>
    {
        var a = Drawn(Part(shape, rng), rng);
        Tensor b = Drawn(shape, rng), dy = Drawn(shape, rng);
        using var tape = new Tape();
        var g = tape.Gradients(tape.Watch(a) * b, dy)[a];
        float[] want = new float[a.Size], bv = b.ToArray(), d = dy.ToArray();
        for (int i = 0; i < d.Length; i++) { want[Place(shape, i, a.Shape)] += bv[i] * d[i]; }
        Assert.Equal(want, g.ToArray());
    });

    [Fact]
    public void FoldingSeveralAxesIsFoldingOneAfterTheOther() => ForAll((shape, rng) =>
    {
        var x = Drawn(shape, rng);
        int[] axes = rng.Permutation(shape.Rank)[..rng.Next(shape.Rank + 1)];
        if (axes.Length == 0) { axes = [.. Enumerable.Range(0, shape.Rank)]; }
        Tensor sum = x, product = x.Sign(), any = x, all = x;
        foreach (int axis in axes)
        {
            sum = sum.Sum(axis, keepDims: true);
            product = product.Prod(axis, keepDims: true);
            any = any.Any(axis, keepDims: true);
            all = all.All(axis, keepDims: true);
        }
        Same(sum, x.Sum(axes, keepDims: true));
        Same(product, x.Sign().Prod(axes, keepDims: true));
        if (axes.Length > 0)
        {
            Same(any, x.Any(axes, keepDims: true));
            Same(all, x.All(axes, keepDims: true));
        }
        Assert.Equal(sum.ToArray(), x.Sum(axes).ToArray());
        Assert.Equal(shape.Rank - axes.Length, x.Sum(axes).Rank);
        if (x.Size == 0 || axes.Length == 0) { return; }
        Tensor max = x, min = x;
        foreach (int axis in axes) { (max, min) = (max.Max(axis, keepDims: true), min.Min(axis, keepDims: true)); }
        Same(max, x.Max(axes, keepDims: true));
        Same(min, x.Min(axes, keepDims: true));
        Same(max, -(-x).Min(axes, keepDims: true));
        Same(x.Abs().Sum(axes), x.Norm(1, axes));
    });

    [Fact]
    public void RunningSumsEndInTheSumAndPlacesPointAtTheExtremes() => ForAll((shape, rng) =>
    {
        if (shape.Rank == 0 || shape.Size == 0) { return; }
        var x = Drawn(shape, rng);
        int axis = rng.Next(shape.Rank), last = shape[axis] - 1;
        Same(x.Sum(axis, keepDims: true), x.CumSum(axis).Narrow(axis, last, 1));
        Same(x.Sum(axis, keepDims: true), x.CumSum(axis, reverse: true).Narrow(axis, 0, 1));
        Same(x + x.Sum(axis, keepDims: true), x.CumSum(axis) + x.CumSum(axis, reverse: true));
        var (values, places) = x.MaxWithIndices(axis, keepDims: true);
        Same(x.Max(axis, keepDims: true), values);
        Assert.Equal(places.ToArray(), x.ArgMax(axis).ToArray());
        Assert.Equal((-x).ArgMin(axis).ToArray(), places.ToArray());
        int outer = shape.Product(0, axis), inner = shape.Product(axis + 1, shape.Rank);
        float[] v = x.ToArray(), m = values.ToArray();
        for (int i = 0; i < m.Length; i++)
        {
            int row = i / inner * shape[axis], column = i % inner, first = 0;
            while (v[((row + first) * inner) + column] != m[i]) { first++; }
            Assert.Equal(first, places.Span[i]);
        }
        Assert.True(outer * inner == m.Length);
    });

    // every op is smooth and keeps values near 1, so that float32 differences resolve the gradient; where it happens to be ten thousand times smaller than the values, to a few percent
    [Fact]
    public void RandomGraphsAgreeWithFiniteDifferences() => ForAll((shape, rng) =>
    {
        if (shape.Size is 0 or > 2000) { return; }
        var leaves = new[] { Shrunk(Part(shape, rng), rng), Shrunk(Part(shape, rng), rng), Shrunk(shape, rng) };
        ulong graph = rng.NextUInt64();
        GradCheck.Check(x => Graph(x, new Rng(graph)), leaves, tolerance: 5e-2, seed: graph);
    }, 60);

    private static Tensor Graph(Tensor[] leaves, Rng rng)
    {
        var values = leaves.ToList();
        for (int step = 0; step < 7; step++)
        {
            Tensor a = values[rng.Next(values.Count)], b = values[rng.Next(values.Count)];
            int axis = a.Rank == 0 ? 0 : rng.Next(a.Rank);
            values.Add(rng.Next(a.Rank == 0 ? 14 : 19) switch
            {
                0 => 0.5f * (a + b),
                1 => a - (0.5f * b),
                2 => a * b,
                3 => a / (1 + b.Square()),
                4 => a.Tanh(),
                5 => a.Sigmoid(),
                6 => (-a.Square()).Exp(),
                7 => a.Sin(),
                8 => a.Silu(),
                9 => a.Softplus(),
                10 => a.Gelu(),
                11 => (1 + a.Square()).Sqrt(),
                12 => (2 + a.Tanh()).Pow(b.Tanh()),
                13 => a.Mean(),
                14 => a.Mean(axis, keepDims: true),
                15 => a.LogSumExp(axis, keepDims: true) * 0.3f,
                16 => a.Softmax(axis),
                17 => (a.Var(axis, 0, keepDims: true) + 0.1f).Sqrt(),
                _ => (a.CumSum(axis) / a.Shape[axis]) - a.LogSoftmax(axis).Mean(axis, keepDims: true),
            });
        }
        var y = values[^1];
        foreach (var v in values) { y += 0.1f * v; }
        return y;
    }

    // some leading axes left out, some of the others of size 1
    private static Shape Part(Shape shape, Rng rng)
    {
        int[] sizes = shape.Sizes[rng.Next(shape.Rank + 1)..].ToArray();
        for (int i = 0; i < sizes.Length; i++) { if (rng.Next(3) == 0) { sizes[i] = 1; } }
        return Shape.Create(sizes);
    }

    // where value i of the whole shape is read in a part of it
    private static int Place(Shape whole, int i, Shape part)
    {
        int at = 0, step = 1;
        for (int k = 1; k <= whole.Rank; k++)
        {
            (i, int along) = Math.DivRem(i, Math.Max(1, whole[^k]));
            if (k > part.Rank) { continue; }
            if (part[^k] != 1) { at += along * step; }
            step *= part[^k];
        }
        return at;
    }

    private static Tensor Drawn(Shape shape, Rng rng) => Tensor.Of(shape, [.. Enumerable.Range(0, shape.Size).Select(_ => (float)rng.Next(-4, 5))]);

    private static Tensor Shrunk(Shape shape, Rng rng) => Tensor.Uniform(shape, rng, -1, 1);

    private static void Same(Tensor a, Tensor b)
    {
        Assert.Equal(a.Shape, b.Shape);
        Assert.Equal(a.ToArray(), b.ToArray());
    }

    private static void ForAll(Action<Shape, Rng> law, int runs = 100) => Properties.Hold(runs, Prop.ForAll(s_shapes, c =>
        law(Shape.Create(c.Sizes), new Rng((ulong)c.Seed))));
}
