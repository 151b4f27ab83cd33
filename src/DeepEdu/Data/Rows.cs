namespace DeepEdu.Data;

/// <summary>Lists of row numbers.</summary>
internal static class Rows
{
    public static int[] Upto(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        int[] rows = new int[count];
        for (int i = 0; i < count; i++) { rows[i] = i; }
        return rows;
    }

    /// <summary>The rows of each key, keys in the order they first occur.</summary>
    public static int[][] ByKey<K>(ReadOnlySpan<K> keys) where K : notnull
    {
        Dictionary<K, List<int>> rows = [];
        List<List<int>> lists = [];
        for (int i = 0; i < keys.Length; i++)
        {
            if (!rows.TryGetValue(keys[i], out var list))
            {
                rows.Add(keys[i], list = []);
                lists.Add(list);
            }
            list.Add(i);
        }
        return [.. lists.Select(l => l.ToArray())];
    }

    /// <summary>All rows, the earliest first; rows of one time keep their order.</summary>
    public static int[] ByTime(ReadOnlySpan<long> times)
    {
        int[] rows = Upto(times.Length);
        var keys = new (long Time, int Row)[times.Length];
        for (int i = 0; i < keys.Length; i++) { keys[i] = (times[i], i); }
        Array.Sort(keys, rows);
        return rows;
    }
}
