using DeepEdu.Numerics;

namespace DeepEdu.Data;

/// <summary>Rows to learn from, to choose by and to be judged on. No row is in two parts: the constructor refuses that.
/// <code>
/// var split = Split.ByGroup&lt;string&gt;(students, rng, validation: 0.1, test: 0.2);
/// var batches = new Batches(split.Train, 64, rng);
/// </code></summary>
public sealed class Split
{
    /// <summary>A split of one's own.</summary>
    /// <exception cref="LeakException">A row is in two parts or twice in one.</exception>
    public Split(ReadOnlySpan<int> train, ReadOnlySpan<int> test, ReadOnlySpan<int> validation = default)
    {
        (Train, Validation, Test) = (train.ToArray(), validation.ToArray(), test.ToArray());
        Dictionary<int, string> seen = new(train.Length + test.Length + validation.Length);
        foreach (var (part, rows) in Parts)
        {
            foreach (int row in rows)
            {
                if (!seen.TryAdd(row, part)) { throw new LeakException($"split: row {row} is in {seen[row]} and in {part}"); }
            }
        }
    }

    /// <summary>Rows to learn from. Normalisers and vocabularies are fitted on these alone.</summary>
    public int[] Train { get; }

    /// <summary>Rows to choose epochs and settings by; may be none.</summary>
    public int[] Validation { get; }

    /// <summary>Rows to be judged on, once.</summary>
    public int[] Test { get; }

    private (string Name, int[] Rows)[] Parts => [("training", Train), ("validation", Validation), ("test", Test)];

    /// <summary>Rows at random.</summary>
    /// <param name="count">How many rows there are.</param>
    /// <param name="rng">Where the order comes from.</param>
    /// <param name="test">The share of test rows.</param>
    /// <param name="validation">The share of validation rows.</param>
    /// <exception cref="ArgumentOutOfRangeException">Shares that are negative or leave nothing to learn from.</exception>
    public static Split Random(int count, Rng rng, double test = 0.2, double validation = 0)
    {
        ArgumentNullException.ThrowIfNull(rng);
        Check(test, validation);
        return Cut([rng.Permutation(count)], test, validation);
    }

    /// <summary>Rows at random, each class in the same shares, as nearly as its rows allow: at least one of them is in training.</summary>
    /// <param name="labels">The class of each row.</param>
    /// <param name="rng">Where the order comes from.</param>
    /// <param name="test">The share of test rows.</param>
    /// <param name="validation">The share of validation rows.</param>
    public static Split Stratified(ReadOnlySpan<int> labels, Rng rng, double test = 0.2, double validation = 0)
    {
        ArgumentNullException.ThrowIfNull(rng);
        Check(test, validation);
        int[][] classes = Rows.ByKey(labels);
        foreach (int[] rows in classes) { rng.Shuffle(rows.AsSpan()); }
        return Cut(classes, test, validation);
    }

    /// <summary>Whole groups (students, say) at random, in shares of rows: a group is in one part alone.</summary>
    /// <param name="groups">The group of each row.</param>
    /// <param name="rng">Where the order comes from.</param>
    /// <param name="test">The share of test rows, met as nearly as whole groups allow.</param>
    /// <param name="validation">The share of validation rows.</param>
    /// <exception cref="ArgumentException">There are too few groups to learn from one.</exception>
    public static Split ByGroup<G>(ReadOnlySpan<G> groups, Rng rng, double test = 0.2, double validation = 0) where G : notnull
    {
        ArgumentNullException.ThrowIfNull(rng);
        Check(test, validation);
        int[][] all = Rows.ByKey(groups);
        rng.Shuffle(all.AsSpan());
        List<int> train = [], check = [], final = [];
        double wantFinal = test * groups.Length, wantCheck = validation * groups.Length;
        foreach (int[] rows in all)
        {
            // to whichever part is furthest from its share with half of this group in
            double half = rows.Length / 2.0;
            if (final.Count + half <= wantFinal) { final.AddRange(rows); }
            else if (check.Count + half <= wantCheck) { check.AddRange(rows); }
            else { train.AddRange(rows); }
        }
        if (train.Count == 0 && all.Length > 0) { throw new ArgumentException($"split: {all.Length} groups are too few to leave one to learn from beside shares of {test} and {validation}; give smaller shares", nameof(groups)); }
        return new Split([.. train], [.. final], [.. check]).RefuseSharedGroups(groups);
    }

    /// <summary>The past to learn from, the future to be judged on. Rows of one time are never torn apart.</summary>
    /// <param name="times">The time of each row, in any unit.</param>
    /// <param name="test">The share of test rows, the latest.</param>
    /// <param name="validation">The share of validation rows, those before.</param>
    /// <exception cref="ArgumentException">Nothing is left to learn from, because too many rows have one time.</exception>
    public static Split Temporal(ReadOnlySpan<long> times, double test = 0.2, double validation = 0)
    {
        Check(test, validation);
        int[] order = Rows.ByTime(times);
        int second = Edge(times, order, order.Length - Share(order.Length, test));
        int first = Edge(times, order, second - Share(order.Length, validation));
        if (first == 0 && order.Length > 0) { throw new ArgumentException("split: too few different times to learn from the earliest; give smaller shares", nameof(times)); }
        return new Split(order.AsSpan(0, first), order.AsSpan(second), order.AsSpan(first, second - first)).RefuseLaterTraining(times);
    }

    /// <summary>Each group's (learner's) latest row to be judged on, the one before to choose by, the others to learn from: the protocol of He et al. 2017, arXiv:1708.05031.
    /// Groups of one row are learned from alone, of two have no validation row.</summary>
    /// <param name="groups">The group of each row.</param>
    /// <param name="times">The time of each row; the later in the file is the later of one time.</param>
    /// <param name="validation">Whether to hold out a validation row too.</param>
    /// <exception cref="ArgumentException">Not one time a row.</exception>
    public static Split LastOfGroup<G>(ReadOnlySpan<G> groups, ReadOnlySpan<long> times, bool validation = false) where G : notnull
    {
        if (groups.Length != times.Length) { throw new ArgumentException($"split: {groups.Length} groups for {times.Length} times", nameof(times)); }
        List<int> train = [], check = [], final = [];
        var keys = times.ToArray();
        foreach (int[] rows in Rows.ByKey(groups))
        {
            Array.Sort(rows, (a, b) => keys[a] != keys[b] ? keys[a].CompareTo(keys[b]) : a.CompareTo(b));
            int kept = rows.Length;
            if (kept > 1) { final.Add(rows[--kept]); }
            if (kept > 1 && validation) { check.Add(rows[--kept]); }
            train.AddRange(rows[..kept]);
        }
        return new([.. train], [.. final], [.. check]);
    }

    /// <summary>This split, if no group has rows in two parts.</summary>
    /// <param name="groups">The group of every row of the data.</param>
    /// <exception cref="LeakException">Names the group, its rows and the parts.</exception>
    public Split RefuseSharedGroups<G>(ReadOnlySpan<G> groups) where G : notnull
    {
        Dictionary<G, (string Part, int Row)> seen = [];
        foreach (var (part, rows) in Parts)
        {
            foreach (int row in rows)
            {
                if (!seen.TryAdd(groups[row], (part, row)) && seen[groups[row]] is var first && first.Part != part)
                {
                    throw new LeakException($"split: group '{groups[row]}' is in {first.Part} (row {first.Row}) and in {part} (row {row}); split by group instead");
                }
            }
        }
        return this;
    }

    /// <summary>This split, if nothing learned from lies after anything chosen by or judged on, nor validation after test.</summary>
    /// <param name="times">The time of every row of the data.</param>
    /// <exception cref="LeakException">Names the rows, their times and the parts.</exception>
    public Split RefuseLaterTraining(ReadOnlySpan<long> times)
    {
        var parts = Parts;
        for (int p = 0; p < parts.Length; p++)
        {
            for (int q = p + 1; q < parts.Length; q++)
            {
                if (parts[p].Rows.Length == 0 || parts[q].Rows.Length == 0) { continue; }
                int last = Extreme(parts[p].Rows, times, 1), first = Extreme(parts[q].Rows, times, -1);
                if (times[last] >= times[first])
                {
                    throw new LeakException($"split: row {last} of {parts[p].Name} (time {times[last]}) is not before row {first} of {parts[q].Name} (time {times[first]}); split by time instead");
                }
            }
        }
        return this;
    }

    private static int Extreme(int[] rows, ReadOnlySpan<long> times, int sign)
    {
        int best = rows[0];
        foreach (int row in rows)
        {
            if (times[row].CompareTo(times[best]) * sign > 0) { best = row; }
        }
        return best;
    }

    private static Split Cut(int[][] classes, double test, double validation)
    {
        List<int> train = [], check = [], final = [];
        foreach (int[] rows in classes)
        {
            int last = Share(rows.Length, test), middle = Share(rows.Length, validation);
            // of a small class at least one row is learned from
            if (last + middle == rows.Length) { (last, middle) = middle > 0 ? (last, middle - 1) : (Math.Max(0, last - 1), 0); }
            final.AddRange(rows[..last]);
            check.AddRange(rows[last..(last + middle)]);
            train.AddRange(rows[(last + middle)..]);
        }
        return new([.. train], [.. final], [.. check]);
    }

    // back to where a time begins
    private static int Edge(ReadOnlySpan<long> times, int[] order, int at)
    {
        at = Math.Max(0, at);
        while (at > 0 && at < order.Length && times[order[at]] == times[order[at - 1]]) { at--; }
        return at;
    }

    private static int Share(int count, double share) => (int)Math.Round(count * share, MidpointRounding.AwayFromZero);

    private static void Check(double test, double validation)
    {
        if (!(test >= 0) || !(validation >= 0) || !(test + validation < 1))
        {
            throw new ArgumentOutOfRangeException(nameof(test), $"split: shares {test} for test and {validation} for validation leave nothing to learn from");
        }
    }
}
