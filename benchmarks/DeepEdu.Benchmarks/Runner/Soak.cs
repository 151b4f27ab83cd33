using System.Diagnostics;
using DeepEdu.Data;
using DeepEdu.Devices;
using DeepEdu.Metrics;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;
using DeepEdu.Training;

namespace DeepEdu.Benchmarks.Runner;

/// <summary>Many small steps of the trainer, after half as many to warm up, in which code is compiled and the heap of small objects goes up and down for the first time: the working
/// set must stay within 5 % of what it is then, the pool must make no further block, and no generation-2 collection may come. Ends with code 1 if it does not hold.</summary>
internal static class Soak
{
    private const double Tolerance = 0.05;

    public static int Run(int steps, int threads)
    {
        DeepEduOptions.MaxThreads = threads;
        const int Rows = 4096, Inputs = 32, Classes = 10, Size = 32;
        Rng rng = new(1);
        var x = Tensor.Normal([Rows, Inputs], rng);
        int[] labels = [.. Enumerable.Range(0, Rows).Select(_ => rng.Next(Classes))];
        Indices targets = labels;
        var model = new Sequential(new Dense(Inputs, 64, rng), new Relu(), new Dropout(0.1f, rng), new Dense(64, Classes, rng));
        Accuracy accuracy = new();
        Objective Loss(int[] rows)
        {
            var y = model.Forward(x.IndexSelect(0, rows));
            accuracy.Add(y.ArgMax(1).ToArray(), targets.Select(rows).ToArray());
            return y.CrossEntropy(targets.Select(rows));
        }
        var batches = new Batches(Rows, Size, rng);
        List<Sample> samples = [];
        var clock = Stopwatch.StartNew();
        int warm = steps / 2, every = Math.Max(1, steps / 10);
        var watch = new LambdaCallback { Step = run => { if (run.Step % every == 0 || run.Step == warm) { samples.Add(Sample.Now(run.Step, clock)); } if (run.Step == warm + steps) { run.Stop("soaked"); } } };
        var trainer = new Trainer(model, new Adam(model.Parameters()), Loss, new() { ClipNorm = 1, Metrics = [new("accuracy", accuracy)], Callbacks = [watch] });
        trainer.Fit(batches, ((warm + steps) / batches.Count) + 1, new Batches(512, 128));
        Console.WriteLine("| step | s | working set MB | managed MB | gen-0 | gen-1 | gen-2 | pool blocks made |\n|---|---|---|---|---|---|---|---|");
        foreach (var s in samples) { Console.WriteLine($"| {s.Step} | {s.Seconds:F1} | {s.WorkingSet:F1} | {s.Managed:F1} | {s.Gen0} | {s.Gen1} | {s.Gen2} | {s.Blocks} |"); }
        var settled = samples.Where(s => s.Step >= warm).ToList();
        double first = settled[0].WorkingSet, worst = settled.Max(s => Math.Abs((s.WorkingSet / first) - 1));
        int collections = settled[^1].Gen2 - settled[0].Gen2, blocks = settled[^1].Blocks - settled[0].Blocks;
        bool holds = worst <= Tolerance && collections == 0 && blocks == 0;
        Console.WriteLine($"{steps} steps: working set within {100 * worst:F1} % of step {settled[0].Step}, {collections} generation-2 collections and {blocks} pool blocks since: {(holds ? "holds" : "DOES NOT HOLD")}");
        return holds ? 0 : 1;
    }

    private readonly record struct Sample(int Step, double Seconds, double WorkingSet, double Managed, int Gen0, int Gen1, int Gen2, int Blocks)
    {
        public static Sample Now(int step, Stopwatch clock) => new(step, clock.Elapsed.TotalSeconds, Environment.WorkingSet / 1048576.0, GC.GetTotalMemory(false) / 1048576.0,
            GC.CollectionCount(0), GC.CollectionCount(1), GC.CollectionCount(2), CpuDevice.Instance.Pool.CreatedBlocks);
    }
}
