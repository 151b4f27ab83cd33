namespace DeepEdu.Metrics;

/// <summary>Sums of weights by rank, from which pairs are counted in O(log n) each (Fenwick 1994, doi:10.1002/spe.4380240306). Ranks are 1 .. n of an array of n + 1.</summary>
internal static class PairTree
{
    /// <summary>The weight at ranks up to <paramref name="at"/>.</summary>
    public static double Below(double[] tree, int at)
    {
        double sum = 0;
        for (; at > 0; at -= at & -at) { sum += tree[at]; }
        return sum;
    }

    /// <summary>Adds a weight at a rank.</summary>
    public static void Insert(double[] tree, int at, double weight)
    {
        for (; at < tree.Length; at += at & -at) { tree[at] += weight; }
    }
}
