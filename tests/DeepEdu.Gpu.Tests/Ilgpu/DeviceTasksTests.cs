using System.Buffers.Binary;
using DeepEdu.Devices;
using DeepEdu.Education.Cli;
using DeepEdu.Education.Report;
using DeepEdu.Education.Tasks;
using DeepEdu.Education.Ui;
using DeepEdu.Numerics;

namespace DeepEdu.Gpu.Tests;

/// <summary>Every task of the education program from the file to the saved run, on a device that refuses to hand anything back to the processor: the same results as on the processor. The data are a handful of
/// made-up rows, learned from for one epoch.</summary>
public sealed class DeviceTasksTests : IDisposable
{
    // an epoch of a few steps, in which rounding in another order grows a little; shares and ranks of so few rows do not move with it
    private const double Tolerance = 1e-3;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("device-tasks");

    [Theory, InlineData("neumf"), InlineData("gru"), InlineData("attention")]
    public void Recommends(string network)
    {
        Write("x.inter", "user_id:token\titem_id:token\ttimestamp:float\n", from u in Enumerable.Range(0, 6) from t in Enumerable.Range(0, 4) select $"u{u}\ti{(u + (3 * t)) % 7}\t{t}\n");
        Same(new RecommendTask(), new() { Recommender = network, Hidden = network == "neumf" ? null : 4, Batch = 4 });
    }

    [Fact]
    public void RecommendsByTheOtherLoss()
    {
        Write("x.inter", "user_id:token\titem_id:token\ttimestamp:float\n", from u in Enumerable.Range(0, 6) from t in Enumerable.Range(0, 4) select $"u{u}\ti{(u + (3 * t)) % 7}\t{t}\n");
        Same(new RecommendTask(), new() { Recommender = "gru", Loss = "bce", Hidden = 4, Batch = 4 });
    }

    [Fact]
    public void GradesEssays()
    {
        string[] words = ["the", "and", "one", "two", "few", "key"];
        Rng rng = new(3);
        Write("asap_prompt1.tsv", "essay_id\tessay_set\tessay\trater1_domain1\trater2_domain1\tdomain1_score\n", Enumerable.Range(0, 15).Select(i => $"{i}\t1\t{string.Join(' ', Enumerable.Range(0, 3 + (i % 4)).Select(_ => words[rng.Next(6)]))}\t\t\t{2 + (i % 11)}\n"));
        foreach (var (part, places) in ((string, int[])[])[("train", [0, 1, 2]), ("dev", [3]), ("test", [4])])
        {
            Write($"folds_fold_0.{part}_ids.txt", "", Enumerable.Range(0, 15).Where(i => places.Contains(i % 5)).Select(i => $"{i}\n"));
        }
        Same(new GradeTask(), new() { Hidden = 4, Batch = 4 });
    }

    [Fact]
    public void GradesHandwriting()
    {
        byte[] pixels = new byte[20 * 64];
        Rng rng = new(2);
        foreach (ref byte p in pixels.AsSpan()) { p = (byte)rng.Next(256); }
        foreach (string part in (string[])["train", "t10k"])
        {
            File.WriteAllBytes(Path.Combine(_folder.FullName, $"{part}-images-idx3-ubyte"), [.. Header(0x0803, 20, 8, 8), .. pixels]);
            File.WriteAllBytes(Path.Combine(_folder.FullName, $"{part}-labels-idx1-ubyte"), [.. Header(0x0801, 20), .. Enumerable.Range(0, 20).Select(i => (byte)(i % 10))]);
        }
        Same(new GradeTask(), new() { Batch = 8 });
    }

    [Fact]
    public void LearnsSeveralTasks()
    {
        Rng rng = new(9);
        Write("student-x.csv", "school;age;studytime;absences;G1;G2;G3\n", Enumerable.Range(0, 40).Select(r => $"{(r % 3 == 0 ? "MS" : "GP")};{15 + rng.Next(6)};{1 + rng.Next(4)};{rng.Next(25)};{rng.Next(20)};{rng.Next(20)};{rng.Next(20)}\n"));
        Same(new MultitaskTask(), new() { Batch = 16 });
    }

    [Theory]
    [InlineData("lstm", false, false), InlineData("lstm", true, false), InlineData("lstm", false, true), InlineData("memory", false, false), InlineData("attention", false, false)]
    public void Traces(string network, bool plus, bool privately)
    {
        WriteAnswers("learner,skill,correct\n", (l, t) => $"l{l},{"abc"[(l + t) % 3]},{(l * t % 3 == 0 ? 0 : 1)}\n");
        Same(new TraceTask(), new() { Network = network, Plus = plus ? new(0.1, 0.03, 3) : DeepEdu.Education.Models.DktPlus.None, Hidden = 5, Batch = 3, Folds = 1, Privacy = privately ? new(8, NoiseSeed: 1) : null });
    }

    [Fact]
    public void Diagnoses()
    {
        WriteAnswers("learner,item,skill,correct\n", (l, t) => $"l{l},i{(l + (5 * t)) % 11},{"abc"[(l + (5 * t)) % 11 % 3]},{(l * t % 3 == 0 ? 0 : 1)}\n");
        Same(new DiagnoseTask(), new() { Hidden = 4, Batch = 16 });
    }

    [Theory, InlineData(false), InlineData(true)]
    public void TellsWhoLeaves(bool privately)
    {
        Write("events.csv", "user,week,event\n", from l in Enumerable.Range(0, 20) from w in Enumerable.Range(1, 6) select $"u{l},{w},video\n{(l % 4 == 0 && w > 1 ? "" : $"u{l},{w},quiz\n")}");
        Write("learners.csv", "user,left\n", Enumerable.Range(0, 20).Select(l => $"u{l},{(l % 4 == 0 ? "5" : "")}\n"));
        Same(new BehaviourTask(), new() { Weeks = 4, Hidden = 4, Batch = 8, Folds = 1, Privacy = privately ? new(8, NoiseSeed: 1) : null });
    }

    [Theory, InlineData("char"), InlineData("word")]
    public void Writes(string tokens)
    {
        Write("text.txt", "", Enumerable.Range(0, tokens == "char" ? 20 : 90).Select(i => $"{(i % 3 == 0 ? "the sun" : "a moon")} {(i % 5 == 0 ? "sets" : "rises")} so far.\n"));
        Same(new GenerateTask(), new() { Tokens = tokens, Hidden = 4, Batch = 8 });
    }

    [Fact]
    public void Answers()
    {
        Write("x.csv", "question,answer\n", Enumerable.Range(0, 12).Select(i => $"when is exam {i},exam {i} is on day {i % 7} of week {i}\n"));
        Same(new AnswerTask(), new() { Hidden = 4, Batch = 4 });
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private void Same(IEducationTask task, RunOptions options)
    {
        FileInfo[] files = _folder.GetFiles();
        options = options with { Data = files.Length == 1 && task is not (RecommendTask or MultitaskTask) ? files[0].FullName : _folder.FullName, Epochs = 1 };
        RunResult[] want = Run(CpuDevice.Instance);
        using var device = TestDevice.New();
        device.Strict = true;
        RunResult[] got = Run(device);
        Assert.Equal(want.Length, got.Length);
        foreach (var (a, b) in want.Zip(got))
        {
            Assert.NotEmpty(a.Metrics);
            Assert.Equal(a.Metrics.Select(m => m.Name), b.Metrics.Select(m => m.Name));
            foreach (var (x, y) in a.Metrics.Zip(b.Metrics)) { Close(x.Value, y.Value, $"{a.Model}, {x.Name}"); }
            foreach (var (x, y) in a.Charts.SelectMany(c => c.Curves).Zip(b.Charts.SelectMany(c => c.Curves)))
            {
                for (int i = 0; i < x.Values.Length; i++) { Close(x.Values[i], y.Values[i], $"{a.Model}, {x.Name}, {i}"); }
            }
        }

        RunResult[] Run(Device on) => [.. task.Run(options with { Device = on, Out = Path.Combine(_folder.FullName, $"run on {(on is CpuDevice ? "cpu" : "gpu")}") }, new Quiet(), default)];
    }

    private static void Close(double want, double got, string what) => Assert.True(want.Equals(got) || Math.Abs(want - got) <= Tolerance * Math.Max(1, Math.Abs(want)), $"{what}: {got}, expected {want}");

    private void WriteAnswers(string header, Func<int, int, string> row) => Write("answers.csv", header, from l in Enumerable.Range(0, 12) from t in Enumerable.Range(0, 5) select row(l, t));

    private void Write(string name, string header, IEnumerable<string> rows) => File.WriteAllText(Path.Combine(_folder.FullName, name), header + string.Concat(rows));

    private static byte[] Header(params int[] numbers) => [.. numbers.SelectMany(n => BitConverter.GetBytes(BinaryPrimitives.ReverseEndianness(n)))];

    private sealed class Quiet : IProgress
    {
        public void Step(string phase, int step, int steps) { }

        public void Line(string text) { }
    }
}
