// Lesson 2: a gradient says how a loss changes when each parameter moves a little. Three ways to it: the tape, calculus by hand, and trying it out (finite differences).
// The model is the chance of passing an exam after x hours, p = σ(w·x + b); the loss is the mean of (p − y)².
// Try: another function, such as BinaryCrossEntropyWithLogits (its derivative by z is just (p − y)/n); other steps h: too large is crude, too small drowns in rounding.
#:project ../../src/DeepEdu/DeepEdu.csproj
using DeepEdu.Autograd;
using DeepEdu.Ops;
using DeepEdu.Tensors;

float[] hours = [0.5f, 1, 1.5f, 2, 2.5f, 3, 4, 5], passed = [0, 0, 1, 0, 1, 0, 1, 1];
Tensor x = Tensor.Of(hours), y = Tensor.Of(passed);
Parameter w = new([], [0.8f]), b = new([], [-1.5f]);
Tensor Loss() => ((w * x + b).Sigmoid() - y).Square().Mean();

// 1. The tape remembers each operation and plays them backwards: the chain rule, from the loss to every parameter at once.
float byTapeW, byTapeB;
using (var tape = new Tape())
{
    var gradients = tape.Gradients(Loss());
    (byTapeW, byTapeB) = (gradients[w].Item(), gradients[b].Item());
}

// 2. By hand: dL/dz = 2(p − y)/n · p(1 − p), then dL/dw = Σ dL/dz · x and dL/db = Σ dL/dz.
double byHandW = 0, byHandB = 0;
for (int i = 0; i < hours.Length; i++)
{
    double p = 1 / (1 + Math.Exp(-((0.8 * hours[i]) - 1.5))), dz = 2 * (p - passed[i]) / hours.Length * p * (1 - p);
    byHandW += dz * hours[i];
    byHandB += dz;
}

// 3. Trying it out: (L(v + h) − L(v − h)) / 2h, two losses for every single parameter.
double Difference(Parameter v, float h)
{
    float at = v.Item();
    float L(float value) { v.CopyFrom([value]); return Loss().Item(); }
    double slope = ((double)L(at + h) - L(at - h)) / (2 * h);
    v.CopyFrom([at]);
    return slope;
}

Console.WriteLine($"                        dL/dw       dL/db\ntape               {byTapeW,10:f6}  {byTapeB,10:f6}\nby hand            {byHandW,10:f6}  {byHandB,10:f6}");
foreach (float h in new[] { 1f, 0.1f, 0.01f, 1e-4f, 1e-6f })
{
    double dw = Difference(w, h), db = Difference(b, h);
    Console.WriteLine($"steps of {h,-9:g1} {dw,10:f6}  {db,10:f6}   off by {Math.Abs(dw - byHandW):0e-0}");
}
GradCheck.Check(Loss, [("w", w), ("b", b)]); // the same test for any model: throws if tape and differences disagree

double hand = Math.Max(Math.Abs(byTapeW - byHandW), Math.Abs(byTapeB - byHandB)), tried = Math.Abs(Difference(w, 0.01f) - byTapeW);
bool holds = hand < 1e-6 && tried < 1e-4;
Console.WriteLine($"\nClaim: the tape agrees with calculus to {hand:0e-0}, and trying it out comes near: {holds}");
return holds ? 0 : 1;
