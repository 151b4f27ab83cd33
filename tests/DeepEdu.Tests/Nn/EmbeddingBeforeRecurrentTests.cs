using DeepEdu.Autograd;
using DeepEdu.Data;
using DeepEdu.Devices;
using DeepEdu.Io;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;
using DeepEdu.Tests.Io;
using FsCheck;
using FsCheck.Fluent;

namespace DeepEdu.Tests.Nn;

/// <summary>A recurrent layer right behind an embedding multiplies each different word once: the same function, the same gradients.</summary>
[Collection("alone")]
public class EmbeddingBeforeRecurrentTests
{
    // the same products; the gradient of a word is summed before it is multiplied, not afterwards
    private const float Rounding = 2e-5f;

    public static TheoryData<string, int, int, string> Cases => new()
    {
        { "lstm", 11, 40, "" }, // the whole table
        { "lstm", 11, 2, "" }, // too few steps to be worth it
        { "lstm", 5000, 40, "" }, // the words that come up
        { "lstm", 5000, 40, "padding" },
        { "lstm", 40, 40, "short" },
        { "lstm", 5000, 40, "sparse" },
        { "lstm", 1200, 900, "" }, // more words than have their sums side by side
        { "both ways", 300, 40, "" },
        { "gru", 1200, 900, "" },
        { "gru-before", 300, 40, "padding" },
        { "rnn", 300, 40, "" },
        { "time first", 300, 40, "" },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void IsTheSameAsOneAfterTheOther(string kind, int count, int steps, string option)
    {
        const int Batch = 4, Width = 24;
        var rng = new Rng(7);
        var table = new Embedding(count, Width, rng, padding: option == "padding" ? 3 : null, maxNorm: option == "short" ? 4 : null, sparse: option == "sparse");
        var layer = New(kind, Width, rng);
        var model = new Sequential(table, layer);
        Indices x = new int[Batch * steps];
        for (int i = 0; i < x.Size; i++) { x.Values[i] = rng.Next(rng.Next(count) + 1); } // low numbers more often, as words
        x = x.Reshape(kind == "time first" ? [steps, Batch] : [Batch, steps]);
        var separate = Gradients(() => layer.Forward(table.Forward(x)));
        int before = DeepEduOptions.MaxThreads;
        try
        {
            DeepEduOptions.MaxThreads = 1;
            var one = Gradients(() => model.Forward(x));
            DeepEduOptions.MaxThreads = 3;
            var three = Gradients(() => model.Forward(x));
            Assert.Equal(model.Parameters().Count + 1, one.Length);
            for (int i = 0; i < one.Length; i++)
            {
                Assert.Equal(one[i], three[i]); // the same bits
                float most = separate[i].Max(Math.Abs);
                for (int j = 0; j < one[i].Length; j++) { Assert.Equal(separate[i][j], one[i][j], Rounding * Math.Max(1, most)); }
            }
        }
        finally { DeepEduOptions.MaxThreads = before; }

        float[][] Gradients(Func<Tensor> output)
        {
            using var tape = new Tape();
            var y = output();
            var all = tape.Gradients((y * y).Sum());
            Assert.Equal(option == "sparse", all.FindRows(table.Weight) is not null);
            return [y.ToArray(), .. model.Parameters().Select(p => all[p.Value].ToArray())];
        }
    }

    /// <summary>With states and lengths, and of kinds that cannot share.</summary>
    [Theory]
    [InlineData("lstm")]
    [InlineData("gru")]
    [InlineData("rnn")]
    [InlineData("layer norm")]
    public void RunsWithStatesAndLengths(string kind)
    {
        var rng = new Rng(9);
        var (table, layer) = (new Embedding(1300, 24, rng), New(kind, 24, rng));
        var x = Indices.Uniform([5, 700], rng, 0, 1300);
        Indices lengths = Indices.Of(700, 0, 350, 699, 1);
        using var tape = new Tape();
        Tensor h0 = Tensor.Uniform([1, 5, 20], rng), c0 = Tensor.Uniform([1, 5, 20], rng);
        var (output, h) = Run(null);
        var (expected, last) = Run(table.Forward(x));
        Near(expected, output);
        Near(last, h);
        var all = tape.Gradients((output * output).Sum() + h.Sum());
        var others = tape.Gradients((expected * expected).Sum() + last.Sum());
        foreach (var p in (Parameter[])[table.Weight, .. layer.Parameters().Select(p => p.Value)]) { Near(others[p], all[p]); }

        (Tensor, Tensor) Run(Tensor? vectors) => layer switch
        {
            Lstm l when vectors is null => l.Run(table, x, new(h0, c0), lengths) is var (y, state) ? (y, state.H) : default,
            Lstm l => l.Run(vectors, new(h0, c0), lengths) is var (y, state) ? (y, state.H) : default,
            RecurrentOfH r => (vectors is null ? r.Run(table, x, h0, lengths) : r.Run(vectors, h0, lengths)) is var (y, state) ? (y, state) : default,
            _ => default,
        };

        static void Near(Tensor expected, Tensor actual)
        {
            Assert.Equal(expected.Shape, actual.Shape);
            float[] a = expected.ToArray(), b = actual.ToArray();
            float most = Math.Max(1, a.Max(Math.Abs));
            for (int i = 0; i < a.Length; i++) { Assert.Equal(a[i], b[i], Rounding * most); }
        }
    }

    [Fact]
    public void DoesNotMakeTheVectorsOfTheSteps()
    {
        const int Steps = 2000, Width = 512;
        var rng = new Rng(7);
        var model = new Sequential(new Embedding(9, Width, rng), new SimpleRnn(Width, 2, rng));
        var x = Indices.Uniform([1, Steps], rng, 0, 9);
        using var tape = new Tape();
        long before = CpuDevice.Instance.Pool.LiveBytes;
        _ = model.Forward(x);
        Assert.InRange(CpuDevice.Instance.Pool.LiveBytes - before, 1, Steps * Width);
    }

    /// <summary>What was shared while learning is rounded in another way: an answer is that of a session to the bit.</summary>
    [Theory]
    [InlineData(2, 4, 600)]
    [InlineData(9, 4, 600)]
    [InlineData(40, 300, 600)]
    [InlineData(2000, 300, 24)]
    public void AnswersAreThoseOfASession(int words, int steps, int width)
    {
        var rng = new Rng(4);
        var model = new Sequential(new Embedding(words, width, rng), new Lstm(width, 70, rng));
        var x = Indices.Uniform([1, steps], rng, 0, Math.Min(words, 40));
        float[] y = new float[steps * 70];
        InferenceSession.OfIndices(model, x.Shape).Run(x.Span, y);
        Assert.Equal(model.Forward(x).ToArray(), y);
        using var mode = new Tape(training: false);
        Assert.Equal(model.Forward(x).ToArray(), y);
    }

    /// <summary>In a session table and weight stay as they are from call to call, and so does their product, until one of them changes.</summary>
    [Fact]
    public void ASessionMultipliesTheTableOnce()
    {
        var rng = new Rng(4);
        Embedding table = new(11, 24, rng);
        Gru layer = new(24, 20, rng);
        var model = new Sequential(table, layer);
        var x = Indices.Uniform([2, 16], rng, 0, 11);
        var session = InferenceSession.OfIndices(model, x.Shape);
        float[] y = new float[32 * 20];
        Check(1); // the session was tried with random words, not with weights of its own
        Check(0);
        table.Weight.CopyFrom(Tensor.Normal(table.Weight.Shape, rng).ToArray());
        Check(1);
        Check(0);
        layer.Of(0).WeightIh.CopyFrom(Tensor.Normal(layer.Of(0).WeightIh.Shape, rng).ToArray());
        Check(1);
        Check(0);

        void Check(int most)
        {
            using (var profiler = new Profiler())
            {
                session.Run(x.Span, y);
                Assert.InRange(profiler.Calls.Where(c => c.Name == "matmul").Sum(c => c.Calls), 0, most);
            }
            Assert.Equal(model.Forward(x).ToArray(), y);
        }
    }

    /// <summary>A small table is multiplied beforehand with weights of eight bits too: the model and the file that was written of it tell the same bits.</summary>
    [Fact]
    public void AFileOfEightBitsBehindASmallTableGivesASessionTheSameBits()
    {
        using var folder = new TemporaryFolder();
        Sequential New() => new(new Embedding(11, 24, new Rng(4)), new Lstm(24, 20, new Rng(5), bidirectional: true));
        Sequential model = New(), again = New();
        model.SaveWeights(folder["a.safetensors"], NumberType.I8);
        again.LoadWeights(folder["a.safetensors"]);
        var x = Indices.Uniform([2, 16], new Rng(6), 0, 11);
        float[] told = Told(model, WeightPrecision.Int8), exact = Told(model, WeightPrecision.Float32);
        Assert.Equal(told, Told(again, WeightPrecision.Int8));
        Assert.NotEqual(exact, told);
        float most = exact.Max(MathF.Abs);
        for (int i = 0; i < told.Length; i++) { Assert.Equal(exact[i], told[i], 0.05f * most); }

        float[] Told(Sequential of, WeightPrecision weights)
        {
            float[] y = new float[32 * 40];
            InferenceSession.OfIndices(of, x.Shape, weights).Run(x.Span, y);
            return y;
        }
    }

    [Fact]
    public void GradientsOfGradientsPassThrough()
    {
        var rng = new Rng(8);
        var (table, layer) = (new Embedding(7, 16, rng), new Lstm(16, 5, rng));
        var (joint, separate) = (Second(new Sequential(table, layer).Forward), Second(x => layer.Forward(table.Forward(x))));
        Assert.Equal(separate.Length, joint.Length);
        for (int i = 0; i < joint.Length; i++) { Assert.Equal(separate[i], joint[i], Rounding * separate.Max(Math.Abs)); }

        float[] Second(Func<Indices, Tensor> forward)
        {
            using var tape = new Tape();
            var y = forward(Indices.Of([2, 6], [0, 6, 3, 3, 1, 0, 5, 5, 5, 2, 0, 1]));
            var first = tape.RecordedGradients((y * y).Sum(), table.Weight)[0];
            return [.. first.ToArray(), .. tape.Gradients((first * first).Sum())[table.Weight]!.ToArray()];
        }
    }

    [Fact]
    public void AWordOutsideTheTableIsNamed()
    {
        var model = new Sequential(new Embedding(7, 16, new Rng(6)), new Gru(16, 5, new Rng(6)));
        var e = Assert.Throws<ArgumentOutOfRangeException>(() => model.Forward(Indices.Of([2, 3], [0, 1, 1, 1, 7, 1])));
        Assert.Contains("embedding: index 7 at position 4 is outside 0..6", e.Message, StringComparison.Ordinal);
        var narrow = Assert.Throws<ShapeException>(() => new Gru(16, 5, new Rng(6)).Run(new Embedding(7, 15, new Rng(6)), Indices.Of([1, 2], [0, 1])));
        Assert.Contains("x is [1,2,15], but [batch, steps, 16] is needed", narrow.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void DistinctRowsAreThoseOfASet() => Properties.Hold(100, Prop.ForAll(
        Gen.ArrayOf(Gen.OneOf(Gen.Choose(0, 9), Gen.Choose(0, int.MaxValue))).ToArbitrary(), x =>
        {
            var (rows, places) = DistinctRows.Of(x);
            return rows.ToArray().SequenceEqual(x.Distinct()) && places.ToArray().Select(i => rows[i]).SequenceEqual(x);
        }));

    /// <summary>Which word stands where is many numbers a step, and none of them is left to the garbage collector.</summary>
    [Theory]
    [InlineData("words before a recurrent layer")]
    [InlineData("used rows alone")]
    [InlineData("bags")]
    [InlineData("sequences with padding, time first")]
    public void WhatAStepAllocatesDoesNotGrowWithTheWords(string kind)
    {
        const int Batch = 12, Width = 24; // a tile's worth: from there on nothing is packed on its own account
        var rng = new Rng(7);
        var table = new Embedding(300, Width, rng, sparse: kind == "used rows alone");
        var bags = new EmbeddingBag(300, Width, rng);
        Lstm layer = new(Width, 8, rng), packed = new(Width, 8, rng, batchFirst: false);
        var model = new Sequential(table, layer);
        var tensor = Tensor.Uniform([400, Batch, Width], rng);
        int before = DeepEduOptions.MaxThreads;
        try
        {
            DeepEduOptions.MaxThreads = 1;
            long few = Allocated(40), many = Allocated(400);
            Assert.InRange(many, 0, few + 1024); // 360 × 12 more words: 17 KB each time they are written down
        }
        finally { DeepEduOptions.MaxThreads = before; }

        long Allocated(int steps)
        {
            var x = Indices.Uniform([Batch, steps], new Rng(3), 0, 300);
            Indices lengths = Enumerable.Range(0, Batch).Select(i => steps - (i * 5 % Batch * steps / 20)).ToArray(); // long and short ones in turn, so that rows are packed
            var numbers = tensor.Narrow(0, 0, steps);
            long least = long.MaxValue;
            for (int i = 0; i < 12; i++)
            {
                long start = GC.GetAllocatedBytesForCurrentThread();
                using (var tape = new Tape())
                {
                    var y = kind switch
                    {
                        "words before a recurrent layer" => model.Forward(x),
                        "used rows alone" => table.Forward(x),
                        "bags" => bags.Forward(x),
                        _ => packed.Run(numbers, lengths: lengths).Output,
                    };
                    tape.Gradients(y.Sum());
                }
                least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - start);
            }
            return least;
        }
    }

    private static Recurrent New(string kind, int inputs, Rng rng) => kind switch
    {
        "gru" => new Gru(inputs, 20, rng),
        "gru-before" => new Gru(inputs, 20, rng, resetBefore: true),
        "rnn" => new SimpleRnn(inputs, 20, rng),
        "layer norm" => new Lstm(inputs, 20, rng, layerNorm: true),
        "both ways" => new Lstm(inputs, 9, rng, layers: 2, bidirectional: true),
        "time first" => new Lstm(inputs, 20, rng, batchFirst: false),
        _ => new Lstm(inputs, 20, rng),
    };
}
