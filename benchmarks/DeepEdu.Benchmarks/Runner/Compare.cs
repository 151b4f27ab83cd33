using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using DeepEdu.Benchmarks.Workloads;

namespace DeepEdu.Benchmarks.Runner;

/// <summary>Runs ours and PyTorch's side in turn, each in a fresh process, and prints the ratios of the pairs.</summary>
internal static class Compare
{
    public static int Run(string[] names, int[] threads, string mode, int pairs, double seconds, string python, string device, bool graphs)
    {
        string script = Ready(python, "torch_workloads.py");
        Console.WriteLine(mode == "train"
            ? "| workload | threads | DeepEdu ms | PyTorch's best ms | ratio | spread | samples/s | peak MB | PyTorch peak MB | allocated B/step | losses |"
            : "| workload | threads | DeepEdu p50 µs | PyTorch's best p50 µs | ratio | spread | p99/p50 | peak MB | PyTorch peak MB | allocated B/call | |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|---|---|---|");
        bool agree = true;
        foreach (string name in names)
        {
            var (_, _, peers) = WorkloadList.Find(name);
            foreach (int t in threads)
            {
                try { agree &= Row(name, peers, t, mode, pairs, seconds, python, script, device, graphs); }
                catch (Exception e) when (IsFailure(e))
                {
                    Console.WriteLine($"| {name} | {t} | {e.Message} |");
                    agree = false;
                }
            }
        }
        return agree ? 0 : 1;
    }

    private static bool Row(string name, string[] peers, int threads, string mode, int pairs, double seconds, string python, string script, string device, bool graphs)
    {
        string key = mode == "train" ? "median_ms" : "p50_us";
        List<double> ours = [], theirs = [], ratios = [];
        JsonElement us = default, them = default;
        for (int pair = 0; pair < pairs; pair++)
        {
            us = Ours(name, threads, mode, seconds, device, graphs);
            double a = us.GetProperty(key).GetDouble(), best = double.MaxValue;
            foreach (string peer in peers)
            {
                foreach (string simd in device == "gpu" ? ["default"] : Capabilities)
                {
                    var run = Peer(python, script, peer, threads, mode, seconds, simd, device);
                    double b = run.GetProperty(key).GetDouble();
                    if (b < best) { (best, them) = (b, run); }
                }
            }
            ours.Add(a);
            theirs.Add(best);
            ratios.Add(a / best);
        }
        double Number(JsonElement e, string property) => e.GetProperty(property).GetDouble();
        string middle, last = "";
        bool agree = true;
        if (mode == "train")
        {
            // labels are random: a loss need not fall in a second, but it must not climb, and both must start alike
            bool fall = Number(us, "loss_last") <= 1.1 * Number(us, "loss_first") && Number(them, "loss_last") <= 1.1 * Number(them, "loss_first");
            agree = fall && Math.Abs(Number(us, "loss_first") - Number(them, "loss_first")) <= Math.Max(0.05, 0.15 * Math.Abs(Number(them, "loss_first")));
            middle = Format(Number(us, "samples_per_s"), 0);
            last = $"{Format(Number(us, "loss_first"), 3)}→{Format(Number(us, "loss_last"), 3)} / {Format(Number(them, "loss_first"), 3)}→{Format(Number(them, "loss_last"), 3)}{(agree ? "" : " DISAGREE")}";
        }
        else { middle = Format(Number(us, "p99_us") / Number(us, "p50_us"), 2); }
        string allocated = Format(Number(us, mode == "train" ? "allocated_bytes_per_step" : "allocated_bytes_per_call"), 0);
        Console.WriteLine($"| {name} | {threads} | {Format(Median(ours), 3)} | {Format(Median(theirs), 3)} | **{Format(Median(ratios), 3)}** | {Format(ratios.Min(), 3)}–{Format(ratios.Max(), 3)} | {middle} | "
            + $"{Format(Number(us, "peak_rss_mb"), 0)} | {Format(Number(them, "peak_rss_mb"), 0)} | {allocated} | {last} |");
        return agree;
    }

    // PyTorch 1.13 runs element-wise kernels with AVX2 unless told; whichever is faster counts
    internal static string[] Capabilities => System.Runtime.Intrinsics.Vector512.IsHardwareAccelerated ? ["default", "avx512"] : ["default"];

    /// <summary>The kernels that OpenBLAS shall use. Left to itself, or to what the shell says, it takes narrower ones on processors that are newer than it.</summary>
    internal static (string Name, string Value) CoreType => ("OPENBLAS_CORETYPE", System.Runtime.Intrinsics.Vector512.IsHardwareAccelerated ? "SKYLAKEX" : "HASWELL");

    private static string[] Tf32 => ["--tf32"];

    internal static JsonElement Ours(string name, int threads, string mode, double seconds, string device, bool graphs, bool tf32 = false, bool steps = false) =>
        Json(Start(Environment.ProcessPath!, ["workloads", "-w", name, "-t", $"{threads}", "--mode", mode, "--seconds", Text(seconds), "--device", device, .. graphs ? (string[])["--graphs"] : [], .. tf32 ? Tf32 : [], .. steps ? (string[])["--steps"] : []], []));

    internal static JsonElement Peer(string python, string script, string name, int threads, string mode, double seconds, string simd, string device, bool tf32 = false) =>
        Json(Start(python, [script, "-w", name, "-t", $"{threads}", "--mode", mode == "train" ? "train" : "infer", "--seconds", Text(seconds), "--device", device == "gpu" ? "cuda" : "cpu", .. tf32 ? Tf32 : []], simd == "default" ? [CoreType] : [CoreType, ("ATEN_CPU_CAPABILITY", simd)]));

    /// <summary>Whether one measurement failed, and the others may go on.</summary>
    internal static bool IsFailure(Exception e) => e is PeerException or InvalidOperationException or JsonException or KeyNotFoundException;

    private static JsonElement Json(string output) => JsonDocument.Parse(output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]).RootElement;

    /// <summary>What a program prints.</summary>
    /// <exception cref="PeerException">It did not start, failed, printed nothing, or did not end; the message ends with the line of its errors that says why.</exception>
    internal static string Start(string program, string[] arguments, (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (n, v) in environment) { start.Environment[n] = v; }
        start.Environment.Remove("OPENBLAS_L2_SIZE"); // a size that the shell claims is not the machine's
        Process? started;
        try { started = Process.Start(start); }
        catch (System.ComponentModel.Win32Exception e) { throw new PeerException($"compare: {program} did not start: {e.Message}"); }
        using var process = started ?? throw new PeerException($"compare: {program} did not start");
        Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
        var limit = TimeSpan.FromMinutes(10);
        bool ended = process.WaitForExit(limit);
        if (!ended) { process.Kill(entireProcessTree: true); }
        string[] lines = errors.Result.Replace('|', '/').Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        string last = lines.FirstOrDefault(l => l.StartsWith("Unhandled exception", StringComparison.Ordinal)) ?? lines.LastOrDefault("");
        if (ended && process.ExitCode == 0 && output.Result.Trim().Length > 0) { return output.Result; }
        throw new PeerException($"compare: {program} {string.Join(' ', arguments)} {(ended ? $"ended with code {process.ExitCode}" : $"was stopped after {limit.TotalMinutes} minutes")}{(last.Length > 0 ? $": {last}" : "")}");
    }

    /// <summary>A peer's script, once the Python that shall run it was seen to have PyTorch: before anything is measured.</summary>
    /// <exception cref="PeerException">One of the two is not there.</exception>
    internal static string Ready(string python, string script)
    {
        string path = Peer(script);
        try { Start(python, ["-c", "import torch; print(torch.__version__)"], []); }
        catch (PeerException e) { throw new PeerException($"{e.Message}\nThe other side is PyTorch (pip install torch); --python names a Python that has it. What needs none: workloads, profile, scaling, padding, privacy"); }
        return path;
    }

    internal static string Peer(string script)
    {
        string? at = AppContext.BaseDirectory;
        while (at is not null && !File.Exists(Path.Combine(at, "DeepEdu.sln"))) { at = Path.GetDirectoryName(at); }
        string path = Path.Combine(at ?? "", "benchmarks", "peers", script);
        return at is not null && File.Exists(path) ? path : throw new PeerException($"compare: {(at is null ? $"no folder above {AppContext.BaseDirectory} has DeepEdu.sln and benchmarks/peers" : $"there is no {path}")}; run the program where a clone of the repository built it");
    }

    internal static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[(sorted.Length / 2) - 1] + sorted[sorted.Length / 2]) / 2;
    }

    private static string Format(double value, int digits) => value.ToString($"F{digits}", CultureInfo.InvariantCulture);

    internal static string Text(double value) => value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>The other side of a comparison is not there, or failed.</summary>
internal sealed class PeerException(string message) : Exception(message);
