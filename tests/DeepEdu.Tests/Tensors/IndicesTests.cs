using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;
using FsCheck;
using FsCheck.Fluent;

namespace DeepEdu.Tests.Tensors;

public class IndicesTests
{
    private static readonly Indices s_x = Indices.Arange(24).Reshape(2, 3, 4);

    [Fact]
    public void SlicesAreThoseOfATensor()
    {
        var t = s_x.ToTensor();
        Same(t[1], s_x[Slice.Step(1..2, 1)].Squeeze(0));
        Same(t[.., 0], s_x[.., 0]);
        Same(t[^1, .., 1..3], s_x[^1, .., 1..3]);
        Same(t[Slice.Ellipsis, ^1], s_x[Slice.Ellipsis, ^1]);
        Same(t[.., Slice.NewAxis, 2], s_x[.., Slice.NewAxis, 2]);
        Same(t[.., Slice.Step(.., 2), Slice.Step(1.., 2)], s_x[.., Slice.Step(.., 2), Slice.Step(1.., 2)]);
        Same(t[..0], s_x[..0]);
        Same(t[1, 2, ^1], s_x[1, 2, ^1]);
        Same(Tensor.Arange(6).Reshape(2, 3).T, Indices.Arange(6).Reshape(2, 3).T);
        Assert.Equal(6, s_x[0, 1, 2]);

        var e = Assert.Throws<ArgumentOutOfRangeException>(() => s_x[.., 1..9]);
        Assert.Contains("range 1..9 on axis 1 of [2,3,4]", e.Message, StringComparison.Ordinal);
        Assert.Throws<ShapeException>(() => s_x[.., .., .., 0..1]);
    }

    [Fact]
    public void ShapesAreThoseOfATensor()
    {
        Assert.Equal([6, 4], s_x.Reshape(-1, 4).Shape);
        Assert.Equal([24], s_x.Flatten().Shape);
        Assert.Equal([2, 3, 4, 1], s_x.Unsqueeze(-1).Shape);
        Assert.Equal([2, 3, 4], s_x.Unsqueeze(1).Squeeze(1).Shape);
        Assert.Contains("24 values do not divide by 5", Assert.Throws<ShapeException>(() => s_x.Reshape(-1, 5)).Message, StringComparison.Ordinal);
        Assert.Throws<ShapeException>(() => s_x.Reshape(5, 5));
        Assert.Throws<ShapeException>(() => s_x.Squeeze(0));
        Assert.Throws<ShapeException>(() => s_x.Unsqueeze(5));
        Assert.Throws<ShapeException>(() => s_x.T);
        Assert.Equal([1, 2, 3, 4], Indices.Of(new[,] { { 1, 2 }, { 3, 4 } }).ToArray());
    }

    [Theory, InlineData(0), InlineData(1), InlineData(-1)]
    public void JoinedAreThoseOfATensor(int axis)
    {
        Same(Tensor.Concat([s_x.ToTensor(), s_x.ToTensor()], axis), Indices.Concat([s_x, s_x], axis));
        Same(Tensor.Stack([s_x.ToTensor(), s_x.ToTensor()], axis), Indices.Stack([s_x, s_x], axis));
        Assert.Throws<ShapeException>(() => Indices.Concat([s_x, s_x[.., .., 1..].Unsqueeze(0)], axis));
        Assert.Throws<ShapeException>(() => Indices.Stack([s_x, s_x.Flatten()], axis));
        Assert.Throws<ShapeException>(() => Indices.Concat([], axis));
    }

    [Fact]
    public void SumsAndQuestionsAreExact()
    {
        Indices a = new[] { 1, 16_777_217, -3 }, b = new[] { 1, 16_777_216, -3 };   // as floats the second ones are equal
        Assert.Equal([1, 0, 1], a.Equal(b).ToArray());
        Assert.Equal([0, 1, 0], a.NotEqual(b).ToArray());
        Assert.Equal([0, 1, 0], a.Equal(16_777_217).ToArray());
        Assert.Equal([1, 0, 1], a.NotEqual(16_777_217).ToArray());
        Assert.Equal([2, 33_554_433, -6], (a + b).ToArray());
        Assert.Equal([0, 1, 0], (a - b).ToArray());
        Assert.Equal([3, 16_777_219, -1], (a + 2).ToArray());
        Assert.Equal([-1, 16_777_215, -5], (a - 2).ToArray());
        Assert.Equal([2, 33_554_434, -6], (a * 2).ToArray());
        Assert.Throws<OverflowException>(() => a * 1000);
    }

    /// <summary>Axes of one are repeated if both have as many axes: what [N] and [N, 1] would make, [N, N], is nobody's share of right answers.</summary>
    [Fact]
    public void AxesOfOneAreRepeated()
    {
        Indices a = Indices.Of([3, 1], [1, 16_777_217, -3]), b = Indices.Of([1, 3], [1, 16_777_216, -3]);
        Assert.Equal([3, 3], a.Equal(b).Shape.Sizes.ToArray());
        Assert.Equal([1, 0, 0, 0, 0, 0, 0, 0, 1], a.Equal(b).ToArray());
        Assert.Equal([0, 1, 1, 1, 1, 1, 1, 1, 0], a.NotEqual(b).ToArray());
        Assert.Equal([2, 16_777_217, -2, 16_777_218, 33_554_433, 16_777_214, -2, 16_777_213, -6], (a + b).ToArray());
        Assert.Equal([0, -16_777_215, 4, 16_777_216, 1, 16_777_220, -4, -16_777_219, 0], (a - b).ToArray());
        Assert.Equal([2, 0, 2], (Indices.Of([2, 1, 2], [1, 2, 3, 4]) + Indices.Full([1, 0, 2], 1)).Shape.Sizes.ToArray());
        Indices x = Indices.Arange(24).Reshape(2, 3, 4), y = Indices.Of([1, 3, 1], [10, 20, 30]);
        Assert.Equal((x.ToTensor() + y.ToTensor()).ToArray(), (x + y).ToTensor().ToArray());
        Assert.Equal((y.ToTensor() - x.ToTensor()).ToArray(), (y - x).ToTensor().ToArray());
        Assert.Contains("[3] and [3,1] must have as many axes", Assert.Throws<ShapeException>(() => a.Flatten().Equal(a)).Message, StringComparison.Ordinal);
        Assert.Contains("[3,1] and [2,1] do not broadcast", Assert.Throws<ShapeException>(() => a + a[..2]).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TakenAreThoseOfATensor() => Properties.Hold(50, Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), seed =>
    {
        var rng = new Rng((ulong)seed);
        for (int axis = -3; axis < 3; axis++)
        {
            int at = (axis + 3) % 3, n = s_x.Shape[at];
            var some = Indices.Uniform([2, 2], rng, 0, n);
            Same(s_x.ToTensor().IndexSelect(axis, some), s_x.IndexSelect(axis, some));
            int[] sizes = [rng.Next(3), rng.Next(4), rng.Next(5)];
            sizes[at] = rng.Next(6);
            var each = Indices.Uniform(Shape.Create(sizes), rng, 0, n);
            Same(s_x.ToTensor().Gather(axis, each), s_x.Gather(axis, each));
        }
        var mask = Tensor.Full([2, 3, 4], 0.5f).Bernoulli(rng);
        Same(s_x.ToTensor().MaskedSelect(mask), s_x.MaskedSelect(mask));
        foreach (var m in (Tensor[])[mask, mask[0], mask[.., ..1], mask[0, 0], mask[0, 0, 0]])
        {
            Same(s_x.ToTensor().MaskedFill(m, 7), s_x.MaskedFill(m, 7));
            Same(Tensor.Where(m, s_x.ToTensor(), -s_x.ToTensor()), Indices.Where(m, s_x, s_x * -1));
        }
    }));

    [Fact]
    public void TakingWhatIsNotThereIsNamed()
    {
        Indices a = Indices.Of(new[,] { { 1, 16_777_217 }, { 3, 4 } });
        Assert.Equal([16_777_217, 1], a.Gather(1, Indices.Of([1, 2], [1, 0])).ToArray()); // exact, which floats are not
        Assert.Contains("gather: index 2 at position 1 is outside 0..1", Assert.Throws<ArgumentOutOfRangeException>(() => a.Gather(1, Indices.Of([1, 2], [1, 2]))).Message, StringComparison.Ordinal);
        Assert.Contains("x [2,2] and index [3,1] along axis 1", Assert.Throws<ShapeException>(() => a.Gather(1, Indices.Full([3, 1], 0))).Message, StringComparison.Ordinal);
        Assert.Throws<ShapeException>(() => a.Gather(0, new[] { 1 }));
        Assert.Throws<ShapeException>(() => a.IndexSelect(2, new[] { 1 }));
        Assert.Contains("index-select: index -1 at position 0", Assert.Throws<ArgumentOutOfRangeException>(() => a.IndexSelect(0, new[] { -1 })).Message, StringComparison.Ordinal);
        Assert.Contains("[3] and [2,2] do not broadcast", Assert.Throws<ShapeException>(() => a.MaskedFill(Tensor.Ones([3]), 0)).Message, StringComparison.Ordinal);
        Assert.Contains("a mask [1,2,2] for indices [2,2]", Assert.Throws<ShapeException>(() => a.MaskedFill(Tensor.Ones([1, 2, 2]), 0)).Message, StringComparison.Ordinal);
        Assert.Throws<ShapeException>(() => a.MaskedSelect(Tensor.Ones([2])));
        Assert.Contains("indices [2,2] and [2]", Assert.Throws<ShapeException>(() => Indices.Where(Tensor.Ones([2]), a, a[.., 0])).Message, StringComparison.Ordinal);
        Assert.Equal([0, 2], Indices.Full([0, 2], 1).IndexSelect(0, Indices.Full([0], 0)).Shape.Sizes.ToArray());
    }

    /// <summary>A session, whose tokens are others each time, takes again.</summary>
    [Fact]
    public void ASessionTakesAgain()
    {
        var table = new Embedding(24, 3, new Rng(1));
        Tensor Model(Indices places) => Tensor.Concat([table.Forward(s_x[..1].Squeeze(0).Gather(1, places)), Tensor.Where(table.Forward(s_x.Flatten().IndexSelect(0, places)) > 0, 1.5f, table.Forward(places))]);
        var session = new InferenceSession(i => Model(i.Indices([3, 2])));
        float[] y = new float[36];
        foreach (int[] places in (int[][])[[0, 1, 2, 3, 0, 1], [3, 3, 3, 2, 0, 2]])
        {
            session.Run(places, y);
            Assert.Equal(Model(Indices.Of([3, 2], places)).ToArray(), y);
        }
        Assert.Contains("gather: index 4 at position 5", Assert.Throws<ArgumentOutOfRangeException>(() => session.Run([0, 1, 2, 3, 0, 4], y)).Message, StringComparison.Ordinal);
    }

    /// <summary>As in Python, whose // and % round down for every pair of signs.</summary>
    [Fact]
    public void QuotientsRoundDown()
    {
        Indices a = new[] { 7, -7, 6, -6, 0, int.MaxValue };
        Assert.Equal([2, -3, 2, -2, 0, int.MaxValue / 3], (a / 3).ToArray());
        Assert.Equal([1, 2, 0, 0, 0, 1], (a % 3).ToArray());
        Assert.Equal([-3, 2, -2, 2, 0, -715827883], (a / -3).ToArray());
        Assert.Equal([-2, -1, 0, 0, 0, -2], (a % -3).ToArray());
        Assert.Equal(a.ToArray(), (((a / 4) * 4) + (a % 4)).ToArray());
        Assert.Contains("divide: indices by 0", Assert.Throws<DivideByZeroException>(() => a / 0).Message, StringComparison.Ordinal);
        Assert.Contains("remainder: indices by 0", Assert.Throws<DivideByZeroException>(() => a % 0).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ARangeOfTooManyIsNamed() => Assert.Contains("arange: from -2147483648 to 2147483647 with a step of 1 are 4294967295 values",
        Assert.Throws<ArgumentException>(() => Indices.Arange(int.MinValue, int.MaxValue)).Message, StringComparison.Ordinal);

    [Fact]
    public void RandomOnesCoverTheirRange()
    {
        var x = Indices.Uniform([10, 100], new Rng(1), -2, 3);
        Assert.Equal([-2, -1, 0, 1, 2], x.ToArray().Distinct().Order());
        Assert.Equal(x.ToArray(), Indices.Uniform([10, 100], new Rng(1), -2, 3).ToArray());
    }

    /// <summary>So is the order in which an operation takes the entries of segments.</summary>
    [Fact]
    public void ASessionFindsSegmentsAgain()
    {
        var edges = Tensor.Normal([5, 2], new Rng(1));
        Tensor Model(Indices to) => Tensor.Concat([edges.SegmentSum(to, 3), edges.SegmentMean(to, 3), edges.SegmentMax(to, 3), edges.SegmentSoftmax(to, 3)]);
        var session = new InferenceSession(i => Model(i.Indices([5])));
        float[] y = new float[28];
        foreach (int[] to in (int[][])[[0, 1, 2, 0, 1], [2, 2, 2, 0, 2], [1, 1, 1, 1, 1]])
        {
            session.Run(to, y);
            Assert.Equal(Model(to).ToArray(), y);
        }
        Assert.Contains("index 3 at position 1", Assert.Throws<ArgumentOutOfRangeException>(() => session.Run([0, 3, 0, 0, 0], y)).Message, StringComparison.Ordinal);
    }

    /// <summary>What is made of a session's input is made anew in each call.</summary>
    [Fact]
    public void ASessionComputesThemAgain()
    {
        var table = new Embedding(10, 3, new Rng(1), padding: 0);
        Tensor Model(Indices tokens)
        {
            var mask = tokens.NotEqual(0).Unsqueeze(-1);
            var mean = (table.Forward(tokens) * mask).Sum(1) / mask.Sum(1).Clamp(min: 1);
            var ends = Indices.Concat([tokens[.., 0], tokens[.., ^1], tokens.T[1..2].Flatten()]) + 1;
            var same = tokens.Unsqueeze(2).Equal(tokens.Unsqueeze(1));
            return Tensor.Concat([mean.Flatten(), table.Forward(ends.Reshape(2, -1).Select([1, 0])).Flatten(), tokens.ToTensor().Flatten(), same.Flatten()]);
        }
        var session = new InferenceSession(i => Model(i.Indices([2, 3])));
        foreach (int[] tokens in (int[][])[[1, 2, 0, 4, 0, 0], [8, 7, 6, 5, 4, 3]])
        {
            var expected = Model(Indices.Of([2, 3], tokens));
            float[] y = new float[expected.Size];
            session.Run(tokens, y);
            Assert.Equal(expected.ToArray(), y);
        }
    }

    private static void Same(Tensor expected, Indices actual)
    {
        Assert.Equal(expected.Shape, actual.Shape);
        Assert.Equal(expected.ToArray(), actual.ToArray().Select(v => (float)v));
    }
}
