using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Benchmarks.Runner;

/// <summary>Training steps as one size grows, on one thread and on two: cost must grow as work grows, and a second thread must not cost anything where it cannot help.</summary>
internal static class ScalingTable
{
    public static int Run(double seconds)
    {
        Console.WriteLine("| what grows | size | 1 thread µs | 2 threads µs | 2 threads: times as fast | ns a unit | unit |");
        Console.WriteLine("|---|---|---|---|---|---|---|");
        foreach (int batch in (int[])[1, 4, 16, 64, 256, 1024, 4096])
        {
            var rng = new Rng(1);
            Row("batch", batch, batch, "sample (64-128-64-10)", seconds, Model(new Sequential(new Dense(64, 128, rng), new Relu(), new Dense(128, 64, rng), new Relu(), new Dense(64, 10, rng)), Tensor.Normal([batch, 64], rng)));
        }
        foreach (int steps in (int[])[10, 30, 100, 300, 1000])
        {
            var rng = new Rng(1);
            Row("sequence", steps, 16L * steps, "step of a sequence (LSTM 64, batch 16)", seconds, Model(new Lstm(32, 64, rng), Tensor.Normal([16, steps, 32], rng)));
        }
        foreach (int width in (int[])[16, 32, 64, 128, 256, 512, 1024, 2048])
        {
            var rng = new Rng(1);
            Row("width", width, 64L * width * width, "weight and sample (Dense, batch 64)", seconds, Model(new Sequential(new Dense(width, width, rng), new Tanh()), Tensor.Normal([64, width], rng)));
        }
        foreach (int words in (int[])[100, 1000, 10_000, 100_000, 1_000_000])
        {
            var rng = new Rng(1);
            var table = new Embedding(words, 32, rng, sparse: true);
            var index = Indices.Wrap([.. Enumerable.Range(0, 512).Select(_ => rng.Next(words))], [512]);
            var optimizer = new Sgd(table.Parameters(), new() { LearningRate = 0.01 });
            Row("vocabulary", words, 512, "token (width 32, SGD)", seconds, () =>
            {
                using var tape = new Tape();
                optimizer.Step(tape.Gradients(table.Forward(index).Square().Sum()));
            });
        }
        return 0;
    }

    private static Action Model(Layer model, Tensor x)
    {
        var optimizer = new Sgd(model.Parameters(), new() { LearningRate = 1e-4 });
        return () =>
        {
            using var tape = new Tape();
            optimizer.Step(tape.Gradients(model.Forward(x).Square().Mean()));
        };
    }

    private static void Row(string what, int size, long units, string unit, double seconds, Action step)
    {
        // by turns, so that both see the same machine
        double[] t = Meter.Turns([Step(1), Step(2)], seconds);
        Console.WriteLine($"| {what} | {size} | {t[0] * 1e6:f1} | {t[1] * 1e6:f1} | {t[0] / t[1]:f2} | {t[0] * 1e9 / units:f3} | {unit} |");
        CpuDevice.Instance.Pool.Trim();

        Action Step(int threads) => () =>
        {
            DeepEduOptions.MaxThreads = threads;
            step();
        };
    }
}
