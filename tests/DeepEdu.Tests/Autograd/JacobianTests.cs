using DeepEdu.Autograd;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Autograd;

public class JacobianTests
{
    [Fact]
    public void OfAProductItIsTheMatrix()
    {
        Tensor a = Tensor.Normal([3, 4], new Rng(1)), x = Tensor.Normal([4], new Rng(2));
        var j = Jacobian.Of(v => a.MatMul(v), x);
        Assert.Equal([3, 4], j.Shape.Sizes.ToArray());
        Assert.Equal(a.ToArray(), j.ToArray());
    }

    [Fact]
    public void OfASoftmaxItIsDiagonalLessOuter()
    {
        var x = Tensor.Of([3], [0.5f, -1, 2]);
        var p = x.Softmax();
        var want = p.DiagEmbed() - p.Outer(p);
        var j = Jacobian.Of(v => v.Softmax(), x);
        for (int i = 0; i < 9; i++) { Assert.Equal(want.ToArray()[i], j.ToArray()[i], 1e-6f); }
        Assert.False(x.IsLeaf);
    }

    [Fact]
    public void AxesOfTheOutputStandBeforeThoseOfTheInput()
    {
        var x = Tensor.Normal([2, 3], new Rng(3));
        Assert.Equal([2, 2, 3], Jacobian.Of(v => v.Sum(1), x).Shape.Sizes.ToArray());
        Assert.Equal([2, 3], Jacobian.Of(v => v.Square().Sum(), x).Shape.Sizes.ToArray());
        Assert.Equal((2 * x).ToArray(), Jacobian.Of(v => v.Square().Sum(), x).ToArray());
        Assert.Equal(new float[2 * 6], Jacobian.Of(_ => Tensor.Ones([2]), x).ToArray());
    }

    [Fact]
    public void ItIsThatOfAModelInUse()
    {
        var rng = new Rng(5);
        var model = new Sequential(new Dense(3, 8, rng), new Tanh(), new Dropout(0.5f, rng), new Dense(8, 2, rng));
        var x = Tensor.Normal([1, 3], rng);
        var j = Jacobian.Of(model.Forward, x).Reshape(2, 3);
        const float H = 1e-2f;
        for (int i = 0; i < 3; i++)
        {
            float[] up = x.ToArray(), down = x.ToArray();
            (up[i], down[i]) = (up[i] + H, down[i] - H);
            float[] a = model.Forward(Tensor.Of([1, 3], up)).ToArray(), b = model.Forward(Tensor.Of([1, 3], down)).ToArray();
            for (int o = 0; o < 2; o++) { Assert.Equal((a[o] - b[o]) / (2 * H), j[o, i].Item(), 1e-3f); } // central differences in float32
        }
        // within another tape the result is a constant
        using var tape = new Tape();
        tape.Watch(x);
        Assert.False(tape.Wants(Jacobian.Of(model.Forward, x)));
    }
}
