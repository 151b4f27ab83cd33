using System.Text.Json;
using DeepEdu.Devices;
using DeepEdu.Memory;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Benchmarks.Runner;

/// <summary>Value by value functions and softmax of growing lengths, beside PyTorch's in a process of its own, with AVX2 and AVX-512 kernels, whichever is faster.</summary>
internal static class ElementwiseTable
{
    private static readonly (string Name, Func<Tensor, Tensor, Tensor> Run)[] s_functions =
    [
        ("exp", (x, _) => x.Exp()), ("tanh", (x, _) => x.Tanh()), ("sigmoid", (x, _) => x.Sigmoid()), ("log", (_, z) => z.Log()), ("softmax", (x, _) => x.Softmax()), ("gelu", (x, _) => x.Gelu()),
    ];

    public static int Run(int[] threads, double seconds, string python)
    {
        Compare.Ready(python, "torch_ew.py");
        Console.WriteLine("| function | floats | threads | DeepEdu µs | PyTorch's best µs | ratio |");
        Console.WriteLine("|---|---|---|---|---|---|");
        foreach (int t in threads)
        {
            DeepEduOptions.MaxThreads = t;
            foreach (int n in (int[])[1 << 10, 1 << 16, 1 << 20, 1 << 24])
            {
                var theirs = new Dictionary<string, double>();
                double[] ours = [.. s_functions.Select(_ => double.MaxValue)];
                // ours before and after theirs: the machine's speed drifts
                Ours(n, seconds / 2, ours);
                Theirs(t, n, seconds, python, theirs);
                Ours(n, seconds / 2, ours);
                for (int i = 0; i < ours.Length; i++)
                {
                    double ratio = ours[i] * 1e6 / theirs[s_functions[i].Name];
                    Console.WriteLine($"| {s_functions[i].Name} | {n} | {t} | {ours[i] * 1e6:f2} | {theirs[s_functions[i].Name]:f2} | {ratio:f2}{(ratio > 0.9 ? " !" : "")} |");
                }
            }
        }
        return 0;
    }

    private static void Ours(int n, double seconds, double[] best)
    {
        var rng = new Rng(1);
        Tensor x = Tensor.Uniform([n], rng, -3, 3), z = Tensor.Uniform([n], rng);
        double[] times = Meter.Turns([.. s_functions.Select(f => (Action)(() =>
        {
            using var arena = new Arena();
            f.Run(x, z);
        }))], seconds);
        for (int i = 0; i < times.Length; i++) { best[i] = Math.Min(best[i], times[i]); }
        CpuDevice.Instance.Pool.Trim();
    }

    private static void Theirs(int threads, int n, double seconds, string python, Dictionary<string, double> best)
    {
        foreach (string simd in Compare.Capabilities)
        {
            string output = Compare.Start(python, [Compare.Peer("torch_ew.py"), $"{threads}", $"{n}", Compare.Text(seconds)], simd == "default" ? [] : [("ATEN_CPU_CAPABILITY", simd)]);
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
