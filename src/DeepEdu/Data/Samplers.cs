using DeepEdu.Numerics;

namespace DeepEdu.Data;

/// <summary>Rows in the order they were given, every epoch the same.</summary>
public sealed class SequentialSampler : ISampler
{
    private readonly int[] _rows;

    /// <summary>The rows 0 .. <paramref name="count"/> − 1.</summary>
    public SequentialSampler(int count) => _rows = Rows.Upto(count);

    /// <summary>Some rows, copied.</summary>
    public SequentialSampler(ReadOnlySpan<int> rows) => _rows = rows.ToArray();

    /// <inheritdoc/>
    public int Count => _rows.Length;

    /// <inheritdoc/>
    public int[] Order(int epoch) => [.. _rows];
}

/// <summary>Every row once an epoch, all orders equally likely.</summary>
public sealed class RandomSampler : ISampler
{
    private readonly int[] _rows;
    private readonly Rng _rng;

    /// <summary>The rows 0 .. <paramref name="count"/> − 1. One child stream is taken.</summary>
    public RandomSampler(int count, Rng rng) : this(Rows.Upto(count), rng) { }

    /// <summary>Some rows, copied. One child stream is taken.</summary>
    public RandomSampler(ReadOnlySpan<int> rows, Rng rng)
    {
        ArgumentNullException.ThrowIfNull(rng);
        (_rows, _rng) = (rows.ToArray(), rng.Fork());
    }

    /// <inheritdoc/>
    public int Count => _rows.Length;

    /// <inheritdoc/>
    public int[] Order(int epoch)
    {
        int[] order = [.. _rows];
        _rng.Split((ulong)epoch).Shuffle(order.AsSpan());
        return order;
    }
}

/// <summary>Rows drawn in proportion to their weights: with replacement by the alias method (Walker 1977; Vose 1991), without by the largest keys u^(1/w) (Efraimidis and
/// Spirakis 2006).</summary>
public sealed class WeightedSampler : ISampler
{
    private readonly double[] _weights;
    private readonly AliasTable? _table;
    private readonly Rng _rng;

    /// <summary>Draws row i with a chance in proportion to <paramref name="weights"/>[i]. One child stream is taken.</summary>
    /// <param name="weights">Not negative, not all 0.</param>
    /// <param name="count">Draws an epoch.</param>
    /// <param name="rng">Where draws come from.</param>
    /// <param name="replacement">Whether a row may come more than once an epoch.</param>
    /// <exception cref="ArgumentException">A weight is negative or not finite, all are 0, or there are too few rows of positive weight to draw without replacement.</exception>
    public WeightedSampler(ReadOnlySpan<double> weights, int count, Rng rng, bool replacement = true)
    {
        ArgumentNullException.ThrowIfNull(rng);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        (_weights, Count, _rng) = (weights.ToArray(), count, rng.Fork());
        var table = new AliasTable(weights); // checks the weights
        if (replacement) { _table = table; }
        else if (_weights.Count(w => w > 0) is var rows && rows < count)
        {
            throw new ArgumentException($"weighted-sampler: {count} rows without replacement, but only {rows} have a positive weight", nameof(count));
        }
    }

    /// <summary>Weights that give every class the same share: 1 / (rows of the row's class).</summary>
    public static double[] Balancing(ReadOnlySpan<int> labels)
    {
        Dictionary<int, int> counts = [];
        foreach (int label in labels) { counts[label] = counts.GetValueOrDefault(label) + 1; }
        double[] weights = new double[labels.Length];
        for (int i = 0; i < weights.Length; i++) { weights[i] = 1.0 / counts[labels[i]]; }
        return weights;
    }

    /// <inheritdoc/>
    public int Count { get; }

    /// <inheritdoc/>
    public int[] Order(int epoch)
    {
        var rng = _rng.Split((ulong)epoch);
        int[] order = new int[Count];
        if (_table is not null)
        {
            for (int i = 0; i < order.Length; i++) { order[i] = _table.Draw(rng); }
            return order;
        }
        int[] rows = Rows.Upto(_weights.Length);
        // −log u / w grows as u^(1/w) falls
        double[] keys = Array.ConvertAll(_weights, w => w > 0 ? -Math.Log(1 - rng.NextDouble()) / w : double.PositiveInfinity);
        Array.Sort(keys, rows);
        return rows[..Count];
    }
}

/// <summary>Every row once an epoch in random order, the classes spread evenly: any stretch holds each class nearly in its share of all rows, and so does a batch.</summary>
public sealed class StratifiedSampler : ISampler
{
    private readonly int[][] _classes;
    private readonly Rng _rng;

    /// <summary>The rows 0 .. n − 1 with these classes. One child stream is taken.</summary>
    public StratifiedSampler(ReadOnlySpan<int> labels, Rng rng)
    {
        ArgumentNullException.ThrowIfNull(rng);
        (_classes, _rng, Count) = (Rows.ByKey<int>(labels), rng.Fork(), labels.Length);
    }

    /// <inheritdoc/>
    public int Count { get; }

    /// <inheritdoc/>
    public int[] Order(int epoch)
    {
        var rng = _rng.Split((ulong)epoch);
        int[] order = new int[Count];
        double[] places = new double[Count];
        int at = 0;
        foreach (int[] rows in _classes)
        {
            int[] shuffled = [.. rows];
            rng.Shuffle(shuffled.AsSpan());
            for (int i = 0; i < rows.Length; i++, at++)
            {
                order[at] = shuffled[i];
                places[at] = (i + rng.NextDouble()) / rows.Length; // one row of the class in each of its equal stretches
            }
        }
        Array.Sort(places, order);
        return order;
    }
}

/// <summary>Groups (students, say) in random order, the rows of each together and in their own order.</summary>
public sealed class GroupSampler : ISampler
{
    private readonly int[][] _groups;
    private readonly Rng _rng;

    private GroupSampler(int[][] groups, int count, Rng rng) => (_groups, Count, _rng) = (groups, count, rng);

    /// <summary>The rows 0 .. n − 1 with the group of each. One child stream is taken.</summary>
    public static GroupSampler Of<G>(ReadOnlySpan<G> groups, Rng rng) where G : notnull
    {
        ArgumentNullException.ThrowIfNull(rng);
        return new(Rows.ByKey(groups), groups.Length, rng.Fork());
    }

    /// <inheritdoc/>
    public int Count { get; }

    /// <inheritdoc/>
    public int[] Order(int epoch)
    {
        int[][] groups = [.. _groups];
        _rng.Split((ulong)epoch).Shuffle(groups.AsSpan());
        return [.. groups.SelectMany(g => g)];
    }
}

/// <summary>Rows from the earliest to the latest, every epoch the same; rows of one time keep their order.</summary>
public sealed class TemporalSampler(ReadOnlySpan<long> times) : ISampler
{
    private readonly int[] _rows = Rows.ByTime(times);

    /// <inheritdoc/>
    public int Count => _rows.Length;

    /// <inheritdoc/>
    public int[] Order(int epoch) => [.. _rows];
}
