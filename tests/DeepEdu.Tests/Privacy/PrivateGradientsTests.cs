using System.Text.Json;
using DeepEdu.Autograd;
using DeepEdu.Data;
using DeepEdu.Devices;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Privacy;
using DeepEdu.Tensors;
using DeepEdu.Tests.Nn;
using FsCheck;
using FsCheck.Fluent;

namespace DeepEdu.Tests.Privacy;

/// <summary>Sums of clipped gradients with noise: against batches, PyTorch (tests/golden/privacy.py), their bound, and the normal distribution.</summary>
[Collection("alone")]
public sealed class PrivateGradientsTests : IDisposable
{
    private const float NoClip = 1e6f;
    private static readonly string[] s_kinds = ["lstm", "lstm-rows", "attention", "convolution", "gru"];

    private readonly int _threads = DeepEduOptions.MaxThreads;

    public static TheoryData<string> Kinds => [.. s_kinds];

    public void Dispose() => DeepEduOptions.MaxThreads = _threads;

    /// <summary>Samples run alone, unpadded, add up to the gradient of the padded batch.</summary>
    [Theory, MemberData(nameof(Kinds))]
    public void WithoutClippingAndNoiseItIsTheGradientOfTheBatch(string kind)
    {
        var c = Case.Of(kind);
        int[] all = [.. Enumerable.Range(0, Case.Rows)];
        using var tape = new Tape();
        var batch = tape.Gradients(c.Loss(all));
        Dictionary<string, float[]> expected = c.Model.Parameters().ToDictionary(p => p.Name, p => batch[p.Value].ToArray());
        var found = c.Step(c.Private(NoClip, 0), all);
        Assert.Equal(expected.Keys.Order(), found.Keys.Order());
        foreach (var (name, values) in expected) { GoldenLayers.Close(values, found[name], name); }
    }

    [Fact]
    public void ClippedSumsAndLengthsEqualPyTorch()
    {
        var g = GoldenLayers.Read("privacy.json").GetProperty("samples");
        var model = new Case.Reader(bidirectional: false, sparse: false);
        var weights = new StateDict();
        foreach (var w in g.GetProperty("weights").EnumerateObject()) { weights.Set(w.Name, GoldenLayers.Tensor(w.Value)); }
        model.LoadWeights(weights);
        int[][] texts = [.. g.GetProperty("tokens").EnumerateArray().Select(t => t.EnumerateArray().Select(v => v.GetInt32()).ToArray())];
        int[] labels = [.. g.GetProperty("labels").EnumerateArray().Select(v => v.GetInt32())];
        Tensor Loss(int row) => model.Last(Indices.Wrap(texts[row], [1, texts[row].Length])).CrossEntropy(new[] { labels[row] });
        int[] rows = [.. Enumerable.Range(0, texts.Length)];
        float[] norms = SampleGradients.Norms(rows, Loss);
        GoldenLayers.Close([.. g.GetProperty("norms").EnumerateArray().Select(v => v.GetSingle())], norms, "norms");
        float clip = g.GetProperty("clip").GetSingle();
        Assert.True(norms.Count(n => n > clip * 1.01f) >= 2 && norms.Count(n => n < clip * 0.99f) >= 2);

        var seen = new Case.Recorder(model);
        var privacy = new PrivateGradients(model, new PoissonBatches(rows.Length, rows.Length, new Rng(1)), new() { ClipNorm = clip, Noise = 0, Delta = 1e-5 }, new Rng(1));
        double loss = privacy.Step(seen, rows, Loss);
        float[] sum = [.. model.Parameters().SelectMany(p => seen.Gradients[p.Name]).Select(v => v * rows.Length)];
        GoldenLayers.Close([.. g.GetProperty("sum").EnumerateArray().Select(v => v.GetSingle())], sum, "sum");
        Assert.Equal(rows.Average(r => Loss(r).Item()), loss, 1e-6);
    }

    /// <summary>One sample more moves the sum by at most C, for any clip length: the sensitivity that noise is made for. So too where gradients are rows of a table.</summary>
    [Fact]
    public void OneSampleMovesTheSumByAtMostTheClipLength()
    {
        Case[] cases = Array.ConvertAll(s_kinds, Case.Of);
        Prop.ForAll((from which in Gen.Choose(0, cases.Length - 1) from clip in Gen.Choose(-30, 20) from rows in Gen.Choose(0, (1 << Case.Rows) - 1) from extra in Gen.Choose(0, Case.Rows - 1) select (which, Clip: MathF.Pow(10, clip / 10f), rows, extra)).ToArbitrary(), p =>
        {
            var c = cases[p.which];
            int[] without = [.. Enumerable.Range(0, Case.Rows).Where(r => (p.rows >> r & 1) == 1)];
            var (a, b) = (c.Step(c.Private(p.Clip, 0), without), c.Step(c.Private(p.Clip, 0), [.. without, p.extra]));
            double moved = Case.Rows * Math.Sqrt(a.Sum(g => g.Value.Zip(b[g.Key], (x, y) => Math.Pow((double)x - y, 2)).Sum())), alone = Case.Rows * Length(c.Step(c.Private(p.Clip, 0), p.extra));
            // of a sum that is rounded to float32 with up to six samples in it
            return alone <= p.Clip * (1 + 1e-6) && moved <= p.Clip * (1 + 1e-5);
        }).Hold();
    }

    [Fact]
    public void AShortGradientStaysAndALongOneIsBroughtToTheLength()
    {
        var c = Case.Of("lstm-rows");
        double free = Case.Rows * Length(c.Step(c.Private(NoClip, 0), 2));
        Assert.Equal(c.Step(c.Private(NoClip, 0), 2)["embedding.weight"], c.Step(c.Private((float)(free * 1.001), 0), 2)["embedding.weight"]);
        Assert.InRange(Case.Rows * Length(c.Step(c.Private((float)(free / 7), 0), 2)), free / 7 * (1 - 2e-5), free / 7);
    }

    /// <summary>Of every parameter and of every row of a table, used or not: mean 0, deviation σC by the batch size, and normal as far out as 5,760,000 draws go.</summary>
    [Fact]
    public void NoiseIsNormalAndEverywhere()
    {
        var rng = new Rng(2);
        var model = new Sequential(new Lambda(x => x), new Dense(300, 200, rng));
        model.Freeze();
        model.Parameters()[0].Value.Trainable = true;
        var privacy = new PrivateGradients(model, new PoissonBatches(40, 10, rng), new() { ClipNorm = 0.5f, Noise = 3, Delta = 1e-5 }, rng);
        var seen = new Case.Recorder(model);
        List<float> all = [];
        for (int step = 0; step < 96; step++)
        {
            Assert.True(double.IsNaN(privacy.Step(seen, Array.Empty<int>(), _ => throw new InvalidOperationException())));
            all.AddRange(seen.Gradients["1.weight"]);
        }
        Assert.Equal(96, privacy.Accountant.Steps);
        Assert.DoesNotContain("1.bias", seen.Gradients.Keys);
        double deviation = 3 * 0.5 / 10, n = all.Count, mean = all.Average(v => (double)v) / deviation, variance = all.Average(v => (double)v * v) / (deviation * deviation);
        Assert.Equal(5_760_000, n);
        Assert.InRange(mean, -5 / Math.Sqrt(n), 5 / Math.Sqrt(n));
        Assert.InRange(variance, 1 - (5 * Math.Sqrt(2 / n)), 1 + (5 * Math.Sqrt(2 / n)));
        Assert.InRange(all.Average(v => Math.Pow(v / deviation, 4)), 3 - (5 * Math.Sqrt(96 / n)), 3 + (5 * Math.Sqrt(96 / n)));
        foreach (var (beyond, chance) in new[] { (1, 0.3173105), (2, 0.0455003), (3, 0.0026998), (4, 6.3342e-5) })
        {
            double share = all.Count(v => Math.Abs(v) > beyond * deviation) / n;
            Assert.InRange(share, chance - (5 * Math.Sqrt(chance / n)), chance + (5 * Math.Sqrt(chance / n)));
        }
        // neighbours in the tensor and in time are independent
        Assert.InRange(all.Zip(all.Skip(1), (a, b) => (double)a * b).Average() / (deviation * deviation), -5 / Math.Sqrt(n), 5 / Math.Sqrt(n));
        Assert.InRange(all.Zip(all.Skip(60_000), (a, b) => (double)a * b).Average() / (deviation * deviation), -5 / Math.Sqrt(n), 5 / Math.Sqrt(n));

        var c = Case.Of("lstm-rows");
        float[] table = c.Step(c.Private(1, 1), 2)["embedding.weight"]; // of one token
        Assert.All(table, v => Assert.NotEqual(0, v));
    }

    [Theory, MemberData(nameof(Kinds))]
    public void BitsDoNotDependOnThreads(string kind)
    {
        float[]? expected = null;
        foreach (int threads in new[] { 1, 2, 8 })
        {
            DeepEduOptions.MaxThreads = threads;
            var c = Case.Of(kind);
            var privacy = c.Private(0.3f, 0.7);
            var adam = new Adam(c.Model.Parameters());
            foreach (int[] batch in new int[][] { [0, 1, 2, 3, 4, 5], [], [3, 1] }) { privacy.Step(adam, batch, r => c.Loss([r])); }
            float[] weights = [.. c.Model.Parameters().SelectMany(p => p.Value.ToArray())];
            Assert.Equal(expected ??= weights, weights);
        }
    }

    [Fact]
    public void StepsAreCountedWithTheirNoise()
    {
        var c = Case.Of("gru");
        var privacy = new PrivateGradients(c.Model, new PoissonBatches(60, 6, new Rng(1)), new() { ClipNorm = 1, Noise = 2, Delta = 1e-4 }, new Rng(1));
        var sgd = new Sgd(c.Model.Parameters(), new() { LearningRate = 0.1 });
        var expected = new PrivacyAccountant();
        Assert.Equal(0, privacy.Epsilon);
        for (int i = 0; i < 5; i++)
        {
            privacy.Noise = i < 3 ? 2 : 1.5;
            privacy.Step(sgd, [0, 1], r => c.Loss([r]));
            expected.Add(privacy.Noise, 0.1);
        }
        Assert.Equal(expected.Epsilon(1e-4), privacy.Epsilon);
        Assert.Equal(5, privacy.Accountant.Steps);
        var target = PrivateGradients.WithEpsilon(c.Model, new PoissonBatches(600, 60, new Rng(1)), epsilon: 2, delta: 1e-5, clipNorm: 1, epochs: 5, new Rng(1));
        target.Accountant.Add(target.Noise, target.Batches.Rate, 50);
        Assert.InRange(target.Epsilon, 1.99, 2);
    }

    [Fact]
    public void LayersInWhichSamplesMeetAreNamed()
    {
        var rng = new Rng(1);
        PrivateGradients Of(Module model) => new(model, new PoissonBatches(10, 5, rng), new() { ClipNorm = 1, Noise = 1, Delta = 1e-3 }, rng);
        string Refused(Module model) => Assert.Throws<ArgumentException>(() => Of(model)).Message;
        var norm = new BatchNorm(4);
        var net = new Sequential(new Dense(3, 4, rng), new Sequential(norm, new Relu()), new Dense(4, 2, rng));
        Assert.Contains("\"1.0\", a BatchNorm", Refused(net), StringComparison.Ordinal);
        Assert.Contains("GroupNorm", Refused(net), StringComparison.Ordinal);
        norm.Freeze();
        Of(net); // acts as in use
        Assert.Contains("the BatchNorm", Refused(new BatchNorm(4, affine: false)), StringComparison.Ordinal);
        Assert.Contains("without trackStatistics", Refused(new Sequential(new Conv2d(1, 2, 3, rng), new InstanceNorm(2, affine: true, trackStatistics: true))), StringComparison.Ordinal);
        Of(new Sequential(new Conv2d(1, 2, 3, rng), new InstanceNorm(2, affine: true)));
        Assert.Contains("a Stateful: it goes on from the state", Refused(new Sequential(new Stateful(new Lstm(3, 4, rng)), new Dense(4, 2, rng))), StringComparison.Ordinal);
        Assert.Contains("nothing of the batch", Refused(new Sequential(new Own(new([1], [2f])))), StringComparison.Ordinal);
        net.Freeze();
        Assert.Contains("no parameter to learn", Refused(net), StringComparison.Ordinal);
    }

    [Fact]
    public void ABufferThatSamplesChangeIsNamed()
    {
        var model = new Counting();
        var privacy = new PrivateGradients(model, new PoissonBatches(10, 5, new Rng(1)), new() { ClipNorm = 1, Noise = 1, Delta = 1e-3 }, new Rng(1));
        float before = model.Weight.ToArray()[0];
        var error = Assert.Throws<InvalidOperationException>(() => privacy.Step(new Sgd(model.Parameters()), [1, 2], model.Loss));
        Assert.Contains("\"seen\"", error.Message, StringComparison.Ordinal);
        Assert.Equal((before, 0), (model.Weight.ToArray()[0], privacy.Accountant.Steps));
    }

    [Fact]
    public void AParameterOutsideTheModelAndANonFiniteGradientStopTheStep()
    {
        var c = Case.Of("gru");
        var privacy = c.Private(1, 1);
        float[] before = [.. c.Model.Parameters().SelectMany(p => p.Value.ToArray())];
        var apart = new Parameter([3], [1, 2, 3]);
        var sgd = new Sgd(c.Model.Parameters());
        Assert.Contains("parameter [3] that is not among", Assert.Throws<InvalidOperationException>(() => privacy.Step(sgd, [0], r => c.Loss([r]) + (apart * apart).Sum())).Message, StringComparison.Ordinal);
        Assert.Contains("length NaN", Assert.Throws<InvalidOperationException>(() => privacy.Step(sgd, [0, 1], r => c.Loss([r]) * (r == 1 ? float.NaN : 1))).Message, StringComparison.Ordinal);
        Assert.Equal(before, c.Model.Parameters().SelectMany(p => p.Value.ToArray()));
        Assert.Equal(0, privacy.Accountant.Steps);
        // what was added before the error is forgotten
        privacy.Noise = 0;
        Case fresh = Case.Of("gru");
        Assert.Equal(fresh.Step(fresh.Private(1, 0), 3)["head.weight"], c.Step(privacy, 3)["head.weight"]);
    }

    [Fact]
    public void SettingsWithoutMeaningAreNamed()
    {
        var c = Case.Of("gru");
        Assert.Contains("clip length 0", Assert.Throws<ArgumentOutOfRangeException>(() => c.Private(0, 1)).Message, StringComparison.Ordinal);
        Assert.Contains("noise -1", Assert.Throws<ArgumentOutOfRangeException>(() => c.Private(1, -1)).Message, StringComparison.Ordinal);
        Assert.Contains("delta 0", Assert.Throws<ArgumentOutOfRangeException>(() => new PrivateGradients(c.Model, new PoissonBatches(6, 2, new Rng(1)), new() { ClipNorm = 1, Noise = 1, Delta = 0 }, new Rng(1))).Message, StringComparison.Ordinal);
    }

    /// <summary>In steady state a step makes no block of memory anew, and of managed memory what its samples' tapes need: as much as steps of single samples without privacy, and a little for the noise.</summary>
    [Fact]
    public void AStepAllocatesWhatItsSamplesDo()
    {
        DeepEduOptions.MaxThreads = 1;
        var c = Case.Of("gru");
        var privacy = c.Private(0.5f, 1);
        var sgd = new Sgd(c.Model.Parameters(), new() { LearningRate = 0.01 });
        int[] rows = [0, 1, 2, 3, 4, 5];
        Func<int, Tensor> loss = r => c.Loss([r]);
        long Bytes(Action step)
        {
            for (int i = 0; i < 5; i++) { step(); }
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 20; i++) { step(); }
            return (GC.GetAllocatedBytesForCurrentThread() - before) / 20;
        }
        long Alone() => Bytes(() => SampleGradients.Each(rows, loss, (_, _) => { }));
        long before = Alone(), live = CpuDevice.Instance.Pool.LiveBytes, made = Bytes(() => privacy.Step(sgd, rows, loss)), after = CpuDevice.Instance.Pool.LiveBytes;
        // what the runtime compiles anew meanwhile allocates less: the single samples are looked at before and afterwards
        Assert.InRange(made, Alone(), before + (rows.Length * 4_000) + 20_000);
        Assert.InRange(after - live, 0, 8 * 4 * c.Model.ParameterCount + 100_000);
    }

    private static double Length(Dictionary<string, float[]> gradients) => Math.Sqrt(gradients.Values.Sum(g => g.Sum(v => (double)v * v)));

    private sealed class Own(Parameter weight) : Layer
    {
        public override Tensor Forward(Tensor x) => x * weight;

        protected internal override string? Mixes => "nothing of the batch may be known";

        protected internal override void Parts(Parts p) => p.Of(weight);
    }

    // a layer of one's own that counts what it saw
    private sealed class Counting : Module
    {
        private readonly Tensor _seen = Tensor.Zeros([1]);

        public Parameter Weight { get; } = new([1], [0.5f]);

        public Tensor Loss(int row)
        {
            _seen.AsSpan()[0] += row;
            return (Weight * row).Sum();
        }

        protected internal override void Parts(Parts p) => p.Of(Weight).Buffer(_seen);
    }
}
