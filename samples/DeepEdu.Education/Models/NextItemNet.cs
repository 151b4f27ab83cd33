using DeepEdu.Devices;
using DeepEdu.Education.Data;
using DeepEdu.Memory;
using DeepEdu.Nn;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Education.Models;

/// <summary>A network that reads what a learner took, in order, and tells after each item which one is next: every item has a vector, and the score of an item is the product of its vector with the state.
/// A kind of network says in <see cref="States"/> what it makes of the past, and has a line in <see cref="RecommendKind"/>; batches, losses, ranking and prediction are the same for all.</summary>
/// <param name="items">How many there are.</param>
internal abstract class NextItemNet(int items) : Module
{
    /// <summary>Names of losses: cross-entropy over all items (Hidasi et al. 2016, there over those of the batch), and the log loss of the next item and of one that the user did not take (Kang and McAuley 2018).</summary>
    public const string Softmax = "softmax", Sampled = "bce";

    private const int ReadBatch = 64;

    public abstract string Name { get; }

    /// <summary>In a few words, for the report: what it is made of, and of what size.</summary>
    public abstract string Made { get; }

    public int Items => items;

    /// <summary>The most items of a past that are read, the last ones.</summary>
    public int Window => 200;

    /// <summary>The vector of every item: [items, width].</summary>
    public abstract Parameter Vectors { get; }

    /// <summary>Added to every item's score: [items]; null: nothing.</summary>
    public virtual Parameter? Popularity => null;

    /// <summary>The state after each item, which depends on it and those before it alone: [pasts, steps, width]. Behind the end of a past they mean nothing.</summary>
    public abstract Tensor States(PastBatch batch);

    /// <summary>The scores of all items in states [n, width]: [n, items].</summary>
    public Tensor Scores(Tensor states) => states.Linear(Vectors, Popularity);

    /// <summary>The score of one item in each of states [n, width]: [n].</summary>
    public Tensor Score(Tensor states, Indices of)
    {
        Tensor scores = (states * Vectors.Embedding(of)).Sum(1);
        return Popularity is { } popularity ? scores + popularity.IndexSelect(0, of) : scores;
    }

    /// <summary>The mean loss of all next items of a batch.</summary>
    /// <param name="batch">The pasts and what came next.</param>
    /// <param name="kind">One of the names of losses.</param>
    public Tensor Loss(NextBatch batch, string kind)
    {
        Tensor states = Flat(States(batch.Read)).IndexSelect(0, batch.Places);
        if (kind == Softmax) { return Scores(states).CrossEntropy(batch.Next); }
        Tensor taken = Score(states, batch.Next), other = Score(states, batch.Others);
        return taken.BinaryCrossEntropyWithLogits(Tensor.Ones(taken.Shape, taken.Device)) + other.BinaryCrossEntropyWithLogits(Tensor.Zeros(other.Shape, other.Device));
    }

    /// <summary>The states after whole pasts, as far as they fit into the window, one behind another; zeros for a past of nothing.</summary>
    public float[] Last(IReadOnlyList<int[]> pasts)
    {
        int width = Vectors.Shape[1];
        float[] states = new float[pasts.Count * width];
        foreach (int[] chunk in Enumerable.Range(0, pasts.Count).Where(p => pasts[p].Length > 0).OrderBy(p => pasts[p].Length).Chunk(ReadBatch))
        {
            using Arena arena = new();
            PastBatch batch = PastBatch.Of([.. chunk.Select(p => new ArraySegment<int>(pasts[p])[Math.Max(0, pasts[p].Length - Window)..])]);
            ReadOnlySpan<float> all = Flat(States(batch)).IndexSelect(0, Indices.Wrap([.. Enumerable.Range(0, chunk.Length).Select(c => (c * batch.Steps) + batch.Lengths.Span[c] - 1)], [chunk.Length])).To(CpuDevice.Instance).AsSpan();
            for (int c = 0; c < chunk.Length; c++) { all.Slice(c * width, width).CopyTo(states.AsSpan(chunk[c] * width)); }
        }
        return states;
    }

    /// <summary>States [pasts, steps, width] one behind another: [pasts · steps, width].</summary>
    public static Tensor Flat(Tensor states) => states.Reshape(states.Shape[0] * states.Shape[1], states.Shape[2]);
}
