using System.Text.Json;
using System.Xml;
using DeepEdu.Education.Cli;

namespace DeepEdu.Tests.Education;

/// <summary>The program called in process, on generated input.</summary>
[Collection("process settings")]
public sealed class CommandLineTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("deepedu").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void WithoutArgumentsAllTasksRunAndReport()
    {
        string json = Path.Combine(_folder, "all.json");
        var (code, output, error) = Call("--quick", "--out", _folder, "--json", json);
        Assert.Equal("", error);
        Assert.Equal(0, code);
        Assert.Contains("report:", output, StringComparison.Ordinal);
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(json));
        Assert.Equal(JsonValueKind.Array, document.RootElement.ValueKind);
        Assert.Superset(new HashSet<string> { "recommend", "grade", "multitask" }, document.RootElement.EnumerateArray().Select(r => r.GetProperty("task").GetString()!).ToHashSet());
        foreach (JsonElement run in document.RootElement.EnumerateArray())
        {
            Assert.Equal(["task", "model", "data", "metrics", "baselines", "epochs", "seconds", "seed"], run.EnumerateObject().Select(p => p.Name));
            Assert.NotEmpty(run.GetProperty("metrics").EnumerateObject());
            Assert.NotEmpty(run.GetProperty("baselines").EnumerateObject());
        }
        XmlDocument report = new();
        report.LoadXml(File.ReadAllText(Path.Combine(_folder, "report.html")).Replace("<!DOCTYPE html>", "", StringComparison.Ordinal));
        Assert.NotEmpty(report.GetElementsByTagName("svg").Cast<XmlNode>());
        Assert.Empty(report.GetElementsByTagName("script").Cast<XmlNode>());
    }

    [Fact]
    public void OneTaskWritesOneObjectWithTheNamedMetrics()
    {
        string json = Path.Combine(_folder, "one.json");
        Assert.Equal(0, Call("recommend", "--quick", "--seed", "7", "--out", _folder, "--json", json).Code);
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(json));
        JsonElement metrics = document.RootElement.GetProperty("metrics");
        Assert.InRange(metrics.GetProperty("hr@10").GetDouble(), 0, 1);
        Assert.InRange(metrics.GetProperty("ndcg@10").GetDouble(), 0, 1);
        Assert.Equal(7, document.RootElement.GetProperty("seed").GetInt32());
    }

    [Theory]
    [InlineData("Cannot parse argument 'x'", "grade", "--epochs", "x")]
    [InlineData("--epochs must be at least 1", "grade", "--epochs", "0")]
    [InlineData("--threads must be at least 1", "recommend", "--threads", "-2")]
    [InlineData("no such folder", "recommend", "--data", "/nowhere/at/all")]
    [InlineData("--data needs a command", "--data", "/nowhere/at/all")]
    [InlineData("frobnicate", "frobnicate")]
    public void WrongInputIsOneLineAndExitCodeTwo(string expected, params string[] args)
    {
        var (code, _, error) = Call([.. args, "--out", _folder]);
        Assert.Equal(2, code);
        Assert.Contains(expected, error, StringComparison.Ordinal);
        Assert.Single(error.TrimEnd().Split('\n'));
    }

    [Fact]
    public void AFolderOfOtherThingsIsNamed()
    {
        foreach (string task in new[] { "recommend", "grade", "multitask" })
        {
            string empty = Directory.CreateDirectory(Path.Combine(_folder, "empty")).FullName;
            var (code, _, error) = Call(task, "--data", empty, "--out", _folder);
            Assert.Equal(2, code);
            Assert.Contains(empty, error, StringComparison.Ordinal);
            Assert.Contains("in this folder", error, StringComparison.Ordinal);
        }
    }

    private static (int Code, string Output, string Error) Call(params string[] args)
    {
        using StringWriter output = new(), error = new();
        int code = App.Run(args, output, error);
        return (code, output.ToString(), error.ToString());
    }
}
