using System.Text;
using DeepEdu.Tensors;

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
        int[] lengths = [.. words.Select(w => w.Length)]; // a word's tokens become fewer, and stay at its beginning
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
            where.Remove(pair, out var found);
            foreach (int w in found!) { Join(w, pair, joined); }
            foreach (var changed in touched)
            {
                if (counts[changed] is var n and > 0) { heap.Enqueue(changed, (n, changed.Item1, changed.Item2)); }
            }
        }
        return [.. merges];

        // only the pairs beside a joined one are counted anew: a piece may be as long as its text
        void Join(int w, (int Left, int Right) pair, int token)
        {
            int[] word = words[w];
            int n = lengths[w], to = 0, last = -1; // the token before, as it was
            bool joined = false;
            for (int i = 0; i < n; i++)
            {
                int old = word[i];
                if (old == pair.Left && i + 1 < n && word[i + 1] == pair.Right)
                {
                    if (to > 0)
                    {
                        Uncount(last, old, often[w]);
                        Count(word[to - 1], token, w, often[w]);
                    }
                    Uncount(old, pair.Right, often[w]);
                    (word[to++], last, joined) = (token, pair.Right, true);
                    i++;
                    continue;
                }
                if (joined)
                {
                    Uncount(last, old, often[w]);
                    Count(token, old, w, often[w]);
                }
                (word[to++], last, joined) = (old, old, false);
            }
            lengths[w] = to;
        }

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
        foreach (var (i, text) in texts.Index())
        {
            if (text is null) { NullItems.Throw(nameof(texts), i); }
            foreach (string piece in BpeSplit.Pieces(text))
            {
                if (!places.TryGetValue(piece, out int at))
                {
                    places.Add(piece, at = words.Count);
                    words.Add([.. Encoding.UTF8.GetBytes(piece).Select(b => numbers[b])]);
                    often.Add(0);
                }
                often[at]++;
            }
        }
        return (words, often);
    }
}
