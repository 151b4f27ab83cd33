// Lesson 4: backpropagation is the chain rule, layer by layer, from the loss back. A network with one hidden layer learns "either, or" (XOR), which no single layer can;
// its way back is written out by hand, and the tape's gradients stand beside it in every step.
// Try: hidden = 2 (does every seed learn it?); no Tanh in both forwards (why does it fail?); a wrong line in the way back, such as (1 - h): what does the claim say?
#:project ../../src/DeepEdu/DeepEdu.csproj
using DeepEdu.Autograd;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

const int Hidden = 6;
const float Rate = 1;
var rng = new Rng(4);
Tensor x = Tensor.Of(new float[,] { { 0, 0 }, { 0, 1 }, { 1, 0 }, { 1, 1 } }), y = Tensor.Of([4, 1], [0, 1, 1, 0]);
Parameter w1 = new(Tensor.Normal([2, Hidden], rng)), b1 = new(Tensor.Zeros([Hidden])), w2 = new(Tensor.Normal([Hidden, 1], rng)), b2 = new(Tensor.Zeros([1]));
float worst = 0;
for (int step = 0; step <= 300; step++)
{
    using var tape = new Tape();
    var h = (x.MatMul(w1) + b1).Tanh();                // [4,2]·[2,6] = [4,6]
    var z = h.MatMul(w2) + b2;                         // [4,6]·[6,1] = [4,1]
    var loss = z.BinaryCrossEntropyWithLogits(y);      // the mean of -ln(chance given to the right answer)

    // by hand, each line the gradient of one line above, last line first
    var dz = (z.Sigmoid() - y) / 4;                    // of the loss: chance less answer, over the four rows of the mean
    var dw2 = h.T.MatMul(dz);                          // of h·w2: what came in, times what comes back
    var db2 = dz.Sum(0);                               // the bias was broadcast to four rows, so they add up
    var dh = dz.MatMul(w2.T);                          // on through the weights to the layer before
    var da = dh * (1 - h.Square());                    // tanh' = 1 - tanh²
    var dw1 = x.T.MatMul(da);
    var db1 = da.Sum(0);

    var gradients = tape.Gradients(loss);
    foreach (var (name, parameter, hand) in new[] { ("w1", w1, dw1), ("b1", b1, db1), ("w2", w2, dw2), ("b2", b2, db2) })
    {
        float difference = (gradients[parameter] - hand).Abs().Max().Item();
        worst = MathF.Max(worst, difference);
        if (step == 0) { Console.WriteLine($"d{name} {parameter.Shape,-6} tape {gradients[parameter].Flatten()[0].Item(),9:f6}  by hand {hand.Flatten()[0].Item(),9:f6}  largest difference of all {hand.Size}: {difference:0e-0}"); }
    }
    if (step % 60 == 0) { Console.WriteLine($"step {step,3}  loss {loss.Item():f4}  chances {string.Join("  ", z.Sigmoid().ToArray().Select((p, i) => $"{i / 2}{i % 2}: {p:f2}"))}"); }
    foreach (var (parameter, hand) in new[] { (w1, dw1), (b1, db1), (w2, dw2), (b2, db2) }) { parameter.CopyFrom((parameter - (Rate * hand)).ToArray()); } // learn from what was written by hand
}
float[] chance = ((x.MatMul(w1) + b1).Tanh().MatMul(w2) + b2).Sigmoid().ToArray();
bool holds = worst < 1e-6f && chance[0] < 0.1f && chance[1] > 0.9f && chance[2] > 0.9f && chance[3] < 0.1f;
Console.WriteLine($"\nClaim: hand and tape agree in all 301 steps (largest difference {worst:0e-0}), and the network has learned XOR: {holds}");
return holds ? 0 : 1;
