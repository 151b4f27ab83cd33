using System.Globalization;
using System.Text;
using System.Text.Json;
using DeepEdu.Autograd;
using DeepEdu.Data;
using DeepEdu.Education.Baselines;
using DeepEdu.Education.Data;
using DeepEdu.Education.Data.Simulated;
using DeepEdu.Education.Models;
using DeepEdu.Education.Tasks;
using DeepEdu.Memory;
using DeepEdu.Metrics;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;
using DeepEdu.Tests.Nn;

namespace DeepEdu.Tests.Education;

/// <summary>What holds for every network that recommends the next item, and each beside PyTorch's numbers (tests/golden/recommending.py).</summary>
[Collection("process settings")]
public sealed class NextItemNetTests : FolderTests
{
    private static readonly JsonElement s_golden = GoldenLayers.Read("recommending.json");

    public static TheoryData<string> Kinds => [.. RecommendKind.All.Where(k => k.Make is not null).Select(k => k.Name)];

    public static TheoryData<string> Goldens => [.. s_golden.EnumerateObject().Select(p => p.Name).Where(n => n != "data")];

    [Fact]
    public void EveryKindHasGoldenNumbersOfBothLosses()
        => Assert.Subset(s_golden.EnumerateObject().Select(p => p.Name).ToHashSet(), RecommendKind.All.Where(k => k.Make is not null).SelectMany(k => new[] { $"{k.Name}-{NextItemNet.Softmax}", $"{k.Name}-{NextItemNet.Sampled}" }).ToHashSet());

    /// <summary>PyTorch's SASRec pads in front and counts places from there; ours pads behind and counts them from the end.</summary>
    [Theory]
    [MemberData(nameof(Goldens))]
    public void StatesGradientsAndStepsEqualPyTorch(string name)
    {
        JsonElement golden = s_golden.GetProperty(name), data = s_golden.GetProperty("data");
        string kind = name.Split('-')[0], loss = name.Split('-')[1];
        NextBatch batch = Batch(Rows("pasts"), [.. Rows("others").SelectMany(o => o)]);
        NextItemNet network = GoldenLayers.Load(Make(kind, data.GetProperty("items").GetInt32(), kind == "gru" ? 6 : 8, 1), golden);
        GoldenLayers.Near("states", golden.GetProperty("states"), NextItemNet.Flat(network.States(batch.Read)).IndexSelect(0, batch.Places));
        Adam adam = new(network.Parameters(), new() { LearningRate = 0.01 });
        foreach (var (step, expected) in golden.GetProperty("losses").EnumerateArray().Select(l => l.GetSingle()).Index())
        {
            using Tape tape = new(training: false);
            Tensor found = network.Loss(batch, loss);
            Assert.Equal(expected, found.Item(), 2e-5f);
            Gradients gradients = tape.Gradients(found);
            foreach (var (part, value) in network.Parameters().Where(_ => step == 0))
            {
                JsonElement wanted = golden.GetProperty("gradients").GetProperty(part);
                int count = wanted.GetProperty("values").GetArrayLength();
                float[] own = gradients[value].ToArray();
                GoldenLayers.Near(part, wanted, Tensor.Of([.. wanted.GetProperty("shape").EnumerateArray().Select(s => s.GetInt32())], own.AsSpan(own.Length - count)));
                Assert.All(own[..^count], g => Assert.Equal(0, g)); // places that are not used
            }
            adam.Step(gradients);
        }

        int[][] Rows(string of) => [.. data.GetProperty(of).EnumerateArray().Select(row => row.EnumerateArray().Select(v => v.GetInt32()).ToArray())];
    }

    /// <summary>The next item, and all that comes after it, is not seen when it is told: to the bit. What was just taken is.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public void NothingIsSeenBeforeItIsTold(string kind)
    {
        Rng rng = new(7);
        for (int round = 0; round < 20; round++)
        {
            NextItemNet network = Make(kind, 9, 8, (ulong)round);
            int n = 2 + rng.Next(60), t = rng.Next(n);
            int[] past = Draw(rng, n, 9), changed = [.. past[..t], (past[t] + 1 + rng.Next(8)) % 9, .. Draw(rng, n - t - 1, 9)];
            float[] a = States(network, past), b = States(network, changed);
            Assert.Equal(a[..(8 * t)], b[..(8 * t)]);
            Assert.NotEqual(a[(8 * t)..(8 * (t + 1))], b[(8 * t)..(8 * (t + 1))]);
        }

        static float[] States(NextItemNet network, int[] past)
        {
            using Arena arena = new();
            return network.States(PastBatch.Of([past])).ToArray();
        }
    }

    /// <summary>Whatever stands behind the end of a past, to the bit; and whatever stands beside it, and however much of it is padding, up to rounding.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public void PaddingMovesNothing(string kind)
    {
        NextItemNet network = Make(kind, 9, 8, 3);
        Rng rng = new(4);
        int[][] pasts = [.. new[] { 3, 40, 1, 17 }.Select(n => Draw(rng, n, 9))];
        PastBatch batch = PastBatch.Of([.. pasts.Select(p => new ArraySegment<int>(p))]);
        int[] items = batch.Items.Span.ToArray(), other = [.. items];
        for (int p = 0; p < 4; p++) { Draw(rng, 40 - pasts[p].Length, 9).CopyTo(other, (40 * p) + pasts[p].Length); }
        Assert.NotEqual(items, other);
        using Arena arena = new();
        float[] zeros = network.States(batch).ToArray(), filled = network.States(batch with { Items = Indices.Of([4, 40], other) }).ToArray(), last = network.Last(pasts);
        for (int p = 0; p < 4; p++)
        {
            int from = 40 * 8 * p, own = 8 * pasts[p].Length;
            Assert.Equal(zeros[from..(from + own)], filled[from..(from + own)]);
            Assert.Equal(network.States(PastBatch.Of([pasts[p]])).ToArray(), zeros[from..(from + own)], Near);
            Assert.Equal(zeros[(from + own - 8)..(from + own)], last[(8 * p)..(8 * (p + 1))], Near);
        }
        Assert.Equal(new float[8], network.Last([[], [1]])[..8]); // of nothing, nothing is told

        static bool Near(float a, float b) => MathF.Abs(a - b) < 1e-5f;
    }

    /// <summary>What was taken before the window is not read, and its first item is.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public void TheLastItemsOfALongPastAreRead(string kind)
    {
        NextItemNet network = Make(kind, 5, 8, 5);
        int[] past = Draw(new(6), 300, 5), before = [.. past], first = [.. past];
        (before[99], first[100]) = ((past[99] + 1) % 5, (past[100] + 1) % 5);
        Assert.Equal(200, network.Window);
        Assert.Equal(network.Last([past]), network.Last([before]));
        if (kind == "attention") { Assert.NotEqual(network.Last([past]), network.Last([first])); } // units have forgotten it after 200 items
        Assert.Equal(network.Last([past]), network.Last([past[100..]]));
    }

    [Fact]
    public void EveryItemButTheFirstIsToldOnceAndNothingTakenIsDrawn()
    {
        Rng rng = new(3);
        int[][] past = [.. new[] { 0, 1, 2, 9, 10, 11, 27 }.Select((n, u) => Enumerable.Range(0, n).Select(t => (100 * u) + t).ToArray())];
        NegativeSampler others = NegativeSampler.Uniform(new(past, 700));
        PastExamples examples = new(past, 5, 2, others, rng);
        for (int epoch = 0; epoch < 3; epoch++)
        {
            NextBatch[] batches = [.. examples.Epoch(epoch)];
            Assert.Equal(examples.Count, batches.Length);
            Assert.Equal(past.SelectMany(p => p.Skip(1)).Order(), batches.SelectMany(b => b.Next.Span.ToArray()).Order());
            foreach (NextBatch batch in batches)
            {
                Assert.InRange(batch.Read.Steps, 1, 5);
                for (int i = 0; i < batch.Next.Size; i++)
                {
                    Assert.Equal(batch.Next.Span[i] - 1, batch.Read.Items.Span[batch.Places.Span[i]]); // each is told from the one before
                    Assert.DoesNotContain(batch.Others.Span[i], past[batch.Next.Span[i] / 100]);
                }
            }
            NextBatch[] rest = [.. examples.Epoch(epoch, 2)];
            Assert.Equal(batches[2..].SelectMany(b => b.Others.Span.ToArray().Concat(b.Next.Span.ToArray())), rest.SelectMany(b => b.Others.Span.ToArray().Concat(b.Next.Span.ToArray())));
        }
        Assert.NotEqual(examples.Epoch(0).SelectMany(b => b.Others.Span.ToArray()), examples.Epoch(1).SelectMany(b => b.Others.Span.ToArray()));
        Assert.All(new PastExamples(past, 5, 2, null, rng).Epoch(0), b => Assert.Equal(0, b.Others.Size));
    }

    /// <summary>What the test item is plays no part: with another, the network is the same to the bit.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public void TheTestItemIsNotLearned(string kind)
    {
        Interactions data = SimulatedCourses.Create(2, 40).Data;
        float[] Learned(Interactions from)
        {
            SequenceRecommender model = new(new(RecommendKind.Of(kind), 2, 8, 8, 1));
            model.Fit(from, new NoProgress(), default);
            float[] scores = new float[data.Items];
            model.Score(3, [.. Enumerable.Range(0, data.Items)], scores);
            return [.. model.Network.Parameters().SelectMany(p => p.Value.ToArray()), .. scores];
        }
        Assert.Equal(Learned(data), Learned(data with { Test = [.. data.Negatives.Select(n => n[0])] }));
    }

    /// <summary>Learners of courses: only who sees the order knows which item of which course is next.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public void OrderIsWorthMoreThanWhoTookWhatAndThanTheLastItem(string kind)
    {
        SimulatedCourses made = SimulatedCourses.Create(1, 600);
        Interactions data = made.Data.InOrder();
        double found = Gain(new SequenceRecommender(Options())), chain = Gain(new MarkovChain()), factors = Gain(new ImplicitAls(32, 1));
        LeaveOneOutRanking best = new();
        for (int u = 0; u < data.Users; u++)
        {
            float Of(int item) => made.Chance[(u * data.Items) + item];
            best.Add(Of(data.Test[u]), [.. Enumerable.Range(0, data.Items).Except([data.Test[u], .. data.Train[u]]).Select(Of)]);
        }
        Assert.True(found > chain + 0.02 && chain > factors + 0.1, $"{kind} {found}, chain {chain}, factors {factors}");
        Assert.True(best.Ndcg > found + 0.05, $"{best.Ndcg} is the most that can be known, {kind} has {found}");
        Rng rng = new(5);
        Interactions shuffled = data with { Past = [.. data.Past!.Select(p => rng.Permutation(p.Length).Select(i => p[i]).ToArray())] };
        data = shuffled;
        double without = Gain(new SequenceRecommender(Options()));
        Assert.True(without < found - 0.1, $"{without} without the order, {found} with it");

        SequenceOptions Options() => new(RecommendKind.Of(kind), 30, 32, 64, 1) { LearningRate = 5e-3, Drop = 0.2f };

        double Gain(IRecommender model)
        {
            model.Fit(data, new NoProgress(), default);
            return Ranking.EvaluateAll(model, data).Ndcg;
        }
    }

    [Fact]
    public void CoursesAreTakenInOrder()
    {
        SimulatedCourses a = SimulatedCourses.Create(3, 80), b = SimulatedCourses.Create(3, 80);
        Assert.Equal(a.Data.Test, b.Data.Test);
        Assert.Equal(a.Data.Train, a.Data.InOrder().Past);
        Assert.NotEqual(a.Data.Test, SimulatedCourses.Create(4, 80).Data.Test);
        int after = 0, all = 0;
        for (int u = 0; u < 80; u++)
        {
            int[] own = [.. a.Data.Train[u], a.Data.Test[u]];
            Assert.Equal(25, own.Distinct().Count());
            Assert.Equal(99, a.Data.Negatives[u].Except(own).Count());
            Assert.Equal(1, a.Chance.Skip(300 * u).Take(300).Sum(), 1e-4f);
            Assert.All(a.Data.Train[u], i => Assert.Equal(0, a.Chance[(300 * u) + i]));
            for (int t = 0; t < 25; t++)
            {
                if (own[t] % 10 == 0) { continue; }
                all++;
                if (own.AsSpan(0, t).Contains(own[t] - 1)) { after++; }
            }
        }
        Assert.True(after > 0.85 * all, $"{after} of {all} came after the one before them"); // one in ten is taken out of turn
    }

    [Fact]
    public void TheChainCountsWhatCameAfterTheLastItem()
    {
        Interactions data = new("x", 3, 4, [[0, 1], [0, 1, 2], [0]], [3, 3, 3], [[], [], []]) { Past = [[0, 1, 0, 1], [2, 0, 1, 2], [0]] };
        MarkovChain chain = new(9);
        chain.Fit(data, new NoProgress(), default);
        float[] scores = new float[4];
        chain.Score(2, [0, 1, 2, 3], scores); // after 0 there was 1, three times; of nine taken, 0 four times, 1 three times, 2 twice
        Assert.Equal([4, 6, 2, 0], scores);
        chain.Score(0, [0, 1, 2, 3], scores); // after 1 came 0 once and 2 once
        Assert.Equal([5, 3, 3, 0], scores);
    }

    [Fact]
    public void AmongAllThereAreNoItemsOfTraining()
    {
        Interactions data = new("x", 3, 20, [[0, 1], [2], [19]], [5, 0, -1], [[], [], []]);
        LeaveOneOutRanking ranking = Ranking.EvaluateAll(new ByNumber(), data);
        Assert.Equal((1 / 4.0 + 1) / 2, ranking.Mrr, 12); // 2, 3, 4 stand before 5, and nothing before 0
        Assert.Equal(2, ranking.Count);
    }

    /// <summary>Times, sequences, and neither.</summary>
    [Fact]
    public void OrderIsReadOrAskedFor()
    {
        Write("x.test.rating", "0\t4\t1\t9\n1\t3\t1\t9\n");
        Write("x.test.negative", "(0,4)\t5\t6\n(1,3)\t5\t6\n");
        string train = Write("x.train.rating", "0\t1\t1\t30\n0\t2\t1\t10\n0\t3\t1\t20\n1\t1\t1\t5\n1\t2\t1\t5\n");
        Assert.Equal([[2, 3, 1], [1, 2]], NcfReader.Read(Folder).InOrder().Past!);
        string path = Write("x.sequences.txt", "1\t1 2 1 3\n0\t3 1 2 3 4\n");
        Assert.Equal([[3, 1, 2, 3], [1, 2, 1]], NcfReader.Read(Folder).InOrder().Past!);
        Refused("user 0 ends with item 3, but 4 is held out", "1\t1 2 3\n0\t1 2 4 3\n");
        Refused("user 1 has 1 items here before the last, and 2 in the training file", "1\t1 3\n0\t1 2 3 4\n");
        Refused("user 1 has a line already", "1\t1 2 3\n1\t1 2 3\n");
        Refused("user 7 is not in the training file", "7\t1 2 3\n");
        Refused("expected user TAB items", "0 1 2 3 4\n");
        Refused("user 0 has training items but no line here", "1\t1 2 3\n");
        File.Delete(path);
        File.WriteAllText(train, "0\t1\t1\n0\t2\t1\n1\t1\t1\n1\t2\t1\n");
        Program.Fails("no time in the fourth column and no *.sequences.txt in the folder, so it is not known what was taken first; --network neumf does without", "recommend", "--quick", "--network", "gru", "--data", Folder, "--out", Folder);
        Program.Succeeds("recommend", "--quick", "--data", Folder, "--out", Folder);
        Write("x.inter", "user_id:token\titem_id:token\nu\ta\nu\tb\nu\tc\n");
        Program.Fails("no column 'timestamp:float' in the header, so it is not known what was taken first", "recommend", "--quick", "--network", "attention", "--data", Folder, "--out", Folder);
        Write("x.inter", "user_id:token\titem_id:token\ttimestamp:float\nu\ta\t3\nu\tb\t1\nu\tc\t2\nu\tb\t2\nu\td\t4\nv\ta\t1\n");
        Interactions data = AtomicReader.Read(Folder, 1).InOrder();
        Assert.Equal([["b", "c", "b", "a"], ["a"]], data.Past!.Select(p => p.Select(i => data.ItemNames![i]).ToArray()));
        Interactions before = data.LastHeldOut();
        Assert.Equal([[1, 2, 1], [0]], before.Past!);
        Assert.Equal([[1, 2], [0]], before.Train);
        Assert.Equal([0, -1], before.Test);

        void Refused(string expected, string sequences)
        {
            File.WriteAllText(path, sequences);
            Interactions data = NcfReader.Read(Folder); // which needs no order
            Assert.Contains(expected, Assert.Throws<DataException>(() => data.InOrder()).Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void NumbersDoNotDependOnTheThreadCount(string kind)
    {
        foreach (string loss in new[] { NextItemNet.Softmax, NextItemNet.Sampled })
        {
            Assert.Equal(Program.Run(new RecommendTask(), new() { Quick = true, Recommender = kind, Loss = loss }, 1).Metrics, Program.Run(new RecommendTask(), new() { Quick = true, Recommender = kind, Loss = loss }, 3).Metrics);
        }
    }

    /// <summary>Saved, and used on learners who were learned from and on others.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public void KnownAndNewLearnersAreRecommendedWhatTheyHaveNotTaken(string kind)
    {
        StringBuilder inter = new("user_id:token\titem_id:token\ttimestamp:float\n");
        for (int u = 0; u < 12; u++)
        {
            for (int t = 4; t >= 0; t--) { inter.Append(CultureInfo.InvariantCulture, $"Zoë {u}\titem {(u + (3 * t)) % 10}\t{t}\n"); }
        }
        Write("x.inter", inter.ToString());
        string run = Path.Combine(Folder, "run"), json = Path.Combine(Folder, "x.json");
        string shown = Program.Succeeds("recommend", "--quick", "--epochs", "40", "--network", kind, "--data", Folder, "--out", run, "--json", json);
        Assert.Contains(RecommendKind.Of(kind).Title, shown, StringComparison.Ordinal);
        Assert.Contains("\"ndcg@10_all\":", File.ReadAllText(json), StringComparison.Ordinal);
        string[][] known = Program.Predict(run, Write("known.csv", "user\nZoë 1\n"), "--top", "20");
        Assert.Equal(["user", "rank", "item", "score"], known[0]);
        Assert.Equal(6, known.Length - 1); // of ten, four are in the training part
        Assert.Equal("item 3", known[1][2]); // each takes every third item, and the last was held out
        double[] scores = [.. known.Skip(1).Select(r => double.Parse(r[3], CultureInfo.InvariantCulture))];
        Assert.Equal(scores.OrderDescending(), scores);
        Assert.InRange(scores.Sum(), 0.1, 1);
        string[][] told = Program.Predict(run, Write("new.csv", "user,item\nAda,item 1\nBob,item 2\nAda,item 4\nAda,item 7\nAda,item 0\n"), "--top", "20");
        Assert.Equal(known[1..].Select(r => (string[])["Ada", .. r[1..]]), told[1..].Where(r => r[0] == "Ada"));
        Assert.Equal("item 5", told.First(r => r[0] == "Bob")[2]);
        Program.Fails("line 2: the item 'item 99' was not among", "predict", "--model", run, "--in", Write("who.csv", "user,item\nAda,item 99\n"));
        Program.Fails("line 2: the learner 'Zoë 99' was not among", "predict", "--model", run, "--in", Write("who.csv", "user\nZoë 99\n"));
    }

    [Fact]
    public void WrongOptionsAreNamed()
    {
        Program.Fails("'lstm' not recognized", "recommend", "--network", "lstm");
        Program.Fails("'hinge' not recognized", "recommend", "--network", "gru", "--loss", "hinge");
        Program.Fails("--loss is for --network gru and attention; leave it out with --network neumf", "recommend", "--loss", "bce");
    }

    private static NextItemNet Make(string kind, int items, int width, ulong seed) => RecommendKind.Of(kind).Make!(items, width, 0, new(seed));

    private static int[] Draw(Rng rng, int count, int items) => [.. Enumerable.Range(0, count).Select(_ => rng.Next(items))];

    private static NextBatch Batch(int[][] pasts, int[] others)
    {
        PastBatch read = PastBatch.Of([.. pasts.Select(p => new ArraySegment<int>(p)[..^1])]);
        int[] places = [.. pasts.SelectMany((p, i) => Enumerable.Range(i * read.Steps, p.Length - 1))];
        return new(read, places, pasts.SelectMany(p => p.Skip(1)).ToArray(), others);
    }

    private sealed class ByNumber : IRecommender
    {
        public string Name => "by number";

        public void Fit(Interactions data, DeepEdu.Education.Ui.IProgress progress, CancellationToken stop) { }

        public void Score(int user, ReadOnlySpan<int> items, Span<float> scores)
        {
            for (int i = 0; i < items.Length; i++) { scores[i] = -items[i]; }
        }
    }
}
