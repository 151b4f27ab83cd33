using System.Text;

namespace DeepEdu.Data;

/// <summary>What byte-pair encoding does before merging, as GPT-2 (Radford et al. 2019) does it: text into pieces that merges do not cross, and bytes as visible characters.</summary>
internal static class BpeSplit
{
    private static readonly string[] s_endings = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"];

    /// <summary>The bytes in the order of their numbers: first those that are visible in Latin-1.</summary>
    public static readonly byte[] Bytes = [.. Enumerable.Range(0, 256).Where(Visible).Concat(Enumerable.Range(0, 256).Where(b => !Visible(b))).Select(b => (byte)b)];

    private static readonly char[] s_chars = Chars();

    private static readonly Dictionary<char, byte> s_bytes = Enumerable.Range(0, 256).ToDictionary(b => s_chars[b], b => (byte)b);

    /// <summary>Bytes as visible characters: those visible in Latin-1 as themselves, the others from U+0100 on.</summary>
    public static string Show(ReadOnlySpan<byte> bytes)
    {
        Span<char> text = bytes.Length <= 256 ? stackalloc char[bytes.Length] : new char[bytes.Length];
        for (int i = 0; i < text.Length; i++) { text[i] = s_chars[bytes[i]]; }
        return new(text);
    }

    /// <summary>The bytes that <see cref="Show"/> shows as this text, or null if it is no such text.</summary>
    public static byte[]? Unshow(string text)
    {
        byte[] bytes = new byte[text.Length];
        for (int i = 0; i < bytes.Length; i++)
        {
            if (!s_bytes.TryGetValue(text[i], out bytes[i])) { return null; }
        }
        return bytes;
    }

    /// <summary>A contraction's ending; a space or none before a run of letters, of numbers, or of other visible characters; or white space, of which the last character
    /// is left to what follows.</summary>
    public static IEnumerable<string> Pieces(string text)
    {
        for (int start = 0; start < text.Length;)
        {
            int end = Ending(text, start);
            if (end == start)
            {
                int first = text[start] == ' ' && start + 1 < text.Length ? start + 1 : start;
                int kind = KindAt(text, first, out _);
                if (kind == Space) { first = start; }
                end = kind == Space ? WhiteSpace(text, start) : Run(text, first, kind);
            }
            yield return text[start..end];
            start = end;
        }
    }

    private const int Space = 0;

    private static int Ending(string text, int at)
    {
        foreach (string ending in s_endings)
        {
            if (string.CompareOrdinal(text, at, ending, 0, ending.Length) == 0) { return at + ending.Length; }
        }
        return at;
    }

    private static int Run(string text, int at, int kind)
    {
        while (at < text.Length && KindAt(text, at, out int width) == kind) { at += width; }
        return at;
    }

    private static int WhiteSpace(string text, int at)
    {
        int end = Run(text, at, Space);
        return end == text.Length || end == at + 1 ? end : end - 1; // white space is always one char wide
    }

    private static int KindAt(string text, int at, out int width)
    {
        bool whole = Rune.TryGetRuneAt(text, at, out Rune rune);
        width = whole ? rune.Utf16SequenceLength : 1;
        return !whole ? 3 : Rune.IsWhiteSpace(rune) ? Space : Rune.IsLetter(rune) ? 1 : Rune.IsNumber(rune) ? 2 : 3;
    }

    private static bool Visible(int b) => b is (>= 33 and <= 126) or (>= 161 and <= 172) or >= 174;

    private static char[] Chars()
    {
        char[] chars = new char[256];
        for (int i = 0, hidden = 256; i < 256; i++) { chars[Bytes[i]] = (char)(Visible(Bytes[i]) ? Bytes[i] : hidden++); }
        return chars;
    }
}
