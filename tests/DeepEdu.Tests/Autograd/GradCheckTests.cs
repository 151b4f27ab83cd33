using System.Runtime.CompilerServices;
using DeepEdu.Autograd;
using DeepEdu.Lanes;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Autograd;

public class GradCheckTests
{
    private static Tensor Input(int n) => Tensor.Uniform([n], new Rng(3), 0.5f, 2);

    [Fact]
    public void ARightGradientPassesAndInputsArePutBack()
    {
        Tensor a = Input(20), b = Input(20);
        float[] before = a.ToArray();
        var worst = GradCheck.Run(x => x[0] * x[1].Log(), [a, b]);
        Assert.InRange(worst.Error, 0, GradCheck.DefaultTolerance);
        Assert.Equal(before, a.ToArray());
        Assert.False(a.IsLeaf);
    }

    [Fact]
    public void AGradientThatIsOffByOnePercentIsCaughtAndNamed()
    {
        Tensor a = Input(20), b = Input(20);
        static Tensor F(Tensor[] x) => x[0].Square() + x[1].MapByInput(default(Cube), default(NearlyThreeSquares));
        Assert.Equal(1, GradCheck.Run(F, [a, b]).Input);
        var e = Assert.Throws<InvalidOperationException>(() => GradCheck.Check(F, [a, b]));
        Assert.Contains("gradcheck: input 1 [20]", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AMissingGradientIsCaught()
    {
        Assert.Throws<InvalidOperationException>(() => GradCheck.Check(x => x[0] + x[1].Detach(), [Input(4), Input(4)]));
        Assert.Throws<InvalidOperationException>(() => GradCheck.Check(x => x[0].Detach(), [Input(4)]));
    }

    [Fact]
    public void AFunctionMayHoldItsParameters()
    {
        var w = new Parameter([4], [0.1f, 0.2f, 0.3f, 0.4f]);
        var x = Input(4);
        GradCheck.Check(_ => (w * x).Tanh(), [w]);
        Assert.True(w.IsLeaf);
        Assert.Equal([0.1f, 0.2f, 0.3f, 0.4f], w.ToArray());
    }

    [Fact]
    public void NothingToCheckIsAnError() =>
        Assert.Contains("nothing to differentiate by", Assert.Throws<ArgumentException>(() => GradCheck.Check(() => Tensor.Scalar(1), [])).Message, StringComparison.Ordinal);

    [Fact]
    public void NaNIsAnError() => Assert.Equal(double.PositiveInfinity, GradCheck.Run(x => (x[0] - 10).Log(), [Input(4)]).Error);

    private readonly struct Cube : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => x * x * x;
    }

    private readonly struct NearlyThreeSquares : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L dy, L x) where L : struct, ILane<L> => dy * (3.03f * x * x);
    }

    [Fact]
    public void ParametersAreCheckedByName()
    {
        var rng = new Rng(4);
        Parameter right = new(Tensor.Normal([3], rng)), wrong = new(Tensor.Normal([3], rng));
        (string, Parameter)[] parameters = [("right", right), ("wrong", wrong)];
        GradCheck.Check(() => (right * wrong).Square(), parameters);
        // half of its gradient is cut off
        var error = Assert.Throws<InvalidOperationException>(() => GradCheck.Check(() => right + (wrong * wrong.Detach()), parameters));
        Assert.Contains("gradcheck: parameter \"wrong\" [3]", error.Message, StringComparison.Ordinal);
    }
}
