using DeepEdu.Data;
using DeepEdu.Devices;
using DeepEdu.Io;
using DeepEdu.Memory;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;
using DeepEdu.Tests.Io;

namespace DeepEdu.Tests.Nn;

/// <summary>Inference sessions with weights of eight bits.</summary>
[Collection("alone")]
public sealed class EightBitTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>Every layer of the catalogue with weights of eight bits: near what Forward gives, without allocating, and the same bits on one thread. A step of eight bits is 1/127 of a row's largest weight, half of that is
    /// lost at most, and of a few such a fiftieth of the largest result; where softmax, norms or several layers follow, more.</summary>
    [Theory]
    [MemberData(nameof(InferenceSessionTests.Rows), MemberType = typeof(InferenceSessionTests))]
    public void EightBitsAreNear(string name)
    {
        if (InferenceSessionTests.Refused.Contains(name)) { return; }
        var golden = LayerCatalog.Golden[name];
        var layer = GoldenLayers.Load(LayerCatalog.All[name](), golden);
        bool numbers = golden.TryGetProperty("x", out var input);
        using var arena = new Arena();
        float[] x = numbers ? GoldenLayers.Tensor(input).ToArray() : [];
        int[] indices = numbers ? [] : GoldenLayers.Indices(golden).ToArray();
        var session = numbers ? new InferenceSession(layer, GoldenLayers.Tensor(input).Shape, WeightPrecision.Int8) : InferenceSession.OfIndices(layer, GoldenLayers.Indices(golden).Shape, WeightPrecision.Int8);
        float[] expected = (numbers ? layer.Forward(GoldenLayers.Tensor(input)) : layer.Forward(GoldenLayers.Indices(golden))).ToArray(), y = new float[expected.Length], once = new float[expected.Length];
        void Call()
        {
            if (numbers) { session.Run(x, y); } else { session.Run(indices, y); }
        }
        Call();
        float most = expected.Length == 0 ? 0 : expected.Max(MathF.Abs);
        for (int i = 0; i < y.Length; i++) { Assert.True(Math.Abs(y[i] - expected[i]) <= 0.05f * most, $"{name} [{i}]: {y[i]} instead of {expected[i]}, the largest is {most}"); }
        Assert.Equal(0, InferenceSessionTests.Allocated(Call));
        int threads = DeepEduOptions.MaxThreads;
        try
        {
            y.CopyTo(once, 0);
            DeepEduOptions.MaxThreads = threads == 1 ? 2 : 1;
            Call();
        }
        finally { DeepEduOptions.MaxThreads = threads; }
        Assert.Equal(once, y);
    }

    /// <summary>A file with weights of eight bits is to a session what the model is that it was written of, in every layer of the catalogue but those that tell of the weights themselves: the same bits.</summary>
    [Theory]
    [MemberData(nameof(InferenceSessionTests.Rows), MemberType = typeof(InferenceSessionTests))]
    public void AFileOfEightBitsGivesASessionTheSameBits(string name)
    {
        if (InferenceSessionTests.Refused.Contains(name)) { return; }
        var golden = LayerCatalog.Golden[name];
        Layer layer = GoldenLayers.Load(LayerCatalog.All[name](), golden), again = GoldenLayers.Load(LayerCatalog.All[name](), golden);
        if (layer.Factors().Count == 0 || name.StartsWith("regularizer", StringComparison.Ordinal)) { return; }
        string path = _folder["a.safetensors"];
        layer.SaveWeights(path, NumberType.I8);
        Assert.True(again.LoadWeights(path).IsExact);
        Assert.Equal(Told(layer), Told(again));

        float[] Told(Layer layer)
        {
            using var arena = new Arena();
            if (golden.TryGetProperty("x", out var input))
            {
                var x = GoldenLayers.Tensor(input);
                float[] y = new float[layer.Forward(x).Size];
                new InferenceSession(layer, x.Shape, WeightPrecision.Int8).Run(x.ToArray(), y);
                return y;
            }
            var tokens = GoldenLayers.Indices(golden);
            float[] z = new float[layer.Forward(tokens).Size];
            InferenceSession.OfIndices(layer, tokens.Shape, WeightPrecision.Int8).Run(tokens.Span, z);
            return z;
        }
    }

    /// <summary>A quarter of the size; what another part uses too, and what is no product's, stays as it is; a part of the file goes into a part of a model; files whose steps do not fit are refused.</summary>
    [Fact]
    public void AFileOfEightBitsIsAQuarter()
    {
        var rng = new Rng(1);
        string eight = _folder["eight.safetensors"], whole = _folder["whole.safetensors"];
        var table = new Embedding(50, 64, rng);
        var model = new Sequential(table, new Lstm(64, 96, rng), new MaxOverTime(), new Dense(96, 64, rng), Dense.Tied(table.Weight));
        model.SaveWeights(eight, NumberType.I8);
        model.SaveWeights(whole);
        Assert.InRange(new FileInfo(eight).Length - (4L * 50 * 64), 0, 0.3 * (new FileInfo(whole).Length - (4L * 50 * 64)));
        float[] before = table.Weight.ToArray();
        var dense = (Dense)model[3];
        float[] exact = dense.Weight.ToArray();
        Assert.True(model.LoadWeights(eight).IsExact);
        Assert.Equal(before, table.Weight.ToArray());
        float[] rounded = dense.Weight.ToArray();
        Assert.NotEqual(exact, rounded);
        float half = 0.5001f * exact.Max(MathF.Abs) / 127; // half a step, of the largest
        for (int i = 0; i < exact.Length; i++) { Assert.InRange(rounded[i] - exact[i], -half, half); }
        model.SaveWeights(eight, NumberType.I8); // what is rounded stays
        var other = new Dense(96, 64, rng);
        using (var file = SafeTensors.Open(eight))
        {
            Assert.Equal(NumberType.I8, file.Entries.Single(e => e.Name == "3.weight").Type);
            Assert.Equal([64, 1], file.Entries.Single(e => e.Name == "3.weight_scale").Shape);
            other.LoadWeights(file.ToState().Part("3"));
        }
        Assert.Equal(rounded, other.Weight.ToArray());
        using (var stream = new Once(File.ReadAllBytes(eight)))
        {
            using var file = SafeTensors.Open(stream, new FileInfo(eight).Length);
            Assert.Equal(rounded, file.ToState().Tensor("3.weight").ToArray());
        }
        Assert.Contains("safetensors file; call it", Assert.Throws<ArgumentException>(() => model.SaveWeights(_folder["a.pt"], NumberType.I8)).Message, StringComparison.Ordinal);
        Assert.Contains("no weight of this Embedding", Assert.Throws<ArgumentException>(() => table.SaveWeights(eight, NumberType.I8)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => model.SaveWeights(_folder["a.ckpt"], NumberType.I8));
        SafeTensors.Write(eight, [(new SafeTensorsEntry("weight", NumberType.I8, [64, 96]), Tensor.Zeros([64, 96])), (new SafeTensorsEntry("weight_scale", NumberType.F32, [3]), Tensor.Ones([3])), (new SafeTensorsEntry("bias", NumberType.F32, [64]), Tensor.Zeros([64]))]);
        Assert.Contains("\"weight\" [64,96] needs one step or 64, but \"weight_scale\" is [3]", Assert.Throws<InvalidDataException>(() => other.LoadWeights(eight)).Message, StringComparison.Ordinal);
        Assert.Equal(rounded, other.Weight.ToArray());
    }

    /// <summary>Cannot go back.</summary>
    private sealed class Once(byte[] bytes) : MemoryStream(bytes)
    {
        public override bool CanSeek => false;
    }

    /// <summary>Large enough for integers on two threads: dense layers of few and of many rows, recurrent ones of one, four and five sequences, with and without lengths, agree with the same model whose weights are rounded.
    /// What is left is the inputs' rounding to some 13 bits.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(20)]
    public void EightBitsAreThoseOfTheRoundedModel(int batch)
    {
        var rng = new Rng(1);
        Lstm lstm = new(40, 150, rng, layers: 2, bidirectional: true);
        Gru gru = new(300, 130, rng);
        Gru before = new(130, 70, rng, resetBefore: true);
        SimpleRnn rnn = new(70, 260, rng);
        Dense head = new(260, 300, rng), last = new(300, 7, rng);
        Tensor[] Forward(Tensor x, Indices lengths)
        {
            var (output, state) = lstm.Run(x, lengths: lengths);
            var (y, _) = gru.Run(output, lengths: lengths);
            (y, _) = before.Run(y);
            (y, var h) = rnn.Run(y);
            return [last.Forward(head.Forward(h.Squeeze(0)).Gelu()), y, state.C];
        }
        Shape shape = [batch, 6, 40];
        float[] x = Tensor.Uniform(shape, rng, -1, 1).ToArray();
        int[] lengths = [.. Enumerable.Range(0, batch).Select(i => i % 3 == 1 ? 4 : 6)];
        var session = new InferenceSession(i => Forward(i.Tensor(shape), i.Indices([batch])), WeightPrecision.Int8);
        float[][] told = Call();
        float[][] exact = Exact();
        DeepEduOptions.MaxThreads = 1;
        try { Assert.Equal(told, Call()); }
        finally { DeepEduOptions.MaxThreads = Environment.ProcessorCount; }
        foreach (var p in new Module[] { lstm, gru, before, rnn, head, last }.SelectMany(m => m.Parameters()).Where(p => p.Value.Rank == 2))
        {
            float[] rounded = new float[p.Value.Size];
            unsafe
            {
                fixed (float* from = p.Value.ToArray(), to = rounded) { DeepEdu.Kernels.Int8Weights.Round(from, p.Value.Shape[0], p.Value.Shape[1], to); }
            }
            p.Value.CopyFrom(rounded);
        }
        float[][] expected = Exact();
        for (int k = 0; k < told.Length; k++)
        {
            double error = 0, change = 0;
            for (int i = 0; i < told[k].Length; i++) { (error, change) = (Math.Max(error, Math.Abs(told[k][i] - expected[k][i])), Math.Max(change, Math.Abs(exact[k][i] - expected[k][i]))); }
            Assert.InRange(error, 0, 2e-4);
            Assert.True(change > 4 * error, $"rounding changes result {k} by {change}, and eight bits miss it by {error}");
        }
        Assert.Equal(told, Call()); // what is rounded stays

        float[][] Call()
        {
            using var call = session.Begin();
            call.Set(0, x);
            call.Set(1, lengths);
            call.Run();
            return [call.Output(0).ToArray(), call.Output(1).ToArray(), call.Output(2).ToArray()];
        }

        float[][] Exact()
        {
            using var arena = new Arena();
            return [.. Forward(Tensor.Of(shape, x), Indices.Of(lengths)).Select(t => t.ToArray())];
        }
    }

    [Fact]
    public void EightBitsFollowTheWeightsAndLeaveTheModelAlone()
    {
        var rng = new Rng(3);
        var model = new Dense(5, 3, rng);
        float[] x = [1, -2, 3, -4, 5], y = new float[3], before = model.Forward(Tensor.Of([1, 5], x)).ToArray(), weight = model.Weight.ToArray();
        InferenceSession exact = new(model, [1, 5]), session = new(model, [1, 5], WeightPrecision.Int8);
        session.Run(x, y);
        Assert.NotEqual(before, y);
        Assert.Equal(weight, model.Weight.ToArray());
        exact.Run(x, y);
        Assert.Equal(before, y);
        model.Weight.CopyFrom([.. Enumerable.Repeat(127f, 15)]); // whole steps: only the inputs are rounded, to 1/32767 of the largest
        model.Bias!.CopyFrom([0, 1, 2]);
        session.Run(x, y);
        for (int i = 0; i < 3; i++) { Assert.Equal(381f + i, y[i], 0.05f); }
        Assert.Contains("Float32 or Int8", Assert.Throws<ArgumentOutOfRangeException>(() => new InferenceSession(model, [1, 5], (WeightPrecision)7)).Message, StringComparison.Ordinal);
    }
}
