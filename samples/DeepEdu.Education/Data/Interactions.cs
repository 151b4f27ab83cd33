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
    public int TrainCount => Train.Sum(t => t.Length);
}

/// <summary>Reads the folder format of the NCF code (He et al. 2017): <c>*.train.rating</c>, <c>*.test.rating</c>, <c>*.test.negative</c>.</summary>
internal static class NcfReader
{
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
        int[] held = new int[users];
        Array.Fill(held, -1);
        foreach (var (user, item) in test) { held[user] = item; }
        int[][] negatives = new int[users][];
        Array.Fill(negatives, []);
        foreach (var (line, text) in TextSource.Lines(negativePath))
        {
            var (user, candidates) = Negatives(negativePath, line, text, held);
            negatives[user] = candidates;
            foreach (int item in candidates) { items = Math.Max(items, item + 1); }
        }
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
        return new(Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder))), users, items, [.. lists.Select(l => l.ToArray())], held, negatives);
    }

    private static IEnumerable<(int User, int Item)> Pairs(string path)
    {
        foreach (var (line, text) in TextSource.Lines(path))
        {
            int tab = text.IndexOf('\t', StringComparison.Ordinal);
            if (tab < 0) { throw DataException.At(path, line, "expected user TAB item [TAB rating [TAB time]]."); }
            int next = text.IndexOf('\t', tab + 1);
            yield return (TextSource.Id(text.AsSpan(0, tab), path, line), TextSource.Id(text.AsSpan(tab + 1, (next < 0 ? text.Length : next) - tab - 1), path, line));
        }
    }

    /// <summary>A line <c>(user,item) TAB id TAB id ...</c>. Candidates equal to the test item, and repeats, count once, as in the authors' evaluation.</summary>
    private static (int User, int[] Items) Negatives(string path, int line, string text, int[] held)
    {
        string[] fields = text.Split('\t', StringSplitOptions.RemoveEmptyEntries);
        string key = fields[0].Trim();
        int comma = key.IndexOf(',', StringComparison.Ordinal);
        if (fields.Length < 2 || comma < 0 || key[0] != '(' || key[^1] != ')') { throw DataException.At(path, line, "expected (user,item) TAB item TAB item ..."); }
        int user = TextSource.Id(key.AsSpan(1, comma - 1), path, line), item = TextSource.Id(key.AsSpan(comma + 1, key.Length - comma - 2), path, line);
        if (user >= held.Length || held[user] != item) { throw DataException.At(path, line, $"({user},{item}) is not in the test ratings."); }
        List<int> list = new(fields.Length - 1);
        HashSet<int> seen = [item];
        foreach (string field in fields.AsSpan(1))
        {
            int candidate = TextSource.Id(field, path, line);
            if (seen.Add(candidate)) { list.Add(candidate); }
        }
        return (user, [.. list]);
    }
}
