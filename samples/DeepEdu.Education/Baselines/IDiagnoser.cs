using DeepEdu.Education.Data;

namespace DeepEdu.Education.Baselines;

/// <summary>Tells what learners know, and with it how likely their answers are right.</summary>
internal interface IDiagnoser
{
    string Name { get; }

    /// <summary>The chance that a learner answers an item right.</summary>
    double Chance(int learner, int item);

    /// <summary>The chances of many answers.</summary>
    double[] Chances(int[] learners, int[] items) => [.. learners.Zip(items, Chance)];

    /// <summary>How well a learner knows a skill, on any increasing scale; null of what does not diagnose.</summary>
    double? Mastery(int learner, int skill);

    /// <summary>How hard an item is, on any increasing scale; null if it has no such number.</summary>
    double? Difficulty(int item);
}

/// <summary>The share of right answers to an item among those learned from, drawn a little to one half.</summary>
internal sealed class ItemMean : IDiagnoser
{
    private readonly double[] _items;

    public ItemMean(DiagnosisSet set)
    {
        double[] right = new double[set.Items.Length], all = new double[set.Items.Length];
        foreach (int row in set.Parts.Train)
        {
            all[set.Item[row]]++;
            right[set.Item[row]] += set.Right[row] ? 1 : 0;
        }
        _items = [.. right.Zip(all, (r, n) => (r + 1) / (n + 2))];
    }

    public string Name => "mean of the item";

    public double Chance(int learner, int item) => _items[item];

    public double? Mastery(int learner, int skill) => null;

    public double? Difficulty(int item) => 1 - _items[item];
}

/// <summary>The share of a learner's right answers to items that ask for a skill, drawn to the skill's share of all learners; the chance of an item is the mean of its skills.</summary>
internal sealed class SkillShare : IDiagnoser
{
    private const double Prior = 2; // answers that the skill's share counts as
    private readonly double[,] _shares;
    private readonly int[][] _asks;

    public SkillShare(DiagnosisSet set)
    {
        _asks = set.Asks;
        double[] right = new double[set.Skills.Length], all = new double[set.Skills.Length];
        double[,] own = new double[set.Learners.Length, set.Skills.Length], count = new double[set.Learners.Length, set.Skills.Length];
        foreach (int row in set.Parts.Train)
        {
            foreach (int k in _asks[set.Item[row]])
            {
                double r = set.Right[row] ? 1 : 0;
                (right[k], all[k], own[set.Learner[row], k], count[set.Learner[row], k]) = (right[k] + r, all[k] + 1, own[set.Learner[row], k] + r, count[set.Learner[row], k] + 1);
            }
        }
        for (int k = 0; k < all.Length; k++)
        {
            double share = (right[k] + 1) / (all[k] + 2);
            for (int l = 0; l < set.Learners.Length; l++) { own[l, k] = (own[l, k] + (Prior * share)) / (count[l, k] + Prior); }
        }
        _shares = own;
    }

    public string Name => "mean of learner and skill";

    public double Chance(int learner, int item) => _asks[item].Average(k => _shares[learner, k]);

    public double? Mastery(int learner, int skill) => _shares[learner, skill];

    public double? Difficulty(int item) => null;
}
