using System.Text;
using DeepEdu.Tensors;

namespace DeepEdu.Data;

/// <summary>Words: runs of letters, marks and digits (with apostrophes and hyphens inside), and every other visible character by itself. Half of a surrogate
/// pair, where a text was cut apart, counts as U+FFFD.</summary>
/// <param name="vocabulary">The words and their numbers; see <see cref="Train"/>.</param>
/// <param name="lower">Whether letters count as lower case.</param>
public sealed class WordTokenizer(Vocabulary vocabulary, bool lower = true) : ITokenizer
{
    internal const string Kind = "word";

    /// <summary>The words and their numbers.</summary>
    public Vocabulary Vocabulary { get; } = vocabulary ?? throw new ArgumentNullException(nameof(vocabulary));

    /// <inheritdoc/>
    public int Count => Vocabulary.Count;

    /// <summary>A tokenizer of the most frequent words of some texts: those to learn from, and no others.</summary>
    public static WordTokenizer Train(IEnumerable<string> texts, int size = int.MaxValue, int atLeast = 1, bool lower = true)
    {
        ArgumentNullException.ThrowIfNull(texts);
        return new(Vocabulary.Of(texts.Select(t => Split(t, lower)), size, atLeast), lower);
    }

    /// <summary>The words of a text.</summary>
    public static List<string> Split(string text, bool lower = true)
    {
        ArgumentNullException.ThrowIfNull(text);
        List<string> words = [];
        for (int i = 0; i < text.Length;)
        {
            int start = i;
            if (IsWord(text, i, out int width))
            {
                do { i += width; }
                while (i < text.Length && (IsWord(text, i, out width) || (text[i] is '\'' or '’' or '-' && i + 1 < text.Length && IsWord(text, i + 1, out _)))); // a joining mark is one wide
            }
            else
            {
                i += width;
                if (width == 1 && char.IsWhiteSpace(text[start])) { continue; }
            }
            words.Add(char.IsSurrogate(text[start]) && i == start + 1 ? "\uFFFD" : lower ? text[start..i].ToLowerInvariant() : text[start..i]);
        }
        return words;
    }

    /// <inheritdoc/>
    public int[] Encode(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Vocabulary.Encode(Split(text, lower));
    }

    /// <summary>The words with a space between: where there was more or less, and which letters were upper case, is lost.</summary>
    public string Decode(ReadOnlySpan<int> tokens) => string.Join(' ', Vocabulary.Decode(tokens));

    /// <inheritdoc/>
    public void SaveState(StateDict to)
    {
        ArgumentNullException.ThrowIfNull(to);
        Vocabulary.SaveState(to.Set("kind", Kind).Set("lower", lower));
    }

    private static bool IsWord(string text, int at, out int width)
    {
        bool whole = Rune.TryGetRuneAt(text, at, out Rune rune);
        width = whole ? rune.Utf16SequenceLength : 1;
        return whole && (Rune.IsLetterOrDigit(rune) || Rune.GetUnicodeCategory(rune) is System.Globalization.UnicodeCategory.NonSpacingMark or System.Globalization.UnicodeCategory.SpacingCombiningMark);
    }
}
