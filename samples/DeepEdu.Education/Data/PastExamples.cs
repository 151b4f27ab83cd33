using DeepEdu.Data;
using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Education.Data;

/// <summary>Pasts side by side, as a network reads them. Behind the end of a past there are zeros, which nothing before them sees.</summary>
/// <param name="Items">[pasts, steps].</param>
/// <param name="Lengths">How many of the steps are a past's own: [pasts].</param>
internal sealed record PastBatch(Indices Items, Indices Lengths)
{
    public int Count => Items.Shape[0];

    public int Steps => Items.Shape[1];

    /// <summary>Pasts of at least one item.</summary>
    public static PastBatch Of(IReadOnlyList<ArraySegment<int>> pasts)
    {
        int steps = pasts.Max(p => p.Count);
        int[] items = new int[pasts.Count * steps];
        for (int p = 0; p < pasts.Count; p++) { pasts[p].CopyTo(items, p * steps); }
        return new(Indices.Wrap(items, [pasts.Count, steps]), Indices.Wrap([.. pasts.Select(p => p.Count)], [pasts.Count]));
    }
}

/// <summary>What a step learns from: pasts, and of each of their items the one that came next.</summary>
/// <param name="Read">The pasts.</param>
/// <param name="Places">Where in the [pasts · steps] states those of the items are: [targets].</param>
/// <param name="Next">The items that came next: [targets].</param>
/// <param name="Others">For each of them one that the user did not take; empty where none were asked for.</param>
internal sealed record NextBatch(PastBatch Read, Indices Places, Indices Next, Indices Others);

/// <summary>All pasts in pieces of no more than a window of items to tell, the last piece a full one, so that each item but a past's first is told once an epoch; pieces of like length are side by side.</summary>
internal sealed class PastExamples : IBatches<NextBatch>
{
    private const int Pool = 16; // batches that are sorted together
    private readonly (int User, ArraySegment<int> Items)[] _pieces;
    private readonly LengthBuckets _order;
    private readonly NegativeSampler? _others;
    private readonly Rng _draws;

    /// <param name="past">Per user the items in order.</param>
    /// <param name="window">The most items that a network reads.</param>
    /// <param name="size">Pieces a batch.</param>
    /// <param name="others">Draws what a user did not take; null: nothing is drawn.</param>
    /// <param name="rng">Where order and draws come from.</param>
    public PastExamples(int[][] past, int window, int size, NegativeSampler? others, Rng rng)
    {
        _pieces = [.. past.SelectMany((items, user) => Pieces(items, window).Select(p => (user, p)))];
        _order = new(Array.ConvertAll(_pieces, p => p.Items.Count), size, rng, Pool);
        (_others, _draws) = (others, rng.Fork());
    }

    public int Count => _order.Count;

    int? IBatches<NextBatch>.Count => Count;

    public IEnumerable<NextBatch> Epoch(int epoch, int from = 0)
    {
        Rng own = _draws.Split((ulong)epoch);
        return _order.Epoch(epoch).Index().Skip(from).Select(b => Batch(b.Item, own.Split((ulong)b.Index)));
    }

    /// <summary>Of the items that one past gives to read and to tell, from the last back, pieces of at most one more than the window: the last item of a piece is the first of the next.</summary>
    internal static IEnumerable<ArraySegment<int>> Pieces(int[] items, int window)
    {
        for (int end = items.Length; end > 1; end -= window)
        {
            int from = Math.Max(0, end - window - 1);
            yield return new(items, from, end - from);
        }
    }

    private NextBatch Batch(int[] rows, Rng draws)
    {
        PastBatch read = PastBatch.Of([.. rows.Select(r => _pieces[r].Items[..^1])]);
        int[] places = new int[rows.Sum(r => _pieces[r].Items.Count - 1)], next = new int[places.Length], others = new int[_others is null ? 0 : places.Length];
        int at = 0;
        for (int p = 0; p < rows.Length; p++)
        {
            var (user, items) = _pieces[rows[p]];
            for (int t = 1; t < items.Count; t++, at++)
            {
                (places[at], next[at]) = ((p * read.Steps) + t - 1, items[t]);
                if (_others is not null) { others[at] = _others.Draw(user, draws); }
            }
        }
        return new(read, places, next, others);
    }
}
