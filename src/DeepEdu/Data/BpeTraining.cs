using System.Text;

namespace DeepEdu.Data;

/// <summary>Learns byte-pair merges: counts of pairs are kept up to date, so a merge costs what it changes, not another pass over all texts.</summary>
internal static class BpeTraining
{
    private static readonly Comparer<(long Count, int Left, int Right)> s_frequentFirst = Comparer<(long Count, int Left, int Right)>.Create((a, b) =>
        a.Count != b.Count ? b.Count.CompareTo(a.Count) : a.Left != b.Left ? a.Left.CompareTo(b.Left) : a.Right.CompareTo(b.Right));

    /// <summary>At most <paramref name="count"/> merges; merge i makes token 256 + i.</summary>
    public static (int Left, int Right)[] Learn(IEnumerable<string> texts, int count, int atLeast)
    {
        var (words, often) = Words(texts);
        Dictionary<(int, int), long> counts = [];
        Dictionary<(int, int), HashSet<int>> where = [];
        HashSet<(int, int)> touched = [];
        for (int w = 0; w < words.Count; w++)
        {
            for (int i = 0; i + 1 < words[w].Length; i++) { Count(words[w][i], words[w][i + 1], w, often[w]); }
        }
        PriorityQueue<(int Left, int Right), (long Count, int Left, int Right)> heap = new(s_frequentFirst);
        foreach (var ((left, right), n) in counts) { heap.Enqueue((left, right), (n, left, right)); }
        List<(int, int)> merges = [];
        while (merges.Count < count && heap.TryDequeue(out var pair, out var key))
        {
            long now = counts.GetValueOrDefault(pair);
            if (now != key.Count) { continue; } // its count has changed since; it stands elsewhere in the heap
            if (now < atLeast) { break; }
            int joined = 256 + merges.Count;
            merges.Add(pair);
            touched.Clear();
            foreach (int w in where[pair])
            {
                int[] word = words[w];
                for (int i = 0; i + 1 < word.Length; i++) { Uncount(word[i], word[i + 1], often[w]); }
                words[w] = word = Join(word, pair, joined);
                for (int i = 0; i + 1 < word.Length; i++) { Count(word[i], word[i + 1], w, often[w]); }
            }
            foreach (var changed in touched)
            {
                if (counts[changed] is var n and > 0) { heap.Enqueue(changed, (n, changed.Item1, changed.Item2)); }
            }
        }
        return [.. merges];

        void Count(int left, int right, int word, long times)
        {
            var pair = (left, right);
            counts[pair] = counts.GetValueOrDefault(pair) + times;
            if (!where.TryGetValue(pair, out var set)) { where.Add(pair, set = []); }
            set.Add(word);
            touched.Add(pair);
        }

        void Uncount(int left, int right, long times)
        {
            counts[(left, right)] -= times;
            touched.Add((left, right));
        }
    }

    private static (List<int[]> Words, List<long> Often) Words(IEnumerable<string> texts)
    {
        int[] numbers = new int[256];
        for (int i = 0; i < 256; i++) { numbers[BpeSplit.Bytes[i]] = i; }
        Dictionary<string, int> places = new(StringComparer.Ordinal);
        List<int[]> words = [];
        List<long> often = [];
        foreach (string piece in texts.SelectMany(BpeSplit.Pieces))
        {
            if (!places.TryGetValue(piece, out int at))
            {
                places.Add(piece, at = words.Count);
                words.Add([.. Encoding.UTF8.GetBytes(piece).Select(b => numbers[b])]);
                often.Add(0);
            }
            often[at]++;
        }
        return (words, often);
    }

    private static int[] Join(int[] word, (int Left, int Right) pair, int joined)
    {
        List<int> made = new(word.Length);
        for (int i = 0; i < word.Length; i++)
        {
            bool fits = i + 1 < word.Length && word[i] == pair.Left && word[i + 1] == pair.Right;
            made.Add(fits ? joined : word[i]);
            if (fits) { i++; }
        }
        return [.. made];
    }
}
