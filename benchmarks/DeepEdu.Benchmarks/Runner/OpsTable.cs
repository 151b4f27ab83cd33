using System.Text.Json;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Memory;

namespace DeepEdu.Benchmarks.Runner;

/// <summary>Every family of operations and layers at three sizes beside PyTorch's in a process of its own, with AVX2 and AVX-512 kernels, whichever is faster. Names of cases are those of <c>peers/torch_ops.py</c>.</summary>
internal static class OpsTable
{
    public static int Run(int[] threads, double seconds, string only, string[] sizes, string python)
    {
        Compare.Ready(python, "torch_ops.py");
        Console.WriteLine("| operation | size | threads | DeepEdu µs | PyTorch's best µs | ratio |");
        Console.WriteLine("|---|---|---|---|---|---|");
        foreach (string size in sizes)
        {
            foreach (int t in threads) { Rows(size, t, seconds, only, python); }
        }
        return 0;
    }

    private static void Rows(string size, int threads, double seconds, string only, string python)
    {
        DeepEduOptions.MaxThreads = threads;
        OpCase[] cases = [.. OpCases.All.Where(c => c.Name.Contains(only, StringComparison.Ordinal))];
        if (cases.Length == 0) { throw new ArgumentException($"ops: no operation matches '{only}'"); }
        var inputs = new OpInputs(size);
        var theirs = new Dictionary<string, double>();
        var ours = Ours(cases, inputs, seconds / 2);
        // ours before and after theirs: the machine's speed drifts
        Theirs(threads, size, seconds, only, python, theirs);
        var again = Ours(cases, inputs, seconds / 2);
        double sum = 0;
        foreach (var (c, us) in cases.Zip(ours.Zip(again, Math.Min)))
        {
            if (!theirs.TryGetValue(c.Name, out double them)) { throw new InvalidOperationException($"ops: torch_ops.py has no case '{c.Name}'"); }
            double ratio = us * 1e6 / them;
            sum += Math.Log(ratio);
            Console.WriteLine($"| {c.Name} | {size} | {threads} | {us * 1e6:f2} | {them:f2} | {ratio:f2}{(ratio > 1 ? " !" : "")} |");
        }
        Console.WriteLine($"| geometric mean of {cases.Length} | {size} | {threads} | | | **{Math.Exp(sum / cases.Length):f2}** |");
    }

    private static double[] Ours(OpCase[] cases, OpInputs inputs, double seconds)
    {
        double[] times = Meter.Turns([.. cases.Select(c => Call(c, inputs))], seconds * cases.Length);
        CpuDevice.Instance.Pool.Trim();
        return times;
    }

    private static Action Call(OpCase c, OpInputs inputs)
    {
        var run = c.Make(inputs);
        if (c.Wanted is null)
        {
            return () =>
            {
                using var arena = new Arena();
                run();
            };
        }
        var wanted = c.Wanted(inputs);
        Tensors.Tensor? seed = null;
        return () =>
        {
            using var tape = new Tape();
            foreach (var x in wanted) { tape.Watch(x); }
            var y = run()!;
            tape.Gradients(y, seed ??= Tensors.Tensor.Ones(y.Shape).Keep());
        };
    }

    private static void Theirs(int threads, string size, double seconds, string only, string python, Dictionary<string, double> best)
    {
        foreach (string simd in Compare.Capabilities)
        {
            string output = Compare.Start(python, [Compare.Peer("torch_ops.py"), $"{threads}", size, Compare.Text(seconds), only], simd == "default" ? [Compare.CoreType] : [Compare.CoreType, ("ATEN_CPU_CAPABILITY", simd)]);
            foreach (string line in output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                var e = JsonDocument.Parse(line).RootElement;
                string op = e.GetProperty("op").GetString()!;
                double us = e.GetProperty("us").GetDouble();
                best[op] = best.TryGetValue(op, out double before) ? Math.Min(before, us) : us;
            }
        }
    }
}
