using DeepEdu.Collectives;
using DeepEdu.Data;
using DeepEdu.Distributed;
using DeepEdu.Metrics;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;
using DeepEdu.Training;

namespace DeepEdu.Tests.Trainee;

/// <summary>A training by several processes, with all that makes parts differ: dropout, batch statistics, rows of an embedding, augmentation, batches that do not divide by the parts.
/// Arguments: "together", the folder of the checkpoints, epochs, then any of "launch=N" (start N processes of its own), "told" (a line a step), "stand=R" (rank R stands still after step 8, to be killed).</summary>
internal static class Together
{
    public static int Run(string[] args)
    {
        if (args.FirstOrDefault(a => a.StartsWith("launch=", StringComparison.Ordinal)) is { } launch && Processes.Launch(int.Parse(launch.AsSpan(7), null), args) is { } code) { return code; }
        DeepEdu.Devices.DeepEduOptions.MaxThreads = 1;
        using var group = Processes.Join();
        try
        {
            Train(group, args[1], int.Parse(args[2], null), args.Contains("told"), args.Contains($"stand={group.Rank}"));
            return 0;
        }
        catch (CollectiveException e)
        {
            Console.WriteLine($"rank {group.Rank}: {e.Message}");
            return 3;
        }
    }

    private static void Train(ICollective group, string folder, int epochs, bool told, bool stands)
    {
        var rng = new Rng(3);
        var net = new Net(rng);
        var mae = new RegressionError();
        int[] words = [.. Enumerable.Range(0, 90).Select(i => i * 7 % 40)];
        var points = Tensor.Normal([90, 5], new Rng(8));
        var data = Dataset.Of(90, i => (X: Tensor.Of([5], points.AsSpan().Slice(5 * i, 5)), Word: words[i], Y: points.AsSpan()[5 * i]));
        var loader = DataLoader.Of(data, new Batches(74, 16, rng), Collated, workers: 1, augment: (s, noise) => (s.X + (0.1f * noise.NextGaussian()), s.Word, s.Y), random: rng);
        var held = DataLoader.Of(data, new Batches([.. Enumerable.Range(74, 16)], 6), Collated);
        var checkpoints = new Checkpoints(folder) { EverySteps = 1 };
        var trainer = Trainer.For(loader, net, new Adam(net.Parameters(), new() { LearningRate = 0.01 }), batch =>
        {
            var y = net.Forward(batch.X, batch.Words);
            mae.Add(y.ToArray(), batch.Y.ToArray());
            return (y - batch.Y).Square().Mean();
        }, new()
        {
            BatchParts = 4,
            Collective = group,
            ClipNorm = 1,
            Metrics = [new("mae", mae, () => mae.Mae)],
            Callbacks = [checkpoints, new LambdaCallback { Step = Told }, new LambdaCallback { Step = Stand, InEveryProcess = true }],
        });
        if (group.Rank == 0) { checkpoints.Resume(trainer.Run); }
        var history = trainer.Fit(loader, epochs, held);
        if (group.Rank != 0) { return; }
        using (var weights = new BinaryWriter(File.Create(Path.Combine(folder, "weights"))))
        {
            foreach (float w in net.Parameters().Select(p => (Tensor)p.Value).Concat(net.Buffers().Select(b => b.Value)).SelectMany(t => t.ToArray())) { weights.Write(w); }
            foreach (var epoch in history.Epochs)
            {
                foreach (double value in epoch.Values.Values) { weights.Write(value); }
            }
        }
        Console.WriteLine($"sent {(group as TcpGroup)?.BytesSent ?? 0}");

        void Told(TrainingRun run)
        {
            if (told) { Console.WriteLine($"step {run.Step}"); }
        }

        void Stand(TrainingRun run)
        {
            if (stands && run.Step == 8) { Thread.Sleep(TimeSpan.FromMinutes(10)); }
        }
    }

    private static (Tensor X, Indices Words, Tensor Y) Collated(IReadOnlyList<(Tensor X, int Word, float Y)> some) =>
        (Collate.Stack(some, s => s.X), some.Select(s => s.Word).ToArray(), Tensor.Of([some.Count], [.. some.Select(s => s.Y)]));

    private sealed class Net(Rng rng) : Module
    {
        private readonly Embedding _words = new(40, 3, rng, sparse: true);
        private readonly Dense _in = new(8, 16, rng, bias: false);
        private readonly BatchNorm _norm = new(16);
        private readonly Dropout _dropout = new(0.2f, rng);
        private readonly Dense _out = new(16, 1, rng);

        public Tensor Forward(Tensor x, Indices words) =>
            _out.Forward(_dropout.Forward(_norm.Forward(_in.Forward(Tensor.Concat([x, _words.Forward(words)], 1))).Relu())).Reshape([x.Shape[0]]);

        protected override void Parts(Parts p) => p.Of(_words).Of(_in).Of(_norm).Of(_dropout).Of(_out);
    }
}
