using System.Globalization;
using System.Text.Json;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Education.Data;
using DeepEdu.Education.Models;
using DeepEdu.Education.Report;
using DeepEdu.Education.Tasks;
using DeepEdu.Io;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;
using DeepEdu.Tests.Nn;

namespace DeepEdu.Tests.Education;

/// <summary>What holds for every network that traces, and each beside PyTorch's numbers (tests/golden/tracing.py).</summary>
[Collection("process settings")]
public sealed class TracingNetTests : FolderTests
{
    private static readonly JsonElement s_golden = GoldenLayers.Read("tracing.json");

    public static TheoryData<string> Kinds => [.. TracingKind.All.Select(k => k.Name)];

    public static TheoryData<string> Goldens => [.. s_golden.EnumerateObject().Select(p => p.Name).Where(n => n != "data")];

    [Fact]
    public void EveryKindHasGoldenNumbers() => Assert.Subset(s_golden.EnumerateObject().Select(p => p.Name).ToHashSet(), TracingKind.All.Select(k => k.Name).ToHashSet());

    [Theory]
    [MemberData(nameof(Goldens))]
    public void LogitsGradientsAndStepsEqualPyTorch(string name)
    {
        JsonElement golden = s_golden.GetProperty(name);
        TracedLearner[] learners = Golden();
        TracedBatch batch = TracedBatch.Of(learners, 6, 4);
        TracingNet network = GoldenLayers.Load(name switch
        {
            "lstm" => (TracingNet)new LstmTracing(4, 6, DktPlus.None, new(1)),
            "lstm-plus" => new LstmTracing(4, 6, new(0.1, 0.03, 3), new(1)),
            "memory" => new MemoryTracing(4, 20, new(1)),
            _ => new AttentionTracing(4, 10, new(1)),
        }, golden);
        float[] counts = [.. learners.SelectMany(l => Enumerable.Range(1, 6).Select(t => t < l.Count ? 1f : 0))];
        float[] right = [.. learners.SelectMany(l => Enumerable.Range(1, 6).Select(t => t < l.Count && l.Right[t] ? 1f : 0))];
        GoldenLayers.Near("logits", golden.GetProperty("logits"), network.Forward(batch) * Tensor.Of([3, 6], counts));
        Adam adam = new(network.Parameters(), new() { LearningRate = 0.01 });
        foreach (var (step, expected) in golden.GetProperty("losses").EnumerateArray().Select(l => l.GetSingle()).Index())
        {
            using Tape tape = new(training: false);
            var (logits, added) = network.Learn(batch);
            Tensor each = logits.BinaryCrossEntropyWithLogits(Tensor.Of([3, 6], right), reduction: Reduction.None);
            Tensor loss = ((added is null ? each : each + added) * Tensor.Of([3, 6], counts)).Sum() / counts.Sum();
            Assert.Equal(expected, loss.Item(), 2e-5f);
            Gradients gradients = tape.Gradients(loss);
            foreach (var (part, value) in network.Parameters().Where(_ => step == 0))
            {
                JsonElement wanted = golden.GetProperty("gradients").GetProperty(part);
                float[] own = gradients[value].ToArray();
                GoldenLayers.Near(part, wanted, Tensor.Of([.. wanted.GetProperty("shape").EnumerateArray().Select(s => s.GetInt32())], own.AsSpan(0, wanted.GetProperty("values").GetArrayLength())));
                Assert.All(own.Skip(wanted.GetProperty("values").GetArrayLength()), g => Assert.Equal(0, g)); // places that are not used
            }
            adam.Step(gradients);
        }
    }

    /// <summary>Two steps of one learner and two skills, by hand.</summary>
    [Fact]
    public void WhatDktPlusAddsIsAsItsEquationsHaveIt()
    {
        TracedBatch batch = TracedBatch.Of([new("u", [0, 1, 0], [true, false, true])], 2, 2);
        Tensor logits = Tensor.Of([1, 2, 2], [0, MathF.Log(3), MathF.Log(4), MathF.Log(1.5f)]); // chances 1/2 and 3/4, then 4/5 and 3/5
        Assert.Equal([MathF.Log(2), MathF.Log(2.5f)], Added(1, 0, 0), Near); // skill 0 right at 1/2, skill 1 wrong at 3/5
        Assert.Equal([0, (0.3f + 0.15f) / 2], Added(0, 1, 0), Near);
        Assert.Equal([0, (0.09f + 0.0225f) / 2], Added(0, 0, 1), Near);
        Assert.Equal([0.1f * MathF.Log(2), (0.1f * MathF.Log(2.5f)) + (0.03f * 0.225f) + (3 * 0.05625f)], Added(0.1, 0.03, 3), Near);
        Assert.Equal([MathF.Log(2)], new DktPlus(1, 1, 1).Added(Tensor.Of([1, 1, 2], [0, 5]), TracedBatch.Of([new("u", [0, 1], [true, false])], 1, 2)).ToArray(), Near); // one step has no wave

        float[] Added(double reconstruct, double wave1, double wave2) => new DktPlus(reconstruct, wave1, wave2).Added(logits, batch).ToArray();
        static bool Near(float a, float b) => MathF.Abs(a - b) < 1e-6f;
    }

    /// <summary>An answer, and all that comes after it, is not seen when it and those before it are told: to the bit.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public void NothingIsSeenBeforeItIsTold(string kind)
    {
        Rng rng = new(7);
        for (int round = 0; round < 30; round++)
        {
            TracingNet network = Make(kind, 5, (ulong)round);
            int n = round % 10 == 9 ? 430 : 2 + rng.Next(40), t = rng.Next(n);
            TracedLearner learner = Random(rng, n, 5), other = Random(rng, n, 5);
            TracedLearner changed = new("v", [.. learner.Skills[..(t + 1)], .. other.Skills[(t + 1)..]], [.. learner.Right[..t], !learner.Right[t], .. other.Right[(t + 1)..]]);
            double[] a = network.Chances(learner), b = network.Chances(changed);
            Assert.Equal(a[..(t + 1)], b[..(t + 1)]);
            Assert.True(t == n - 1 || a[t + 1] != b[t + 1], $"answer {t} of {n} says nothing about the next");
        }
    }

    /// <summary>Told in batches, alone, as the last of a trajectory, and as one of many skills, a chance is the same; of learners longer than any window too.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public void AChanceIsTheSameHoweverItIsAskedFor(string kind)
    {
        TracingNet network = Make(kind, 4, 3);
        Rng rng = new(8);
        TracedLearner[] learners = [.. new[] { 3, 2, 17, 201, 202, 303, 560, 1 }.Select(n => Random(rng, n, 4))];
        double[][] together = network.Chances(learners);
        for (int l = 0; l < learners.Length; l++)
        {
            TracedLearner learner = learners[l];
            Assert.Equal(learner.Count, together[l].Length);
            Assert.Equal(0.5, together[l][0]);
            Assert.Equal(network.Chances(learner), together[l], Near);
            int from = Math.Max(0, learner.Count - 120);
            float[][] after = network.Trajectory(learner, from);
            Assert.Equal(learner.Count - from, after.Length);
            for (int t = from + 1; t < learner.Count; t++) { Assert.Equal(together[l][t], after[t - 1 - from][learner.Skills[t]], 1e-5); }
            Assert.Equal(network.Mastery(learner), after[^1], (a, b) => Near(a, b));
            Assert.All(together[l], c => Assert.InRange(c, 0, 1));
        }

        static bool Near(double a, double b) => Math.Abs(a - b) < 1e-5; // float32, sums in other orders
    }

    /// <summary>More than half of the window is always looked at, and what lies before it is not.</summary>
    [Fact]
    public void AWindowMovesOnByHalf()
    {
        AttentionTracing network = new(3, 10, new(5));
        TracedLearner learner = Random(new(6), 450, 3);
        double[] told = network.Chances(learner);
        foreach (int t in new[] { 0, 99, 100, 250 })
        {
            bool[] right = [.. learner.Right];
            right[t] = !right[t];
            double[] other = network.Chances(learner with { Right = right });
            int[] moved = [.. Enumerable.Range(0, 450).Where(i => told[i] != other[i])];
            Assert.Equal(t + 1, moved[0]);
            Assert.InRange(moved[^1] - t, 100, 200);
        }
        Assert.Equal(200, network.Window);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void WhatMovedAChanceIsWhatItWouldBeWithoutAnAnswer(string kind)
    {
        TracingNet network = Make(kind, 3, 4);
        TracedLearner learner = new("u", [0, 1, 2, 0, 0, 2], [true, false, true, true, false, false]);
        float[][] moves = network.Moves(learner, 4);
        float[] told = network.Mastery(learner), without = network.Mastery(learner.Without(2));
        for (int s = 0; s < 3; s++) { Assert.Equal(told[s] - without[s], moves[2][s], 1e-6); }
        Assert.All(moves[..2], m => Assert.All(m, v => Assert.Equal(0, v)));
        Assert.All(moves[2..], m => Assert.Contains(m, v => v != 0));
    }

    /// <summary>What simulated learners know can be told better than by the skill's mean; of shuffled answers nothing.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public void TheNetworkFindsWhatTheMeanCannotAndNothingInShuffledAnswers(string kind)
    {
        TracingSet set = TracingSet.Simulated(4, 200);
        double found = Auc(set);
        Assert.True(found > 0.70, $"{found}"); // the mean of the skill has 0.65
        TracingSet shuffled = RepeatedAnswers.Find(set).Shuffled(new Rng(1));
        Assert.InRange(Auc(shuffled), 0.42, 0.58);

        double Auc(TracingSet set)
        {
            TracingKind of = TracingKind.Of(kind);
            TracingTrainer trainer = new(set, set.Folds[0], new(of, 25, 8, of.Small, 1));
            trainer.Fit("", new NoProgress(), default);
            TracingScores scores = new(set, of.Title);
            scores.Add(set.Folds[0].Test, trainer.Network.Chances([.. set.Folds[0].Test.Select(l => set.Learners[l])]));
            return scores.Auc;
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void NumbersDoNotDependOnTheThreadCount(string kind)
        => Assert.Equal(Program.Run(new TraceTask(), new() { Quick = true, Network = kind }, 1).Metrics, Program.Run(new TraceTask(), new() { Quick = true, Network = kind }, 2).Metrics);

    /// <summary>Saved, used on new learners, one of them longer than any window, and explained.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public void NewLearnersAreTold(string kind)
    {
        string run = Path.Combine(Folder, "run"), json = Path.Combine(Folder, "result.json");
        string shown = Program.Succeeds("trace", "--quick", "--canary", "--network", kind, "--out", run, "--json", json);
        Assert.Contains(TracingKind.Of(kind).Title, shown, StringComparison.Ordinal);
        Assert.Contains($"\"model\": \"{TracingKind.Of(kind).Title}\"", File.ReadAllText(json), StringComparison.Ordinal);
        Rng rng = new(2);
        TracedLearner learner = Random(rng, 240, 5);
        string file = Path.Combine(Folder, "new.csv");
        File.WriteAllText(file, $"{learner.Count}\n{string.Join(',', learner.Skills.Select(s => $"s{s}"))}\n{string.Join(',', learner.Right.Select(r => r ? 1 : 0))}\n2\ns0,s1\n1,0\n");
        string[][] rows = Program.Predict(run, file, "--explain");
        Assert.Equal(10, rows.Length - 1);
        TracingNet network = TracingKind.Of(kind).Make(5, TracingKind.Of(kind).Small, DktPlus.None, null, new Rng(0));
        CheckpointFile saved = CheckpointFile.Load(Path.Combine(run, "trace", "model.ckpt"));
        network.LoadWeights(saved.State("network-1"));
        string[] names = saved.State("skills").Texts("names");
        float[] told = network.Mastery(learner with { Skills = [.. learner.Skills.Select(s => Array.IndexOf(names, $"s{s}"))] });
        Assert.Equal(told.Select(c => c.ToString("0.0000", CultureInfo.InvariantCulture)), rows[1..6].Select(r => r[3]));
        Assert.Contains(rows[1..], r => r[4].Length > 0);
    }

    /// <summary>A model that was saved when there was one network only.</summary>
    [Fact]
    public void AModelThatDoesNotNameItsNetworkIsAnLstm()
    {
        string run = Path.Combine(Folder, "run"), model = Path.Combine(run, "trace", "model.ckpt"), rows = Path.Combine(Folder, "new.csv");
        Program.Succeeds("trace", "--quick", "--out", run);
        File.WriteAllText(rows, "2\ns0,s1\n1,0\n");
        string[][] before = Program.Predict(run, rows);
        CheckpointFile saved = CheckpointFile.Load(model);
        StateDict old = new StateDict().Set("folds", saved.Info.Options.Int("folds")).Set("hidden", saved.Info.Options.Int("hidden")).Set("version", 1).Set("finished", true)
            .Set("task", "trace").Set("data", "simulated tracing");
        CheckpointFile.Save(model, saved.Info with { Options = old }, [.. saved.Parts.Select(p => (p, (ISaveState)saved.State(p)))]);
        Assert.Equal(before, Program.Predict(run, rows));
    }

    [Fact]
    public void WrongOptionsAreNamed()
    {
        Program.Fails("'gru' not recognized", "trace", "--network", "gru");
        Program.Fails("--network", "grade", "--network", "lstm");
        Program.Fails("--reconstruct, --wave1 and --wave2 are for --network lstm, which tells of all skills after each answer; leave them out with --network memory", "trace", "--network", "memory", "--wave1", "0.1");
        Program.Fails("--wave2 must be 0 or more", "trace", "--wave2", "-1");
        Program.Fails("number", "trace", "--wave2", "much");
    }

    /// <summary>Each term does what it is for: what is told agrees more with what was just answered, or changes less.</summary>
    [Fact]
    public void DktPlusIsSteadier()
    {
        Dictionary<string, double> plain = Run(DktPlus.None), given = Run(new(1, 0, 0)), waves = Run(new(0, 0.3, 10));
        Assert.True(given["auc_given"] > plain["auc_given"] + 0.05, $"{given["auc_given"]} beside {plain["auc_given"]}");
        Assert.True(waves["wave1"] < 0.9 * plain["wave1"], $"{waves["wave1"]} beside {plain["wave1"]}");
        Assert.True(waves["wave2"] < 0.9 * plain["wave2"], $"{waves["wave2"]} beside {plain["wave2"]}");

        static Dictionary<string, double> Run(DktPlus plus) => Program.Run(new TraceTask(), new() { Quick = true, Epochs = 25, Plus = plus }, 2).Metrics.ToDictionary(m => m.Name, m => m.Value);
    }

    /// <summary>The memory in one pass is the one that other operations make, forward and back, whatever is left over of the vectors.</summary>
    [Theory]
    [InlineData(3, 4, 2, 5)]
    [InlineData(2, 7, 6, 60)]
    [InlineData(1, 1, 3, 16)]
    [InlineData(4, 9, 20, 31)]
    public void TheMemoryInOnePassIsTheComposedOne(int learners, int steps, int concepts, int width)
    {
        Rng rng = new(3);
        Tensor[] inputs = [Tensor.Normal([learners, concepts, width], rng), Draw(concepts), Draw(width), Tensor.Normal([learners, steps, width], rng), Draw(concepts)];
        Tensor seed = Tensor.Normal([learners, steps, width], rng);
        var (reads, last, gradients) = Of(ConceptMemory.Run);
        var (composed, kept, expected) = Of(ConceptMemory.Composed);
        GoldenLayers.Close(composed, reads, "reads");
        GoldenLayers.Close(kept, last, "memory");
        for (int i = 0; i < inputs.Length; i++) { GoldenLayers.Close(expected[i], gradients[i], $"gradient of input {i}"); }
        int before = DeepEduOptions.MaxThreads;
        try
        {
            DeepEduOptions.MaxThreads = 3;
            var (again, _, other) = Of(ConceptMemory.Run);
            Assert.Equal(reads, again);
            Assert.Equal(gradients, other);
        }
        finally { DeepEduOptions.MaxThreads = before; }

        Tensor Draw(int size) => Tensor.Uniform([learners, steps, size], rng);

        (float[] Reads, float[] Memory, float[][] Gradients) Of(Func<Tensor, Tensor, Tensor, Tensor, Tensor, (Tensor, Tensor)> run)
        {
            using Tape tape = new();
            foreach (Tensor input in inputs) { tape.Watch(input); }
            var (r, m) = run(inputs[0], inputs[1], inputs[2], inputs[3], inputs[4]);
            Gradients g = tape.Gradients((r * seed).Sum());
            return (r.ToArray(), m.ToArray(), [.. inputs.Select(i => g[i].ToArray())]);
        }
    }

    /// <summary>By hand: one learner, two skills.</summary>
    [Fact]
    public void SteadinessIsThatOfTheTrajectory()
    {
        TracingNet network = Make("lstm", 2, 3);
        TracedLearner learner = new("u", [0, 1, 1], [true, false, true]);
        float[][] y = network.Trajectory(learner);
        double[] changes = [.. Enumerable.Range(1, 2).SelectMany(t => Enumerable.Range(0, 2).Select(s => (double)y[t][s] - y[t - 1][s]))];
        double[] own = Steadiness.Of(network, [learner]);
        double wrong = y[1][1], area = ((y[0][0] > wrong ? 1 : 0) + (y[2][1] > wrong ? 1 : 0)) / 2.0;
        Assert.Equal([area, changes.Average(Math.Abs), Math.Sqrt(changes.Average(c => c * c))], own, (a, b) => Math.Abs(a - b) < 1e-12);
    }

    [DataFact("kt-assist2009-updated")]
    public void TheOtherNetworksLearnOnRealData()
    {
        foreach (string kind in new[] { "memory", "attention" })
        {
            RunResult result = Assert.Single(new TraceTask().Run(new() { Data = DataFactAttribute.Folder("kt-assist2009-updated"), Network = kind, Folds = 1, Epochs = 2 }, new NoProgress(), default));
            Assert.InRange(result.Metrics[0].Value, 0.70, 0.85);
        }
    }

    private static TracingNet Make(string kind, int skills, ulong seed) => TracingKind.Of(kind).Make(skills, 20, DktPlus.None, null, new Rng(seed));

    private static TracedLearner Random(Rng rng, int answers, int skills) => new("u", [.. Enumerable.Range(0, answers).Select(_ => rng.Next(skills))], [.. Enumerable.Range(0, answers).Select(_ => rng.Next(2) > 0)]);

    private static TracedLearner[] Golden()
    {
        JsonElement data = s_golden.GetProperty("data");
        int[][] skills = Rows("skill"), right = Rows("right");
        return [.. data.GetProperty("lengths").EnumerateArray().Select((n, l) => new TracedLearner($"u{l}", skills[l], Array.ConvertAll(right[l], r => r > 0)).First(n.GetInt32()))];

        int[][] Rows(string name) => [.. data.GetProperty(name).EnumerateArray().Select(row => row.EnumerateArray().Select(v => v.GetInt32()).ToArray())];
    }
}
