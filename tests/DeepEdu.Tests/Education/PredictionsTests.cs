using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using DeepEdu.Education.Data;
using DeepEdu.Education.Report;
using DeepEdu.Metrics;

namespace DeepEdu.Tests.Education;

/// <summary>What a run leaves beside its numbers: what it told of each test case, from which the numbers come out again; and files that are whole.</summary>
[Collection("process settings")]
public sealed class PredictionsTests : FolderTests
{
    [Fact]
    public void NumbersOfTracingComeOutAgain()
    {
        var (metrics, baselines, rows) = Told("trace", "--quick", "--epochs", "2", "--folds", "2");
        Row[][] folds = [.. rows.GroupBy(r => r["fold"]).Select(g => g.ToArray())];
        Assert.Equal(2, folds.Length);
        Assert.All(rows, r => Assert.NotEqual("1", r["answer"])); // the first has none before it
        Assert.Equal(rows.Length, rows.Select(r => (r["learner"], r["answer"])).Distinct().Count());
        Near(metrics, "auc", folds.Average(f => Area(f, "right", "DKT")));
        Near(metrics, "rmse", folds.Average(f => Math.Sqrt(f.Average(r => Math.Pow(r.Value("DKT") - r.Value("right"), 2)))));
        Near(metrics, "log_loss", folds.Average(f => -f.Average(r => Math.Log(r.Value("right") > 0 ? r.Value("DKT") : 1 - r.Value("DKT")))));
        foreach (JsonProperty baseline in baselines.EnumerateObject()) { Near(baseline.Value, "auc", folds.Average(f => Area(f, "right", baseline.Name))); }
    }

    [Fact]
    public void NumbersOfDiagnosisAndBehaviourComeOutAgain()
    {
        var (metrics, baselines, rows) = Told("diagnose", "--quick", "--epochs", "2");
        Near(metrics, "auc", Area(rows, "right", "NeuralCD"));
        Near(baselines.GetProperty("DINA"), "auc", Area(rows, "right", "DINA"));
        (metrics, baselines, rows) = Told("behaviour", "--quick", "--epochs", "2", "--folds", "2");
        Near(metrics, "roc_auc", Area(rows, "left", "GRU"));
        Near(metrics, "brier", rows.Average(r => Math.Pow(r.Value("GRU") - r.Value("left"), 2)));
        Near(baselines.GetProperty("logistic on totals"), "roc_auc", Area(rows, "left", "logistic on totals"));
        Assert.Equal(["1", "2"], rows.Select(r => r["fold"]).Distinct());
    }

    [Fact]
    public void NumbersOfRanksComeOutAgain()
    {
        var (metrics, _, rows) = Told("recommend", "--quick", "--epochs", "1");
        Near(metrics, "hr@10", rows.Average(r => r.Value("rank") <= 10 ? 1.0 : 0));
        Near(metrics, "ndcg@10", rows.Average(r => r.Value("rank") <= 10 ? Math.Log(2) / Math.Log(r.Value("rank") + 1) : 0));
        Near(metrics, "mrr_all", rows.Average(r => 1 / r.Value("rank_all")));
        Assert.All(rows, r => Assert.InRange(r.Value("rank"), 1, r.Value("candidates")));
        (metrics, _, rows) = Told("answer", "--quick", "--epochs", "1");
        Near(metrics, "mrr", rows.Average(r => Enumerable.Range(0, (int)r.Value("tied") + 1).Average(t => 1 / (1 + r.Value("higher") + t))));
    }

    [Fact]
    public void NumbersOfGradesAndOutcomesComeOutAgain()
    {
        var (metrics, _, rows) = Told("grade", "--quick", "--epochs", "1");
        Near(metrics, "accuracy", rows.Average(r => r["truth"] == r["digit"] ? 1.0 : 0));
        Assert.All(rows, r => Assert.Equal(1, Enumerable.Range(0, 10).Sum(k => r.Value($"chance_{k}")), 1e-5));
        Write("student-sim.csv", "school;age;G1;G2;G3\n" + string.Concat(Enumerable.Range(0, 60).Select(i => $"{(i % 3 == 0 ? "a" : "b")};{15 + (i % 5)};{i % 20};{(i + 1) % 20};{(i + 2) % 20}\n")));
        (metrics, _, rows) = Told("multitask", "--quick", "--epochs", "1", "--data", Folder);
        foreach (string suffix in new[] { "", "_b", "_a" }) { Near(metrics, $"rmse_g3{suffix}", Math.Sqrt(rows.Average(r => Math.Pow(r.Value($"g3{suffix}_shared") - r.Value("g3"), 2)))); }
        Assert.All(rows, r => Assert.Equal((r.Value("row") + 1) % 20, r.Value("g3"))); // of the row that it names
    }

    /// <summary>What is promised of a private run is of its model; rows of learners are not.</summary>
    [Fact]
    public void APrivateRunLeavesNoRows()
    {
        Program.Succeeds("trace", "--quick", "--epochs", "1", "--out", Folder);
        Assert.True(File.Exists(Predictions.In(Path.Combine(Folder, "trace"))));
        Program.Succeeds("trace", "--quick", "--epochs", "1", "--out", Folder, "--epsilon", "8", "--noise-seed", "1");
        Assert.False(File.Exists(Predictions.In(Path.Combine(Folder, "trace")))); // nor those of the run before
    }

    /// <summary>Who is reading the file of the run before goes on reading that.</summary>
    [Fact]
    public void ReportAndJsonAreWrittenAsAWhole()
    {
        if (OperatingSystem.IsWindows()) { return; }
        string json = Path.Combine(Folder, "x.json"), report = Path.Combine(Folder, "report.html"), link = Path.Combine(Folder, "link.json");
        foreach (string file in new[] { json, report }) { File.WriteAllText(file, "before"); }
        File.CreateSymbolicLink(link, json);
        using (StreamReader old = File.OpenText(json), page = File.OpenText(report))
        {
            Program.Succeeds("answer", "--quick", "--epochs", "1", "--out", Folder, "--json", link);
            Assert.Equal(("before", "before"), (old.ReadToEnd(), page.ReadToEnd()));
        }
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(json));
        Assert.Equal(json, new FileInfo(link).LinkTarget); // a link stays one
        Assert.StartsWith("<!DOCTYPE html>", File.ReadAllText(report), StringComparison.Ordinal);
        Assert.Equal(["answer", "link.json", "report.html", "x.json"], Directory.EnumerateFileSystemEntries(Folder).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task PipesAndTheOutputAreWrittenToAsTheyAre()
    {
        if (!OperatingSystem.IsLinux()) { return; }
        string told = Program.Succeeds("answer", "--quick", "--epochs", "1", "--out", Folder, "--json", "/dev/stdout");
        using (JsonDocument document = JsonDocument.Parse(told[told.IndexOf('{', StringComparison.Ordinal)..])) { Assert.Equal("answer", document.RootElement.GetProperty("task").GetString()); }
        string pipe = Path.Combine(Folder, "pipe");
        using (Process made = Process.Start("mkfifo", pipe)) { await made.WaitForExitAsync(); }
        Task<string> read = Task.Run(() => File.ReadAllText(pipe)); // until it is closed, once
        Program.Succeeds("answer", "--quick", "--epochs", "1", "--out", Folder, "--json", pipe);
        using JsonDocument through = JsonDocument.Parse(await read);
        Assert.Equal("answer", through.RootElement.GetProperty("task").GetString());
        Program.Succeeds("answer", "--quick", "--epochs", "1", "--out", Folder, "--json", "/dev/null");
        Assert.False(File.Exists("/dev/null.tmp"));
        Assert.Equal(-1, File.OpenRead("/dev/null").ReadByte()); // and is no file now
    }

    private (JsonElement Metrics, JsonElement Baselines, Row[] Rows) Told(string command, params string[] more)
    {
        string run = Path.Combine(Folder, command), json = Path.Combine(run, "x.json");
        Directory.CreateDirectory(run);
        Program.Succeeds([command, .. more, "--out", run, "--json", json]);
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(json));
        JsonElement result = (document.RootElement.ValueKind == JsonValueKind.Array ? document.RootElement[0] : document.RootElement).Clone();
        return (result.GetProperty("metrics"), result.GetProperty("baselines"), [.. TextTable.Rows(Predictions.In(Path.Combine(run, command)), TableFormat.Comma).Select(r => new Row(r))]);
    }

    private static void Near(JsonElement metrics, string name, double again) => Assert.Equal(again, metrics.GetProperty(name).GetDouble(), 1e-6);

    private static double Area(Row[] rows, string truth, string chance) => RocAuc.Of([.. rows.Select(r => r.Value(chance))], [.. rows.Select(r => r.Value(truth) > 0)]);

    private sealed record Row(TableRow Its)
    {
        public string this[string column] => Its.Fields[Array.IndexOf(Its.Header, column)];

        public double Value(string column) => double.Parse(this[column], CultureInfo.InvariantCulture);
    }
}
