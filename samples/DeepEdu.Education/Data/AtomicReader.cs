using System.Globalization;
using System.Text;
using DeepEdu.Data;
using DeepEdu.Numerics;

namespace DeepEdu.Education.Data;

/// <summary>A column of an atomic file: names, numbers, or lists of either.</summary>
internal sealed record AtomicColumn(string Name, string?[]? Tokens = null, float[]? Floats = null, string[][]? TokenLists = null, float[][]? FloatLists = null);

/// <summary>Reads RecBole's atomic files: tab-separated, a header of <c>name:type</c> with the types token, float, token_seq and float_seq (values with a space between).</summary>
internal static class AtomicReader
{
    /// <summary>The columns of one file: <c>.inter</c>, <c>.user</c>, <c>.item</c> or another.</summary>
    public static AtomicColumn[] Columns(string path, Encoding? encoding = null)
    {
        List<TableRow> rows = Rows(path, encoding);
        return [.. rows[0].Header.Select((head, c) => Column(path, head, c, rows))];
    }

    /// <summary>The interactions of a folder with <c>*.inter</c>: each user's last one held out beside 99 items that the user did not take, the others to learn from, repeats once.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="seed">Of the candidates.</param>
    /// <param name="encoding">How characters are written; found out if null.</param>
    public static Interactions Read(string folder, ulong seed, Encoding? encoding = null)
    {
        string path = TextSource.Find(folder, "*.inter");
        List<TableRow> rows = Rows(path, encoding);
        AtomicColumn[] columns = [.. rows[0].Header.Select((head, c) => Column(path, head, c, rows))];
        (int[] user, string[] userNames) = Numbers(Tokens("user_id"));
        (int[] item, string[] itemNames) = Numbers(Tokens("item_id"));
        int userCount = userNames.Length, itemCount = itemNames.Length;
        int time = Array.FindIndex(columns, c => c.Name == "timestamp");
        double[] told = [.. rows.Select((row, r) => time < 0 ? r : Time(row, time))];
        // numbers of the times: whole seconds would lose what came first where times are fractions
        Dictionary<double, int> order = told.Distinct().Order().Select((t, place) => (t, place)).ToDictionary(p => p.t, p => p.place);
        long[] times = Array.ConvertAll(told, t => (long)order[t]);
        Split split = Split.LastOfGroup<int>(user, times);
        int[] held = new int[userCount];
        Array.Fill(held, -1);
        foreach (int row in split.Test) { held[user[row]] = item[row]; }
        List<int>[] taken = [.. Enumerable.Range(0, userCount).Select(_ => new List<int>())];
        HashSet<(int, int)> seen = [];
        foreach (int row in split.Train)
        {
            if (item[row] != held[user[row]] && seen.Add((user[row], item[row]))) { taken[user[row]].Add(item[row]); }
        }
        int[][] train = [.. taken.Select(t => t.ToArray())];
        return new(TextSource.NameOf(path), userCount, itemCount, train, held, Candidates(train, held, itemCount, seed)) { UserNames = userNames, ItemNames = itemNames, Order = Order, Notes = time < 0 ? [$"{Path.GetFileName(path)} has no column timestamp:float: the last line of a user is taken for its last item, and held out"] : [] };

        int[][] Order()
        {
            if (time < 0) { throw DataException.At(path, 1, "no column 'timestamp:float' in the header, so it is not known what was taken first; --network neumf does without."); }
            List<int>[] past = [.. Enumerable.Range(0, userCount).Select(_ => new List<int>())];
            foreach (int row in split.Train) // each user's by time, and of one time in the order of the file
            {
                if (item[row] != held[user[row]]) { past[user[row]].Add(item[row]); }
            }
            return [.. past.Select(p => p.ToArray())];
        }

        string?[] Tokens(string name) => Array.Find(columns, c => c.Name == name)?.Tokens ?? throw DataException.At(path, 1, $"no column '{name}:token' in the header.");
    }

    private static List<TableRow> Rows(string path, Encoding? encoding)
    {
        List<TableRow> rows = [.. TextTable.Rows(path, TableFormat.Tab with { Encoding = encoding })];
        return rows.Count > 0 ? rows : throw new DataException($"{path}: a header but no rows.");
    }

    // a float cannot hold seconds since 1970
    private static double Time(TableRow row, int column)
        => double.TryParse(row.Fields[column], NumberStyles.Float, CultureInfo.InvariantCulture, out double time) && double.IsFinite(time) ? time : throw row.Error($"timestamp '{row.Fields[column]}' is not a number.");

    private static int[][] Candidates(int[][] train, int[] held, int items, ulong seed)
    {
        Rng rng = new(seed);
        int[][] own = [.. train.Select((t, u) => held[u] < 0 ? t : [.. t, held[u]])];
        NegativeSampler others = NegativeSampler.Uniform(new(own, items));
        int[][] candidates = new int[train.Length][];
        for (int u = 0; u < train.Length; u++)
        {
            Rng stream = rng.Split((ulong)u);
            HashSet<int> list = [];
            while (held[u] >= 0 && list.Count < Math.Min(99, items - own[u].Length)) { list.Add(others.Draw(u, stream)); }
            candidates[u] = [.. list];
        }
        return candidates;
    }

    private static (int[] Numbers, string[] Names) Numbers(string?[] tokens)
    {
        Dictionary<string, int> numbers = new(StringComparer.Ordinal);
        int[] of = new int[tokens.Length];
        for (int i = 0; i < tokens.Length; i++)
        {
            string token = tokens[i] ?? "";
            if (!numbers.TryGetValue(token, out of[i])) { numbers.Add(token, of[i] = numbers.Count); }
        }
        return (of, [.. numbers.OrderBy(n => n.Value).Select(n => n.Key)]);
    }

    private static AtomicColumn Column(string path, string head, int c, List<TableRow> rows)
    {
        int colon = head.LastIndexOf(':');
        string name = (colon < 0 ? head : head[..colon]).Trim();
        return (colon < 0 ? "" : head[(colon + 1)..].Trim()) switch
        {
            "token" => new(name, Tokens: [.. rows.Select(r => r.Fields[c].Trim() is { Length: > 0 } token ? token : null)]),
            "float" => new(name, Floats: [.. rows.Select(r => r.FloatOrNaN(c))]),
            "token_seq" => new(name, TokenLists: [.. rows.Select(r => Parts(r))]),
            "float_seq" => new(name, FloatLists: [.. rows.Select(r => Array.ConvertAll(Parts(r), p => TextSource.Float(p, r.Path, r.Line)))]),
            _ => throw DataException.At(path, 1, $"column '{head}': expected name:type with the types token, float, token_seq, float_seq."),
        };

        string[] Parts(TableRow row) => row.Fields[c].Split(' ', StringSplitOptions.RemoveEmptyEntries);
    }
}
