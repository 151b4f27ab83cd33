using System.Text.Json;
using DeepEdu.Data;
using DeepEdu.Education.Cli;
using DeepEdu.Education.Data;
using DeepEdu.Education.Data.Simulated;
using DeepEdu.Education.Models;
using DeepEdu.Education.Report;
using DeepEdu.Education.Tasks;
using DeepEdu.Io;
using DeepEdu.Nn;
using DeepEdu.Privacy;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Education;

/// <summary>Runs with --epsilon: what is promised is kept and told everywhere, and what cannot be private says why.</summary>
[Collection("process settings")]
public sealed class PrivateRunTests : FolderTests
{
    [Theory]
    [InlineData("trace", "1.72e-03")]
    [InlineData("behaviour", null)]
    public void EpsilonIsKeptAndToldEverywhere(string task, string? delta)
    {
        string run = Path.Combine(Folder, "run"), json = Path.Combine(Folder, "run.json");
        string said = Program.Succeeds([task, "--quick", "--folds", "2", "--epsilon", "6", "--clip", "0.8", "--out", run, "--json", json, .. delta is null ? (string[])[] : ["--delta", delta]]);
        JsonElement told = JsonDocument.Parse(File.ReadAllText(json)).RootElement.GetProperty("privacy");
        double Number(string name) => told.GetProperty(name).GetDouble();
        Assert.InRange(Number("epsilon"), 5.9, 6);
        Assert.Equal(0.8f, (float)Number("clip"));
        Assert.Equal(2, Number("trainings"));
        double learners = Number("learners");
        Assert.Equal(delta is null ? 1 / (learners * Math.Log(learners)) : 1.72e-3, Number("delta"), 1e-12);
        // both folds, of three epochs each, of four batches of a quarter of the learners
        Assert.Equal(24, Number("steps"));
        Assert.InRange(Number("rate"), 0.23, 0.26);
        PrivacyAccountant accountant = new();
        accountant.Add(Number("noise"), Number("rate"), 24);
        Assert.Equal(accountant.Epsilon(Number("delta")), Number("epsilon"), 0.02); // folds differ by a learner
        Assert.False(told.GetProperty("repeatable_noise").GetBoolean());

        Assert.Contains("private: epsilon ", said, StringComparison.Ordinal);
        Assert.Contains("epoch  3/3  loss ", said, StringComparison.Ordinal);
        Assert.Contains("  epsilon ", said, StringComparison.Ordinal); // of a fold's epochs
        string html = File.ReadAllText(Path.Combine(run, "report.html"));
        foreach (string text in (string[])["Privacy: epsilon", "Not covered", "Mironov", "written nowhere"]) { Assert.Contains(text, html, StringComparison.Ordinal); }
        StateDict manifest = CheckpointFile.Load(Path.Combine(run, task, "model.ckpt")).Info.Options.Part("privacy");
        Assert.Equal((Number("epsilon"), Number("delta"), Number("noise"), 24), (manifest.Double("epsilon"), manifest.Double("delta"), manifest.Double("noise"), manifest.Long("steps")));
        // the key of the noise is gone with the trainings
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(run, task), "last.ckpt", SearchOption.AllDirectories));
    }

    [Fact]
    public void NoiseIsSecretUnlessASeedIsGiven()
    {
        RunOptions options = new() { Quick = true, Epochs = 1, Privacy = new(8) };
        double Loss(ulong? seed) => Assert.Single(new TraceTask().Run(options with { Privacy = options.Privacy! with { NoiseSeed = seed } }, new NoProgress(), default)).Charts[1].Curves[0].Values[0];
        Assert.Equal(Loss(3), Loss(3));
        Assert.NotEqual(Loss(3), Loss(4));
        Assert.NotEqual(Loss(null), Loss(null));
        RunResult repeatable = Assert.Single(new BehaviourTask().Run(options with { Privacy = new(8, NoiseSeed: 3) }, new NoProgress(), default));
        Assert.True(repeatable.Privacy!.Repeatable);
        Assert.Contains("NOT private", repeatable.Privacy.Line, StringComparison.Ordinal);
        Assert.Contains("study only", repeatable.Privacy.Text, StringComparison.Ordinal);
    }

    /// <summary>A person with several rows is one sample, and one who is in several folds' trainings is counted for all of them.</summary>
    [Fact]
    public void ALearnerIsAllRowsInAllTrainings()
    {
        string[] keys = ["a", "b", "a", "c", "d", "e"];
        Split[] folds = [new([0, 1, 2, 3], [5], [4]), new([0, 2, 4, 5], [1], [3]), new([1, 3, 4, 5], [0, 2], [])];
        PrivacyPlan plan = PrivacyPlan.Of(new() { Privacy = new(4, Delta: 1e-3) }, keys, folds, clip: 1)!;
        Assert.Equal([[0, 2], [1], [3]], plan.Fold(0).Learners);
        Assert.Equal(3, plan.People);
        PrivateGradients[] made = [.. Enumerable.Range(0, 3).Select(f => plan.Fold(f).For(new Dense(2, 1, new(1)), batch: 2, epochs: 5))];
        foreach (PrivateGradients p in made) { p.Accountant.Add(p.Noise, p.Batches.Rate, 5 * p.Batches.Count); }
        PrivacyTold told = plan.Tell(made, "");
        Assert.Equal(2, told.Trainings); // a: 1 and 2; b: 1 and 3; none is in all
        double worst = new (int A, int B)[] { (0, 1), (0, 2), (1, 2) }.Max(pair =>
        {
            PrivacyAccountant both = new();
            both.Add(made[pair.A].Accountant);
            both.Add(made[pair.B].Accountant);
            return both.Epsilon(1e-3);
        });
        Assert.Equal(worst, told.Epsilon);
        Assert.InRange(told.Epsilon, 3.9, 4);
        Assert.True(made[0].Epsilon < 3);
    }

    /// <summary>Privately, no scale and no share is taken from the learners as they are.</summary>
    [Fact]
    public void ScalesOfCountsAreFixed()
    {
        StateDict Scales(ulong seed)
        {
            BehaviourLog log = SimulatedBehaviour.Create(seed, 200).Log.Observed(8);
            Split[] folds = log.Folds(seed)[..1];
            PrivacyPlan plan = PrivacyPlan.Of(new() { Privacy = new(4) }, Array.ConvertAll(log.Learners, l => l.Name), folds, clip: 1)!;
            RiskTrainer trainer = new(log, folds[0], new(1, 10, Seed: 5) { Privacy = plan.Fold(0) });
            return StateDict.CopyOf(new StateDict().Set("scaler", trainer.Scaler).Set("network", trainer.Network));
        }
        StateDict one = Scales(1), other = Scales(2);
        Assert.Equal(one.ToString(), other.ToString());
        foreach (string name in (string[])["scaler.mean", "scaler.scale"]) { Assert.Equal(one.Doubles(name), other.Doubles(name)); }
        Assert.Equal(one.Tensor("network.output.bias").ToArray(), other.Tensor("network.output.bias").ToArray());
    }

    [Theory]
    [InlineData("recommend does not train privately: what it learns of a learner", "recommend", "--epsilon", "8")]
    [InlineData("grade does not train privately: whose an essay", "grade", "--epsilon", "8")]
    [InlineData("multitask does not train privately", "multitask", "--epsilon", "8")]
    [InlineData("generate does not train privately", "generate", "--epsilon", "8")]
    [InlineData("answer does not train privately", "answer", "--epsilon", "8")]
    [InlineData("recommend does not train privately", "--epsilon", "8")]
    [InlineData("--clip is of private training; give --epsilon too", "trace", "--clip", "2")]
    [InlineData("--noise-seed is of private training", "behaviour", "--noise-seed", "2")]
    [InlineData("--epsilon must be above 0", "trace", "--epsilon", "0")]
    [InlineData("--delta must be above 0 and below 1", "trace", "--epsilon", "1", "--delta", "1")]
    [InlineData("--epsilon much: is no number", "trace", "--epsilon", "much")]
    [InlineData("--epsilon 1E-07: privacy-accountant: no noise up to 100,000", "trace", "--quick", "--epsilon", "1e-7", "--delta", "1e-300")]
    public void WhatCannotBePrivateSaysWhy(string expected, params string[] args) => Program.Fails(expected, [.. args, "--out", Folder]);
}
