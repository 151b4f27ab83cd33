using System.Globalization;
using DeepEdu.Education.Data;
using DeepEdu.Education.Models;
using DeepEdu.Education.Report;

namespace DeepEdu.Education.Tasks;

/// <summary>A few test learners for the report, told by the network that did not learn from them: of those of the first fold with ten answers told or more, the one told best, the one in the middle and the one told worst, by mean log loss.</summary>
internal static class TracedLives
{
    private const int Least = 10, Shown = 60, Curves = 5;

    public static Trajectory[] Of(TracingSet set, TracingNet network, IEnumerable<(int Learner, int Count, double Loss)> told)
    {
        var learners = told.Where(t => t.Count >= Least).OrderBy(t => t.Loss).ThenBy(t => t.Learner).ToArray();
        if (learners.Length == 0) { return []; }
        (int Place, string Why)[] shown = [(0, "told best"), (learners.Length / 2, "in the middle"), (learners.Length - 1, "told worst")];
        return [.. shown.DistinctBy(s => s.Place).Select(s => Of(set, network, set.Learners[learners[s.Place].Learner], string.Create(CultureInfo.InvariantCulture, $"{s.Why}, log loss {learners[s.Place].Loss:0.000}")))];
    }

    private static Trajectory Of(TracingSet set, TracingNet network, TracedLearner learner, string why)
    {
        int first = Math.Max(0, learner.Count - Shown), from = Math.Max(0, first - 1);
        float[][] after = network.Trajectory(learner, from);
        int[] skills = [.. learner.Skills[first..].GroupBy(s => s).OrderByDescending(g => g.Count()).ThenBy(g => g.Key).Take(Curves).Select(g => g.Key)];
        // before the first answer nothing is known: one half, as it is scored
        double Before(int t, int skill) => t == 0 ? 0.5 : after[t - 1 - from][skill];
        return new($"Learner {learner.Name}: {why}", first, [.. skills.Select(s => new Curve(set.Skills[s], [.. Enumerable.Range(first, learner.Count - first + 1).Select(t => Before(t, s))]))],
            [.. Enumerable.Range(first, learner.Count - first).Select(t => (Array.IndexOf(skills, learner.Skills[t]), learner.Right[t]))], Because(set, network, learner, Before(learner.Count - 1, learner.Skills[^1])));
    }

    private static string Because(TracingSet set, TracingNet network, TracedLearner learner, double chance)
    {
        int asked = learner.Skills[^1];
        TracedLearner before = learner.First(learner.Count - 1);
        float[][] moves = network.Moves(before, TracePredictor.LeftOut);
        string list = string.Join("; ", TracePredictor.Because([.. moves.Select(m => (double)m[asked])]).Select(b => TracePredictor.Text(set.Skills, before, b)));
        return string.Create(CultureInfo.InvariantCulture, $"Answer {learner.Count}, {set.Skills[asked]}, {(learner.Right[^1] ? "right" : "wrong")}, was told to be right with a chance of {chance:0.00}. {(list.Length == 0 ? "No earlier answer moved it by .005 or more." : $"Of the answers before it these moved it most: {list}.")}");
    }
}
