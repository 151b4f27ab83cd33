namespace DeepEdu.Education.Data;

/// <summary>Implicit feedback split leave-one-out: what every user took, the one item held out, and the candidates it is ranked among.</summary>
/// <param name="Name">Name of the data for reports.</param>
/// <param name="Users">Number of users; ids 0..Users−1.</param>
/// <param name="Items">Number of items; ids 0..Items−1.</param>
/// <param name="Train">Per user the training items, without repeats, in file order.</param>
/// <param name="Test">Per user the held-out item, −1 when there is none.</param>
/// <param name="Negatives">Per user the candidates beside the test item: without it and without repeats.</param>
internal sealed record Interactions(string Name, int Users, int Items, int[][] Train, int[] Test, int[][] Negatives)
{
    /// <summary>The users' names where the file has names, in order of their numbers.</summary>
    public string[]? UserNames { get; init; }

    /// <summary>The items' names where the file has names.</summary>
    public string[]? ItemNames { get; init; }

    /// <summary>Per user the training items in the order of time, with repeats; null until <see cref="InOrder"/> has asked for it.</summary>
    public int[][]? Past { get; init; }

    /// <summary>Tells <see cref="Past"/>, or throws where the data do not say what came first; null: they do not.</summary>
    public Func<int[][]>? Order { get; init; }

    /// <inheritdoc cref="TracingSet.Notes"/>
    public string[] Notes { get; init; } = [];

    public int TrainCount => Train.Sum(t => t.Length);

    /// <summary>The data with <see cref="Past"/>.</summary>
    /// <exception cref="DataException">The order is not known.</exception>
    public Interactions InOrder() => Past is not null ? this : Order is { } order ? this with { Past = order() } : throw new DataException($"{Name}: it is not known what was taken first; --network neumf does without.");

    /// <summary>What each user took last of its past, held out of it to choose an epoch or a setting by; no candidates are listed. A user with a past of one item or none has none held out.</summary>
    public Interactions LastHeldOut()
    {
        int[][] past = InOrder().Past!;
        int[] held = [.. past.Select(p => p.Length < 2 ? -1 : p[^1])];
        if (Array.TrueForAll(held, h => h < 0)) { throw new DataException($"{Name}: no user took two items in the training part; the last of them is held out to choose the epoch."); }
        int[][] before = [.. past.Select(p => p.Length < 2 ? p : p[..^1])];
        return this with { Past = before, Train = [.. before.Select(p => p.Distinct().ToArray())], Test = held, Negatives = [.. held.Select(_ => Array.Empty<int>())] };
    }
}

/// <summary>Reads the folder format of the NCF code (He et al. 2017): <c>*.train.rating</c>, <c>*.test.rating</c>, <c>*.test.negative</c>.</summary>
internal static class NcfReader
{
    private static readonly TableFormat s_format = TableFormat.Tab with { Header = false };

    public static Interactions Read(string folder)
    {
        string trainPath = TextSource.Find(folder, "*.train.rating");
        string testPath = TextSource.Find(folder, "*.test.rating");
        string negativePath = TextSource.Find(folder, "*.test.negative");
        int users = 0, items = 0;
        List<(int User, int Item)> train = [.. Pairs(trainPath)], test = [.. Pairs(testPath)];
        foreach (var (user, item) in train.Concat(test))
        {
            users = Math.Max(users, user + 1);
            items = Math.Max(items, item + 1);
        }
        Numbered(trainPath, "users", users, train.Count + test.Count);
        Numbered(trainPath, "items", items, train.Count + test.Count);
        int[] held = new int[users];
        Array.Fill(held, -1);
        foreach (var (user, item) in test) { held[user] = item; }
        int[][] negatives = new int[users][];
        Array.Fill(negatives, []);
        foreach (TableRow row in TextTable.Rows(negativePath, s_format))
        {
            var (user, candidates) = Negatives(row, held);
            negatives[user] = candidates;
            foreach (int item in candidates) { items = Math.Max(items, item + 1); }
        }
        Numbered(negativePath, "items", items, train.Count + test.Count);
        for (int u = 0; u < users; u++)
        {
            if (held[u] >= 0 && negatives[u].Length == 0) { throw new DataException($"{negativePath}: user {u} has a test item but no line here."); }
        }
        List<int>[] lists = new List<int>[users];
        for (int u = 0; u < users; u++) { lists[u] = []; }
        HashSet<long> seen = new(train.Count);
        foreach (var (user, item) in train)
        {
            if (seen.Add((long)user * items + item)) { lists[user].Add(item); }
        }
        int[][] taken = [.. lists.Select(l => l.ToArray())];
        return new(TextSource.NameOf(folder), users, items, taken, held, negatives) { Order = () => TakenInOrder.Read(folder, trainPath, taken, held) };
    }

    private static IEnumerable<(int User, int Item)> Pairs(string path)
    {
        foreach (TableRow row in TextTable.Rows(path, s_format))
        {
            if (row.Fields.Length < 2) { throw row.Error("expected user TAB item [TAB rating [TAB time]]."); }
            if (Math.Max(row.Id(0), row.Id(1)) == int.MaxValue) { throw row.Error("an id is too large; users and items are numbered from 0."); }
            yield return (row.Id(0), row.Id(1));
        }
    }

    /// <summary>Tables have a row for every number up to the largest: names that happen to be numbers would fill the memory.</summary>
    private static void Numbered(string path, string what, int count, int rows)
    {
        if (count > Math.Max(1_000_000L, 100L * rows))
        {
            throw new DataException($"{path}: the largest id says that there are {count} {what}, but there are {rows} rows; number {what} from 0 without gaps, or use RecBole's *.inter, which takes names.");
        }
    }

    /// <summary>A line <c>(user,item) TAB id TAB id ...</c>. Candidates equal to the test item, and repeats, count once, as in the authors' evaluation.</summary>
    private static (int User, int[] Items) Negatives(TableRow row, int[] held)
    {
        ReadOnlySpan<char> key = row.Fields[0].AsSpan().Trim();
        int comma = key.IndexOf(',');
        if (row.Fields.Length < 2 || comma < 0 || key[0] != '(' || key[^1] != ')') { throw row.Error("expected (user,item) TAB item TAB item ..."); }
        int user = TextSource.Id(key[1..comma], row.Path, row.Line), item = TextSource.Id(key[(comma + 1)..^1], row.Path, row.Line);
        if (user >= held.Length || held[user] != item) { throw row.Error($"({user},{item}) is not in the test ratings."); }
        List<int> list = new(row.Fields.Length - 1);
        HashSet<int> seen = [item];
        for (int i = 1; i < row.Fields.Length; i++)
        {
            if (row.Fields[i].Length > 0 && row.Id(i) is var candidate && seen.Add(candidate)) { list.Add(candidate); }
        }
        return (user, [.. list]);
    }
}
