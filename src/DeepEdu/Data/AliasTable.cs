using DeepEdu.Numerics;

namespace DeepEdu.Data;

/// <summary>Draws 0 .. n − 1 in proportion to weights, at equal cost whatever n: Walker 1977, built in O(n) as Vose 1991.</summary>
public sealed class AliasTable
{
    private readonly double[] _chance;
    private readonly int[] _alias;

    /// <summary>Builds the table.</summary>
    /// <exception cref="ArgumentException">There is no weight, one is negative or not finite, or all are 0.</exception>
    public AliasTable(ReadOnlySpan<double> weights)
    {
        double sum = 0;
        for (int i = 0; i < weights.Length; i++)
        {
            if (!(weights[i] >= 0) || !double.IsFinite(weights[i])) { throw new ArgumentException($"alias-table: weight {weights[i]} of {i} is negative or not finite", nameof(weights)); }
            sum += weights[i];
        }
        if (!(sum > 0)) { throw new ArgumentException("alias-table: no weight is positive, so there is nothing to draw", nameof(weights)); }
        int n = weights.Length;
        (_chance, _alias) = (new double[n], new int[n]);
        Stack<int> small = new(), large = new();
        for (int i = n - 1; i >= 0; i--)
        {
            _chance[i] = weights[i] / sum * n;
            (_chance[i] < 1 ? small : large).Push(i);
        }
        while (small.Count > 0 && large.Count > 0)
        {
            int s = small.Pop(), l = large.Pop();
            _alias[s] = l;
            _chance[l] -= 1 - _chance[s];
            (_chance[l] < 1 ? small : large).Push(l);
        }
        foreach (int rest in large) { _chance[rest] = 1; }
        foreach (int rest in small) { (_chance[rest], _alias[rest]) = weights[rest] > 0 ? (1, rest) : (0, Heaviest(weights)); } // rounding alone leaves any here
    }

    /// <summary>How many values may come.</summary>
    public int Count => _chance.Length;

    /// <summary>The next value. Takes three numbers, seldom more.</summary>
    public int Draw(Rng rng)
    {
        ArgumentNullException.ThrowIfNull(rng);
        int i = rng.Next(_chance.Length);
        return rng.NextDouble() < _chance[i] ? i : _alias[i];
    }

    private static int Heaviest(ReadOnlySpan<double> weights)
    {
        int best = 0;
        for (int i = 1; i < weights.Length; i++)
        {
            if (weights[i] > weights[best]) { best = i; }
        }
        return best;
    }
}
