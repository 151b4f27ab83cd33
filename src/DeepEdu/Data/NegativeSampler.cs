using DeepEdu.Numerics;

namespace DeepEdu.Data;

/// <summary>Draws items that a user did not take, as examples of what to rank lower.
/// <code>
/// var negatives = NegativeSampler.Popular(taken, alpha: 0.75);
/// int item = negatives.Draw(user, rng);
/// </code></summary>
public sealed class NegativeSampler
{
    private const int Tries = 64;
    private readonly TakenItems _taken;
    private readonly AliasTable? _table;
    private readonly double[]? _weights;

    private NegativeSampler(TakenItems taken, double[]? weights)
    {
        ArgumentNullException.ThrowIfNull(taken);
        (_taken, _weights) = (taken, weights);
        if (weights is not null) { _table = new(weights); }
    }

    /// <summary>All items equally likely: Rendle et al. 2009, arXiv:1205.2618.</summary>
    public static NegativeSampler Uniform(TakenItems taken) => new(taken, null);

    /// <summary>Item i in proportion to (how many users took it)^alpha: Mikolov et al. 2013, arXiv:1310.4546, there with 0.75. Items that nobody took do not come, unless alpha is 0.</summary>
    public static NegativeSampler Popular(TakenItems taken, double alpha = 0.75)
    {
        ArgumentNullException.ThrowIfNull(taken);
        return new(taken, Array.ConvertAll(taken.Popularity(), n => Math.Pow(n, alpha)));
    }

    /// <summary>An item that the user did not take.</summary>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    public int Draw(int user, Rng rng)
    {
        ArgumentNullException.ThrowIfNull(rng);
        for (int i = 0; i < Tries; i++)
        {
            int item = _table?.Draw(rng) ?? rng.Next(_taken.Items);
            if (!_taken.Has(user, item)) { return item; }
        }
        return FromTheRest(user, rng);
    }

    /// <summary>The hardest of several draws: the one that the model scores highest (Rendle and Freudenthaler 2014; dynamic negative sampling of Zhang et al. 2013).</summary>
    /// <param name="user">The user.</param>
    /// <param name="candidates">How many are drawn.</param>
    /// <param name="score">The model's score of an item for this user.</param>
    /// <param name="rng">Where draws come from.</param>
    /// <exception cref="InvalidOperationException">There is nothing to draw.</exception>
    public int Hardest(int user, int candidates, Func<int, float> score, Rng rng)
    {
        ArgumentNullException.ThrowIfNull(score);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(candidates);
        int best = Draw(user, rng);
        float top = score(best);
        for (int i = 1; i < candidates; i++)
        {
            int item = Draw(user, rng);
            if (score(item) is var s && s > top) { (best, top) = (item, s); }
        }
        return best;
    }

    // for users who took nearly all
    private int FromTheRest(int user, Rng rng)
    {
        List<int> rest = [];
        List<double> weights = [];
        for (int item = 0; item < _taken.Items; item++)
        {
            double weight = _weights?[item] ?? 1;
            if (weight > 0 && !_taken.Has(user, item))
            {
                rest.Add(item);
                weights.Add(weight);
            }
        }
        if (rest.Count == 0) { throw new InvalidOperationException($"negative-sampler: user {user} took every item that may be drawn; leave this user out"); }
        return rest[new AliasTable([.. weights]).Draw(rng)];
    }
}
