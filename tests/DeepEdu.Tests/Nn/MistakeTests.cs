using DeepEdu.Io;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;
using DeepEdu.Tests.Io;

namespace DeepEdu.Tests.Nn;

/// <summary>Mistakes that everybody makes once: the message says what was wrong and what to do.</summary>
public sealed class MistakeTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly Rng _rng = new(1);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void ADenseLayerAfterTheWrongFlatten() => Says<ShapeException>("linear: x [2,1176] has 1176 inputs on its last axis, the weight [10,100] takes 100; make the layer with 1176 inputs",
        () => new Sequential(new Conv2d(3, 6, 5, _rng), new MaxPool2d(2), new Flatten(), new Dense(100, 10, _rng)).Forward(Tensor.Ones([2, 3, 32, 32])));

    [Fact]
    public void TokensAsNumbers()
    {
        var table = new Embedding(10, 4, _rng);
        Says<InvalidOperationException>("x.ToIndices() converts whole ones", () => table.Forward(Tensor.Of(1, 2)));
        Assert.Equal(table.Forward(new[] { 1, 2 }).ToArray(), table.Forward(Tensor.Of(1, 2).ToIndices()).ToArray());
        Says<ShapeException>("if these are tokens, an Embedding makes features of them", () => new Lstm(8, 4, _rng).Forward(Tensor.Ones([2, 5])));
    }

    [Fact]
    public void ChannelsBeforeSteps()
    {
        Says<ShapeException>("lstm: x is [2,8,5], but [batch, steps, 8] is needed; do features stand before steps, as behind a convolution? Transpose(1, 2) first", () => new Lstm(8, 4, _rng).Forward(Tensor.Ones([2, 8, 5])));
        Assert.Equal([2, 5, 4], new Lstm(8, 4, _rng).Forward(Tensor.Ones([2, 8, 5]).Transpose(1, 2)).Shape);
        Says<ShapeException>("as behind a convolution? Permute(2, 0, 1) first", () => new Gru(8, 4, _rng, batchFirst: false).Forward(Tensor.Ones([2, 8, 5])));
        Assert.Equal([5, 2, 4], new Gru(8, 4, _rng, batchFirst: false).Forward(Tensor.Ones([2, 8, 5]).Permute(2, 0, 1)).Shape);
        var e = Assert.Throws<ShapeException>(() => new SimpleRnn(8, 4, _rng).Forward(Tensor.Ones([8, 3, 5]))); // no order of these axes fits
        Assert.EndsWith("[batch, steps, 8] is needed", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WholeNumbersAreConvertedAndOthersNamed()
    {
        var x = Tensor.Of([2, 2], [3, -1, 0, 16777216]).ToIndices();
        Assert.Equal([3, -1, 0, 16777216], x.Span.ToArray());
        Assert.Equal([2, 2], x.Shape.Sizes.ToArray());
        foreach (float bad in (float[])[0.5f, float.NaN, float.PositiveInfinity])
        {
            Says<ArgumentException>("at position 1 is no whole number; Floor", () => Tensor.Of(1, bad).ToIndices());
        }
        foreach (float rounded in (float[])[16777218, -16777218, 2147483648f, -3e9f])   // 16,777,217 would be the first of them
        {
            Says<ArgumentException>("at position 1 is beyond 2^24, where float32 rounds", () => Tensor.Of(1, rounded).ToIndices());
        }
    }

    [Fact]
    public void CrossEntropyOfOneScore() => Says<ArgumentOutOfRangeException>("where one score says yes or no, use BinaryCrossEntropyWithLogits", () => Tensor.Ones([2, 1]).CrossEntropy(new[] { 0, 1 }));

    [Fact]
    public void BinaryCrossEntropyOfLogits()
    {
        Says<ArgumentOutOfRangeException>("binary-cross-entropy: 1.5 is no probability", () => Losses.BinaryCrossEntropy(Tensor.Of(0.5f, 1.5f), Tensor.Of(1, 0)));
        Says<ArgumentOutOfRangeException>("BinaryCrossEntropyWithLogits", () => Losses.BinaryCrossEntropy(Tensor.Of(-2, 1.5f), Tensor.Of(1, 0)));
        Assert.Equal(0, Losses.BinaryCrossEntropy(Tensor.Of(0, 1), Tensor.Of(0, 1)).Item());
        Assert.True(float.IsNaN(Losses.BinaryCrossEntropy(Tensor.Of(float.NaN, 1), Tensor.Of(0, 1)).Item())); // for the search for NaN to find
    }

    [Fact]
    public void AttentionOfAnotherWidth() => Says<ShapeException>("multi-head-attention: query [2,5,7] needs a last axis of 8", () => new MultiHeadAttention(8, 2, _rng).Forward(Tensor.Ones([2, 5, 7])));

    [Fact]
    public void WeightsOfKerasLieTransposed() => Says<InvalidDataException>("weight [3,2] in the file, [2,3] in the model, transposed: Keras",
        () => new Dense(3, 2, _rng).LoadWeights(new StateDict().Set("weight", Tensor.Ones([3, 2])).Set("bias", Tensor.Ones([2]))));

    [Fact]
    public void FilesThatAreNone()
    {
        var model = new Dense(1, 1, _rng);
        File.WriteAllText(_folder["empty"], "");
        Says<InvalidDataException>("it is empty", () => model.LoadWeights(_folder["empty"]));
        File.WriteAllText(_folder["a.csv"], "a,b\n1,2\n");
        Says<InvalidDataException>("8 bytes are too few; is it another kind of file, or cut off?", () => model.LoadWeights(_folder["a.csv"]));
        File.WriteAllBytes(_folder["m.h5"], [0x89, (byte)'H', (byte)'D', (byte)'F', 13, 10, 26, 10, 0, 0, 0, 0]);
        Says<InvalidDataException>("it looks like HDF5", () => model.Load(_folder["m.h5"]));
    }

    private static void Says<E>(string message, Func<object?> mistake) where E : Exception => Assert.Contains(message, Assert.Throws<E>(mistake).Message, StringComparison.Ordinal);
}
