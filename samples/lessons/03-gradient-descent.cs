// Lesson 3: learning is going downhill. A line y = w·x + b is fitted to points by gradient descent, first with nothing but C#, then with tape and optimiser: the same steps.
// Points that lie on no line exactly have one best line all the same; school's formula gives it, and the descent must arrive there.
// Try: LearningRate 0.5 in both (does it still go downhill?); Momentum = 0.9 in the options; Adam in place of Sgd; a parabola with a third parameter.
#:project ../../src/DeepEdu/DeepEdu.csproj
using DeepEdu.Autograd;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

const double Rate = 0.2;
const int Steps = 200;
var rng = new Rng(3);
float[] xs = new float[30], ys = new float[30];
for (int i = 0; i < xs.Length; i++) { (xs[i], ys[i]) = ((i / 15f) - 1, (2 * ((i / 15f) - 1)) - 1 + (0.3f * rng.NextGaussian())); }

// from scratch: the derivatives of the mean of (w·x + b − y)² are the means of 2·error·x and 2·error
double w = 0, b = 0;
for (int step = 0; step < Steps; step++)
{
    double dw = 0, db = 0;
    for (int i = 0; i < xs.Length; i++)
    {
        double error = (w * xs[i]) + b - ys[i];
        dw += 2 * error * xs[i] / xs.Length;
        db += 2 * error / xs.Length;
    }
    w -= Rate * dw;
    b -= Rate * db;
}

// with the library
Tensor x = Tensor.Of(xs), y = Tensor.Of(ys);
Parameter slope = new([], [0]), height = new([], [0]);
var sgd = new Sgd([("slope", slope), ("height", height)], new() { LearningRate = Rate });
for (int step = 0; step < Steps; step++)
{
    using var tape = new Tape();
    var loss = Losses.Mse(slope * x + height, y);
    if (step is 0 or 1 or 2 or 5 or 10 or 20 or 50 or 199) { Console.WriteLine($"step {step,3}   y = {slope.Item(),6:f3}·x {height.Item(),6:f3}   loss {loss.Item():f4}  {new string('#', (int)(20 * loss.Item()))}"); }
    sgd.Step(tape.Gradients(loss));
}

// school's formula: the best slope is covariance over variance
double meanX = xs.Average(), meanY = ys.Average(), best = xs.Zip(ys).Sum(p => (p.First - meanX) * (p.Second - meanY)) / xs.Sum(v => (v - meanX) * (v - meanX));
Console.WriteLine($"\nfrom scratch   y = {w:f4}·x {b:f4}\nlibrary        y = {slope.Item():f4}·x {height.Item():f4}\nformula        y = {best:f4}·x {meanY - (best * meanX):f4}   (the points were made with 2·x - 1 and noise)");
bool holds = Math.Abs(w - slope.Item()) < 1e-4 && Math.Abs(b - height.Item()) < 1e-4 && Math.Abs(w - best) < 1e-3;
Console.WriteLine($"\nClaim: both descents arrive at the best line: {holds}");
return holds ? 0 : 1;
