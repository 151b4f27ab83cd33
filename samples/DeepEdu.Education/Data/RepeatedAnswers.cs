using DeepEdu.Numerics;

namespace DeepEdu.Education.Data;

/// <summary>Two skills of which, where one's row follows the other's, both are answered alike.</summary>
/// <param name="First">The skill of the first row.</param>
/// <param name="Second">The skill of the second.</param>
/// <param name="Places">Where the two follow each other.</param>
/// <param name="Alike">In how many both are right, or both wrong.</param>
internal readonly record struct RepeatedPair(int First, int Second, int Places, int Alike);

/// <summary>Rows that seem to give the answer of the row before once more: a question that asks for several skills, in a file of one skill a row. Who sees the first row knows the second's answer. Such files need not say which rows
/// belong together, but they show it: two skills are suspected if, where rows of them follow each other, right goes with right and wrong with wrong (correlation of .9 or more, of at least ten answers of either kind; skills of one subject reach .5).
/// A row repeats the one before if their skills are suspected and the answers are alike. Rows of one skill are never suspected, and rare pairs are not found.</summary>
internal sealed class RepeatedAnswers
{
    private const double Correlation = 0.9;
    private const int Least = 10;
    private readonly TracingSet _set;
    private readonly HashSet<(int, int)> _suspected;

    private RepeatedAnswers(TracingSet set, RepeatedPair[] pairs) => (_set, Pairs, _suspected) = (set, pairs, [.. pairs.Select(p => (p.First, p.Second))]);

    /// <summary>The suspected pairs, the most frequent first.</summary>
    public RepeatedPair[] Pairs { get; }

    /// <summary>How many rows repeat the one before.</summary>
    public int Count => Enumerable.Range(0, _set.Learners.Length).Sum(l => Enumerable.Range(0, _set.Learners[l].Count).Count(t => Repeats(l, t)));

    public static RepeatedAnswers Find(TracingSet set)
    {
        Dictionary<(int, int), int[]> seen = []; // first wrong and right, by second wrong and right
        foreach (TracedLearner learner in set.Learners)
        {
            for (int t = 1; t < learner.Count; t++)
            {
                var pair = (learner.Skills[t - 1], learner.Skills[t]);
                if (pair.Item1 == pair.Item2) { continue; }
                if (!seen.TryGetValue(pair, out int[]? counts)) { seen.Add(pair, counts = new int[4]); }
                counts[(learner.Right[t - 1] ? 2 : 0) + (learner.Right[t] ? 1 : 0)]++;
            }
        }
        return new(set, [.. seen.Where(s => Together(s.Value)).Select(s => new RepeatedPair(s.Key.Item1, s.Key.Item2, s.Value.Sum(), s.Value[0] + s.Value[3])).OrderByDescending(p => p.Places).ThenBy(p => (p.First, p.Second))]);
    }

    /// <summary>Whether an answer is that of the row before.</summary>
    public bool Repeats(int learner, int t)
    {
        TracedLearner own = _set.Learners[learner];
        return t > 0 && own.Right[t] == own.Right[t - 1] && _suspected.Contains((own.Skills[t - 1], own.Skills[t]));
    }

    /// <summary>For each row of a learner the number of its answer, from 0: rows that repeat one have its number.</summary>
    public int[] Answers(int learner)
    {
        int[] answers = new int[_set.Learners[learner].Count];
        for (int t = 1; t < answers.Length; t++) { answers[t] = answers[t - 1] + (Repeats(learner, t) ? 0 : 1); }
        return answers;
    }

    /// <summary>The same learners, of whom each answer is another's, drawn from all.</summary>
    public TracingSet Shuffled(Rng rng)
    {
        int[][] answers = [.. Enumerable.Range(0, _set.Learners.Length).Select(Answers)];
        bool[] all = [.. answers.SelectMany((own, l) => Enumerable.Range(0, own.Length).Where(t => t == 0 || own[t] != own[t - 1]).Select(t => _set.Learners[l].Right[t]))];
        rng.Shuffle(all.AsSpan());
        int from = 0;
        return _set with
        {
            Learners = [.. _set.Learners.Select((learner, l) =>
            {
                int first = from;
                from += answers[l][^1] + 1;
                return learner with { Right = Array.ConvertAll(answers[l], a => all[first + a]) };
            })],
        };
    }

    private static bool Together(int[] counts)
    {
        double wrong = counts[0] + counts[1], right = counts[2] + counts[3], thenWrong = counts[0] + counts[2], thenRight = counts[1] + counts[3];
        return Math.Min(Math.Min(wrong, right), Math.Min(thenWrong, thenRight)) >= Least
            && (((double)counts[0] * counts[3]) - ((double)counts[1] * counts[2])) / Math.Sqrt(wrong * right * thenWrong * thenRight) >= Correlation;
    }
}
