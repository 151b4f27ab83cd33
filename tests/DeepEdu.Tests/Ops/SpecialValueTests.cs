using DeepEdu.Autograd;
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

    private static Tensor All(float value) => Tensor.Full([19], value);
}
