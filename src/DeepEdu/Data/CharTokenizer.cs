using System.Text;
using DeepEdu.Tensors;

namespace DeepEdu.Data;

/// <summary>Characters: one token a Unicode scalar value. Decoding gives the text back, unknown characters aside.</summary>
/// <param name="vocabulary">The characters and their numbers; see <see cref="Train"/>.</param>
public sealed class CharTokenizer(Vocabulary vocabulary) : ITokenizer
{
    internal const string Kind = "char";

    /// <summary>The characters and their numbers.</summary>
    public Vocabulary Vocabulary { get; } = vocabulary ?? throw new ArgumentNullException(nameof(vocabulary));

    /// <inheritdoc/>
    public int Count => Vocabulary.Count;

    /// <summary>A tokenizer of the characters of some texts, the most frequent first.</summary>
    public static CharTokenizer Train(IEnumerable<string> texts, int size = int.MaxValue, string[]? special = null)
    {
        ArgumentNullException.ThrowIfNull(texts);
        return new(Vocabulary.Of(texts.Select(t => t is null ? null! : Split(t)), size, special: special));
    }

    /// <inheritdoc/>
    public int[] Encode(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Vocabulary.Encode(Split(text));
    }

    /// <inheritdoc/>
    public string Decode(ReadOnlySpan<int> tokens) => string.Concat(Vocabulary.Decode(tokens));

    /// <inheritdoc/>
    public void SaveState(StateDict to)
    {
        ArgumentNullException.ThrowIfNull(to);
        Vocabulary.SaveState(to.Set("kind", Kind));
    }

    private static IEnumerable<string> Split(string text)
    {
        foreach (Rune rune in text.EnumerateRunes()) { yield return rune.ToString(); }
    }
}
