using DeepEdu.Data;
using DeepEdu.Devices;
using DeepEdu.Io;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;
using DeepEdu.Tests.Trainee;
using DeepEdu.Training;

// widths | served: what DeepEdu.Tests.Trainee prints. threads: what asks for threads gets along without.
switch (args)
{
    case ["widths"]:
        Widths.Print();
        break;
    case ["served"]:
        Served.Print();
        break;
    case ["threads"]:
        return await Threads() ? 0 : 1;
    default:
        Console.WriteLine("widths, served or threads");
        return 2;
}
return 0;

// a training with loader threads, a progress bar, several threads a computation, and checkpoints: the same weights as without any of it
static async Task<bool> Threads()
{
    float[] plain = await Train(workers: 0, null), all = await Train(workers: 3, Path.Combine(Path.GetTempPath(), "checkpoints"));
    bool same = plain.AsSpan().SequenceEqual(all) && DeepEduOptions.MaxThreads == 1;
    Console.WriteLine(same ? "the same weights" : "other weights");
    return same;
}

static async Task<float[]> Train(int workers, string? checkpoints)
{
    DeepEduOptions.MaxThreads = workers + 1;
    var rng = new Rng(3);
    var net = Net(rng);
    var data = Dataset.Of(64, i => (X: Tensor.Normal([6], new Rng((ulong)i)), Y: i % 2));
    var loader = DataLoader.Of(data, new Batches(64, 16, rng), some => (X: Collate.Stack(some, s => s.X), Y: Collate.Labels(some, s => s.Y)), workers);
    var kept = checkpoints is null ? null : new Checkpoints(checkpoints);
    using var board = checkpoints is null ? null : new TensorBoard(checkpoints);
    var trainer = Trainer.For(loader, net, new Adam(net.Parameters()), batch => net.Forward(batch.X).CrossEntropy(batch.Y),
        new() { Progress = ProgressBar.Console(), Callbacks = kept is null ? [] : [kept, board!] });
    await foreach (var _ in trainer.FitAsync(loader, 2)) { }
    if (kept is not null)
    {
        var read = Net(new Rng(4));
        Checkpoints.LoadModel(kept.LastPath, read);
        net = read;
    }
    return [.. net.Parameters().SelectMany(p => ((Tensor)p.Value).ToArray())];
}

static Sequential Net(Rng rng) => new(new Dense(6, 256, rng), new Relu(), new Dense(256, 2, rng));
