using System.Text.Json;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Optim;

/// <summary>Gradients that are a few rows of a table, and the optimisers that step only those.</summary>
[Collection("alone")]
public class SparseTests
{
    private static readonly JsonElement s_golden = OptimizerTests.Golden().GetProperty("sparse");

    private static readonly Dictionary<string, Func<Parameter, Optimizer>> s_kinds = new()
    {
        ["sparse-adam"] = w => new Adam([("w", w)], new() { LearningRate = 0.05 }),
        ["sparse-adam-all"] = w => new Adam([("w", w)], new() { LearningRate = 0.02, Beta1 = 0.8, Beta2 = 0.95, Epsilon = 1e-2 }),
        ["sparse-sgd"] = w => new Sgd([("w", w)], new() { LearningRate = 0.1 }),
        ["sparse-adagrad"] = w => new Adagrad([("w", w)], new() { LearningRate = 0.1, LearningRateDecay = 0.05, InitialAccumulator = 0.3 }),
    };

    public static TheoryData<string> Kinds => [.. s_kinds.Keys];

    [Fact]
    public void EveryGoldenIsTested() => Assert.Equal(s_golden.GetProperty("after").EnumerateObject().Select(p => p.Name).Order(), s_kinds.Keys.Order());

    [Theory]
    [MemberData(nameof(Kinds))]
    public void StepsEqualPyTorch(string kind)
    {
        var w = new Parameter([6, 3], OptimizerTests.Numbers(s_golden.GetProperty("start")));
        var optimizer = s_kinds[kind](w);
        foreach (var step in s_golden.GetProperty("steps").EnumerateArray())
        {
            Indices index = step.GetProperty("index").EnumerateArray().Select(v => v.GetInt32()).ToArray();
            using var tape = new Tape();
            optimizer.Step(tape.Gradients(w.Embedding(index, sparse: true), Tensor.Of([index.Size, 3], OptimizerTests.Numbers(step.GetProperty("gradient")))));
        }
        float[] expected = OptimizerTests.Numbers(s_golden.GetProperty("after").GetProperty(kind)), actual = w.ToArray();
        // float32 against double, over twelve steps
        for (int i = 0; i < expected.Length; i++) { Assert.Equal(expected[i], actual[i], 2e-6f * Math.Max(1, Math.Abs(expected[i]))); }
    }

    /// <summary>One row often, many rows once, two uses of one table, padding: the rows' sums are, bit for bit, those of the whole table's gradient, on any number of threads.</summary>
    [Theory]
    [InlineData(7, 3, 50)]
    [InlineData(1000, 33, 4000)]
    [InlineData(100_000, 64, 3000)]
    [InlineData(5, 4, 0)]
    public void RowsAreThoseOfTheWholeGradient(int count, int width, int uses)
    {
        var rng = new Rng(3);
        var w = new Parameter([count, width]);
        w.AsSpan().Clear();
        Indices a = Enumerable.Range(0, uses).Select(_ => Math.Min(rng.Next(count), rng.Next(count))).ToArray();
        var dy = Tensor.Normal([uses, width], rng);
        int threads = DeepEduOptions.MaxThreads;
        try
        {
            foreach (int n in new[] { 1, 2, 8 })
            {
                DeepEduOptions.MaxThreads = n;
                using var tape = new Tape();
                float[] dense = tape.Gradients(w.Embedding(a, padding: 2), dy)[w].ToArray();
                var sparse = tape.Gradients(w.Embedding(a, padding: 2, sparse: true), dy);
                var rows = sparse.FindRows(w)!;
                Assert.Equal(a.ToArray().Where(r => r != 2).Distinct(), rows.Rows.ToArray());
                Assert.Equal(dense, sparse[w].ToArray());
                Assert.Equal(1, sparse.Count);
                Assert.Equal([w], sparse.Leaves);
            }
        }
        finally { DeepEduOptions.MaxThreads = threads; }
    }

    [Fact]
    public void UsesOfOneTableAddUp()
    {
        var rng = new Rng(4);
        var w = new Parameter([9, 4]);
        w.CopyFrom(Tensor.Normal([9, 4], rng).AsSpan());
        Indices a = new[] { 1, 3, 3 }, b = new[] { 3, 8 };
        Tensor Loss(bool sparse) => w.Embedding(a, sparse: sparse).Square().Sum() + w.Embedding(b, sparse: sparse).Exp().Sum();
        using var tape = new Tape();
        float[] expected = tape.Gradients(Loss(false))[w].ToArray();
        var gradients = tape.Gradients(Loss(true));
        Assert.Equal([1, 3, 8], gradients.FindRows(w)!.Rows.ToArray().Order());
        Near(expected, gradients[w].ToArray());
        // a tied table, used as a matrix as well: its gradient is the whole table's, whichever use is met first
        foreach (var tied in new[] { Loss(true) + w.Sin().Sum(), w.Sin().Sum() + Loss(true) })
        {
            var mixed = tape.Gradients(tied);
            Assert.Null(mixed.FindRows(w));
            Near([.. expected.Zip(w.ToArray(), (g, x) => g + MathF.Cos(x))], mixed[w].ToArray());
        }

        // two sums in another order
        static void Near(float[] x, float[] y)
        {
            for (int i = 0; i < x.Length; i++) { Assert.Equal(x[i], y[i], 1e-5f * Math.Max(1, Math.Abs(x[i]))); }
        }
    }

    [Fact]
    public void ATableThatIsComputedGetsTheWholeGradient()
    {
        var w = new Parameter([3, 2], [1, 2, 3, 4, 5, 6]);
        using var tape = new Tape();
        var gradients = tape.Gradients((2 * w).Embedding(new[] { 1, 1 }, sparse: true).Sum());
        Assert.Null(gradients.FindRows(w));
        Assert.Equal([0, 0, 4, 4, 0, 0], gradients[w].ToArray());
    }

    [Theory]
    [InlineData(1f)]
    [InlineData(100f)]
    public void ClippingIsThatOfTheWholeGradient(float limit)
    {
        var w = new Parameter([50, 4]);
        w.AsSpan().Clear();
        var v = new Parameter([3], [1, 2, 3]);
        Indices index = new[] { 7, 7, 3 };
        var dy = Tensor.Normal([3, 4], new Rng(5), std: 3);
        using var tape = new Tape();
        Gradients[] both = [.. new[] { false, true }.Select(sparse => tape.Gradients((w.Embedding(index, sparse: sparse) * dy).Sum() + v.Square().Sum()))];
        // the sums of squares are cut into different pieces
        Assert.Equal(Clip.ByNorm(both[0], limit).Item(), Clip.ByNorm(both[1], limit).Item(), 1e-5f);
        Assert.Equal([7, 3], both[1].FindRows(w)!.Rows.ToArray());
        foreach (var leaf in new Tensor[] { w, v })
        {
            float[] x = both[0][leaf].ToArray(), y = both[1][leaf].ToArray();
            for (int i = 0; i < x.Length; i++) { Assert.Equal(x[i], y[i], 1e-6f * Math.Max(1, Math.Abs(x[i]))); }
        }
        Clip.ByValue(both[1], 0.01f);
        Assert.All(both[1].FindRows(w)!.Values.ToArray(), g => Assert.InRange(g, -0.01f, 0.01f));
    }

    [Fact]
    public void RowsWithoutGradientRestDecayAndAll()
    {
        Func<(string, Parameter)[], Optimizer>[] lazy =
        [
            p => new Adam(p, new() { WeightDecay = 0.5, AmsGrad = true }), p => new AdamW(p, new() { WeightDecay = 0.5 }), p => new Sgd(p, new() { Momentum = 0.9, WeightDecay = 0.5 }),
            p => new Adagrad(p, new() { WeightDecay = 0.5 }),
        ];
        foreach (var make in lazy)
        {
            var w = new Parameter([3, 2], [1, 2, 3, 4, 5, 6]);
            var optimizer = make([("w", w)]);
            Step(optimizer, w, 0, 2);
            float[] after = w.ToArray();
            Assert.Equal([3, 4], after[2..4]);
            Assert.All(after[4..].Concat(after[..2]).Zip([5f, 6, 1, 2]), p => Assert.True(p.First < p.Second)); // the gradient is 1 and the decay pulls the same way
            var statistics = optimizer.State().Skip(1).Select(s => s.Value.ToArray()).ToArray();
            Step(optimizer, w, 1);
            Assert.Equal(after[..2], w.ToArray()[..2]);
            Assert.Equal(after[4..], w.ToArray()[4..]);
            foreach (var (before, now) in statistics.Zip(optimizer.State().Skip(1)))
            {
                Assert.Equal(before[..2], now.Value.ToArray()[..2]);
                Assert.Equal(before[4..], now.Value.ToArray()[4..]);
                Assert.NotEqual(before[2..4], now.Value.ToArray()[2..4]);
            }
        }
    }

    [Fact]
    public void AnOptimizerThatIsNotLazyTakesTheWholeGradient()
    {
        Parameter a = new([3, 2], [1, 2, 3, 4, 5, 6]), b = new([3, 2], [1, 2, 3, 4, 5, 6]);
        RmsProp one = new([("w", a)], new() { Momentum = 0.5 }), two = new([("w", b)], new() { Momentum = 0.5 });
        for (int i = 0; i < 3; i++)
        {
            Step(one, a, i);
            using var tape = new Tape();
            two.Step(tape.Gradients(b.Embedding(new[] { i }).Sum()));
        }
        Assert.Equal(b.ToArray(), a.ToArray());
    }

    /// <summary>What a step rents and allocates is the same for a hundred rows and for a million.</summary>
    [Fact]
    public void TheCostDoesNotDependOnTheTablesLength()
    {
        var costs = new[] { 100, 10_000, 1_000_000 }.Select(count =>
        {
            var layer = new Embedding(count, 4, new Rng(1), init: Init.Zeros(), sparse: true);
            var adam = new Adam(layer.Parameters());
            Indices index = Enumerable.Range(0, 32).Select(i => i * 3).ToArray();
            long bytes = 0, managed = 0;
            for (int i = 0; i < 3; i++)
            {
                long before = GC.GetAllocatedBytesForCurrentThread(), live = CpuDevice.Instance.Pool.LiveBytes;
                using var tape = new Tape();
                var gradients = tape.Gradients(layer.Forward(index).Sum());
                adam.Step(gradients);
                (bytes, managed) = (CpuDevice.Instance.Pool.LiveBytes - live, GC.GetAllocatedBytesForCurrentThread() - before);
                Assert.Equal(32 * 4, gradients.FindRows(layer.Weight)!.Values.Size);
            }
            return (bytes, managed);
        }).ToArray();
        Assert.Equal(costs[0].bytes, costs[2].bytes);
        Assert.InRange(costs[2].managed, 0, costs[0].managed + 512); // a table of one byte an entry would be a million
    }

    [Fact]
    public void RowsThatDoNotFitAreNamed()
    {
        Assert.Contains("[2,3]", Assert.Throws<ShapeException>(() => new RowGradient([5, 4], new[] { 1, 2 }, Tensor.Ones([2, 3]))).Message, StringComparison.Ordinal);
        Assert.Contains("row-gradient: index 5", Assert.Throws<ArgumentOutOfRangeException>(() => new RowGradient([5, 4], new[] { 5 }, Tensor.Ones([1, 4]))).Message, StringComparison.Ordinal);
    }

    private static void Step(Optimizer optimizer, Parameter w, params int[] rows)
    {
        using var tape = new Tape();
        optimizer.Step(tape.Gradients(w.Embedding(rows, sparse: true).Sum()));
    }
}
