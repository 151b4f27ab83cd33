using DeepEdu.Education.Data;

namespace DeepEdu.Education.Baselines;

/// <summary>Tells of each answer, from those before it, how likely it is right.</summary>
internal interface ITracer
{
    string Name { get; }

    /// <summary>The chance of each answer; that of the first is from none before.</summary>
    double[] Chances(TracedLearner learner);
}

/// <summary>The share of right answers to a skill among the learners learned from, drawn a little to one half.</summary>
internal sealed class SkillMean : ITracer
{
    private readonly double[] _shares;

    public SkillMean(TracingSet set, int[] train)
    {
        double[] right = new double[set.Skills.Length], all = new double[set.Skills.Length];
        foreach (int l in train)
        {
            TracedLearner learner = set.Learners[l];
            for (int t = 0; t < learner.Count; t++)
            {
                all[learner.Skills[t]]++;
                right[learner.Skills[t]] += learner.Right[t] ? 1 : 0;
            }
        }
        _shares = [.. right.Zip(all, (r, n) => (r + 1) / (n + 2))];
    }

    public string Name => "mean of the skill";

    public double[] Chances(TracedLearner learner) => Array.ConvertAll(learner.Skills, s => _shares[s]);
}

/// <summary>Performance factors analysis (Pavlik, Cen and Koedinger 2009): for each skill a logistic regression on how often it was answered right and wrong before, here on the logarithms of the counts.</summary>
internal sealed class PerformanceFactors : ITracer
{
    private readonly Logistic[] _skills;

    public PerformanceFactors(TracingSet set, int[] train)
    {
        List<float[]>[] rows = [.. set.Skills.Select(_ => new List<float[]>())];
        List<bool>[] right = [.. set.Skills.Select(_ => new List<bool>())];
        foreach (int l in train)
        {
            TracedLearner learner = set.Learners[l];
            foreach (var (t, row) in Rows(learner).Index())
            {
                rows[learner.Skills[t]].Add(row);
                right[learner.Skills[t]].Add(learner.Right[t]);
            }
        }
        _skills = [.. rows.Select((r, s) => new Logistic(2, r, right[s]))];
    }

    public string Name => "logistic on counts (PFA)";

    public double[] Chances(TracedLearner learner) => [.. Rows(learner).Select((row, t) => _skills[learner.Skills[t]].Chance(row))];

    private static IEnumerable<float[]> Rows(TracedLearner learner)
    {
        Dictionary<int, (int Right, int Wrong)> counts = [];
        for (int t = 0; t < learner.Count; t++)
        {
            var (right, wrong) = counts.GetValueOrDefault(learner.Skills[t]);
            yield return [MathF.Log(1 + right), MathF.Log(1 + wrong)];
            counts[learner.Skills[t]] = learner.Right[t] ? (right + 1, wrong) : (right, wrong + 1);
        }
    }
}
