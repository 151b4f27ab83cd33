using System.Diagnostics;
using DeepEdu.Autograd;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Benchmarks.Runner;

/// <summary>From the start of a process to the end of its first training step, and its peak memory; the median of five fresh processes.</summary>
internal static class Startup
{
    private const string Child = "DEEPEDU_STARTUP_CHILD";

    public static int Run()
    {
        if (Environment.GetEnvironmentVariable(Child) is not null) { return FirstStep(); }
        var runs = new List<(double Seconds, double Megabytes)>();
        for (int i = 0; i < 5; i++)
        {
            // the program itself, or "dotnet" with the program's file
            string[] own = Path.GetFileNameWithoutExtension(Environment.ProcessPath) is "dotnet" ? [Environment.GetCommandLineArgs()[0]] : [];
            var start = new ProcessStartInfo(Environment.ProcessPath!, [.. own, "startup"]) { RedirectStandardOutput = true };
            start.Environment[Child] = "1";
            double begun = Meter.Now();
            using var process = Process.Start(start)!;
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            runs.Add((Meter.Now() - begun, double.Parse(output)));
        }
        runs.Sort();
        Console.WriteLine($"{{\"lib\":\"deepedu\",\"mode\":\"startup\",\"start_and_first_step_s\":{runs[2].Seconds:F3},\"peak_rss_mb\":{runs[2].Megabytes:F1}}}");
        return 0;
    }

    // the step that the peer's startup mode takes: Linear(64, 10), Adam, batch 8
    private static int FirstStep()
    {
        var rng = new Rng(1);
        var model = new Dense(64, 10, rng);
        var adam = new Adam(model.Parameters(), new());
        using (var tape = new Tape())
        {
            adam.Step(tape.Gradients(model.Forward(Tensor.Normal([8, 64], rng)).Sum()));
        }
        Console.WriteLine($"{Meter.PeakMegabytes():F1}");
        return 0;
    }
}
