// Lesson 15: an operation of your own is a formula, written once. It runs on one number, on 4, 8 or 16 at a time with SIMD, and on dual numbers: its derivative comes by itself.
// Snake, x + sin²(x), lets a network go on with what repeats, where ReLU and tanh give up (Ziyin, Hartwig and Ueda 2020). GradCheck proves it; a layer of it learns the tides.
// Try: another formula (x·|x|: L.Abs is there); a frequency as a Parameter, x + sin²(a·x)/a, from the operations that exist; new Relu() in place of new Snake().
#:project ../../src/DeepEdu/DeepEdu.csproj
using DeepEdu.Autograd;
using DeepEdu.Lanes;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

// the derivative, which nobody wrote down, beside calculus: 1 + 2·sin(x)·cos(x)
double worst = 0;
var at = Tensor.Linspace(-3, 3, 7);
using (var tape = new Tape())
{
    tape.Watch(at);
    float[] slope = tape.Gradients(at.Snake().Sum())[at].ToArray();
    for (int i = 0; i < 7; i++)
    {
        double x = at[i].Item(), calculus = 1 + (2 * Math.Sin(x) * Math.Cos(x));
        worst = Math.Max(worst, Math.Abs(slope[i] - calculus));
        Console.WriteLine($"snake({x,2}) = {at.Snake()[i].Item(),6:f3}   slope by the tape {slope[i],6:f3}   by calculus {calculus,6:f3}");
    }
}
GradCheck.Check(inputs => inputs[0].Snake(), [Tensor.Normal([4, 100], new Rng(1))]); // throws if finite differences disagree

// learn a wave on -6..6, and go on to 12
Tensor Wave(Tensor t) => (2 * t).Sin();
float[] errors = [.. new Layer[] { new Snake(), new Tanh() }.Select(Beyond)];
float Beyond(Layer activation)
{
    var rng = new Rng(2);
    var model = new Sequential(new Dense(1, 64, rng), activation, new Dense(64, 1, rng));
    var adam = new Adam(model.Parameters(), new() { LearningRate = 0.01 });
    Tensor x = Tensor.Linspace(-6, 6, 100).Unsqueeze(1), beyond = Tensor.Linspace(6, 12, 100).Unsqueeze(1);
    for (int step = 0; step < 500; step++)
    {
        using var tape = new Tape();
        adam.Step(tape.Gradients(Losses.Mse(model.Forward(x), Wave(x))));
    }
    float inside = Losses.Mse(model.Forward(x), Wave(x)).Sqrt().Item(), outside = Losses.Mse(model.Forward(beyond), Wave(beyond)).Sqrt().Item();
    Console.WriteLine($"{activation.GetType().Name,-6} error where it learned {inside:f3}, beyond {outside:f3}");
    return outside;
}
bool holds = worst < 1e-5 && errors[0] < 0.5f * errors[1];
Console.WriteLine($"\nClaim: the formula has its own right derivative, and a network of it goes on where tanh does not: {holds}");
return holds ? 0 : 1;

/// <summary>x + sin²(x): the one line that counts. L is a float, a SIMD register, or a number that carries its derivative.</summary>
public readonly struct SnakeFormula : IMap
{
    public L Apply<L>(L x) where L : struct, ILane<L> => x + (L.Sin(x) * L.Sin(x));
}

public static class SnakeOps
{
    extension(Tensor x)
    {
        public Tensor Snake() => x.Map(new SnakeFormula());
    }
}

sealed class Snake : Layer
{
    public override Tensor Forward(Tensor x) => x.Snake();
}
