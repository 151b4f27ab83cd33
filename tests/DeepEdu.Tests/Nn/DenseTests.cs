using DeepEdu.Autograd;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Nn;

public class DenseTests
{
    [Theory]
    [InlineData("adam")]
    [InlineData("adamw")]
    [InlineData("sgd")]
    public void ASmallNetworkLearnsExclusiveOr(string kind)
    {
        var rng = new Rng(3);
        var model = new Sequential(new Dense(2, 16, rng), new Relu(), new Dense(16, 1, rng));
        Assert.Equal(["0.weight", "0.bias", "2.weight", "2.bias"], model.Parameters().Select(p => p.Name));
        Optimizer optimizer = kind switch
        {
            "adam" => new Adam(model.Parameters(), new() { LearningRate = 0.03 }),
            "adamw" => new AdamW(model.Parameters(), new() { LearningRate = 0.03, WeightDecay = 1e-3 }),
            _ => new Sgd(model.Parameters(), new() { LearningRate = 0.05, Momentum = 0.9, Nesterov = true }),
        };
        var x = Tensor.Of([4, 2], [0, 0, 0, 1, 1, 0, 1, 1]);
        var minusY = Tensor.Of([4, 1], [0, -1, -1, 0]);
        float last = 0;
        for (int i = 0; i < 300; i++)
        {
            using var tape = new Tape();
            var error = model.Forward(x) + minusY;
            var loss = (error * error).Sum();
            last = loss.Item();
            optimizer.Step(tape.Gradients(loss));
        }
        Assert.InRange(last, 0, 1e-2);
    }
}
