using System.Diagnostics;
using DeepEdu.Distributed;
using DeepEdu.Io;
using DeepEdu.Tests.Io;

namespace DeepEdu.Tests.Distributed;

/// <summary>Processes on the loopback: the same bytes as one, also when one was killed and all were taken up.</summary>
[Collection("alone")]
public sealed class ProcessTests : IDisposable
{
    private const int Epochs = 4;
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void OneTwoAndFourProcessesGiveTheSameBytes()
    {
        byte[] one = Weights("one", Start("one", []));
        Assert.Equal(one, Weights("two", Start("two", ["launch=2"])));
        using var place = new MeetingPlace();
        Process[] four = [.. Enumerable.Range(0, 4).Select(r => Start("four", [], (r, 4, place.Address)))];
        Assert.Equal(one, Weights("four", four));
    }

    [Fact]
    public void AProcessThatIsKilledEndsAllAndIsTakenUpToTheSameBytes()
    {
        byte[] peace = Weights("peace", Start("peace", []));
        using var place = new MeetingPlace();
        Process[] three = [.. Enumerable.Range(0, 3).Select(r => Start("killed", ["told", "stand=2"], (r, 3, place.Address)))];
        for (int steps = 0; steps < 5;) { steps += three[0].StandardOutput.ReadLine()!.StartsWith("step", StringComparison.Ordinal) ? 1 : 0; }
        three[2].Kill(); // it stands still soon after, so that the training does not end before
        string said = three[0].StandardOutput.ReadToEnd(), alsoSaid = three[1].StandardOutput.ReadToEnd();
        Assert.All(three[..2], p => Assert.True(p.WaitForExit(600_000)));
        Assert.All(three[..2], p => Assert.Equal(3, p.ExitCode));
        foreach (string of in new[] { said, alsoSaid })
        {
            Assert.Contains("rank 2", of, StringComparison.Ordinal);
            Assert.DoesNotContain("silent", of, StringComparison.Ordinal); // as after the timeout
        }
        foreach (var p in three) { p.Dispose(); }
        // whole, and before the end
        Assert.InRange(CheckpointFile.Load(_folder["killed/last.ckpt"]).State("training").Int("step"), 4, (Epochs * 5) - 1);
        Assert.Equal(peace, Weights("killed", Start("killed", ["launch=2"])));
    }

    [MpiFact]
    public void ProcessesOfMpiGiveTheSameBytes()
    {
        byte[] one = Weights("one", Start("one", []));
        foreach (string launcher in MpiFactAttribute.Launchers)
        {
            Assert.Equal(one, Weights(launcher, Mpirun(launcher, launcher, 3)));
            // one that fails ends all
            File.WriteAllText(_folder[$"{launcher}.file"], "");
            using var fails = Mpirun(launcher, $"{launcher}.file", 2);
            fails.StandardOutput.ReadToEnd();
            Assert.True(fails.WaitForExit(600_000));
            Assert.NotEqual(0, fails.ExitCode);
        }
    }

    [Fact]
    public void TheLauncherEndsWithTheFaultOfAny()
    {
        // a folder that cannot be made
        File.WriteAllText(_folder["file"], "");
        using var launcher = Start("file", ["launch=2"]);
        launcher.StandardOutput.ReadToEnd();
        Assert.True(launcher.WaitForExit(600_000));
        Assert.NotEqual(0, launcher.ExitCode);
    }

    private byte[] Weights(string name, params Process[] processes)
    {
        foreach (var process in processes)
        {
            string said = process.StandardOutput.ReadToEnd();
            Assert.True(process.WaitForExit(600_000));
            Assert.True(process.ExitCode == 0, said);
            process.Dispose();
        }
        return File.ReadAllBytes(_folder[$"{name}/weights"]);
    }

    private Process Start(string name, string[] more, (int Rank, int Size, string Address)? place = null)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "DeepEdu.Tests.Trainee.dll"), "together", _folder[name], $"{Epochs}", .. more]) { RedirectStandardOutput = true, RedirectStandardError = true };
        return Go(start, place);
    }

    private Process Mpirun(string launcher, string name, int processes)
    {
        var start = new ProcessStartInfo(launcher, ["-n", $"{processes}", "dotnet", Path.Combine(AppContext.BaseDirectory, "DeepEdu.Tests.Trainee.dll"), "together", _folder[name], $"{Epochs}"]) { RedirectStandardOutput = true, RedirectStandardError = true };
        // in a container, on few cores
        foreach (string setting in new[] { "OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "OMPI_MCA_rmaps_base_oversubscribe" }) { start.Environment[setting] = "1"; }
        return Go(start, null);
    }

    private static Process Go(ProcessStartInfo start, (int Rank, int Size, string Address)? place)
    {
        if (place is var (rank, size, address) && place is not null)
        {
            start.Environment["DEEPEDU_RANK"] = $"{rank}";
            start.Environment["DEEPEDU_SIZE"] = $"{size}";
            start.Environment["DEEPEDU_ADDRESS"] = address;
        }
        var process = Process.Start(start)!;
        process.BeginErrorReadLine(); // nobody reads it, and nobody waits for that
        return process;
    }
}
