using DeepEdu.Education.Data;
using DeepEdu.Education.Data.Simulated;

namespace DeepEdu.Education.Baselines;

/// <summary>Bayesian knowledge tracing with forgetting (Corbett and Anderson 1995; Khajah et al. 2016): a hidden chain of two states for each skill, its five chances found by expectation and maximisation.</summary>
internal sealed class BayesianTracing : ITracer
{
    private const int Rounds = 40;
    private static readonly SkillChances s_start = new(0.4, 0.2, 0.05, 0.25, 0.1);
    private readonly SkillChances[] _skills;

    public BayesianTracing(TracingSet set, int[] train)
    {
        List<bool[]>[] answers = [.. set.Skills.Select(_ => new List<bool[]>())];
        foreach (int l in train)
        {
            TracedLearner learner = set.Learners[l];
            foreach (var own in Enumerable.Range(0, learner.Count).GroupBy(t => learner.Skills[t])) { answers[own.Key].Add([.. own.Select(t => learner.Right[t])]); }
        }
        _skills = [.. answers.Select(a => a.Count == 0 ? s_start : Fit(a, s_start, Rounds))];
    }

    public string Name => "Bayesian tracing";

    public double[] Chances(TracedLearner learner)
    {
        Dictionary<int, double> known = [];
        double[] chances = new double[learner.Count];
        for (int t = 0; t < chances.Length; t++)
        {
            SkillChances p = _skills[learner.Skills[t]];
            double before = known.GetValueOrDefault(learner.Skills[t], p.Start);
            chances[t] = Right(p, before);
            known[learner.Skills[t]] = After(p, Given(p, before, learner.Right[t]));
        }
        return chances;
    }

    /// <summary>Finds the chances of one skill from the answers of its learners (Baum et al. 1970).</summary>
    public static SkillChances Fit(IReadOnlyList<bool[]> answers, SkillChances p, int rounds)
    {
        for (int round = 0; round < rounds; round++)
        {
            double known0 = 0, learnt = 0, unknown = 0, forgot = 0, known = 0, guessed = 0, slipped = 0, allUnknown = 0, allKnown = 0;
            foreach (bool[] right in answers)
            {
                int n = right.Length;
                double[] a = new double[n]; // the chance that it was known, given the answers so far
                double prior = p.Start;
                for (int t = 0; t < n; t++)
                {
                    a[t] = Given(p, prior, right[t]);
                    prior = After(p, a[t]);
                }
                double bk = 1, bu = 1; // what the answers to come say for known and for unknown
                for (int t = n - 1; t >= 0; t--)
                {
                    double gamma = a[t] * bk / ((a[t] * bk) + ((1 - a[t]) * bu));
                    if (t == 0) { known0 += gamma; }
                    (allKnown, allUnknown) = (allKnown + gamma, allUnknown + 1 - gamma);
                    if (right[t]) { guessed += 1 - gamma; } else { slipped += gamma; }
                    if (t == 0) { break; }
                    double ek = (right[t] ? 1 - p.Slip : p.Slip) * bk, eu = (right[t] ? p.Guess : 1 - p.Guess) * bu;
                    double uk = (1 - a[t - 1]) * p.Learn * ek, uu = (1 - a[t - 1]) * (1 - p.Learn) * eu, ku = a[t - 1] * p.Forget * eu, kk = a[t - 1] * (1 - p.Forget) * ek, sum = uk + uu + ku + kk;
                    (learnt, unknown, forgot, known) = (learnt + (uk / sum), unknown + ((uk + uu) / sum), forgot + (ku / sum), known + ((ku + kk) / sum));
                    (bk, bu) = (((1 - p.Forget) * ek) + (p.Forget * eu), (p.Learn * ek) + ((1 - p.Learn) * eu));
                    (bk, bu) = (bk / (bk + bu), bu / (bk + bu));
                }
            }
            p = new(Share(known0, answers.Count), Share(learnt, unknown), Share(forgot, known), Share(guessed, allUnknown), Share(slipped, allKnown));
        }
        return p;
    }

    /// <summary>The chance that it is known, once the answer is.</summary>
    private static double Given(SkillChances p, double known, bool right)
    {
        double k = known * (right ? 1 - p.Slip : p.Slip), u = (1 - known) * (right ? p.Guess : 1 - p.Guess);
        return k / (k + u);
    }

    private static double After(SkillChances p, double known) => (known * (1 - p.Forget)) + ((1 - known) * p.Learn);

    private static double Right(SkillChances p, double known) => (known * (1 - p.Slip)) + ((1 - known) * p.Guess);

    // a chance of 0 or 1 could never be left again, and one answer against it would divide by 0
    private static double Share(double part, double whole) => whole > 0 ? Math.Clamp(part / whole, 1e-4, 1 - 1e-4) : 0.5;
}
