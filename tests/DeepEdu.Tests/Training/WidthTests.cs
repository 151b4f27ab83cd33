using System.Diagnostics;
using System.Globalization;
using DeepEdu.Tests.House;

namespace DeepEdu.Tests.Training;

/// <summary>The same training on machines with registers of other widths, which the runtime's switches make of this one: equal to committed numbers within the bound that docs/determinism.md
/// states.</summary>
[Collection("alone")]
public class WidthTests
{
    // sums are added in another order, and 20 steps of AdamW carry the difference on: 3.4e-7 was measured
    private const double Bound = 1e-5;

    [Theory]
    [InlineData("")]
    [InlineData("DOTNET_EnableAVX512")]
    [InlineData("DOTNET_EnableAVX2")]
    [InlineData("DOTNET_EnableHWIntrinsic")]
    public void TrainingIsTheSameWithinTheBoundForEveryWidth(string without)
    {
        double[] expected = [.. File.ReadAllLines(Path.Combine(Repository.Root, "tests/DeepEdu.Tests/Golden/widths.txt")).Select(Number)], actual = Run(without);
        Assert.Equal(expected.Length, actual.Length);
        double worst = expected.Zip(actual, (a, b) => Math.Abs(a - b)).Max();
        Assert.True(worst <= Bound, $"without {without} the largest difference is {worst:E2}");
        Assert.Equal(actual, Run(without)); // and of one width the same bits
    }

    private static double[] Run(string without)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "DeepEdu.Tests.Trainee.dll"), "widths"]) { RedirectStandardOutput = true };
        if (without.Length > 0) { start.Environment[without] = "0"; }
        using var process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Number)];
    }

    private static double Number(string line) => double.Parse(line, CultureInfo.InvariantCulture);
}
