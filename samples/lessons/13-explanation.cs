// Lesson 13: what does a mark come from? Integrated gradients split one learner's mark into shares of each number the model saw; permutation tells what it needs in general.
// The marks are made up, so that the truth is known: practice pays only with attendance, late work costs, and shoes do not matter.
// Try: a learner of your own; the class's mean as baseline in place of zeros; Saliency.Of and Occlusion.Of(f, x, [1]) beside it; a copy of attendance as a sixth number.
#:project ../../src/DeepEdu/DeepEdu.csproj
using DeepEdu.Attribution;
using DeepEdu.Autograd;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

string[] names = ["practice", "attendance", "late work", "reading", "shoe size"];
var rng = new Rng(13);
var x = Tensor.Uniform([1000, 5], rng);
var mark = (8 * x[.., 0] * x[.., 1]) - (4 * x[.., 2]) + (3 * x[.., 3]) + Tensor.Normal([1000], rng, std: 0.2f);
var model = new Sequential(new Dense(5, 32, rng), new Tanh(), new Dense(32, 32, rng), new Tanh(), new Dense(32, 1, rng));
var adam = new AdamW(model.Parameters(), new() { LearningRate = 0.01, WeightDecay = 0.01 });
for (int step = 0; step < 500; step++)
{
    using var tape = new Tape();
    adam.Step(tape.Gradients(Losses.Mse(Mark(x), mark)));
}
Tensor Mark(Tensor rows) => model.Forward(rows).Squeeze(1);

var two = Tensor.Of(new float[,] { { 0.9f, 0.9f, 0.8f, 0.3f, 0.7f }, { 0.9f, 0.1f, 0.1f, 0.3f, 0.2f } });
string[] who = ["practises, is there, hands in late", "practises as much, but is never there"];
var (shares, delta) = IntegratedGradients.Of(Mark, two);
float[] told = Mark(two).ToArray(), nothing = Mark(Tensor.Zeros([1, 5])).ToArray();
for (int i = 0; i < 2; i++)
{
    Console.WriteLine($"{who[i]}: {told[i]:f2}; from {nothing[0]:f2} where everything is 0");
    for (int j = 0; j < 5; j++)
    {
        float share = shares[i, j].Item();
        Console.WriteLine($"  {names[j],-10} {two[i, j].Item():f1} gives {share,5:f2}  {(share < 0 ? new string('-', (int)(-8 * share)) : new string('+', (int)(8 * share)))}");
    }
    Console.WriteLine($"  together {shares[i].Sum().Item():f3}, the difference of the marks {told[i] - nothing[0]:f3}\n");
}

Console.WriteLine("the model's error when a number is shuffled among the learners");
float[] truth = mark.ToArray();
double Error(Tensor rows) => Math.Sqrt(Mark(rows).ToArray().Zip(truth).Average(p => Math.Pow(p.First - p.Second, 2)));
var needs = PermutationImportance.Of(rows => -Error(rows), x, rng);
foreach (var need in needs) { Console.WriteLine($"  {names[need.Feature],-10} {Error(x) + need.Mean:f2}  {new string('#', (int)(20 * need.Mean))}"); }

bool sums = delta.All(d => Math.Abs(d) < 1e-2);
bool sense = Math.Abs(shares[0, 4].Item()) < 0.3f && Math.Abs(needs[4].Mean) < 0.1 && shares[0, 2].Item() < -2 && shares[0, 0].Item() > shares[1, 0].Item() + 1;
Console.WriteLine($"\nClaim: shares add up to the mark; shoes give nothing, lateness costs, and the same practice gives more to who is there: {sums && sense}");
return sums && sense ? 0 : 1;
