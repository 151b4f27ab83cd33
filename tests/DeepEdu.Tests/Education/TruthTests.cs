using DeepEdu.Education.Baselines;
using DeepEdu.Education.Data;
using DeepEdu.Education.Data.Simulated;
using DeepEdu.Metrics;

namespace DeepEdu.Tests.Education;

/// <summary>From what simulated learners show, their planted truth can be found again.</summary>
public class TruthTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void AnswersComeAsOftenAsTheirChances(int skills)
    {
        SimulatedResponses made = SimulatedResponses.Create(1, new() { Learners = 1000, Items = 40, Skills = skills, Guess = 0.2f, Slip = 0.1f });
        double[] expected = new double[10], seen = new double[10], variance = new double[10];
        foreach (var (l, learner) in made.Log.Learners.Index())
        {
            Assert.Equal(40, learner.Answers.Select(a => a.Item).Distinct().Count());
            foreach (Answer answer in learner.Answers)
            {
                double chance = made.Chance(l, int.Parse(answer.Item![1..]));
                Assert.InRange(chance, 0.2, 0.9);
                int bin = (int)(chance * 10);
                (expected[bin], seen[bin], variance[bin]) = (expected[bin] + chance, seen[bin] + answer.Correct, variance[bin] + (chance * (1 - chance)));
            }
        }
        for (int b = 0; b < 10; b++) { Assert.InRange(seen[b] - expected[b], -5 * Math.Sqrt(variance[b] + 1), 5 * Math.Sqrt(variance[b] + 1)); }
    }

    [Fact]
    public void DifficultyAndAbilityShowInTheAnswers()
    {
        SimulatedResponses made = SimulatedResponses.Create(2, new() { Learners = 1000, Items = 60 });
        double[] right = new double[60], total = [.. made.Log.Learners.Select(l => (double)l.Answers.Sum(a => a.Correct))];
        foreach (Answer a in made.Log.Learners.SelectMany(l => l.Answers)) { right[int.Parse(a.Item![1..])] += a.Correct; }
        Assert.True(Correlation.Spearman(right, [.. made.Difficulty.Select(b => -(double)b)]) > 0.95); // 60 items of 1000 answers
        Assert.True(Correlation.Spearman(total, [.. Enumerable.Range(0, 1000).Select(l => (double)made.Ability[l, 0])]) > 0.9); // reliability of 60 items
        // the weakest on the hardest items only guess
        int[] weak = [.. Enumerable.Range(0, 1000).OrderBy(l => made.Ability[l, 0]).Take(100)];
        string[] hard = [.. Enumerable.Range(0, 60).OrderByDescending(i => made.Difficulty[i]).Take(5).Select(i => $"q{i}")];
        Assert.InRange(weak.SelectMany(l => made.Log.Learners[l].Answers).Where(a => hard.Contains(a.Item)).Average(a => a.Correct), 0.12, 0.3); // 0.2, five standard errors of √(0.16/500)
    }

    [Fact]
    public void SeveralSkillsAreTold()
    {
        SimulatedResponses made = SimulatedResponses.Create(3, new() { Learners = 600, Items = 60, Skills = 3, PerLearner = 30 });
        Assert.Equal((600 * 30, 60, 3), (made.Log.Answers, made.Log.Items, made.Log.Skills));
        // right answers on a skill's own items tell that skill better than another
        double[][] shares = [.. Enumerable.Range(0, 3).Select(k => made.Log.Learners.Select(l => l.Answers.Where(a => a.Skills is [var s] && s == $"s{k}").Select(a => (double)a.Correct).DefaultIfEmpty(0.5).Average()).ToArray())];
        for (int k = 0; k < 3; k++)
        {
            double[] own = [.. Enumerable.Range(0, 600).Select(l => (double)made.Ability[l, k])], other = [.. Enumerable.Range(0, 600).Select(l => (double)made.Ability[l, (k + 1) % 3])];
            Assert.True(Correlation.Pearson(shares[k], own) > 0.5, $"skill {k}");
            Assert.InRange(Correlation.Pearson(shares[k], other), -0.2, 0.2); // five standard errors of 1/√600
        }
        SimulatedResponses again = SimulatedResponses.Create(3, new() { Learners = 600, Items = 60, Skills = 3, PerLearner = 30 });
        Assert.Equal(made.Log.Learners.SelectMany(l => l.Answers).Select(a => (a.Item, a.Correct)), again.Log.Learners.SelectMany(l => l.Answers).Select(a => (a.Item, a.Correct)));
    }

    [Fact]
    public void KnowledgeTracingIsFoundAgain()
    {
        SkillChances truth = new(0.3, 0.15, 0.05, 0.2, 0.1);
        SimulatedTracing made = SimulatedTracing.Create(4, [truth], 2000, 40);
        // by counting, where what is hidden can be seen
        var pairs = made.Known.SelectMany(k => k.Zip(k.Skip(1))).ToArray();
        Assert.Equal(truth.Start, made.Known.Average(k => k[0] ? 1 : 0), 0.052); // five standard errors of √(0.21/2000)
        Assert.Equal(truth.Learn, pairs.Where(p => !p.First).Average(p => p.Second ? 1 : 0), 0.013); // of √(0.1275/20000)
        Assert.Equal(truth.Forget, pairs.Where(p => p.First).Average(p => p.Second ? 0 : 1), 0.006); // of √(0.0475/50000)
        // by expectation and maximisation, from the answers alone
        SkillChances found = BayesianTracing.Fit([.. made.Log.Learners.Select(l => l.Answers.Select(a => a.Correct > 0).ToArray())], new(0.5, 0.3, 0.1, 0.3, 0.2), 200);
        foreach (var (name, expected, reached) in new[]
        {
            ("start", truth.Start, found.Start), ("learn", truth.Learn, found.Learn), ("forget", truth.Forget, found.Forget), ("guess", truth.Guess, found.Guess), ("slip", truth.Slip, found.Slip),
        })
        {
            Assert.True(Math.Abs(expected - reached) < 0.06, $"{name}: {reached:F3}, planted {expected}"); // roughly: about five of the estimator's standard errors for 2000 learners
        }
    }

    [Fact]
    public void SkillsOfTracingDiffer()
    {
        SimulatedTracing made = SimulatedTracing.Create(5, 50, 4, 80);
        Assert.Equal((4000, 4), (made.Log.Answers, made.Log.Skills));
        Assert.Equal(4, made.Skills.Distinct().Count());
        Assert.Equal(made.Log.Learners[7].Answers.Select(a => a.Correct), SimulatedTracing.Create(5, 50, 4, 80).Log.Learners[7].Answers.Select(a => a.Correct));
    }

    [Fact]
    public void TheRubricShowsInTheTextAndLengthAloneDoesNot()
    {
        SimulatedEssays made = SimulatedEssays.Create(6, 500);
        Essay[] essays = made.Set.Essays;
        float[][] signs = [.. essays.Select(e => Signs(e.Text))];
        float[] scores = [.. essays.Select(e => (float)e.Score)];
        int[] test = made.Set.Folds[0].Test, train = [.. Enumerable.Range(0, 500).Except(test)];
        Ridge byRubric = new([.. train.Select(i => signs[i])], [.. train.Select(i => scores[i])], 0.1f), byLength = new([.. train.Select(i => (float[])[essays[i].Text.Length / 1000f, 1])], [.. train.Select(i => scores[i])], 0.1f);
        double[] truth = [.. test.Select(i => (double)scores[i])];
        Assert.True(Correlation.Pearson([.. test.Select(i => (double)byRubric.Predict(signs[i]))], truth) > 0.8);
        Assert.True(Math.Abs(Correlation.Pearson([.. test.Select(i => (double)byLength.Predict([essays[i].Text.Length / 1000f, 1]))], truth)) < 0.45); // linked essays are a little longer
        Assert.All(made.Rubrics.Zip(essays), p => Assert.Equal(p.First.Score, p.Second.Score));
        Assert.InRange(scores.Min(), 0, 1);
        Assert.InRange(scores.Max(), 8, 9);

        static float[] Signs(string text)
        {
            string[] sentences = text.Split(". "), words = text.Split(' ');
            return [(float)sentences.Count(s => s.Contains("omewor", StringComparison.Ordinal) || s.Contains("pupil", StringComparison.Ordinal)) / sentences.Length,
                (float)sentences.Count(s => s.Contains(',', StringComparison.Ordinal)) / sentences.Length, (float)words.Count(s_known.Contains) / words.Length, 1];
        }
    }

    // the words of essays without mistakes
    private static readonly HashSet<string> s_known = [.. SimulatedEssays.Create(7, 300, copied: 0).Set.Essays.SelectMany(e => e.Text.Split(' ')).GroupBy(w => w).Where(g => g.Count() > 60).Select(g => g.Key)];

    [Fact]
    public void CopiesStayInTheFoldOfTheirOriginal()
    {
        SimulatedEssays made = SimulatedEssays.Create(8, 400);
        int copies = made.CopyOf.Count(c => c >= 0);
        Assert.InRange(copies, 3, 42); // 20 of 400 expected, five standard errors of 4.4
        foreach (Fold fold in made.Set.Folds)
        {
            Assert.Equal(400, fold.Train.Concat(fold.Dev).Concat(fold.Test).Distinct().Count());
            Assert.All(fold.Test, e => Assert.True(made.CopyOf[e] < 0 || fold.Test.Contains(made.CopyOf[e])));
        }
    }
}
