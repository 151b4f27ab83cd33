using System.Text.Json;
using DeepEdu.Autograd;
using DeepEdu.Gpu;
using DeepEdu.Lanes;
using DeepEdu.Memory;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Benchmarks.Runner;

/// <summary>What a GPU can do, beside PyTorch's CUDA backend in processes of its own, as a page of markdown: square matrix products at each precision, with their largest error; a convolution and attention with their gradients in float32 and TF32; value-by-value functions
/// beside the bandwidth of a copy; and the training step of every workload, as it is and with launches as graphs. What fails is said in its row, and the rest goes on.</summary>
internal static class GpuTable
{
    private const double ShareOfProducts = 0.6, ShareOfCopy = 0.85;

    public static int Run(Report report, int size, int floats, double seconds, string python, string where, string[] names, int pairs, bool tf32)
    {
        foreach (var info in GpuDevice.Doctor()) { report.Line($"- {info}"); }
        if (size > 0 || floats > 0) { Tables(report, where, size, floats, seconds, where == "simulated" || python.Length == 0 ? [] : Theirs(report, size, floats, seconds, python)); }
        if (names.Length > 0) { GpuWorkloads.Run(report, names, pairs, seconds, python, where, tf32); }
        return report.Aims() ? 0 : 1;
    }

    private static void Tables(Report report, string where, int size, int floats, double seconds, Dictionary<string, double> theirs)
    {
        // gone before the workloads begin, each of which has the GPU to itself
        using var device = where switch { "gpu" => GpuDevice.Best(), "simulated" => GpuDevice.Simulated(), _ => throw new ArgumentException($"--device is gpu or simulated, not '{where}'") };
        report.Line($"\n| {device.Name} | DeepEdu ms | | largest error | PyTorch ms | ratio |\n|---|---|---|---|---|---|");
        if (size > 0) { Try(report, "matmul", () => Products(report, device, size, seconds, theirs)); }
        if (size > 0) { Try(report, "conv", () => Convolutions(report, device, size, seconds, theirs)); }
        if (size > 0) { Try(report, "attention", () => Attention(report, device, size, seconds, theirs)); }
        if (floats > 0) { Try(report, "values", () => Values(report, device, floats, seconds, theirs)); }
        report.Line($"\n{device.MemoryReport()}");
    }

    private static void Try(Report report, string what, Action run)
    {
        try { run(); }
        catch (Exception e) when (e is not ArgumentException)
        {
            report.Line($"| {what} | {e.GetType().Name}: {e.Message} |");
            report.Aim(what, "failed", false);
        }
    }

    private static void Products(Report report, GpuDevice device, int n, double seconds, Dictionary<string, double> theirs)
    {
        Rng rng = new(1);
        Tensor a = Tensor.Normal([n, n], rng), b = Tensor.Normal([n, n], rng), there = a.To(device), other = b.To(device);
        foreach (var precision in Enum.GetValues<MatMulPrecision>())
        {
            device.MatMulPrecision = precision;
            double error;
            using (var arena = new Arena()) { error = Error(a, b, there.MatMul(other)); }
            double t = Time(device, seconds, () => there.MatMul(other));
            string name = $"matmul {precision}".ToLowerInvariant();
            Row(report, name, t, $"{2.0 * n * n * n / t / 1e12:f2} TFLOP/s", $"{error:e1}", theirs);
            // of a sum of n terms, each rounded: half a unit of 24, 11 or 8 bits, twice for two factors, and what the sum adds
            double bound = precision switch { MatMulPrecision.Highest => 1e-6, MatMulPrecision.High => 1.1e-3, _ => 8.5e-3 };
            report.Aim($"{name}: largest error at most {bound:e1}", $"{error:e1}", error <= bound);
            if (precision == MatMulPrecision.Highest && theirs.TryGetValue(name, out double p)) { report.Aim($"matmul {n}³, float32: at least {ShareOfProducts:p0} of cuBLAS", $"{p / t:p0}", p / t >= ShareOfProducts); }
        }
        device.MatMulPrecision = MatMulPrecision.Highest;
    }

    // 32 images of 64 channels of 56 × 56, of 3 × 3 to as many: forward and both gradients
    private static void Convolutions(Report report, GpuDevice device, int size, double seconds, Dictionary<string, double> theirs)
    {
        Rng rng = new(3);
        int channels = Math.Min(64, size), side = Math.Min(56, size);
        Shape images = [Math.Min(32, size), channels, side, side];
        Tensor x = Tensor.Normal(images, rng).To(device), w = Tensor.Normal([channels, channels, 3, 3], rng).To(device), pull = Tensor.Normal(images, rng).To(device);
        foreach (var precision in (MatMulPrecision[])[MatMulPrecision.Highest, MatMulPrecision.High])
        {
            device.MatMulPrecision = precision;
            double t = Time(device, seconds, () =>
            {
                using var tape = new Tape();
                tape.Watch(x);
                tape.Watch(w);
                tape.Gradients(x.Conv2d(w, padding: (1, 1)), pull);
            });
            Row(report, $"conv {precision}".ToLowerInvariant(), t, $"{3 * 2.0 * images.Size * channels * 9 / t / 1e12:f2} TFLOP/s", "", theirs);
        }
        device.MatMulPrecision = MatMulPrecision.Highest;
    }

    // 8 sequences of 512 places, 8 heads of 64: forward and all gradients
    private static void Attention(Report report, GpuDevice device, int size, double seconds, Dictionary<string, double> theirs)
    {
        Rng rng = new(4);
        int heads = Math.Min(8, size), places = Math.Min(512, size), width = Math.Min(64, size);
        Shape shape = [Math.Min(8, size), places, heads * width];
        Tensor q = Tensor.Normal(shape, rng).To(device), k = Tensor.Normal(shape, rng).To(device), v = Tensor.Normal(shape, rng).To(device), pull = Tensor.Normal(shape, rng).To(device);
        foreach (var precision in (MatMulPrecision[])[MatMulPrecision.Highest, MatMulPrecision.High])
        {
            device.MatMulPrecision = precision;
            double t = Time(device, seconds, () =>
            {
                using var tape = new Tape();
                tape.Watch(q);
                tape.Watch(k);
                tape.Watch(v);
                tape.Gradients(q.Attention(k, v, heads), pull);
            });
            // two products forward and five back; scores are made once more in each of the two ways back, which counts for nothing
            Row(report, $"attention {precision}".ToLowerInvariant(), t, $"{7 * 2.0 * shape.Size * places / t / 1e12:f2} TFLOP/s", "", theirs);
        }
        device.MatMulPrecision = MatMulPrecision.Highest;
    }

    // a copy reads and writes each value, and so on: bytes moved, as a share of what a copy moves, theirs if it is the faster
    private static void Values(Report report, GpuDevice device, int n, double seconds, Dictionary<string, double> theirs)
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
            if (name == "copy") { copy = Math.Max(speed, theirs.TryGetValue(name, out double p) ? 2.0 * n * sizeof(float) / p : 0); }
            Row(report, name, t, $"{speed / 1e9:f0} GB/s, {speed / copy:p0} of the copy", "", theirs);
            if (name is "add" or "relu" or "exp") { report.Aim($"{name}: at least {ShareOfCopy:p0} of the copy's bandwidth", $"{speed / copy:p0}", speed / copy >= ShareOfCopy); }
        }
    }

    private static void Row(Report report, string name, double t, string what, string error, Dictionary<string, double> theirs)
    {
        string peer = theirs.TryGetValue(name, out double p) ? $"{p * 1e3:f3} | {t / p:f2}" : " | ";
        report.Line($"| {name} | {t * 1e3:f3} | {what} | {error} | {peer} |");
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

    private static Dictionary<string, double> Theirs(Report report, int size, int floats, double seconds, string python)
    {
        try
        {
            JsonElement[] all = [.. Compare.Start(python, [Compare.Peer("torch_gpu.py"), $"{size}", $"{floats}", Compare.Text(seconds)], []).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonDocument.Parse(l).RootElement)];
            foreach (var e in all)
            {
                if (e.TryGetProperty("torch", out var version)) { report.Line($"- PyTorch {version}"); }
                if (e.TryGetProperty("error", out var error)) { report.Line($"- PyTorch's {e.GetProperty("op")} failed: {error}"); }
            }
            return all.Where(e => e.TryGetProperty("seconds", out _)).ToDictionary(e => e.GetProperty("op").GetString()!, e => e.GetProperty("seconds").GetDouble());
        }
        catch (Exception e) when (Compare.IsFailure(e))
        {
            report.Line($"- nothing of PyTorch's: {e.Message}");
            return [];
        }
    }
}
