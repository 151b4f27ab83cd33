using DeepEdu.Autograd;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Ops;

public class SparseMatrixTests
{
    [Fact]
    public void EntriesAtOnePlaceAddUpAndRowsWithoutAnyAreZero()
    {
        var a = new SparseMatrix(3, 2, Indices.Of(2, 0, 2), Indices.Of(1, 0, 1), Tensor.Of(1, 2, 3));
        Assert.Equal([2, 0, 0, 0, 0, 4], a.ToDense().ToArray());
        Assert.Equal([1, 0, 0, 0, 0, 2], new SparseMatrix(3, 2, a.Row, a.Column).ToDense().ToArray());
        Assert.Equal(3, a.Count);
    }

    [Fact]
    public void ItOutlivesTheArenasInWhichItWasMade()
    {
        SparseMatrix a;
        using (new DeepEdu.Memory.Arena())
        {
            using var inner = new DeepEdu.Memory.Arena();
            a = new(2, 2, Indices.Of(0, 1), Indices.Of(1, 0));
        }
        Assert.Equal([0, 1, 1, 0], a.ToDense().ToArray());
    }

    [Fact]
    public void OtherValuesStandInTheSamePlaces()
    {
        var rng = new Rng(1);
        var a = new SparseMatrix(4, 5, Indices.Uniform([9], rng, 0, 4), Indices.Uniform([9], rng, 0, 5), Tensor.Normal([9], rng));
        Tensor values = Tensor.Normal([9], rng), x = Tensor.Normal([5, 3], rng);
        float[]?[] gradients = new float[]?[2];
        for (int i = 0; i < 2; i++)
        {
            using var tape = new Tape();
            tape.Watch(x);
            tape.Watch(values);
            var b = i == 0 ? a.With(values) : new SparseMatrix(4, 5, a.Row, a.Column, values);
            var g = tape.Gradients(b.MatMul(x).Square().Sum());
            gradients[i] = [.. g[x].ToArray(), .. g[values].ToArray()];
        }
        Assert.Equal(gradients[0], gradients[1]);
    }

    [Fact]
    public void SessionsMultiply()
    {
        var rng = new Rng(2);
        var a = new SparseMatrix(40, 30, Indices.Uniform([200], rng, 0, 40), Indices.Uniform([200], rng, 0, 30), Tensor.Normal([200], rng));
        var y = Tensor.Normal([30, 20], rng);
        var session = new InferenceSession(i => a.MatMul(i.Tensor([30, 20])));
        float[] got = new float[800];
        session.Run(y.AsSpan(), got);
        Assert.Equal(a.MatMul(y).ToArray(), got);
    }

    [Fact]
    public void ErrorsSayWhatIsWrong()
    {
        Indices two = Indices.Of(0, 1), three = Indices.Of(0, 1, 2);
        Assert.Contains("rows [2] and columns [3]", Assert.Throws<ShapeException>(() => new SparseMatrix(3, 3, two, three)).Message, StringComparison.Ordinal);
        Assert.Contains("2 entries, values [3]", Assert.Throws<ShapeException>(() => new SparseMatrix(3, 3, two, two, Tensor.Of(1, 2, 3))).Message, StringComparison.Ordinal);
        Assert.Contains("2 entries, values [1]", Assert.Throws<ShapeException>(() => new SparseMatrix(3, 3, two, two).With(Tensor.Of(1))).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => new SparseMatrix(1, 3, two, two));
        Assert.Throws<ArgumentOutOfRangeException>(() => new SparseMatrix(3, 1, two, two));
        var a = new SparseMatrix(3, 4, two, two);
        Assert.Contains("inner sizes 4 and 3 differ", Assert.Throws<ShapeException>(() => a.MatMul(Tensor.Ones([3, 2]))).Message, StringComparison.Ordinal);
        Assert.Contains("Unsqueeze(1)", Assert.Throws<ShapeException>(() => a.MatMul(Tensor.Ones([4]))).Message, StringComparison.Ordinal);
    }
}
