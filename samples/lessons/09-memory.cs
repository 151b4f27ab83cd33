// Lesson 9: a recurrent network reads step by step and carries a state along. Which of eight letters came first, asked after 39 others have gone by?
// The gradient must go back all these steps. A simple network multiplies it by a matrix at each; an LSTM by its forget gate alone, and where that starts open, it arrives.
// Try: Steps = 10 (who can do it now?); forgetBias: 1; Gru in place of Lstm; ask for the fifth letter, letters[.., 4]; Trainings = 1000: does another find out in the end?
#:project ../../src/DeepEdu/DeepEdu.csproj
using DeepEdu.Autograd;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

const int Letters = 8, Steps = 40, Hidden = 32, Trainings = 300;
(string Name, Func<Rng, Recurrent> Make)[] kinds =
[
    ("simple", rng => new SimpleRnn(Letters, Hidden, rng)),
    ("LSTM, gates half open", rng => new Lstm(Letters, Hidden, rng, forgetBias: 0)),
    ("LSTM, gates open", rng => new Lstm(Letters, Hidden, rng, forgetBias: 6)),  // σ(6) = 0.998 of the memory stays at each step
];
(float[] Reach, float Right)[] results = [.. kinds.Select(k => Train(k.Make))];

(float[] Reach, float Right) Train(Func<Rng, Recurrent> make)
{
    Rng rng = new(9), draw = new(10);
    var memory = make(rng);
    var answer = new Dense(Hidden, Letters, rng);
    Tensor Answer(Tensor output) => answer.Forward(output[.., ^1]);  // after the last step
    var adam = new Adam([.. memory.Parameters(), .. answer.Parameters()], new() { LearningRate = 0.01 });

    float[] reach;  // before any learning: how much of the gradient is left, step by step
    using (var tape = new Tape())
    {
        var letters = Indices.Uniform([64, Steps], draw, 0, Letters);
        var read = tape.Watch(letters.OneHot(Letters));
        reach = tape.Gradients(Answer(memory.Forward(read)).CrossEntropy(letters[.., 0]))[read].Square().Mean([0, 2]).Sqrt().ToArray();
    }
    for (int training = 0; training < Trainings; training++)
    {
        var letters = Indices.Uniform([64, Steps], draw, 0, Letters);
        using var tape = new Tape();
        var gradients = tape.Gradients(Answer(memory.Forward(letters)).CrossEntropy(letters[.., 0]));
        Clip.ByNorm(gradients, 1);
        adam.Step(gradients);
    }
    var test = Indices.Uniform([1000, Steps], draw, 0, Letters);
    return (reach, Answer(memory.Forward(test)).ArgMax(1).Equal(test[.., 0]).Mean().Item());
}

Console.WriteLine("what is left of the gradient on its way back, of the last step's; every # is a factor of ten above 1e-10\n");
Console.WriteLine("step   " + string.Concat(kinds.Select(k => $"{k.Name,-26}")));
foreach (int step in new[] { 40, 39, 37, 34, 30, 20, 10, 1 })
{
    var shares = results.Select(r => r.Reach[step - 1] / r.Reach[^1]);
    Console.WriteLine($"{step,4}   {string.Concat(shares.Select(s => $"{s,-9:0.0e-0}{new string('#', Math.Max(0, (int)(10.5f + MathF.Log10(s)))),-17}"))}");
}
Console.WriteLine($"\nright  {string.Concat(results.Select(r => $"{r.Right,-26:p1}"))}\n");
bool holds = results[0].Right < 0.5f && results[1].Right < 0.5f && results[2].Right > 0.9f;
Console.WriteLine($"Claim: only the LSTM whose gates start open remembers forty steps; guessing would be {1f / Letters:p1}: {holds}");
return holds ? 0 : 1;
