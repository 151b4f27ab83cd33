using System.Text.Json;
using DeepEdu.Gpu;
using DeepEdu.Lanes;
using DeepEdu.Memory;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Benchmarks.Runner;

/// <summary>What a GPU can do: square matrix products at each precision, with their largest error, and value-by-value functions beside the bandwidth of a copy; PyTorch's in a process of its own.</summary>
internal static class GpuTable
{
    public static int Run(int size, int floats, double seconds, string python, string where)
    {
        foreach (var info in GpuDevice.Doctor()) { Console.WriteLine(info); }
        var device = where switch { "gpu" => GpuDevice.Best(), "simulated" => GpuDevice.Simulated(), _ => throw new ArgumentException($"--device is gpu or simulated, not '{where}'") };
        var theirs = where == "gpu" && python.Length > 0 ? Theirs(size, floats, seconds, python) : [];
        Console.WriteLine($"\n| {device.Name} | DeepEdu ms | | largest error | PyTorch ms | ratio |\n|---|---|---|---|---|---|");
        Products(device, size, seconds, theirs);
        Values(device, floats, seconds, theirs);
        Console.WriteLine($"\n{device.MemoryReport()}");
        return 0;
    }

    private static void Products(GpuDevice device, int n, double seconds, Dictionary<string, double> theirs)
    {
        Rng rng = new(1);
        Tensor a = Tensor.Normal([n, n], rng), b = Tensor.Normal([n, n], rng), there = a.To(device), other = b.To(device);
        foreach (var precision in Enum.GetValues<MatMulPrecision>())
        {
            device.MatMulPrecision = precision;
            double error;
            using (var arena = new Arena()) { error = Error(a, b, there.MatMul(other)); }
            double t = Time(device, seconds, () => there.MatMul(other));
            Row($"matmul {precision}".ToLowerInvariant(), t, $"{2.0 * n * n * n / t / 1e12:f2} TFLOP/s", $"{error:e1}", theirs);
        }
        device.MatMulPrecision = MatMulPrecision.Highest;
    }

    // a copy reads and writes each value, and so on: bytes moved, as a share of what a copy moves
    private static void Values(GpuDevice device, int n, double seconds, Dictionary<string, double> theirs)
    {
        Rng rng = new(2);
        Tensor x = Tensor.Uniform([n], rng).To(device), z = Tensor.Uniform([n], rng).To(device), y = Tensor.Zeros([n], device);
        double copy = 0;
        (string Name, int Moves, Action Run)[] all =
        [
            ("copy", 2, () => device.Copy(x.View, y.View)), ("add", 3, () => x.ZipConstant(z, default(Arithmetic.AddFormula), "add")), ("relu", 2, () => x.Relu()), ("exp", 2, () => x.Exp()), ("sum", 1, () => x.Sum()),
        ];
        foreach (var (name, moves, run) in all)
        {
            double t = Time(device, seconds, run), speed = (double)moves * n * sizeof(float) / t;
            copy = name == "copy" ? speed : copy;
            Row(name, t, $"{speed / 1e9:f0} GB/s, {speed / copy:p0} of the copy", "", theirs);
        }
    }

    private static void Row(string name, double t, string what, string error, Dictionary<string, double> theirs)
    {
        string peer = theirs.TryGetValue(name, out double p) ? $"{p * 1e3:f3} | {t / p:f2}" : " | ";
        Console.WriteLine($"| {name} | {t * 1e3:f3} | {what} | {error} | {peer} |");
    }

    // of some values, as a share of the sum of their terms' sizes
    private static double Error(Tensor a, Tensor b, Tensor c)
    {
        int n = a.Shape[0];
        float[] x = a.ToArray(), y = b.ToArray(), got = c.ToArray();
        double worst = 0;
        for (int at = 0; at < 64; at++)
        {
            int i = at * 7919 % n, j = at * 104729 % n;
            double sum = 0, sizes = 0;
            for (int k = 0; k < n; k++)
            {
                double term = (double)x[(i * n) + k] * y[(k * n) + j];
                (sum, sizes) = (sum + term, sizes + Math.Abs(term));
            }
            worst = Math.Max(worst, Math.Abs(sum - got[(i * n) + j]) / sizes);
        }
        return worst;
    }

    // seconds a call, the fastest fifth of batches of about 20 ms, each from launch to completion
    private static double Time(GpuDevice device, double seconds, Action run)
    {
        List<double> times = [];
        int calls = 1;
        double end = 0;
        for (int batch = 0; times.Count < 5 || Meter.Now() < end; batch++)
        {
            device.Synchronize();
            double start = Meter.Now();
            for (int i = 0; i < calls; i++)
            {
                using var arena = new Arena();
                run();
            }
            device.Synchronize();
            double took = Meter.Now() - start;
            if (batch >= 3) { times.Add(took / calls); continue; }
            (calls, end) = (batch == 0 ? 1 : Math.Max(1, (int)(calls * 0.02 / took)), Meter.Now() + seconds);
        }
        times.Sort();
        return times[times.Count / 5];
    }

    private static Dictionary<string, double> Theirs(int size, int floats, double seconds, string python)
    {
        string output = Compare.Start(python, [Compare.Peer("torch_gpu.py"), $"{size}", $"{floats}", Compare.Text(seconds)], []);
        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)
            .ToDictionary(e => e.GetProperty("op").GetString()!, e => e.GetProperty("seconds").GetDouble());
    }
}
