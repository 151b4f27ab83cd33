using DeepEdu.Data;
using DeepEdu.Education.Data.Simulated;
using DeepEdu.Education.Text;

namespace DeepEdu.Education.Data;

/// <summary>A text as tokens: a first part to learn from, a tenth of it at its end to choose by, and the last tenth of the whole to be tested on. Tokens are those of the part learned from.</summary>
/// <param name="Name">Name of the data for reports.</param>
/// <param name="Tokenizer">What a token is.</param>
/// <param name="Tokens">The whole text.</param>
/// <param name="Train">Where the part to learn from ends and that to choose by begins.</param>
/// <param name="Test">Where the test part begins.</param>
internal sealed record TextCorpus(string Name, ITokenizer Tokenizer, int[] Tokens, int Train, int Test)
{
    private const int LeastTokens = 200;
    private const int MostWords = 10_000;

    /// <summary>Essays that were made by a rubric, one a line.</summary>
    public static TextCorpus Simulated(ulong seed, int essays, bool words)
        => Of("simulated essays", string.Join('\n', SimulatedEssays.Create(seed, essays, copied: 0).Set.Essays.Select(e => e.Text)), words);

    /// <summary>A text file, or all <c>*.txt</c> of a folder in order of their names.</summary>
    public static TextCorpus Read(string path, bool words)
    {
        string[] files = [path];
        if (Directory.Exists(path))
        {
            files = [.. Directory.EnumerateFiles(path, "*.txt"), .. Directory.EnumerateFiles(path, "*.txt.gz")];
            Array.Sort(files, StringComparer.Ordinal);
            if (files.Length == 0) { throw new DataException($"{path}: no file *.txt or *.txt.gz in this folder."); }
        }
        else if (!File.Exists(path)) { throw new DataException($"{path}: no such file or folder."); }
        return Of(TextSource.NameOf(path), string.Join('\n', files.Select(TextSource.ReadAll)), words);
    }

    /// <summary>Tokens that stand for no text, and are never drawn.</summary>
    public static int[] Special(ITokenizer tokenizer) => [.. Enumerable.Range(0, tokenizer.Count).Where(t => tokenizer.Decode([t]) is Vocabulary.Unknown or Vocabulary.Padding)];

    private static TextCorpus Of(string name, string text, bool words)
    {
        // in characters, so that both kinds of tokens are tested on the same text
        int test = Cut(text, text.Length / 10 * 9), train = Cut(text, test / 10 * 9);
        string first = text[..train];
        ITokenizer tokenizer = words ? WordTokenizer.Train(TextPieces.Of(first), MostWords) : CharTokenizer.Train(TextPieces.Of(first), special: [Vocabulary.Unknown]);
        int[] head = TextPieces.Encode(tokenizer, first), middle = TextPieces.Encode(tokenizer, text[train..test]), tail = TextPieces.Encode(tokenizer, text[test..]);
        if (middle.Length + tail.Length < LeastTokens / 5 || head.Length < LeastTokens) { throw new DataException($"{name}: {head.Length + middle.Length + tail.Length} {(words ? "words" : "characters")} are too few to learn from; at least {LeastTokens * 2} are needed."); }
        if (Math.Min(middle.Length, tail.Length) < 2) { throw new DataException($"{name}: of {(words ? "words" : "characters")} the part to choose by has {middle.Length} and the test part {tail.Length}; at least two are needed in each, one to be told from the other. They are the last tenths of the text: is it blank there?"); }
        return new(name, tokenizer, [.. head, .. middle, .. tail], head.Length, head.Length + middle.Length);
    }

    // not within a pair of surrogates
    private static int Cut(string text, int at) => at > 0 && at < text.Length && char.IsLowSurrogate(text[at]) ? at - 1 : at;
}
