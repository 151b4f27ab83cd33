using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Benchmarks.Runner;

/// <summary>Forward and backward of recurrent layers with padding beside the same batch taken whole: all cases by turns in one process, each in a new random order, and the median of
/// the ratios of calls of one round.</summary>
internal static class PaddingTable
{
    private const int Batch = 32, Steps = 200, Inputs = 64, Hidden = 64;

    public static int Run(int[] threads, double seconds)
    {
        Console.WriteLine("| layer | threads | whole ms | last step masked | a step in the middle masked | one sequence a step short | lengths 1 to 200 | whole again |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|");
        foreach (string layer in (string[])["lstm", "gru"])
        {
            foreach (int n in threads) { Row(layer, n, seconds); }
        }
        return 0;
    }

    private static void Row(string layer, int threads, double seconds)
    {
        DeepEduOptions.MaxThreads = threads;
        var rng = new Rng(1);
        Lstm lstm = new(Inputs, Hidden, rng);
        Gru gru = new(Inputs, Hidden, rng);
        var x = Tensor.Normal([Batch, Steps, Inputs], rng);
        Indices shorter = Lengths(r => r == 0 ? Steps - 1 : Steps), ragged = Lengths(r => 1 + (r * (Steps - 1) / (Batch - 1)));
        Tensor last = Without(Steps - 1), middle = Without(Steps / 2);
        Action[] cases = [() => Step(null, null), () => Step(null, last), () => Step(null, middle), () => Step(shorter, null), () => Step(ragged, null), () => Step(null, null)];
        List<double>[] times = [.. cases.Select(_ => new List<double>())];
        int[] order = [.. Enumerable.Range(0, cases.Length)];
        WarmUp.Run(_ => Array.ForEach(cases, c => c()));
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
        Console.WriteLine($"| {layer} | {threads} | {Compare.Median(times[0]) * 1e3:f2} | {string.Join(" | ", times.Skip(1).Select(t => $"{Compare.Median(t.Zip(times[0], (a, b) => a / b)):f3}"))} |");

        void Step(Indices? lengths, Tensor? mask)
        {
            using var tape = new Tape();
            tape.Gradients((layer == "lstm" ? lstm.Run(x, lengths: lengths, mask: mask).Output : gru.Run(x, lengths: lengths, mask: mask).Output).Sum());
        }
    }

    private static Indices Lengths(Func<int, int> of) => Indices.Wrap([.. Enumerable.Range(0, Batch).Select(of)], [Batch]);

    private static Tensor Without(int step)
    {
        var mask = Tensor.Ones([Batch, Steps]);
        mask.AsSpan()[step] = 0;
        return mask;
    }
}
