using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Nn;

/// <summary>Categories in place of one-hot vectors: the same function of the same weights.</summary>
[Collection("alone")]
public class RecurrentCategoryTests
{
    // the same products, those with 0 left out; a column's gradient is summed row by row, not by the blocks of a matrix product
    private const float Rounding = 1e-5f;

    public static TheoryData<string> Kinds => ["lstm", "lstm-coupled", "lstm-norm", "lstm-projection", "gru", "gru-before", "rnn"];

    public static TheoryData<string, int> KindsOfFewAndMany()
    {
        var all = new TheoryData<string, int>();
        foreach (var kind in Kinds) { all.Add(kind, 37); }
        all.Add("lstm", 1100); // more than have their sums side by side
        all.Add("gru", 1100);
        return all;
    }

    [Theory]
    [MemberData(nameof(KindsOfFewAndMany))]
    public void EqualOneHotVectorsOnAnyNumberOfThreads(string kind, int count)
    {
        const int Batch = 16, Steps = 9;
        var rng = new Rng(5);
        Indices x = new int[Batch * Steps], lengths = new int[Batch];
        for (int i = 0; i < x.Size; i++) { x.Values[i] = rng.Next(count); }
        for (int i = 0; i < Batch; i++) { lengths.Values[i] = rng.Next(Steps + 1); }
        x = x.Reshape([Batch, Steps]);
        var layer = New(kind, count, rng);

        var vectors = Gradients(() => Run(layer, x.OneHot(count), null, lengths));
        int before = DeepEduOptions.MaxThreads;
        try
        {
            DeepEduOptions.MaxThreads = 1;
            var one = Gradients(() => Run(layer, null, x, lengths));
            DeepEduOptions.MaxThreads = 3;
            var three = Gradients(() => Run(layer, null, x, lengths));
            for (int i = 0; i < one.Length; i++)
            {
                Assert.Equal(one[i], three[i]); // the same bits
                for (int j = 0; j < one[i].Length; j++) { Assert.Equal(vectors[i][j], one[i][j], Rounding * Math.Max(1, Math.Abs(vectors[i][j]))); }
            }
        }
        finally { DeepEduOptions.MaxThreads = before; }

        float[][] Gradients(Func<Tensor> output)
        {
            using var tape = new Tape();
            var y = output();
            var all = tape.Gradients((y * y).Sum());
            return [y.ToArray(), .. layer.Parameters().Select(p => all[p.Value]!.ToArray())];
        }
    }

    [Fact]
    public void OfTimeFirstAndInASession()
    {
        var rng = new Rng(6);
        var layer = new Lstm(7, 5, rng, batchFirst: false);
        var x = Indices.Of([4, 2], [0, 6, 3, 3, 1, 0, 5, 2]);
        Assert.Equal(layer.Forward(x.OneHot(7)).ToArray(), layer.Forward(x).ToArray());

        var session = InferenceSession.OfIndices(new Sequential(layer, new Dense(5, 2, rng)), [4, 2]);
        float[] y = new float[16];
        Assert.Throws<ArgumentOutOfRangeException>(() => session.Run([0, 6, 3, 3, 1, 0, 5, 7], y));
    }

    [Fact]
    public void ErrorsNameWhatIsWrong()
    {
        var layer = new Gru(7, 5, new Rng(6));
        Assert.Contains("gru: index 7 at position 1 is outside 0..6", Assert.Throws<ArgumentOutOfRangeException>(() => layer.Forward(Indices.Of([1, 2], [0, 7]))).Message, StringComparison.Ordinal);
        Assert.Contains("the categories are [2], but [batch, steps] is needed", Assert.Throws<ShapeException>(() => layer.Forward(Indices.Of(0, 6))).Message, StringComparison.Ordinal);
        Assert.Contains("needed for x [1,2,7]", Assert.Throws<ShapeException>(() => layer.Run(Indices.Of([1, 2], [0, 6]), Tensor.Zeros([1, 2, 5]))).Message, StringComparison.Ordinal);
    }

    private static Tensor Run(Recurrent layer, Tensor? x, Indices? categories, Indices lengths) => layer switch
    {
        Lstm lstm => x is null ? lstm.Run(categories!, lengths: lengths).Output : lstm.Run(x, lengths: lengths).Output,
        Gru gru => x is null ? gru.Run(categories!, lengths: lengths).Output : gru.Run(x, lengths: lengths).Output,
        SimpleRnn rnn => x is null ? rnn.Run(categories!, lengths: lengths).Output : rnn.Run(x, lengths: lengths).Output,
        _ => throw new ArgumentException(layer.GetType().Name, nameof(layer)),
    };

    private static Recurrent New(string kind, int inputs, Rng rng) => kind switch
    {
        "gru" => new Gru(inputs, 20, rng, layers: 2, bidirectional: true),
        "gru-before" => new Gru(inputs, 20, rng, resetBefore: true),
        "rnn" => new SimpleRnn(inputs, 20, rng, bidirectional: true),
        "lstm-projection" => new Lstm(inputs, 20, rng, projection: 7),
        _ => new Lstm(inputs, 20, rng, layers: 2, coupled: kind == "lstm-coupled", layerNorm: kind == "lstm-norm"),
    };
}
