using System.Globalization;
using System.Text;
using DeepEdu.Data;
using DeepEdu.Education.Cli;
using DeepEdu.Education.Data;
using DeepEdu.Education.Data.Simulated;
using DeepEdu.Education.Models;
using DeepEdu.Education.Report;
using DeepEdu.Education.Saved;
using DeepEdu.Education.Tasks;
using DeepEdu.Education.Text;
using DeepEdu.Education.Ui;
using DeepEdu.Io;
using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Education;

/// <summary>What a run with --out leaves: checkpoints that --resume goes on from, and models that predict.</summary>
[Collection("process settings")]
public sealed class RunFolderTests : FolderTests
{
    private readonly Stopper _never = new("never");

    public override void Dispose()
    {
        _never.Dispose();
        base.Dispose();
    }

    /// <summary>Interrupted at some steps, in the middle of epochs and folds, and gone on with, a run ends with the numbers, curves and model of one that was not.</summary>
    [Theory]
    [InlineData("recommend", "epoch 1/3", "epoch 1/3", "epoch  2/3", "epoch 3/3")]
    [InlineData("recommend-gru", "epoch 1/3", "epoch  2/3", "canary, epoch 1/3", "canary, epoch  2/3")]
    [InlineData("recommend-attention", "epoch 1/3", "epoch  2/3", "canary, epoch 1/3", "canary, epoch  2/3")]
    [InlineData("digits", "epoch 1/3", "epoch 1/3", "epoch  1/3", "epoch 2/3")]
    [InlineData("essays", "fold 1/5  epoch 1", "fold 2/5  epoch 1", "fold 2/5  epoch  1", "fold 4/5  epoch 1")]
    [InlineData("multitask", "simulated", "learners, fold 1/1")]
    [InlineData("grades", "student-sim", "fold 1/2")]
    [InlineData("behaviour", "fold 1/2  epoch 1", "fold 2/2  epoch  1", "fold 2/2  epoch 3")]
    [InlineData("generate", "epoch 1/3", "epoch  1/3", "epoch 3/3")]
    [InlineData("answer", "epoch 1/3", "epoch  1/3", "epoch 3/3")]
    [InlineData("trace", "fold 1/2  epoch 1", "fold 2/2  epoch  1", "fold 2/2  epoch 3")]
    [InlineData("trace-memory", "fold 1/1  epoch 1", "fold 1/1  epoch  2")]
    [InlineData("trace-attention", "fold 1/1  epoch 1", "fold 1/1  epoch  2")]
    [InlineData("trace-plus", "fold 1/1  epoch 1", "fold 1/1  epoch  2")]
    [InlineData("private", "fold 1/2  epoch 1", "fold 2/2  epoch  1", "fold 2/2  epoch 3")]
    [InlineData("diagnose", "epoch 1/3", "epoch  2/3", "epoch 3/3")]
    [InlineData("diagnose-canary", "epoch  1/3", "canary, epoch 1/3", "canary, epoch  2/3")]
    [InlineData("canary", "fold 1/1  epoch 1", "canary, fold 1/1  epoch 1", "canary, fold 1/1  epoch  2")]
    public void ARunThatWasInterruptedEndsAsOneThatWasNot(string what, params string[] stops)
    {
        var (task, options) = Of(what);
        IReadOnlyList<RunResult> whole = task.Run(options with { Out = Path.Combine(Folder, "whole") }, _never, default);
        options = options with { Out = Path.Combine(Folder, "parts") };
        foreach (string stop in stops)
        {
            using Stopper stopper = new(stop);
            task.Run(options, stopper, stopper.Token);
            Assert.True(stopper.Token.IsCancellationRequested, "it ended before it was stopped");
            options = options with { Resume = true };
        }
        IReadOnlyList<RunResult> parts = task.Run(options, _never, default);
        Assert.Equal(whole.Select(r => $"{r.Data} {r.Epochs} {r.Protocol}"), parts.Select(r => $"{r.Data} {r.Epochs} {r.Protocol}"));
        Assert.Equal(whole.SelectMany(r => r.Metrics), parts.SelectMany(r => r.Metrics));
        Assert.Equal(whole.SelectMany(r => r.Canary?.Scores ?? []), parts.SelectMany(r => r.Canary?.Scores ?? []));
        Assert.Equal(whole.SelectMany(r => r.Charts).SelectMany(c => c.Curves).SelectMany(c => c.Values), parts.SelectMany(r => r.Charts).SelectMany(c => c.Curves).SelectMany(c => c.Values));
        string[] models = Directory.GetFiles(Path.Combine(Folder, "whole"), "model.ckpt", SearchOption.AllDirectories);
        Assert.Equal(whole.Count, models.Length);
        foreach (string model in models)
        {
            Assert.True(File.ReadAllBytes(model).SequenceEqual(File.ReadAllBytes(Path.Combine(Folder, "parts", Path.GetRelativePath(Path.Combine(Folder, "whole"), model)))), model);
        }
    }

    [Fact]
    public void OnlyWhatWasInterruptedIsGoneOnWith()
    {
        string run = Path.Combine(Folder, "run");
        Program.Fails("give --out FOLDER", "grade", "--resume");
        Program.Fails("no such folder", "grade", "--resume", "--out", run);
        Directory.CreateDirectory(run);
        Program.Fails("no run in this folder", "grade", "--resume", "--out", run);

        using Stopper stopper = new("epoch 1/3");
        new GradeTask().Run(new() { Quick = true, Epochs = 3, Out = run }, stopper, stopper.Token);
        string[] command = ["grade", "--quick", "--epochs", "3", "--out", run];
        Program.Fails("was not finished; add --resume", command);
        Program.Fails("--epochs 3 there and 4 here", "grade", "--quick", "--epochs", "4", "--out", run, "--resume");
        Program.Fails("seed 1 there and 2 here", [.. command, "--seed", "2", "--resume"]);
        string last = Path.Combine(run, "grade", "network", "last.ckpt");
        byte[] sound = File.ReadAllBytes(last);
        File.WriteAllBytes(last, sound[..(sound.Length / 2)]);
        Program.Fails("last.ckpt", [.. command, "--resume"]);
        File.WriteAllBytes(last, sound);
        Assert.Contains("taken up after 0 epochs and 1 steps", Program.Succeeds([.. command, "--resume"]), StringComparison.Ordinal);
        Assert.DoesNotContain("taken up", Program.Succeeds(command), StringComparison.Ordinal); // a finished run gives way to a new one
        Assert.Contains("taken up after 3 epochs", Program.Succeeds([.. command, "--resume"]), StringComparison.Ordinal);
    }

    [Fact]
    public void OtherDataAreNotGoneOnWith()
    {
        WriteStudents(60);
        var (task, options) = Of("grades");
        options = options with { Out = Path.Combine(Folder, "run") };
        using Stopper stopper = new("fold 1");
        task.Run(options, stopper, stopper.Token);
        File.WriteAllText(Path.Combine(Folder, "student-sim.csv"), File.ReadAllText(Path.Combine(Folder, "student-sim.csv")).Replace("\"GP\";15", "\"GP\";16", StringComparison.Ordinal));
        var error = Assert.Throws<InvalidDataException>(() => task.Run(options with { Resume = true }, _never, default));
        Assert.EndsWith("is of another training: other data", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ItemsAreRecommendedThatALearnerHasNotTaken()
    {
        StringBuilder inter = new("user_id:token\titem_id:token\ttimestamp:float\n");
        for (int u = 0; u < 12; u++)
        {
            for (int t = 0; t < 4; t++) { inter.Append(CultureInfo.InvariantCulture, $"Zoë {u}\titem {(u + (3 * t)) % 10}\t{t}\n"); }
        }
        File.WriteAllText(Path.Combine(Folder, "x.inter"), inter.ToString());
        Program.Succeeds("recommend", "--quick", "--data", Folder, "--out", Path.Combine(Folder, "run"));
        string learners = Write("learners.csv", "user,note\nZoë 1,a\nZoë 4,b\n");
        string[][] rows = Program.Predict(Path.Combine(Folder, "run"), learners, "--top", "20");
        Assert.Equal(["user", "rank", "item", "score"], rows[0]);
        string[][] first = [.. rows.Where(r => r[0] == "Zoë 1")];
        Assert.Equal(7, first.Length); // of ten, three are in the training part
        Assert.Equal(Enumerable.Range(1, 7).Select(i => $"{i}"), first.Select(r => r[1]));
        Assert.Empty(first.Select(r => r[2]).Intersect(["item 1", "item 4", "item 7"]));
        double[] scores = [.. first.Select(r => double.Parse(r[3], CultureInfo.InvariantCulture))];
        Assert.Equal(scores.OrderDescending(), scores);
        Program.Fails("line 2: the learner 'Zoë 99' was not among", "predict", "--model", Folder + "/run/recommend", "--in", Write("who.csv", "user\nZoë 99\n"));
        Program.Fails("no column 'user' in the header", "predict", "--model", Folder + "/run/recommend", "--in", Write("who.csv", "name\nZoë 1\n"));
    }

    [Fact]
    public void ImagesAreReadAsInTheRun()
    {
        Program.Succeeds("grade", "--quick", "--epochs", "6", "--out", Path.Combine(Folder, "run"));
        ImageSet digits = Digits.Load();
        string idx = Path.Combine(Folder, "some-idx3-ubyte");
        File.WriteAllBytes(idx, [0, 0, 8, 3, 0, 0, 0, 200, 0, 0, 0, 8, 0, 0, 0, 8, .. digits.Pixels[..(200 * 64)].Select(p => (byte)MathF.Round(p * 255))]);
        string[][] rows = Program.Predict(Path.Combine(Folder, "run", "grade", "model.ckpt"), idx);
        Assert.Equal(["image", "digit", "chance", "review"], rows[0]);
        Assert.All(rows[1..], r => Assert.Contains(r[3], new[] { "yes", "no" }));
        Assert.Contains(rows[1..], r => r[3] == "no");
        Program.Fails("--explain is for essays", "predict", "--model", Path.Combine(Folder, "run"), "--in", idx, "--explain");
        Assert.InRange(rows[1..].Zip(digits.Labels).Count(p => p.First[1] == $"{p.Second}"), 180, 200);
        string png = Path.Combine(Folder, "one.png");
        new Image(8, 8, 1, [.. digits.Pixels[..64].Select(p => (ushort)MathF.Round(p * 255))]).Write(png);
        Assert.Equal(rows[1], Program.Predict(Path.Combine(Folder, "run"), png)[1]);
        new Image(9, 8, 1, new ushort[72]).Write(png);
        Program.Fails("grey images of 8x8 pixels", "predict", "--model", Path.Combine(Folder, "run"), "--in", png);
        Program.Fails("The model is of grade, learned from digits 8x8", "predict", "--model", Path.Combine(Folder, "run"), "--in", Write("x.csv", "essay\na\n"));
    }

    [Fact]
    public void EssaysAreGradedOnThePromptsScale()
    {
        var (task, options) = Of("essays");
        RunResult result = Assert.Single(task.Run(options with { Out = Path.Combine(Folder, "run"), Quick = false }, _never, default));
        string[][] rows = Program.Predict(Path.Combine(Folder, "run"), Path.Combine(Folder, "asap_prompt7.tsv"));
        Assert.Equal(["essay_id", "score", "exact", "low", "high", "review", "why"], rows[0]);
        Assert.Equal(Enumerable.Range(1, 60).Select(i => $"{i}"), rows[1..].Select(r => r[0]));
        Assert.All(rows[1..], r => Assert.Equal(int.Parse(r[1], CultureInfo.InvariantCulture), (int)Math.Round(double.Parse(r[2], CultureInfo.InvariantCulture))));
        Assert.All(rows[1..], r => Assert.InRange(int.Parse(r[1], CultureInfo.InvariantCulture), 0, 30));
        SimulatedEssays made = SimulatedEssays.Create(1, 60);
        string one = Write("first.txt", made.Set.Essays[0].Text);
        Assert.Equal(["first", .. rows[1][1..]], Program.Predict(Path.Combine(Folder, "run"), one)[1]);
        Assert.Equal(["1", .. rows[1][1..]], Program.Predict(Path.Combine(Folder, "run"), Write("own.csv", $"essay\n\"{made.Set.Essays[0].Text}\"\n"))[1]);
        Assert.All(rows[1..], r => Assert.InRange(Number(r[2]), Number(r[3]), Number(r[4])));
        Assert.All(rows[1..], r => Assert.Equal(Math.Ceiling(Number(r[3])) < Number(r[1]) - 3 || Math.Floor(Number(r[4])) > Number(r[1]) + 3, r[6].Split(", ").Contains(EssayPredictor.Wide))); // a tenth of 0..30
        Assert.All(rows[1..], r => Assert.Equal(r[6].Length > 0 ? "yes" : "no", r[5]));
        string[] twice = Program.Predict(Path.Combine(Folder, "run"), Write("twice.txt", string.Join(' ', Enumerable.Repeat("one and the same sentence .", 40))))[1];
        Assert.Equal("yes", twice[5]);
        Assert.Contains("repeats itself", twice[6], StringComparison.Ordinal);
        string[] explained = Program.Predict(Path.Combine(Folder, "run"), one, "--explain")[1];
        Assert.Equal(rows[1][1..], explained[1..7]);
        string[] parts = explained[7].Split(' ');
        Assert.Equal(10, parts.Length); // five words, each with its points
        Assert.All(parts.Chunk(2), p => Assert.Contains(p[0], EssayWords.Split(made.Set.Essays[0].Text)));
        Assert.Equal(parts.Chunk(2).Select(p => Math.Abs(Number(p[1]))).OrderDescending(), parts.Chunk(2).Select(p => Math.Abs(Number(p[1]))));
        Assert.InRange(Number(explained[8]), -0.05, 0.05);
        Assert.Equal(["empty", "", "", "", "", "yes", "no word"], Program.Predict(Path.Combine(Folder, "run"), Write("empty.txt", " "))[1]);
        Program.Fails("no column 'essay' in the header", "predict", "--model", Path.Combine(Folder, "run"), "--in", Write("own.csv", "text\na\n"));
        Program.Fails("an essay of prompt 3; this model grades prompt 7", "predict", "--model", Path.Combine(Folder, "run"), "--in", Write("own.csv", "essay,essay_set\na,3\n"));

        static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
    }

    [Fact]
    public void OutcomesAreToldByWhatIsKnown()
    {
        WriteStudents(120);
        Program.Succeeds("multitask", "--quick", "--data", Folder, "--out", Path.Combine(Folder, "run"));
        string[] lines = File.ReadAllLines(Path.Combine(Folder, "student-sim.csv"));
        string[][] all = Program.Predict(Path.Combine(Folder, "run"), Path.Combine(Folder, "student-sim.csv"));
        Assert.Equal(["row", "g3", "pass"], all[0]);
        Assert.Equal(121, all.Length);
        double[] truth = [.. lines[1..].Select(l => double.Parse(l.Split(';')[^1], CultureInfo.InvariantCulture))], told = [.. all[1..].Select(r => double.Parse(r[1], CultureInfo.InvariantCulture))];
        double error = Math.Sqrt(truth.Zip(told).Average(p => Math.Pow(p.First - p.Second, 2))), spread = Math.Sqrt(truth.Average(t => Math.Pow(t - truth.Average(), 2)));
        Assert.True(error < 0.8 * spread, $"error {error}, spread {spread}");
        Assert.All(all[1..], r => Assert.InRange(double.Parse(r[2], CultureInfo.InvariantCulture), 0, 1));
        // without the later grades, other networks tell them too
        string early = Write("early.csv", string.Join('\n', lines.Select(l => string.Join(';', l.Split(';')[..^3]))));
        Assert.Equal(["row", "g3", "g2", "g1", "pass"], Program.Predict(Path.Combine(Folder, "run"), early)[0]);
        Program.Fails("school = XX is neither 'GP' nor 'MS'", "predict", "--model", Path.Combine(Folder, "run"), "--in", Write("odd.csv", File.ReadAllText(early).Replace("\"MS\"", "\"XX\"", StringComparison.Ordinal)));
        Assert.Equal(3, Program.Predict(Path.Combine(Folder, "run"), Write("odd.csv", "school;age;studytime;absences\nGP;15;2;3\nMS;NA;2;3\n")).Length); // the mean stands in for an age
        Program.Fails("line 3: G1 is missing", "predict", "--model", Path.Combine(Folder, "run"), "--in", Write("odd.csv", "school;age;studytime;absences;G1\nGP;15;2;3;4\nMS;14;2;3;NA\n"));
        Program.Fails("no column 'age' in the header", "predict", "--model", Path.Combine(Folder, "run"), "--in", Write("odd.csv", "school;studytime;absences\nGP;2;3\n"));
    }

    [Fact]
    public void WrongModelsAreNamed()
    {
        string rows = Write("rows.csv", "user\n0\n"), run = Path.Combine(Folder, "run"), model = Path.Combine(run, "recommend", "model.ckpt");
        Program.Succeeds("recommend", "--quick", "--out", run);
        Assert.Equal(11, Program.Predict(run, rows).Length);
        Program.Fails("no such file or folder", "predict", "--model", Path.Combine(Folder, "none"), "--in", rows);
        Program.Fails("no such file", "predict", "--model", run, "--in", Path.Combine(Folder, "none"));
        Program.Fails("no model.ckpt in this folder", "predict", "--model", Path.Combine(run, "recommend", "network"), "--in", rows);
        Program.Fails("of a training that --resume goes on with", "predict", "--model", Path.Combine(run, "recommend", "network", "last.ckpt"), "--in", rows);
        Program.Fails("does not begin as a zip does", "predict", "--model", rows, "--in", rows);
        byte[] sound = File.ReadAllBytes(model);
        File.WriteAllBytes(model, sound[..(sound.Length - 1000)]);
        Program.Fails(model, "predict", "--model", run, "--in", rows);
        File.WriteAllBytes(model, sound);
        CheckpointFile saved = CheckpointFile.Load(model);
        StateDict later = new();
        foreach (string name in saved.Info.Options.Names.Where(n => n != "version")) { Copy(saved.Info.Options, name, later); }
        CheckpointFile.Save(model, saved.Info with { Options = later.Set("version", 2) }, [.. saved.Parts.Select(p => (p, (ISaveState)saved.State(p)))]);
        Program.Fails("was written as version 2, this program reads version 1", "predict", "--model", run, "--in", rows);
        File.Delete(model);
        Program.Fails("was ended before it wrote model.ckpt", "predict", "--model", run, "--in", rows);

        static void Copy(StateDict from, string name, StateDict to)
        {
            if (name is "task" or "data") { to.Set(name, from.Text(name)); }
            else if (name == "finished") { to.Set(name, from.Bool(name)); }
            else { to.Set(name, from.Long(name)); }
        }
    }

    /// <summary>A model whose sizes were changed by hand, and that vouches for them.</summary>
    [Theory]
    [InlineData("height", 0)]
    [InlineData("width", -3)]
    [InlineData("classes", int.MaxValue)]
    public void SizesThatNoModelHasAreNamed(string name, int size)
    {
        string model = Path.Combine(Folder, "model.ckpt");
        DigitNet network = new(8, 8, 10, new Rng(1));
        StateDict options = new();
        foreach (string its in (string[])["height", "width", "classes"]) { options.Set(its, its == name ? size : DigitPredictor.Sizes(network).Long(its)); }
        options.Set(ModelFile.Version, ModelFile.Newest).Set(ModelFile.Task, "grade").Set(ModelFile.Data, "digits").Set(ModelFile.Finished, true);
        CheckpointFile.Save(model, new() { Architecture = DigitPredictor.Kind, Options = options }, ("network", network));
        Program.Fails("what it says of its model and its weights do not fit together", "predict", "--model", model, "--in", Write("rows.csv", "image\n"));
    }

    private (IEducationTask, RunOptions) Of(string what)
    {
        switch (what)
        {
            case "recommend": return (new RecommendTask(), new() { Quick = true, Epochs = 3 });
            case "recommend-gru": return (new RecommendTask(), new() { Quick = true, Epochs = 3, Recommender = "gru", Canary = true, Loss = "bce" });
            case "recommend-attention": return (new RecommendTask(), new() { Quick = true, Epochs = 3, Recommender = "attention", Canary = true });
            case "digits": return (new GradeTask(), new() { Quick = true, Epochs = 3 });
            case "essays":
                SimulatedEssays made = SimulatedEssays.Create(1, 60);
                Write("asap_prompt7.tsv", "essay_id\tessay_set\tessay\tdomain1_score\n" + string.Concat(made.Set.Essays.Select(e => $"{e.Id}\t7\t{e.Text}\t{3 * e.Score}\n")));
                return (new GradeTask(), new() { Data = Folder, Prompt = 7, Epochs = 2 });
            case "behaviour": return (new BehaviourTask(), new() { Quick = true, Epochs = 3, Folds = 2 });
            case "generate": return (new GenerateTask(), new() { Quick = true, Epochs = 3 });
            case "answer": return (new AnswerTask(), new() { Quick = true, Epochs = 3 });
            case "diagnose" or "diagnose-canary": return (new DiagnoseTask(), new() { Quick = true, Epochs = 3, Canary = what.EndsWith("canary", StringComparison.Ordinal) });
            case "trace": return (new TraceTask(), new() { Quick = true, Epochs = 3, Folds = 2 });
            case "trace-memory" or "trace-attention": return (new TraceTask(), new() { Quick = true, Epochs = 3, Network = what[6..] });
            case "trace-plus": return (new TraceTask(), new() { Quick = true, Epochs = 3, Plus = new(0.1, 0.03, 3) });
            case "private": return (new TraceTask(), new() { Quick = true, Epochs = 3, Folds = 2, Privacy = new(8, NoiseSeed: 5) });
            case "canary": return (new TraceTask(), new() { Quick = true, Epochs = 3, Canary = true });
            case "multitask": return (new MultitaskTask(), new() { Quick = true, Epochs = 2 });
            default:
                WriteStudents(60);
                return (new MultitaskTask(), new() { Quick = true, Epochs = 2, Data = Folder });
        }
    }

    private void WriteStudents(int rows)
    {
        Rng rng = new(9);
        StringBuilder text = new("\"school\";\"age\";\"studytime\";\"absences\";\"G1\";\"G2\";\"G3\"\n");
        for (int r = 0; r < rows; r++)
        {
            int study = 1 + rng.Next(4), first = Math.Clamp((int)(6 + (2 * study) + (2 * rng.NextGaussian())), 0, 20), second = Math.Clamp(first + study - 2 + rng.Next(2), 0, 20);
            text.Append(CultureInfo.InvariantCulture, $"\"{(r % 3 == 0 ? "MS" : "GP")}\";{15 + rng.Next(6)};{study};{rng.Next(25)};\"{first}\";\"{second}\";{Math.Clamp(second + study - 2, 0, 20)}\n");
        }
        Write("student-sim.csv", text.ToString());
    }
}
