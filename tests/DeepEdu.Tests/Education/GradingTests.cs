using System.Buffers.Binary;
using System.Text;
using System.Xml;
using DeepEdu.Devices;
using DeepEdu.Education.Cli;
using DeepEdu.Education.Data;
using DeepEdu.Education.Models;
using DeepEdu.Education.Report;
using DeepEdu.Education.Tasks;
using DeepEdu.Education.Text;
using DeepEdu.Education.Ui;
using DeepEdu.Metrics;
using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Education;

/// <summary>The networks of the grade command, on the embedded digits, on generated files, and on the real sets where they are.</summary>
[Collection("process settings")]
public sealed class GradingTests : FolderTests
{
    [Fact]
    public void TheNetworkReadsDigitsBetterThanTheNearestMeanImage()
    {
        RunResult run = Grade(new());
        Assert.Equal(["accuracy", "f1_macro", "sums_accuracy", "sums_brier", "sums_ece", "coverage", "review", "accuracy_sure"], run.Metrics.Select(m => m.Name));
        Assert.Equal(["majority class", "nearest mean image"], run.Baselines.Select(b => b.Name));
        // about 0.985 against 0.92 over seeds
        Assert.InRange(Value(run, "accuracy"), 0.96, 1);
        Assert.True(Value(run, "accuracy") > Value(run.Baselines[1].Scores, "accuracy"));
        Assert.True(Value(run, "sums_accuracy") > Value(run.Baselines[1].Scores, "sums_accuracy"));
        Assert.InRange(Value(run, "coverage"), 0.95, 1); // 0.99 of images like those fitted on, give or take 359 and 239 of them
        Assert.InRange(Value(run, "review"), 0, 0.2);
        Assert.True(Value(run, "accuracy_sure") >= Value(run, "accuracy"));
        Assert.Equal(run.Epochs, run.Charts[0].Curves[0].Values.Length);
        Assert.Equal(["training", "validation"], run.Charts[0].Curves.Select(c => c.Name));
        Assert.Equal(359, run.Confusion!.Total);
        Assert.Equal(1000, run.Calibration!.Bins.Sum(b => b.Count));
    }

    [Fact]
    public void DigitsGiveTheSameForTheSameSeedOnAnyNumberOfThreads()
    {
        RunResult one = Grade(new() { Quick = true, Seed = 5 }, threads: 1), two = Grade(new() { Quick = true, Seed = 5 }, threads: 3);
        Assert.Equal(one.Metrics, two.Metrics);
        Assert.NotEqual(one.Metrics, Grade(new() { Quick = true, Seed = 6 }).Metrics);
    }

    [Fact]
    public void EpochsAndBatchAreRespected()
    {
        Assert.Equal(3, Grade(new() { Epochs = 3, Batch = 100 }).Epochs);
        Probe probe = new();
        Grade(new() { Epochs = 1, Batch = 100 }, probe);
        Assert.Equal(12, probe.StepsAnEpoch); // 1199 training images
    }

    [Fact]
    public void IdxImagesOfAnySizeAreRead()
    {
        ImageSet digits = Digits.Load();
        WriteIdx("train", digits.Take([.. Enumerable.Range(0, 600)]));
        WriteIdx("t10k", digits.Take([.. Enumerable.Range(600, 200)]));
        RunResult run = Grade(new() { Data = Folder, Epochs = 8 });
        Assert.Equal(200, run.Confusion!.Total);
        Assert.InRange(Value(run, "accuracy"), 0.8, 1); // 0.94 when written
    }

    /// <summary>A class that only one of the two parts has moves no image's answer to another's place.</summary>
    [Theory]
    [InlineData(40, 0)]
    [InlineData(40, 10)]
    [InlineData(0, 10)]
    public void AClassBeyondTheDigitsIsOneMore(int inTraining, int inTest)
    {
        ImageSet digits = Digits.Load();
        WriteIdx("train", With(digits.Take([.. Enumerable.Range(0, 600)]), inTraining));
        WriteIdx("t10k", With(digits.Take([.. Enumerable.Range(600, 200)]), inTest));
        RunResult run = Grade(new() { Data = Folder, Epochs = 16 });
        Assert.Equal(200 + inTest, run.Confusion!.Total);
        Assert.InRange(Value(run, "accuracy"), 0.85, 1); // answers at other places are right one time in ten

        // dark on light
        static ImageSet With(ImageSet set, int others) => set with
        {
            Pixels = [.. Enumerable.Range(0, others).SelectMany(i => set[i].ToArray().Select(p => 1 - p)), .. set.Pixels],
            Labels = [.. Enumerable.Repeat(11, others), .. set.Labels],
        };
    }

    [Fact]
    public void StoppingReturnsWhatWasLearned()
    {
        using CancellationTokenSource stop = new();
        Probe probe = new(epochs => { if (epochs == 3) { stop.Cancel(); } });
        RunResult run = new GradeTask().Run(new(), probe, stop.Token)[0];
        Assert.Equal(3, run.Epochs);
        Assert.Equal(359, run.Confusion!.Total);
    }

    [Fact]
    public void StoppingBeforeTheFirstStepStillReports()
    {
        WriteEssays(60);
        Assert.Equal(0, new GradeTask().Run(new(), new Probe(), new(canceled: true))[0].Epochs);
        RunResult essays = new GradeTask().Run(new() { Data = Folder }, new Probe(), new(canceled: true))[0];
        Assert.Equal(0, essays.Epochs);
        Assert.Subset(Assert.Single(new GradeTask().Measures(new() { Data = Folder })).Metrics.ToHashSet(), essays.Metrics.Select(m => m.Name).ToHashSet());
    }

    [Fact]
    public void EssaysAreScored()
    {
        WriteEssays(300);
        RunResult run = Grade(new() { Data = Folder });
        Assert.Equal(["qwk", "lwk", "rmse", "coverage", "interval", "review", "qwk_sure", "rmse_sure", "odd"], run.Metrics.Select(m => m.Name));
        Assert.Equal(["ridge on length", "mean score"], run.Baselines.Select(b => b.Name));
        Assert.Equal(0, Value(run.Baselines[1].Scores, "qwk"), 6);
        // the score counts good words; their share is what length does not tell
        Assert.True(Value(run, "qwk") > Value(run.Baselines[0].Scores, "qwk") + 0.1, $"{Value(run, "qwk")} against {Value(run.Baselines[0].Scores, "qwk")}");
        Assert.InRange(Value(run, "coverage"), 0.75, 1); // 0.9 of two folds of 60, fitted on 60
        Assert.InRange(Value(run, "interval"), 0.1, 8);
        Assert.InRange(Value(run, "review"), 0, 1);
        Assert.InRange(Value(run, "odd"), 0, 0.15); // six tails of one in 180
        Assert.Equal("honest essays", Assert.Single(run.Tables).Rows[0][0]);
        Assert.Equal(120, run.Confusion!.Total);
        Assert.Equal(11, run.ClassNames.Length);
        Assert.Equal(2, run.Charts[1].Curves.Length);
    }

    /// <summary>Essays of the three kinds, each once, whose words' points add up to what the network gave; text that would break the page does not.</summary>
    [Fact]
    public void SomeEssaysAreShownWithWhatTheirWordsGave()
    {
        WriteEssays(300);
        RunResult run = Grade(new() { Data = Folder, Epochs = 4 });
        Assert.InRange(run.Essays.Count, 4, 6);
        Assert.Equal(run.Essays.Count, run.Essays.DistinctBy(e => e.Id).Count());
        Assert.Equal(2, run.Essays.Count(e => e.Why.Contains("largest", StringComparison.Ordinal)));
        Assert.Equal(2, run.Essays.Count(e => e.Why.Contains("middle", StringComparison.Ordinal)));
        Assert.All(run.Essays, e => Assert.Equal(EssayWords.Split(e.Text).Count, e.Points.Length));
        Assert.All(run.Essays, e => Assert.InRange(Math.Abs(e.Delta), 0, 0.2));
        Assert.All(run.Essays.Where(e => e.Why.StartsWith("for review", StringComparison.Ordinal)), e => Assert.NotEqual("", e.Review));
        double Error(ExplainedEssay e) => Math.Abs(e.Exact - e.Truth);
        Assert.True(run.Essays.Take(2).Min(Error) >= run.Essays.Max(e => run.Essays.Take(2).Contains(e) ? 0 : Error(e)));
        XmlDocument page = new() { PreserveWhitespace = true };
        page.LoadXml(HtmlReport.Render([run], "").Replace("<!DOCTYPE html>", "", StringComparison.Ordinal));
        Assert.Equal(run.Essays.Select(e => e.Text), page.SelectNodes("//p[@class='essay']")!.Cast<XmlNode>().Select(p => p.InnerText));
        Assert.NotEmpty(page.SelectNodes("//p[@class='essay']/span[@class='g4' or @class='t4']")!.Cast<XmlNode>());
    }

    [Fact]
    public void WordsAreMarkedByTheirPointsAndSafe()
    {
        ExplainedEssay essay = new(7, "a <reason>", "Good & <b>bad</b>\u0007 don't", 3, 2.5, [0.4, 0.01, 0.01, 0.01, 0.01, -0.4, 0.01, 0.01, 0.01, 0.01, 0.01, 0.2, -0.1], 0.01) { Within = "1.0 to 3.0", Review = "x" };
        Assert.Equal(["good", "&", "<", "b", ">", "bad", "<", "/", "b", ">", "\u0007", "do", "n't"], EssayWords.Split(essay.Text));
        string html = HtmlReport.Render([new RunResult("grade", "LSTM", "x") { Essays = [essay] }], "");
        Assert.Contains("<span class=\"g4\" title=\"+0.400\">Good</span> &amp; &lt;b&gt;<span class=\"t4\" title=\"-0.400\">bad</span>&lt;/b&gt;\uFFFD <span class=\"g2\" title=\"+0.200\">do</span><span class=\"t1\" title=\"-0.100\">n&#39;t</span></p>", html, StringComparison.Ordinal);
        Assert.Contains("Essay 7, a &lt;reason&gt;: score 2.50 (90 % interval 1.0 to 3.0), true score 3; review: x", html, StringComparison.Ordinal);
        Assert.Contains("As many words that say nothing would get 2.32; what these say gives +0.19 together (delta +0.01).", html, StringComparison.Ordinal);
        Assert.Contains("“good” +0.40 (1)", html, StringComparison.Ordinal);
        XmlDocument page = new();
        page.LoadXml(html.Replace("<!DOCTYPE html>", "", StringComparison.Ordinal));
        Assert.DoesNotContain("class=\"g", new ExplainedEssay(1, "", "a b", 1, 1, [0, 0], 0).Html(t => t, 0), StringComparison.Ordinal);
    }

    [Fact]
    public void EssaysGiveTheSameForTheSameSeedOnAnyNumberOfThreads()
    {
        WriteEssays(60);
        RunOptions options = new() { Data = Folder, Epochs = 2, Seed = 9 };
        RunResult one = Grade(options, threads: 1), two = Grade(options, threads: 3);
        Assert.Equal(2, one.Epochs);
        Assert.Equal(one.Metrics, two.Metrics);
        Assert.NotEqual(one.Metrics, Grade(options with { Seed = 10 }).Metrics);
    }

    [DataFact("mnist")]
    public void MnistReachesItsFloor() => Assert.InRange(Value(Grade(new() { Data = DataFactAttribute.Folder("mnist") }), "accuracy"), 0.99, 1);

    [DataFact("asap-aes")]
    public void AsapPromptOneReachesItsFloor() => Assert.InRange(Value(Grade(new() { Data = DataFactAttribute.Folder("asap-aes") }), "qwk"), 0.77, 1);

    /// <summary>Intervals hold nine in ten of essays drawn alike, are wider for those that are hard, keep to the scale, and come back from their state.</summary>
    [Fact]
    public void IntervalsAreAsWideAsAnEssayIsHard()
    {
        Rng rng = new(8);
        (GradedEssay Essay, int Truth)[] essays = [.. Enumerable.Range(0, 3000).Select(i =>
        {
            int truth = rng.Next(2, 13);
            double unknown = rng.NextDouble() / 2; // each unknown word makes the grade less sure
            return (new GradedEssay(truth + ((0.2 + (3 * unknown)) * rng.NextGaussian()), 100, unknown), truth);
        })];
        GradeIntervals intervals = GradeIntervals.Fit(essays[..1000], 2, 12)!;
        Assert.InRange(essays[1000..].Average(e => intervals.Of(e.Essay) is var (_, low, high) && e.Truth >= low && e.Truth <= high ? 1.0 : 0), 0.87, 0.93);
        Interval easy = intervals.Of(new(7, 100, 0)), hard = intervals.Of(new(7, 100, 0.5));
        Assert.True(hard.Width > 3 * easy.Width, $"{easy} {hard}");
        Assert.Equal((false, true), (intervals.NeedsReview(easy, 7), intervals.NeedsReview(hard, 7)));
        Assert.Equal(12, intervals.Of(new(11.9, 100, 0.5)).High);
        StateDict state = new();
        intervals.SaveState(state);
        Assert.Equal(hard, GradeIntervals.Load(state, 2, 12).Of(new(7, 100, 0.5)));
        GradeIntervals few = GradeIntervals.Fit(essays[..50], 2, 12)!;
        Assert.Equal(few.Of(new(7, 100, 0)), few.Of(new(7, 100, 0.5)));
        Assert.Null(GradeIntervals.Fit(essays[..8], 2, 12));
    }

    /// <summary>Nine essays are needed for an interval, a hundred for one by difficulty; no essay is thought easier than three tenths of the mean error; grades that a person shall see lie more than a point, or a tenth of the scale, away.</summary>
    [Fact]
    public void IntervalsBeginAtTheirNumbersAndReviewsAtTheirDistance()
    {
        (GradedEssay Essay, int Truth)[] essays = [.. Enumerable.Range(0, 100).Select(i => (new GradedEssay(5 + (i % 2 == 0 ? 1 : -3), 50 + i, i / 200.0), 5))];
        Assert.Null(GradeIntervals.Fit(essays[..8], 0, 10));
        Assert.Equal(new(5, 2, 8), GradeIntervals.Fit(essays[..9], 0, 10)!.Of(new(5, 50, 0)));
        Assert.False(State(essays[..99]).Bool("by_error"));
        Assert.True(State(essays).Bool("by_error"));
        Assert.Equal(0.3, State(essays).Double("least"), 1e-6); // of every other essay, which are one point off
        Assert.Equal(1e-3, State([.. essays.Select(e => (e.Essay with { Exact = 5 }, 5))]).Double("least"));
        GradeIntervals ten = GradeIntervals.Fit(essays[..9], 2, 12)!, sixty = GradeIntervals.Fit(essays[..9], 0, 60)!;
        Assert.Equal([false, true, false, true], new[] { new Interval(5, 3.01, 6), new(5, 3, 6), new(5, 4, 6.99), new(5, 4, 7) }.Select(i => ten.NeedsReview(i, 5)));
        Assert.Equal([false, true, false, true], new[] { new Interval(30, 23.01, 31), new(30, 23, 31), new(30, 30, 36.99), new(30, 30, 37) }.Select(i => sixty.NeedsReview(i, 30)));

        static StateDict State((GradedEssay, int)[] of)
        {
            StateDict state = new();
            GradeIntervals.Fit(of, 0, 10)!.SaveState(state);
            return state;
        }
    }

    [Theory, InlineData(0.3, "+0.30"), InlineData(-0.126, "-0.13"), InlineData(0, "0.00"), InlineData(0.004, "0.00"), InlineData(-0.004, "0.00")]
    public void PointsOfAWordHaveTheirSign(double points, string text) => Assert.Equal(text, EssayPredictor.Points(points));

    /// <summary>Where nothing tells which essays are hard, all intervals are about as wide, and the narrowest hold about as many scores as any: a ridge of few essays would see differences in noise, and think easy what is not.</summary>
    [Fact]
    public void NoiseMakesNoEssayEasy()
    {
        var runs = Enumerable.Range(1, 40).Select(seed =>
        {
            Rng rng = new((ulong)seed);
            (GradedEssay Essay, int Truth)[] essays = [.. Enumerable.Range(0, 1300).Select(_ =>
            {
                int truth = rng.Next(20, 41);
                return (new GradedEssay(truth + (3 * rng.NextGaussian()), rng.Next(100, 400), rng.NextDouble() / 10), truth);
            })];
            GradeIntervals intervals = GradeIntervals.Fit(essays[..300], 0, 60)!;
            (double Width, bool Held)[] told = [.. essays[300..].Select(e => intervals.Of(e.Essay) is var (_, low, high) ? (high - low, e.Truth >= low && e.Truth <= high) : default).OrderBy(t => t.Item1)];
            return (Wider: told[^200..].Average(t => t.Width) / told[..200].Average(t => t.Width), Held: told[..200].Average(t => t.Held ? 1.0 : 0));
        }).ToArray();
        Assert.InRange(runs.Average(r => r.Wider), 1, 1.25);
        Assert.InRange(runs.Average(r => r.Held), 0.865, 0.93);
    }

    private static RunResult Grade(RunOptions options, Probe? probe = null, int threads = 2) => Program.Run(new GradeTask(), options, threads, probe);

    private static double Value(RunResult run, string name) => Value(run.Metrics, name);

    private static double Value(IReadOnlyList<Score> scores, string name) => scores.First(s => s.Name == name).Value;

    private void WriteIdx(string part, ImageSet images)
    {
        byte[] pixels = [.. images.Pixels.Select(p => (byte)(p * 255))];
        File.WriteAllBytes(Path.Combine(Folder, part + "-images-idx3-ubyte"), [.. Header(0x0803, images.Count, images.Height, images.Width), .. pixels]);
        File.WriteAllBytes(Path.Combine(Folder, part + "-labels-idx1-ubyte"), [.. Header(0x0801, images.Count), .. images.Labels.Select(l => (byte)l)]);
    }

    private static byte[] Header(params int[] numbers) => [.. numbers.SelectMany(n => BitConverter.GetBytes(BinaryPrimitives.ReverseEndianness(n)))];

    /// <summary>Essays of prompt 1 in ASAP's format with two folds: 20 to 60 words of three letters; the score 2..12 follows how many of them are "key".</summary>
    private void WriteEssays(int count)
    {
        string[] plain = ["the", "and", "one", "two", "few", "men", "are", "not", "can", "put", "new", "day"];
        Rng rng = new(3);
        StringBuilder tsv = new("essay_id\tessay_set\tessay\trater1_domain1\trater2_domain1\tdomain1_score\n");
        for (int i = 0; i < count; i++)
        {
            int words = rng.Next(20, 61), goodWords = rng.Next(0, 11);
            string[] text = [.. Enumerable.Range(0, words).Select(w => w < goodWords ? "key" : plain[rng.Next(plain.Length)])];
            rng.Shuffle(text.AsSpan());
            tsv.Append($"{i}\t1\t{string.Join(' ', text)}\t\t\t{2 + goodWords}\n");
        }
        File.WriteAllText(Path.Combine(Folder, "asap_prompt1.tsv"), tsv.ToString());
        for (int fold = 0; fold < 2; fold++)
        {
            int[] Part(params int[] of) => [.. Enumerable.Range(0, count).Where(i => of.Contains((i + fold) % 5))];
            File.WriteAllLines(Path.Combine(Folder, $"folds_fold_{fold}.train_ids.txt"), Part(0, 1, 2).Select(i => $"{i}"));
            File.WriteAllLines(Path.Combine(Folder, $"folds_fold_{fold}.dev_ids.txt"), Part(3).Select(i => $"{i}"));
            File.WriteAllLines(Path.Combine(Folder, $"folds_fold_{fold}.test_ids.txt"), Part(4).Select(i => $"{i}"));
        }
    }

    private sealed class Probe(Action<int>? onEpoch = null) : IProgress
    {
        private int _epochs;

        public int StepsAnEpoch { get; private set; }

        public void Step(string phase, int step, int steps) => StepsAnEpoch = steps;

        public void Line(string text)
        {
            if (text.StartsWith("epoch ", StringComparison.Ordinal)) { onEpoch?.Invoke(++_epochs); }
        }
    }
}
