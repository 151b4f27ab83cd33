namespace DeepEdu.Metrics;

/// <summary>Counts of the runs of n tokens in a text.</summary>
internal static class NGrams
{
    /// <summary>Each n-gram with how often it occurs. The tokens are joined by a character that no token may hold.</summary>
    public static Dictionary<string, int> Count(ReadOnlySpan<string> tokens, int n)
    {
        Dictionary<string, int> counts = new(StringComparer.Ordinal);
        for (int i = 0; i + n <= tokens.Length; i++)
        {
            string gram = Join(tokens.Slice(i, n));
            counts[gram] = counts.GetValueOrDefault(gram) + 1;
        }
        return counts;
    }

    /// <summary>Token numbers as texts.</summary>
    public static string[] Texts(ReadOnlySpan<int> tokens)
    {
        string[] texts = new string[tokens.Length];
        for (int i = 0; i < texts.Length; i++) { texts[i] = tokens[i].ToString(System.Globalization.CultureInfo.InvariantCulture); }
        return texts;
    }

    private static string Join(ReadOnlySpan<string> tokens)
    {
        foreach (string token in tokens)
        {
            if (token.Contains('\u001f', StringComparison.Ordinal)) { throw new ArgumentException("n-grams: a token holds the unit separator U+001F, which separates tokens here; replace it."); }
        }
        return string.Join('\u001f', tokens);
    }
}
