using System.Diagnostics;
using DeepEdu.Education.Baselines;
using DeepEdu.Education.Cli;
using DeepEdu.Education.Data;
using DeepEdu.Education.Data.Simulated;
using DeepEdu.Education.Report;
using DeepEdu.Education.Ui;
using DeepEdu.Metrics;

namespace DeepEdu.Education.Tasks;

/// <summary>Recommends learning items from what learners took before, measured leave-one-out (He et al. 2017, arXiv:1708.05031).</summary>
internal sealed class RecommendTask : IEducationTask
{
    public string Name => "recommend";

    public IReadOnlyList<RunResult> Run(RunOptions options, IProgress progress, CancellationToken stop)
    {
        Stopwatch clock = Stopwatch.StartNew();
        Interactions data = options.Data is null ? SimulatedRecommender.Create(options.Seed, options.Quick ? 200 : 600).Data : NcfReader.Read(options.Data);
        progress.Line($"{data.Name}: {data.Users} users, {data.Items} items, {data.TrainCount} training interactions");
        Popularity popularity = new();
        popularity.Fit(data, progress, stop);
        int sweeps = options.Epochs ?? (options.Quick ? 3 : 12);
        ImplicitAls model = new(4 * options.Factors, options.Seed, sweeps: sweeps);
        model.Fit(data, progress, stop);
        return [new(Name, model.Name, data.Name)
        {
            Metrics = Scores(Ranking.Evaluate(model, data)),
            Baselines = [(popularity.Name, Scores(Ranking.Evaluate(popularity, data, Ties.Expected)))],
            Epochs = sweeps,
            Seconds = clock.Elapsed.TotalSeconds,
            Seed = options.Seed,
            Protocol = "One held-out item a user, ranked among its 99 listed candidates; a tie counts against the model, for popularity its expected value.",
        }];
    }

    private static Score[] Scores(LeaveOneOutRanking ranking) => [new("hr@10", ranking.HitRate), new("ndcg@10", ranking.Ndcg), new("mrr", ranking.Mrr)];
}
