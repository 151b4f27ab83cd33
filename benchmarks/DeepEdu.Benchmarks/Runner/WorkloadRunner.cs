using System.Diagnostics;
using System.Text;
using System.Text.Json;
using DeepEdu.Benchmarks.Workloads;
using DeepEdu.Devices;
using DeepEdu.Gpu;

namespace DeepEdu.Benchmarks.Runner;

/// <summary>Runs one workload in this process and prints one JSON line, with the fields of the PyTorch peer and the bytes allocated a step.</summary>
internal static class WorkloadRunner
{
    public static void Run(string name, int threads, string mode, double seconds, string device, bool graphs, bool tf32, bool steps)
    {
        WorkloadList.Device = device switch
        {
            "cpu" => CpuDevice.Instance,
            "gpu" when mode == "train" => GpuDevice.Best(),
            "simulated" when mode == "train" => GpuDevice.Simulated(),
            "gpu" or "simulated" => throw new ArgumentException($"--device {device} measures training alone: inference sessions run on the processor"),
            _ => throw new ArgumentException($"--device is cpu, gpu or simulated, not '{device}'"),
        };
        if (WorkloadList.Device is GpuDevice gpu) { (gpu.Graphs, gpu.MatMulPrecision, gpu.PersistentRecurrence) = (graphs, tf32 ? MatMulPrecision.High : MatMulPrecision.Highest, !steps); }
        else if (graphs || tf32 || steps) { throw new ArgumentException("--graphs, --tf32 and --steps take --device gpu"); }
        DeepEduOptions.MaxThreads = threads;
        var work = WorkloadList.Find(name).Make();
        using var line = new MemoryStream();
        using (var json = new Utf8JsonWriter(line))
        {
            json.WriteStartObject();
            json.WriteString("lib", "deepedu");
            json.WriteString("workload", name);
            json.WriteString("mode", mode);
            json.WriteNumber("threads", threads);
            json.WriteString("device", WorkloadList.Device.Name);
            if (mode == "train") { Train(work, seconds, json); } else { Infer(work, seconds, json); }
            if (WorkloadList.Device is GpuDevice used) { json.WriteString("launches", used.LaunchReport()); }
            json.WriteNumber("peak_rss_mb", Math.Round(Meter.PeakMegabytes(), 1));
            json.WriteEndObject();
        }
        Console.WriteLine(Encoding.UTF8.GetString(line.ToArray()));
    }

    /// <summary>Prints where the time of a workload's steps goes.</summary>
    public static void Profile(string name, int threads, string mode, double seconds)
    {
        DeepEduOptions.MaxThreads = threads;
        var work = WorkloadList.Find(name).Make();
        Action<int> step = mode == "train" ? i => work.Step(i) : _ => work.Infer();
        WarmUp.Run(step, seconds * 0.25);
        using var profiler = new Profiler();
        int steps = 0;
        for (double end = Meter.Now() + seconds; Meter.Now() < end; steps++) { step(steps); }
        profiler.Dispose();
        Console.WriteLine($"{name}, {threads} threads, {steps} steps, {profiler.Elapsed.TotalMilliseconds / steps:0.000} ms each");
        Console.WriteLine(profiler);
    }

    private static void Train(IWorkload work, double seconds, Utf8JsonWriter json)
    {
        float first = work.Step(0), last = first;
        double firstStep = (DateTime.Now - Process.GetCurrentProcess().StartTime).TotalSeconds;
        // so many for everyone: what is the same to the bit shows here
        const int Same = 12;
        for (int n = 1; n < Same; n++) { last = work.Step(n); }
        json.WriteNumber("loss_same", last);
        WarmUp.Run(n => last = work.Step(n), seconds * 0.25);
        long before = GC.GetAllocatedBytesForCurrentThread();
        const int Counted = 8;
        for (int n = 0; n < Counted; n++) { last = work.Step(n); }
        long allocated = (GC.GetAllocatedBytesForCurrentThread() - before) / Counted;
        var (t, quiet, noisy) = Meter.Sample(i => last = work.Step(i), seconds, 7, 20000);
        double median = Meter.Percentile(t, .5);
        json.WriteNumber("batch", work.Batch);
        json.WriteNumber("median_ms", Math.Round(median * 1e3, 4));
        json.WriteNumber("p10_ms", Math.Round(Meter.Percentile(t, .1) * 1e3, 4));
        json.WriteNumber("p90_ms", Math.Round(Meter.Percentile(t, .9) * 1e3, 4));
        json.WriteNumber("steps", t.Length);
        json.WriteNumber("quiet", Math.Round(quiet, 3));
        json.WriteBoolean("noisy", noisy);
        json.WriteNumber("samples_per_s", Math.Round(work.Batch / median, 1));
        json.WriteNumber("allocated_bytes_per_step", allocated);
        json.WriteNumber("loss_first", Math.Round(first, 5));
        json.WriteNumber("loss_last", Math.Round(last, 5));
        json.WriteNumber("first_step_s", Math.Round(firstStep, 3));
    }

    private static void Infer(IWorkload work, double seconds, Utf8JsonWriter json)
    {
        WarmUp.Run(_ => work.Infer(), Math.Max(0.5, seconds * 0.25));
        long before = GC.GetAllocatedBytesForCurrentThread();
        const int Counted = 20;
        for (int i = 0; i < Counted; i++) { work.Infer(); }
        long allocated = (GC.GetAllocatedBytesForCurrentThread() - before) / Counted;
        var (t, quiet, noisy) = Meter.Sample(_ => work.Infer(), seconds, 50, 100000);
        json.WriteNumber("p10_us", Math.Round(Meter.Percentile(t, .1) * 1e6, 1));
        json.WriteNumber("p50_us", Math.Round(Meter.Percentile(t, .5) * 1e6, 1));
        json.WriteNumber("p90_us", Math.Round(Meter.Percentile(t, .9) * 1e6, 1));
        json.WriteNumber("p99_us", Math.Round(Meter.Percentile(t, .99) * 1e6, 1));
        json.WriteNumber("calls", t.Length);
        json.WriteNumber("quiet", Math.Round(quiet, 3));
        json.WriteBoolean("noisy", noisy);
        json.WriteNumber("allocated_bytes_per_call", allocated);
    }
}
