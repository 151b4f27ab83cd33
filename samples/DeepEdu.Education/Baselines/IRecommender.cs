using DeepEdu.Education.Data;
using DeepEdu.Education.Models;
using DeepEdu.Education.Report;
using DeepEdu.Education.Ui;
using DeepEdu.Metrics;
using DeepEdu.Nn;

namespace DeepEdu.Education.Baselines;

/// <summary>Learns from <see cref="Interactions.Train"/> and scores items for a user; higher is better, the scale is its own.</summary>
internal interface IRecommender
{
    string Name { get; }

    /// <summary>Learns; returns early, with what it has, once <paramref name="stop"/> is asked for.</summary>
    void Fit(Interactions data, IProgress progress, CancellationToken stop);

    void Score(int user, ReadOnlySpan<int> items, Span<float> scores);
}

/// <summary>A recommender that is a network, and what there is to tell of its training.</summary>
internal interface INetworkRecommender : IRecommender
{
    Module Network { get; }

    Learned Learned { get; }

    Chart[] Charts { get; }

    /// <summary>For the report: how it learned, and how its epoch was chosen.</summary>
    string Told { get; }
}

/// <summary>The protocol of He et al. 2017: rank the held-out item among its candidates.</summary>
internal static class Ranking
{
    public static LeaveOneOutRanking Evaluate(IRecommender model, Interactions data, Ties ties = Ties.Against, Action<int, int>? ranks = null)
    {
        LeaveOneOutRanking ranking = new(10, ties);
        float[] item = new float[1];
        for (int user = 0; user < data.Users; user++)
        {
            if (data.Test[user] < 0) { continue; }
            float[] others = new float[data.Negatives[user].Length];
            model.Score(user, [data.Test[user]], item);
            model.Score(user, data.Negatives[user], others);
            ranking.Add(item[0], others);
            ranks?.Invoke(user, LeaveOneOutRanking.Rank(item[0], others));
        }
        return ranking;
    }

    /// <summary>The same among all items that the user did not take in training.</summary>
    /// <param name="model">Scores.</param>
    /// <param name="data">The held-out items.</param>
    /// <param name="ties">Where an item stands among others of its score.</param>
    /// <param name="ranks">Gets each user that has a held-out item, and its rank from 0.</param>
    public static LeaveOneOutRanking EvaluateAll(IRecommender model, Interactions data, Ties ties = Ties.Against, Action<int, int>? ranks = null)
    {
        LeaveOneOutRanking ranking = new(10, ties);
        int[] items = [.. Enumerable.Range(0, data.Items)];
        float[] scores = new float[data.Items], others = new float[data.Items];
        for (int user = 0; user < data.Users; user++)
        {
            if (data.Test[user] < 0) { continue; }
            model.Score(user, items, scores);
            HashSet<int> taken = [data.Test[user], .. data.Train[user]];
            int count = 0;
            foreach (int item in items)
            {
                if (!taken.Contains(item)) { others[count++] = scores[item]; }
            }
            ranking.Add(scores[data.Test[user]], others.AsSpan(0, count));
            ranks?.Invoke(user, LeaveOneOutRanking.Rank(scores[data.Test[user]], others.AsSpan(0, count)));
        }
        return ranking;
    }
}

/// <summary>Ranks by how many users took the item. Counts tie often, so evaluate with <see cref="Ties.Expected"/>.</summary>
internal sealed class Popularity : IRecommender
{
    private float[] _counts = [];

    public string Name => "popularity";

    public void Fit(Interactions data, IProgress progress, CancellationToken stop)
    {
        _counts = new float[data.Items];
        foreach (int[] items in data.Train)
        {
            foreach (int item in items) { _counts[item]++; }
        }
    }

    public void Score(int user, ReadOnlySpan<int> items, Span<float> scores)
    {
        for (int i = 0; i < items.Length; i++) { scores[i] = _counts[items[i]]; }
    }
}
