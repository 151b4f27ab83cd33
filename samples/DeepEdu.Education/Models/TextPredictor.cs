using System.Globalization;
using DeepEdu.Data;
using DeepEdu.Education.Data;
using DeepEdu.Education.Saved;
using DeepEdu.Education.Text;
using DeepEdu.Io;
using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Education.Models;

/// <summary>Goes on with texts that were begun.</summary>
internal sealed class TextPredictor : IPredictor
{
    public const string Kind = "language";
    private readonly ITokenizer _tokenizer;
    private readonly LanguageNet _network;

    private TextPredictor(CheckpointFile saved)
    {
        _tokenizer = Tokenizer.Load(saved.State("tokenizer"));
        _network = new(_tokenizer.Count, saved.Info.Options.Int("hidden"), new Rng(0));
        _network.LoadWeights(saved.State("network"));
    }

    public static IPredictor Load(CheckpointFile saved) => new TextPredictor(saved);

    /// <summary>What the constructor takes.</summary>
    public static StateDict Sizes(LanguageNet network) => new StateDict().Set("hidden", network.Hidden);

    public IEnumerable<string[]> Predict(string path, PredictOptions options)
    {
        yield return ["prompt", "continuation"];
        Rng rng = new(options.Seed);
        ulong n = 0;
        foreach (string prompt in Read(path))
        {
            int[] tokens = _tokenizer.Encode(prompt);
            if (tokens.Length == 0) { throw new DataException($"{path}: prompt {n + 1} is empty; a text must be begun."); }
            TokenSampler sampler = new(options.Sampling, rng.Split(n++), TextCorpus.Special(_tokenizer));
            yield return [prompt, _tokenizer.Decode(_network.Continue(tokens, options.Sampling.Length, sampler))];
        }
    }

    /// <summary>One prompt in a <c>.txt</c>, without the newline that editors put at its end, or a table with the column <c>prompt</c>.</summary>
    private static IEnumerable<string> Read(string path)
    {
        if (path.EndsWith(".txt", StringComparison.OrdinalIgnoreCase)) { return [TextSource.ReadAll(path) is var text && text.EndsWith('\n') ? text[..^1] : text]; }
        return TextTable.Rows(path, TableFormat.Of(path)).Select(row => row.Fields[TableRow.Column(path, row.Header, "prompt", "a table with the column prompt, for this model goes on with texts; or one prompt in a .txt")]);
    }
}
