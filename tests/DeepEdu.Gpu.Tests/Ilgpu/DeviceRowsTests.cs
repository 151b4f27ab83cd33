using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Gpu.Tests;

/// <summary>Kernels that go row by row or value by value, with odd shapes and every option, on a device that refuses to hand anything back to the processor: values and gradients are
/// the processor's.</summary>
public class DeviceRowsTests
{
    // Both round each operation once and share the polynomials, but rows are summed in another order, and some pairs are contracted to a fused multiply-add
    private const float Rounding = 1e-5f;

    // sums of hundreds of values that nearly cancel
    private const float Cancelling = 5e-4f;

    private static readonly GpuDevice s_device = Strict();

    private static readonly Dictionary<string, Case> s_cases = new Case[]
    {
        // copies: turned tiles and their edges, runs of four, backwards, thin, none, an axis inside another
        new("transpose", [[33, 35]], x => x[0].Transpose(0, 1), 0),
        new("permute three", [[3, 5, 34]], x => x[0].Permute(2, 0, 1), 0),
        new("permute heads", [[2, 3, 2, 4]], x => x[0].Permute(0, 2, 1, 3), 0),
        new("permute inner turned", [[2, 3, 4, 5]], x => x[0].Permute(3, 1, 0, 2), 0),
        new("slice", [[5, 7]], x => x[0][1.., 2..5], 0),
        new("flip", [[3, 5]], x => x[0].Flip(1), 0),
        new("concat", [[2, 3], [2, 4]], x => Tensor.Concat(x, 1), 0),
        new("transpose of one", [[1, 1]], x => x[0].Transpose(0, 1), 0),
        new("transpose of none", [[0, 4]], x => x[0].Transpose(0, 1), 0),
        // rows: one value, fewer and more than a team, more than a group takes at once, none
        new("softmax of one", [[3, 1]], x => x[0].Softmax(), Rounding),
        new("softmax short", [[5, 7]], x => x[0].Softmax(), Rounding),
        new("softmax long", [[2, 1111]], x => x[0].Softmax(), Rounding),
        new("softmax across", [[2, 9, 5]], x => x[0].Softmax(1), Rounding),
        new("softmax across many", [[150, 3]], x => x[0].Softmax(0), Rounding),
        new("softmax of none", [[0, 4]], x => x[0].Softmax(), 0),
        new("log-softmax", [[5, 13]], x => x[0].LogSoftmax(), Rounding),
        new("log-softmax across", [[4, 6, 3]], x => x[0].LogSoftmax(1), Rounding),
        new("log-softmax long", [[1, 1030]], x => x[0].LogSoftmax(), Rounding),
        new("cross-entropy", [[5, 7]], x => x[0].CrossEntropy((int[])[3, 0, 6, 1, 1]), Rounding),
        new("cross-entropy smoothed", [[5, 7], [7]], x => x[0].CrossEntropy((int[])[3, 0, -100, 1, 1], x[1].Detach(), labelSmoothing: 0.1f), Rounding),
        new("cross-entropy unweighted, smoothed, each", [[3, 5]], x => x[0].CrossEntropy((int[])[3, -100, 4], labelSmoothing: 0.3f, reduction: Reduction.None), Rounding),
        new("cross-entropy across", [[2, 3, 4]], x => x[0].CrossEntropy(Ints([2, 4], 0, 1, 2, 0, 1, 1, -1, 2), ignoreIndex: -1), Rounding),
        new("cross-entropy long", [[2, 1100]], x => x[0].CrossEntropy((int[])[1099, 2]), Rounding),
        new("cross-entropy of one class", [[3, 1]], x => x[0].CrossEntropy((int[])[0, 0, 0]), Rounding),
        new("layer-norm", [[5, 7], [7], [7]], x => x[0].LayerNorm([7], x[1], x[2]), Rounding),
        new("layer-norm plain", [[3, 2, 3]], x => x[0].LayerNorm([2, 3]), Rounding),
        new("layer-norm long", [[2, 1030], [1030], [1030]], x => x[0].LayerNorm([1030], x[1], x[2]), Rounding),
        new("layer-norm many rows", [[600, 3], [3], [3]], x => x[0].LayerNorm([3], x[1], x[2]), Cancelling),
        new("layer-norm of no rows", [[0, 3], [3], [3]], x => x[0].LayerNorm([3], x[1], x[2]), 0),
        new("rms-norm", [[4, 9], [9]], x => x[0].RmsNorm([9], x[1]), Rounding),
        new("group-norm", [[2, 4, 5], [4], [4]], x => x[0].GroupNorm(2, x[1], x[2]), Rounding),
        new("batch-norm", [[9, 5], [5], [5], [5], [5]], x => x[0].BatchNorm(x[3].Detach(), x[4].Detach() + 2, x[1], x[2]), Rounding),
        // channels so long that they go in pieces, which end within an image; few rows of many
        new("batch-norm in pieces", [[9, 3, 32, 33], [3], [3], [3], [3]], x => x[0].BatchNorm(x[3].Detach(), x[4].Detach() + 2, x[1], x[2]), Cancelling),
        new("batch-norm in pieces, plain", [[4, 2, 65, 64]], x => x[0].BatchNorm(null, null), Cancelling),
        new("batch-norm in pieces, of what runs", [[9, 3, 32, 33], [3], [3], [3], [3]], x => x[0].BatchNorm(x[3].Detach(), x[4].Detach() + 2, x[1], x[2], training: false), Cancelling),
        new("batch-norm in pieces, rows", [[8200, 3], [3], [3], [3], [3]], x => x[0].BatchNorm(x[3].Detach(), x[4].Detach() + 2, x[1], x[2]), Cancelling),
        new("batch-norm of images", [[3, 2, 3, 3], [2], [2]], x => x[0].BatchNorm(null, null, x[1], x[2]), Rounding),
        new("batch-norm in use", [[3, 2, 3], [2], [2], [2], [2]], x => x[0].BatchNorm(x[3].Detach(), x[4].Detach() + 2, x[1], x[2], training: false), Rounding),
        new("batch-norm many", [[700, 2]], x => x[0].BatchNorm(null, null), Cancelling),
        // indices: once, twice, never, skipped; whole entries and single values; lists of many
        new("gather", [[3, 5]], x => x[0].Gather(1, Ints([3, 2], 4, 4, 0, 1, 2, 2)), 0),
        new("gather first axis", [[4, 3, 2]], x => x[0].Gather(0, Ints([2, 3, 2], 3, 3, 0, 1, 1, 0, 3, 2, 0, 0, 1, 1)), 0),
        new("gather many", [[5]], x => x[0].Gather(0, Enumerable.Range(0, 99).Select(i => i * i % 5).ToArray()), 0),
        new("scatter-add", [[3, 4], [3, 5]], x => x[0].ScatterAdd(1, Ints([3, 5], 0, 1, 1, 3, 0, 2, 2, 2, 2, 2, 0, 1, 2, 3, 0), x[1]), 0),
        new("scatter-add many", [[2, 3], [2, 70]], x => x[0].ScatterAdd(1, Ints([2, 70], [.. Enumerable.Range(0, 140).Select(i => i * i % 3)]), x[1]), 0),
        new("index-select", [[3, 5, 2]], x => x[0].IndexSelect(1, (int[])[4, 0, 4, 4]), 0),
        new("index-select of none", [[3, 5]], x => x[0].IndexSelect(1, (int[])[]), 0),
        new("embedding", [[6, 4]], x => x[0].Embedding(Ints([2, 3], 5, 0, 0, 2, 5, 1), padding: 0), 0),
        new("embedding odd", [[6, 3]], x => x[0].Embedding((int[])[5, 0, 0, 2, 5, 1, 5]), 0),
        new("bag sum", [[6, 3]], x => x[0].EmbeddingBag((int[])[5, 0, 0, 2, 5], BagMode.Sum, (int[])[0, 2, 2, 4]), 0),
        new("bag mean", [[6, 3]], x => x[0].EmbeddingBag(Ints([2, 3], 5, 0, 0, 2, 5, 1), BagMode.Mean, padding: 0), Rounding), // the processor adds shares with fused multiply-adds
        new("bag max", [[6, 3]], x => x[0].EmbeddingBag(Ints([3, 3], 5, 0, 0, 2, 5, 1, 1, 1, 5), BagMode.Max, padding: 0), 0),
        // value by value
        new("tril", [[2, 4, 5]], x => x[0].Tril(1), 0),
        new("triu", [[3, 3]], x => x[0].Triu(-1), 0),
        new("triu of none", [[0, 3]], x => x[0].Triu(), 0),
        new("rotary pairs", [[2, 3, 13], [5, 3], [5, 3]], x => x[0].Rotary(x[1].Detach(), x[2].Detach(), heads: 2, past: 2), Rounding),
        new("rotary halves", [[3, 8], [5, 2], [5, 2]], x => x[0].Rotary(x[1].Detach(), x[2].Detach(), heads: 2, halves: true), Rounding),
        new("cumsum", [[3, 37]], x => x[0].CumSum(1), Rounding),
        new("cumsum back", [[2, 9]], x => x[0].CumSum(1, reverse: true), Rounding),
        new("cumsum across", [[2, 5, 3]], x => x[0].CumSum(1, reverse: true), Rounding),
        new("cumsum long", [[1, 1100]], x => x[0].CumSum(1), Rounding),
        new("max with places", [[5, 9]], x => x[0].MaxWithIndices(1).Values, 0),
        new("min with places across", [[3, 5, 2]], x => x[0].MinWithIndices(1).Values, 0),
        new("max with places long", [[1, 1100]], x => x[0].MaxWithIndices(1).Values, 0),
        // losses that make constants of their own
        new("coral", [[4, 3]], x => Ordinal.Coral(x[0], (int[])[0, 3, 1, 2]), Rounding),
        new("corn", [[4, 3]], x => Ordinal.Corn(x[0], (int[])[0, 3, 1, 2]), Rounding),
        new("weighted sum", [[1], [1]], x => Losses.WeightedSum(x, [0.5f, 2]), Rounding),
        new("gradnorm", [[1], [1]], x => new GradNorm(2).Total(x), Rounding),
        // random numbers: whole blocks of four and pieces of blocks
        new("dropout", [[4, 8]], x => x[0].Dropout(0.3f, new Rng(3)), 0),
        new("dropout of odd pieces", [[3, 7]], x => x[0].Dropout(0.3f, new Rng(3, 9) { Position = 5 }), 0),
        new("dropout of one", [[1]], x => x[0].Dropout(0.3f, new Rng(3) { Position = 3 }), 0),
        new("dropout of all", [[5]], x => x[0].Dropout(1, new Rng(3)), 0),
        new("dropout of none", [[0]], x => x[0].Dropout(0.5f, new Rng(3)), 0),
        // without fused multiply-add, sine, cosine and logarithm are up to 3 ulp from the processor's
        new("gaussian noise", [[5, 5]], x => x[0].GaussianNoise(0.5f, new Rng(3) { Position = 2 }), 2e-6f),
        new("gaussian dropout", [[40]], x => x[0].GaussianDropout(0.5f, new Rng(4)), 2e-6f),
    }.ToDictionary(c => c.Name);

    public static TheoryData<string> Cases => [.. s_cases.Keys];

    [Theory, MemberData(nameof(Cases))]
    public void EqualsTheProcessor(string name)
    {
        var c = s_cases[name];
        float[][] want = Run(c, CpuDevice.Instance), got = Run(c, s_device);
        for (int i = 0; i < want.Length; i++) { Close(want[i], got[i], c.Tolerance, $"{name}: {(i == 0 ? "output" : $"gradient {i - 1}")}"); }
    }

    [Theory, InlineData(true), InlineData(false)]
    public void PlacesAreTheFirstOfEquals(bool largest)
    {
        float[] x = [1, 3, 3, -2, 0, -0f, 0, -0f, float.NaN, 7, float.NaN, -7, -2, -2, -5, -5];
        var want = Places(CpuDevice.Instance);
        Assert.Equal(want, Places(s_device));

        int[] Places(Device device)
        {
            Tensor rows = Tensor.Of([4, 4], x, device), columns = rows.Transpose(0, 1);
            return [.. (largest ? rows.ArgMax(1) : rows.ArgMin(1)).ToArray(), .. (largest ? columns.ArgMax(0) : columns.ArgMin(0)).ToArray()];
        }
    }

    /// <summary>Rows, columns, rows of several groups, a few of many, and rows of runs that are merged, some of which have no other: in both directions the processor's places, equals in their order.</summary>
    [Theory]
    [InlineData(3, 70, 1, 70)]
    [InlineData(2, 300, 5, 300)]
    [InlineData(5, 3, 1, 3)]
    [InlineData(1, 600, 2, 7)]
    [InlineData(2, 9, 1, 0)]
    [InlineData(0, 4, 3, 4)]
    [InlineData(1, 2048, 1, 2048)]
    [InlineData(2, 2049, 1, 2049)]
    [InlineData(1, 2561, 3, 2561)]
    [InlineData(3, 4096, 1, 5)]
    [InlineData(1, 70_001, 1, 70_001)]
    public void OrderIsTheProcessors(int outer, int n, int inner, int k)
    {
        float[] special = [float.NaN, float.PositiveInfinity, float.NegativeInfinity, 0, -0f, 1, -1];
        float[] x = [.. Enumerable.Range(0, outer * n * inner).Select(i => i % 3 == 0 ? special[i * 7919 % 11 % 7] : MathF.Sin(i * 1.7f))];
        foreach (bool largest in (bool[])[false, true])
        {
            var (want, places) = Tensor.Of([outer, n, inner], x).TopK(k, 1, largest);
            var (got, there) = Tensor.Of([outer, n, inner], x, s_device).TopK(k, 1, largest);
            Assert.Equal(places.ToArray(), there.ToArray());
            Assert.Equal(want.ToArray(), got.ToArray());
        }
    }

    [Fact]
    public void RunningStatisticsFollowTheBatch()
    {
        // in place, once for each of the two layouts
        foreach (Shape shape in (Shape[])[[6, 3], [2, 3, 4]])
        {
            float[][] want = Moved(CpuDevice.Instance), got = Moved(s_device);
            for (int i = 0; i < want.Length; i++) { Close(want[i], got[i], Rounding, "running statistics"); }

            float[][] Moved(Device device)
            {
                using var tape = new Tape();
                Tensor mean = Tensor.Of([3], [1, 2, 3], device), variance = Tensor.Of([3], [4, 5, 6], device);
                Numbers(shape, 0, device).BatchNorm(mean, variance);
                return [mean.ToArray(), variance.ToArray()];
            }
        }
    }

    [Theory, InlineData(typeof(Adam)), InlineData(typeof(Sgd)), InlineData(typeof(Adagrad))]
    public void RowsOfTablesAreStepped(Type kind)
    {
        Close(Stepped(CpuDevice.Instance), Stepped(s_device), Rounding, kind.Name);

        float[] Stepped(Device device)
        {
            Parameter table = new([7, 3], Numbers([7, 3], 0, CpuDevice.Instance).AsSpan(), device);
            Optimizer optimizer = kind == typeof(Adam) ? new Adam([("table", table)], new() { LearningRate = 0.1 }) : kind == typeof(Sgd) ? new Sgd([("table", table)], new() { LearningRate = 0.1 }) : new Adagrad([("table", table)], new() { LearningRate = 0.1 });
            for (int i = 0; i < 2; i++)
            {
                using var tape = new Tape();
                var y = table.Embedding((int[])[5, i, 5, 2, 6], padding: 2, sparse: true);
                optimizer.Step(tape.Gradients((y * y).Sum()));
            }
            return table.ToArray();
        }
    }

    [Theory, InlineData(1f), InlineData(2f), InlineData(3f), InlineData(float.PositiveInfinity)]
    public void LongRowsOfTablesAreShortened(float p)
    {
        // a power is a logarithm, a product and an exponential here
        Close(Shortened(CpuDevice.Instance), Shortened(s_device), 1e-5f, $"norm {p}");

        float[] Shortened(Device device)
        {
            var table = Numbers([5, 9], 0, device);
            Bags.Shorten(table, (int[])[1, 4, 1, 0], 1.25f, p);
            return table.ToArray();
        }
    }

    [Fact]
    public void DroppedValuesAreTheProcessors()
    {
        using var tape = new Tape();
        for (int start = 0; start < 5; start++)
        {
            float[] want = Tensor.Ones([11]).Dropout(0.5f, new Rng(8, 1) { Position = (ulong)start }).ToArray();
            Assert.Equal(want, Tensor.Ones([11], s_device).Dropout(0.5f, new Rng(8, 1) { Position = (ulong)start }).ToArray());
        }
    }

    // outputs, then the gradients of Σ outputs ⊙ fixed numbers
    private static float[][] Run(Case c, Device device)
    {
        using var tape = new Tape();
        Tensor[] x = [.. c.Shapes.Select((s, i) => Numbers(s, i, device))];
        foreach (var input in x) { tape.Watch(input); }
        var y = c.Run(x);
        var g = tape.Gradients(y, Numbers(y.Shape, 31, device));
        return [y.ToArray(), .. x.Select(t => g.Find(t)?.ToArray() ?? [])];
    }

    // the same on every device; spread over [−1, 1]
    private static Tensor Numbers(Shape shape, int seed, Device device) =>
        Tensor.Of(shape, [.. Enumerable.Range(0, shape.Size).Select(i => MathF.Sin((i * 1.7f) + (seed * 0.61f)))], device);

    private static void Close(float[] want, float[] got, float tolerance, string what)
    {
        Assert.Equal(want.Length, got.Length);
        float largest = want.Select(MathF.Abs).DefaultIfEmpty().Max();
        for (int i = 0; i < want.Length; i++)
        {
            Assert.True(want[i].Equals(got[i]) || MathF.Abs(want[i] - got[i]) <= tolerance * largest, $"{what}: value {i} is {got[i]:g9}, expected {want[i]:g9}");
        }
    }

    private static Indices Ints(Shape shape, params int[] values) => Indices.Of(shape, values);

    private static GpuDevice Strict()
    {
        var device = TestDevice.New();
        device.Strict = true;
        return device;
    }

    private sealed record Case(string Name, Shape[] Shapes, Func<Tensor[], Tensor> Run, float Tolerance);
}
