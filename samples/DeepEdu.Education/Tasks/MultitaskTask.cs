using System.Diagnostics;
using DeepEdu.Education.Baselines;
using DeepEdu.Education.Cli;
using DeepEdu.Education.Data;
using DeepEdu.Education.Data.Simulated;
using DeepEdu.Education.Report;
using DeepEdu.Education.Ui;
using DeepEdu.Metrics;
using DeepEdu.Numerics;

namespace DeepEdu.Education.Tasks;

/// <summary>Learns several outcomes of a learner, each alone and together, by cross-validation.</summary>
internal sealed class MultitaskTask : IEducationTask
{
    private const int FoldCount = 10;

    public string Name => "multitask";

    public IReadOnlyList<RunResult> Run(RunOptions options, IProgress progress, CancellationToken stop)
    {
        Stopwatch clock = Stopwatch.StartNew();
        LearnerTable table = options.Data is null ? SimulatedLearners.Create(options.Seed, options.Quick ? 500 : 2000) : StudentReader.Read(options.Data);
        progress.Line($"{table.Name}: {table.Rows} learners, {table.FeatureNames.Length} features, targets {string.Join(", ", table.Targets.Keys)}");
        List<Score> model = [], naive = [];
        foreach (var (score, target, known) in Settings(table))
        {
            RegressionError ridge = new(), before = new();
            for (int fold = 0; fold < FoldCount && !stop.IsCancellationRequested; fold++)
            {
                Evaluate(table, target, known, options.Seed, fold, ridge, before);
                progress.Step(score, fold + 1, FoldCount);
            }
            model.Add(new(score, ridge.Rmse));
            naive.Add(new(score, before.Rmse));
        }
        return [new(Name, "ridge, one a target", table.Name)
        {
            Metrics = model,
            Baselines = [("naive", naive)],
            Seconds = clock.Elapsed.TotalSeconds,
            Seed = options.Seed,
            Protocol = $"{FoldCount}-fold cross-validation. Grades: rmse_g3 knows no earlier grade, rmse_g3_b the first, rmse_g3_a both; naive is the last known grade, or the mean.",
        }];
    }

    /// <summary>Score name, target, and the other targets that may be used as features. For the grades these are the settings C, B and A of Cortez and Silva 2008.</summary>
    internal static (string Score, string Target, string[] Known)[] Settings(LearnerTable table) => table.Targets.ContainsKey("G3")
        ? [("rmse_g3", "G3", []), ("rmse_g3_b", "G3", ["G1"]), ("rmse_g3_a", "G3", ["G1", "G2"]), ("rmse_g2", "G2", []), ("rmse_g1", "G1", [])]
        : [.. table.Targets.Keys.Select(t => ("rmse_" + t, t, Array.Empty<string>()))];

    private static void Evaluate(LearnerTable table, string target, string[] known, ulong seed, int fold, RegressionError ridge, RegressionError naive)
    {
        int[] order = new Rng(seed).Permutation(table.Rows);
        float[] y = table.Targets[target];
        float[] Row(int r) => [.. table[r], .. known.Select(k => table.Targets[k][r])];
        int[] train = [.. order.Where((_, place) => place % FoldCount != fold)], test = [.. order.Where((_, place) => place % FoldCount == fold)];
        Ridge model = new([.. train.Select(Row)], [.. train.Select(r => y[r])], 10);
        float mean = train.Average(r => y[r]);
        foreach (int r in test)
        {
            ridge.Add(model.Predict(Row(r)), y[r]);
            naive.Add(known.Length > 0 ? table.Targets[known[^1]][r] : mean, y[r]);
        }
    }
}
