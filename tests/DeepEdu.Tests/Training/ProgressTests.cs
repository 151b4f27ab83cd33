using DeepEdu.Data;
using DeepEdu.Tensors;
using DeepEdu.Training;

namespace DeepEdu.Tests.Training;

/// <summary>What is shown while training.</summary>
public class ProgressTests
{
    private readonly Clouds _data = new();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ALineAnEpochStays(bool redraw)
    {
        using var text = new StringWriter { NewLine = "\n" };
        _data.Trainer(Clouds.Model(), new() { Progress = new ProgressBar(text, redraw) }).Fit(Clouds.Learned, 3, Clouds.Unseen);
        string[] lines = text.ToString().Split('\n');
        Assert.Equal(4, lines.Length);
        Assert.Matches(@"epoch 3/3  loss [\d.]+  accuracy [\d.]+  val_loss [\d.]+  val_accuracy [\d.]+  \d+ rows/s  [\d.:]+( s)? *$", lines[2]);
        Assert.Equal(redraw, lines[0].StartsWith('\r'));
        Assert.DoesNotContain("[", redraw ? "" : lines[0], StringComparison.Ordinal);
    }

    [Fact]
    public void TheBarFillsAndTellsWhatIsLeft()
    {
        using var text = new StringWriter();
        var bar = new ProgressBar(text, redraw: true, width: 90);
        var values = new Dictionary<string, double> { ["loss"] = 0.25, ["accuracy"] = 0.9, ["learning_rate"] = 1 };
        bar.Report(new(1, 4, 50, 200, 250, values, 1234.4, TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(83), false));
        Assert.Equal("\repoch 2/4  [=====               ] 50/200  loss 0.25  accuracy 0.9  1234 rows/s  1:23 left", text.ToString());
        text.GetStringBuilder().Clear();
        bar.Report(new(1, 4, 7, null, 250, new Dictionary<string, double>(), 5, TimeSpan.FromSeconds(3671), null, false));
        Assert.Equal("\r" + "epoch 2/4  batch 7  5 rows/s  1:01:11".PadRight("epoch 2/4  [=====               ] 50/200  loss 0.25  accuracy 0.9  1234 rows/s  1:23 left".Length), text.ToString());
        text.GetStringBuilder().Clear();
        bar.Report(new(1, 4, 230, 200, 250, new Dictionary<string, double>(), 5, TimeSpan.Zero, TimeSpan.Zero, false)); // more batches than the data had said
        Assert.StartsWith("\repoch 2/4  [====================] 230/200  5 rows/s", text.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0.94, "0.9 s"), InlineData(59, "59.0 s"), InlineData(60, "1:00"), InlineData(3599, "59:59"), InlineData(3600, "1:00:00")]
    public void ALineIsCutToTheTerminalAndTimesHaveTheirUnits(double seconds, string time)
    {
        using var text = new StringWriter { NewLine = "\n" };
        var bar = new ProgressBar(text, redraw: true, width: 12);
        bar.Report(new(0, 1, 1, null, 5, new Dictionary<string, double>(), 5, TimeSpan.FromSeconds(seconds), null, false));
        Assert.Equal("\repoch 1/1  ", text.ToString()); // a line as long as the terminal would begin the next one
        bar.Report(new(0, 1, 2, null, 5, new Dictionary<string, double>(), 5, TimeSpan.FromSeconds(seconds), null, true));
        bar.Report(new(0, 1, 1, null, 5, new Dictionary<string, double>(), 5, TimeSpan.Zero, null, true));
        Assert.Equal($"\repoch 1/1  \repoch 1/1  5 rows/s  {time}\n\repoch 1/1  5 rows/s  0.0 s\n", text.ToString()); // nothing is left of a line that ended
    }

    [Fact]
    public void ReportsCountUpAndTheTimeLeftComesToNothing()
    {
        var reports = new List<TrainingProgress>();
        _data.Trainer(Clouds.Model(), new() { Progress = new Collector(reports) }).Fit(Clouds.Learned, 4, Clouds.Unseen);
        var ends = reports.Where(r => r.EpochEnded).ToList();
        Assert.Equal([0, 1, 2, 3], ends.Select(e => e.Epoch));
        Assert.Equal([10, 20, 30, 40], ends.Select(e => e.Step));
        Assert.Equal(TimeSpan.Zero, ends[^1].Remaining);
        Assert.All(reports, r => Assert.True(r.RowsPerSecond > 0));
        Assert.Contains("val_loss", ends[0].Values.Keys);
    }

    [Fact]
    public void EveryKindOfBatchCountsItsRows()
    {
        int[][] texts = [[1, 2], [3], [4, 5, 6]];
        object[] three =
        [
            Tensor.Ones([3, 2]), (Indices)new[] { 1, 2, 3 }, new int[3], new List<string> { "a", "b", "c" }, Collate.Pad(texts, t => t), Collate.Pad(texts, _ => new float[2], features: 1),
            (Tensor.Ones([3]), 7), (Collate.Pad(texts, t => t), (Indices)new[] { 0, 1, 0 }), (Name: "batch", X: Tensor.Ones([3, 1])), new Dictionary<string, Tensor> { ["x"] = Tensor.Ones([3, 4]) },
        ];
        foreach (object batch in three) { Assert.True(BatchRows.Of(batch) == 3, $"{batch} has {BatchRows.Of(batch)} rows"); }
        Assert.Equal(1, BatchRows.Of("a batch of another kind"));
    }

    private sealed class Collector(List<TrainingProgress> to) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => to.Add(value);
    }

    [Fact]
    public void ATerminalWithoutColumnsIsRefused() => Assert.Contains("0 columns", Assert.Throws<ArgumentOutOfRangeException>(() => new ProgressBar(TextWriter.Null, true, 0)).Message, StringComparison.Ordinal);
}
