namespace DeepEdu.Metrics;

/// <summary>Ranks of values, with ties sharing their average rank.</summary>
public static class Ranks
{
    /// <summary>Rank 1..n of each value, ascending; equal values share the mean of the ranks they cover.</summary>
    /// <exception cref="ArgumentException">A value is NaN: it has no rank.</exception>
    public static double[] OfAverage(ReadOnlySpan<double> values)
    {
        double[] sorted = values.ToArray();
        if (sorted.AsSpan().Contains(double.NaN)) { throw new ArgumentException("ranks: a value is NaN and has no rank.", nameof(values)); }
        int[] order = new int[sorted.Length];
        for (int i = 0; i < order.Length; i++) { order[i] = i; }
        Array.Sort(sorted, order);
        double[] ranks = new double[sorted.Length];
        for (int start = 0; start < sorted.Length;)
        {
            int end = start + 1;
            while (end < sorted.Length && sorted[end] == sorted[start]) { end++; }
            double rank = 0.5 * (start + 1 + end);
            for (int i = start; i < end; i++) { ranks[order[i]] = rank; }
            start = end;
        }
        return ranks;
    }
}
