using System.Globalization;
using System.Text;
using System.Text.Json;
using DeepEdu.Devices;
using DeepEdu.Education.Baselines;
using DeepEdu.Education.Cli;
using DeepEdu.Education.Data;
using DeepEdu.Education.Report;
using DeepEdu.Education.Tasks;
using DeepEdu.Metrics;
using DeepEdu.Numerics;

namespace DeepEdu.Tests.Education;

/// <summary>Diagnosis from files to reports.</summary>
[Collection("process settings")]
public sealed class DiagnosisTests : FolderTests
{
    [Fact]
    public void AFolderForDiagnosisIsReadInItsParts()
    {
        Write("item.csv", "item_id,knowledge_code\n1,[4]\n2,\"[4, 7]\"\n3,[7]\n9,[5]\n");
        Write("train.csv", "user_id,item_id,score\nu,1,1\nu,2,0\nv,2,0.5\nu,1,0\n");
        Write("valid.csv", "user_id,item_id,score\nv,1,0\n");
        Write("test.csv", "user_id,item_id,score\nv,3,1\nu,2,1\nw,1,1\n");
        DiagnosisSet set = DiagnosisSet.Read(Folder, 1);
        Assert.Equal(["1", "2", "3"], set.Items);
        Assert.Equal(["4", "7"], set.Skills);
        Assert.Equal([[0], [0, 1], [1]], set.Asks);
        Assert.Equal(["u", "v", "w"], set.Learners.Select(l => l.Name));
        Assert.Equal([0, 0, 1, 1, 1, 2], set.Learner);
        Assert.Equal([0, 1, 1, 0, 2, 0], set.Item);
        Assert.Equal([true, false, true, false, true, true], set.Right); // the first answer of u to 1 and 2, though later files have others
        Assert.Equal((2, 0, true), (set.Again, set.WithoutSkill, set.Given));
        Assert.Equal([0, 1, 2], set.Parts.Train);
        Assert.Equal([3], set.Parts.Validation);
        Assert.Equal([4, 5], set.Parts.Test);
        Assert.Equal(1, set.Blind); // of w nothing was learned; of v one of the skills of item 2 was
    }

    [Fact]
    public void PartsThatAreNotGivenAreDrawn()
    {
        StringBuilder rows = new("user_id,item_id,score\n");
        for (int l = 0; l < 40; l++) { for (int i = 0; i < 10; i++) { rows.Append(CultureInfo.InvariantCulture, $"u{l},{i},{(l + i) % 2}\n"); } }
        Write("item.csv", "item_id,knowledge_code\n" + string.Concat(Enumerable.Range(0, 10).Select(i => $"{i},[{i % 3}]\n")));
        Write("train.csv", rows.ToString());
        DiagnosisSet all = DiagnosisSet.Read(Folder, 1);
        Assert.False(all.Given);
        Assert.Equal((400, 80), (all.Parts.Train.Length + all.Parts.Validation.Length + all.Parts.Test.Length, all.Parts.Test.Length));
        Assert.Equal(40, all.Parts.Validation.Length);
        Assert.All(all.Parts.Test.GroupBy(r => all.Learner[r]), g => Assert.Equal(2, g.Count()));
        Assert.Equal(all.Parts.Test, DiagnosisSet.Read(Folder, 1).Parts.Test);
        Assert.NotEqual(all.Parts.Test, DiagnosisSet.Read(Folder, 2).Parts.Test);
        Write("test.csv", "user_id,item_id,score\nnew,3,1\n");
        DiagnosisSet given = DiagnosisSet.Read(Folder, 1);
        Assert.Equal([400], given.Parts.Test);
        Assert.InRange(given.Parts.Validation.Length, 40, 60); // an eighth of ten answers a learner, drawn
        Assert.DoesNotContain(400, given.Parts.Validation);
    }

    /// <summary>A long table of one skill a row, and sequences of skills, whose learners have no names.</summary>
    [Fact]
    public void OtherFilesOfAnswersAreReadToo()
    {
        StringBuilder rows = new("student,problem_id,skill,correct,order_id\n");
        for (int l = 0; l < 12; l++)
        {
            for (int i = 0; i < 6; i++)
            {
                rows.Append(CultureInfo.InvariantCulture, $"u{l},p{i},a{i % 2},{(l + i) % 2},{i}\n");
                if (i == 3) { rows.Append(CultureInfo.InvariantCulture, $"u{l},p{i},b,{(l + i) % 2},{i}\n"); } // the item's second skill
            }
            rows.Append(CultureInfo.InvariantCulture, $"u{l},p9,,1,9\n");
        }
        DiagnosisSet set = DiagnosisSet.Read(Write("long.csv", rows.ToString()), 1);
        Assert.Equal((12, 6, 3), (set.Learners.Length, set.Items.Length, set.Skills.Length));
        Assert.Equal([1, 2], set.Asks[3]);
        Assert.Equal((12, 12), (set.Again, set.WithoutSkill));
        DiagnosisSet sequences = DiagnosisSet.Read(Write("kt.csv", string.Concat(Enumerable.Repeat("4\n5,6,5,7\n1,0,0,1\n", 10))), 1);
        Assert.Equal((10, 3, 3, 0), (sequences.Learners.Length, sequences.Items.Length, sequences.Skills.Length, sequences.Again)); // other questions of the same skill
        Assert.All(sequences.Learners, l => Assert.Equal([true, false, false, true], l.Right));
        Assert.All(sequences.Asks, a => Assert.Single(a));
    }

    [Fact]
    public void BrokenFilesAreNamed()
    {
        Fails("no such file or folder", Path.Combine(Folder, "none"));
        Fails("no train.csv with item.csv in this folder", Folder);
        Fails("no answer says which skill its item asks for", Write("x.csv", "user,item,correct\nu,q,1\n"));
        Fails("no answer to choose the epoch by of 1 answers", Write("x.csv", "user,item,skill,correct\nu,q,s,1\n"));
        Fails("line 2: an answer of 3 is outside 0..1", Write("x.csv", "user,item,skill,correct\nu,q,s,3\n"));
        Fails("no column for user", Write("x.csv", "who,item,skill,correct\nu,q,s,1\n"));
        Write("item.csv", "item_id,knowledge_code\n1,4\n");
        Write("train.csv", "user_id,item_id,score\nu,1,1\n");
        Fails("item.csv, line 2: knowledge_code 4: expected a list", Folder);
        Write("item.csv", "item_id,knowledge_code\n1,[4]\n");
        Write("train.csv", "user_id,item_id,score\nu,8,1\n");
        Fails("train.csv: item 8 is not in item.csv", Folder);
        Program.Fails("--data needs a command: recommend, grade, multitask, trace, diagnose", "--data", Folder, "--out", Folder);
        Program.Fails("--epsilon: diagnose does not train privately", "diagnose", "--epsilon", "8", "--out", Folder);

        void Fails(string expected, string data) => Program.Fails(expected, "diagnose", "--quick", "--data", data, "--out", Path.Combine(Folder, "run"));
    }

    /// <summary>The numbers of a diagnosis, by hand.</summary>
    [Fact]
    public void ScoresAreThoseOfTheTestAnswers()
    {
        Write("item.csv", "item_id,knowledge_code\n1,[4]\n2,[7]\n");
        Write("train.csv", "user_id,item_id,score\na,2,1\nb,2,0\nc,2,1\n");
        Write("valid.csv", "user_id,item_id,score\na,1,1\n");
        Write("test.csv", "user_id,item_id,score\nb,1,1\nc,1,0\nd,1,1\nd,2,1\n");
        DiagnosisSet set = DiagnosisSet.Read(Folder, 1);
        DiagnosisScores scores = new(set, new Fixed());
        Dictionary<string, double> told = scores.Scores.ToDictionary(s => s.Name, s => s.Value);
        // chances of b, c, d, d: .3 right, .2 wrong, .9 right, .4 right: every right one is above the wrong one
        Assert.Equal(1, told["auc"]);
        Assert.Equal(0.5, told["accuracy"]);
        Assert.Equal(Math.Sqrt((0.49 + 0.04 + 0.01 + 0.36) / 4), told["rmse"], 1e-12);
        Assert.Equal(-(Math.Log(0.3) + Math.Log(0.8) + Math.Log(0.9) + Math.Log(0.4)) / 4, told["log_loss"], 1e-12);
        Assert.Equal(0.5, told["doa"]); // of skill 4, b (right) is said to know less than c (wrong), d (right) more; skill 7 has one answer
        Assert.DoesNotContain("mastery_rho", told.Keys);
        Assert.DoesNotContain("auc_once", told.Keys);
        Interval interval = scores.Interval(1)!.Value;
        Assert.InRange(interval.Value, interval.Low, interval.High);
    }

    /// <summary>Every model tells more than the mean, the network what one ability cannot; and masteries and difficulties are those that were planted, the right way up.</summary>
    [Fact]
    public void TruthIsFound()
    {
        RunResult result = new DiagnoseTask().Run(new(), new NoProgress(), default)[0];
        Dictionary<string, Dictionary<string, double>> told = result.Baselines.Append((result.Model, result.Metrics)).ToDictionary(b => b.Item1, b => b.Item2.ToDictionary(s => s.Name, s => s.Value));
        Assert.Equal(["mean of the item", "mean of learner and skill", "IRT 1PL", "IRT 2PL", "IRT 3PL", "DINA", "NeuralCD"], told.Keys);
        Assert.All(told.Keys.Skip(2), name => Assert.True(told[name]["auc"] > told["mean of the item"]["auc"], name));
        Assert.True(told["NeuralCD"]["auc"] > told["IRT 2PL"]["auc"] + 0.01, $"{told["NeuralCD"]["auc"]} beside {told["IRT 2PL"]["auc"]}");
        Assert.InRange(told["NeuralCD"]["auc"], told["NeuralCD"]["auc_low"], told["NeuralCD"]["auc_high"]);
        Assert.All(new[] { "NeuralCD", "DINA" }, name => Assert.True(told[name]["mastery_rho"] > 0.5 && told[name]["doa"] > 0.55, $"{name}: {told[name]["mastery_rho"]}, {told[name]["doa"]}"));
        Assert.All(new[] { "NeuralCD", "mean of the item", "IRT 1PL", "IRT 2PL", "IRT 3PL" }, name => Assert.True(told[name]["difficulty_rho"] > 0.75, $"{name}: {told[name]["difficulty_rho"]}"));
        Assert.True(told["NeuralCD"]["mastery_rho"] > told["IRT 2PL"]["mastery_rho"] + 0.1);
    }

    [Fact]
    public void NumbersDoNotDependOnTheThreadCount()
    {
        Assert.Equal(Run(1), Run(3));

        static IEnumerable<Score> Run(int threads)
        {
            int before = DeepEduOptions.MaxThreads;
            try
            {
                DeepEduOptions.MaxThreads = threads;
                return [.. new DiagnoseTask().Run(new() { Quick = true }, new NoProgress(), default).SelectMany(r => r.Metrics)];
            }
            finally { DeepEduOptions.MaxThreads = before; }
        }
    }

    /// <summary>Saved, and used on new learners.</summary>
    [Fact]
    public void NewLearnersAreDiagnosed()
    {
        string run = Path.Combine(Folder, "run"), json = Path.Combine(Folder, "result.json"), model = Path.Combine(run, "diagnose");
        Program.Succeeds("diagnose", "--quick", "--epochs", "20", "--out", run, "--json", json);
        DiagnosisSet set = DiagnosisSet.Simulated(1, 150);
        string items = string.Concat(set.Items.Select((name, i) => $"good,{name},{(set.Asks[i].Contains(0) ? 1 : i % 2)}\nbad,{name},{(set.Asks[i].Contains(0) ? 0 : i % 2)}\n"));
        string[][] rows = Program.Predict(model, Write("new.csv", "user,item,correct\n" + items + $"one,{set.Items[0]},1\none,{set.Items[0]},0\n"));
        Assert.Equal(["learner", "skill", "answers", "mastery"], rows[0]);
        Assert.Equal(["good", "bad", "one"], rows[1..].Select(r => r[0]).Distinct());
        Assert.Equal(set.Skills, rows[1..6].Select(r => r[1]));
        Assert.Equal(set.Asks.Count(a => a.Contains(0)), int.Parse(rows[1][2], CultureInfo.InvariantCulture));
        Assert.Equal(set.Asks[0].Length, rows.Where(r => r[0] == "one").Sum(r => int.Parse(r[2], CultureInfo.InvariantCulture))); // the first answer counts
        double[] good = Mastery("good"), bad = Mastery("bad");
        Assert.True(good[0] > bad[0] + 0.2, $"{good[0]} and {bad[0]}");
        Assert.All(good, m => Assert.InRange(m, 0, 1));
        // where both answered alike they are alike, but for items that ask for both skills
        Assert.All(Enumerable.Range(1, 4), k => Assert.True(Math.Abs(good[k] - bad[k]) < 0.5 * (good[0] - bad[0]), $"skill {k}: {good[k]} and {bad[k]}"));
        Assert.Equal(rows, Program.Predict(model, Path.Combine(Folder, "new.csv")));
        Program.Fails("answer 1: the item 'q999' was not among those that the model learned", "predict", "--model", model, "--in", Write("odd.csv", "user,item,correct\nu,q999,1\n"));
        Program.Fails("--explain is for models of grade and trace", "predict", "--model", model, "--in", Path.Combine(Folder, "new.csv"), "--explain");
        string report = File.ReadAllText(Path.Combine(run, "report.html"));
        Assert.Contains("mean mastery", report, StringComparison.Ordinal);

        double[] Mastery(string learner) => [.. rows.Where(r => r[0] == learner).Select(r => double.Parse(r[3], CultureInfo.InvariantCulture))];
    }

    /// <summary>The same answers, once and twice under other names.</summary>
    [Fact]
    public void TheCanaryFailsOnDoubledRowsAndNotOnSingleOnes()
    {
        string json = Path.Combine(Folder, "result.json");
        Program.Succeeds("diagnose", "--quick", "--epochs", "15", "--canary", "--data", Write("clean.csv", Rows(doubled: false)), "--out", Path.Combine(Folder, "clean"), "--json", json);
        Assert.False(Canary().GetProperty("leaks").GetBoolean());
        using StringWriter output = new(), error = new();
        Assert.Equal(3, App.Run(["diagnose", "--quick", "--epochs", "15", "--canary", "--data", Write("doubled.csv", Rows(doubled: true)), "--out", Path.Combine(Folder, "doubled"), "--json", json], output, error));
        string line = Assert.Single(error.ToString().TrimEnd().Split('\n'));
        Assert.StartsWith("diagnose, doubled: answers leak: auc 0.", line, StringComparison.Ordinal);
        Assert.Contains("alike in", line, StringComparison.Ordinal);
        Assert.True(Canary().GetProperty("leaks").GetBoolean());

        JsonElement Canary()
        {
            using JsonDocument result = JsonDocument.Parse(File.ReadAllBytes(json));
            JsonElement root = result.RootElement;
            return (root.ValueKind == JsonValueKind.Array ? root[0] : root).GetProperty("canary").Clone();
        }

        // each item asks for one of many skills, so that an answer says little of others but its double
        static string Rows(bool doubled)
        {
            Rng rng = new(2);
            StringBuilder rows = new("user,item,skill,correct\n");
            for (int l = 0; l < 200; l++)
            {
                foreach (int i in rng.Permutation(12))
                {
                    int right = rng.Next(2);
                    rows.Append(CultureInfo.InvariantCulture, $"u{l},q{i},s{i},{right}\n");
                    if (doubled) { rows.Append(CultureInfo.InvariantCulture, $"u{l},q{i}b,s{i},{right}\n"); }
                }
            }
            return rows.ToString();
        }
    }

    [DataFact("kt-assist2009-updated")]
    public void SkillsOfRealLearnersAreItems()
    {
        DiagnosisSet set = DiagnosisSet.Read(Path.Combine(DataFactAttribute.Folder("kt-assist2009-updated"), "assist2009_updated_train.csv.gz"), 1);
        Assert.Equal(set.Items, set.Skills);
        Assert.InRange(set.Items.Length, 100, 124);
        Assert.True(set.Repeated.Pairs.Length > 0 && set.Again == 0 && set.Blind < set.Parts.Test.Length / 10);
        RunResult result = new DiagnoseTask().Run(new() { Data = Path.Combine(DataFactAttribute.Folder("kt-assist2009-updated"), "assist2009_updated_train.csv.gz"), Epochs = 3 }, new NoProgress(), default)[0];
        Assert.InRange(result.Metrics[0].Value, 0.6, 0.9);
    }

    /// <summary>Tells b .3, c .2, d .9 of the item named 1 and .4 of the one named 2, and orders them c, b, d.</summary>
    private sealed class Fixed : IDiagnoser
    {
        public string Name => "fixed";

        public double Chance(int learner, int item) => learner == 1 ? 0.3 : learner == 2 ? 0.2 : item == 1 ? 0.9 : 0.4; // by place: the item named 2 is read first

        public double? Mastery(int learner, int skill) => learner == 1 ? 0.4 : learner == 2 ? 0.5 : 0.6;

        public double? Difficulty(int item) => null;
    }
}
