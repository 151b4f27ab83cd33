using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using DeepEdu.Tensors;

namespace DeepEdu.Data;

/// <summary>Byte-pair encoding (Sennrich et al. 2016, arXiv:1508.07909, algorithm 1) of UTF-8 bytes as GPT-2 does it (Radford et al. 2019): no text is unknown, and decoding gives
/// any well-formed text back exactly. Reads and writes GPT-2's files.
/// <code>
/// var bpe = BpeTokenizer.Train(trainTexts, size: 4000, special: ["&lt;|endoftext|&gt;"]);
/// int[] tokens = bpe.Encode("to be");
/// </code></summary>
public sealed class BpeTokenizer : ITokenizer
{
    internal const string Kind = "bpe";
    private const int CachedPieces = 1 << 16;

    private readonly byte[]?[] _bytes;          // of each token; none for special ones
    private readonly string[] _special;         // texts of the special tokens
    private readonly int[] _byteTokens = new int[256];
    private readonly Dictionary<string, int> _specialNumbers = new(StringComparer.Ordinal);
    private readonly (int Left, int Right, int Joined)[] _merges;
    private readonly Dictionary<(int Left, int Right), int> _ranks = [];
    private readonly ConcurrentDictionary<string, int[]> _cache = new(StringComparer.Ordinal);
    private int _cached; // pieces in it, which it would count under all of its locks

    private BpeTokenizer(byte[]?[] bytes, string[] special, (int, int, int)[] merges)
    {
        (_bytes, _special, _merges) = (bytes, special, merges);
        bool[] found = new bool[256];
        for (int t = 0; t < bytes.Length; t++)
        {
            if (bytes[t] is not { } b)
            {
                if (!_specialNumbers.TryAdd(special[t], t)) { throw new InvalidDataException($"bpe-tokenizer: the special token \"{Excerpt.Of(special[t])}\" is number {_specialNumbers[special[t]]} and {t}"); }
            }
            else if (b.Length == 1) { (_byteTokens[b[0]], found[b[0]]) = (t, true); }
        }
        if (Array.IndexOf(found, false) is var missing and >= 0) { throw new InvalidDataException($"bpe-tokenizer: there is no token for byte {missing}; is this a byte-level vocabulary?"); }
        for (int r = 0; r < merges.Length; r++)
        {
            if (!_ranks.TryAdd((_merges[r].Left, _merges[r].Right), r)) { throw new InvalidDataException($"bpe-tokenizer: merge {r} is merge {_ranks[(_merges[r].Left, _merges[r].Right)]} again"); }
            if (!Makes(_merges[r])) { throw new InvalidDataException($"bpe-tokenizer: merge {r} makes token {_merges[r].Joined} of {_merges[r].Left} and {_merges[r].Right}, whose bytes are others"); }
        }
    }

    /// <inheritdoc/>
    public int Count => _bytes.Length;

    /// <summary>How many merges there are.</summary>
    public int Merges => _merges.Length;

    /// <summary>Learns the merges: again and again the most frequent pair becomes one token; of equally frequent pairs that of the lower numbers, so that the result depends on the
    /// texts alone. Numbers 0..255 are the bytes, then come the merges, then the special tokens.</summary>
    /// <param name="texts">The texts to learn from, and no others.</param>
    /// <param name="size">The most tokens.</param>
    /// <param name="atLeast">How often a pair must occur to become a token.</param>
    /// <param name="special">Tokens that no text becomes, such as an end of text.</param>
    /// <exception cref="ArgumentException">A special token stands twice, or is the text of another token, as "!" is: files could not tell them apart.</exception>
    public static BpeTokenizer Train(IEnumerable<string> texts, int size, int atLeast = 2, params ReadOnlySpan<string> special)
    {
        ArgumentNullException.ThrowIfNull(texts);
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 256 + special.Length);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(atLeast);
        NullItems.ThrowIfAny(special);
        var merges = BpeTraining.Learn(texts, size - 256 - special.Length, atLeast);
        return Numbered(merges, special);
    }

    /// <summary>Reads GPT-2's two files.</summary>
    /// <param name="vocabulary">JSON: an object of token texts (bytes as visible characters) and their numbers. What no merge makes is a special token.</param>
    /// <param name="merges">A line a merge: two token texts with a space between. A first line "#version" is passed over.</param>
    /// <exception cref="InvalidDataException">Names the token or line that does not fit.</exception>
    public static BpeTokenizer Load(Stream vocabulary, Stream merges)
    {
        ArgumentNullException.ThrowIfNull(vocabulary);
        ArgumentNullException.ThrowIfNull(merges);
        Dictionary<string, int> numbers = new(StringComparer.Ordinal);
        string[] texts;
        try
        {
            using var json = JsonDocument.Parse(vocabulary);
            foreach (var token in json.RootElement.EnumerateObject())
            {
                if (!numbers.TryAdd(token.Name, token.Value.GetInt32())) { throw new InvalidDataException($"bpe-tokenizer: token \"{Excerpt.Of(token.Name)}\" has two numbers"); }
            }
            texts = new string[numbers.Count];
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException) { throw new InvalidDataException($"bpe-tokenizer: the vocabulary is not a JSON object of tokens and their numbers: {e.Message}", e); }
        foreach (var (text, number) in numbers)
        {
            if ((uint)number >= (uint)texts.Length || texts[number] is not null) { throw new InvalidDataException($"bpe-tokenizer: token \"{Excerpt.Of(text)}\" has number {number}; numbers must be 0..{texts.Length - 1}, each once"); }
            texts[number] = text;
        }
        List<(int, int, int)> list = [];
        bool[] made = new bool[texts.Length];
        using var reader = new StreamReader(merges, leaveOpen: true);
        for (int line = 1; reader.ReadLine() is { } text; line++)
        {
            if (text.Length == 0 || (line == 1 && text.StartsWith("#version", StringComparison.Ordinal))) { continue; }
            int space = text.IndexOf(' ', StringComparison.Ordinal);
            if (space < 1 || space == text.Length - 1) { throw new InvalidDataException($"bpe-tokenizer: line {line} of the merges is not two tokens: \"{Excerpt.Of(text)}\""); }
            string left = text[..space], right = text[(space + 1)..];
            list.Add((Number(left), Number(right), Number(left + right)));
            made[numbers[left + right]] = true;

            int Number(string token) => numbers.TryGetValue(token, out int n) ? n : throw new InvalidDataException($"bpe-tokenizer: line {line} of the merges: no token \"{Excerpt.Of(token)}\" in the vocabulary");
        }
        byte[]?[] bytes = new byte[]?[texts.Length];
        for (int t = 0; t < texts.Length; t++)
        {
            if (made[t] || texts[t].Length == 1) { bytes[t] = BpeSplit.Unshow(texts[t]); }
        }
        return new(bytes, texts, [.. list]);
    }

    /// <summary>Writes GPT-2's two files; see <see cref="Load(Stream, Stream)"/>.</summary>
    public void Save(Stream vocabulary, Stream merges)
    {
        ArgumentNullException.ThrowIfNull(vocabulary);
        ArgumentNullException.ThrowIfNull(merges);
        using (var json = new Utf8JsonWriter(vocabulary))
        {
            json.WriteStartObject();
            for (int t = 0; t < Count; t++) { json.WriteNumber(Text(t), t); }
            json.WriteEndObject();
        }
        using var writer = new StreamWriter(merges, leaveOpen: true) { NewLine = "\n" };
        writer.WriteLine("#version: 0.2");
        foreach (var (left, right, _) in _merges) { writer.WriteLine($"{Text(left)} {Text(right)}"); }
    }

    /// <summary>The number of a special token.</summary>
    /// <exception cref="KeyNotFoundException">There is no such token.</exception>
    public int Special(string token)
    {
        ArgumentNullException.ThrowIfNull(token);
        return _specialNumbers.TryGetValue(token, out int number) ? number
        : throw new KeyNotFoundException($"bpe-tokenizer: no special token \"{token}\"; there are: {string.Join(", ", _specialNumbers.Keys)}");
    }

    /// <inheritdoc/>
    public int[] Encode(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        List<int> tokens = [];
        foreach (string piece in BpeSplit.Pieces(text))
        {
            if (!_cache.TryGetValue(piece, out int[]? known))
            {
                known = Merge(Encoding.UTF8.GetBytes(piece));
                if (_cached < CachedPieces && piece.Length < 64 && _cache.TryAdd(piece, known)) { Interlocked.Increment(ref _cached); }
            }
            tokens.AddRange(known);
        }
        return [.. tokens];
    }

    /// <summary>The text of tokens. Bytes that are no UTF-8, where tokens were cut apart, become U+FFFD.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such token.</exception>
    public string Decode(ReadOnlySpan<int> tokens)
    {
        using var bytes = new MemoryStream();
        foreach (int token in tokens)
        {
            if ((uint)token >= (uint)Count) { ThrowToken(token, Count); }
            bytes.Write(_bytes[token] ?? Encoding.UTF8.GetBytes(_special[token]));
        }
        return Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length);
    }

    /// <inheritdoc/>
    public void SaveState(StateDict to)
    {
        ArgumentNullException.ThrowIfNull(to);
        to.Set("kind", Kind).Set("tokens", [.. Enumerable.Range(0, Count).Select(Text)])
            .Set("special", _specialNumbers.Values.Select(n => (long)n).ToArray())
            .Set("merges", _merges.SelectMany(m => new long[] { m.Left, m.Right, m.Joined }).ToArray());
    }

    internal static BpeTokenizer Load(StateDict from)
    {
        string[] texts = from.Texts("tokens");
        long[] merges = from.Longs("merges");
        var special = from.Longs("special").ToHashSet();
        byte[]?[] bytes = [.. texts.Select((t, i) => special.Contains(i) ? null : BpeSplit.Unshow(t) ?? throw new InvalidDataException($"bpe-tokenizer: token {i}, \"{t}\", is not bytes as visible characters"))];
        if (merges.Length % 3 != 0 || Array.Exists(merges, m => m < 0 || m >= texts.Length)) { throw new InvalidDataException("bpe-tokenizer: the merges are not of these tokens"); }
        return new(bytes, texts, [.. Enumerable.Range(0, merges.Length / 3).Select(i => ((int)merges[3 * i], (int)merges[(3 * i) + 1], (int)merges[(3 * i) + 2]))]);
    }

    private static BpeTokenizer Numbered((int Left, int Right)[] merges, ReadOnlySpan<string> special)
    {
        List<byte[]?> bytes = [.. BpeSplit.Bytes.Select(b => (byte[])[b])];
        foreach (var (left, right) in merges) { bytes.Add([.. bytes[left]!, .. bytes[right]!]); }
        HashSet<string> taken = new(bytes.Select(b => BpeSplit.Show(b!)), StringComparer.Ordinal);
        foreach (string token in special)
        {
            if (!taken.Add(token)) { throw new ArgumentException($"bpe-tokenizer: the special token \"{token}\" stands twice, or is the text of another token; take one such as \"<|{token}|>\"", nameof(special)); }
        }
        string[] texts = new string[bytes.Count + special.Length];
        special.CopyTo(texts.AsSpan(bytes.Count));
        bytes.AddRange(new byte[]?[special.Length]);
        return new([.. bytes], texts, [.. merges.Select((m, i) => (m.Left, m.Right, 256 + i))]);
    }

    private bool Makes((int Left, int Right, int Joined) m) => _bytes[m.Left] is { } left && _bytes[m.Right] is { } right && _bytes[m.Joined] is { } joined
        && joined.Length == left.Length + right.Length && joined.AsSpan().StartsWith(left) && joined.AsSpan().EndsWith(right);

    private string Text(int token) => _bytes[token] is { } bytes ? BpeSplit.Show(bytes) : _special[token];

    /// <summary>The merge of lowest rank first, of one rank the leftmost, until none fits. A heap over a linked list: n log n, for pieces may be long.</summary>
    private int[] Merge(byte[] bytes)
    {
        int n = bytes.Length;
        int[] token = new int[n], next = new int[n], last = new int[n];
        PriorityQueue<(int At, int Left, int Right), (int Rank, int At)> heap = new();
        for (int i = 0; i < n; i++) { (token[i], next[i], last[i]) = (_byteTokens[bytes[i]], i + 1, i - 1); }
        for (int i = 0; i + 1 < n; i++) { Offer(i); }
        while (heap.TryDequeue(out var pair, out var key))
        {
            int at = pair.At, right = token[at] == pair.Left ? next[at] : n;
            if (right >= n || token[right] != pair.Right) { continue; } // one of the two has become another token since
            token[at] = _merges[key.Rank].Joined;
            token[right] = -1;
            next[at] = next[right];
            if (next[at] < n) { last[next[at]] = at; }
            if (last[at] >= 0) { Offer(last[at]); }
            Offer(at);
        }
        List<int> tokens = [];
        for (int i = 0; i < n; i = next[i]) { tokens.Add(token[i]); }
        return [.. tokens];

        void Offer(int i)
        {
            if (next[i] < n && _ranks.TryGetValue((token[i], token[next[i]]), out int rank)) { heap.Enqueue((i, token[i], token[next[i]]), (rank, i)); }
        }
    }

    [DoesNotReturn]
    private static void ThrowToken(int token, int count) => throw new ArgumentOutOfRangeException(null, $"bpe-tokenizer: token {token} is outside 0..{count - 1}");
}
