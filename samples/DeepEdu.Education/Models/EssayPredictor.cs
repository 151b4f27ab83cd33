using System.Globalization;
using DeepEdu.Data;
using DeepEdu.Education.Data;
using DeepEdu.Education.Saved;
using DeepEdu.Education.Text;
using DeepEdu.Io;
using DeepEdu.Metrics;
using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Education.Models;

/// <summary>Grades essays by the mean of the networks of all folds, each with the vocabulary that it learned with.</summary>
internal sealed class EssayPredictor : IPredictor
{
    public const string Kind = "essays";
    private readonly int _prompt, _min, _max;
    private readonly (Vocabulary Words, EssayScorer Network)[] _folds;

    private EssayPredictor(CheckpointFile saved)
    {
        StateDict sizes = saved.Info.Options;
        (_prompt, _min, _max) = (sizes.Int("prompt"), sizes.Int("min"), sizes.Int("max"));
        _folds = [.. sizes.Doubles("typical_lengths").Select((length, f) =>
        {
            Vocabulary words = Vocabulary.Load(saved.State($"words-{f + 1}"));
            EssayScorer network = new(words.Count, 0.5f, (float)length, new Rng(0));
            network.LoadWeights(saved.State($"network-{f + 1}"));
            return (words, network);
        })];
    }

    public static IPredictor Load(CheckpointFile saved) => new EssayPredictor(saved);

    /// <summary>What the constructor takes.</summary>
    public static StateDict Sizes(EssaySet set, IEnumerable<(Vocabulary, EssayScorer Network)> folds)
        => new StateDict().Set("prompt", set.Prompt).Set("min", set.Min).Set("max", set.Max).Set("typical_lengths", [.. folds.Select(f => (double)f.Network.TypicalLength)]);

    /// <summary>The networks and their words.</summary>
    public static IReadOnlyList<(string, ISaveState)> Parts(IEnumerable<(Vocabulary Words, EssayScorer Network)> folds)
        => [.. folds.SelectMany((fold, f) => ((string, ISaveState)[])[($"words-{f + 1}", fold.Words), ($"network-{f + 1}", fold.Network)])];

    public IEnumerable<string[]> Predict(string path, PredictOptions options)
    {
        List<(string Id, string Text)> essays = [.. Read(path)];
        List<string>[] words = [.. essays.Select(e => EssayWords.Split(e.Text))];
        double[] mean = new double[essays.Count];
        foreach (var (vocabulary, network) in _folds)
        {
            float[] scores = network.Predict([.. words.Select(w => vocabulary.Encode(w))]);
            for (int i = 0; i < mean.Length; i++) { mean[i] += scores[i] / _folds.Length; }
        }
        yield return ["essay_id", "score", "exact"];
        for (int i = 0; i < mean.Length; i++)
        {
            if (words[i].Count == 0) // of no word the networks tell the mean score
            {
                yield return [essays[i].Id, "", ""];
                continue;
            }
            double exact = _min + (mean[i] * (_max - _min));
            yield return [essays[i].Id, WeightedKappa.Round(exact, _min, _max).ToString(CultureInfo.InvariantCulture), exact.ToString("0.000", CultureInfo.InvariantCulture)];
        }
    }

    /// <summary>One essay in a <c>.txt</c>, or a table with the column <c>essay</c>.</summary>
    private IEnumerable<(string, string)> Read(string path)
    {
        if (path.EndsWith(".txt", StringComparison.OrdinalIgnoreCase))
        {
            yield return (TextSource.NameOf(path), TextSource.ReadAll(path));
            yield break;
        }
        int text = -1, id = -1, set = -1, n = 0;
        foreach (TableRow row in TextTable.Rows(path, TableFormat.Of(path)))
        {
            if (n++ == 0)
            {
                text = TableRow.Column(path, row.Header, "essay", "a table with the column essay, for this model grades essays; or one essay in a .txt");
                (id, set) = (Array.IndexOf(row.Header, "essay_id"), Array.IndexOf(row.Header, "essay_set"));
            }
            if (set >= 0 && row.Int(set) != _prompt) { throw row.Error($"an essay of prompt {row.Int(set)}; this model grades prompt {_prompt}."); }
            yield return (id < 0 ? n.ToString(CultureInfo.InvariantCulture) : row.Fields[id], row.Fields[text]);
        }
    }
}
