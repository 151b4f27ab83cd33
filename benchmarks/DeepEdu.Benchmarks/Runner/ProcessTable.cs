using System.Diagnostics;
using System.Globalization;
using DeepEdu.Autograd;
using DeepEdu.Collectives;
using DeepEdu.Devices;
using DeepEdu.Distributed;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Benchmarks.Runner;

/// <summary>Two processes of one thread beside one process of two, in turn, each case in processes of its own: the median step, and what a process sends.</summary>
internal static class ProcessTable
{
    public const string Side = "processes-side";

    private static readonly (string Model, int Parts, int Processes, int Threads)[] s_cases =
        [.. from model in new[] { "dense", "lstm", "wide" } from c in new[] { (1, 1, 1), (1, 1, 2), (2, 1, 2), (2, 2, 1) } select (model, c.Item1, c.Item2, c.Item3)];

    public static int Run(int rounds)
    {
        var times = s_cases.ToDictionary(c => c, _ => new List<double>());
        var last = new Dictionary<(string, int, int, int), string[]>();
        for (int round = 0; round < rounds; round++)
        {
            foreach (var c in s_cases)
            {
                string[] said = Measure(c.Model, c.Parts, c.Processes, c.Threads);
                times[c].Add(double.Parse(said[0], CultureInfo.InvariantCulture));
                last[c] = said;
            }
        }
        Console.WriteLine("| model | parameters | parts | processes | threads each | ms a step | times the first | KiB sent a step and process | messages | bytes allocated |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|---|---|");
        foreach (var c in s_cases)
        {
            double first = Compare.Median(times[(c.Model, 1, 1, 1)]), own = Compare.Median(times[c]);
            Console.WriteLine($"| {c.Model} | {last[c][4]} | {c.Parts} | {c.Processes} | {c.Threads} | {own:f2} | {own / first:f2} | {double.Parse(last[c][1], CultureInfo.InvariantCulture) / 1024:f1} | {last[c][2]} | {last[c][3]} |");
        }
        return 0;
    }

    /// <summary>One process of a case.</summary>
    public static int Serve(string model, int parts, int threads)
    {
        DeepEduOptions.MaxThreads = threads;
        using var group = Processes.Join();
        var rng = new Rng(1);
        var (module, loss, batch, steps) = Make(model, rng);
        var sgd = new Sgd(module.Parameters(), new() { LearningRate = 0.01f, Momentum = 0.9f });
        int[] rows = [.. Enumerable.Range(0, batch)];
        var sum = new PartSum(module.Parameters(), Math.Max(parts, group.Size), group);
        var times = new List<double>();
        long bytes = 0, messages = 0, allocated = 0;
        for (int step = -steps; step < steps; step++)
        {
            if (step == 0) { (bytes, messages, allocated) = Sent(group); }
            double start = Meter.Now();
            if (parts == 1) { Plain(); }
            else { InParts(); }
            if (step >= 0) { times.Add(Meter.Now() - start); }
        }
        var (bytesNow, messagesNow, allocatedNow) = Sent(group);
        if (group.Rank == 0) { Console.WriteLine($"{Compare.Median(times) * 1e3:f4} {(bytesNow - bytes) / steps} {(messagesNow - messages) / steps} {(allocatedNow - allocated) / steps} {module.ParameterCount}"); }
        return 0;

        void Plain()
        {
            using var tape = new Tape();
            sgd.Step(tape.Gradients(loss(rows)));
        }

        void InParts()
        {
            for (int part = sum.Own.From; part < sum.Own.To; part++)
            {
                int[] own = sum.Cut(rows, part);
                using var tape = new Tape();
                sum.Add(part, tape.Gradients(loss(own)), own.Length);
            }
            sum.Step(sgd);
        }
    }

    private static (long Bytes, long Messages, long Allocated) Sent(ICollective group) => ((group as TcpGroup)?.BytesSent ?? 0, (group as TcpGroup)?.MessagesSent ?? 0, GC.GetAllocatedBytesForCurrentThread());

    private static (Module, Func<int[], Tensor>, int Batch, int Steps) Make(string model, Rng rng)
    {
        if (model == "lstm")
        {
            var lstm = new Lstm(64, 128, rng);
            var sequences = Tensor.Normal([64, 50, 64], rng);
            return (lstm, rows => lstm.Forward(sequences.IndexSelect(0, rows)).Square().Mean(), 64, 60);
        }
        int width = model == "wide" ? 2048 : 512;
        var dense = new Sequential(new Dense(784, width, rng), new Relu(), new Dense(width, width, rng), new Relu(), new Dense(width, 10, rng));
        var x = Tensor.Normal([256, 784], rng);
        Indices labels = Enumerable.Range(0, 256).Select(i => i % 10).ToArray();
        return (dense, rows => dense.Forward(x.IndexSelect(0, rows)).CrossEntropy(labels.Select(rows)), 256, model == "wide" ? 15 : 150);
    }

    private static string[] Measure(string model, int parts, int processes, int threads)
    {
        string address = $"127.0.0.1:{29500 + (Environment.ProcessId % 10000)}";
        string program = Environment.ProcessPath!;
        string[] before = Path.GetFileNameWithoutExtension(program) == "dotnet" ? [Environment.GetCommandLineArgs()[0]] : [];
        Process[] all = [.. Enumerable.Range(0, processes).Select(rank =>
        {
            var start = new ProcessStartInfo(program, [.. before, Side, model, $"{parts}", $"{threads}"]) { RedirectStandardOutput = true };
            start.Environment["DEEPEDU_RANK"] = $"{rank}";
            start.Environment["DEEPEDU_SIZE"] = $"{processes}";
            start.Environment["DEEPEDU_ADDRESS"] = address;
            return Process.Start(start)!;
        })];
        string said = all[0].StandardOutput.ReadToEnd();
        foreach (var process in all)
        {
            process.WaitForExit();
            if (process.ExitCode != 0) { throw new PeerException($"{model}: a process ended with {process.ExitCode}"); }
            process.Dispose();
        }
        return said.Split(' ', StringSplitOptions.TrimEntries);
    }
}
