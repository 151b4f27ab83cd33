// Lesson 11: an embedding gives each learner and each exercise a few numbers of its own, learned so that their product is how much the one likes the other.
// Nobody says which exercises are algebra and which geometry, and half of the table is empty. The gaps are filled, and alike exercises end up side by side.
// Try: Width = 1 or 16 (who is worse, and why?); a tenth of the table known; WeightDecay = 0; a learner of your own who likes both.
#:project ../../src/DeepEdu/DeepEdu.csproj
using DeepEdu.Autograd;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

string[] exercises = ["equations", "fractions", "powers", "logarithms", "matrices", "circles", "triangles", "angles", "solids", "vectors"]; // five of algebra, five of geometry
const int Learners = 40, Width = 2;
var draw = new Rng(11);

// the truth, which the model never sees: a learner's taste for algebra and for geometry, and stars from it
float[,] stars = new float[Learners, exercises.Length];
List<(int Learner, int Exercise)> known = [], open = [];
for (int i = 0; i < Learners; i++)
{
    float[] taste = [draw.NextGaussian(), draw.NextGaussian()];
    for (int j = 0; j < exercises.Length; j++)
    {
        stars[i, j] = Math.Clamp(MathF.Round(3 + (1.2f * taste[j / 5]) + (0.3f * draw.NextGaussian())), 1, 5);
        (draw.NextSingle() < 0.5f ? known : open).Add((i, j));
    }
}

var rng = new Rng(1);
Embedding learner = new(Learners, Width, rng, init: Init.Normal(0, 0.1f)), exercise = new(exercises.Length, Width, rng, init: Init.Normal(0, 0.1f));
Tensor Guess(List<(int Learner, int Exercise)> pairs)
{
    Indices who = pairs.Select(p => p.Learner).ToArray(), what = pairs.Select(p => p.Exercise).ToArray();
    return 3 + (learner.Forward(who) * exercise.Forward(what)).Sum(1);
}
Tensor Truth(List<(int Learner, int Exercise)> pairs) => Tensor.Of([.. pairs.Select(p => stars[p.Learner, p.Exercise])]);

var adam = new AdamW([.. learner.Parameters(), .. exercise.Parameters()], new() { LearningRate = 0.02, WeightDecay = 0.1 });
for (int step = 0; step < 400; step++)
{
    using var tape = new Tape();
    adam.Step(tape.Gradients(Losses.Mse(Guess(known), Truth(known))));
}

float Error(Tensor guess) => Losses.Mse(guess, Truth(open)).Sqrt().Item();
float model = Error(Guess(open)), mean = Error(Tensor.Full([open.Count], Truth(known).Mean().Item()));
Console.WriteLine($"{known.Count} of {stars.Length} stars known; error of the {open.Count} others: {mean:f2} if everything got the mean, {model:f2} by the model\n");

var unit = exercise.Weight / exercise.Weight.Norm(2, 1, keepDims: true);
var alike = unit.MatMul(unit, transB: true);
bool friends = true;
Console.WriteLine("the exercises' embeddings; the most alike, by the angle between them");
for (int j = 0; j < exercises.Length; j++)
{
    int[] nearest = alike[j].ArgSort(descending: true).ToArray()[1..3];
    friends &= nearest[0] / 5 == j / 5;
    Console.WriteLine($"{exercises[j],-11} ({string.Join(", ", exercise.Weight[j].ToArray().Select(v => $"{v,5:f2}"))})   {string.Join(", ", nearest.Select(n => exercises[n]))}");
}
int one = known.GroupBy(p => p.Learner).MaxBy(g => g.Max(p => stars[p.Learner, p.Exercise]) - g.Min(p => stars[p.Learner, p.Exercise]))!.Key;  // whose stars differ most
var next = open.Where(p => p.Learner == one).Zip(Guess([.. open.Where(p => p.Learner == one)]).ToArray()).OrderByDescending(p => p.Second).ToArray();
Console.WriteLine($"\nlearner {one} knows {string.Join(", ", known.Where(p => p.Learner == one).Select(p => $"{exercises[p.Exercise]} {stars[one, p.Exercise]}"))};\nnext: {string.Join(", ", next.Select(p => $"{exercises[p.First.Exercise]} {p.Second:f1} (truth {stars[one, p.First.Exercise]})"))}");
bool holds = model < 0.6f * mean && friends;
Console.WriteLine($"\nClaim: gaps are guessed far better than by the mean, and each exercise's nearest is of its own subject, which nobody told: {holds}");
return holds ? 0 : 1;
