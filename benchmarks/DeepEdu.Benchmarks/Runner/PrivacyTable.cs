using DeepEdu.Autograd;
using DeepEdu.Data;
using DeepEdu.Devices;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Privacy;
using DeepEdu.Tensors;

namespace DeepEdu.Benchmarks.Runner;

/// <summary>A private step beside a normal one of the same batch, in turn in one process, each pair in a new random order, and the median of the ratios. A third column is the private step without the samples: its noise and the
/// optimiser.</summary>
internal static class PrivacyTable
{
    private const int Batch = 64;

    public static int Run(int[] threads, double seconds)
    {
        Console.WriteLine("| model | parameters | threads | normal ms | private ms | private / normal | noise and optimiser ms |");
        Console.WriteLine("|---|---|---|---|---|---|---|");
        foreach (int n in threads)
        {
            Row("LSTM of 100 over 50 answers of 110 skills", n, seconds, Tracing);
            Row("dense 100, 256, 256, 10", n, seconds, Dense);
            Row("convolution of 28 x 28", n, seconds, Convolution);
        }
        return 0;
    }

    private static void Row(string name, int threads, double seconds, Func<Rng, (Module, Func<int[], Tensor>)> make)
    {
        DeepEduOptions.MaxThreads = threads;
        var rng = new Rng(1);
        var (model, loss) = make(rng);
        var adam = new Adam(model.Parameters());
        var privacy = new PrivateGradients(model, new PoissonBatches(Batch, Batch, rng), new() { ClipNorm = 1, Noise = 1, Delta = 1e-5 }, rng);
        int[] rows = [.. Enumerable.Range(0, Batch)];
        Action[] cases = [Normal, () => privacy.Step(adam, rows, r => loss([r])), () => privacy.Step(adam, Array.Empty<int>(), r => loss([r]))];
        List<double>[] times = [.. cases.Select(_ => new List<double>())];
        int[] order = [.. Enumerable.Range(0, cases.Length)];
        WarmUp.Run(_ => Array.ForEach(cases, c => c()), most: seconds);
        for (double end = Meter.Now() + seconds; Meter.Now() < end;)
        {
            rng.Shuffle(order);
            foreach (int k in order)
            {
                double start = Meter.Now();
                cases[k]();
                times[k].Add(Meter.Now() - start);
            }
        }
        Console.WriteLine($"| {name} | {model.ParameterCount} | {threads} | {Compare.Median(times[0]) * 1e3:f2} | {Compare.Median(times[1]) * 1e3:f2} | {Compare.Median(times[1].Zip(times[0], (a, b) => a / b)):f1} | {Compare.Median(times[2]) * 1e3:f2} |");

        void Normal()
        {
            using var tape = new Tape();
            adam.Step(tape.Gradients(loss(rows)));
        }
    }

    private static (Module, Func<int[], Tensor>) Tracing(Rng rng)
    {
        const int Skills = 110, Steps = 50;
        var model = new Tracer(Skills, rng);
        int[] read = [.. Enumerable.Range(0, Batch * Steps).Select(_ => rng.Next(2 * Skills))], next = Array.ConvertAll(read, _ => rng.Next(Skills));
        var right = Tensor.Of([Batch, Steps], [.. read.Select(r => r % 2f)]);
        return (model, Loss);

        Tensor Loss(int[] rows)
        {
            Shape shape = [rows.Length, Steps, 1];
            var told = model.Forward(Indices.Wrap(Of(read, rows), [rows.Length, Steps])).Gather(2, Indices.Wrap(Of(next, rows), shape)).Squeeze(2);
            return told.BinaryCrossEntropyWithLogits(right.IndexSelect(0, rows));
        }

        static int[] Of(int[] all, int[] rows) => [.. rows.SelectMany(r => all[(r * Steps)..((r + 1) * Steps)])];
    }

    private static (Module, Func<int[], Tensor>) Dense(Rng rng)
        => Classifier(new(new Dense(100, 256, rng), new Relu(), new Dense(256, 256, rng), new Relu(), new Dense(256, 10, rng)), Tensor.Normal([Batch, 100], rng));

    private static (Module, Func<int[], Tensor>) Convolution(Rng rng)
        => Classifier(new(new Conv2d(1, 16, 3, rng), new Relu(), new MaxPool2d(2), new Conv2d(16, 32, 3, rng), new Relu(), new MaxPool2d(2), new Flatten(), new Dense(800, 10, rng)), Tensor.Normal([Batch, 1, 28, 28], rng));

    private static (Module, Func<int[], Tensor>) Classifier(Sequential model, Tensor x)
    {
        int[] labels = [.. Enumerable.Range(0, Batch).Select(i => i % 10)];
        return (model, rows => model.Forward(x.IndexSelect(0, rows)).CrossEntropy(Array.ConvertAll(rows, r => labels[r])));
    }

    private sealed class Tracer(int skills, Rng rng) : Module
    {
        private readonly Lstm _lstm = new(2 * skills, 100, rng);
        private readonly Dense _output = new(100, skills, rng);

        public Tensor Forward(Indices read) => _output.Forward(_lstm.Run(read).Output);

        protected internal override void Parts(Parts p) => p.Of(_lstm).Of(_output);
    }
}
