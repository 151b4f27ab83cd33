using DeepEdu.Autograd;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;
using FsCheck;
using FsCheck.Fluent;

namespace DeepEdu.Tests.Ops;

/// <summary>Laws of the shape and index operations over random shapes. Values are small whole numbers, so every sum is exact and equality means equality.</summary>
public class ShapeOpProperties
{
    // a shape of one to four axes, some empty or of size 1, some longer than a tile of the transposing copy, and a number to draw the rest from
    private static readonly Arbitrary<(int[] Sizes, int Seed)> s_shapes = Gen.Choose(1, 4)
        .SelectMany(rank => Gen.Frequency((1, Gen.Constant(0)), (4, Gen.Constant(1)), (12, Gen.Choose(2, 9)), (5, Gen.Choose(10, rank < 3 ? 150 : 20))).ArrayOf(rank))
        .SelectMany(sizes => Gen.Choose(0, 1 << 20).Select(seed => (sizes, seed)))
        .ToArbitrary();

    [Fact]
    public void PermuteMovesEveryValueToItsPlaceAndBack() => ForAll((x, rng) =>
    {
        int[] axes = rng.Permutation(x.Rank);
        var y = x.Permute(axes);
        int[] from = Steps(x.Shape), to = Steps(y.Shape);
        float[] want = new float[x.Size], values = x.ToArray();
        for (int i = 0; i < want.Length; i++)
        {
            int at = 0;
            for (int k = 0; k < axes.Length; k++) { at += i / from[axes[k]] % x.Shape[axes[k]] * to[k]; }
            want[at] = values[i];
        }
        Assert.Equal(want, y.ToArray());
        int[] back = new int[axes.Length];
        for (int k = 0; k < axes.Length; k++) { back[axes[k]] = k; }
        Same(x, y.Permute(back));
        Adjoint(x, t => t.Permute(axes), rng);
    });

    [Fact]
    public void ReshapeFlattenAndUnsqueezeKeepTheOrder() => ForAll((x, rng) =>
    {
        int axis = rng.Next(x.Rank + 1);
        Same(x, x.Unsqueeze(axis).Squeeze(axis));
        Same(x, x.Flatten().Reshape(x.Shape));
        Assert.Equal(x.ToArray(), x.Flatten(0, x.Rank / 2).ToArray());
        if (x.Size > 0)
        {
            int[] sizes = x.Shape.Sizes.ToArray();
            sizes[rng.Next(x.Rank)] = -1;
            Same(x, x.Flatten().Reshape(sizes));
        }
    });

    [Fact]
    public void ConcatUndoesSplitAndChunk() => ForAll((x, rng) =>
    {
        int axis = rng.Next(x.Rank), n = x.Shape[axis], cut = rng.Next(n + 1);
        Same(x, Tensor.Concat(x.Split([cut, 0, n - cut], axis), axis));
        Same(x, Tensor.Concat(x.Split(rng.Next(1, 8), axis), axis));
        Same(x, Tensor.Concat(x.Chunk(rng.Next(1, 8), axis - x.Rank), axis));
        if (n > 0) { Same(x, Tensor.Stack([.. Enumerable.Range(0, n).Select(i => x.Narrow(axis, i, 1).Squeeze(axis))], axis)); }
        Adjoint(x, t => Tensor.Concat([t, t, t.Split([cut, n - cut], axis)[0]], axis), rng);
    });

    [Fact]
    public void FlipAndRollUndoThemselves() => ForAll((x, rng) =>
    {
        int axis = rng.Next(x.Rank), shift = rng.Next(-20, 20);
        Same(x, x.Flip(axis).Flip(axis));
        Same(x, x.Flip().Flip([.. Enumerable.Range(0, x.Rank)]));
        Same(x, x.Roll(shift, axis).Roll(-shift, axis));
        Adjoint(x, t => t.Flip(axis), rng);
        Adjoint(x, t => t.Roll(shift, axis), rng);
    });

    [Fact]
    public void ASliceIsASelection() => ForAll((x, rng) =>
    {
        int axis = rng.Next(x.Rank), n = x.Shape[axis], from = rng.Next(n + 1), to = rng.Next(from, n + 1), step = rng.Next(1, 4);
        var slices = new Slice[axis + 1];
        Array.Fill(slices, ..);
        slices[axis] = Slice.Step(from..to, step);
        var index = Indices.Arange(from, to, step);
        Same(x.IndexSelect(axis, index), x[slices]);
        Same(x[slices], x[[Slice.Ellipsis, slices[axis], .. Enumerable.Repeat((Slice)(..), x.Rank - axis - 1)]]);
        Adjoint(x, t => t[slices], rng);
    });

    [Fact]
    public void TheWayBackIsTheAdjoint() => ForAll((x, rng) =>
    {
        int axis = rng.Next(x.Rank), before = rng.Next(3), after = rng.Next(3);
        Adjoint(x, t => t.Pad([.. Enumerable.Repeat((before, after), rng.At(5).Next(x.Rank) + 1)]), rng);
        Adjoint(x, t => t.Repeat([2, .. Enumerable.Repeat(1, x.Rank - 1), before]), rng);
        Adjoint(x, t => t.RepeatInterleave(after, axis), rng);
        Adjoint(x, t => t.Expand([3, .. x.Shape]), rng);
        if (x.Shape[axis] == 0) { return; }
        Adjoint(x, t => t.Pad([.. Enumerable.Repeat((0, 0), axis), (before, after), .. Enumerable.Repeat((0, 0), x.Rank - axis - 1)], PadMode.Replicate), rng);
        var index = Indices.Wrap(Whole(rng, 0, x.Shape[axis], 12), [3, 4]);
        Adjoint(x, t => t.IndexSelect(axis, index), rng);
        Adjoint(x, t => t.Sort(axis).Values, rng);
    });

    [Fact]
    public void GatherAndScatterAddAreAdjoint() => ForAll((x, rng) =>
    {
        int axis = rng.Next(x.Rank), n = x.Shape[axis];
        if (n == 0) { return; }
        var shape = x.Shape.With(axis, rng.Next(2 * n));
        var index = Indices.Wrap(Whole(rng, 0, n, shape.Size), shape);
        var y = Drawn(shape, rng);
        Assert.Equal(Dot(x.Gather(axis, index), y), Dot(x, Tensor.Zeros(x.Shape).ScatterAdd(axis, index, y)));
        Adjoint(x, t => t.Gather(axis, index), rng);
        Adjoint(y, t => Tensor.Zeros(x.Shape).ScatterAdd(axis, index, t), rng);
        Adjoint(x, t => t.ScatterAdd(axis, index, Tensor.Zeros(shape)), rng);
    });

    // rows wide and narrow, behind axes of size 1, taken seldom, often and not at all
    [Fact]
    public void RowsTakenAddUpTheirGradients() => ForAll((drawn, rng) =>
    {
        int rows = rng.Next(1, 40), width = rng.Next(3) == 0 ? rng.Next(1, 16) : rng.Next(16, 140), before = rng.Next(3), count = rng.Next((3 * rows) + 1);
        var x = Drawn([.. Enumerable.Repeat(1, before), rows, width], rng);
        var index = Indices.Wrap(Whole(rng, 0, rows, count), [count]);
        Adjoint(x, t => t.IndexSelect(before, index), rng);
        var table = x.Reshape(rows, width);
        int skip = rng.Next(2) == 0 ? -1 : rng.Next(rows), cut = rng.Next(count + 1);
        Assert.Equal(Rows(table, index, dy => [.. dy.Select((d, at) => index.Span[at] == skip ? null : d)]), Gradient(table, t => t.Embedding(index, skip), rng.At(3)));
        var bags = Indices.Of(0, cut, cut);
        int[] bag = [.. Enumerable.Range(0, count).Select(at => at < cut ? 0 : 2)];
        Assert.Equal(Rows(table, index, dy => [.. bag.Select((b, at) => index.Span[at] == skip ? null : dy[b])], 3), Gradient(table, t => t.EmbeddingBag(index, BagMode.Sum, bags, skip), rng.At(3)));
        var matrix = new SparseMatrix(7, rows, Indices.Wrap(Whole(rng, 0, 7, count), [count]), index, Drawn([count], rng));
        Adjoint(table, t => matrix.MatMul(t), rng);
        Adjoint(matrix.Values, t => matrix.With(t).MatMul(table), rng);

        // dL/d(table) where entry j adds what it is given to row index[j]
        float[] Rows(Tensor table, Indices index, Func<float[][], float[]?[]> given, int outputs = -1)
        {
            int n = outputs < 0 ? index.Size : outputs;
            float[] dy = Drawn([n, width], rng.At(3)).ToArray(), sum = new float[table.Size];
            float[]?[] each = given([.. dy.Chunk(width)]);
            for (int j = 0; j < index.Size; j++) { for (int c = 0; c < width && each[j] is { } d; c++) { sum[(index.Span[j] * width) + c] += d[c]; } }
            return sum;
        }
    });

    private static float[] Gradient(Tensor x, Func<Tensor, Tensor> f, Rng rng)
    {
        using var tape = new Tape();
        var leaf = tape.Watch(x.Detach());
        var y = f(leaf);
        return tape.Gradients(y, Drawn(y.Shape, rng))[leaf].ToArray();
    }

    [Fact]
    public void SortOrdersAndTopKIsItsBeginning() => ForAll((x, rng) =>
    {
        int axis = rng.Next(x.Rank), n = x.Shape[axis], k = rng.Next(n + 1);
        bool descending = rng.Next(2) == 1;
        var (values, indices) = x.Sort(axis, descending);
        Same(values, x.Gather(axis, indices));
        var rows = values.Transpose(axis, -1).Reshape(n == 0 ? 0 : x.Size / n, n).ToArray();
        var places = indices.ToTensor().Transpose(axis, -1).ToArray();
        for (int i = 1; i < rows.Length; i++)
        {
            if (i % n == 0) { continue; }
            float step = descending ? rows[i - 1] - rows[i] : rows[i] - rows[i - 1];
            Assert.True(step > 0 || (step == 0 && places[i - 1] < places[i]), $"{rows[i - 1]} at {places[i - 1]} before {rows[i]} at {places[i]}");
        }
        var top = x.TopK(k, axis, descending);
        Same(values.Narrow(axis, 0, k), top.Values);
        Same(indices.ToTensor().Narrow(axis, 0, k), top.Indices.ToTensor());
    });

    private static void ForAll(Action<Tensor, Rng> law) => Properties.Hold(100, Prop.ForAll(s_shapes, c =>
    {
        var rng = new Rng((ulong)c.Seed);
        law(Drawn(Shape.Create(c.Sizes), rng), rng);
    }));

    // ⟨A x, y⟩ = ⟨x, Aᵀ y⟩ with Aᵀ y from the tape
    private static void Adjoint(Tensor x, Func<Tensor, Tensor> linear, Rng rng)
    {
        using var tape = new Tape();
        var leaf = tape.Watch(x.Detach());
        var y = linear(leaf);
        var dy = Drawn(y.Shape, rng);
        var dx = tape.Wants(y) ? tape.Gradients(y, dy).Find(leaf) ?? Tensor.Zeros(x.Shape) : throw new InvalidOperationException("nothing was recorded");
        Assert.Equal(x.Shape, dx.Shape);
        Assert.Equal(Dot(y, dy), Dot(x, dx));
    }

    private static double Dot(Tensor a, Tensor b) => a.ToArray().Zip(b.ToArray()).Sum(p => (double)p.First * p.Second);

    private static void Same(Tensor want, Tensor got)
    {
        Assert.Equal(want.Shape, got.Shape);
        Assert.Equal(want.ToArray(), got.ToArray());
    }

    private static Tensor Drawn(Shape shape, Rng rng) => Tensor.Wrap(Array.ConvertAll(Whole(rng, -8, 9, shape.Size), i => (float)i), shape);

    private static int[] Whole(Rng rng, int from, int below, int count) => [.. Enumerable.Range(0, count).Select(_ => rng.Next(from, below))];

    private static int[] Steps(Shape s) => [.. Enumerable.Range(0, s.Rank).Select(i => s.Product(i + 1, s.Rank))];
}
