using System.Text.Json;
using System.Xml;
using DeepEdu.Education.Cli;
using DeepEdu.Education.Report;

namespace DeepEdu.Tests.Education;

/// <summary>Runs with several seeds, and what metrics must reach.</summary>
[Collection("process settings")]
public sealed class SeedTests : FolderTests
{
    [Fact]
    public void EachSeedIsARunOfItsOwnAndMeansAreTheirs()
    {
        string json = Path.Combine(Folder, "all.json"), one = Path.Combine(Folder, "one.json"), output = Program.Succeeds("recommend", "--quick", "--seed", "4", "--seeds", "3", "--out", Folder, "--json", json);
        Assert.Contains("mean ± deviation", output, StringComparison.Ordinal);
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(json));
        JsonElement[] runs = [.. document.RootElement.GetProperty("runs").EnumerateArray()];
        Assert.Equal([4, 5, 6], runs.Select(r => r.GetProperty("seed").GetInt32()));
        double[] values = [.. runs.Select(r => r.GetProperty("metrics").GetProperty("hr@10").GetDouble())];
        Assert.True(values.Distinct().Count() > 1);
        JsonElement spread = Assert.Single(document.RootElement.GetProperty("seeds").EnumerateArray()).GetProperty("metrics").GetProperty("hr@10");
        double mean = values.Average();
        Assert.Equal(mean, spread.GetProperty("mean").GetDouble(), 1e-12);
        Assert.Equal(Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / 2), spread.GetProperty("deviation").GetDouble(), 1e-12);

        // the second is the run with that seed alone
        Program.Succeeds("recommend", "--quick", "--seed", "5", "--out", Path.Combine(Folder, "alone"), "--json", one);
        using JsonDocument alone = JsonDocument.Parse(File.ReadAllBytes(one));
        Assert.Equal(values[1], alone.RootElement.GetProperty("metrics").GetProperty("hr@10").GetDouble());
        Assert.True(File.Exists(Path.Combine(Folder, "seed-6", "recommend", "model.ckpt")));

        XmlDocument report = new();
        report.LoadXml(File.ReadAllText(Path.Combine(Folder, "report.html")).Replace("<!DOCTYPE html>", "", StringComparison.Ordinal));
        Assert.Equal(2, report.GetElementsByTagName("h2").Cast<XmlNode>().Count(h => h.InnerText.StartsWith("recommend", StringComparison.Ordinal))); // means, and the first seed
    }

    [Fact]
    public void ARunOfSeveralSeedsGoesOn()
    {
        string json = Path.Combine(Folder, "all.json");
        Program.Succeeds("recommend", "--quick", "--seeds", "2", "--out", Folder, "--json", json);
        string before = Metrics();
        Directory.Delete(Path.Combine(Folder, "seed-2"), true); // as if it had been interrupted before the second began
        Program.Succeeds("recommend", "--quick", "--seeds", "2", "--out", Folder, "--json", json, "--resume");
        Assert.Equal(before, Metrics());

        // one seed is not several, nor others
        Program.Fails("holds runs of several seeds", "recommend", "--quick", "--out", Folder, "--resume");
        Program.Fails("no run in this folder of these seeds", "recommend", "--quick", "--seed", "7", "--seeds", "2", "--out", Folder, "--resume");

        string Metrics()
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(json));
            return document.RootElement.GetProperty("seeds").GetRawText();
        }
    }

    [Theory]
    [InlineData(0, "hr@10>=0.01", "recommend.ndcg@10 <= 1")]
    [InlineData(4, "hr@10>=0.999")]
    [InlineData(4, "hr@10<=0.001")]
    [InlineData(2, "auc>=0.5")] // known before the run
    [InlineData(2, "trace.hr@10>=0")]
    [InlineData(2, "hr@10>0.5")]
    [InlineData(2, "hr@10>=much")]
    public void AMetricThatMissesWhatItMustReachEndsTheRunWithFour(int code, params string[] floors)
    {
        using StringWriter output = new(), error = new();
        Assert.Equal(code, App.Run(["recommend", "--quick", "--out", Folder, .. floors.SelectMany(f => (string[])["--assert", f])], output, error));
        if (code == 0) { Assert.Equal("", error.ToString()); }
        else { Assert.Contains($"--assert {floors[0]}", Assert.Single(error.ToString().TrimEnd().Split('\n')), StringComparison.Ordinal); }
        Assert.Equal(code != 2, File.Exists(Path.Combine(Folder, "report.html")));
    }

    [Fact]
    public void OfSeveralSeedsTheMeanMustReachIt()
    {
        RunResult Run(ulong seed, double auc) => new("trace", "DKT", "data") { Seed = seed, Metrics = [new("auc", auc)] };
        RunResult[] runs = [Run(1, .7), Run(2, .8)];
        Assert.Null(Floor.Parse("auc>=0.75")!.Missed(runs));
        Assert.Contains("reached 0.7500 over 2 seeds", Floor.Parse("auc>=0.7501")!.Missed(runs), StringComparison.Ordinal);
        Assert.NotNull(Floor.Parse("auc>=0.5")!.Missed([Run(1, double.NaN)]));
        RunResult adaptive = new("diagnose-adaptive", "2PL", "data") { Metrics = [new("items", 22)] };
        Assert.Null(Floor.Parse("diagnose-adaptive.items<=30")!.Missed([adaptive, .. runs]));
        Assert.Contains("reached 22.0000.", Floor.Parse("diagnose-adaptive.items<=20")!.Missed([adaptive, .. runs]), StringComparison.Ordinal);
        Assert.Empty(SeedSpread.Of([Run(1, .7), Run(2, .8) with { Interrupted = true }])); // one finished run has no spread
    }

    [Fact]
    public void WhatSeveralSeedsCannotBeIsSaid()
    {
        Program.Fails("--seeds must be at least 1", "recommend", "--seeds", "0", "--out", Folder);
        Program.Fails("give one seed", "trace", "--quick", "--seeds", "2", "--epsilon", "3", "--out", Folder);
    }
}
