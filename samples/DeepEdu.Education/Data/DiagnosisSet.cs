using System.Globalization;
using DeepEdu.Data;
using DeepEdu.Education.Data.Simulated;
using DeepEdu.Numerics;

namespace DeepEdu.Education.Data;

/// <summary>Answers to diagnose by: which learner answered which item and whether it was right, which skills an item asks for, and which answers are learned from, chosen by and tested. An answer is a row; those of a learner follow each other.
/// What a learner knows is taken to stand still, so that only the first answer of a learner to an item counts; where items have no names, and stand for all questions that ask for the same skills, every answer does.</summary>
internal sealed class DiagnosisSet
{
    private const double Tested = 0.2, Chosen = 0.1;
    private static readonly string[] s_parts = ["train", "valid", "test"];

    private DiagnosisSet(string name, TracedLearner[] learners, string[] items, string[] skills, int[][] asks, Split parts)
    {
        (Name, Learners, Items, Skills, Asks, Parts) = (name, learners, items, skills, asks, parts);
        Learner = [.. learners.SelectMany((l, i) => Enumerable.Repeat(i, l.Count))];
        Item = [.. learners.SelectMany(l => l.Skills)];
        Right = [.. learners.SelectMany(l => l.Right)];
        Repeated = RepeatedAnswers.Find(new(name, items, learners, []));
    }

    /// <summary>Name of the data for reports.</summary>
    public string Name { get; }

    /// <summary>Learners, each with the items that it answered: the places in <see cref="Items"/> stand where a <see cref="TracedLearner"/> has its skills.</summary>
    public TracedLearner[] Learners { get; }

    public string[] Items { get; }

    public string[] Skills { get; }

    /// <summary>The skills of each item, at least one: the Q-matrix.</summary>
    public int[][] Asks { get; }

    /// <summary>The rows of each part.</summary>
    public Split Parts { get; }

    /// <summary>The learner of each row.</summary>
    public int[] Learner { get; }

    /// <summary>The item of each row.</summary>
    public int[] Item { get; }

    /// <summary>Whether the answer was right.</summary>
    public bool[] Right { get; }

    /// <summary>Rows that seem to give the answer of the row before once more.</summary>
    public RepeatedAnswers Repeated { get; }

    /// <summary>Whether the parts were given as files.</summary>
    public bool Given { get; private init; }

    /// <summary>Answers left out, since the learner had answered the item before.</summary>
    public int Again { get; private init; }

    /// <summary>Answers left out, since their item names no skill.</summary>
    public int WithoutSkill { get; private init; }

    /// <inheritdoc cref="TracingSet.Notes"/>
    public string[] Notes { get; private init; } = [];

    /// <summary>Test answers to items of whose skills none was asked of the learner among the answers learned from.</summary>
    public int Blind
    {
        get
        {
            HashSet<(int, int)> seen = [.. Parts.Train.SelectMany(r => Asks[Item[r]].Select(k => (Learner[r], k)))];
            return Parts.Test.Count(r => !Asks[Item[r]].Any(k => seen.Contains((Learner[r], k))));
        }
    }

    /// <summary>What the answers were made from; null of real ones.</summary>
    public SimulatedResponses? Truth { get; private init; }

    /// <summary>Simulated learners of five skills, who guess and slip.</summary>
    public static DiagnosisSet Simulated(ulong seed, int learners)
    {
        SimulatedResponses made = SimulatedResponses.Create(seed, new() { Learners = learners, Items = 80, Skills = 5, PerLearner = 40, Guess = 0.15f, Slip = 0.05f });
        DiagnosisSet set = Of(made.Log.Name, made.Log.Learners.Select(l => (l, 0)), seed, parts: 1, []);
        return new(set.Name, set.Learners, set.Items, set.Skills, set.Asks, set.Parts) { Truth = made };
    }

    /// <summary>A folder with <c>train.csv</c>, <c>item.csv</c> and, if they are there, <c>valid.csv</c> and <c>test.csv</c>; or one file, a long table or sequences, of which the parts are drawn.</summary>
    /// <param name="path">The file or folder.</param>
    /// <param name="seed">Of the parts that are drawn.</param>
    /// <param name="columns">Which column of a long table is what; the header decides if null.</param>
    public static DiagnosisSet Read(string path, ulong seed, EventColumns? columns = null)
    {
        List<string> notes = [];
        if (!Directory.Exists(path)) { return File.Exists(path) ? Of(TextSource.NameOf(path), LearnerLog.Read(path, columns, notes).Select(l => (l, 0)), seed, parts: 1, notes) : throw new DataException($"{path}: no such file or folder."); }
        if (!DiagnosisReader.IsHere(path)) { throw new DataException($"{path}: no train.csv with item.csv in this folder; give such a folder, or one file of answers: a long table with learner, item, skill and correct, or sequences."); }
        LearnerLog[] parts = DiagnosisReader.Read(path, columns: columns);
        notes.AddRange(parts.Where(p => p.PassedOver > 0).Select(p => p.PassedOverNote));
        string[] names = [.. parts.Select(p => p.Name)];
        return Of(TextSource.NameOf(path), parts.SelectMany(p => p.Learners.Select(l => (l, Array.IndexOf(s_parts, p.Name)))), seed, names.Contains(s_parts[2]) ? names.Contains(s_parts[1]) ? 3 : 2 : 1, notes, path);
    }

    /// <summary>The same where each answer is another's, drawn from all; rows that seem to be one answer take the same.</summary>
    public DiagnosisSet Shuffled(Rng rng) => new(Name, Repeated.Shuffled(rng).Learners, Items, Skills, Asks, Parts) { Given = Given, Again = Again, WithoutSkill = WithoutSkill };

    /// <summary>The number of the answer that each row gives: rows that seem to repeat one have its number.</summary>
    public int[] Cases()
    {
        int from = 0;
        return [.. Enumerable.Range(0, Learners.Length).SelectMany(l =>
        {
            int[] own = Repeated.Answers(l);
            int first = from;
            from += own.Length == 0 ? 0 : own[^1] + 1;
            return own.Select(a => first + a);
        })];
    }

    /// <summary>New learners' answers, in the numbers of known items.</summary>
    /// <exception cref="DataException">An item is not known.</exception>
    public static TracedLearner[] Read(string path, string[] items, EventColumns? columns = null)
    {
        Dictionary<string, int> places = items.Select((s, i) => (s, i)).ToDictionary(p => p.s, p => p.i, StringComparer.Ordinal);
        return [.. LearnerLog.Read(path, columns).Select(learner =>
        {
            int[] known = [.. learner.Answers.Select((a, at) => places.TryGetValue(ItemOf(a), out int place) ? place
                : throw new DataException($"{path}: learner {learner.Learner}, answer {at + 1}: the item '{ItemOf(a)}' was not among those that the model learned; leave the answer out, or train with it."))];
            int[] first = [.. Enumerable.Range(0, known.Length).Where(t => learner.Answers[t].Item is null || Array.IndexOf(known, known[t]) == t)];
            return new TracedLearner(learner.Learner, [.. first.Select(t => known[t])], [.. first.Select(t => learner.Answers[t].Correct >= 0.5f)]);
        })];
    }

    private static DiagnosisSet Of(string name, IEnumerable<(LearnerSequence Learner, int Part)> log, ulong seed, int parts, List<string> notes, string? folder = null)
    {
        Dictionary<string, int> items = new(StringComparer.Ordinal), skills = new(StringComparer.Ordinal);
        List<SortedSet<int>> asks = [];
        Dictionary<string, (LearnerSequence First, List<(int Item, bool Right, int Part)> Answers, HashSet<int> Seen)> learners = new(StringComparer.Ordinal);
        int again = 0, without = 0, unnamed = 0;
        foreach (var (learner, part) in log.OrderBy(l => l.Part))
        {
            string key = learner.Named ? learner.Learner : $"\n{unnamed++}";
            if (!learners.TryGetValue(key, out var own)) { learners.Add(key, own = (learner, [], [])); }
            foreach (Answer answer in learner.Answers)
            {
                if (answer.Skills.Length == 0 && (answer.Item is null || !items.ContainsKey(answer.Item))) { without++; continue; }
                int item = Number(items, ItemOf(answer));
                if (item == asks.Count) { asks.Add([]); }
                asks[item].UnionWith(answer.Skills.Select(s => Number(skills, s)));
                if (own.Seen.Add(item) || answer.Item is null) { own.Answers.Add((item, answer.Correct >= 0.5f, part)); } else { again++; }
            }
        }
        if (items.Count == 0) { throw new DataException($"{name}: no answer says which skill its item asks for, and without skills there is nothing to diagnose; give a long table with a column skill, or a folder with item.csv."); }
        var kept = learners.Values.Where(l => l.Answers.Count > 0).ToArray();
        int[] part0 = [.. kept.SelectMany(l => l.Answers.Select(a => a.Part))];
        Split split = parts == 3 ? new(At(part0, 0), At(part0, 2), At(part0, 1)) : Draw([.. kept.Select(l => l.Answers.Count)], part0, new Rng(seed).Split(0xD1A6), tests: parts == 1);
        foreach (var (what, rows) in new[] { ("to learn from", split.Train), ("to choose the epoch by", split.Validation), ("to be tested", split.Test) })
        {
            if (rows.Length == 0) { throw new DataException($"{folder ?? name}: no answer {what} of {part0.Length} answers; give more answers of each learner."); }
        }
        return new(name, [.. kept.Select(l => new TracedLearner(l.First.Learner, [.. l.Answers.Select(a => a.Item)], [.. l.Answers.Select(a => a.Right)]) { Group = l.First.Group ?? "", Named = l.First.Named })],
            [.. items.Keys], [.. skills.Keys], [.. asks.Select(a => a.ToArray())], split)
        { Given = parts > 1, Again = again, WithoutSkill = without, Notes = [.. notes, .. Several([.. items.Keys], [.. skills.Keys], asks)] };
    }

    // which names were taken apart shows whether they should have been
    private static IEnumerable<string> Several(string[] items, string[] skills, List<SortedSet<int>> asks)
        => asks.FindIndex(a => a.Count > 1) is var first and >= 0 ? [$"{asks.Count(a => a.Count > 1)} of {asks.Count} items ask for several skills, such as {items[first]} for {string.Join(" and ", asks[first].Select(k => $"'{skills[k]}'"))}"] : [];

    private static string ItemOf(Answer answer) => answer.Item ?? string.Join('_', answer.Skills.Order(StringComparer.Ordinal));

    private static int Number(Dictionary<string, int> numbers, string name)
    {
        if (!numbers.TryGetValue(name, out int number)) { numbers.Add(name, number = numbers.Count); }
        return number;
    }

    private static int[] At(int[] part, int of) => [.. Enumerable.Range(0, part.Length).Where(r => part[r] == of)];

    // of each learner's answers a fifth to test and a tenth to choose by, as nearly as whole answers allow: what is left over of a share is drawn; the first drawn is always learned from
    private static Split Draw(int[] counts, int[] part, Rng rng, bool tests)
    {
        List<int> train = [], validation = [], test = [];
        for (int l = 0, from = 0; l < counts.Length; from += counts[l++])
        {
            int[] own = [.. Enumerable.Range(from, counts[l]).Where(r => tests || part[r] == 0)], order = rng.Permutation(own.Length);
            int tested = tests ? Share(own.Length, Tested) : 0, chosen = Share(own.Length, tests ? Chosen : Chosen / (1 - Tested));
            chosen = Math.Clamp(chosen, 0, Math.Max(0, own.Length - 1));
            tested = Math.Clamp(tested, 0, Math.Max(0, own.Length - 1 - chosen));
            train.AddRange(order[(chosen + tested)..].Select(r => own[r]));
            validation.AddRange(order[..chosen].Select(r => own[r]));
            test.AddRange(order[chosen..(chosen + tested)].Select(r => own[r]));
        }
        train.Sort();
        validation.Sort();
        test.Sort();
        return new([.. train], tests ? [.. test] : At(part, 2), [.. validation]);

        int Share(int count, double share) => (int)((count * share) + rng.NextDouble());
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Name}: {Learners.Length} learners, {Item.Length} answers to {Items.Length} items, {Skills.Length} skills");
}
