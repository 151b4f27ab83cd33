using DeepEdu.Tensors;

namespace DeepEdu.Education.Models;

/// <summary>What an item asks: a right answer has the chance P(θ) = c + (1 − c)·σ(a·θ + d) (Birnbaum 1968): discrimination a &gt; 0, easiness d, and c by guessing.</summary>
internal readonly record struct ItemCurve(double A, double D, double C)
{
    /// <summary>The ability at which who does not guess is right with one half: b = −d/a.</summary>
    public double Difficulty => -D / A;

    public double Chance(double ability) => C + ((1 - C) / (1 + Math.Exp(-((A * ability) + D))));

    /// <summary>Fisher's information of one answer: P′²/(P(1 − P)), which is a²P(1 − P) where nobody guesses.</summary>
    public double Information(double ability)
    {
        double s = 1 / (1 + Math.Exp(-((A * ability) + D))), p = C + ((1 - C) * s), slope = (1 - C) * A * s * (1 - s);
        return slope == 0 ? 0 : slope * slope / (p * (1 - p));
    }

    /// <summary>What one answer tells apart of two abilities, if the first is the true one (Kullback and Leibler 1951), in nats.</summary>
    public double Divergence(double ability, double other)
    {
        double p = Chance(ability), q = Chance(other);
        return (p * Math.Log(p / q)) + ((1 - p) * Math.Log((1 - p) / (1 - q)));
    }
}

/// <summary>An ability as it is known after some answers: the mean of its distribution (EAP, Bock and Mislevy 1982) and its deviation, the standard error.</summary>
internal readonly record struct Ability(double Mean, double Error);

/// <summary>Items on one scale, on which abilities are normal with mean 0 and deviation 1, and what answers to them say of an ability. The scale has no zero and unit of its own: these come with the distribution; that right answers mean more
/// ability comes with a &gt; 0.</summary>
/// <param name="curves">Of each item.</param>
internal sealed class ItemBank(ItemCurve[] curves) : ISaveState
{
    private const int Points = 61;
    private const double Far = 6;

    /// <summary>Abilities over which sums stand for integrals.</summary>
    public static readonly double[] Grid = [.. Enumerable.Range(0, Points).Select(q => Far * ((2.0 * q / (Points - 1)) - 1))];

    /// <summary>The logarithm of how likely each is before any answer.</summary>
    public static readonly double[] LogPrior = Normal();

    public ItemCurve[] Curves => curves;

    /// <summary>What some answers say of an ability.</summary>
    public Ability Estimate(IEnumerable<(int Item, bool Right)> answers)
    {
        double[] log = [.. LogPrior];
        foreach (var (item, right) in answers) { Observe(log, item, right); }
        return Of(log);
    }

    /// <summary>Adds an answer to the logarithm of how likely each ability of the grid is.</summary>
    public void Observe(double[] log, int item, bool right)
    {
        for (int q = 0; q < Points; q++)
        {
            double p = curves[item].Chance(Grid[q]);
            log[q] += Math.Log(right ? p : 1 - p);
        }
    }

    /// <summary>Mean and deviation of what is that likely.</summary>
    public static Ability Of(double[] log)
    {
        double most = log.Max(), sum = 0, mean = 0, square = 0;
        for (int q = 0; q < Points; q++)
        {
            double w = Math.Exp(log[q] - most);
            (sum, mean, square) = (sum + w, mean + (w * Grid[q]), square + (w * Grid[q] * Grid[q]));
        }
        mean /= sum;
        return new(mean, Math.Sqrt(Math.Max(0, (square / sum) - (mean * mean))));
    }

    public void SaveState(StateDict to)
    {
        ArgumentNullException.ThrowIfNull(to);
        to.Set("a", [.. curves.Select(c => c.A)]).Set("d", [.. curves.Select(c => c.D)]).Set("c", [.. curves.Select(c => c.C)]);
    }

    /// <summary>A bank as it was saved.</summary>
    public static ItemBank Load(StateDict from)
    {
        double[] a = from.Doubles("a"), d = from.Doubles("d"), c = from.Doubles("c");
        return new([.. a.Select((value, i) => new ItemCurve(value, d[i], c[i]))]);
    }

    private static double[] Normal()
    {
        double[] log = Array.ConvertAll(Grid, x => -x * x / 2);
        double sum = Math.Log(log.Sum(Math.Exp));
        return Array.ConvertAll(log, l => l - sum);
    }
}
