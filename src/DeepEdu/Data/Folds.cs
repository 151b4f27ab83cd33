using DeepEdu.Numerics;

namespace DeepEdu.Data;

/// <summary>Cross-validation: several splits, in which every row is tested once (the temporal ones aside). Cut a validation part off a fold's training rows where one is needed.</summary>
public static class Folds
{
    /// <summary>k folds of nearly equal size. In order of the rows, or at random.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Fewer than 2 folds, or more than rows.</exception>
    public static Split[] KFold(int count, int k, Rng? shuffle = null)
    {
        CheckFolds(k, count, "rows");
        int[] order = shuffle?.Permutation(count) ?? Rows.Upto(count);
        int[] fold = new int[count];
        for (int i = 0; i < count; i++) { fold[order[i]] = (int)((long)i * k / count); }
        return Of(fold, k);
    }

    /// <summary>k folds with each class nearly in its share: the rows of a class are dealt out in turn, each class going on where the one before stopped.</summary>
    /// <exception cref="ArgumentException">A class has fewer rows than there are folds.</exception>
    public static Split[] Stratified(ReadOnlySpan<int> labels, int k, Rng? shuffle = null)
    {
        CheckFolds(k, labels.Length, "rows");
        int[] fold = new int[labels.Length];
        int next = 0;
        foreach (int[] rows in Rows.ByKey(labels))
        {
            if (rows.Length < k) { throw new ArgumentException($"folds: class {labels[rows[0]]} has {rows.Length} rows for {k} folds; take fewer folds or join classes", nameof(labels)); }
            shuffle?.Shuffle(rows.AsSpan());
            foreach (int row in rows) { fold[row] = next++ % k; }
        }
        return Of(fold, k);
    }

    /// <summary>k folds of whole groups: the largest group first, each to the fold that has fewest rows. Which of equally large groups comes first is up to the order, or to chance.</summary>
    /// <exception cref="ArgumentOutOfRangeException">More folds than groups.</exception>
    public static Split[] ByGroup<G>(ReadOnlySpan<G> groups, int k, Rng? shuffle = null) where G : notnull
    {
        int[][] all = Rows.ByKey(groups);
        CheckFolds(k, all.Length, "groups");
        shuffle?.Shuffle(all.AsSpan());
        int[] fold = new int[groups.Length], sizes = new int[k];
        foreach (int[] rows in all.OrderByDescending(g => g.Length)) // stable
        {
            int least = Array.IndexOf(sizes, sizes.Min());
            sizes[least] += rows.Length;
            foreach (int row in rows) { fold[row] = least; }
        }
        var folds = Of(fold, k);
        foreach (var one in folds) { one.RefuseSharedGroups(groups); }
        return folds;
    }

    /// <summary>As many folds as rows, each testing one.</summary>
    public static Split[] LeaveOneOut(int count) => KFold(count, count);

    /// <summary>As many folds as groups, each testing one, in the order they first occur.</summary>
    public static Split[] LeaveOneGroupOut<G>(ReadOnlySpan<G> groups) where G : notnull
    {
        int[][] all = Rows.ByKey(groups);
        CheckFolds(all.Length, all.Length, "groups");
        int[] fold = new int[groups.Length];
        for (int g = 0; g < all.Length; g++)
        {
            foreach (int row in all[g]) { fold[row] = g; }
        }
        return Of(fold, all.Length);
    }

    /// <summary>k folds in time: rows are cut into k + 1 stretches, and fold i learns from the first i + 1 of them and is tested on the next. Rows of one time stay together.</summary>
    /// <exception cref="ArgumentException">There are too few different times.</exception>
    public static Split[] Temporal(ReadOnlySpan<long> times, int k)
    {
        CheckFolds(k, times.Length - 1, "rows after the first");
        int[] order = Rows.ByTime(times), cuts = new int[k + 2];
        for (int c = 1; c <= k + 1; c++)
        {
            int at = (int)((long)c * order.Length / (k + 1));
            while (at < order.Length && times[order[at]] == times[order[at - 1]]) { at++; }
            if ((cuts[c] = at) == cuts[c - 1]) { throw new ArgumentException($"folds: too few different times for {k} folds; take fewer", nameof(k)); }
        }
        var folds = new Split[k];
        for (int f = 0; f < k; f++) { folds[f] = new Split(order.AsSpan(0, cuts[f + 1]), order.AsSpan(cuts[f + 1]..cuts[f + 2])).RefuseLaterTraining(times); }
        return folds;
    }

    private static Split[] Of(int[] fold, int k)
    {
        var folds = new Split[k];
        for (int f = 0; f < k; f++)
        {
            List<int> train = [], test = [];
            for (int row = 0; row < fold.Length; row++) { (fold[row] == f ? test : train).Add(row); }
            folds[f] = new([.. train], [.. test]);
        }
        return folds;
    }

    private static void CheckFolds(int k, int most, string of)
    {
        if (k < 2 || k > most) { throw new ArgumentOutOfRangeException(nameof(k), $"folds: {k} folds of {most} {of}; take 2..{most}"); }
    }
}
