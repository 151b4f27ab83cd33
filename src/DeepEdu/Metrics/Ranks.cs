namespace DeepEdu.Metrics;

/// <summary>Ranks of values, with ties sharing their average rank.</summary>
public static class Ranks
{
    /// <summary>Rank 1..n of each value, ascending; equal values share the mean of the ranks they cover.</summary>
    /// <exception cref="ArgumentException">A value is NaN: it has no rank.</exception>
    public static double[] OfAverage(ReadOnlySpan<double> values)
    {
        double[] ones = new double[values.Length];
        Array.Fill(ones, 1);
        return OfAverage(values, ones);
    }

    /// <summary>Ranks as if a value of weight n stood there n times: w<sub>below</sub> + (w<sub>equal</sub> + 1) / 2.</summary>
    internal static double[] OfAverage(ReadOnlySpan<double> values, ReadOnlySpan<double> weights)
    {
        double[] sorted = values.ToArray();
        if (sorted.AsSpan().Contains(double.NaN)) { throw new ArgumentException("ranks: a value is NaN and has no rank.", nameof(values)); }
        int[] order = new int[sorted.Length];
        for (int i = 0; i < order.Length; i++) { order[i] = i; }
        Array.Sort(sorted, order);
        double[] ranks = new double[sorted.Length];
        double below = 0;
        for (int start = 0; start < sorted.Length;)
        {
            int end = start;
            double equal = 0;
            for (; end < sorted.Length && sorted[end] == sorted[start]; end++) { equal += weights[order[end]]; }
            double rank = below + (0.5 * (equal + 1));
            for (int i = start; i < end; i++) { ranks[order[i]] = rank; }
            below += equal;
            start = end;
        }
        return ranks;
    }
}
