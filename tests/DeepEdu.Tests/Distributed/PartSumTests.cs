using DeepEdu.Autograd;
using DeepEdu.Collectives;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;
using FsCheck;
using FsCheck.Fluent;

namespace DeepEdu.Tests.Distributed;

/// <summary>The sum over parts is one tree for any number of processes, and so one set of bits.</summary>
public class PartSumTests
{
    [Fact]
    public void SumsOfAnyProcessesJoinToTheSameTree() => Prop.ForAll((from parts in Gen.Choose(1, 40) from size in Gen.Choose(1, parts) select (parts, size)).ToArbitrary(), c =>
    {
        string expected = Tree(0, c.parts);
        var top = new PartStack<string>(c.parts);
        int before = 0;
        for (int rank = 0; rank < c.size; rank++)
        {
            var (from, to) = PartTree.Own(c.parts, rank, c.size);
            Assert.Equal(before, from);
            Assert.InRange(to - from, c.parts / c.size, (c.parts / c.size) + 1);
            before = to;
            var own = new PartStack<string>(c.parts) { Start = from };
            for (int i = from; i < to; i++)
            {
                for (own.Push($"{i}"); own.TryPair(out string a, out string b);) { own.Join($"({a}+{b})"); }
            }
            for (int i = 0; i < own.Count; i++)
            {
                for (top.Push(own[i].To, own[i].Value); top.TryPair(out string a, out string b);) { top.Join($"({a}+{b})"); }
            }
        }
        Assert.Equal((c.parts, 1, expected), (before, top.Count, top.Top));
    }).Hold();

    [Theory]
    [InlineData(false, 7)]
    [InlineData(false, 8)]
    [InlineData(true, 5)]
    public void TheAverageHasTheSameBitsForAnyNumberOfProcesses(bool tcp, int parts)
    {
        var (expected, rows) = Average(Collective.Alone, parts);
        Assert.True(expected.Length > 5000);
        foreach (int size in tcp ? new[] { 2, 3 } : [1, 2, 3, 4, 7])
        {
            foreach (var (values, which) in Ranks.Of(tcp, size, g => Average(g, parts)))
            {
                Assert.True(expected.AsSpan().SequenceEqual(values), $"{size} processes give other bits");
                Assert.Equal(rows, which);
            }
        }
    }

    [Fact]
    public void TheAverageIsThatOfTheWholeBatch()
    {
        var x = Tensor.Normal([50, 6], new Rng(2));
        var model = new Dense(6, 3, new Rng(1));
        int[] batch = [.. Enumerable.Range(0, 50)];
        float[] whole;
        using (var tape = new Tape()) { whole = [.. Flat(tape.Gradients(Loss(batch)), model)]; }
        foreach (int parts in new[] { 1, 3, 8, 60 })
        {
            var sum = new PartSum(model.Parameters(), parts);
            for (int part = 0; part < parts; part++)
            {
                int[] rows = sum.Cut(batch, part);
                if (rows.Length == 0) { continue; }
                using var tape = new Tape();
                sum.Add(part, tape.Gradients(Loss(rows)), rows.Length);
            }
            float[]? average = null;
            sum.Step(new Sgd(model.Parameters(), new() { LearningRate = 0 }), g => average = [.. Flat(g, model)]);
            for (int i = 0; i < whole.Length; i++) { Assert.Equal(whole[i], average![i], 1e-6f); }
        }

        Tensor Loss(int[] rows) => model.Forward(x.IndexSelect(0, rows)).Square().Mean();
    }

    [Fact]
    public void PartsComeInOrderAndAreOnesOwn()
    {
        var model = new Dense(2, 2, new Rng(1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new PartSum(model.Parameters(), 2, Ranks.Threads(3, g => g)[0]));
        var sum = new PartSum(model.Parameters(), 4);
        using var tape = new Tape();
        var gradients = tape.Gradients(model.Forward(Tensor.Ones([1, 2])).Sum());
        sum.Add(2, gradients, 1);
        Assert.Contains("part 2 does not come next", Assert.Throws<ArgumentOutOfRangeException>(() => sum.Add(2, gradients, 1)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => sum.Add(4, gradients, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => sum.Add(3, gradients, -1));
        var other = new PartSum(new Dense(2, 2, new Rng(1)).Parameters(), 4);
        Assert.Throws<ArgumentException>(() => other.Add(0, gradients, 1));
    }

    private static string Tree(int from, int to) => to - from == 1 ? $"{from}" : $"({Tree(from, PartTree.Middle(from, to))}+{Tree(PartTree.Middle(from, to), to)})";

    // gradients that are dense, rows, rows in some parts and dense in others, in some parts only, and none; one part has no samples
    private static (float[] Values, int[] Rows) Average(ICollective group, int parts)
    {
        var rng = new Rng(4);
        Parameter dense = new(Tensor.Normal([70, 71], rng)), table = new(Tensor.Normal([300, 5], rng)), both = new(Tensor.Normal([40, 4], rng)), some = new(Tensor.Normal([9], rng)), none = new(Tensor.Normal([3], rng));
        (string, Parameter)[] all = [("dense", dense), ("table", table), ("both", both), ("some", some), ("none", none)];
        var sum = new PartSum([.. all], parts, group);
        float[] values = [];
        int[] rows = [];
        for (int step = 0; step < 3; step++)
        {
            for (int part = sum.Own.From; part < sum.Own.To; part++)
            {
                if (part == 2) { continue; }
                var own = new Rng(9, (ulong)((10 * step) + part));
                using var tape = new Tape();
                var gradients = new Gradients(tape, 0);
                gradients.Replace(dense, Tensor.Normal(dense.Shape, own));
                gradients.Replace(table, Rows(table, own));
                if (part % 3 == 0) { gradients.Replace(both, Tensor.Normal(both.Shape, own)); }
                else { gradients.Replace(both, Rows(both, own)); }
                if (part % 2 == 1) { gradients.Replace(some, Tensor.Normal(some.Shape, own)); }
                sum.Add(part, gradients, 1 + own.NextDouble());
            }
            sum.Step(new Sgd([.. all], new() { LearningRate = 0 }), g =>
            {
                Assert.Equal(4, g.Count);
                Assert.NotNull(g.FindRows(table));
                values = [.. g[dense].ToArray(), .. g.FindRows(table)!.Values.ToArray(), .. g[both].ToArray(), .. g[some].ToArray()];
                rows = [.. g.FindRows(table)!.Rows.Span];
            });
        }
        return (values, rows);
    }

    private static RowGradient Rows(Parameter of, Rng rng)
    {
        int[] use = [.. Enumerable.Range(0, 12).Select(_ => rng.Next(of.Shape[0] / 4))];
        return RowGradient.Sum(of.Shape, use, Tensor.Normal([12, of.Shape[1]], rng));
    }

    private static IEnumerable<float> Flat(Gradients gradients, Module model) => model.Parameters().SelectMany(p => gradients[p.Value].ToArray());
}
