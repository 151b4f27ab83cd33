using System.Text.Json;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Education.Baselines;
using DeepEdu.Education.Data;
using DeepEdu.Education.Data.Simulated;
using DeepEdu.Education.Models;
using DeepEdu.Metrics;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;
using DeepEdu.Tests.Nn;

namespace DeepEdu.Tests.Education;

/// <summary>The models of diagnosis beside PyTorch's numbers (tests/golden/diagnosis.py) and beside planted truth.</summary>
public sealed class DiagnosisModelTests
{
    private static readonly JsonElement s_golden = GoldenLayers.Read("diagnosis.json");

    [Fact]
    public void LogitsGradientsAndStepsOfTheNetworkEqualPyTorch()
    {
        JsonElement data = s_golden.GetProperty("data"), golden = s_golden.GetProperty("neuralcd");
        int[] learners = Ints("learner"), items = Ints("item");
        int[][] asks = [.. data.GetProperty("asks").EnumerateArray().Select(a => a.EnumerateArray().Select(k => k.GetInt32()).ToArray())];
        NeuralDiagnosis network = GoldenLayers.Load(new NeuralDiagnosis(4, new(4, 3, 6, 0, new(1)), new(1)), golden);
        Tensor asked = DiagnosisBatch.Asks(items, asks, 3, CpuDevice.Instance), right = Tensor.Of([items.Length], [.. Ints("right").Select(r => (float)r)]);
        GoldenLayers.Near("logits", golden.GetProperty("logits"), network.Forward(Indices.Of(learners), Indices.Of(items), asked));
        Adam adam = new(network.Parameters(), new() { LearningRate = 0.05 });
        foreach (var (step, expected) in golden.GetProperty("losses").EnumerateArray().Select(l => l.GetSingle()).Index())
        {
            using Tape tape = new(training: false);
            Tensor loss = network.Forward(Indices.Of(learners), Indices.Of(items), asked).BinaryCrossEntropyWithLogits(right);
            Assert.Equal(expected, loss.Item(), 2e-5f);
            Gradients gradients = tape.Gradients(loss);
            foreach (var (part, value) in network.Parameters().Where(_ => step == 0)) { GoldenLayers.Near(part, golden.GetProperty("gradients").GetProperty(part), gradients[value]); }
            adam.Step(gradients);
        }
        foreach (var (part, value) in network.Parameters())
        {
            float[] after = value.ToArray(), wanted = GoldenLayers.Tensor(golden.GetProperty("after").GetProperty(part)).ToArray();
            Assert.All(after.Zip(wanted), v => Assert.Equal(v.Second, v.First, 2e-4f)); // six steps of Adam, whose first ones divide by tiny gradients
        }
        // of the hashed weights some are negative, and the first step has made them 0
        Assert.All(new[] { "items.dense1.weight", "items.dense2.weight", "items.dense3.weight" }, n => Assert.All(network.Parameters().Single(p => p.Name == n).Value.ToArray(), w => Assert.True(w >= 0)));

        int[] Ints(string name) => [.. data.GetProperty(name).EnumerateArray().Select(v => v.GetInt32())];
    }

    /// <summary>The items at which likelihood and priors are highest are those that another search finds.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void ItemsAreThoseOfTheHighestPosterior(int parameters)
    {
        JsonElement golden = s_golden.GetProperty("irt")[parameters - 1];
        (int Item, bool Right)[][] answers = [.. s_golden.GetProperty("answers").EnumerateArray().Select(row => row.EnumerateArray().Select((a, i) => (Item: i, Given: a.GetInt32())).Where(a => a.Given >= 0).Select(a => (a.Item, a.Given == 1)).ToArray())];
        List<double> rounds = [];
        var (bank, reached) = ItemResponse.Fit(answers, 7, parameters, rounds.Add);
        for (int r = 1; r < rounds.Count; r++) { Assert.True(rounds[r] >= rounds[r - 1] - 1e-7, $"round {r}: {rounds[r - 1]} fell to {rounds[r]}"); }
        Assert.Equal(golden.GetProperty("log_posterior").GetDouble(), reached, 2e-3); // of about -800; the top is flat
        double[] a = Doubles("a"), d = Doubles("d"), c = Doubles("c");
        for (int i = 0; i < 7; i++)
        {
            Assert.Equal(a[i], bank.Curves[i].A, 0.02);
            Assert.Equal(d[i], bank.Curves[i].D, 0.02);
            Assert.Equal(c[i], bank.Curves[i].C, 0.01);
        }
        foreach (var (l, mean) in Doubles("mean").Index())
        {
            Ability known = bank.Estimate(answers[l]);
            Assert.Equal(mean, known.Mean, 0.02);
            Assert.Equal(golden.GetProperty("error")[l].GetDouble(), known.Error, 0.01);
        }

        double[] Doubles(string name) => [.. golden.GetProperty(name).EnumerateArray().Select(v => v.GetDouble())];
    }

    /// <summary>From simulated answers the planted items and abilities are found, the right way up.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void PlantedItemsAreFound(ulong seed)
    {
        SimulatedResponses made = SimulatedResponses.Create(seed, new() { Learners = 800, Items = 50, Guess = 0, Slip = 0 });
        var answers = Answers(made);
        ItemBank bank = ItemResponse.Fit(answers, 50, 2).Bank;
        double[] a = Planted(i => made.Discrimination[i, 0]), b = Planted(i => made.Difficulty[i] / made.Discrimination[i, 0]);
        Assert.True(Correlation.Pearson(a, [.. bank.Curves.Select(c => c.A)]) > 0.85);
        Assert.True(Correlation.Spearman(b, [.. bank.Curves.Select(c => c.Difficulty)]) > 0.98);
        Assert.All(bank.Curves, c => Assert.True(c.A > 0));
        double[] truth = [.. Enumerable.Range(0, 800).Select(l => (double)made.Ability[l, 0])];
        Ability[] known = [.. answers.Select(bank.Estimate)];
        Assert.True(Correlation.Pearson(truth, [.. known.Select(k => k.Mean)]) > 0.93);
        // errors are as large as they are said to be: mean square of (EAP − θ)/SE is 1, within five of its standard errors √(2/800)
        Assert.InRange(known.Zip(truth).Average(k => Math.Pow((k.First.Mean - k.Second) / k.First.Error, 2)), 0.75, 1.25);
        // one discrimination: its mean
        ItemBank one = ItemResponse.Fit(answers, 50, 1).Bank;
        Assert.Single(one.Curves.Select(c => c.A).Distinct());
        Assert.InRange(one.Curves[0].A, a.Min(), a.Max());

        double[] Planted(Func<int, float> of) => [.. Enumerable.Range(0, 50).Select(i => (double)of(i))];
    }

    [Fact]
    public void GuessingIsFound()
    {
        SimulatedResponses made = SimulatedResponses.Create(5, new() { Learners = 3000, Items = 40, Guess = 0.3f, Slip = 0 });
        ItemBank three = ItemResponse.Fit(Answers(made), 40, 3).Bank;
        // hard items show it: of easy ones few only guess, and the prior's 0.2 stays
        double[] hard = [.. Enumerable.Range(0, 40).OrderByDescending(i => made.Difficulty[i]).Take(10).Select(i => three.Curves[i].C)];
        Assert.InRange(hard.Average(), 0.26, 0.33);
    }

    /// <summary>The scale of abilities is a matter of convention: stretched with the items, every chance is the same; turned over, it is not a bank any more.</summary>
    [Fact]
    public void TheScaleIsThatOfTheDistribution()
    {
        ItemCurve curve = new(1.3, -0.4, 0.2), stretched = new(1.3 / 2.5, -0.4, 0.2);
        foreach (double x in new[] { -2.0, 0, 0.7, 3 }) { Assert.Equal(curve.Chance(x), stretched.Chance(2.5 * x), 1e-12); }
        Assert.Equal(2.5 * curve.Difficulty, stretched.Difficulty, 1e-12);
        Ability nothing = new ItemBank([curve]).Estimate([]);
        Assert.Equal(0, nothing.Mean, 1e-12);
        Assert.Equal(1, nothing.Error, 1e-6);
    }

    /// <summary>Learners who know skills or do not: patterns, guesses and slips are found.</summary>
    [Fact]
    public void DinaFindsWhoKnowsWhat()
    {
        Rng rng = new(4);
        const int learners = 1000, items = 24, skills = 3;
        int[][] asks = [.. Enumerable.Range(0, items).Select(i => i % 4 == 3 ? new[] { i % 3, (i + 1) % 3 } : [i % 3])];
        bool[,] knows = new bool[learners, skills];
        string text = "user,item,skill,correct\n";
        List<string> lines = [];
        for (int l = 0; l < learners; l++)
        {
            for (int k = 0; k < skills; k++) { knows[l, k] = rng.NextDouble() < 0.5; }
            for (int i = 0; i < items; i++)
            {
                bool can = asks[i].All(k => knows[l, k]);
                lines.Add($"u{l},q{i},{string.Join(';', asks[i].Select(k => $"s{k}"))},{(rng.NextDouble() < (can ? 0.9 : 0.2) ? 1 : 0)}");
            }
        }
        string path = Path.GetTempFileName();
        File.WriteAllText(path, text + string.Join('\n', lines));
        DiagnosisSet set = DiagnosisSet.Read(path, 1);
        File.Delete(path);
        Dina dina = new(set);
        int right = 0;
        for (int l = 0; l < learners; l++)
        {
            for (int k = 0; k < skills; k++) { right += dina.Mastery(l, Array.IndexOf(set.Skills, $"s{k}")) > 0.5 == knows[l, k] ? 1 : 0; }
        }
        Assert.InRange(right / (double)(learners * skills), 0.95, 1); // about six answers to each skill
        Assert.InRange(Enumerable.Range(0, items).Average(dina.Guess), 0.17, 0.23);
        Assert.InRange(Enumerable.Range(0, items).Average(dina.Slip), 0.08, 0.13);
    }

    /// <summary>Who knows more of any skill is never told a smaller chance, before learning and after; and the planted truth shows.</summary>
    [Fact]
    public void TheNetworkFindsWhatLearnersKnow()
    {
        DiagnosisSet set = DiagnosisSet.Simulated(3, 400);
        DiagnosisTrainer trainer = new(set, new(32, 30, 64, 1));
        Rising();
        trainer.Fit("", new NoProgress(), default);
        Rising();
        SimulatedResponses truth = set.Truth!;
        for (int k = 0; k < set.Skills.Length; k++)
        {
            int planted = int.Parse(set.Skills[k].AsSpan(1));
            double[] known = [.. Enumerable.Range(0, 400).Select(l => trainer.Mastery(l, k)!.Value)], own = [.. Enumerable.Range(0, 400).Select(l => (double)truth.Ability[l, planted])], other = [.. Enumerable.Range(0, 400).Select(l => (double)truth.Ability[l, (planted + 1) % 5])];
            Assert.True(Correlation.Spearman(known, own) > 0.45, $"{set.Skills[k]}: {Correlation.Spearman(known, own)}"); // about seven answers to a skill, some of them guesses
            Assert.InRange(Correlation.Spearman(known, other), -0.25, 0.25);
        }

        void Rising()
        {
            Assert.All(trainer.Network.Parameters().Where(p => p.Name.StartsWith("items.dense", StringComparison.Ordinal) && p.Name.EndsWith("weight", StringComparison.Ordinal)), p => Assert.All(p.Value.ToArray(), w => Assert.True(w >= 0)));
            double[] before = trainer.Chances([.. Enumerable.Repeat(7, set.Items.Length)], [.. Enumerable.Range(0, set.Items.Length)]);
            Span<float> own = trainer.Network.Learners.AsSpan().Slice(7 * set.Skills.Length, set.Skills.Length);
            float kept = own[2];
            own[2] += 1;
            double[] after = trainer.Chances([.. Enumerable.Repeat(7, set.Items.Length)], [.. Enumerable.Range(0, set.Items.Length)]);
            own[2] = kept;
            for (int i = 0; i < before.Length; i++)
            {
                if (set.Asks[i].Contains(2)) { Assert.True(after[i] > before[i], $"item {i}: {before[i]} and {after[i]}"); } else { Assert.Equal(before[i], after[i]); }
            }
        }
    }

    private static (int Item, bool Right)[][] Answers(SimulatedResponses made) => [.. made.Log.Learners.Select(l => l.Answers.Select(a => (int.Parse(a.Item.AsSpan(1)), a.Correct > 0)).ToArray())];
}
