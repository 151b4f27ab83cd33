using DeepEdu.Autograd;
using DeepEdu.Nn;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Nn;

/// <summary>What the catalogue's golden values do not hold.</summary>
public class LossTests
{
    [Fact]
    public void AnIgnoredLabelHidesEvenAnInfiniteLogarithm()
    {
        using var tape = new Tape();
        var x = tape.Watch(Tensor.Of([2, 2], [float.NegativeInfinity, 0, -1, -2]));
        var loss = Losses.NegativeLogLikelihood(x, new[] { -100, 1 });
        Assert.Equal(2, loss.Item());
        Assert.Equal([0, 0, 0, -1], tape.Gradients(loss)[x].ToArray());
    }
}
