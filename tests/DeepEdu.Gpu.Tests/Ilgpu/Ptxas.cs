using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace DeepEdu.Gpu.Tests;

/// <summary>CUDA's assembler, where it is installed: what the driver of a GPU would make of PTX, registers and all. The environment variable DEEPEDU_PTXAS names it, if it is not on the path.</summary>
internal static partial class Ptxas
{
    private static readonly Lazy<string?> s_path = new(Find);

    /// <summary>Why nothing can be assembled; null if it can.</summary>
    public static string? Missing => s_path.Value is null ? "no ptxas; put CUDA's on the path or name it in DEEPEDU_PTXAS to assemble the kernels" : null;

    /// <summary>Assembles for an architecture such as sm_90.</summary>
    public static Assembled Run(string ptx, string architecture)
    {
        string file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, ptx);
            ProcessStartInfo start = new(s_path.Value!) { RedirectStandardError = true, RedirectStandardOutput = true };
            foreach (string a in (string[])["-v", "-arch", architecture, "-o", file + ".cubin", file]) { start.ArgumentList.Add(a); }
            using var process = Process.Start(start)!;
            var errors = process.StandardError.ReadToEndAsync();
            string said = process.StandardOutput.ReadToEnd() + errors.Result;
            process.WaitForExit();
            return new(process.ExitCode, said, Number(Registers(), said), Number(Shared(), said), Number(Frame(), said) + Number(Stores(), said) + Number(Loads(), said));
        }
        finally
        {
            File.Delete(file);
            File.Delete(file + ".cubin");
        }
    }

    private static string? Find()
    {
        string[] folders = [.. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)];
        string[] names = [Environment.GetEnvironmentVariable("DEEPEDU_PTXAS") ?? "", .. folders.Select(f => Path.Combine(f, OperatingSystem.IsWindows() ? "ptxas.exe" : "ptxas"))];
        return names.FirstOrDefault(File.Exists);
    }

    private static int Number(Regex where, string said) => where.Match(said) is { Success: true } m ? int.Parse(m.Groups[1].ValueSpan, CultureInfo.InvariantCulture) : 0;

    [GeneratedRegex(@"Used (\d+) registers")]
    private static partial Regex Registers();

    [GeneratedRegex(@"(\d+) bytes smem")]
    private static partial Regex Shared();

    [GeneratedRegex(@"(\d+) bytes stack frame")]
    private static partial Regex Frame();

    [GeneratedRegex(@"(\d+) bytes spill stores")]
    private static partial Regex Stores();

    [GeneratedRegex(@"(\d+) bytes spill loads")]
    private static partial Regex Loads();

    /// <summary>What the assembler said of a kernel.</summary>
    /// <param name="ExitCode">0 if it was assembled.</param>
    /// <param name="Said">Everything.</param>
    /// <param name="Registers">Of a thread.</param>
    /// <param name="SharedBytes">Of a group.</param>
    /// <param name="LocalBytes">Stack frame and spilled registers.</param>
    internal sealed record Assembled(int ExitCode, string Said, int Registers, int SharedBytes, int LocalBytes);
}

/// <summary>Skipped where CUDA's assembler is not installed.</summary>
internal sealed class PtxasFactAttribute : FactAttribute
{
    public PtxasFactAttribute() => Skip = Ptxas.Missing;
}

/// <inheritdoc cref="PtxasFactAttribute"/>
internal sealed class PtxasTheoryAttribute : TheoryAttribute
{
    public PtxasTheoryAttribute() => Skip = Ptxas.Missing;
}

/// <summary>Skipped where CUDA's assembler is not installed, or there is no emulated driver.</summary>
internal sealed class PtxasEmulatedFactAttribute : FactAttribute
{
    public PtxasEmulatedFactAttribute() => Skip = Ptxas.Missing ?? Cuda.EmulatedDriver.Missing;
}
