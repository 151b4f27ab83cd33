using DeepEdu.Education.Data;
using DeepEdu.Education.Ui;

namespace DeepEdu.Education.Baselines;

/// <summary>Ranks by how often an item came right after the last one of a user's past, over all users, and by <paramref name="popular"/> times its share of all that was taken: a Markov chain of the first order.
/// What a network of sequences adds to it is what it sees farther back.</summary>
internal sealed class MarkovChain(float popular = 1) : IRecommender
{
    private Dictionary<int, int>[] _after = [];
    private float[] _shares = [];
    private int[][] _past = [];

    public string Name => "Markov chain";

    public void Fit(Interactions data, IProgress progress, CancellationToken stop)
    {
        _past = data.InOrder().Past!;
        _after = new Dictionary<int, int>[data.Items];
        _shares = new float[data.Items];
        float one = 1f / Math.Max(1, _past.Sum(p => p.Length));
        foreach (int[] items in _past)
        {
            for (int t = 0; t < items.Length; t++)
            {
                _shares[items[t]] += one;
                if (t == 0) { continue; }
                Dictionary<int, int> after = _after[items[t - 1]] ??= [];
                after[items[t]] = after.GetValueOrDefault(items[t]) + 1;
            }
        }
    }

    public void Score(int user, ReadOnlySpan<int> items, Span<float> scores)
    {
        Dictionary<int, int>? after = _past[user].Length > 0 ? _after[_past[user][^1]] : null;
        for (int i = 0; i < items.Length; i++) { scores[i] = (after?.GetValueOrDefault(items[i]) ?? 0) + (popular * _shares[items[i]]); }
    }
}
