using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;
using FsCheck;
using FsCheck.Fluent;

namespace DeepEdu.Tests.Autograd;

/// <summary>Graphs that nobody thought of: operations drawn one after the other, on tensors that several of them take, or one of them twice. What fuses, frees early and shares memory on the way
/// must give what the same operations give one by one.</summary>
[Collection("alone")]
public class RandomGraphProperties
{
    private const int Leaves = 3, Steps = 10;

    /// <summary>The kernels' gradients are those of the formulas that are recorded, which round otherwise: 1e-4 of the leaf's largest, and where that cancels (a softmax over one value has no slope) 1e-6 of what
    /// is added up, which is of the size of one or of any leaf's gradient; and the same bits on one thread.</summary>
    [Fact]
    public void GradientsAreThoseOfTheFormulas() => Properties.Hold(150, Prop.ForAll(Gen.Choose(0, 1 << 24).ToArbitrary(), seed =>
    {
        var leaves = Draw(seed);
        using var tape = new Tape();
        foreach (var leaf in leaves) { tape.Watch(leaf); }
        var loss = Loss(Grow(seed, leaves));
        Tensor[] reached = [.. leaves.Where(leaf => tape.Gradients(loss).Find(leaf) is { } g && g.ToArray().Any(v => v != 0))];
        float[][] kernels = Bits(), formulas = reached.Length == 0 ? [] : Array.ConvertAll(tape.RecordedGradients(loss, reached), g => g.ToArray());
        float largest = kernels.Length == 0 ? 0 : kernels.Max(g => g.Max(MathF.Abs));
        for (int i = 0; i < reached.Length; i++)
        {
            float bound = (1e-4f * kernels[i].Max(MathF.Abs)) + (1e-6f * (1 + largest));
            for (int j = 0; j < kernels[i].Length; j++) { Assert.Equal(kernels[i][j], formulas[i][j], bound); }
        }
        int threads = DeepEduOptions.MaxThreads;
        DeepEduOptions.MaxThreads = 1;
        try { Assert.Equal(kernels, Bits()); }
        finally { DeepEduOptions.MaxThreads = threads; }

        float[][] Bits()
        {
            var gradients = tape.Gradients(Loss(Grow(seed, leaves)));
            return Array.ConvertAll(reached, leaf => gradients[leaf].ToArray());
        }
    }));

    /// <summary>Outside of a tape, inside of one and in a session: the same bits, call after call.</summary>
    [Fact]
    public void ForwardIsTheSameEverywhere() => Properties.Hold(150, Prop.ForAll(Gen.Choose(0, 1 << 24).ToArbitrary(), seed =>
    {
        var leaves = Draw(seed);
        var session = new InferenceSession(x => Grow(seed, Array.ConvertAll(leaves, leaf => x.Tensor(leaf.Shape))));
        for (int call = 0; call < 2; call++)
        {
            var values = Array.ConvertAll(leaves, leaf => Tensor.Normal(leaf.Shape, new Rng((ulong)(seed + call))));
            float[][] expected = Array.ConvertAll(Grow(seed, values), y => y.ToArray());
            using (var tape = new Tape())
            {
                foreach (var leaf in values) { tape.Watch(leaf); }
                Assert.Equal(expected, Array.ConvertAll(Grow(seed, values), y => y.ToArray()));
            }
            using var run = session.Begin();
            for (int i = 0; i < values.Length; i++) { run.Set(i, values[i].ToArray()); }
            run.Run();
            for (int i = 0; i < expected.Length; i++) { Assert.Equal(expected[i], run.Output(i).ToArray()); }
        }
    }));

    private static Tensor[] Draw(int seed)
    {
        var rng = new Rng((ulong)seed).Split(1);
        return [.. Enumerable.Range(0, Leaves).Select(_ => Tensor.Normal([rng.Next(1, 5), rng.Next(1, 8), rng.Next(1, 20)], rng))];
    }

    private static Tensor Loss(Tensor[] outputs) => outputs.Select((y, i) => (y * Tensor.Normal(y.Shape, new Rng((ulong)i + 9))).Sum()).Aggregate((a, b) => a + b);

    // the choices follow from the seed and the shapes alone, so that a second call makes the same graph
    private static Tensor[] Grow(int seed, Tensor[] leaves)
    {
        var rng = new Rng((ulong)seed).Split(2);
        List<Tensor> made = [.. leaves];
        while (made.Count < Leaves + Steps)
        {
            var x = made[rng.Next(made.Count)];
            if (Next(rng, x, made) is { Size: > 0 and < 5000 } y) { made.Add(y); }
        }
        return [.. made.Skip(Leaves)];
    }

    // null: not for this shape
    private static Tensor? Next(Rng rng, Tensor x, List<Tensor> made)
    {
        int rank = x.Rank, axis = rank == 0 ? 0 : rng.Next(rank);
        var shape = x.Shape;
        Tensor[] alike = [.. made.Where(t => t.Shape == shape)];
        var other = alike[rng.Next(alike.Length)];
        Tensor Weight(params int[] sizes) => Tensor.Normal(Shape.Create(sizes), rng, std: 0.5f);
        switch (rng.Next(32))
        {
            case 0: return x.Tanh();
            case 1: return x.Relu();
            case 2: return x.Gelu();
            case 3: return x.Sigmoid() * x;
            case 4: return x.Sin() + other;
            case 5: return (x * other).Tanh();
            case 6: return x - other;
            case 7: return x / ((other * other) + 1);
            case 8: return Tensor.Maximum(x, other * 0.5f);
        }
        if (rank == 0) { return null; }
        int n = shape[axis];
        switch (rng.Next(24))
        {
            case 0: return x.Sum(axis).Tanh();
            case 1: return x - x.Mean(axis, keepDims: true);
            case 2: return x.LogSumExp(axis, keepDims: true) + x;
            case 3: return x.Softmax(axis);
            case 4: return x.LogSoftmax(axis).Tanh();
            case 5: return x.CumSum(axis).Tanh();
            case 6: return x.Permute([.. Enumerable.Range(0, rank).OrderBy(_ => rng.NextSingle())]);
            case 7: return x.Reshape(-1);
            case 8: return x.Narrow(axis, n / 3, n - (n / 3));
            case 9: return Tensor.Concat([x, other, x], axis);
            case 10: return x.Flip([axis]);
            case 11: return x.Roll(1, axis) * other;
            case 12: return x.Pad([.. Enumerable.Range(0, rank).Select(i => i == axis ? (1, 2) : (0, 0))]);
            case 13: return x.MaxWithIndices(axis, keepDims: true).Values + x;
            case 14: return x.Sort(axis).Values;
            case 15: return x.TopK((n + 1) / 2, axis).Values;
            case 16: return x.Linear(Weight(5, shape[^1]), Weight(5), relu: rng.Next(2) == 0);
            case 17: return x.Linear(Weight(4, shape[^1])).Gelu();
            case 18: return shape[^1] < 2 ? null : x.LayerNorm([shape[^1]], Weight(shape[^1]), Weight(shape[^1]), 0.1f);
            case 19: return rank < 2 ? null : x.MatMul(x, transB: true).Tanh();
            case 20: return rank != 3 ? null : Attention(x.Tanh(), other, rng); // scores of hundreds, which running sums would make, have no digits left for their gradients
            case 21: return rank != 3 ? null : x.Lstm(Weight(12, shape[2]), Weight(12, 3), Weight(12)).Output;
            case 22: return rank != 3 ? null : x.Conv1d(Weight(3, shape[1], 2), Weight(3), padding: 1).Relu();
            default: return x.IndexSelect(axis, Indices.Uniform([4], rng, 0, n));
        }
    }

    private static Tensor Attention(Tensor x, Tensor values, Rng rng) => x.Attention(x, values, 1, new() { Causal = rng.Next(2) == 0 });
}
