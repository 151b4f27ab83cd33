using System.Diagnostics;
using DeepEdu.Io;
using DeepEdu.Numerics;

namespace DeepEdu.Tests.Io;

/// <summary>A training that is killed at 20 random moments, half of them in the middle of writing a checkpoint, ends with the same bytes as one that is left in peace: weights, statistics, the
/// optimiser's state, the average, a metric, random streams and the loader's position.</summary>
[Collection("alone")]
public sealed class KillTests : IDisposable
{
    private const int Kills = 20, Steps = 300;
    private const int Alive = 14; // steps that no process goes beyond, however late it is killed: the training does not end before its last kill
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void KilledTwentyTimesTheBytesAreTheSame()
    {
        using (var peace = Start(_folder["peace.ckpt"])) { Finish(peace); }

        var rng = new Rng((ulong)Stopwatch.GetTimestamp()); // moments that differ from run to run: any moment must do
        int inWrite = 0, reached = 0;
        for (int kill = 0; kill < Kills; kill++)
        {
            bool writing = kill % 2 == 1;
            int after = rng.Next(1, 8);
            using var child = Start(_folder["killed.ckpt"], writing ? after : 0, Alive);
            for (int lines = 0; child.StandardOutput.ReadLine() is { } line;)
            {
                if (writing ? line == "writing" : ++lines == after) { break; }
            }
            if (!writing) { Thread.Sleep(rng.Next(0, 12)); }
            Assert.False(child.HasExited, "the training ended before it was killed");
            child.Kill();
            child.WaitForExit();
            if (File.Exists(_folder["killed.ckpt.tmp"])) { inWrite++; }
            if (!File.Exists(_folder["killed.ckpt"])) { continue; } // killed in the first write of all
            int step = CheckpointFile.Load(_folder["killed.ckpt"]).State("mine").Int("step");
            Assert.True(step >= reached, $"after kill {kill} the checkpoint went back from step {reached} to {step}");
            reached = step;
        }
        Assert.True(inWrite >= Kills / 2, $"only {inWrite} of {Kills} kills met a file half written");
        Assert.InRange(reached, 1, Steps - 1);

        using (var last = Start(_folder["killed.ckpt"])) { Finish(last); }
        Assert.Equal(Steps, CheckpointFile.Load(_folder["peace.ckpt"]).State("mine").Int("step"));
        Assert.Equal(File.ReadAllBytes(_folder["peace.ckpt"]), File.ReadAllBytes(_folder["killed.ckpt"]));
        Assert.Equal(["killed.ckpt", "peace.ckpt"], _folder.Files);
    }

    private static Process Start(string checkpoint, int dawdleAt = 0, int still = 0)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "DeepEdu.Tests.Trainee.dll");
        return Process.Start(new ProcessStartInfo("dotnet", [program, checkpoint, $"{Steps}", $"{dawdleAt}", $"{still}"]) { RedirectStandardOutput = true })!;
    }

    private static void Finish(Process child)
    {
        child.StandardOutput.ReadToEnd();
        child.WaitForExit();
        Assert.Equal(0, child.ExitCode);
    }
}
