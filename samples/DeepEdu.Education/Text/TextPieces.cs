using DeepEdu.Data;

namespace DeepEdu.Education.Text;

/// <summary>Long texts piece by piece, so that no list of all their words is made: each of them would take many times the room of its letters. Pieces end behind white space, within which no word or character lies.</summary>
internal static class TextPieces
{
    private const int Size = 1 << 16;

    /// <summary>The pieces of a text; together they are the text.</summary>
    public static IEnumerable<string> Of(string text)
    {
        for (int from = 0, to; from < text.Length; from = to)
        {
            to = Math.Min(text.Length, from + Size);
            while (to < text.Length && !char.IsWhiteSpace(text[to - 1])) { to++; }
            yield return text[from..to];
        }
    }

    /// <summary>The numbers of a text's tokens.</summary>
    public static int[] Encode(ITokenizer tokenizer, string text) => [.. Of(text).SelectMany(tokenizer.Encode)];

    /// <summary>The words that tokens stand for.</summary>
    public static IEnumerable<string> Words(ITokenizer tokenizer, int[] tokens, int count)
    {
        for (int from = 0, to; from < count; from = to)
        {
            to = Math.Min(count, from + Size);
            while (to < count && tokenizer is CharTokenizer && !char.IsWhiteSpace(tokenizer.Decode(tokens.AsSpan(to - 1, 1))[0])) { to++; }
            foreach (string word in WordTokenizer.Split(tokenizer.Decode(tokens.AsSpan(from, to - from)))) { yield return word; }
        }
    }
}
