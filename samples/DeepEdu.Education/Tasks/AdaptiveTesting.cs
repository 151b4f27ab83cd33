using System.Diagnostics;
using System.Globalization;
using DeepEdu.Education.Baselines;
using DeepEdu.Education.Cli;
using DeepEdu.Education.Data;
using DeepEdu.Education.Data.Simulated;
using DeepEdu.Education.Models;
using DeepEdu.Education.Report;
using DeepEdu.Education.Saved;
using DeepEdu.Education.Ui;
using DeepEdu.Metrics;
using DeepEdu.Numerics;

namespace DeepEdu.Education.Tasks;

/// <summary>Adaptive tests from a bank of items with two parameters: how long they are, how well they find abilities that are known, and how they use the bank, beside other ways to choose items.</summary>
/// <param name="bank">The items as they were fitted.</param>
/// <param name="abilities">Of those who take the test.</param>
/// <param name="right">Whether one of them answers an item right, the same in every test.</param>
internal sealed class AdaptiveTesting(ItemBank bank, double[] abilities, bool[,] right)
{
    public const string Task = "diagnose-adaptive";

    private const int Calibrating = 400, Tested = 200, SimulatedItems = 120, LeastAnswers = 20;
    private const double HeldOut = 0.2;
    private static readonly int[] s_shown = [0, 3, 5, 10];

    /// <summary>What tests are worth, item by item chosen in one way.</summary>
    public Score[] Scores(ItemChoice choice, Rng rng)
    {
        double length = 0, square = 0, error = 0, reached = 0;
        int[] given = new int[bank.Curves.Length];
        CatalogueUse use = new(given, abilities.Length);
        int[] all = [.. Enumerable.Range(0, given.Length)];
        for (int l = 0; l < abilities.Length; l++)
        {
            TakenTest test = AdaptiveTest.Take(bank, choice, TestEnd.Usual, all, item => right[l, item], rng.Split((ulong)l));
            foreach (int item in test.Items) { given[item]++; }
            use.Add(test.Items);
            (length, square, error) = (length + test.Items.Length, square + Math.Pow(test.Known.Mean - abilities[l], 2), error + test.Known.Error);
            reached += test.Known.Error < TestEnd.Usual.Error ? 1 : 0;
        }
        double n = abilities.Length;
        return [new("items", length / n), new("ability_rmse", Math.Sqrt(square / n)), new("ability_error", error / n), new("reached", reached / n), new("exposure", given.Max() / n), new("coverage", use.Coverage), new("gini", use.Gini)];
    }

    /// <summary>Tests of simulated learners with a bank that was fitted on others; or, of real data, of learners who answer as the bank has it, and of real ones whose answers are given again.</summary>
    public static RunResult Run(DiagnosisSet set, ItemResponse fitted, RunOptions options, IProgress progress, CancellationToken stop)
    {
        Stopwatch clock = Stopwatch.StartNew();
        Rng rng = new Rng(options.Seed).Split(0xCA7);
        var (names, bank, tests, data, who) = set.Truth is null ? Drawn(set, fitted.Bank, rng.Split(1)) : Simulated(options);
        (string Name, Score[] Scores)[] rows = [.. ItemChoice.All.TakeWhile(_ => !stop.IsCancellationRequested).Select((c, i) => (c.Name, tests.Scores(c, rng.Split(10 + (ulong)i))))];
        foreach (var (name, scores) in rows)
        {
            progress.Line(string.Create(CultureInfo.InvariantCulture, $"adaptive test, {name}: {scores[0].Value:F1} items, rmse of ability {scores[1].Value:F3}, standard error below {TestEnd.Usual.Error} in {scores[3].Value:P0}, most shown item in {scores[4].Value:P0} of tests"));
        }
        ReportTable? replayed = set.Truth is null && !stop.IsCancellationRequested ? Replayed(set, rng.Split(2), progress) : null;
        RunResult result = new(Task, ItemChoice.Fisher.Name, data)
        {
            Metrics = rows.Length > 0 ? rows[0].Scores : [],
            Baselines = [.. rows.Skip(1).Select(r => (r.Name, (IReadOnlyList<Score>)r.Scores))],
            Seconds = clock.Elapsed.TotalSeconds,
            Seed = options.Seed,
            Tables = replayed is null ? [] : [replayed],
            Protocol = string.Create(CultureInfo.InvariantCulture, $"A bank of {bank.Curves.Length} items with two parameters; {who}. A test ends when the standard error of the ability is below {TestEnd.Usual.Error}, or after {Math.Min(TestEnd.Usual.Most, bank.Curves.Length)} items; the ability is the mean of its distribution (EAP). ")
                + "items: mean length; ability_rmse: beside the true abilities; reached: share of tests that ended by the standard error; exposure: share of the tests in which the item shown most stands; coverage: share of the items in any test; gini: how unevenly items are used.",
        };
        RunFolder.Open(options, Task, "").SaveModel(BankPredictor.Kind, new(), result, stop, [.. BankPredictor.Parts(names, bank)]);
        return result;
    }

    private static (string[] Names, ItemBank Bank, AdaptiveTesting Tests, string Data, string Who) Simulated(RunOptions options)
    {
        SimulatedResponses made = SimulatedResponses.Create(options.Seed, new() { Learners = Calibrating + (options.Quick ? 40 : Tested), Items = SimulatedItems, Skills = 1, Guess = 0, Slip = 0 });
        (int Item, bool Right)[][] answers = [.. made.Log.Learners.Select(l => l.Answers.Select(a => (int.Parse(a.Item.AsSpan(1)), a.Correct > 0)).ToArray())];
        ItemBank bank = ItemResponse.Fit(answers[..Calibrating], SimulatedItems, 2).Bank;
        bool[,] right = new bool[answers.Length - Calibrating, SimulatedItems];
        double[] abilities = new double[answers.Length - Calibrating];
        for (int l = 0; l < abilities.Length; l++)
        {
            abilities[l] = made.Ability[Calibrating + l, 0];
            foreach (var (item, isRight) in answers[Calibrating + l]) { right[l, item] = isRight; }
        }
        return ([.. Enumerable.Range(0, SimulatedItems).Select(i => $"q{i}")], bank, new(bank, abilities, right), "simulated responses, one skill", $"fitted on {Calibrating} simulated learners, taken by {abilities.Length} others, whose abilities are known");
    }

    private static (string[] Names, ItemBank Bank, AdaptiveTesting Tests, string Data, string Who) Drawn(DiagnosisSet set, ItemBank bank, Rng rng)
    {
        double[] abilities = [.. Enumerable.Range(0, Tested).Select(_ => (double)rng.NextGaussian())];
        bool[,] right = new bool[Tested, bank.Curves.Length];
        for (int l = 0; l < Tested; l++)
        {
            for (int i = 0; i < bank.Curves.Length; i++) { right[l, i] = rng.NextDouble() < bank.Curves[i].Chance(abilities[l]); }
        }
        return (set.Items, bank, new(bank, abilities, right), set.Name, $"fitted on the training answers, taken by {Tested} learners who are drawn and answer as the bank has it: how real learners differ from it does not show here, but where answers are given again");
    }

    /// <summary>Real learners of whom the bank has learned nothing take tests of half of the items that they answered, their answers being given again; what is then known tells the other half. Null where too few answered enough.</summary>
    private static ReportTable? Replayed(DiagnosisSet set, Rng rng, IProgress progress)
    {
        int[] order = rng.Permutation(set.Learners.Length), held = order[..(int)(HeldOut * order.Length)];
        HashSet<int> apart = [.. held];
        int[] examined = [.. held.Where(l => set.Learners[l].Count >= LeastAnswers).Order()];
        if (examined.Length < LeastAnswers)
        {
            progress.Line($"answers are not given again: of {held.Length} learners held out {examined.Length} have {LeastAnswers} answers or more, and {LeastAnswers} such learners are needed");
            return null;
        }
        ItemBank bank = new ItemResponse(set, 2, [.. Enumerable.Range(0, set.Item.Length).Where(r => !apart.Contains(set.Learner[r]))]).Bank;
        RocAuc[][] areas = [.. ItemChoice.All.Select(_ => Enumerable.Range(0, s_shown.Length + 1).Select(_ => new RocAuc()).ToArray())];
        foreach (int l in examined)
        {
            TracedLearner learner = set.Learners[l];
            int[] places = [.. rng.Split((ulong)l).Permutation(learner.Count).Where(t => !set.Repeated.Repeats(l, t) && (t + 1 == learner.Count || !set.Repeated.Repeats(l, t + 1)))];
            int[] given = places[..(places.Length / 2)], asked = places[(places.Length / 2)..];
            ItemBank own = new([.. given.Select(t => bank.Curves[learner.Skills[t]])]); // where items have no names one may be asked several times
            Ability all = own.Estimate(given.Select((t, i) => (i, learner.Right[t])));
            for (int c = 0; c < areas.Length; c++)
            {
                TakenTest test = AdaptiveTest.Take(own, ItemChoice.All[c], new(0, s_shown[^1]), Enumerable.Range(0, given.Length), i => learner.Right[given[i]], rng.Split((ulong)l).Split((ulong)c));
                for (int s = 0; s <= s_shown.Length; s++)
                {
                    double ability = s == s_shown.Length ? all.Mean : s_shown[s] == 0 || test.After.Length == 0 ? 0 : test.After[Math.Min(s_shown[s], test.After.Length) - 1].Mean;
                    foreach (int t in asked) { areas[c][s].Add(bank.Curves[learner.Skills[t]].Chance(ability), learner.Right[t]); }
                }
            }
        }
        return new($"Answers given again: {examined.Length} learners of whom the bank has learned nothing, tested with half of the items that they answered; auc of the other half", ["items chosen by", .. s_shown.Select(n => $"after {n}"), "after all"],
            [.. areas.Select((row, c) => (string[])[ItemChoice.All[c].Name, .. row.Select(a => ResultTable.Number(a.Value))])]);
    }
}
