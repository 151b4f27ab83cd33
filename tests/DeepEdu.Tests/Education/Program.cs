using System.Text;
using DeepEdu.Devices;
using DeepEdu.Education.Cli;
using DeepEdu.Education.Data;
using DeepEdu.Education.Report;
using DeepEdu.Education.Tasks;
using DeepEdu.Education.Ui;

namespace DeepEdu.Tests.Education;

/// <summary>The program as it is typed, in process.</summary>
internal static class Program
{
    /// <summary>What it writes when all is well.</summary>
    public static string Succeeds(params string[] args)
    {
        using StringWriter output = new(), error = new();
        Assert.Equal((0, ""), (App.Run(args, output, error), error.ToString()));
        return output.ToString();
    }

    /// <summary>It ends with exit code 2 and one line that holds the text.</summary>
    public static void Fails(string expected, params string[] args)
    {
        using StringWriter output = new(), error = new();
        Assert.Equal(2, App.Run(args, output, error));
        Assert.Contains(expected, Assert.Single(error.ToString().TrimEnd().Split('\n')), StringComparison.Ordinal);
    }

    /// <summary>What a task tells on so many threads.</summary>
    public static RunResult Run(IEducationTask task, RunOptions options, int threads, IProgress? progress = null)
    {
        int before = DeepEduOptions.MaxThreads;
        try
        {
            DeepEduOptions.MaxThreads = threads;
            return Assert.Single(task.Run(options, progress ?? new NoProgress(), default));
        }
        finally { DeepEduOptions.MaxThreads = before; }
    }

    /// <summary>The header and rows that a saved model tells.</summary>
    public static string[][] Predict(string model, string rows, params string[] more)
        => [.. TextTable.Rows("result", new StreamReader(new MemoryStream(Encoding.UTF8.GetBytes(Succeeds(["predict", "--model", model, "--in", rows, .. more])))), TableFormat.Comma with { Header = false }).Select(r => r.Fields)];
}

/// <summary>Shows nothing.</summary>
internal sealed class NoProgress : IProgress
{
    public void Step(string phase, int step, int steps) { }

    public void Line(string text) { }
}
