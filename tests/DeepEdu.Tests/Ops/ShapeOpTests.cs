using DeepEdu.Autograd;
using DeepEdu.Memory;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Ops;

/// <summary>What shares memory, and what the errors of shape and index operations say.</summary>
public class ShapeOpTests
{
    private static readonly Tensor s_x = Tensor.Arange(6).Reshape(2, 3);

    /// <summary>An array of the caller's is not copied: if it holds what is no row when the gradient is wanted, no memory of others is written.</summary>
    [Fact]
    public void PlacesAreCheckedOnTheWayBackToo()
    {
        Says("embedding: index 12", (x, i) => x.Embedding(i));
        Says("embedding: index 12", (x, i) => x.Embedding(i, sparse: true)); // a row gradient
        Says("index-select: index 12", (x, i) => x.IndexSelect(0, i));
        Says("gather: index 12", (x, i) => x.Gather(0, i.Reshape(1, 4)));
        Says("index-select: index 12", (x, i) => Tensor.Zeros([10, 4]).IndexAdd(0, i, x[..4]));
        Says("gather: index 12", (x, i) => Tensor.Zeros([10, 4]).ScatterAdd(0, i.Reshape(1, 4), x[..1]));
        Says("attention: lengths: index 12", (x, i) => { Tensor y = x[..8].Reshape(4, 2, 4); return y.Attention(y, y, mask: new() { Lengths = i }); });
        Says("lstm: index 12", (x, i) => new Lstm(10, 4, new Rng(1)).Forward(i.Reshape(2, 2)));
        Says("sparse-matrix: index 12", (x, i) => new SparseMatrix(10, 10, i, Indices.Arange(4)).MatMul(x));

        static void Says(string what, Func<Tensor, Indices, Tensor> f)
        {
            int[] places = [1, 2, 0, 1];
            var table = new Parameter(Tensor.Ones([10, 4]));
            using var tape = new Tape();
            var y = f(table, places);
            places[1] = 12;
            var e = Assert.Throws<ArgumentOutOfRangeException>(() => tape.Gradients(y.Sum()));
            Assert.Contains(what, e.Message.Replace("row-gradient", "embedding", StringComparison.Ordinal), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void SortedValuesMayEndInNaN()
    {
        var sorted = Tensor.Of(2, float.NaN, 1).Sort().Values;
        Assert.Equal([0, 2, 2], sorted.SearchSorted(Tensor.Of(0, 5, float.NaN)).ToArray());
        Assert.Equal([0, 2, 3], sorted.SearchSorted(Tensor.Of(0, 5, float.NaN), right: true).ToArray());
        Assert.Throws<ArgumentException>(() => Tensor.Of(1, float.NaN, 2).SearchSorted(sorted));
    }

    [Fact]
    public void ReshapesAndFirstAxisSlicesShareMemory()
    {
        var x = Tensor.Arange(24).Reshape(2, 3, 4);
        x.Reshape(6, 4).AsSpan()[0] = 100;
        x.Flatten(1).AsSpan()[1] = 101;
        x[1].AsSpan()[0] = 102;
        x[1, 1..].AsSpan()[0] = 103;
        x.Unsqueeze(0).AsSpan()[2] = 104;
        x.Split(1)[0].AsSpan()[3] = 105;
        Assert.Equal([100, 101, 104, 105, 4, 5, 6, 7, 8, 9, 10, 11, 102, 13, 14, 15, 103], x.ToArray()[..17]);
    }

    [Fact]
    public void OtherSlicesAndPermutationsAreCopies()
    {
        var x = Tensor.Arange(6).Reshape(2, 3);
        x[.., 1..].AsSpan().Clear();
        x.T.AsSpan().Clear();
        x.Flip(0).AsSpan().Clear();
        Assert.Equal([0, 1, 2, 3, 4, 5], x.ToArray());
    }

    [Fact]
    public void SlicesReadAsTheyAreWritten()
    {
        var x = Tensor.Arange(24).Reshape(2, 3, 4);
        Assert.Equal(23, x[^1, ^1, ^1].Item());
        Assert.Equal([7, 6], x[0, 1, 2..].Flip().ToArray());
        Assert.Equal([1, 1, 3, 1], x[Slice.NewAxis, 1, .., Slice.Step(1..3, 2), Slice.NewAxis].Reshape(1, 1, 3, 1).Shape);
        Assert.Equal([2, 0], x[Slice.Ellipsis, 0..0].Shape.Without(1));
        Assert.Equal("Step(1..^1, 2), Ellipsis, NewAxis, ^1, 0..^0", string.Join(", ", (Slice[])[Slice.Step(1..^1, 2), Slice.Ellipsis, Slice.NewAxis, ^1, Range.All]));
    }

    [Fact]
    public void TooManyAxesForOneCopyAreRefusedWithAWayOut()
    {
        var x = Tensor.Zeros([2, 2, 2, 2, 2, 2, 2, 2, 2, 2]);
        Assert.Contains("merge neighbouring axes with Reshape", Assert.Throws<ArgumentException>(() => x.Permute(9, 7, 5, 3, 1, 8, 6, 4, 2, 0)).Message, StringComparison.Ordinal);
    }

    public static TheoryData<string, Func<object>> ShapeErrors => new()
    {
        { "reshape: [2,3] holds 6 values, [4] holds 4; give one size as -1 to have it computed?", () => s_x.Reshape(4) },
        { "reshape: [2,3] to [4,-1]: 6 values do not divide by 4", () => s_x.Reshape(4, -1) },
        { "reshape: [2,3] to [-1,-1]: only one size may be −1 and no other negative", () => s_x.Reshape(-1, -1) },
        { "reshape: [0] to [0,-1]: −1 beside a size of 0 could be anything; write it out", () => Tensor.Zeros([0]).Reshape(0, -1) },
        { "shape: [-2,3]: an axis cannot be negative", () => s_x.Reshape(-2, 3) },
        { "flatten: axis 1 of [2,3] lies behind axis 0; swap them?", () => s_x.Flatten(1, 0) },
        { "flatten: axis 2 of [2,3]: axes are -2..1", () => s_x.Flatten(2) },
        { "squeeze: axis 1 of [2,3] has size 3, not 1; take one entry of it by index instead?", () => s_x.Squeeze(1) },
        { "squeeze: axis -3 of [2,3]: axes are -2..1", () => s_x.Squeeze(-3) },
        { "unsqueeze: axis 4 for [2,3]: the new axis can stand at -3..2", () => s_x.Unsqueeze(4) },
        { "permute: [2,3] by axes (0): 1 axes for 2; name each of 0..1 once", () => s_x.Permute(0) },
        { "permute: [2,3] by axes (1, -1): axis -1 stands there twice; name each of 0..1 once", () => s_x.Permute(1, -1) },
        { "permute: axis 2 of [2,3]: axes are -2..1", () => s_x.Permute(0, 2) },
        { "transpose: axis 5 of [2,3]: axes are -2..1", () => s_x.Transpose(0, 5) },
        { "transpose: T is for matrices, not [6]; Transpose(-2, -1) exchanges the last two axes", () => s_x.Flatten().T },
        { "flip: axis -2 of [2,3] is named twice", () => s_x.Flip(0, -2) },
        { "diagonal: [6] has no last two axes", () => s_x.Flatten().Diagonal() },
        { "tril: [6] has no last two axes", () => s_x.Flatten().Tril() },
        { "triu: [] has no last two axes", () => Tensor.Scalar(1).Triu() },
        { "expand: [2,3] does not broadcast to [2,4]: matched from the last axis, sizes must be equal or x's 1; use Repeat to set copies side by side?", () => s_x.Expand(2, 4) },
        { "expand: [2,3] does not broadcast to [3]: matched from the last axis, sizes must be equal or x's 1; use Repeat to set copies side by side?", () => s_x.Expand(3) },
        { "expand: [2,3] does not broadcast to [-1,2,3]: matched from the last axis, sizes must be equal or x's 1; use Repeat to set copies side by side?", () => s_x.Expand(-1, 2, 3) },
        { "repeat: [2,3] by (2): give one number for each of the 2 axes, none negative", () => s_x.Repeat(2) },
        { "repeat: [2,3] by (1, -1): give one number for each of the 2 axes, none negative", () => s_x.Repeat(1, -1) },
        { "repeat-interleave: axis 2 of [2,3]: axes are -2..1", () => s_x.RepeatInterleave(2, 2) },
        { "concat: no tensor was given; it needs at least one", () => Tensor.Concat([]) },
        { "concat: tensor 0 is [2,3], tensor 1 is [3,2]; ranks and sizes must be equal but on axis 0", () => Tensor.Concat([s_x, s_x.T]) },
        { "concat: tensor 0 is [2,3], tensor 1 is [6]; ranks and sizes must be equal but on axis 1; add an axis with Unsqueeze?", () => Tensor.Concat([s_x, s_x.Flatten()], 1) },
        { "stack: no tensor was given; it needs at least one", () => Tensor.Stack([]) },
        { "stack: tensor 0 is [2,3], tensor 1 is [3,2]; all must have one shape", () => Tensor.Stack([s_x, s_x.T]) },
        { "split: sizes (1, 1) do not add up to 3, the size of axis 1 of [2,3]", () => s_x.Split([1, 1], 1) },
        { "split: sizes (4, -1) do not add up to 3, the size of axis 1 of [2,3]", () => s_x.Split([4, -1], 1) },
        { "split: [2,3] into parts: 0 is not positive", () => s_x.Split(0) },
        { "chunk: [2,3] into parts: -1 is not positive", () => s_x.Chunk(-1) },
        { "narrow: 2 entries from 2 on do not lie inside axis 1 of [2,3]", () => s_x.Narrow(1, 2, 2) },
        { "slice: [0..^0, 0, 1] names more axes than [2,3] has", () => s_x[.., 0, 1] },
        { "slice: [Ellipsis, Ellipsis] has 2 ellipses; one at most", () => s_x[Slice.Ellipsis, Slice.Ellipsis] },
        { "pad: [2,3]: 3 pairs of widths for 2 axes", () => s_x.Pad([(1, 1), (1, 1), (1, 1)]) },
        { "pad: [2,3]: widths (-1, 0) of axis 1 are negative; cut with a slice instead", () => s_x.Pad([(-1, 0)]) },
        { "pad: [2,3]: axis 1 of size 3 can be mirrored by 2 at most, not (0, 3)", () => s_x.Pad([(0, 3)], PadMode.Reflect) },
        { "pad: [2,0]: axis 1 is empty: there is nothing to repeat", () => Tensor.Zeros([2, 0]).Pad([(1, 0)], PadMode.Replicate) },
        { "gather: x [2,3] and index [2] along axis 1: the index needs x's rank, and sizes no larger but on that axis; IndexSelect takes whole entries", () => s_x.Gather(1, Indices.Of(0, 1)) },
        { "gather: x [2,3] and index [3,1] along axis 1: the index needs x's rank, and sizes no larger but on that axis; IndexSelect takes whole entries", () => s_x.Gather(1, Indices.Full([3, 1], 0)) },
        { "scatter-add: [2,3], index [2,1] and source [2,3] along axis 1: index and source need one shape, equal to x's but on that axis", () => s_x.ScatterAdd(1, Indices.Full([2, 1], 0), s_x) },
        { "index-select: axis 2 of [2,3]: axes are -2..1", () => s_x.IndexSelect(2, Indices.Of(0)) },
        { "embedding: the table must be [rows, dim], not [6]", () => s_x.Flatten().Embedding(Indices.Of(0)) },
        { "embedding: padding row 2 of a table [2,3] with rows 0..1", () => s_x.Embedding(Indices.Of(0), padding: 2) },
        { "top-k: 4 values of axis 1 of [2,3], which has 3", () => s_x.TopK(4) },
        { "sort: axis 0 of a single value, which has no axes", () => Tensor.Scalar(1).Sort(0) },
        { "argsort: axis 2 of [2,3]: axes are -2..1", () => s_x.ArgSort(2) },
    };

    [Theory, MemberData(nameof(ShapeErrors), DisableDiscoveryEnumeration = true)]
    public void WhatDoesNotFitIsNamed(string message, Func<object> call) => Assert.Equal(message, Assert.Throws<ShapeException>(call).Message);

    public static TheoryData<string, Func<object>> RangeErrors => new()
    {
        { "slice: index 2 on axis 0 of [2,3] is outside 0..1", () => s_x[2] },
        { "slice: index ^4 on axis 1 of [2,3] is outside 0..2", () => s_x[.., ^4] },
        { "slice: index 0 on axis 0 of [0] is outside the empty axis", () => Tensor.Zeros([0])[0] },
        { "slice: range 1..4 on axis 1 of [2,3] is outside 0..3 or ends before it begins", () => s_x[0, 1..4] },
        { "slice: range 2..1 on axis 1 of [2,3] is outside 0..3 or ends before it begins", () => s_x[0, 2..1] },
        { "slice: index -1 is negative; ^1 counts from the end (Parameter 'entry')", () => s_x[-1] },
        { "slice: a step of -1 is not positive; turn the axis round with Flip (Parameter 'step')", () => s_x[Slice.Step(.., -1)] },
        { "gather: index 3 at position 1 is outside 0..2", () => s_x.Gather(1, Indices.Of([1, 2], [0, 3])) },
        { "scatter-add: index -1 at position 0 is outside 0..1", () => s_x.ScatterAdd(0, Indices.Of([1, 3], [-1, 0, 0]), Tensor.Ones([1, 3])) },
        { "index-select: index 2 at position 2 is outside 0..1", () => s_x.IndexSelect(0, Indices.Of(0, 1, 2)) },
        { "embedding: index 7 at position 0 is outside 0..1", () => s_x.Embedding(Indices.Of(7)) },
        { "one-hot: index 3 at position 1 is outside 0..2", () => Indices.Of(0, 3).OneHot(3) },
        { "embedding: index 0 at position 0 is outside the empty range", () => Tensor.Zeros([0, 3]).Embedding(Indices.Of(0)) },
    };

    [Theory, MemberData(nameof(RangeErrors), DisableDiscoveryEnumeration = true)]
    public void WhatLiesOutsideIsNamed(string message, Func<object> call) => Assert.Equal(message, Assert.Throws<ArgumentOutOfRangeException>(call).Message);

    [Fact]
    public void EmptyTensorsPassThrough()
    {
        var x = Tensor.Zeros([0, 3]);
        Assert.Equal([3, 0], x.T.Shape);
        Assert.Equal([0, 3], x.Flip().Shape);
        Assert.Equal([0, 0], x.TopK(0).Values.Shape);
        Assert.Equal([0, 3], x.Sort(0).Values.Shape);
        Assert.Equal([4, 3], x.Pad([(1, 3), (0, 0)]).Shape);
        Assert.Equal([0, 3], x.IndexSelect(0, Indices.Of()).Shape);
        Assert.Equal([2, 0, 3], Tensor.Stack([x, x]).Shape);
        Assert.Equal([0, 5], Indices.Of().OneHot(5).Shape);
        Assert.Equal([0], x.Diagonal().Shape);
        Assert.Equal([0, 3], Tensor.Concat(x.Chunk(4)).Shape);
        Assert.Equal([2, 0, 1], Tensor.Zeros([2, 0, 1]).Prelu(Tensor.Zeros([0])).Shape);
    }

    [Fact]
    public void OneHotPutsAOneAtEachLabel()
    {
        var y = Indices.Of([2, 2], [1, 0, 2, 1]).OneHot(3);
        Assert.Equal([2, 2, 3], y.Shape);
        Assert.Equal([0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 1, 0], y.ToArray());
    }

    [Fact]
    public void ATensorOfAClosedArenaIsRefused()
    {
        Tensor x;
        using (new Arena()) { x = Tensor.Ones([2, 3]); }
        foreach (Func<object> op in (Func<object>[])[() => x.Reshape(6), () => x.T, () => x[0], () => x.Sort(), () => x.Dropout(0, new(1)).ToArray(), () => x.LayerNorm([3]), () => Tensor.Concat([x, x])])
        {
            Assert.Contains("Keep()", Assert.Throws<ObjectDisposedException>(op).Message, StringComparison.Ordinal);
        }
    }
}
