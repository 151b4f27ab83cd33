using System.Globalization;
using DeepEdu.Data;
using DeepEdu.Education.Data.Simulated;
using DeepEdu.Numerics;

namespace DeepEdu.Education.Data;

/// <summary>One learner's answers as numbers.</summary>
/// <param name="Name">Of the learner.</param>
/// <param name="Skills">What each answer is about, a place in <see cref="TracingSet.Skills"/>.</param>
/// <param name="Right">Whether it was right.</param>
internal sealed record TracedLearner(string Name, int[] Skills, bool[] Right)
{
    public int Count => Skills.Length;
}

/// <summary>Learners to trace, and who is learned from, chosen by and tested in each fold: learners as wholes.</summary>
/// <param name="Name">Name of the data for reports.</param>
/// <param name="Skills">Names. Several skills that one answer asks for together are one of these: as rows of their own the second would tell the first's answer.</param>
/// <param name="Learners">Those with two answers or more: the first is never predicted.</param>
/// <param name="Folds">Places of learners.</param>
internal sealed record TracingSet(string Name, string[] Skills, TracedLearner[] Learners, Split[] Folds)
{
    private const int DrawnFolds = 5;

    /// <summary>Whether the test part was given and is the same in all folds.</summary>
    public bool TestGiven { get; init; }

    public int Answers => Learners.Sum(l => l.Count);

    /// <summary>Simulated learners in drawn folds.</summary>
    public static TracingSet Simulated(ulong seed, int learners) => Drawn(SimulatedTracing.Create(seed, learners).Log, seed);

    /// <summary>A table or sequences in one file, of which folds are drawn; or a folder with <c>*train*.csv</c>, <c>*test*.csv</c> and, each a part of the training learners, <c>*valid1*.csv</c> ...</summary>
    public static TracingSet Read(string path, ulong seed)
    {
        if (!Directory.Exists(path)) { return File.Exists(path) ? Drawn(LearnerLog.Read(path), seed) : throw new DataException($"{path}: no such file or folder."); }
        string trainPath = TextSource.Find(path, "*train*.csv"), testPath = TextSource.Find(path, "*test*.csv");
        LearnerLog train = LearnerLog.Read(trainPath), test = LearnerLog.Read(testPath);
        TracingSet set = Of(TextSource.NameOf(path), [.. train.Learners, .. test.Learners], []);
        int known = Usable(train.Learners).Count();
        int[] tested = [.. Enumerable.Range(known, set.Learners.Length - known)];
        if (known < 2) { throw new DataException($"{trainPath}: {known} learners with two answers or more; at least two are needed, one of them to choose the epoch."); }
        if (tested.Length == 0) { throw new DataException($"{testPath}: no learner with two answers or more."); }
        List<Split> folds = [];
        for (int k = 1; TextSource.TryFind(path, string.Create(CultureInfo.InvariantCulture, $"*valid{k}.csv")) is { } valid; k++)
        {
            int[] held = Places(valid, set, known);
            int[] rest = [.. Enumerable.Range(0, known).Except(held)];
            folds.Add(rest.Length > 0 ? new(rest, tested, held) : throw new DataException($"{valid}: holds every training learner."));
        }
        if (folds.Count == 0)
        {
            int[] order = new Rng(seed).Permutation(known);
            int held = Math.Max(1, known / DrawnFolds);
            folds.Add(new(order.AsSpan(held), tested, order.AsSpan(0, held)));
        }
        return set with { Folds = [.. folds], TestGiven = true };
    }

    /// <summary>Answers of new learners, in the numbers of known skills.</summary>
    /// <exception cref="DataException">A skill is not known.</exception>
    public static TracedLearner[] Read(string path, string[] skills)
    {
        Dictionary<string, int> places = skills.Select((s, i) => (s, i)).ToDictionary(p => p.s, p => p.i, StringComparer.Ordinal);
        return [.. LearnerLog.Read(path).Learners.Select(learner => Numbers(learner, (skill, at) => places.TryGetValue(skill, out int place) ? place
            : throw new DataException($"{path}: learner {learner.Learner}, answer {at + 1}: the skill '{skill}' was not among those that the model learned; leave the answer out, or train with it.")))];
    }

    private static TracingSet Drawn(LearnerLog log, ulong seed)
    {
        TracingSet set = Of(log.Name, log.Learners, []);
        if (set.Learners.Length < DrawnFolds) { throw new DataException($"{log.Name}: {set.Learners.Length} learners with two answers or more are too few for {DrawnFolds} folds."); }
        Split[] folds = DeepEdu.Data.Folds.KFold(set.Learners.Length, DrawnFolds, new Rng(seed));
        return set with { Folds = [.. folds.Select((f, k) => new Split(f.Train.Except(folds[(k + 1) % DrawnFolds].Test).ToArray(), f.Test, folds[(k + 1) % DrawnFolds].Test))] };
    }

    private static TracingSet Of(string name, LearnerSequence[] learners, Split[] folds)
    {
        Dictionary<string, int> places = new(StringComparer.Ordinal);
        TracedLearner[] all = [.. Usable(learners).Select(l => Numbers(l, (skill, _) =>
        {
            if (!places.TryGetValue(skill, out int place)) { places.Add(skill, place = places.Count); }
            return place;
        }))];
        return new(name, [.. places.OrderBy(p => p.Value).Select(p => p.Key)], all, folds);
    }

    private static IEnumerable<LearnerSequence> Usable(LearnerSequence[] learners) => learners.Where(l => l.Answers.Length > 1);

    private static TracedLearner Numbers(LearnerSequence learner, Func<string, int, int> place)
        => new(learner.Learner, [.. learner.Answers.Select((a, at) => place(a.Skills.Length > 0 ? string.Join('_', a.Skills) : a.Item ?? "", at))], [.. learner.Answers.Select(a => a.Correct >= 0.5f)]);

    /// <summary>Which training learners those of a validation file are: the files have no names, so by what they answered.</summary>
    private static int[] Places(string path, TracingSet set, int known)
    {
        Dictionary<string, Queue<int>> places = [];
        for (int l = 0; l < known; l++)
        {
            string key = Key(set.Learners[l]);
            if (!places.TryGetValue(key, out var queue)) { places.Add(key, queue = []); }
            queue.Enqueue(l);
        }
        return [.. Usable(LearnerLog.Read(path).Learners).Select(learner => places.TryGetValue(Key(Numbers(learner, (skill, _) => Array.IndexOf(set.Skills, skill))), out var queue) && queue.TryDequeue(out int place)
            ? place : throw new DataException($"{path}: learner {learner.Learner} (from 0) is not in the training file; a validation part is taken from it."))];

        static string Key(TracedLearner learner) => $"{string.Join(',', learner.Skills)} {string.Concat(learner.Right.Select(r => r ? '1' : '0'))}";
    }
}
