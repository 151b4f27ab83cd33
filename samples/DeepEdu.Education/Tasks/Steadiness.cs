using DeepEdu.Data;
using DeepEdu.Education.Data;
using DeepEdu.Education.Models;
using DeepEdu.Education.Report;
using DeepEdu.Metrics;

namespace DeepEdu.Education.Tasks;

/// <summary>Whether what a network tells of the test learners agrees with what they have just answered and does not jump (Yeung and Yeung 2018, arXiv:1806.02180, section 4.3): auc_given, the area of the chance told of a skill
/// right after an answer to it, for that answer; wave1 and wave2, by how much the chances of all skills change from answer to answer, the mean and the root of the mean square. Means over folds.</summary>
internal static class Steadiness
{
    public static readonly string[] Names = ["auc_given", "wave1", "wave2"];

    public static Score[] Of(TracingSet set, IEnumerable<(Split Fold, TracingNet Network)> told)
    {
        double[][] folds = [.. told.Select(f => Of(f.Network, f.Fold.Test.Select(l => set.Learners[l])))];
        return [.. Names.Select((name, k) => new Score(name, folds.Average(f => f[k])))];
    }

    public static double[] Of(TracingNet network, IEnumerable<TracedLearner> learners)
    {
        RocAuc given = new();
        double sum = 0, squares = 0, count = 0;
        foreach (TracedLearner learner in learners)
        {
            float[][] after = network.Trajectory(learner);
            for (int t = 0; t < after.Length; t++)
            {
                given.Add(after[t][learner.Skills[t]], learner.Right[t]);
                for (int s = 0; s < after[t].Length && t > 0; s++, count++)
                {
                    double change = after[t][s] - after[t - 1][s];
                    (sum, squares) = (sum + Math.Abs(change), squares + (change * change));
                }
            }
        }
        return [given.Value, sum / count, Math.Sqrt(squares / count)];
    }
}
