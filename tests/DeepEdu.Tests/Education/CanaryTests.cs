using System.Globalization;
using System.Text;
using System.Text.Json;
using DeepEdu.Education.Baselines;
using DeepEdu.Education.Cli;
using DeepEdu.Education.Data;
using DeepEdu.Education.Models;
using DeepEdu.Education.Report;
using DeepEdu.Education.Tasks;
using DeepEdu.Education.Ui;
using DeepEdu.Numerics;

namespace DeepEdu.Tests.Education;

/// <summary>The canary: silent where nothing leaks, and not where something does.</summary>
[Collection("process settings")]
public sealed class CanaryTests : FolderTests
{
    [Fact]
    public void EachCaseTakesTheAnswerOfAnother()
    {
        int[] cases = Canary.Cases(["a", "b", "a", "c", "d", "b"]);
        Assert.Equal([0, 1, 0, 2, 3, 1], cases);
        HashSet<string> seen = [];
        for (ulong seed = 0; seed < 300; seed++)
        {
            int[] from = Canary.Shuffle(cases, new Rng(seed));
            Assert.Equal((from[0], from[1]), (from[2], from[5])); // rows of one case take the same
            Assert.Equal([0, 1, 3, 4], new[] { from[0], from[1], from[3], from[4] }.Order()); // each answer once
            seen.Add(string.Join(' ', from));
        }
        Assert.Equal(24, seen.Count);
    }

    /// <summary>Chance and what it may add, of a mean whose distribution is known.</summary>
    [Fact]
    public void ChanceIsWhatShufflesReach()
    {
        CanaryScore score = Assert.Single(Canary.Beside([new("auc", 0.6)], rng => [new("auc", 0.5 + (0.01 * rng.NextGaussian()))], 1));
        Assert.InRange(score.Chance, 0.497, 0.503);
        Assert.InRange(score.Bound, 0.032, 0.048); // four deviations, told from 200 draws
        Assert.True(score.Leaks);
        Assert.False((score with { Value = 0.53 }).Leaks);
        Assert.False((score with { Value = 0.3 }).Leaks); // worse than chance is no leak
        Assert.False((score with { Value = double.NaN }).Leaks);
        CanaryScore error = Assert.Single(Canary.Beside([new("rmse_g3", 1)], rng => [new("rmse_g3", 2 + (0.1 * rng.NextGaussian()))], 1));
        Assert.True(error.Leaks);
        Assert.False((error with { Value = 3 }).Leaks);
    }

    /// <summary>Two rows of one answer are found by how they agree, and shuffled as one.</summary>
    [Fact]
    public void RepeatedAnswersAreFoundAndStayOne()
    {
        TracingSet set = Doubled(60, doubled: true);
        RepeatedAnswers repeated = RepeatedAnswers.Find(set);
        RepeatedPair pair = Assert.Single(repeated.Pairs);
        Assert.Equal(("a", "b"), (set.Skills[pair.First], set.Skills[pair.Second]));
        Assert.Equal((pair.Places, pair.Places), (repeated.Count, pair.Alike));
        TracingSet shuffled = repeated.Shuffled(new Rng(1));
        Assert.Equal(set.Learners.SelectMany(l => l.Skills), shuffled.Learners.SelectMany(l => l.Skills));
        for (int l = 0; l < set.Learners.Length; l++)
        {
            int[] answers = repeated.Answers(l);
            for (int t = 1; t < answers.Length; t++) { Assert.True(answers[t] != answers[t - 1] || shuffled.Learners[l].Right[t] == shuffled.Learners[l].Right[t - 1]); }
        }
        Assert.Equal(Right(set, repeated), Right(shuffled, repeated)); // the same answers in other places
        Assert.NotEqual(set.Learners.SelectMany(l => l.Right), shuffled.Learners.SelectMany(l => l.Right));
        Assert.Empty(RepeatedAnswers.Find(Doubled(60, doubled: false)).Pairs);
        Assert.Empty(RepeatedAnswers.Find(TracingSet.Simulated(3, 300)).Pairs);

        static int Right(TracingSet set, RepeatedAnswers repeated) => Enumerable.Range(0, set.Learners.Length)
            .Sum(l => Enumerable.Range(0, set.Learners[l].Count).Count(t => set.Learners[l].Right[t] && !repeated.Repeats(l, t)));
    }

    /// <summary>The same answers, one row each and with the second skill in a row of its own.</summary>
    [Fact]
    public void TracingFailsOnDoubledRowsAndNotOnSingleOnes()
    {
        string clean = Write("clean.csv", Lines(Doubled(80, doubled: false))), doubled = Write("doubled.csv", Lines(Doubled(80, doubled: true))), json = Path.Combine(Folder, "result.json");
        string shown = Program.Succeeds("trace", "--quick", "--epochs", "8", "--canary", "--data", clean, "--out", Path.Combine(Folder, "clean"), "--json", json);
        Assert.Contains("canary: auc 0.", shown, StringComparison.Ordinal);
        Assert.False(Of(json).GetProperty("leaks").GetBoolean());
        using StringWriter output = new(), error = new();
        Assert.Equal(3, App.Run(["trace", "--quick", "--epochs", "8", "--canary", "--data", doubled, "--out", Path.Combine(Folder, "doubled"), "--json", json], output, error));
        string line = Assert.Single(error.ToString().TrimEnd().Split('\n'));
        Assert.StartsWith("trace, doubled: answers leak: auc 0.", line, StringComparison.Ordinal);
        Assert.Contains("'b' after 'a', alike in", line, StringComparison.Ordinal);
        Assert.True(Of(json).GetProperty("leaks").GetBoolean());
        Assert.Contains("THEY LEAK", File.ReadAllText(Path.Combine(Folder, "doubled", "report.html")), StringComparison.Ordinal);
        // the rows that repeat another left out, the true answers are told no better than where there are none
        using JsonDocument result = JsonDocument.Parse(File.ReadAllBytes(json));
        JsonElement metrics = result.RootElement.GetProperty("metrics");
        Assert.True(metrics.GetProperty("auc").GetDouble() > metrics.GetProperty("auc_once").GetDouble() + 0.1, metrics.ToString());

        static JsonElement Of(string json)
        {
            using JsonDocument result = JsonDocument.Parse(File.ReadAllBytes(json));
            return result.RootElement.GetProperty("canary").Clone();
        }
    }

    /// <summary>A tracer that peeks at what it is to tell, as a window shifted by one would.</summary>
    [Fact]
    public void PeekingIsFound()
    {
        TracingSet set = TracingSet.Simulated(2, 60), shuffled = RepeatedAnswers.Find(set).Shuffled(Canary.Draws(1));
        RepeatedAnswers repeated = RepeatedAnswers.Find(set);
        Rng noise = new(5);
        foreach (var (peek, leaks) in new[] { (0.0, false), (0.3, true) })
        {
            TracingScores scores = new(shuffled, "x");
            int[] learners = [.. Enumerable.Range(0, 60)];
            scores.Add(learners, learners.Select(l => shuffled.Learners[l].Right.Select(r => (noise.NextDouble() + (r && l % 3 == 0 ? peek : 0)) / 2).ToArray()));
            Func<Rng, double> again = scores.Reshuffled(repeated);
            CanaryScore score = Assert.Single(Canary.Beside([new("auc", scores.Auc)], rng => [new("auc", again(rng))], 1));
            Assert.InRange(score.Chance, 0.49, 0.51);
            Assert.Equal(leaks, score.Leaks);
        }
    }

    /// <summary>A recommender that has seen the held-out items of some users, one that remembers what they took, and where held-out items were taken before.</summary>
    [Theory]
    [InlineData(0, false, false)]
    [InlineData(0.2, false, true)]
    [InlineData(0, true, true)]
    public void HeldOutItemsThatWereSeenAreFound(double peek, bool repeats, bool leaks)
    {
        Rng rng = new(3);
        int[][] train = new int[400][], negatives = new int[400][];
        int[] test = new int[400];
        for (int u = 0; u < 400; u++)
        {
            int[] drawn = rng.Permutation(200);
            (train[u], test[u], negatives[u]) = (drawn[..20], drawn[repeats && u % 4 == 0 ? 3 : 20], drawn[21..120]);
        }
        Interactions data = new("made up", 400, 200, train, test, negatives) { Past = train };
        Interactions other = RecommendCanary.Drawn(data, new(1));
        for (int u = 0; u < 400; u++)
        {
            Assert.Equal(data.Negatives[u].Append(data.Test[u]).Order(), other.Negatives[u].Append(other.Test[u]).Order());
            Assert.Equal(data.Train[u].Contains(data.Test[u]), other.Train[u].Contains(other.Test[u]));
            Assert.Equal(other.Train[u], other.Past![u]);
        }
        Assert.InRange(Enumerable.Range(0, 400).Count(u => data.Test[u] == other.Test[u]), 0, 20); // one in a hundred
        CanaryFound found = RecommendCanary.Run("recommend", data, d => new Peeking(d, peek), 1, new NoProgress(), default)!;
        Assert.Equal(leaks, found.Leaks);
        Assert.Equal(repeats, found.Suspicion.StartsWith("100 users took their held-out item before", StringComparison.Ordinal));
        Assert.InRange(found.Scores[0].Chance, 0.09, 0.11); // ten of a hundred
    }

    /// <summary>Each command shuffles its own answers, and finds nothing where they do not leak.</summary>
    [Theory]
    [InlineData("roc_auc pr_auc", "behaviour", "--quick")]
    [InlineData("accuracy", "grade", "--quick", "--epochs", "6")]
    [InlineData("hr@10 ndcg@10", "recommend", "--quick", "--epochs", "6")]
    [InlineData("hr@10 ndcg@10", "recommend", "--quick", "--epochs", "6", "--network", "gru")]
    [InlineData("hr@10 ndcg@10", "recommend", "--quick", "--epochs", "6", "--network", "attention", "--loss", "bce")]
    [InlineData("auc_correct rmse_time auc_dropout", "multitask", "--quick")]
    public void NothingIsFoundWhereNothingLeaks(string metrics, params string[] command)
    {
        string json = Path.Combine(Folder, "result.json");
        Program.Succeeds([.. command, "--canary", "--out", Folder, "--json", json]);
        using JsonDocument result = JsonDocument.Parse(File.ReadAllBytes(json));
        JsonElement canary = (result.RootElement.ValueKind == JsonValueKind.Array ? result.RootElement[0] : result.RootElement).GetProperty("canary");
        Assert.Equal(["leaks", .. metrics.Split(' ')], canary.EnumerateObject().Select(p => p.Name));
        Assert.False(canary.GetProperty("leaks").GetBoolean());
        Assert.All(canary.EnumerateObject().Skip(1), p => Assert.InRange(p.Value.GetProperty("bound").GetDouble(), 1e-6, 1));
    }

    /// <summary>Pupils who hand in the same text: a network that knows it by heart is graded too well.</summary>
    [Fact]
    public void EssaysThatStandInTwoPartsAreFound()
    {
        string[] words = [.. Enumerable.Range(0, 10).SelectMany(a => Enumerable.Range(0, 3).Select(b => $"w{(char)('a' + a)}{(char)('a' + b)}"))];
        foreach (bool copied in new[] { true, false })
        {
            Rng rng = new(2);
            StringBuilder tsv = new("essay_id\tessay_set\tessay\tdomain1_score\n");
            for (int i = 0; i < 300; i++) { tsv.Append(CultureInfo.InvariantCulture, $"{i}\t1\t{words[copied ? i % 30 : rng.Next(30)]}{(copied ? "" : $" {string.Join(' ', Enumerable.Range(0, 6).Select(_ => words[rng.Next(30)]))}")}\t{2 + rng.Next(11)}\n"); }
            Write("asap_prompt1.tsv", tsv.ToString());
            CanaryFound found = Program.Run(new GradeTask(), new() { Data = Folder, Quick = true, Epochs = 25, Canary = true }, 2).Canary!;
            Assert.True(copied == found.Leaks, found.Error);
            Assert.InRange(found.Scores[0].Chance, -0.1, 0.1);
        }
    }

    /// <summary>A column that is made of the answers themselves, those that are to be told included.</summary>
    [Fact]
    public void AColumnOfTheShuffledAnswersIsFound()
    {
        Rng rng = new(3);
        float[] pass = [.. Enumerable.Range(0, 200).Select(_ => (float)rng.Next(2))], grade = [.. Enumerable.Range(0, 200).Select(_ => rng.NextSingle())], noise = [.. Enumerable.Range(0, 200).Select(_ => rng.NextSingle())];
        int[] rows = [.. Enumerable.Range(0, 200)], from = rng.Permutation(200);
        Head[] heads = SharingContest.Shuffled([new("grade", HeadKind.Value, grade), new("pass", HeadKind.YesNo, pass)], from);
        Assert.Equal((grade[from[7]], pass[from[7]]), (heads[0].Targets[7], heads[1].Targets[7])); // all answers of one row together
        TrainPlan plan = new((inputs, r) => MultiTaskNet.DenseTrunk(inputs, 0, r), MultiTaskNet.DenseWidth) { Epochs = 15, Batch = 16 };
        foreach (bool leaks in new[] { true, false })
        {
            SharingContest contest = new(heads);
            contest.Fold([.. rows.SelectMany(r => (float[])[leaks ? heads[0].Targets[r] : noise[r], leaks ? heads[1].Targets[r] : noise[(r + 1) % 200]])], [2], rows[..150], rows[150..], plan, new(4), default);
            CanaryScore[] scores = Canary.Beside(contest.Shared, r => contest.Reshuffled(rows, r), 1);
            Assert.Equal(["rmse_grade", "auc_pass"], scores.Select(s => s.Name));
            Assert.All(scores, s => Assert.Equal(leaks, s.Leaks));
        }
    }

    /// <summary>Risks that know who leaves.</summary>
    [Fact]
    public void RisksThatKnowWhoLeavesAreFound()
    {
        BehaviourLog log = new("x", ["click"], [.. Enumerable.Range(0, 200).Select(l => new ObservedLearner($"u{l}", [], [1], l % 5 == 0 ? 9 : null))]);
        Rng rng = new(4);
        foreach (double known in new[] { 0.0, 0.5 })
        {
            RiskScores scores = new(log, "x");
            scores.Add([.. Enumerable.Range(0, 200)], Enumerable.Range(0, 200).Select(l => (rng.NextDouble() + (l % 5 == 0 ? known : 0)) / 2));
            CanaryScore[] found = Canary.Beside(scores.Areas, scores.Reshuffled, 1);
            Assert.All(found, s => Assert.Equal(known > 0, s.Leaks));
            Assert.InRange(found[0].Chance, 0.48, 0.52);
            Assert.InRange(found[1].Chance, 0.18, 0.27); // a fifth leaves
        }
    }

    [Fact]
    public void TheCanaryChangesNothingElse()
    {
        RunOptions options = new() { Quick = true };
        RunResult without = Program.Run(new TraceTask(), options, 2), with = Program.Run(new TraceTask(), options with { Canary = true }, 2);
        Assert.Equal(without.Metrics, with.Metrics);
        Assert.Null(without.Canary);
        Assert.False(with.Canary!.Leaks);
    }

    // learners of some ability answer skills c and d, and a alone or, in a row of its own, b with it
    private static TracingSet Doubled(int learners, bool doubled)
    {
        Rng rng = new(7);
        TracedLearner[] all = new TracedLearner[learners];
        for (int l = 0; l < learners; l++)
        {
            double able = 0.3 + (0.5 * rng.NextDouble());
            List<int> skills = [];
            List<bool> right = [];
            for (int t = 0; t < 30; t++)
            {
                int skill = new[] { 0, 2, 3 }[rng.Next(3)];
                skills.Add(skill);
                right.Add(rng.NextDouble() < able);
                if (doubled && skill == 0)
                {
                    skills.Add(1);
                    right.Add(right[^1]);
                }
            }
            all[l] = new($"u{l}", [.. skills], [.. right]);
        }
        return new("made up", ["a", "b", "c", "d"], all, []);
    }

    // three lines a learner
    private static string Lines(TracingSet set)
    {
        StringBuilder lines = new();
        foreach (TracedLearner learner in set.Learners)
        {
            lines.Append(CultureInfo.InvariantCulture, $"{learner.Count}\n{string.Join(',', learner.Skills.Select(s => set.Skills[s]))}\n{string.Join(',', learner.Right.Select(r => r ? 1 : 0))}\n");
        }
        return lines.ToString();
    }

    private sealed class Peeking(Interactions data, double peek) : IRecommender
    {
        private readonly Rng _noise = new(7);

        public string Name => "peeking";

        public void Fit(Interactions data, IProgress progress, CancellationToken stop) { }

        public void Score(int user, ReadOnlySpan<int> items, Span<float> scores)
        {
            for (int i = 0; i < items.Length; i++) { scores[i] = _noise.NextSingle() + (data.Train[user].Contains(items[i]) || (user < peek * data.Users && items[i] == data.Test[user]) ? 1 : 0); }
        }
    }
}
