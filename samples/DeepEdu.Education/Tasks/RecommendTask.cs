using System.Diagnostics;
using DeepEdu.Education.Baselines;
using DeepEdu.Education.Cli;
using DeepEdu.Education.Data;
using DeepEdu.Education.Data.Simulated;
using DeepEdu.Education.Models;
using DeepEdu.Education.Report;
using DeepEdu.Education.Saved;
using DeepEdu.Education.Ui;
using DeepEdu.Metrics;

namespace DeepEdu.Education.Tasks;

/// <summary>Recommends learning items from what learners took before, measured leave-one-out (He et al. 2017, arXiv:1708.05031).</summary>
internal sealed class RecommendTask : IEducationTask
{
    private static readonly float[] s_lambdas = [0.002f, 0.005f, 0.02f, 0.05f];

    public string Name => "recommend";

    public string NotPrivate => "what it learns of a learner is a row of numbers of that learner alone, which noise that hides the learner hides altogether.";

    public IReadOnlyList<RunResult> Run(RunOptions options, IProgress progress, CancellationToken stop)
    {
        Stopwatch clock = Stopwatch.StartNew();
        Interactions data = options.Data is null ? SimulatedRecommender.Create(options.Seed, options.Quick ? 200 : 600).Data
            : TextSource.TryFind(options.Data, "*.inter") is not null ? AtomicReader.Read(options.Data, options.Seed)
            : TextSource.TryFind(options.Data, "*.train.rating") is not null ? NcfReader.Read(options.Data)
            : throw new DataException($"{options.Data}: neither *.inter nor *.train.rating in this folder.");
        progress.Line($"{data.Name}: {data.Users} users, {data.Items} items, {data.TrainCount} training interactions");
        RunFolder kept = RunFolder.Open(options, Name, Fingerprint.Of([.. data.Train, data.Test, .. data.Negatives]));
        Popularity popularity = new();
        popularity.Fit(data, progress, stop);
        ImplicitAls factors = Factorisation(data, options, progress, stop);
        NeuralRecommender model = new(new(options.Factors, options.Epochs ?? (options.Quick ? 2 : 30), options.Batch ?? 256, options.Seed) { Device = options.Device, Kept = kept.Training("network") });
        model.Fit(data, progress, stop);
        RunResult result = new(Name, model.Name, data.Name)
        {
            Metrics = Scores(Ranking.Evaluate(model, data)),
            Baselines = [(popularity.Name, Scores(Ranking.Evaluate(popularity, data, Ties.Expected))), (factors.Name, Scores(Ranking.Evaluate(factors, data)))],
            Epochs = model.Learned.EpochsRun,
            Seconds = clock.Elapsed.TotalSeconds,
            Seed = options.Seed,
            Charts = model.Charts,
            Protocol = $"One held-out item a user, ranked among its listed candidates; a tie counts against the model, for popularity its expected value. "
                + $"Epoch {model.Learned.BestEpoch + 1} of {model.Learned.EpochsRun}, chosen by ndcg@10 of one held-out training interaction a user. "
                + "Candidates listed twice count once, as in the authors' evaluation. AdamW with weight decay 0.01; a running mean of the weights over two epochs ranks.",
        };
        kept.SaveModel(ItemPredictor.Kind, ItemPredictor.Sizes(data, options.Factors), result, stop, ("network", model.Network), ("data", ItemPredictor.Known(data)));
        return [result];
    }

    /// <summary>The baseline at its best: the regularisation is chosen as the network's epoch is, on one held-out training interaction a user.</summary>
    private static ImplicitAls Factorisation(Interactions data, RunOptions options, IProgress progress, CancellationToken stop)
    {
        ImplicitAls Make(float lambda) => new(4 * options.Factors, options.Seed, lambda: lambda, sweeps: options.Quick ? 3 : 12);
        Interactions validation = ValidationSplit.HoldOut(data, ValidationSplit.Others(data), options.Seed);
        float chosen = s_lambdas.MaxBy(lambda =>
        {
            ImplicitAls candidate = Make(lambda);
            candidate.Fit(validation, progress, stop);
            return Ranking.Evaluate(candidate, validation).Ndcg;
        });
        ImplicitAls model = Make(chosen);
        model.Fit(data, progress, stop);
        progress.Line($"{model.Name}: regularisation {chosen} of {string.Join(", ", s_lambdas)}");
        return model;
    }

    private static Score[] Scores(LeaveOneOutRanking ranking) => [new("hr@10", ranking.HitRate), new("ndcg@10", ranking.Ndcg), new("mrr", ranking.Mrr)];
}
