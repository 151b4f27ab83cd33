using System.Globalization;

namespace DeepEdu.Education.Data;

/// <summary>The order in which the users of an NCF folder took their training items: from <c>*.sequences.txt</c> (user TAB items with spaces between, the held-out one last), or from the times in the fourth column
/// of <c>*.train.rating</c>. The order of lines alone says nothing: files of this format are often sorted by item.</summary>
internal static class TakenInOrder
{
    /// <summary>Per user the training items in order, with repeats.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="trainPath">Its training file.</param>
    /// <param name="taken">Per user the training items, each once.</param>
    /// <param name="held">Per user the item held out, −1 for none.</param>
    /// <exception cref="DataException">Neither tells the order, or the sequences are not those of the training file.</exception>
    public static int[][] Read(string folder, string trainPath, int[][] taken, int[] held)
        => TextSource.TryFind(folder, "*.sequences.txt") is { } path ? Sequences(path, taken, held) : Times(trainPath, taken.Length);

    private static int[][] Sequences(string path, int[][] taken, int[] held)
    {
        int[]?[] past = new int[taken.Length][];
        foreach (TableRow row in TextTable.Rows(path, TableFormat.Tab with { Header = false }))
        {
            if (row.Fields.Length != 2) { throw row.Error("expected user TAB items with spaces between."); }
            int user = row.Id(0);
            if (user >= taken.Length) { throw row.Error($"user {user} is not in the training file, which has the users 0..{taken.Length - 1}."); }
            if (past[user] is not null) { throw row.Error($"user {user} has a line already."); }
            int[] items = [.. row.Fields[1].Split([' ', ','], StringSplitOptions.RemoveEmptyEntries).Select(i => TextSource.Id(i, row.Path, row.Line))];
            if (held[user] >= 0)
            {
                if (items.Length == 0 || items[^1] != held[user]) { throw row.Error($"user {user} ends with item {(items.Length == 0 ? "none" : items[^1].ToString(CultureInfo.InvariantCulture))}, but {held[user]} is held out; the last of a sequence must be the one held out."); }
                items = items[..^1];
            }
            if (!items.ToHashSet().SetEquals(taken[user])) { throw row.Error($"user {user} has {items.Distinct().Count()} items here before the last, and {taken[user].Length} in the training file, or others."); }
            past[user] = items;
        }
        return [.. past.Select((p, user) => p ?? (taken[user].Length == 0 ? [] : throw new DataException($"{path}: user {user} has training items but no line here.")))];
    }

    private static int[][] Times(string path, int users)
    {
        List<(long Time, int Item)>[] past = [.. Enumerable.Range(0, users).Select(_ => new List<(long, int)>())];
        foreach (TableRow row in TextTable.Rows(path, TableFormat.Tab with { Header = false }))
        {
            if (row.Fields.Length < 4) { throw row.Error("no time in the fourth column and no *.sequences.txt in the folder, so it is not known what was taken first; --network neumf does without."); }
            past[row.Id(0)].Add((row.Long(3), row.Id(1)));
        }
        return [.. past.Select(p => p.OrderBy(t => t.Time).Select(t => t.Item).ToArray())]; // of one time, in the order of the file
    }
}
