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

    /// <summary>Why an essay goes to review that is like the others.</summary>
    public const string Wide = "wide interval";

    private const string IntervalsPart = "intervals", OdditiesPart = "oddities";
    private const int ShownWords = 5;
    private readonly int _prompt, _min, _max;
    private readonly (Vocabulary Words, EssayScorer Network)[] _folds;
    private readonly GradeIntervals? _intervals;
    private readonly EssayOddities? _oddities;

    private EssayPredictor(CheckpointFile saved)
    {
        StateDict sizes = saved.Info.Options;
        (_prompt, _min, _max) = (sizes.Int("prompt"), sizes.Int("min"), sizes.Int("max"));
        _folds = [.. sizes.Doubles("typical_lengths").Select((length, f) =>
        {
            Vocabulary words = Vocabulary.Load(saved.State($"words-{f + 1}"));
            EssayScorer network = new(words.Count, 0.5f, (float)length, new Rng(0), sizes.Has("hidden") ? sizes.Int("hidden") : EssayScorer.Usual); // older files know one width
            network.LoadWeights(saved.State($"network-{f + 1}"));
            return (words, network);
        })];
        if (saved.Parts.Contains(IntervalsPart)) { _intervals = GradeIntervals.Load(saved.State(IntervalsPart), _min, _max); }
        if (saved.Parts.Contains(OdditiesPart)) { _oddities = EssayOddities.Load(saved.State(OdditiesPart)); }
    }

    public static IPredictor Load(CheckpointFile saved) => new EssayPredictor(saved);

    /// <summary>What the constructor takes.</summary>
    public static StateDict Sizes(EssaySet set, IReadOnlyList<(Vocabulary, EssayScorer Network)> folds)
        => new StateDict().Set("prompt", set.Prompt).Set("min", set.Min).Set("max", set.Max).Set("hidden", folds[0].Network.Hidden).Set("typical_lengths", [.. folds.Select(f => (double)f.Network.TypicalLength)]);

    /// <summary>The networks and their words, and the intervals and what is odd if there are any.</summary>
    public static IReadOnlyList<(string, ISaveState)> Parts(IEnumerable<(Vocabulary Words, EssayScorer Network)> folds, GradeIntervals? intervals, EssayOddities? oddities)
        => [.. intervals is null ? [] : ((string, ISaveState)[])[(IntervalsPart, intervals)], .. oddities is null ? [] : ((string, ISaveState)[])[(OdditiesPart, oddities)], .. folds.SelectMany((fold, f) => ((string, ISaveState)[])[($"words-{f + 1}", fold.Words), ($"network-{f + 1}", fold.Network)])];

    public IEnumerable<string[]> Predict(string path, PredictOptions options)
    {
        List<(string Id, string Text)> essays = [.. Read(path)];
        List<string>[] words = [.. essays.Select(e => EssayWords.Split(e.Text))];
        double[] mean = new double[essays.Count], unknown = new double[essays.Count];
        foreach (var (vocabulary, network) in _folds)
        {
            int[][] tokens = [.. words.Select(w => vocabulary.Encode(w))];
            float[] scores = network.Predict(tokens);
            for (int i = 0; i < mean.Length; i++) { (mean[i], unknown[i]) = (mean[i] + (scores[i] / _folds.Length), unknown[i] + (Unknown(vocabulary, tokens[i]) / _folds.Length)); }
        }
        string[] none = options.Explain ? ["", ""] : [];
        yield return ["essay_id", "score", "exact", "low", "high", "review", "why", .. options.Explain ? (string[])["words", "delta"] : []];
        for (int i = 0; i < mean.Length; i++)
        {
            if (words[i].Count == 0) // of no word the networks tell the mean score
            {
                yield return [essays[i].Id, "", "", "", "", "yes", "no word", .. none];
                continue;
            }
            double exact = _min + (mean[i] * (_max - _min));
            int score = WeightedKappa.Round(exact, _min, _max);
            string[] within = ["", ""], why = _oddities?.Of(words[i]) ?? [];
            if (_intervals?.Of(new(exact, words[i].Count, unknown[i])) is { } interval)
            {
                within = [Text(interval.Low), Text(interval.High)];
                if (_intervals.NeedsReview(interval, score)) { why = [Wide, .. why]; }
            }
            yield return [essays[i].Id, score.ToString(CultureInfo.InvariantCulture), Text(exact), .. within, why.Length > 0 ? "yes" : _intervals is null && _oddities is null ? "" : "no", string.Join(", ", why), .. options.Explain ? Explain(words[i]) : []];
        }
    }

    /// <summary>The share of an essay's words that a network does not know.</summary>
    public static double Unknown(Vocabulary words, int[] essay) => essay.Length == 0 ? 0 : essay.Count(t => t == words[Vocabulary.Unknown]) / (double)essay.Length;

    /// <summary>The words that gave and took most, in points of the scale, each with all its places together; and by how much all words miss the score's difference to an essay that says nothing.</summary>
    private string[] Explain(List<string> words)
    {
        Dictionary<string, double> points = new(StringComparer.Ordinal);
        double delta = 0;
        foreach (var (vocabulary, network) in _folds)
        {
            var (parts, off) = network.Explain(vocabulary.Encode(words));
            double unit = (_max - _min) / (double)_folds.Length;
            delta += off * unit;
            for (int i = 0; i < parts.Length; i++) { points[words[i]] = points.GetValueOrDefault(words[i]) + (parts[i] * unit); }
        }
        return [string.Join(' ', points.OrderByDescending(p => Math.Abs(p.Value)).ThenBy(p => p.Key, StringComparer.Ordinal).Take(ShownWords).Select(p => $"{p.Key} {Points(p.Value)}")), Text(delta)];
    }

    /// <summary>Points with their sign; what is rounded to zero has none.</summary>
    public static string Points(double value) => Math.Abs(value) < 0.005 ? "0.00" : value.ToString("+0.00;-0.00", CultureInfo.InvariantCulture);

    private static string Text(double value) => (Math.Abs(value) < 0.0005 ? 0 : value).ToString("0.000", CultureInfo.InvariantCulture);

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
