using System.Globalization;
using DeepEdu.Education.Models;
using DeepEdu.Education.Report;
using DeepEdu.Education.Tasks;
using DeepEdu.Numerics;

namespace DeepEdu.Tests.Education;

/// <summary>Adaptive tests: what items tell, how they are chosen, and that tests find abilities.</summary>
[Collection("process settings")]
public sealed class AdaptiveTests : FolderTests
{
    /// <summary>By their definitions: the expected square of the score, and the curvature of the divergence.</summary>
    [Theory]
    [InlineData(1.2, 0.4, 0)]
    [InlineData(0.7, -1.1, 0.2)]
    public void InformationIsThatOfOneAnswer(double a, double d, double c)
    {
        ItemCurve curve = new(a, d, c);
        const double h = 1e-4;
        foreach (double x in new[] { -2.5, -0.3, 0, 1.7 })
        {
            double p = curve.Chance(x), expected = (p * Math.Pow(Score(x, true), 2)) + ((1 - p) * Math.Pow(Score(x, false), 2));
            Assert.Equal(expected, curve.Information(x), 1e-6);
            if (c == 0) { Assert.Equal(a * a * p * (1 - p), curve.Information(x), 1e-12); }
            Assert.Equal(0, curve.Divergence(x, x), 1e-12);
            Assert.True(curve.Divergence(x, x + 1) > 0 && curve.Divergence(x, x - 1) > 0);
            Assert.Equal(curve.Information(x), (curve.Divergence(x, x + h) + curve.Divergence(x, x - h)) / (h * h), 1e-3);
        }
        // over a short reach the integral is that of a parabola: information · reach³/3
        Assert.Equal(curve.Information(0.5) * Math.Pow(0.1, 3) / 3, ItemChoice.Around(curve, 0.5, 0.1), 2e-5);

        double Score(double at, bool right) => (Log(at + h, right) - Log(at - h, right)) / (2 * h);

        double Log(double at, bool right) => Math.Log(right ? curve.Chance(at) : 1 - curve.Chance(at));
    }

    [Fact]
    public void TheChosenItemTellsMost()
    {
        ItemBank bank = new([new(1, 2, 0), new(1, 0, 0), new(2, 0.2, 0), new(1, -2, 0)]); // difficulties -2, 0, -0.1 (sharp), 2
        Rng rng = new(1);
        Assert.Equal(2, ItemChoice.Fisher.Next(bank, new(0, 1), 0, [0, 1, 2, 3], rng));
        Assert.Equal(1, ItemChoice.Fisher.Next(bank, new(0, 1), 1, [0, 1, 3], rng));
        Assert.Equal(1, ItemChoice.Fisher.Next(bank, new(1.8, 1), 1, [0, 3], rng)); // the place in what is left: the hard one
        Assert.Equal(0, ItemChoice.Kullback.Next(bank, new(-1.8, 1), 20, [0, 3], rng));
        Assert.Equal(2, ItemChoice.Kullback.Next(bank, new(0, 1), 0, [0, 1, 2, 3], rng));
        ItemBank many = new([.. Enumerable.Range(0, 9).Select(i => new ItemCurve(1 + (i * 0.1), 0, 0))]);
        Assert.Equal([4, 5, 6, 7, 8], Enumerable.Range(0, 300).Select(_ => ItemChoice.FisherOfFive.Next(many, new(0, 1), 0, [.. Enumerable.Range(0, 9)], rng)).Distinct().Order());
        Assert.Equal(9, Enumerable.Range(0, 300).Select(_ => ItemChoice.Random.Next(many, new(0, 1), 0, [.. Enumerable.Range(0, 9)], rng)).Distinct().Count());
    }

    /// <summary>A test ends as it is told to, gives no item twice, and stands where all its answers together stand.</summary>
    [Fact]
    public void ATestEndsWhenEnoughIsKnown()
    {
        ItemBank bank = new([.. Enumerable.Range(0, 60).Select(i => new ItemCurve(1.5, (i / 10.0) - 3, 0))]);
        foreach (ItemChoice choice in ItemChoice.All)
        {
            Rng answers = new(2);
            Dictionary<int, bool> given = [];
            TakenTest test = AdaptiveTest.Take(bank, choice, TestEnd.Usual, Enumerable.Range(0, 60), item => given[item] = answers.NextDouble() < bank.Curves[item].Chance(0.8), new Rng(3));
            Assert.Equal(test.Items.Length, test.Items.Distinct().Count());
            Assert.True(test.Known.Error < 0.3 || test.Items.Length == 40);
            Assert.All(test.After[..^1], k => Assert.True(k.Error >= 0.3));
            Ability together = bank.Estimate(test.Items.Select(i => (i, given[i])));
            Assert.Equal(together.Mean, test.Known.Mean, 1e-9);
            Assert.Equal(together.Error, test.Known.Error, 1e-9);
        }
        Assert.Equal(7, AdaptiveTest.Take(bank, ItemChoice.Fisher, new(0, 7), Enumerable.Range(0, 60), _ => true, new Rng(1)).Items.Length);
        Assert.Equal(3, AdaptiveTest.Take(bank, ItemChoice.Fisher, new(0, 40), [4, 8, 9], _ => true, new Rng(1)).Items.Length);
        Assert.Equal(0, AdaptiveTest.Take(bank, ItemChoice.Fisher, new(2, 40), [4], _ => true, new Rng(1)).Known.Mean, 1e-12); // enough is known before the first
    }

    /// <summary>Chosen items make shorter tests that are as good, at the price of items that everybody sees.</summary>
    [Fact]
    public void ChosenItemsMakeShorterTests()
    {
        IReadOnlyList<RunResult> results = new DiagnoseTask().Run(new() { Quick = true, Epochs = 1 }, new NoProgress(), default);
        RunResult result = results[1];
        Assert.Equal("diagnose-adaptive", result.Task);
        Dictionary<string, double> Of(IEnumerable<Score> scores) => scores.ToDictionary(s => s.Name, s => s.Value);
        Dictionary<string, double> fisher = Of(result.Metrics), kullback = Of(result.Baselines[0].Scores), five = Of(result.Baselines[1].Scores), random = Of(result.Baselines[2].Scores);
        foreach (var (name, chosen) in new[] { ("Fisher", fisher), ("Kullback-Leibler", kullback), ("one of five", five) })
        {
            Assert.True(chosen["items"] < 0.75 * random["items"], $"{name}: {chosen["items"]} beside {random["items"]}");
            Assert.InRange(chosen["ability_rmse"], 0.2, 0.45); // 0.3, told from forty tests
            Assert.True(chosen["reached"] > 0.75 && chosen["reached"] > random["reached"] + 0.2, $"{name}: {chosen["reached"]}"); // at the ends of the scale there are few items
        }
        Assert.Equal(1, fisher["exposure"]); // all begin with the same item
        Assert.True(five["exposure"] < 1 && random["exposure"] < five["exposure"]);
        Assert.True(random["coverage"] > fisher["coverage"] && random["gini"] < fisher["gini"]);
    }

    /// <summary>A saved bank says what is known and what to ask next.</summary>
    [Fact]
    public void TheBankGoesOnWithATest()
    {
        string run = Path.Combine(Folder, "run");
        Program.Succeeds("diagnose", "--quick", "--epochs", "1", "--out", run);
        Program.Fails("holds several models", "predict", "--model", run, "--in", Write("new.csv", "user,item,correct\nu,q0,1\n"));
        string model = Path.Combine(run, "diagnose-adaptive"), file = Write("test.csv", "user,item,skill,correct\nu,q0,s0,1\n");
        List<string> asked = ["q0"];
        double error = 1;
        for (int n = 1; ; n++)
        {
            string[][] rows = Program.Predict(model, file);
            Assert.Equal(["learner", "answers", "ability", "error", "next"], rows[0]);
            Assert.Equal(("u", $"{n}"), (rows[1][0], rows[1][1]));
            double now = double.Parse(rows[1][3], CultureInfo.InvariantCulture);
            Assert.True(now < error + 0.05); // an answer that surprises may widen it a little
            error = now;
            if (rows[1][4].Length == 0) { break; }
            Assert.DoesNotContain(rows[1][4], asked);
            asked.Add(rows[1][4]);
            File.AppendAllText(file, $"u,{rows[1][4]},s0,{n % 2}\n");
        }
        Assert.True(error < 0.3 && asked.Count < 40, $"{error} after {asked.Count}");
    }

    /// <summary>Real answers are given again to a bank that learned nothing of their learners; of too few learners it says why not.</summary>
    [Fact]
    public void AnswersAreGivenAgain()
    {
        Rng rng = new(6);
        string Rows(int learners) => "user,item,skill,correct\n" + string.Concat(Enumerable.Range(0, learners).SelectMany(l =>
        {
            float ability = 2 * rng.NextGaussian();
            return Enumerable.Range(0, 30).Select(i => string.Create(CultureInfo.InvariantCulture, $"u{l},q{i},s{i % 2},{(rng.NextDouble() < 1 / (1 + Math.Exp(-ability - ((i - 15) / 10.0))) ? 1 : 0)}\n"));
        }));
        RunResult result = new DiagnoseTask().Run(new() { Quick = true, Epochs = 1, Data = Write("some.csv", Rows(150)) }, new NoProgress(), default)[1];
        ReportTable table = Assert.Single(result.Tables);
        Assert.StartsWith("Answers given again: 30 learners", table.Title, StringComparison.Ordinal);
        Assert.Equal(["items chosen by", "after 0", "after 3", "after 5", "after 10", "after all"], table.Header);
        Assert.Equal(4, table.Rows.Count);
        Assert.Single(table.Rows.Select(r => r[1]).Distinct()); // before and after all answers the choice does not matter
        Assert.Single(table.Rows.Select(r => r[^1]).Distinct());
        Assert.All(table.Rows, r => Assert.True(Number(r[2]) > Number(r[1]) + 0.05, string.Join(' ', r)));
        Assert.Contains("answers are not given again: of 10 learners held out 10 have 20 answers or more, and 20 such learners are needed", Program.Succeeds("diagnose", "--quick", "--epochs", "1", "--data", Write("few.csv", Rows(50)), "--out", Folder), StringComparison.Ordinal);

        static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
    }
}
