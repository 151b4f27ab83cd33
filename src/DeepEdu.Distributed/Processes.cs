using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using DeepEdu.Collectives;

namespace DeepEdu.Distributed;

/// <summary>Starts a program several times on one machine, and joins what was started, by this or by any other launcher.
/// <code>
/// if (Processes.Launch(2, args) is { } code) { return code; }   // the first process starts two of its kind and waits
/// using var group = Processes.Join();                           // each of the two
/// </code></summary>
public static class Processes
{
    /// <summary>The group that a launcher has told of in the environment: by TCP (<see cref="TcpGroupOptions.FromEnvironment"/>), or by MPI if mpirun or its like is the launcher; <see cref="Collective.Alone"/> without one.</summary>
    public static ICollective Join() => TcpGroupOptions.FromEnvironment() is { } options ? options.Size > 1 ? TcpGroup.Join(options) : Collective.Alone
        : MpiGroup.IsLaunched ? MpiGroup.Join() : Collective.Alone;

    /// <summary>Starts this program anew as ranks 0 to <paramref name="count"/> − 1, which meet on the loopback, and waits for them; in those, and for a count of 1, it does nothing. Where one ends with an error, the others are ended too.</summary>
    /// <param name="count">How many processes.</param>
    /// <param name="arguments">Those of the program.</param>
    /// <returns>Null in a process that shall work; in the one that has waited the exit code, that of the first rank which failed.</returns>
    public static int? Launch(int count, IReadOnlyList<string> arguments)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentNullException.ThrowIfNull(arguments);
        if (count == 1 || TcpGroupOptions.FromEnvironment() is not null || MpiGroup.IsLaunched) { return null; }
        string program = Environment.ProcessPath ?? throw new InvalidOperationException("processes: this program does not know its own file; start it with DEEPEDU_RANK, DEEPEDU_SIZE and DEEPEDU_ADDRESS");
        // "dotnet program.dll" is started as that
        string[] before = Path.GetFileNameWithoutExtension(program) == "dotnet" ? [Environment.GetCommandLineArgs()[0]] : [];
        using var place = new MeetingPlace();
        string token = Convert.ToHexString(RandomNumberGenerator.GetBytes(16));
        return Run(count, rank =>
        {
            var start = new ProcessStartInfo(program, [.. before, .. arguments]);
            start.Environment["DEEPEDU_RANK"] = rank.ToString(CultureInfo.InvariantCulture);
            start.Environment["DEEPEDU_SIZE"] = count.ToString(CultureInfo.InvariantCulture);
            start.Environment["DEEPEDU_ADDRESS"] = place.Address;
            start.Environment["DEEPEDU_TOKEN"] = token;
            return start;
        });
    }

    private static int Run(int count, Func<int, ProcessStartInfo> start)
    {
        var running = new List<Process>();
        var ended = new SemaphoreSlim(0); // not disposed: what is killed at the end still tells of its end
        int code = 0;
        try
        {
            for (int rank = 0; rank < count; rank++)
            {
                var process = new Process { StartInfo = start(rank), EnableRaisingEvents = true };
                process.Exited += (_, _) => ended.Release();
                running.Add(process);
                process.Start();
            }
            for (int left = count; left > 0 && code == 0; left--)
            {
                ended.Wait();
                code = running.Where(p => p.HasExited).Select(p => p.ExitCode).FirstOrDefault(c => c != 0);
            }
            // those that lost it say so, if they are quick
            foreach (var process in running) { process.WaitForExit(TimeSpan.FromSeconds(2)); }
            return code;
        }
        finally
        {
            foreach (var process in running)
            {
                try { if (!process.HasExited) { process.Kill(entireProcessTree: true); } }
                catch (InvalidOperationException) { }
                process.Dispose();
            }
        }
    }
}
