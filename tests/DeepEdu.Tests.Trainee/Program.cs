using DeepEdu.Autograd;
using DeepEdu.Data;
using DeepEdu.Io;
using DeepEdu.Metrics;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;
using DeepEdu.Tests.Trainee;

if (args is ["widths"])
{
    Widths.Print();
    return 0;
}
if (args is ["served"])
{
    Served.Print();
    return 0;
}
if (args is ["together", ..]) { return Together.Run(args); }

// A training that KillTests kills: with everything that has a state, and a checkpoint after every step.
// arguments: the checkpoint, how many steps in all, at which save of this process to stop in the middle of the file (0 for none), and after which of its steps to stand still (0 for none)
string path = args[0];
int steps = int.Parse(args[1], null);
var dawdle = new Dawdle(int.Parse(args[2], null));
int still = int.Parse(args[3], null);

var rng = new Rng(11);
var model = new Sequential(new Dense(6, 16, rng), new BatchNorm(16), new Relu(), new Dropout(0.2f, rng), new Dense(16, 3, rng));
var optimizer = new Adam(model.Parameters());
var schedule = Schedule.Cosine(1e-2, steps).WarmUp(10);
var accuracy = new Accuracy();
var average = new WeightAverage(model.Parameters(), 0.9f);
var points = Dataset.Of(70, i => (X: Tensor.Normal([6], rng.Split((ulong)i)), Y: i % 3));
var loader = DataLoader.Of(points, new Batches(points.Count, 16, rng), samples => (X: Tensor.Of([samples.Count, 6], [.. samples.SelectMany(s => s.X.ToArray())]), Y: Indices.Of([.. samples.Select(s => s.Y)])),
    workers: 1, augment: (s, noise) => (s.X + (0.1f * Tensor.Normal([6], noise)), s.Y), random: rng);
var mine = new StateDict().Set("step", 0L).Set("losses", 0.0);

if (File.Exists(path))
{
    var saved = CheckpointFile.Load(path);
    saved.Restore("model", model);
    saved.Restore("optimizer", optimizer);
    saved.Restore("average", average);
    saved.Restore("accuracy", accuracy);
    saved.Restore("loader", loader);
    saved.Restore("mine", mine);
}
int step = mine.Int("step");
still += still > 0 ? step : 0;
double losses = mine.Double("losses");
while (step < steps)
{
    foreach (var (x, y) in loader.Rest())
    {
        optimizer.LearningRate = schedule.At(step);
        using (var tape = new Tape())
        {
            var logits = model.Forward(x);
            var loss = logits.CrossEntropy(y);
            optimizer.Step(tape.Gradients(loss));
            losses += loss.Item();
            accuracy.Add(logits.ArgMax(-1).Span, y.Span);
        }
        average.Update();
        step++;
        mine = new StateDict().Set("step", (long)step).Set("losses", losses);
        CheckpointFile.Save(path, new() { Seed = 11 }, ("model", model), ("optimizer", optimizer), ("dawdle", dawdle), ("average", average), ("accuracy", accuracy), ("loader", loader), ("mine", mine));
        Console.WriteLine($"step {step}");
        if (step == still) { Thread.Sleep(TimeSpan.FromMinutes(10)); }
        if (step == steps) { break; }
    }
}
return 0;
