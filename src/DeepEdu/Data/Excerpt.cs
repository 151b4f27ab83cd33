namespace DeepEdu.Data;

/// <summary>What errors quote of a text that may be of any length.</summary>
internal static class Excerpt
{
    private const int Longest = 80;

    /// <summary>The text, or its beginning.</summary>
    public static string Of(string text) => text.Length <= Longest ? text : $"{text.AsSpan(0, Longest)}… ({text.Length} characters)";
}
