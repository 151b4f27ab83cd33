using System.Text;
using System.Text.Json;
using System.Xml;
using DeepEdu.Education.Cli;
using DeepEdu.Education.Report;
using DeepEdu.Education.Tasks;

namespace DeepEdu.Tests.Education;

/// <summary>The program called in process, on generated input.</summary>
[Collection("process settings")]
public sealed class CommandLineTests : FolderTests
{
    [Fact]
    public void WithoutArgumentsAllTasksRunAndReport()
    {
        string json = Path.Combine(Folder, "all.json");
        var (code, output, error) = Call("--quick", "--out", Folder, "--json", json);
        Assert.Equal("", error);
        Assert.Equal(0, code);
        Assert.Contains("report:", output, StringComparison.Ordinal);
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(json));
        Assert.Equal(JsonValueKind.Array, document.RootElement.ValueKind);
        Assert.Superset(new HashSet<string> { "recommend", "grade", "multitask", "trace", "diagnose", "behaviour", "generate", "answer" }, document.RootElement.EnumerateArray().Select(r => r.GetProperty("task").GetString()!).ToHashSet());
        foreach (JsonElement run in document.RootElement.EnumerateArray())
        {
            Assert.Equal(["task", "model", "data", "metrics", "baselines", "epochs", "seconds", "seed"], run.EnumerateObject().Select(p => p.Name));
            Assert.NotEmpty(run.GetProperty("metrics").EnumerateObject());
            Assert.NotEmpty(run.GetProperty("baselines").EnumerateObject());
        }
        // what --assert takes for a metric's name before a run is what there is after it
        Dictionary<string, string[]> measures = new IEducationTask[] { new RecommendTask(), new GradeTask(), new TraceTask(), new DiagnoseTask(), new BehaviourTask(), new GenerateTask(), new AnswerTask() }
            .SelectMany(t => t.Measures(new() { Quick = true })!).ToDictionary(m => m.Task, m => m.Metrics);
        Assert.All(document.RootElement.EnumerateArray().Where(r => r.GetProperty("task").GetString() != "multitask"), r => Assert.Subset(measures[r.GetProperty("task").GetString()!].ToHashSet(), r.GetProperty("metrics").EnumerateObject().Select(m => m.Name).ToHashSet()));
        XmlDocument report = new();
        report.LoadXml(File.ReadAllText(Path.Combine(Folder, "report.html")).Replace("<!DOCTYPE html>", "", StringComparison.Ordinal));
        Assert.NotEmpty(report.GetElementsByTagName("svg").Cast<XmlNode>());
        Assert.Empty(report.GetElementsByTagName("script").Cast<XmlNode>());
    }

    /// <summary>Numbers of a run that was stopped are not to be taken for those of a whole one.</summary>
    [Fact]
    public void AnInterruptedRunSaysSoInItsFiles()
    {
        RunResult whole = new("grade", "CNN", "digits"), stopped = whole with { Interrupted = true };
        Assert.Contains("\"interrupted\": true", Encoding.UTF8.GetString(JsonReport.Render([stopped])), StringComparison.Ordinal);
        Assert.Contains("interrupted before its end", HtmlReport.Render([stopped], ""), StringComparison.Ordinal);
        Assert.DoesNotContain("interrupted", Encoding.UTF8.GetString(JsonReport.Render([whole])) + HtmlReport.Render([whole], ""), StringComparison.Ordinal);
    }

    [Fact]
    public void OneTaskWritesOneObjectWithTheNamedMetrics()
    {
        string json = Path.Combine(Folder, "one.json");
        Assert.Equal(0, Call("recommend", "--quick", "--seed", "7", "--out", Folder, "--json", json).Code);
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
    [InlineData("Must be one of:  'cpu'  'gpu'  'auto'", "recommend", "--device", "tpu")]
    [InlineData("no such folder", "recommend", "--data", "/nowhere/at/all")]
    [InlineData("--json needs a name", "recommend", "--json", "")]
    [InlineData("--data needs a name", "recommend", "--data", "")]
    [InlineData("--data needs a command", "--data", "/nowhere/at/all")]
    [InlineData("--lr 0,01: is no number; it is written with a point", "grade", "--lr", "0,01")] // which would be 1
    [InlineData("--wave2 0,5: is no number", "trace", "--wave2", "0,5")]
    [InlineData("--epsilon 1,5: is no number", "trace", "--epsilon", "1,5")]
    [InlineData("--temperature 0,8: is no number", "predict", "--model", "m", "--in", "f", "--temperature", "0,8")]
    [InlineData("--assert auc>=0,75: is not like", "trace", "--assert", "auc>=0,75")]
    [InlineData("--assert auc>=NaN: is not like", "trace", "--assert", "auc>=NaN")]
    [InlineData("frobnicate", "frobnicate")]
    public void WrongInputIsOneLineAndExitCodeTwo(string expected, params string[] args)
    {
        var (code, _, error) = Call([.. args, "--out", Folder]);
        Assert.Equal(2, code);
        Assert.Contains(expected, error, StringComparison.Ordinal);
        Assert.Single(error.TrimEnd().Split('\n'));
    }

    /// <summary>Before anything is trained, so nothing is lost.</summary>
    [Fact]
    public void WhatCannotBeWrittenIsSaidFirst()
    {
        string file = Path.Combine(Folder, "file"), report = Path.Combine(Folder, "report.html");
        File.WriteAllText(file, "");
        foreach (string[] args in (string[][])[["--out", file], ["--out", Folder, "--json", Folder], ["--out", Folder, "--json", Path.Combine(Folder, "none", "x.json")]])
        {
            var (code, output, error) = Call(["grade", "--quick", .. args]);
            Assert.Equal((2, ""), (code, output));
            Assert.Single(error.TrimEnd().Split('\n'));
            Assert.False(File.Exists(report));
        }
    }

    /// <summary>A file that was cut off reads well up to there: its rows are fewer, and nothing else tells.</summary>
    [Theory]
    [InlineData(8)]
    [InlineData(40)]
    public void APackedTableThatWasCutOffIsRefused(int missing)
    {
        using MemoryStream packed = new();
        using (System.IO.Compression.GZipStream gzip = new(packed, System.IO.Compression.CompressionLevel.Optimal, leaveOpen: true)) { gzip.Write(Encoding.UTF8.GetBytes("user,item,correct\n" + string.Concat(Enumerable.Range(0, 300).Select(i => $"u{i % 9},t{i * 7919 % 101},1\n")))); }
        string path = Path.Combine(Folder, "a.csv.gz");
        File.WriteAllBytes(path, packed.ToArray());
        Assert.Equal(0, Call("data", "--data", path).Code);
        File.WriteAllBytes(path, packed.ToArray()[..^missing]);
        var (code, _, error) = Call("data", "--data", path);
        Assert.Equal((2, $"{path}: not a gzip file, or a broken one."), (code, error.Trim()));
    }

    [Fact]
    public void AFieldOfAnyLengthIsQuotedInShort()
    {
        string path = Path.Combine(Folder, "long.csv");
        File.WriteAllText(path, $"user,item,correct\nu,t,{new string('x', 100_000)}\n");
        var (code, _, error) = Call("data", "--data", path);
        Assert.Equal(2, code);
        Assert.InRange(error.Length, 100, 1200);
        Assert.EndsWith("x' is not a number.", error.Trim(), StringComparison.Ordinal);
    }

    [Fact]
    public void ATimeThatIsNoNumberIsNamed()
    {
        File.WriteAllText(Path.Combine(Folder, "x.inter"), "user_id:token\titem_id:token\ttimestamp:float\nu\ti\t1\nu\tj\tNaN\n");
        Assert.Contains("x.inter, line 3: timestamp 'NaN' is not a number", Call("recommend", "--quick", "--data", Folder, "--out", Folder).Error, StringComparison.Ordinal);
    }

    [Fact]
    public void TooFewRowsAreNamed()
    {
        File.WriteAllText(Path.Combine(Folder, "x.train.rating"), "0\t1\n1\t2\n");
        File.WriteAllText(Path.Combine(Folder, "x.test.rating"), "0\t2\n");
        File.WriteAllText(Path.Combine(Folder, "x.test.negative"), "(0,2)\t3\n");
        Assert.Contains("no user took two items", Call("recommend", "--quick", "--data", Folder, "--out", Folder).Error, StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(Folder, "student-x.csv"), "G1;G2;G3;age\n1;2;3;15\n2;3;4;16\n");
        Assert.Contains("2 learners are too few for 10 folds", Call("multitask", "--quick", "--data", Folder, "--out", Folder).Error, StringComparison.Ordinal);
    }

    [Fact]
    public void NumbersThatAreNamesAreNamed()
    {
        File.WriteAllText(Path.Combine(Folder, "x.train.rating"), "0\t1\n2000000000\t2\n");
        File.WriteAllText(Path.Combine(Folder, "x.test.rating"), "0\t2\n");
        File.WriteAllText(Path.Combine(Folder, "x.test.negative"), "(0,2)\t3\n");
        var (code, _, error) = Call("recommend", "--quick", "--data", Folder, "--out", Folder);
        Assert.Equal(2, code);
        Assert.Contains("there are 2000000001 users, but there are 3 rows", error, StringComparison.Ordinal);
    }

    [Fact]
    public void ALetterOfLatin1FarIntoTheFileIsRead()
    {
        string path = Path.Combine(Folder, "long.csv");
        File.WriteAllText(path, "user,item,correct\n" + string.Concat(Enumerable.Range(0, 20_000).Select(i => $"u{i},t,1\n")) + "Jos\u00e9,t,0\n?,t,1\nu,t,\n", System.Text.Encoding.Latin1);
        string[] lines = Lines(Call("data", "--data", path).Output);
        Assert.Equal("long: 20001 learners, 20001 answers, 1 items, 0 skills", lines[1]);
        Assert.Equal("2 rows without a learner or an answer are passed over", lines[^1]);
    }

    [Fact]
    public void AFolderOfOtherThingsIsNamed()
    {
        foreach (string task in new[] { "recommend", "grade", "multitask" })
        {
            string empty = Directory.CreateDirectory(Path.Combine(Folder, "empty")).FullName;
            var (code, _, error) = Call(task, "--data", empty, "--out", Folder);
            Assert.Equal(2, code);
            Assert.Contains(empty, error, StringComparison.Ordinal);
            Assert.Contains("in this folder", error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void DataAreDescribedWithMappedColumns()
    {
        string path = Path.Combine(Folder, "own.csv");
        File.WriteAllText(path, "pupil;task;right;note\np1;t1;yes;\u00e9\np1;t2;no;\np2;t1;yes;\n", System.Text.Encoding.Latin1);
        var (code, output, error) = Call("data", "--data", path, "--columns", "user=pupil,item=task,correct=right", "--encoding", "latin1");
        Assert.Equal((0, ""), (code, error));
        Assert.Equal(["format: long", "own: 2 learners, 3 answers, 2 items, 0 skills", "right: 66.7 %; answers a learner: 1..2, median 2", "times: 0.0 %, durations: 0.0 %, several skills: 0.0 %"], Lines(output));
        Assert.Equal(["format: table", "own: 3 rows, 4 columns", "  pupil: 2 names", "  task: 2 names", "  right: 2 names", "  note: 1 names, 2 missing"], Lines(Call("data", "--data", path).Output));
        Assert.Contains("no column 'taks' for item", Call("data", "--data", path, "--columns", "user=pupil,item=taks,correct=right").Error, StringComparison.Ordinal);
        Assert.Contains("take utf-8", Call("data", "--data", path, "--encoding", "x").Error, StringComparison.Ordinal);
        Assert.Contains("take one of long", Call("data", "--data", path, "--format", "x").Error, StringComparison.Ordinal);
        Assert.Equal(2, Call("data").Code);

        string sequences = Path.Combine(Folder, "kt.csv");
        File.WriteAllText(sequences, "2\n5,6\n1,0\n");
        Assert.Equal("format: tracing", Lines(Call("data", "--data", sequences).Output)[0]);
        string atomic = Path.Combine(Folder, "x.inter");
        File.WriteAllText(atomic, "user_id:token\titem_id:token\nu\ti\nu\tj\n");
        Assert.Equal(["format: atomic", "  user_id: token, 1 names", "  item_id: token, 2 names"], Lines(Call("data", "--data", atomic).Output));
        Assert.Equal(["format: atomic", $"x: 1 users, 2 items, 1 training interactions, 1 held out", "of all pairs taken: 50.00 %", "x.inter has no column timestamp:float: the last line of a user is taken for its last item, and held out"], Lines(Call("data", "--data", Folder).Output));
    }

    [Fact]
    public void WithoutAGpuTheErrorSaysWhatWasLookedFor()
    {
        if (Gpu.GpuDevice.All().Count > 0) { return; }
        var (code, _, error) = Call("multitask", "--quick", "--device", "gpu", "--out", Folder);
        Assert.Equal(2, code);
        Assert.StartsWith("gpu: ", Assert.Single(Lines(error)), StringComparison.Ordinal);
        Assert.Contains(Gpu.GpuDevice.IsBuilt ? "no usable accelerator" : "EnableIlgpu=true", error, StringComparison.Ordinal);
        Assert.Equal(0, Call("multitask", "--quick", "--epochs", "1", "--device", "auto", "--out", Folder).Code);
    }

    private static string[] Lines(string text) => text.TrimEnd().ReplaceLineEndings("\n").Split('\n');

    private static (int Code, string Output, string Error) Call(params string[] args)
    {
        using StringWriter output = new(), error = new();
        int code = App.Run(args, output, error);
        return (code, output.ToString(), error.ToString());
    }
}
