using DeepEdu.Numerics;

namespace DeepEdu.Education.Models;

/// <summary>How an adaptive test chooses the next item.</summary>
/// <param name="Name">For the report.</param>
/// <param name="Next">From the bank, what is known of the ability, how many answers that is from, and the items left, the place among these.</param>
internal sealed record ItemChoice(string Name, Func<ItemBank, Ability, int, IReadOnlyList<int>, Rng, int> Next)
{
    private const int Intervals = 12, Among = 5;
    private const double Reach = 3;

    /// <summary>The item of most Fisher information at the ability as it is known (Lord 1980, chapter 10).</summary>
    public static ItemChoice Fisher { get; } = new("most Fisher information", (bank, known, _, left, _) => Best(left, item => bank.Curves[item].Information(known.Mean)));

    /// <summary>The item of most Kullback-Leibler information around the ability as it is known, ∫ KL(θ̂, θ) dθ over θ̂ ± 3/√n, which is wide while little is known (Chang and Ying 1996, doi:10.1177/014662169602000303).</summary>
    public static ItemChoice Kullback { get; } = new("most Kullback-Leibler information", (bank, known, given, left, _) => Best(left, item => Around(bank.Curves[item], known.Mean, Reach / Math.Sqrt(given + 1))));

    /// <summary>One of the five items of most Fisher information, drawn, so that none stands in every test (Kingsbury and Zara 1989, doi:10.1207/s15324818ame0204_6).</summary>
    public static ItemChoice FisherOfFive { get; } = new("one of five of most Fisher information", (bank, known, _, left, rng) =>
    {
        int[] best = [.. Enumerable.Range(0, left.Count).OrderByDescending(i => bank.Curves[left[i]].Information(known.Mean)).ThenBy(i => left[i]).Take(Among)];
        return best[rng.Next(best.Length)];
    });

    /// <summary>Any item.</summary>
    public static ItemChoice Random { get; } = new("random items", (_, _, _, left, rng) => rng.Next(left.Count));

    public static IReadOnlyList<ItemChoice> All { get; } = [Fisher, Kullback, FisherOfFive, Random];

    /// <summary>The integral of what an item tells apart of an ability and those up to <paramref name="reach"/> away, by trapezia.</summary>
    public static double Around(ItemCurve curve, double ability, double reach)
    {
        double sum = 0, width = 2 * reach / Intervals;
        for (int i = 0; i <= Intervals; i++) { sum += curve.Divergence(ability, ability - reach + (i * width)) * (i is 0 or Intervals ? 0.5 : 1); }
        return sum * width;
    }

    private static int Best(IReadOnlyList<int> left, Func<int, double> worth)
    {
        int best = 0;
        double most = double.NegativeInfinity;
        for (int i = 0; i < left.Count; i++)
        {
            double value = worth(left[i]);
            if (value > most) { (best, most) = (i, value); }
        }
        return best;
    }
}
