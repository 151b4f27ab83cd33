using DeepEdu.Education.Baselines;
using DeepEdu.Education.Data;
using DeepEdu.Education.Report;
using DeepEdu.Education.Ui;
using DeepEdu.Metrics;
using DeepEdu.Numerics;

namespace DeepEdu.Education.Tasks;

/// <summary>The canary of recommendation: every user's held-out item changes places with one drawn from it and its candidates, of which nothing can be told. Where the user took the held-out item before, that changes with it, for both are one.</summary>
internal static class RecommendCanary
{
    /// <summary>Learns and ranks such items; null if it was stopped.</summary>
    /// <param name="task">The command.</param>
    /// <param name="data">The true items.</param>
    /// <param name="learn">Learns from others.</param>
    /// <param name="seed">Of the run.</param>
    /// <param name="progress">Shows what was found.</param>
    /// <param name="stop">Whether learning was stopped.</param>
    public static CanaryFound? Run(string task, Interactions data, Func<Interactions, IRecommender> learn, ulong seed, IProgress progress, CancellationToken stop)
    {
        Interactions drawn = Drawn(data, Canary.Draws(seed));
        IRecommender model = learn(drawn);
        if (stop.IsCancellationRequested) { return null; }
        // of each user the scores of the held-out item and of the others
        float[][] told = [.. Enumerable.Range(0, data.Users).Where(u => drawn.Test[u] >= 0).Select(u =>
        {
            float[] scores = new float[1 + drawn.Negatives[u].Length];
            model.Score(u, [drawn.Test[u], .. drawn.Negatives[u]], scores);
            return scores;
        })];
        int repeats = Enumerable.Range(0, data.Users).Count(u => data.Test[u] >= 0 && data.Train[u].Contains(data.Test[u]));
        return Canary.Tell(new(task, data.Name, "Each user's held-out item changes places with one drawn from it and its candidates, and so does that item where the user took it before. "
            + "It finds held-out items that reach the model before it ranks them, by whatever way, and such as were taken before; it does not find columns that were filled in afterwards.", Canary.Beside(Scores(told, _ => 0), rng => Scores(told, rng.Next), seed))
        {
            Suspicion = repeats == 0 ? "" : $"{repeats} users took their held-out item before, so that it is in the training part too. Where learners may take an item again this is no error, but it flatters every number: hold out items that were not taken before.",
        }, progress);
    }

    internal static Interactions Drawn(Interactions data, Rng rng)
    {
        int[] test = [.. data.Test];
        int[][] train = [.. data.Train], negatives = [.. data.Negatives];
        int[][]? past = data.Past is { } p ? [.. p] : null;
        for (int u = 0; u < data.Users; u++)
        {
            int at = test[u] < 0 ? 0 : rng.Split((ulong)u).Next(1 + negatives[u].Length) - 1;
            if (test[u] < 0 || at < 0) { continue; }
            int old = test[u], now = negatives[u][at];
            test[u] = now;
            negatives[u] = [.. negatives[u][..at], old, .. negatives[u][(at + 1)..]];
            train[u] = [.. train[u].Select(Changed).Distinct()];
            if (past is not null) { past[u] = Array.ConvertAll(past[u], Changed); }

            int Changed(int item) => item == old ? now : item;
        }
        return data with { Train = train, Test = test, Negatives = negatives, Past = past };
    }

    // one of each user's scores is the held-out item's
    private static Score[] Scores(float[][] told, Func<int, int> which)
    {
        LeaveOneOutRanking ranking = new();
        foreach (float[] scores in told)
        {
            int held = which(scores.Length);
            ranking.Add(scores[held], [.. scores[..held], .. scores[(held + 1)..]]);
        }
        return [new("hr@10", ranking.HitRate), new("ndcg@10", ranking.Ndcg)];
    }
}
