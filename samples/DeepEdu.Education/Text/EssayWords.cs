namespace DeepEdu.Education.Text;

/// <summary>Words of an essay: lower case, anonymised names such as <c>@CAPS1</c> as <c>@caps</c>, numbers as <c>&lt;num&gt;</c>, punctuation marks apart,
/// and the endings n't, 's, 're, 've, 'll, 'd, 'm split off.</summary>
internal static class EssayWords
{
    private static readonly string[] s_endings = ["n't", "'s", "'re", "'ve", "'ll", "'d", "'m"];

    public static List<string> Split(string text) => Places(text).ConvertAll(p => p.Word);

    /// <summary>The words, and which characters of the text each is of.</summary>
    public static List<(string Word, Range Place)> Places(string text)
    {
        List<(string, Range)> tokens = [];
        for (int i = 0; i < text.Length;)
        {
            char c = text[i];
            if (char.IsWhiteSpace(c)) { i++; continue; }
            int start = i;
            if (c == '@')
            {
                for (i++; i < text.Length && char.IsAsciiLetter(text[i]);) { i++; }
                int end = i;
                while (i < text.Length && char.IsAsciiDigit(text[i])) { i++; }
                tokens.Add((text[start..end].ToLowerInvariant(), start..i));
            }
            else if (char.IsAsciiDigit(c))
            {
                while (i < text.Length && (char.IsAsciiDigit(text[i]) || (text[i] is '.' or ',' && i + 1 < text.Length && char.IsAsciiDigit(text[i + 1])))) { i++; }
                tokens.Add(("<num>", start..i));
            }
            else if (char.IsLetter(c))
            {
                while (i < text.Length && (char.IsLetter(text[i]) || (text[i] is '\'' or '-' && i + 1 < text.Length && char.IsLetter(text[i + 1])))) { i++; }
                AddWord(tokens, text[start..i].ToLowerInvariant(), start, i);
            }
            else
            {
                while (i < text.Length && text[i] == c) { i++; } // "..." and "!!!" are one token each
                tokens.Add((text[start..i], start..i));
            }
        }
        return tokens;
    }

    private static void AddWord(List<(string, Range)> tokens, string word, int start, int end)
    {
        foreach (string ending in s_endings)
        {
            if (word.Length > ending.Length && word.EndsWith(ending, StringComparison.Ordinal))
            {
                tokens.Add((word[..^ending.Length], start..(end - ending.Length)));
                tokens.Add((ending, (end - ending.Length)..end));
                return;
            }
        }
        tokens.Add((word, start..end));
    }
}
