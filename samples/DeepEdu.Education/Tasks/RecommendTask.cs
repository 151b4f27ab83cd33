using System.Diagnostics;
using DeepEdu.Education.Baselines;
using DeepEdu.Education.Cli;
using DeepEdu.Education.Data;
using DeepEdu.Education.Data.Simulated;
using DeepEdu.Education.Models;
using DeepEdu.Education.Report;
using DeepEdu.Education.Saved;
using DeepEdu.Education.Search;
using DeepEdu.Education.Ui;
using DeepEdu.Metrics;

namespace DeepEdu.Education.Tasks;

/// <summary>Recommends learning items from what learners took before, measured leave-one-out (He et al. 2017, arXiv:1708.05031): by who took what, or by what came after what.</summary>
internal sealed class RecommendTask : IEducationTask
{
    private static readonly float[] s_lambdas = [0.002f, 0.005f, 0.02f, 0.05f], s_shares = [1, 10, 100, 1000];

    public string Name => "recommend";

    public string NotPrivate => "what it learns of a learner is a row of numbers of that learner alone, which noise that hides the learner hides altogether; networks of sequences, which learn no such row, are not trained privately either.";

    public IReadOnlyList<RunResult> Run(RunOptions options, IProgress progress, CancellationToken stop)
    {
        Stopwatch clock = Stopwatch.StartNew();
        RecommendKind kind = RecommendKind.Of(options.Recommender);
        Interactions data = Read(options, kind, progress);
        RunFolder kept = RunFolder.Open(options, Name, Print(data));
        List<(string, IReadOnlyList<Score>)> baselines = [.. Baselines(data, options, progress, stop).Select(b => (b.Model.Name, (IReadOnlyList<Score>)Scores(b.Model, data, b.Ties)))];
        INetworkRecommender model = Make(kind, options, kept.Training("network"));
        model.Fit(data, progress, stop);
        List<(int User, int Rank)> listed = [], all = [];
        RunResult result = new(Name, model.Name, data.Name)
        {
            Metrics = Scores(model, data, ranks: (listed, all)),
            Predictions = new(["user", "item", "candidates", "rank", "rank_all"], listed.Zip(all, (one, other) => (string[])[data.UserNames?[one.User] ?? Predictions.Number(one.User), data.ItemNames?[data.Test[one.User]] ?? Predictions.Number(data.Test[one.User]),
                Predictions.Number(1 + data.Negatives[one.User].Length), Predictions.Number(one.Rank + 1), Predictions.Number(other.Rank + 1)])),
            Baselines = baselines,
            Epochs = model.Learned.EpochsRun,
            Seed = options.Seed,
            Charts = model.Charts,
            Protocol = "One held-out item a user, ranked among its listed candidates; hr@10_all, ndcg@10_all and mrr_all: among all items that the user did not take in training. A tie counts against the model, for popularity its expected value. "
                + $"Candidates listed twice count once, as in the authors' evaluation. {model.Told}",
        };
        if (options.Canary && !stop.IsCancellationRequested) { result = result with { Canary = RecommendCanary.Run(Name, data, d => Learned(d, kind, options, kept, progress, stop), options.Seed, progress, stop) }; }
        result = result with { Seconds = clock.Elapsed.TotalSeconds };
        var (predictor, sizes) = kind.Make is null ? (ItemPredictor.Kind, ItemPredictor.Sizes(data, options.Factors)) : (ItemPredictor.NextKind, ItemPredictor.Sizes(data, kind, Width(options), Loss(options)));
        kept.SaveModel(predictor, sizes, result, stop, ("network", model.Network), ("data", ItemPredictor.Known(data)));
        return [result];
    }

    public IReadOnlyList<string> Tunes(RunOptions options) => ["lr", "batch", "factors", .. RecommendKind.Of(options.Recommender).Make is null ? (string[])["weight-decay"] : ["dropout", "loss"]];

    public IReadOnlyList<(string Task, string[] Metrics)> Measures(RunOptions options) => [(Name, ["hr@10", "ndcg@10", "mrr", "hr@10_all", "ndcg@10_all", "mrr_all"])];

    public Trials Trials(RunOptions options, IProgress progress)
    {
        RecommendKind kind = RecommendKind.Of(options.Recommender);
        Interactions data = Read(options, kind, progress);
        return new(data.Name, Print(data), "ndcg@10", true, Epochs(kind, options), (its, kept, show, stop) =>
        {
            INetworkRecommender model = Make(kind, its, kept.Training("network"));
            model.Fit(data, show, stop);
            return model.Learned.Tried;
        });
    }

    private static Interactions Read(RunOptions options, RecommendKind kind, IProgress progress)
    {
        if (options.Loss is not null && kind.Make is null) { throw new DataException($"--loss is for --network {string.Join(" and ", RecommendKind.All.Where(k => k.Make is not null).Select(k => k.Name))}; leave it out with --network {kind.Name}."); }
        Interactions data = Read(options, kind);
        if (kind.Make is not null) { data = data.InOrder(); }
        progress.Line($"{data.Name}: {data.Users} users, {data.Items} items, {data.TrainCount} training interactions");
        foreach (string note in data.Notes) { progress.Line(note); }
        return data;
    }

    private static string Print(Interactions data) => Fingerprint.Of([.. data.Train, data.Test, .. data.Negatives, .. data.Past ?? []]);

    private static int Epochs(RecommendKind kind, RunOptions options) => options.Epochs ?? (options.Quick ? 2 : kind.Make is null ? 30 : 100);

    private static Interactions Read(RunOptions options, RecommendKind kind) => options.Data is not { } folder
        ? kind.Make is null ? SimulatedRecommender.Create(options.Seed, options.Quick ? 200 : 600).Data : SimulatedCourses.Create(options.Seed, options.Quick ? 200 : 600).Data
        : TextSource.TryFind(folder, "*.inter") is not null ? AtomicReader.Read(folder, options.Seed)
        : TextSource.TryFind(folder, "*.train.rating") is not null ? NcfReader.Read(folder)
        : throw new DataException($"{folder}: neither *.inter nor *.train.rating in this folder.");

    private static INetworkRecommender Make(RecommendKind kind, RunOptions options, KeptTraining kept, string phase = "") => kind.Make is null
        ? new NeuralRecommender(new(options.Factors, Epochs(kind, options), options.Batch ?? 256, options.Seed)
        {
            Device = options.Device,
            Kept = kept,
            Until = options.Until,
            Phase = phase,
            LearningRate = options.LearningRate ?? NeuralRecommenderOptions.Rate,
            WeightDecay = options.WeightDecay ?? NeuralRecommenderOptions.Decay,
        })
        : new SequenceRecommender(new(kind, Epochs(kind, options), options.Batch ?? 32, Width(options), options.Seed)
        {
            Device = options.Device,
            Kept = kept,
            Until = options.Until,
            Phase = phase,
            Loss = Loss(options),
            LearningRate = options.LearningRate ?? kind.LearningRate,
            Drop = (float)(options.Dropout ?? SequenceOptions.Usual),
        });

    private static INetworkRecommender Learned(Interactions data, RecommendKind kind, RunOptions options, RunFolder kept, IProgress progress, CancellationToken stop)
    {
        INetworkRecommender model = Make(kind, options, kept.Training("canary"), "canary, ");
        model.Fit(data, progress, stop);
        return model;
    }

    private static int Width(RunOptions options) => 8 * options.Factors;

    private static string Loss(RunOptions options) => options.Loss ?? NextItemNet.Softmax;

    /// <summary>Popularity, factorisation and, where the order is looked at, what comes after what; beside simulated courses, whose order is all, also the network that does not see it.</summary>
    private static IEnumerable<(IRecommender Model, Ties Ties)> Baselines(Interactions data, RunOptions options, IProgress progress, CancellationToken stop)
    {
        Popularity popularity = new();
        popularity.Fit(data, progress, stop);
        yield return (popularity, Ties.Expected);
        Interactions validation = ValidationSplit.HoldOut(data, ValidationSplit.Others(data), options.Seed);
        yield return (Best(s_lambdas, lambda => new ImplicitAls(4 * options.Factors, options.Seed, lambda: lambda, sweeps: options.Quick ? 3 : 12), "regularisation", data, validation, m => Ranking.Evaluate(m, validation).Ndcg, progress, stop), Ties.Against);
        if (data.Past is null) { yield break; }
        Interactions before = data.LastHeldOut();
        yield return (Best(s_shares, share => new MarkovChain(share), "weight of popularity", data, before, m => Ranking.EvaluateAll(m, before).Ndcg, progress, stop), Ties.Against);
        if (options.Data is null)
        {
            INetworkRecommender unordered = Make(RecommendKind.Of(RecommendKind.Usual), options with { LearningRate = null }, KeptTraining.None, "NeuMF, ");
            unordered.Fit(data, progress, stop);
            yield return (unordered, Ties.Against);
        }
    }

    /// <summary>A baseline at its best: its setting is chosen as the network's epoch is, on one held-out training interaction a user.</summary>
    private static IRecommender Best(float[] settings, Func<float, IRecommender> make, string what, Interactions data, Interactions validation, Func<IRecommender, double> quality, IProgress progress, CancellationToken stop)
    {
        float chosen = settings.MaxBy(setting =>
        {
            IRecommender candidate = make(setting);
            candidate.Fit(validation, progress, stop);
            return quality(candidate);
        });
        IRecommender model = make(chosen);
        model.Fit(data, progress, stop);
        progress.Line($"{model.Name}: {what} {chosen} of {string.Join(", ", settings)}");
        return model;
    }

    private static Score[] Scores(IRecommender model, Interactions data, Ties ties = Ties.Against, (List<(int, int)> Listed, List<(int, int)> All)? ranks = null)
    {
        LeaveOneOutRanking listed = Ranking.Evaluate(model, data, ties, (user, rank) => ranks?.Listed.Add((user, rank))), all = Ranking.EvaluateAll(model, data, ties, (user, rank) => ranks?.All.Add((user, rank)));
        return [new("hr@10", listed.HitRate), new("ndcg@10", listed.Ndcg), new("mrr", listed.Mrr), new("hr@10_all", all.HitRate), new("ndcg@10_all", all.Ndcg), new("mrr_all", all.Mrr)];
    }
}
