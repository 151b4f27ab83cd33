using System.Globalization;
using System.Text;
using System.Text.Json;
using DeepEdu.Devices;
using DeepEdu.Education.Cli;
using DeepEdu.Education.Data;
using DeepEdu.Education.Data.Simulated;
using DeepEdu.Education.Models;
using DeepEdu.Education.Report;
using DeepEdu.Education.Tasks;
using DeepEdu.Education.Ui;
using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Education;

/// <summary>Networks that share a trunk, beside those that do not, from the command line down to a head.</summary>
[Collection("process settings")]
public sealed class MultitaskTests : FolderTests
{
    [Fact]
    public void ResultsDoNotDependOnTheThreadCountButOnTheSeed()
    {
        WriteStudents();
        string one = Metrics("--threads", "1"), two = Metrics("--threads", "2"), other = Metrics("--threads", "2", "--seed", "2");
        Assert.Equal(one, two);
        Assert.NotEqual(one, other);
        Assert.Equal(Metrics("--data", Folder, "--threads", "1"), Metrics("--data", Folder, "--threads", "2"));

        string Metrics(params string[] more)
        {
            using JsonDocument document = Call(["multitask", "--quick", "--epochs", "2", .. more]);
            JsonElement root = document.RootElement;
            return string.Concat(root.ValueKind == JsonValueKind.Array ? root.EnumerateArray().Select(Scores) : [Scores(root)]);
        }

        static string Scores(JsonElement run) => run.GetProperty("metrics").GetRawText() + run.GetProperty("baselines").GetRawText();
    }

    [Fact]
    public void GradesAreReportedSharedAndAloneInEverySetting()
    {
        WriteStudents();
        using JsonDocument document = Call("multitask", "--data", Folder, "--quick", "--epochs", "3", "--batch", "16", "--seed", "5");
        JsonElement run = document.RootElement, metrics = run.GetProperty("metrics");
        Assert.Equal("rmse_g3", metrics.EnumerateObject().First().Name);
        Assert.Equal(3, run.GetProperty("epochs").GetInt32());
        Assert.Equal(5, run.GetProperty("seed").GetInt32());
        foreach (string name in new[] { "rmse_g3", "rmse_g3_b", "rmse_g3_a" })
        {
            Assert.InRange(metrics.GetProperty(name).GetDouble(), 0, 20);
            Assert.InRange(metrics.GetProperty(name + "_alone").GetDouble(), 0, 20);
            foreach (string baseline in new[] { "naive", "ridge", "each alone" }) { Assert.InRange(run.GetProperty("baselines").GetProperty(baseline).GetProperty(name).GetDouble(), 0, 20); }
            Assert.Equal(metrics.GetProperty(name + "_alone").GetDouble(), run.GetProperty("baselines").GetProperty("each alone").GetProperty(name).GetDouble());
        }
        double[] gains = [.. metrics.EnumerateObject().Where(m => m.Name.StartsWith("gain_", StringComparison.Ordinal)).Select(m => m.Value.GetDouble())];
        Assert.Equal(9, gains.Length); // g3, g2, g1, pass; g3, g2, pass; g3, pass
        Assert.Equal(gains.Average(), metrics.GetProperty("relative_gain").GetDouble(), 1e-12);
    }

    [Fact]
    public void PlantedCausesAreFoundTogetherAndAlone()
    {
        LearnerTable table = SimulatedLearners.Create(3, 1200);
        SharingContest contest = new([.. table.Targets.Select(t => new Head(t.Key, t.Key == "time" ? HeadKind.Value : HeadKind.YesNo, t.Value))]);
        int[] rows = [.. Enumerable.Range(0, 1200)];
        TrainPlan plan = new((inputs, rng) => MultiTaskNet.DenseTrunk(inputs, 0.1f, rng), 16) { Epochs = 15 };
        contest.Fold(table.Features, [SimulatedLearners.Features], rows[..800], rows[800..], plan, new Rng(3), default);
        Dictionary<string, double> naive = contest.Guessed.ToDictionary(s => s.Name, s => s.Value);
        Assert.Equal(0.5, naive["auc_correct"]);
        foreach (IReadOnlyList<Score> scores in new[] { contest.Shared, contest.Alone, contest.Ridged })
        {
            Dictionary<string, double> found = scores.ToDictionary(s => s.Name, s => s.Value);
            Assert.True(found["rmse_time"] < 0.8 * naive["rmse_time"], $"rmse {found["rmse_time"]}, naive {naive["rmse_time"]}");
            Assert.True(found["auc_correct"] > 0.7, $"auc {found["auc_correct"]}"); // the hidden chance itself reaches about 0.83
            Assert.True(found["auc_dropout"] > 0.7, $"auc {found["auc_dropout"]}");
        }
        Assert.All(contest.NaiveGains, g => Assert.True(g.Value < 0, $"{g.Name} {g.Value}"));
        Assert.Equal(3, contest.Charts.Length);
        foreach (Chart chart in contest.Charts)
        {
            Assert.Equal(4, chart.Curves.Length);
            Assert.All(chart.Curves, c => Assert.True(c.Values.Length == 15 && c.Values.Min() < c.Values[0], $"{chart.Title} {c.Name} never falls"));
        }
    }

    [Fact]
    public void ADifferenceToWhatIsKnownIsLearned()
    {
        Rng rng = new(1);
        float[] x = new float[300], known = new float[300], target = new float[300];
        rng.FillNormal(x);
        for (int i = 0; i < 300; i++) { known[i] = 100 * rng.NextSingle(); target[i] = known[i] + 3 + 2 * x[i]; }
        int[] rows = [.. Enumerable.Range(0, 300)];
        TrainPlan plan = new((inputs, r) => MultiTaskNet.DenseTrunk(inputs, 0, r), 16) { Epochs = 40, Members = 2 };
        MultiTaskModel model = new(Tensor.Of([300, 1], x), [new("y", HeadKind.Value, target) { Known = known }], rows[..200], plan, rng);
        Assert.True(model.Fit(default));
        float[] predicted = model.Predict(rows[200..])[0];
        double rmse = Math.Sqrt(predicted.Select((p, i) => Math.Pow(p - target[200 + i], 2)).Average());
        Assert.True(rmse < 0.4, $"rmse {rmse}; the difference has a deviation of 2");
    }

    [Fact]
    public void AStoppedRunReportsNothingItHasNotDone()
    {
        using CancellationTokenSource stop = new();
        stop.Cancel();
        Assert.Empty(new MultitaskTask().Run(new RunOptions { Quick = true }, new NoProgress(), stop.Token));
    }

    [Fact]
    public void AMissingValueIsTheMeanAndAConstantGuessOneHalfOverFolds()
    {
        ColumnScaler scaler = new([1, 2, float.NaN, 4, 6, 0], 1, [0, 1, 2, 3]);
        Assert.Equal(0, scaler.Apply([float.NaN])[0]);
        Assert.Equal(0, scaler.Apply([7f / 3])[0], 1e-6f);
        Assert.Equal([0f], new ColumnScaler([float.NaN, float.NaN], 1, [0, 1]).Apply([5]));

        HeadScore guess = new(new("right", HeadKind.YesNo, [0, 0, 1, 0, 1, 1]));
        for (int fold = 0; fold < 2; fold++)
        {
            guess.BeginFold();
            for (int row = 3 * fold; row < 3 * fold + 3; row++) { guess.Add(row, [fold == 0 ? 0.7f : 0.3f]); } // the mean of the other fold
        }
        Assert.Equal(0.5, guess.Metric.Value);
    }

    [Fact]
    public void ColumnsAreScaledOnTheRowsGivenAndCountsUnfold()
    {
        float[] table = new float[2 * 40];
        for (int r = 0; r < 40; r++) { (table[2 * r], table[2 * r + 1]) = (r, r % 2 == 0 ? 1 : 3); }
        ColumnScaler scaler = new(table, 2, [.. Enumerable.Range(0, 20)]);
        float[] scaled = scaler.Apply(table);
        Assert.Equal(4, scaler.Width); // the count, its logarithm, whether it is 0; and the other column
        for (int c = 0; c < 4; c++)
        {
            float[] column = [.. Enumerable.Range(0, 20).Select(r => scaled[4 * r + c])];
            Assert.Equal(0, column.Average(), 0.02f); // the indicator of one row in twenty is cut from 4.36 to 4
            Assert.InRange(column.Average(v => v * v), 0.85f, 1.01f);
        }
        Assert.Equal(4, scaled[2]);
        Assert.Equal(4, scaled[4 * 39]); // (39 − 9.5) / 5.77 is more than 4
        Assert.Equal([-1, 1], new[] { scaled[3], scaled[7] });
    }

    [Fact]
    public void SlantIsTheShearOfTheStrokes()
    {
        float[] upright = new float[64], leaning = new float[64];
        for (int y = 1; y < 7; y++) { upright[8 * y + 4] = 1; leaning[8 * y + 7 - y] = 1; }
        Assert.Equal(0, DigitTasks.Slant(upright, 8));
        Assert.Equal(1, DigitTasks.Slant(leaning, 8), 1e-6f); // one column to the right per row upwards
        Head[] heads = DigitTasks.Of(Digits.Load());
        Assert.Equal(["digit", "odd", "loop", "slant"], heads.Select(h => h.Name));
        Assert.InRange(heads[2].Targets.Average(), 0.38f, 0.42f); // four digits of ten
    }

    private JsonDocument Call(params string[] args)
    {
        string json = Path.Combine(Folder, "out.json");
        int threads = DeepEduOptions.MaxThreads;
        using StringWriter output = new(), error = new();
        try { Assert.Equal(0, App.Run([.. args, "--out", Folder, "--json", json], output, error)); }
        finally { DeepEduOptions.MaxThreads = threads; }
        return JsonDocument.Parse(File.ReadAllBytes(json));
    }

    /// <summary>Learners whose later grades follow the earlier ones and the hours of study, in the columns' format of UCI Student Performance.</summary>
    private void WriteStudents()
    {
        Rng rng = new(9);
        StringBuilder text = new("\"school\";\"age\";\"studytime\";\"absences\";\"G1\";\"G2\";\"G3\"\n");
        for (int r = 0; r < 120; r++)
        {
            int study = 1 + rng.Next(4), first = Math.Clamp((int)(6 + 2 * study + 2 * rng.NextGaussian()), 0, 20), absences = rng.Next(25);
            int second = Math.Clamp(first + study - 2 + rng.Next(2), 0, 20), third = absences == 0 ? 0 : Math.Clamp(second + study - 2, 0, 20);
            text.Append(CultureInfo.InvariantCulture, $"\"{(r % 3 == 0 ? "MS" : "GP")}\";{15 + rng.Next(6)};{study};{absences};\"{first}\";\"{second}\";{third}\n");
        }
        File.WriteAllText(Path.Combine(Folder, "student-sim.csv"), text.ToString());
    }
}
