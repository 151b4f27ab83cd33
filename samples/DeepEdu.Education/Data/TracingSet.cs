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
    /// <summary>A class or school; empty where there is none.</summary>
    public string Group { get; init; } = "";

    /// <inheritdoc cref="LearnerSequence.Named"/>
    public bool Named { get; init; } = true;

    public int Count => Skills.Length;

    /// <summary>As if one answer had not been given.</summary>
    public TracedLearner Without(int t) => this with { Skills = [.. Skills[..t], .. Skills[(t + 1)..]], Right = [.. Right[..t], .. Right[(t + 1)..]] };

    /// <summary>The first answers.</summary>
    public TracedLearner First(int count) => Part(0, count);

    /// <summary>The answers from one to another, which is not among them.</summary>
    public TracedLearner Part(int from, int end) => from == 0 && end == Count ? this : this with { Skills = Skills[from..end], Right = Right[from..end] };
}

/// <summary>Learners to trace, and who is learned from, chosen by and tested in each fold: learners as wholes.</summary>
/// <param name="Name">Name of the data for reports.</param>
/// <param name="Skills">Names. Several skills that one answer asks for together, in whatever order, are one of these: as rows of their own the second would tell the first's answer.</param>
/// <param name="Learners">Those with two answers or more: the first is never predicted.</param>
/// <param name="Folds">Places of learners.</param>
internal sealed record TracingSet(string Name, string[] Skills, TracedLearner[] Learners, Split[] Folds)
{
    private const int DrawnFolds = 5;

    /// <summary>Whether the test part was given and is the same in all folds.</summary>
    public bool TestGiven { get; init; }

    /// <summary>What of the files was left out, or is taken otherwise than one may think; a line each.</summary>
    public string[] Notes { get; init; } = [];

    public int Answers => Learners.Sum(l => l.Count);

    /// <summary>Simulated learners in drawn folds.</summary>
    public static TracingSet Simulated(ulong seed, int learners) => Drawn(SimulatedTracing.Create(seed, learners).Log, seed);

    /// <summary>Simulated learners of skills that are learnt so, named s0, s1 .., in drawn folds.</summary>
    public static TracingSet Simulated(ulong seed, int learners, SkillChances[] skills, int answers) => Drawn(SimulatedTracing.Create(seed, skills, learners, answers).Log, seed);

    /// <summary>A table or sequences in one file, of which folds are drawn; or a folder with <c>*train*.csv</c>, <c>*test*.csv</c> and, each a part of the training learners, <c>*valid1*.csv</c> ...</summary>
    /// <param name="path">The file or folder.</param>
    /// <param name="seed">Of the folds that are drawn.</param>
    /// <param name="columns">Which column of a long table is what; the header decides if null.</param>
    public static TracingSet Read(string path, ulong seed, EventColumns? columns = null)
    {
        List<string> notes = [];
        if (!Directory.Exists(path)) { return File.Exists(path) ? Drawn(TextSource.NameOf(path), LearnerLog.Read(path, columns, notes), seed, notes) : throw new DataException($"{path}: no such file or folder."); }
        string trainPath = Part(path, "train", null), testPath = Part(path, "test", trainPath);
        Numbering skills = new();
        TracedLearner[] train = skills.Of(LearnerLog.Read(trainPath, columns, notes)), test = skills.Of(LearnerLog.Read(testPath, columns, notes));
        RefuseShared(trainPath, train, testPath, test);
        TracingSet set = new(TextSource.NameOf(path), skills.Names, [.. train, .. test], []) { Notes = [.. notes, .. skills.Notes] };
        int known = train.Length;
        int[] tested = [.. Enumerable.Range(known, set.Learners.Length - known)];
        int[][] learners = Whole(set.Learners[..known]);
        if (learners.Length < 2) { throw new DataException($"{trainPath}: {learners.Length} learners with two answers or more; at least two are needed, one of them to choose the epoch."); }
        if (tested.Length == 0) { throw new DataException($"{testPath}: no learner with two answers or more."); }
        List<Split> folds = [];
        for (int k = 1; TextSource.TryFind(path, string.Create(CultureInfo.InvariantCulture, $"*valid{k}.csv")) is { } valid; k++)
        {
            int[] held = Places(valid, set, known, skills, columns);
            int[] rest = [.. Enumerable.Range(0, known).Except(held)];
            if (rest.Length == 0) { throw new DataException($"{valid}: holds every training learner."); }
            if (held.Select(l => set.Learners[l].Name).Intersect(rest.Select(l => set.Learners[l].Name)).FirstOrDefault() is { } torn) { throw new DataException($"{valid}: holds some of the answers of the learner '{torn}', and others are learned from; put all of them into it, or none."); }
            folds.Add(new(rest, tested, held));
        }
        if (folds.Count == 0)
        {
            int[] order = new Rng(seed).Permutation(learners.Length);
            int held = Math.Max(1, learners.Length / DrawnFolds);
            folds.Add(new(Rows(order[held..], learners), tested, Rows(order[..held], learners)));
        }
        return set with { Folds = [.. folds], TestGiven = true };
    }

    /// <summary>Answers of new learners, in the numbers of known skills.</summary>
    /// <exception cref="DataException">A skill is not known.</exception>
    public static TracedLearner[] Read(string path, string[] skills, EventColumns? columns = null)
    {
        Dictionary<string, int> places = skills.Select((s, i) => (s, i)).ToDictionary(p => p.s, p => p.i, StringComparer.Ordinal);
        return [.. LearnerLog.Read(path, columns).Select(learner => Numbers(learner, (answer, at) => (answer.Skills.Length == 0 && places.TryGetValue(OfItem(answer), out int place)) || places.TryGetValue(SkillOf(answer), out place) ? place
            : throw new DataException($"{path}: learner {learner.Learner}, answer {at + 1}: the skill '{SkillOf(answer)}' was not among those that the model learned; leave the answer out, or train with it.")))];
    }

    private static TracingSet Drawn(LearnerLog log, ulong seed) => Drawn(log.Name, log.Learners, seed, []);

    private static TracingSet Drawn(string name, IEnumerable<LearnerSequence> all, ulong seed, List<string> notes)
    {
        Numbering skills = new();
        TracedLearner[] traced = skills.Of(all);
        TracingSet set = new(name, skills.Names, traced, []) { Notes = [.. notes, .. skills.Notes] };
        int[][] learners = Whole(traced);
        if (learners.Length < DrawnFolds) { throw new DataException($"{name}: {learners.Length} learners with two answers or more are too few for {DrawnFolds} folds."); }
        Split[] folds = DeepEdu.Data.Folds.KFold(learners.Length, DrawnFolds, new Rng(seed));
        return set with { Folds = [.. folds.Select((f, k) => new Split(Rows(f.Train.Except(folds[(k + 1) % DrawnFolds].Test), learners), Rows(f.Test, learners), Rows(folds[(k + 1) % DrawnFolds].Test, learners)))] };
    }

    // the places of each learner: one that stands in a file twice is one
    private static int[][] Whole(TracedLearner[] learners) => [.. Enumerable.Range(0, learners.Length).GroupBy(l => learners[l].Name, StringComparer.Ordinal).Select(g => g.ToArray())];

    private static int[] Rows(IEnumerable<int> learners, int[][] places) => [.. learners.SelectMany(l => places[l])];

    /// <summary>The one file whose name has a word in it, beside another and those to choose by.</summary>
    private static string Part(string folder, string word, string? other)
    {
        string pattern = $"*{word}*.csv";
        string[] files = [.. TextSource.FindAll(folder, pattern).Where(file => file != other && !IsValidation(file))];
        return files.Length switch
        {
            1 => files[0],
            0 => throw new DataException($"{folder}: no file {pattern} or {pattern}.gz in this folder{(other is null ? "" : $" beside {Path.GetFileName(other)}")}."),
            _ => throw new DataException($"{folder}: several files may be the {word} part: {string.Join(", ", files.Select(Path.GetFileName))}; leave one in this folder, or name them so that only one has '{word}' in its name."),
        };

        static bool IsValidation(string file) => TextSource.NameOf(file) is var name && name.TrimEnd([.. "0123456789"]) is var bare && bare.Length < name.Length && bare.EndsWith("valid", StringComparison.Ordinal);
    }

    private static void RefuseShared(string trainPath, TracedLearner[] train, string testPath, TracedLearner[] test)
    {
        string[] shared = [.. train.Where(l => l.Named).Select(l => l.Name).Intersect(test.Where(l => l.Named).Select(l => l.Name), StringComparer.Ordinal)];
        if (shared.Length == 0) { return; }
        throw new DataException($"{testPath}: the learner '{shared[0]}'{(shared.Length > 1 ? $" and {shared.Length - 1} others are" : " is")} in {trainPath} too, but learners are learned from or tested as wholes; give one file with all answers, of which folds are drawn, or leave {(shared.Length > 1 ? "these" : "this one")} out of one of the two.");
    }

    private static IEnumerable<LearnerSequence> Usable(IEnumerable<LearnerSequence> learners) => learners.Where(l => l.Answers.Length > 1);

    private static TracedLearner Numbers(LearnerSequence learner, Func<Answer, int, int> place)
        => new(learner.Learner, [.. learner.Answers.Select(place)], [.. learner.Answers.Select(a => a.Correct >= 0.5f)]) { Group = learner.Group ?? "", Named = learner.Named };

    private static string SkillOf(Answer answer) => answer.Skills.Length switch { 0 => answer.Item ?? "", 1 => answer.Skills[0], _ => string.Join('_', answer.Skills.Order(StringComparer.Ordinal)) };

    // how an answer without a skill is named where its item is called as a skill is
    private static string OfItem(Answer answer) => $"item {answer.Item}";

    /// <summary>Which training learners those of a validation file are: the files have no names, so by what they answered.</summary>
    private static int[] Places(string path, TracingSet set, int known, Numbering skills, EventColumns? columns)
    {
        Dictionary<string, Queue<int>> places = [];
        for (int l = 0; l < known; l++)
        {
            string key = Key(set.Learners[l]);
            if (!places.TryGetValue(key, out var queue)) { places.Add(key, queue = []); }
            queue.Enqueue(l);
        }
        return [.. Usable(LearnerLog.Read(path, columns)).Select(learner => places.TryGetValue(Key(Numbers(learner, (answer, _) => skills.Find(answer))), out var queue) && queue.TryDequeue(out int place)
            ? place : throw new DataException($"{path}: learner {learner.Learner} (from 0) is not in the training file; a validation part is taken from it."))];

        static string Key(TracedLearner learner) => $"{string.Join(',', learner.Skills)} {string.Concat(learner.Right.Select(r => r ? '1' : '0'))}";
    }

    /// <summary>Skills get their numbers as they come. An answer that names no skill stands under its item, which is no skill even if one is called the same.</summary>
    private sealed class Numbering
    {
        private readonly Dictionary<(string Name, bool Item), int> _places = [];
        private int _unskilled, _skilled;

        public string[] Names => [.. _places.OrderBy(p => p.Value).Select(p => p.Key.Item && _places.ContainsKey((p.Key.Name, false)) ? $"item {p.Key.Name}" : p.Key.Name)];

        public IEnumerable<string> Notes => _unskilled == 0 || _skilled == 0 ? [] : [$"{_unskilled} of {_unskilled + _skilled} answers name no skill; each of their items is taken for a skill of its own"];

        public TracedLearner[] Of(IEnumerable<LearnerSequence> learners) => [.. Usable(learners).Select(l => Numbers(l, (answer, _) =>
        {
            if (answer.Skills.Length == 0) { _unskilled++; } else { _skilled++; }
            if (!_places.TryGetValue(Key(answer), out int place)) { _places.Add(Key(answer), place = _places.Count); }
            return place;
        }))];

        /// <summary>The number that a skill has; −1 if it has none.</summary>
        public int Find(Answer answer) => _places.GetValueOrDefault(Key(answer), -1);

        private static (string, bool) Key(Answer answer) => (SkillOf(answer), answer.Skills.Length == 0);
    }
}
