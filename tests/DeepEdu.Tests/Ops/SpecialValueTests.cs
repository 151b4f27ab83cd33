using DeepEdu.Autograd;
using DeepEdu.Nn;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Ops;

/// <summary>Values and gradients where a number is none, or a formula meets an infinity. What is expected PyTorch 1.13 printed, for tensors of 19 values: full vectors and a rest.</summary>
[Trait("Width", "yes")]
public class SpecialValueTests
{
    private const float None = float.NaN, Most = float.PositiveInfinity;

    [Theory]
    [InlineData(None, 1, 1, 1)]
    [InlineData(1, None, 1, 1)]
    [InlineData(None, None, 1, 1)]
    [InlineData(None, Most, 1, 1)]
    [InlineData(-Most, None, 1, 1)]
    [InlineData(2, 2, 0.5f, 0.5f)]
    [InlineData(Most, Most, 0.5f, 0.5f)]
    [InlineData(3, 2, 1, 0)]
    public void AMaximumThatIsNoNumberGivesBothItsGradient(float a, float b, float da, float db)
    {
        foreach (var f in (Func<Tensor, Tensor, Tensor>[])[Tensor.Maximum, (x, y) => -Tensor.Minimum(-x, -y)])
        {
            using var tape = new Tape();
            Tensor x = tape.Watch(All(a)), y = tape.Watch(All(b));
            var gradients = tape.Gradients(f(x, y).Sum());
            Assert.Equal(All(da).ToArray(), gradients[x].ToArray());
            Assert.Equal(All(db).ToArray(), gradients[y].ToArray());
        }
    }

    public static TheoryData<string, Func<Tensor, Tensor>, float, float, float> Values => new()
    {
        { "0^-1", x => Tensor.Pow(0, x), -1, Most, -Most },
        { "0^-.5", x => Tensor.Pow(0, x), -0.5f, Most, -Most },
        { "0^0", x => Tensor.Pow(0, x), 0, 1, 0 },
        { "0^.5", x => Tensor.Pow(0, x), 0.5f, 0, 0 },
        { "0^NaN", x => Tensor.Pow(0, x), None, None, None },
        { "zeros^-1", x => All(0).Pow(x), -1, Most, -Most },
        { "zeros^0", x => All(0).Pow(x), 0, 1, 0 },
        { "zeros^NaN", x => All(0).Pow(x), None, None, None },
        { "clamp NaN", x => x.Clamp(-1, 1), None, None, 0 },
        { "clamp at its end", x => x.Clamp(-1, 1), 1, 1, 1 },
        { "relu6 NaN", x => x.Relu6(), None, None, 0 }, // 1 in the last values of a tensor, which PyTorch computes one by one
        { "relu6 at its end", x => x.Relu6(), 6, 6, 0 },
        { "hardtanh NaN", x => x.HardTanh(), None, None, 0 },
        { "relu NaN", x => x.Relu(), None, None, 1 },
    };

    [Theory]
    [MemberData(nameof(Values))]
    public void ValueAndGradient(string name, Func<Tensor, Tensor> f, float at, float value, float gradient)
    {
        using var tape = new Tape();
        var x = tape.Watch(All(at));
        var y = f(x);
        Assert.True(y.ToArray().All(v => v.Equals(value)), $"{name}: {y}");
        var d = tape.Gradients(y.Sum())[x];
        Assert.True(d.ToArray().All(v => v == gradient || v.Equals(gradient)), $"{name}: gradient {d}");
    }

    /// <summary>Squares that are beyond float32 on the way to a deviation that is not; PyTorch adds up in double precision.</summary>
    [Theory]
    [InlineData(1e20f, 1.5275252921119906e20f)]
    [InlineData(1e-25f, 1.5275252351881298e-25f)]
    [InlineData(4e37f, 6.1101014e37f)] // up to where the sum of the values is too much
    [InlineData(1e-40f, 1.52753e-40f)] // subnormal: few digits
    [InlineData(1, 1.5275252f)]
    public void DeviationsBeyondTheirSquares(float unit, float expected)
    {
        foreach (bool second in (bool[])[false, true])
        {
            using var tape = new Tape();
            var x = tape.Watch(Tensor.Of([3, 2], [unit, 3, 2 * unit, 3, unit * 4, 6])); // beside a column of plain numbers
            var y = x.Std(0);
            Assert.Equal(expected, y[0].Item(), expected * 1e-5f);
            Assert.Equal(MathF.Sqrt(3), y[1].Item(), 1e-6f);
            if (unit < 1e-30f) { continue; } // 1 / y is ∞, in PyTorch too
            float[] d = (second ? tape.RecordedGradients(y.Sum(), x)[0] : tape.Gradients(y.Sum())[x]).ToArray(), want = [-0.43643576f, -0.28867513f, -0.10910892f, -0.28867513f, 0.54554469f, 0.57735026f];
            for (int i = 0; i < d.Length; i++) { Assert.Equal(want[i], d[i], 1e-6f); }
        }
        float[] recorded = new float[2];
        new InferenceSession(i => i.Tensor([3, 2]).Std(0), default).Run([unit, 3, 2 * unit, 3, unit * 4, 6], recorded);
        Assert.Equal(Tensor.Of([3, 2], [unit, 3, 2 * unit, 3, unit * 4, 6]).Std(0).ToArray(), recorded);
    }

    [Fact]
    public void AVarianceMayBeFiniteWhereTheSumOfSquaresIsNot()
    {
        float[] x = [.. Enumerable.Range(0, 100).Select(i => i % 2 == 0 ? 1.5e19f : -1.5e19f)];
        Assert.Equal(2.25e38f, Tensor.Of(x).Var(correction: 0).Item(), 1e33f);
        Assert.Equal(Most, Tensor.Of(1e20f, 2e20f).Var().Item());
        Assert.Equal(None, Tensor.Of(Most, 1).Std().Item());
    }

    private static Tensor All(float value) => Tensor.Full([19], value);
}
