using DeepEdu.Education.Data;

namespace DeepEdu.Education.Personal;

/// <summary>k-anonymity (Sweeney 2002): in how large groups rows are alike in the columns by which somebody may know a learner. Where a learner has several rows, groups count learners. A missing value is a value of its own.</summary>
internal sealed class Anonymity
{
    private readonly TableCopy _table;
    private readonly int[] _columns;
    private readonly Dictionary<string, Group> _groups;
    private readonly Dictionary<string, Group>[] _without; // the groups if a column were left out

    /// <param name="table">The table.</param>
    /// <param name="columns">By which rows are alike.</param>
    /// <param name="learner">The column that says whose a row is; null: each is another learner's.</param>
    public Anonymity(TableCopy table, int[] columns, int? learner)
    {
        (_table, _columns) = (table, columns);
        _groups = new(StringComparer.Ordinal);
        _without = [.. columns.Length < 2 ? [] : columns.Select(_ => new Dictionary<string, Group>(StringComparer.Ordinal))];
        foreach (var (_, fields) in table.Rows())
        {
            Rows++;
            string? who = learner is { } l ? fields[l].Trim() : null;
            Add(_groups, Key(fields, columns), who);
            for (int c = 0; c < _without.Length; c++) { Add(_without[c], Key(fields, [.. columns.Where((_, place) => place != c)]), who); }
        }
        if (Rows == 0) { throw new DataException($"{table.Path}: a header but no rows."); }
    }

    public long Rows { get; }

    public int Groups => _groups.Count;

    /// <summary>k: learners (or rows) of the smallest group.</summary>
    public int Smallest => _groups.Values.Min(g => g.Size);

    /// <summary>Groups of fewer than k, and their rows.</summary>
    public (int Groups, long Rows) Below(int k) => Below(_groups, k);

    /// <summary>The rows that groups below k would have if a column were left out, the column that helps most first.</summary>
    public IEnumerable<(string Column, long Rows)> Without(int k) => _without.Select((groups, c) => (_table.Header[_columns[c]], Below(groups, k).Rows)).OrderBy(w => w.Rows);

    /// <summary>Copies the rows of groups of k or more.</summary>
    public void Suppress(int k, string to) => _table.Write(to, (_, fields) => _groups[Key(fields, _columns)].Size < k ? null : fields);

    private static (int Groups, long Rows) Below(Dictionary<string, Group> groups, int k)
    {
        Group[] small = [.. groups.Values.Where(g => g.Size < k)];
        return (small.Length, small.Sum(g => g.Rows));
    }

    // lengths before the values: no two lists of values have the same key
    private static string Key(string[] fields, int[] columns) => string.Concat(columns.Select(c => TableRow.IsMissing(fields[c]) ? "-" : $"{fields[c].Trim().Length}:{fields[c].Trim()}"));

    private static void Add(Dictionary<string, Group> groups, string key, string? who)
    {
        if (!groups.TryGetValue(key, out Group? group)) { groups[key] = group = new(); }
        group.Add(who);
    }

    private sealed class Group
    {
        private HashSet<string>? _learners;

        public long Rows { get; private set; }

        public int Size => _learners?.Count ?? (int)Math.Min(Rows, int.MaxValue);

        public void Add(string? who)
        {
            Rows++;
            if (who is not null) { (_learners ??= new(StringComparer.Ordinal)).Add(who); }
        }
    }
}
