using DeepEdu.Education.Data;
using DeepEdu.Tensors;

namespace DeepEdu.Education.Models;

/// <summary>What a tracing network reads: of learners side by side all answers but the last, and what the next one is about. After a learner's last there are zeros.</summary>
/// <param name="Answers">Skill and answer as one category, skill + skills·right: [learners, steps].</param>
/// <param name="Next">The skill of the answer after each: [learners, steps].</param>
/// <param name="Lengths">How many of the steps are a learner's own: [learners].</param>
internal sealed record TracedBatch(Indices Answers, Indices Next, Indices Lengths)
{
    /// <summary>Learners of at most <paramref name="steps"/> + 1 answers.</summary>
    public static TracedBatch Of(IReadOnlyList<TracedLearner> learners, int steps, int skills)
    {
        int[] read = new int[learners.Count * steps], next = new int[learners.Count * steps];
        for (int l = 0; l < learners.Count; l++)
        {
            for (int t = 0; t < learners[l].Count - 1; t++) { (read[(l * steps) + t], next[(l * steps) + t]) = (Category(learners[l], t, skills), learners[l].Skills[t + 1]); }
        }
        Shape shape = [learners.Count, steps];
        return new(Indices.Wrap(read, shape), Indices.Wrap(next, shape), Indices.Wrap([.. learners.Select(l => Math.Max(0, l.Count - 1))], [learners.Count]));
    }

    public static int Category(TracedLearner learner, int t, int skills) => learner.Skills[t] + (learner.Right[t] ? skills : 0);
}
