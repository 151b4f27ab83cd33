using DeepEdu.Autograd;
using DeepEdu.Memory;
using DeepEdu.Ops;
using DeepEdu.Tensors;
using DeepEdu.Tests.Devices;

namespace DeepEdu.Tests.Ops;

/// <summary>What the errors of elementwise operations, reductions, softmax and the losses say: the operation, the shapes, the fix.</summary>
public class OpErrorTests
{
    private static readonly Tensor s_x = Tensor.Ones([2, 3]);

    public static TheoryData<string, Func<object>> Shapes => new()
    {
        { "add: [2,3] and [2] do not broadcast: sizes 3 and 2 on axis 1; add an axis of size 1 with Unsqueeze?", () => s_x + Tensor.Ones([2]) },
        { "sub: [2,3] and [3,2] do not broadcast: sizes 3 and 2 on axis 1; Reshape or transpose one of them?", () => s_x - Tensor.Ones([3, 2]) },
        { "mul: [2,3] and [4] do not broadcast", () => s_x * Tensor.Ones([4]) },
        { "div: [2,3] and [4] do not broadcast", () => s_x / Tensor.Ones([4]) },
        { "pow: [2,3] and [4] do not broadcast", () => s_x.Pow(Tensor.Ones([4])) },
        { "minimum: [2,3] and [4] do not broadcast", () => Tensor.Minimum(s_x, Tensor.Ones([4])) },
        { "remainder: [2,3] and [4] do not broadcast", () => s_x.Remainder(Tensor.Ones([4])) },
        { "less: [4] and [2,3] do not broadcast", () => s_x.Less(Tensor.Ones([4])) },
        { "where: [2,3] and [4] do not broadcast", () => Tensor.Where(s_x, Tensor.Ones([4]), s_x) },
        { "where: [2,3] and [4] do not broadcast", () => Tensor.Where(s_x, s_x, Tensor.Ones([4])) },
        { "masked-fill: [2,3] and [4] do not broadcast", () => s_x.MaskedFill(Tensor.Ones([4]), 0) },
        { "index-add: [2,3], index [2,2] and source [2,2,3] along axis 0: the index needs one axis; ScatterAdd takes an index a value", () => s_x.IndexAdd(0, Indices.Full([2, 2], 0), Tensor.Ones([2, 2, 3])) },
        { "segment-sum: [2,3] with segments [3]: there must be one of each entry of the first axis, [2]", () => s_x.SegmentSum(Indices.Arange(3), 3) },
        { "segment-softmax: [2,3] with segments [2,1]", () => s_x.SegmentSoftmax(Indices.Full([2, 1], 0), 3) },
        { "segment-max: [] with segments [0]", () => Tensor.Scalar(1).SegmentMax(Indices.Arange(0), 3) },
        { "index-add: [2,3], index [4] and source [4] along axis 0: the index needs one axis, the source [4,3]", () => s_x.IndexAdd(0, Indices.Full([4], 0), Tensor.Ones([4])) },
        { "concat: 2 tensors, [2147483647,0] and on: 4294967294 entries on axis 0 are more than 2147483647", () => Tensor.Concat([Tensor.Zeros([int.MaxValue, 0]), Tensor.Zeros([int.MaxValue, 0])]) },
        { "shape: [65536,65536]: more than 2147483647 values", () => Tensor.Ones([65536, 1]).Multinomial(65536, new(1), replacement: true) },
        { "pad: [2,3]: widths (2147483647, 2147483647) make axis 1 longer than 2147483647", () => s_x.Pad([(int.MaxValue, int.MaxValue)]) },
        { "pad: [2,3]: widths (2147483646, 0) make axis 1", () => s_x.Pad([(int.MaxValue - 1, 0)], PadMode.Replicate) },
        { "sum: axis 2 of [2,3]: axes are -2..1", () => s_x.Sum(2) },
        { "sum: axis 0 of a single value, which has no axes", () => Tensor.Scalar(1).Sum(0) },
        { "mean: axis -2 of [2,3] is named twice", () => s_x.Mean([0, -2]) },
        { "prod: axis -3 of [2,3]", () => s_x.Prod(-3) },
        { "any: axis 2 of [2,3]", () => s_x.Any(2) },
        { "all: axis 2 of [2,3]", () => s_x.All(2) },
        { "std: axis 2 of [2,3]", () => s_x.Std(2) },
        { "norm: axis 2 of [2,3]", () => s_x.Norm(2, 2) },
        { "logsumexp: axis 2 of [2,3]", () => s_x.LogSumExp(2) },
        { "logsumexp: [2,0] holds no value to choose from", () => Tensor.Ones([2, 0]).LogSumExp(1) },
        { "max: axis 2 of [2,3]", () => s_x.Max(2) },
        { "max: [0,3] holds no value to choose from; is the batch empty?", () => Tensor.Ones([0, 3]).Max(0) },
        { "min: [0,3] holds no value to choose from", () => Tensor.Ones([0, 3]).Min() },
        { "max: [0,3] holds no value to choose from", () => Tensor.Ones([0, 3]).MaxWithIndices(0) },
        { "argmax: axis 5 of [2,3]", () => s_x.ArgMax(5) },
        { "argmin: [2,0] holds no value to choose from", () => Tensor.Ones([2, 0]).ArgMin() },
        { "cumsum: axis 2 of [2,3]", () => s_x.CumSum(2) },
        { "cumprod: axis 2 of [2,3]", () => s_x.CumProd(2) },
        { "logcumsumexp: axis 2 of [2,3]", () => s_x.LogCumSumExp(2) },
        { "glu: axis 1 of [2,3] has no two halves", () => s_x.Glu() },
        { "unfold: windows of 4 in steps of 1 along axis 1 of [2,3]", () => s_x.Unfold(1, 4, 1) },
        { "unfold: windows of 2 in steps of 0", () => s_x.Unfold(1, 2, 0) },
        { "shape: [100001,100000]: more than 2147483647 values", () => Tensor.Zeros([200_000]).Unfold(0, 100_000, 1) },
        { "pixel-shuffle: [1,4,1,1] by 65536", () => Tensor.Ones([1, 4, 1, 1]).PixelShuffle(65536) },
        { "row-gradient: values [2,4] for 5 uses of rows of a table [10,4]", () => RowGradient.Sum([10, 4], Indices.Arange(5), Tensor.Ones([2, 4])) },
        { "row-gradient: gradients of tables [10,4] and [10,3] cannot be added", () => new RowGradient([10, 4], Indices.Of(1), Tensor.Ones([1, 4])).Add(new([10, 3], Indices.Of(1), Tensor.Ones([1, 3]))) },
        { "masked-select: [2,3] with a mask [3]", () => s_x.MaskedSelect(Tensor.Ones([3])) },
        { "search-sorted: [2,3] is no row", () => s_x.SearchSorted(s_x) },
        { "bin-count: labels [2] with weights [2,3]", () => Indices.Of(0, 1).BinCount(2, s_x) },
        { "cross-entropy: logits [2,3] with probabilities [3]", () => s_x.CrossEntropy(Tensor.Ones([3])) },
        { "ctc: log-probabilities [2,3] with targets [1,2]: expected [T,N,C] and [N,S]", () => DeepEdu.Nn.Losses.Ctc(s_x, Indices.Of([1, 2], [1, 1]), Indices.Of(2), Indices.Of(2)) },
        { "ctc: lengths [2] and [1] for 1 sequences", () => DeepEdu.Nn.Losses.Ctc(Tensor.Ones([4, 1, 3]), Indices.Of([1, 2], [1, 1]), Indices.Of(2, 2), Indices.Of(2)) },
        { "softmax: axis 2 of [2,3]", () => s_x.Softmax(2) },
        { "log-softmax: axis -1 of a single value", () => Tensor.Scalar(1).LogSoftmax() },
        { "cross-entropy: logits [2,5,3] with labels [2,5]: expected labels [2,3]; are the classes the last axis? Here it is axis 1: x.Flatten(0, -2).CrossEntropy(labels.Flatten())", () => Tensor.Zeros([2, 5, 3]).CrossEntropy(Indices.Full([2, 5], 0)) },
        { "cross-entropy: logits [2,3] with labels [3]: expected labels [2]", () => s_x.CrossEntropy(new[] { 0, 1, 2 }) },
        { "Give class numbers (ArgMax)", () => s_x.CrossEntropy(Indices.Of([2, 3], [0, 1, 0, 1, 0, 0])) },
        { "cross-entropy: class weights [2] for logits [2,3]: expected [3]", () => s_x.CrossEntropy(new[] { 0, 1 }, Tensor.Ones([2])) },
        { "cross-entropy: logits [2,0] have no classes", () => Tensor.Ones([2, 0]).CrossEntropy(new[] { 0, 1 }) },
        { "cross-entropy: a single value has no class axis", () => Tensor.Scalar(1).CrossEntropy(new[] { 0 }) },
        { "binary-cross-entropy-with-logits: logits [2,3] with targets [3,2]: they must have one shape; Reshape one of them?", () => s_x.BinaryCrossEntropyWithLogits(Tensor.Ones([3, 2])) },
        { "binary-cross-entropy-with-logits: positive weights [4,2,3] do not broadcast to logits [2,3]", () => s_x.BinaryCrossEntropyWithLogits(s_x, Tensor.Ones([4, 2, 3])) },
        { "instance-norm: [2,3,4]: give both running mean and running variance, or neither", () => s_x.Unsqueeze(2).Repeat([1, 1, 4]).InstanceNorm(runningMean: Tensor.Ones([3])) },
        { "ordinal: logits [3]: expected [N,K-1]", () => DeepEdu.Nn.Ordinal.CoralGrades(Tensor.Ones([3])) },
        { "binary-cross-entropy-with-logits: [2] and [2,3] do not broadcast", () => s_x.BinaryCrossEntropyWithLogits(s_x, weight: Tensor.Ones([2])) },
    };

    [Theory, MemberData(nameof(Shapes))]
    public void WrongShapesAndAxesAreNamed(string says, Func<object> wrong)
    {
        var e = Assert.Throws<ShapeException>(wrong);
        Assert.Contains(says, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WrongNumbersAreNamed()
    {
        Assert.Contains("cross-entropy: label 3 at position 1 is outside 0..2 and is not the ignored one, -100",
            Assert.Throws<ArgumentOutOfRangeException>(() => s_x.CrossEntropy(new[] { 0, 3 })).Message, StringComparison.Ordinal);
        Assert.Contains("label -1 at position 0", Assert.Throws<ArgumentOutOfRangeException>(() => s_x.CrossEntropy(new[] { -1, 0 })).Message, StringComparison.Ordinal);
        Assert.Contains("label smoothing must lie in 0..1", Assert.Throws<ArgumentOutOfRangeException>(() => s_x.CrossEntropy(new[] { 0, 1 }, labelSmoothing: 1.5f)).Message, StringComparison.Ordinal);
        Assert.Contains("adaptive-avg-pool2d: (0, 1) windows", Assert.Throws<ArgumentException>(() => Tensor.Ones([1, 1, 4, 4]).AdaptiveAvgPool2d((0, 1))).Message, StringComparison.Ordinal);
        Assert.Contains("gaussian-noise: the deviation -1 must not be negative", Assert.Throws<ArgumentOutOfRangeException>(() => s_x.GaussianNoise(-1, new(1))).Message, StringComparison.Ordinal);
        static void Ctc(string says, int symbol, int steps, int symbols, int blank = 0) => Assert.Contains(says, Assert.Throws<ArgumentOutOfRangeException>(() =>
            DeepEdu.Nn.Losses.Ctc(Tensor.Ones([4, 1, 3]), Indices.Of([1, 2], [1, symbol]), Indices.Of(steps), Indices.Of(symbols), blank)).Message, StringComparison.Ordinal);
        Ctc("ctc: input length 5 of sequence 0 is outside 1..4", 1, 5, 2);
        Ctc("ctc: target length 3 of sequence 0 is outside 0..2", 1, 4, 3);
        Ctc("ctc: symbol 3 at place 1 of target 0 is outside 0..2", 3, 4, 2);
        Ctc("ctc: symbol 0 at place 1 of target 0 is the blank", 0, 4, 2);
        Ctc("ctc: the blank 3 is outside 0..2", 1, 4, 2, blank: 3);
        Assert.Contains("search-sorted: 1 at position 1 follows 2", Assert.Throws<ArgumentException>(() => Tensor.Of(2f, 1).SearchSorted(s_x)).Message, StringComparison.Ordinal);
        Assert.Contains("bin-count: index 2", Assert.Throws<ArgumentOutOfRangeException>(() => Indices.Of(0, 2).BinCount(2)).Message, StringComparison.Ordinal);
        Assert.Contains("norm: p must be above 0", Assert.Throws<ArgumentOutOfRangeException>(() => s_x.Norm(0)).Message, StringComparison.Ordinal);
    }

    public static TheoryData<string, Func<Tensor, Tensor>> OneInput => new()
    {
        { "scale", x => x * 2 },
        { "exp", x => x.Exp() },
        { "zip", x => s_x + x },
        { "sum", x => x.Sum() },
        { "var", x => x.Var(1) },
        { "max", x => x.Max(0) },
        { "argmax", x => x.MaxWithIndices(0).Values },
        { "cumsum", x => x.CumSum(0) },
        { "softmax", x => x.Softmax() },
        { "cross-entropy", x => x.CrossEntropy(new[] { 0, 1 }) },
        { "bce", x => x.BinaryCrossEntropyWithLogits(s_x) },
        { "where", x => Tensor.Where(s_x, x, s_x) },
    };

    [Theory, MemberData(nameof(OneInput))]
    public void ATensorOfAClosedArenaSaysKeep(string op, Func<Tensor, Tensor> use)
    {
        Tensor stale;
        using (new Arena()) { stale = Tensor.Ones([2, 3]); }
        var e = Assert.Throws<ObjectDisposedException>(() => use(stale));
        Assert.True(e.Message.Contains("Keep()", StringComparison.Ordinal), op);
    }

    [Theory, MemberData(nameof(OneInput))]
    public void NaNIsNeverLost(string op, Func<Tensor, Tensor> use)
    {
        var y = use(Tensor.Of([2, 3], [1, 2, 3, 4, float.NaN, 6])).ToArray();
        Assert.True(y.Any(float.IsNaN), op);
    }

    [Fact]
    public void TwoDevicesAreNamed()
    {
        var far = Tensor.Ones([2, 3], new Elsewhere());
        foreach (var wrong in (Func<object>[])[() => s_x + far, () => Tensor.Where(s_x, s_x, far), () => s_x.MaskedFill(far, 0), () => s_x.CrossEntropy(new[] { 0, 1 }, Tensor.Ones([3], new Elsewhere()))])
        {
            var e = Assert.Throws<InvalidOperationException>(wrong);
            Assert.Contains("lives on cpu, the other", e.Message, StringComparison.Ordinal);
            Assert.Contains("on elsewhere; move one of them", e.Message, StringComparison.Ordinal);
        }
    }
}
