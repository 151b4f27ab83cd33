using DeepEdu.Autograd;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Autograd;

/// <summary>A norm's way back adds what else has come for its input as it goes; a reshaped input has a gradient of its own, which the tape adds.</summary>
public class SharedGradientTests
{
    public static TheoryData<string> Uses => ["residual", "norm first", "three uses", "two norms", "is the leaf", "is the norm's own gradient"];

    [Theory]
    [MemberData(nameof(Uses))]
    public void TheSumHasTheSameBits(string use)
    {
        var rng = new Rng(2);
        Tensor x = Tensor.Normal([37, 20], rng), weight = Tensor.Normal([20], rng), seed = Tensor.Normal([37, 20], rng);
        Assert.Equal(Gradients(y => y.LayerNorm([20], weight)), Gradients(y => y.Reshape([37 * 20]).Reshape([37, 20]).LayerNorm([20], weight)));

        float[][] Gradients(Func<Tensor, Tensor> norm)
        {
            using var tape = new Tape();
            tape.Watch(x);
            tape.Watch(weight);
            var y = use == "is the leaf" ? x : x * 1.5f;
            var z = use switch
            {
                "norm first" => norm(y) * y,
                "three uses" => (y * y) + norm(y) + y,
                "two norms" => norm(y) + (norm(y) * y),
                "is the norm's own gradient" => norm(y) + y,
                _ => y + norm(y).Tanh(),
            };
            var g = tape.Gradients(z, seed);
            float[][] first = [g[x].ToArray(), g[weight].ToArray()];
            var again = tape.Gradients(z, seed);
            Assert.Equal(first, [again[x].ToArray(), again[weight].ToArray()]);
            return first;
        }
    }
}
