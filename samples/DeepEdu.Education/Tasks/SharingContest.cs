using DeepEdu.Education.Baselines;
using DeepEdu.Education.Models;
using DeepEdu.Education.Report;
using DeepEdu.Education.Saved;
using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Education.Tasks;

/// <summary>The same tasks predicted by one network that shares its trunk, by one network a task of equal build and budget, by ridge regression on the same columns, and naively.</summary>
/// <param name="heads">The tasks; the first is the main one.</param>
/// <param name="kept">Where each fold's networks are kept; nowhere if null.</param>
/// <param name="suffix">Ends the names of the metrics.</param>
internal sealed class SharingContest(Head[] heads, RunFolder? kept = null, string suffix = "")
{
    private readonly HeadScore[] _shared = Scores(heads), _alone = Scores(heads), _ridge = Scores(heads), _naive = Scores(heads);

    private readonly List<(int[] Test, float[][] Shared)> _told = [];

    /// <summary>The tasks.</summary>
    public Head[] Heads => heads;

    /// <summary>Ends the names of the metrics.</summary>
    public string Suffix => suffix;

    /// <summary>The shared networks of the folds that are done.</summary>
    public List<Committee> Committees { get; } = [];

    /// <summary>What the shared networks predict.</summary>
    public Outcome[] Outcomes => Array.ConvertAll(heads, h => new Outcome(h.Name, h.Kind, h.Outputs));

    /// <summary>Whether any test row has been predicted.</summary>
    public bool HasResults => Committees.Count > 0;

    /// <summary>What the shared networks told: fold, row, and of each head its values.</summary>
    public IEnumerable<(int Fold, int Row, float[][] Shared)> Told => _told.SelectMany((t, fold) => t.Test.Select((row, i) => (fold, row, t.Shared.Select((values, h) => values[(i * heads[h].Outputs)..((i + 1) * heads[h].Outputs)]).ToArray())));

    /// <summary>Losses of every head over the epochs of the first fold.</summary>
    public Chart[] Charts { get; private set; } = [];

    /// <summary>Learns from the training rows and scores the test rows; does nothing when stopped meanwhile.</summary>
    /// <param name="features">All rows, scaled.</param>
    /// <param name="row">The shape of a row.</param>
    /// <param name="train">Rows to learn from, in random order.</param>
    /// <param name="test">Rows to predict.</param>
    /// <param name="plan">Build and budget of every network.</param>
    /// <param name="rng">For networks and batches.</param>
    /// <param name="stop">Looked at before each training step.</param>
    public void Fold(float[] features, Shape row, int[] train, int[] test, TrainPlan plan, Rng rng, CancellationToken stop)
    {
        Tensor x = Tensor.Of(row.Insert(0, features.Length / row.Size), features, plan.Device);
        MultiTaskModel together = new(x, heads, train, plan, rng);
        MultiTaskModel[] single = Array.ConvertAll(heads, h => new MultiTaskModel(x, [h with { Weight = 1 }], train, plan, rng));
        string name = $"fold-{Committees.Count + 1}{suffix}";
        if (kept?.Restore(name, [together, .. single]) is not true)
        {
            if (!together.Fit(stop) || !Array.TrueForAll(single, s => s.Fit(stop))) { return; }
            kept?.Keep(name, [together, .. single]);
        }
        float[][] shared = together.Predict(test);
        _told.Add((test, shared));
        float[][] rows = [.. Enumerable.Range(0, features.Length / row.Size).Select(r => features[(r * row.Size)..((r + 1) * row.Size)])];
        for (int h = 0; h < heads.Length; h++)
        {
            Add(_shared[h], test, shared[h]);
            Add(_alone[h], test, single[h].Predict(test)[0]);
            Add(_ridge[h], test, Ridge(heads[h], rows, train, test));
            Add(_naive[h], test, Naive(heads[h], train, test));
        }
        if (!HasResults)
        {
            Charts = [.. heads.Select((head, h) => new Chart($"{head.Name}{suffix}: loss",
            [
                new("shared, training", together.Training[h]), new("shared, validation", together.Validation[h]),
                new("alone, training", single[h].Training[0]), new("alone, validation", single[h].Validation[0]),
            ]))];
        }
        Committees.Add(together.Committee);
    }

    public IReadOnlyList<Score> Shared => Metrics(_shared);

    public IReadOnlyList<Score> Alone => Metrics(_alone);

    public IReadOnlyList<Score> Ridged => Metrics(_ridge);

    public IReadOnlyList<Score> Guessed => Metrics(_naive);

    /// <summary>What the shared networks' predictions are worth when the answers of the test rows are shuffled.</summary>
    /// <param name="cases">Of each row of the data; rows of one case take the same answers.</param>
    /// <param name="rng">Draws.</param>
    public IReadOnlyList<Score> Reshuffled(int[] cases, Rng rng)
    {
        int[] tested = [.. _told.SelectMany(t => t.Test)], again = Canary.Shuffle(Array.ConvertAll(tested, r => cases[r]), rng);
        int[] from = [.. Enumerable.Range(0, cases.Length)];
        for (int i = 0; i < again.Length; i++) { from[tested[i]] = tested[again[i]]; }
        HeadScore[] scores = Scores(Shuffled(heads, from));
        foreach (var (test, shared) in _told)
        {
            for (int h = 0; h < heads.Length; h++) { Add(scores[h], test, shared[h]); }
        }
        return Metrics(scores);
    }

    /// <summary>Heads of which each row takes the answers of another; what is known of a row stays.</summary>
    public static Head[] Shuffled(Head[] heads, int[] from) => Array.ConvertAll(heads, h => h with { Targets = Array.ConvertAll(from, row => h.Targets[row]) });

    /// <summary>Relative gains over the single-task networks, head by head.</summary>
    public IReadOnlyList<Score> SharedGains => Gains(_shared);

    public IReadOnlyList<Score> RidgeGains => Gains(_ridge);

    public IReadOnlyList<Score> NaiveGains => Gains(_naive);

    private Score[] Metrics(HeadScore[] scores) => Array.ConvertAll(scores, s => s.Metric with { Name = s.Metric.Name + suffix });

    private Score[] Gains(HeadScore[] scores) => [.. scores.Select((s, h) => new Score($"gain_{heads[h].Name}{suffix}", s.GainOver(_alone[h])))];

    private static HeadScore[] Scores(Head[] heads) => Array.ConvertAll(heads, h => new HeadScore(h));

    private static void Add(HeadScore score, int[] test, float[] predicted)
    {
        score.BeginFold();
        int outputs = predicted.Length / test.Length;
        for (int i = 0; i < test.Length; i++) { score.Add(test[i], predicted.AsSpan(i * outputs, outputs)); }
    }

    /// <summary>One regression an output: of the difference to what is known, of 0 and 1, or of each class against the rest.</summary>
    private static float[] Ridge(Head head, float[][] rows, int[] train, int[] test)
    {
        float[] predicted = new float[test.Length * head.Outputs];
        float[][] known = Array.ConvertAll(train, r => rows[r]);
        for (int k = 0; k < head.Outputs; k++)
        {
            Ridge ridge = new(known, Array.ConvertAll(train, r => head.Kind switch
            {
                HeadKind.Value => head.Targets[r] - (head.Known?[r] ?? 0),
                HeadKind.YesNo => head.Targets[r],
                _ => head.Targets[r] == k ? 1 : 0,
            }), 10);
            for (int i = 0; i < test.Length; i++)
            {
                predicted[i * head.Outputs + k] = ridge.Predict(rows[test[i]]) + (head.Kind == HeadKind.Value ? head.Known?[test[i]] ?? 0 : 0);
            }
        }
        return predicted;
    }

    /// <summary>What is known, or the mean; for yes and no the share of training rows of which the same is known; for classes their shares.</summary>
    private static float[] Naive(Head head, int[] train, int[] test)
    {
        if (head.Kind == HeadKind.Class)
        {
            float[] shares = new float[head.Outputs];
            foreach (int r in train) { shares[(int)head.Targets[r]] += 1f / train.Length; }
            return [.. test.SelectMany(_ => shares)];
        }
        float mean = train.Average(r => head.Targets[r]);
        if (head.Known is not { } known) { return Array.ConvertAll(test, _ => mean); }
        if (head.Kind == HeadKind.Value) { return Array.ConvertAll(test, r => known[r]); }
        return Array.ConvertAll(test, r => train.Where(t => known[t] == known[r]).Select(t => head.Targets[t]).DefaultIfEmpty(mean).Average());
    }
}
