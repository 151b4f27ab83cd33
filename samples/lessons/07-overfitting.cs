// Lesson 7: a network that knows its examples by heart has learned little. Forty learners answered thirty questions; whether they pass hangs on two of these, and chance.
// Losses are watched on examples the network does not learn from: without care they fall and then rise. Early stopping keeps the best moment; dropout makes learning by heart harder.
// Try: 400 learners in place of 40 (the best cure); 4 hidden units in place of 64; AdamW with WeightDecay = 1 in its options; Dropout(0.9f, rng).
#:project ../../src/DeepEdu/DeepEdu.csproj
using DeepEdu.Data;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;
using DeepEdu.Training;

const int Learners = 40, Held = 1000, Epochs = 60;
var draw = new Rng(7);
var x = Tensor.Normal([Learners + Held, 30], draw);
var passed = ((2 * (x[.., 0] + x[.., 1])).Sigmoid() > Tensor.Uniform([Learners + Held], draw)).Unsqueeze(1); // yes or no, with a chance

(History History, double Held) Train(float dropout, int patience)
{
    var rng = new Rng(1);
    var model = new Sequential(new Dropout(dropout, rng), new Dense(30, 64, rng), new Relu(), new Dropout(dropout, rng), new Dense(64, 1, rng));
    Tensor Loss(int[] rows) => model.Forward(x.IndexSelect(0, rows)).BinaryCrossEntropyWithLogits(passed.IndexSelect(0, rows));
    var trainer = new Trainer(model, new Adam(model.Parameters(), new() { LearningRate = 0.01 }), rows => Loss(rows), new() { Callbacks = [new EarlyStopping { Monitor = "val_loss", Patience = patience }] });
    var held = new Batches([.. Enumerable.Range(Learners, Held)], Held);
    return (trainer.Fit(new Batches(Learners, 10, rng), Epochs, held), trainer.Evaluate(held)["loss"]);
}

var plain = Train(dropout: 0, patience: Epochs).History;
var (stopped, afterStop) = Train(dropout: 0, patience: 5);
var dropped = Train(dropout: 0.5f, patience: Epochs).History;

Console.WriteLine("epoch   learned from (o) and held out (x), 0 to 1.2");
for (int epoch = 0; epoch < Epochs; epoch += epoch < 10 ? 1 : 10)
{
    char[] line = new string('.', 61).ToCharArray();
    line[Math.Min(60, (int)(50 * plain["loss"][epoch]))] = 'o';
    line[Math.Min(60, (int)(50 * plain["val_loss"][epoch]))] = 'x';
    Console.WriteLine($"{epoch + 1,5}   {new string(line)}  {plain["loss"][epoch]:f3}  {plain["val_loss"][epoch]:f3}");
}
double best = plain["val_loss"].Min(), end = plain["val_loss"][^1], endDropped = dropped["val_loss"][^1];
Console.WriteLine($"\nheld out, at the end          {end:f3}\nheld out, at its best         {best:f3} in epoch {Array.IndexOf(plain["val_loss"], best) + 1}");
Console.WriteLine($"with early stopping           {afterStop:f3}, after {stopped.Epochs.Count} epochs of {Epochs}\nwith dropout, at the end      {endDropped:f3}");
bool holds = plain["loss"][^1] < 0.05 && end > 1.5 * best && Math.Abs(afterStop - best) < 1e-6 && stopped.Epochs.Count < Epochs && endDropped < 0.75 * end;
Console.WriteLine($"\nClaim: examples are learned by heart while the rest gets worse; early stopping gives back the best moment, dropout softens the fall: {holds}");
return holds ? 0 : 1;
