// Lesson 8: a convolution looks at small windows with the same few weights everywhere, so what it learns in one place it knows in all places.
// Images of 8 × 8 hold one stroke: across, down, rising or falling. Both networks learn from strokes in the left half alone, and are asked about the right half.
// Try: strokes everywhere while learning (does the dense network catch up?); 2 filters in place of 4; windows of 5 × 5; GlobalAvgPool.
#:project ../../src/DeepEdu/DeepEdu.csproj
using DeepEdu.Autograd;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

string[] kinds = ["across", "down", "rising", "falling"];
var draw = new Rng(8);
(Tensor Images, Indices Kinds) Strokes(int n, int left)
{
    var images = Tensor.Normal([n, 1, 8, 8], draw, std: 0.1f);
    int[] labels = new int[n];
    for (int i = 0; i < n; i++)
    {
        int kind = labels[i] = i % 4, column = left + draw.Next(2), row = draw.Next(1, 5);
        for (int k = 0; k < 3; k++)
        {
            var (r, c) = kind switch { 0 => (1, k), 1 => (k, 1), 2 => (2 - k, k), _ => (k, k) };
            images.AsSpan()[(64 * i) + (8 * (row + r)) + column + c] += 1;
        }
    }
    return (images, labels);
}
var (seen, seenKinds) = Strokes(256, left: 0);
var (other, otherKinds) = Strokes(256, left: 4);

float Right(Layer model, Tensor x, Indices y) => model.Forward(x).ArgMax(1).Equal(y).Mean().Item();
void Learn(Layer model)
{
    var adam = new Adam(model.Parameters(), new() { LearningRate = 0.02 });
    for (int step = 0; step < 200; step++)
    {
        using var tape = new Tape();
        adam.Step(tape.Gradients(model.Forward(seen).CrossEntropy(seenKinds)));
    }
}

var rng = new Rng(1);
var filters = new Conv2d(1, 4, 3, rng);
var convolution = new Sequential(filters, new Relu(), new GlobalMaxPool(), new Dense(4, 4, rng)); // where the pattern was found does not matter, whether it was does
var dense = new Sequential(new Flatten(), new Dense(64, 32, rng), new Relu(), new Dense(32, 4, rng));
Learn(convolution);
Learn(dense);

// from dark to light: what a filter looks for (#, +) and what it will not have (-, =)
char Ink(float weight, float most) => (weight / most) switch { > 0.6f => '#', > 0.2f => '+', > -0.2f => '.', > -0.6f => '-', _ => '=' };
Console.WriteLine("four images:                             the four filters:");
for (int row = 0; row < 8; row++)
{
    string images = string.Join("  ", Enumerable.Range(0, 4).Select(i => string.Concat(seen[i, 0, row].ToArray().Select(v => Ink(v, 1)))));
    string shown = row < 3 ? string.Join("   ", Enumerable.Range(0, 4).Select(f => string.Concat(filters.Weight[f, 0, row].ToArray().Select(v => Ink(v, filters.Weight[f].Abs().Max().Item()))))) : "";
    Console.WriteLine($"{images}   {shown}");
}
float c1 = Right(convolution, seen, seenKinds), c2 = Right(convolution, other, otherKinds), d1 = Right(dense, seen, seenKinds), d2 = Right(dense, other, otherKinds);
Console.WriteLine($"{string.Join("  ", kinds.Select(k => $"{k,-8}"))}\n\n             weights   left half   right half, never seen\nconvolution  {convolution.ParameterCount,7}   {c1,9:p0}   {c2:p0}\ndense        {dense.ParameterCount,7}   {d1,9:p0}   {d2:p0}");
bool holds = c1 > 0.98 && c2 > 0.98 && d1 > 0.98 && d2 < 0.6;
Console.WriteLine($"\nClaim: both know the left half; only the convolution knows the right half too: {holds}");
return holds ? 0 : 1;
