using System.Text.Json;
using System.Xml;
using DeepEdu.Education.Cli;
using DeepEdu.Education.Data;
using DeepEdu.Education.Data.Simulated;
using DeepEdu.Education.Report;
using DeepEdu.Education.Saved;
using DeepEdu.Education.Search;
using DeepEdu.Education.Tasks;

namespace DeepEdu.Tests.Education;

/// <summary>Searches of settings by validation data.</summary>
[Collection("process settings")]
public sealed class SearchTests : FolderTests
{
    private static readonly string[] s_halving = ["answer", "--quick", "--search", "9", "--over", "lr=1e-4..1e-1:log", "hidden=8..32", "dropout=0,0.2", "--by", "halving"];

    /// <summary>Every option that can be searched changes what is trained, and a trial that stops and goes on is one that did not stop.</summary>
    [Theory]
    [InlineData("recommend")]
    [InlineData("recommend-attention")]
    [InlineData("digits")]
    [InlineData("essays")]
    [InlineData("grades")]
    [InlineData("trace")]
    [InlineData("trace-memory")]
    [InlineData("trace-attention")]
    [InlineData("diagnose")]
    [InlineData("behaviour")]
    [InlineData("generate")]
    [InlineData("answer")]
    public void TrialsLookAtTheirOptionsAndGoOn(string what)
    {
        var (task, options) = Of(what);
        Trials trials = task.Trials(options, new NoProgress());
        int trial = 0;
        Tried Learn(RunOptions its, string? folder = null)
        {
            its = its with { Out = Path.Combine(Folder, folder ?? $"trial-{++trial}"), Resume = its.Resume };
            return trials.Learn(its, RunFolder.Open(its, task.Name, trials.Print), new NoProgress(), default);
        }

        Tried whole = Learn(options);
        Assert.True(double.IsFinite(whole.Value));
        Assert.Equal(options.Epochs, whole.Epochs);
        Dictionary<string, string> others = new() { ["lr"] = "0.02", ["batch"] = "24", ["hidden"] = "20", ["factors"] = "4", ["dropout"] = "0.35", ["weight-decay"] = "30", ["reconstruct"] = "2", ["wave1"] = "2", ["wave2"] = "9", ["loss"] = "bce" };
        foreach (string name in task.Tunes(options))
        {
            SearchSetting setting = SearchSetting.All.Single(s => s.Name == name);
            Assert.True(setting.Holds(others[name]));
            Assert.True(Learn(setting.With(options, others[name])).Value != whole.Value, $"{name} changed nothing");
        }
        if (trials.NotHalved is not null) { return; }
        Assert.Equal(1, Learn(options with { Until = 1 }, "parts").Epochs);
        Assert.Equal(whole, Learn(options with { Until = trials.Epochs, Resume = true }, "parts"));
    }

    [Fact]
    public void TheRunIsThatOfTheBestTrialAndIsTold()
    {
        string json = Path.Combine(Folder, "found.json"), plain = Path.Combine(Folder, "plain.json"), output = Program.Succeeds([.. s_halving, "--out", Folder, "--json", json]);
        using JsonDocument found = JsonDocument.Parse(File.ReadAllBytes(json));
        JsonElement search = found.RootElement.GetProperty("search");
        JsonElement[] trials = [.. search.GetProperty("trials").EnumerateArray()];
        Assert.Equal(9, trials.Length);
        Assert.Equal([6, 3], trials.CountBy(t => t.GetProperty("until").GetInt32()).OrderBy(g => g.Key).Select(g => g.Value));
        JsonElement best = trials.MaxBy(t => t.GetProperty("value").GetDouble());
        Assert.Equal(best.GetProperty("trial").GetInt32(), search.GetProperty("best").GetInt32());
        string[] typed = [.. best.GetProperty("options").EnumerateObject().SelectMany(o => (string[])[$"--{o.Name}", o.Value.GetRawText()])];
        Assert.Contains($"the best is trial {search.GetProperty("best")}: {string.Join(' ', typed)}", output, StringComparison.Ordinal);
        Program.Succeeds(["answer", "--quick", .. typed, "--out", Path.Combine(Folder, "plain"), "--json", plain]);
        using JsonDocument alone = JsonDocument.Parse(File.ReadAllBytes(plain));
        Assert.Equal(alone.RootElement.GetProperty("metrics").GetRawText(), found.RootElement.GetProperty("metrics").GetRawText());
        Assert.Empty(Directory.GetDirectories(Path.Combine(Folder, "search"))); // trainings of trials are gone
        string rows = Write("asked.csv", "question\nwhen does it begin\n");
        Assert.Equal(11, Program.Predict(Path.Combine(Folder, "answer"), rows).Length);

        XmlDocument report = new();
        report.LoadXml(File.ReadAllText(Path.Combine(Folder, "report.html")).Replace("<!DOCTYPE html>", "", StringComparison.Ordinal));
        foreach (string name in new[] { "lr", "hidden", "dropout" }) { Assert.Contains(report.GetElementsByTagName("text").Cast<XmlNode>(), t => t.InnerText == $"val_mrr by {name}"); }
        Assert.Contains(report.GetElementsByTagName("p").Cast<XmlNode>(), p => p.InnerText.Contains("No trial looked at the test part", StringComparison.Ordinal));

        // the same again is the same, and a finished search gives way
        Program.Succeeds([.. s_halving, "--out", Folder, "--json", plain]);
        using JsonDocument again = JsonDocument.Parse(File.ReadAllBytes(plain));
        Assert.Equal(search.GetRawText(), again.RootElement.GetProperty("search").GetRawText());
    }

    [Theory]
    [InlineData("halving", "trial 3/9, epoch 2", "trial 8/9, ", "trial 2/9, epoch 4")]
    [InlineData("hyperband", "trial 4/9, epoch 1", "epoch 3")]
    [InlineData("random", "trial  2/9", "trial 9/9, epoch 2", "epoch 1/4")]
    public void AnInterruptedSearchEndsAsOneThatWasNot(string by, params string[] stops)
    {
        AnswerTask task = new();
        RunOptions options = new() { Quick = true, Search = SearchAsked.Parse(9, ["lr=1e-4..1e-1:log", "hidden=8..32"], by) };
        RunResult whole = Assert.Single(SearchRun.Run(task, options with { Out = Path.Combine(Folder, "whole") }, new NoProgress(), default));
        options = options with { Out = Path.Combine(Folder, "parts") };
        foreach (string stop in stops)
        {
            using Stopper stopper = new(stop);
            SearchRun.Run(task, options, stopper, stopper.Token);
            Assert.True(stopper.Token.IsCancellationRequested, "it ended before it was stopped");
            Assert.Contains("add --resume", Assert.Throws<DataException>(() => SearchRun.Run(task, options with { Resume = false }, new NoProgress(), default)).Message, StringComparison.Ordinal);
            options = options with { Resume = true };
        }
        RunResult parts = Assert.Single(SearchRun.Run(task, options, new NoProgress(), default));
        Assert.Equal(whole.Metrics, parts.Metrics);
        Assert.Equal(whole.Search!.Trials.Select(t => (t.Typed, t.Until, t.Value)), parts.Search!.Trials.Select(t => (t.Typed, t.Until, t.Value)));
        Assert.Equal(whole.Search.Best!.Number, parts.Search.Best!.Number);
        Assert.Equal(File.ReadAllBytes(Path.Combine(Folder, "whole", "answer", "model.ckpt")), File.ReadAllBytes(Path.Combine(Folder, "parts", "answer", "model.ckpt")));
    }

    [Fact]
    public void AnInterruptedSearchTellsWhatIsDone()
    {
        using Stopper stopper = new("trial 3/4, epoch 1");
        RunResult told = Assert.Single(SearchRun.Run(new AnswerTask(), new() { Quick = true, Search = SearchAsked.Parse(4, ["lr=1e-3,1e-2,2e-2,3e-2"], "random") }, stopper, stopper.Token));
        Assert.True(told.Interrupted);
        Assert.Empty(told.Metrics);
        Assert.Equal(2, told.Search!.Trials.Count);
        Assert.Contains("2 of 4 trials", told.Search.Text, StringComparison.Ordinal);
        Assert.Contains("2 of 4 trials", HtmlReport.Render([told], ""), StringComparison.Ordinal);
    }

    [Fact]
    public void EachSeedSearchesForItself()
    {
        string json = Path.Combine(Folder, "all.json");
        string[] command = ["answer", "--quick", "--search", "2", "--over", "lr=1e-3..3e-2:log", "--seeds", "2", "--out", Folder, "--json", json];
        Program.Succeeds(command);
        using JsonDocument all = JsonDocument.Parse(File.ReadAllBytes(json));
        string[] tried = [.. all.RootElement.GetProperty("runs").EnumerateArray().Select(r => r.GetProperty("search").GetProperty("trials").GetRawText())];
        Assert.Equal(2, tried.Distinct().Count());
        Assert.True(File.Exists(Path.Combine(Folder, "seed-2", "search", "trials.ckpt")));
        Program.Succeeds([.. command, "--resume"]);
    }

    /// <summary>A rate at which losses are not finite is ruled out, not the end of the search.</summary>
    [Fact]
    public void TrialsThatFailAreTold()
    {
        string[] diverging = ["recommend", "--quick", "--search", "2", "--over", "lr=1e38,1e-3", "--out", Folder];
        Assert.Contains("no ndcg@10", Program.Succeeds(diverging), StringComparison.Ordinal);
        Program.Fails("none of 2 trials has a ndcg@10", "recommend", "--quick", "--search", "2", "--over", "lr=1e38,2e38", "--out", Folder);
    }

    [Fact]
    public void FoldsThatWereLookedAtAreSaid()
    {
        string json = Path.Combine(Folder, "folds.json");
        string[] command = ["behaviour", "--quick", "--epochs", "1", "--search", "2", "--over", "hidden=4,8", "--out", Folder, "--json", json];
        Program.Succeeds(command);
        Assert.DoesNotContain("slightly optimistic", File.ReadAllText(Path.Combine(Folder, "report.html")), StringComparison.Ordinal);
        Program.Succeeds([.. command, "--folds", "2"]);
        Assert.Contains("slightly optimistic", File.ReadAllText(Path.Combine(Folder, "report.html")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("give --over too", "recommend", "--search", "3")]
    [InlineData("give --search N too", "recommend", "--over", "lr=1e-3,1e-2")]
    [InlineData("give --search N too", "recommend", "--by", "halving")]
    [InlineData("--search must be at least 1", "recommend", "--search", "0", "--over", "lr=1e-3,1e-2")]
    [InlineData("no option rate can be searched", "recommend", "--search", "3", "--over", "lr=1e-3,1e-2 rate=1..2")] // in one pair of quotes
    [InlineData("no option rate can be searched; there are lr, batch", "recommend", "--search", "3", "--over", "rate=1..2")]
    [InlineData("hidden cannot be searched; recommend, as it is run here, has lr, batch, factors, weight-decay", "recommend", "--search", "3", "--over", "hidden=1..2")]
    [InlineData("the range is empty", "recommend", "--search", "3", "--over", "lr=2..1")]
    [InlineData("the range is empty", "recommend", "--search", "3", "--over", "batch=8..8")]
    [InlineData("0 has no logarithm", "behaviour", "--search", "3", "--over", "weight-decay=0..1:log")]
    [InlineData("'0' is none of the values of lr", "recommend", "--search", "3", "--over", "lr=0..1")]
    [InlineData("'1.5' is none of the values of batch, which are whole numbers", "recommend", "--search", "3", "--over", "batch=1.5..8")]
    [InlineData("'1' is none of the values of dropout", "trace", "--search", "3", "--over", "dropout=0..1")]
    [InlineData("one value is no search; give several, or --lr 0.1", "recommend", "--search", "3", "--over", "lr=0.1")]
    [InlineData("a value stands twice", "recommend", "--search", "3", "--over", "lr=0.1,0.1")]
    [InlineData("lr stands in --over twice", "recommend", "--search", "3", "--over", "lr=0.1,0.2", "lr=0.1..1")]
    [InlineData("is not like NAME=LOW..HIGH", "recommend", "--search", "3", "--over", "lr")]
    [InlineData("--lr is given too", "recommend", "--search", "3", "--over", "lr=0.1,0.2", "--lr", "1")]
    [InlineData("each private trial gives away --epsilon", "trace", "--search", "3", "--over", "lr=0.1,0.2", "--epsilon", "3")]
    [InlineData("each is several small trainings", "multitask", "--search", "3", "--over", "lr=0.1,0.2", "--by", "halving", "--data", "@")]
    [InlineData("give --data", "multitask", "--search", "3", "--over", "lr=0.1,0.2")]
    [InlineData("SAKT has 5 heads; give a multiple of 5", "trace", "--network", "attention", "--hidden", "12", "--quick")]
    [InlineData("--dropout: there is nothing that it could change", "trace", "--network", "memory", "--dropout", "0.1")]
    [InlineData("--weight-decay: there is nothing", "recommend", "--network", "gru", "--weight-decay", "0.1")]
    [InlineData("--hidden: there is nothing", "grade", "--hidden", "12")]
    [InlineData("--folds is of essays", "grade", "--folds", "1")]
    [InlineData("--dropout must be from 0 to below 1", "trace", "--dropout", "1")]
    [InlineData("--lr must be above 0", "trace", "--lr", "0")]
    public void WhatCannotBeSearchedIsSaid(string expected, params string[] command)
    {
        if (command[^1] == "@")
        {
            WriteStudents();
            command[^1] = Folder;
        }
        Program.Fails(expected, [.. command, "--out", Path.Combine(Folder, "out")]);
    }

    [Fact]
    public void OnlyTheSameSearchIsGoneOnWith()
    {
        Program.Fails("no such folder", [.. s_halving, "--out", Path.Combine(Folder, "none"), "--resume"]);
        Program.Fails("no search in this folder", [.. s_halving, "--out", Folder, "--resume"]);
        AnswerTask task = new();
        RunOptions options = new() { Quick = true, Out = Folder, Search = SearchAsked.Parse(4, ["lr=1e-3,1e-2,2e-2,3e-2"], "random") };
        using Stopper stopper = new("trial 3/4, epoch 1");
        SearchRun.Run(task, options, stopper, stopper.Token);
        Program.Fails("give --search, --over and --by as then", "answer", "--quick", "--out", Folder, "--resume");
        Program.Fails("--search 4 there and 5 here", "answer", "--quick", "--search", "5", "--over", "lr=1e-3,1e-2,2e-2,3e-2", "--out", Folder, "--resume");
        Program.Fails("--over lr=1e-3,1e-2,2e-2,3e-2 there", "answer", "--quick", "--search", "4", "--over", "lr=1e-3,1e-2", "--out", Folder, "--resume");
        Program.Fails("--by random there", "answer", "--quick", "--search", "4", "--over", "lr=1e-3,1e-2,2e-2,3e-2", "--by", "halving", "--out", Folder, "--resume");
        Program.Fails("--batch default there", "answer", "--quick", "--batch", "8", "--search", "4", "--over", "lr=1e-3,1e-2,2e-2,3e-2", "--out", Folder, "--resume");
        Assert.Contains("taken up after 2 of 4 trials", Program.Succeeds("answer", "--quick", "--search", "4", "--over", "lr=1e-3,1e-2,2e-2,3e-2", "--out", Folder, "--resume"), StringComparison.Ordinal);
    }

    private (IEducationTask, RunOptions) Of(string what)
    {
        switch (what)
        {
            case "recommend": return (new RecommendTask(), new() { Quick = true, Epochs = 2 });
            case "recommend-attention": return (new RecommendTask(), new() { Quick = true, Epochs = 2, Recommender = "attention" });
            case "digits": return (new GradeTask(), new() { Quick = true, Epochs = 2 });
            case "essays":
                SimulatedEssays made = SimulatedEssays.Create(1, 60);
                Write("asap_prompt7.tsv", "essay_id\tessay_set\tessay\tdomain1_score\n" + string.Concat(made.Set.Essays.Select(e => $"{e.Id}\t7\t{e.Text}\t{3 * e.Score}\n")));
                return (new GradeTask(), new() { Data = Folder, Prompt = 7, Epochs = 2 });
            case "grades":
                WriteStudents();
                return (new MultitaskTask(), new() { Quick = true, Epochs = 2, Data = Folder });
            case "diagnose": return (new DiagnoseTask(), new() { Quick = true, Epochs = 2 });
            case "behaviour": return (new BehaviourTask(), new() { Quick = true, Epochs = 2 });
            case "generate": return (new GenerateTask(), new() { Quick = true, Epochs = 2 });
            case "answer": return (new AnswerTask(), new() { Quick = true, Epochs = 2 });
            case "trace": return (new TraceTask(), new() { Quick = true, Epochs = 2 });
            default: return (new TraceTask(), new() { Quick = true, Epochs = 2, Network = what[6..] });
        }
    }

    private void WriteStudents() => Write("student-sim.csv", "\"school\";\"age\";\"G1\";\"G2\";\"G3\"\n" + string.Concat(Enumerable.Range(0, 60).Select(r => $"\"{(r % 3 == 0 ? "MS" : "GP")}\";{15 + (r % 6)};\"{5 + (r % 11)}\";\"{5 + (r % 12)}\";{5 + ((r + (r % 3)) % 12)}\n")));
}
