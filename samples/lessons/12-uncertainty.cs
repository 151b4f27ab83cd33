// Lesson 12: a model should know how sure it may be. A classifier that has learned its few examples by heart says 99 % and is right much less often; one number, the temperature, cures that.
// For a mark, a conformal interval holds the truth nine times of ten, whatever the model. Both are fitted on learners that the networks did not learn from.
// Try: alpha: 0.2; Epochs = 40 (less by heart); fit on the examples that were learned from: what goes wrong?; difficulty: to make hard learners' intervals wider.
#:project ../../src/DeepEdu/DeepEdu.csproj
using DeepEdu.Autograd;
using DeepEdu.Metrics;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

const int Epochs = 300, Learned = 200, Fitted = 1000, Asked = 4000;
Rng rng = new(1), draw = new(12);
var x = Tensor.Normal([Learned + Fitted + Asked, 5], draw);
var mark = 10 + (2 * x[.., 0]) + (2 * (2 * x[.., 1]).Sin()) + Tensor.Normal([x.Shape[0]], draw, std: 1.5f);  // of 20; the noise is what nobody can know
var passed = mark >= 10;

Sequential Train(Func<Tensor, Tensor> loss)
{
    var model = new Sequential(new Dense(5, 64, rng), new Relu(), new Dense(64, 1, rng));
    var adam = new Adam(model.Parameters(), new() { LearningRate = 0.01 });
    for (int epoch = 0; epoch < Epochs; epoch++)
    {
        using var tape = new Tape();
        adam.Step(tape.Gradients(loss(model.Forward(x[..Learned]).Squeeze(1))));
    }
    return model;
}
double[] Numbers(Tensor t) => [.. t.ToArray().Select(v => (double)v)];
double[] logits = Numbers(Train(z => z.BinaryCrossEntropyWithLogits(passed[..Learned])).Forward(x)), predicted = Numbers(Train(m => Losses.Mse(m, mark[..Learned] - 10)).Forward(x) + 10), truth = Numbers(mark);
bool[] yes = [.. truth.Select(m => m >= 10)];
Range fitted = Learned..(Learned + Fitted);

// how often it is right, beside how often it says so
var temperature = TemperatureScaling.Fit(logits[fitted], yes[fitted]);
Calibration raw = new(5), scaled = new(5);
for (int i = Learned + Fitted; i < logits.Length; i++)
{
    raw.Add(1 / (1 + Math.Exp(-logits[i])), yes[i]);
    scaled.Add(temperature.Probability(logits[i]), yes[i]);
}
void Show(string name, Calibration calibration)
{
    Console.WriteLine($"{name}: off by {calibration.Value:p1}");
    foreach (var bin in calibration.Bins) { Console.WriteLine($"  says {bin.Confidence,4:p0}, is so {bin.Frequency,4:p0} of {bin.Count,4}   {new string('#', (int)(40 * bin.Frequency)),-40}|"); }
}
Show("chances of passing as they come", raw);
Show($"divided by the temperature {temperature.Temperature:f1}", scaled);

// intervals
var conformal = SplitConformalRegressor.Fit(predicted[fitted], truth[fitted], alpha: 0.1);
int held = 0;
for (int i = Learned + Fitted; i < truth.Length; i++)
{
    var (value, low, high) = conformal.Interval(predicted[i]);
    held += low <= truth[i] && truth[i] <= high ? 1 : 0;
    if (i < Learned + Fitted + 5) { Console.WriteLine($"{(i == Learned + Fitted ? "\n" : "")}mark {value,4:f1}, between {low,4:f1} and {high,4:f1}; truth {truth[i],4:f1}"); }
}
double share = held / (double)Asked;
bool holds = raw.Value > 0.05 && scaled.Value < 0.5 * raw.Value && share is > 0.86 and < 0.94;
Console.WriteLine($"\nClaim: the temperature halves the error of the chances or better, and {share:p1} of the intervals hold the truth (90 % were promised): {holds}");
return holds ? 0 : 1;
