using DeepEdu.Data;
using DeepEdu.Numerics;

namespace DeepEdu.Education.Data;

/// <summary>What one learner did, week by week.</summary>
/// <param name="Name">Of the learner.</param>
/// <param name="Groups">Whom it is compared with: one a name in <see cref="BehaviourLog.GroupNames"/>, such as a gender; empty where that is not known.</param>
/// <param name="Counts">Of each kind of event, week after week.</param>
/// <param name="Left">The week in which the learner left, from 0; null if it stayed.</param>
internal sealed record ObservedLearner(string Name, string[] Groups, float[] Counts, int? Left);

/// <summary>What learners did in a course, and who left it.</summary>
/// <param name="Name">Name of the data for reports.</param>
/// <param name="Kinds">Names of what is counted.</param>
/// <param name="Learners">One or more rows a learner: one a course.</param>
internal sealed record BehaviourLog(string Name, string[] Kinds, ObservedLearner[] Learners)
{
    private const int DrawnFolds = 5;

    /// <summary>What learners are grouped by, such as gender and age.</summary>
    public string[] GroupNames { get; init; } = [];

    /// <summary>Rows that the data give as the test part; null: folds are drawn.</summary>
    public int[]? Test { get; init; }

    /// <summary>Weeks that every row has counts of.</summary>
    public int Weeks => Learners.Min(l => l.Counts.Length) / Kinds.Length;

    /// <summary>The first weeks of those who were still there at their end: what is told from them, whether a learner leaves later, is then not among them.</summary>
    public BehaviourLog Observed(int weeks)
    {
        if (weeks > Weeks) { throw new DataException($"{Name}: --weeks {weeks}, but there are {Weeks}."); }
        int[] there = [.. Enumerable.Range(0, Learners.Length).Where(l => Learners[l].Left is null || Learners[l].Left >= weeks)];
        int left = there.Count(l => Learners[l].Left is not null);
        if (left == 0 || left == there.Length) { throw new DataException($"{Name}: of {there.Length} learners there after week {weeks}, {left} leave later; both kinds are needed. Give another number of --weeks."); }
        Dictionary<int, int> places = there.Select((l, i) => (l, i)).ToDictionary(p => p.l, p => p.i);
        return this with
        {
            Learners = [.. there.Select(l => Learners[l] with { Counts = Learners[l].Counts[..(weeks * Kinds.Length)] })],
            Test = Test is null ? null : [.. Test.Where(places.ContainsKey).Select(l => places[l])],
        };
    }

    /// <summary>Folds of whole learners, whatever courses they took.</summary>
    public Split[] Folds(ulong seed)
    {
        string[] names = Array.ConvertAll(Learners, l => l.Name);
        if (names.Distinct().Count() is var learners && learners < DrawnFolds) { throw new DataException($"{Name}: {learners} learners are too few for {DrawnFolds} folds."); }
        Split[] drawn = DeepEdu.Data.Folds.ByGroup<string>(names, DrawnFolds, new Rng(seed));
        if (Test is null) { return [.. drawn.Select((f, k) => new Split(f.Train.Except(drawn[(k + 1) % DrawnFolds].Test).ToArray(), f.Test, drawn[(k + 1) % DrawnFolds].Test))]; }
        HashSet<string> tested = [.. Test.Select(l => names[l])];
        return [new([.. drawn[0].Train.Where(l => !tested.Contains(names[l]))], Test, [.. drawn[0].Test.Where(l => !tested.Contains(names[l]))])];
    }
}
