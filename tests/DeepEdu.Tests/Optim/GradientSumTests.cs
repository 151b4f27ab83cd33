using System.Runtime.CompilerServices;
using DeepEdu.Autograd;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Optim;

public class GradientSumTests
{
    [Fact]
    public void InputsThatWereWatchedAreLetGo()
    {
        var weight = new Parameter([4]);
        var sum = new GradientSum();
        var optimizer = new Sgd([("weight", weight)]);
        WeakReference[] watched = [.. Enumerable.Range(0, 3).Select(_ => Step())];
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        Assert.DoesNotContain(watched, w => w.IsAlive);
        GC.KeepAlive(sum);

        [MethodImpl(MethodImplOptions.NoInlining)]
        WeakReference Step()
        {
            Tensor x = Tensor.Of([4], [1, 2, 3, 4]);
            using (var tape = new Tape())
            {
                tape.Watch(x);
                sum.Add(tape.Gradients((weight * x).Sum()));
            }
            sum.Step(optimizer);
            return new(x);
        }
    }

    /// <summary>Parts of 5, 2 and 9 rows step as the 16 rows do, clipping included; the table's gradient stays rows.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void PartsOfABatchStepAsTheWholeDoes(bool sparse)
    {
        Net one = new(sparse), two = new(sparse);
        Adam whole = new(one.Parameters(), new() { LearningRate = 0.05 }), parts = new(two.Parameters(), new() { LearningRate = 0.05 });
        var sum = new GradientSum();
        var rng = new Rng(6);
        for (int step = 0; step < 4; step++)
        {
            int[] tokens = [.. Enumerable.Range(0, 16).Select(_ => rng.Next(40))], labels = [.. Enumerable.Range(0, 16).Select(_ => rng.Next(3))];
            using (var tape = new Tape())
            {
                var g = tape.Gradients(one.Forward(tokens).CrossEntropy(labels));
                Clip.ByNorm(g, 0.2f);
                whole.Step(g);
            }
            foreach (var part in new[] { 0..5, 5..7, 7..16 })
            {
                using var tape = new Tape();
                sum.Add(tape.Gradients(two.Forward(tokens[part]).CrossEntropy(labels[part])), labels[part].Length);
            }
            sum.Step(parts, g =>
            {
                Assert.Equal(sparse, g.FindRows(two.Table.Weight) is not null);
                Clip.ByNorm(g, 0.2f);
            });
        }
        float[][] a = [.. one.Parameters().Select(p => p.Value.ToArray())], b = [.. two.Parameters().Select(p => p.Value.ToArray())];
        for (int k = 0; k < a.Length; k++)
        {
            // sums in another order, which Adam divides by their own size
            for (int i = 0; i < a[k].Length; i++) { Assert.Equal(a[k][i], b[k][i], 2e-4f); }
        }
    }

    [Fact]
    public void RowsAndWholeGradientsOfOneTableAddUp()
    {
        foreach (bool rowsFirst in new[] { true, false })
        {
            var w = new Parameter([3, 2], new float[6]);
            var sum = new GradientSum();
            foreach (bool rows in new[] { rowsFirst, !rowsFirst })
            {
                using var tape = new Tape();
                sum.Add(tape.Gradients(rows ? w.Embedding(new[] { 1 }, sparse: true).Sum() : (2 * w).Sum()));
            }
            sum.Step(new Sgd([("w", w)], new() { LearningRate = 1 }));
            Assert.Equal([-1, -1, -1.5f, -1.5f, -1, -1], w.ToArray());
            sum.Step(new Sgd([("w", w)], new() { LearningRate = 1 }));
            Assert.Equal(-1, w.ToArray()[0]);
        }
    }

    /// <summary>A parameter without a gradient in this sum is not stepped, though it had one in the last; a weight of 0 adds nothing.</summary>
    [Fact]
    public void WhatIsNotInTheSumStays()
    {
        Parameter a = new([1], [1]), b = new([1], [1]);
        var sum = new GradientSum();
        var adam = new Adam([("a", a), ("b", b)]);
        foreach (var (w, weight) in new[] { (a, 2.0), (b, 3.0) })
        {
            using (var tape = new Tape()) { sum.Add(tape.Gradients((5 * w).Sum()), weight); }
            using (var tape = new Tape()) { sum.Add(tape.Gradients((70 * w).Sum()), 0); }
            sum.Step(adam, g => Assert.Equal(5, g[w].ToArray()[0], 1e-5f));
        }
        Assert.Equal([1, 1], adam.State().Where(s => s.Name.EndsWith("step", StringComparison.Ordinal)).Select(s => s.Value.Item()));
        sum.Step(adam); // nothing was added
        Assert.Equal(2, adam.State().Count(s => s.Name.EndsWith("step", StringComparison.Ordinal) && s.Value.Item() == 1));
    }

    private sealed class Net : Module
    {
        private readonly Dense _out;

        public Net(bool sparse)
        {
            var rng = new Rng(5);
            (Table, _out) = (new(40, 6, rng, sparse: sparse), new(6, 3, rng));
        }

        public Embedding Table { get; }

        public Tensor Forward(Indices x) => _out.Forward(Table.Forward(x));

        protected internal override void Parts(Parts p) => p.Of(Table).Of(_out);
    }
}
