using System.Globalization;
using System.Text;
using DeepEdu.Data;
using DeepEdu.Devices;
using DeepEdu.Education.Baselines;
using DeepEdu.Education.Data;
using DeepEdu.Education.Data.Simulated;
using DeepEdu.Education.Models;
using DeepEdu.Education.Report;
using DeepEdu.Education.Tasks;
using DeepEdu.Metrics;
using DeepEdu.Numerics;

namespace DeepEdu.Tests.Education;

/// <summary>Behaviour: what is seen and what is told lie in different weeks, numbers follow their definitions, and the planted cause is found.</summary>
[Collection("process settings")]
public sealed class BehaviourTests : FolderTests
{
    /// <summary>A learner who left while it was observed shows that by silence: such rows would be told too well.</summary>
    [Fact]
    public void WhoLeftBeforeIsNotToldAndLaterWeeksAreNotSeen()
    {
        BehaviourLog log = new("x", ["a"], [new("early", [], [1, 0, 0, 0], 1), new("late", [], [1, 2, 3, 4], 2), new("stays", [], [5, 6, 7, 8], null)]) { Test = [0, 2] };
        BehaviourLog seen = log.Observed(2);
        Assert.Equal(["late", "stays"], seen.Learners.Select(l => l.Name));
        Assert.Equal([1, 2, 5, 6], seen.Learners.SelectMany(l => l.Counts));
        Assert.Equal([1], seen.Test!);
        Assert.Contains("--weeks 9, but there are 4", Assert.Throws<DataException>(() => log.Observed(9)).Message, StringComparison.Ordinal);
        Assert.Contains("0 leave later", Assert.Throws<DataException>(() => log.Observed(3)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ALearnerOfSeveralCoursesIsInOnePart()
    {
        BehaviourLog log = new("x", ["a"], [.. Enumerable.Range(0, 40).Select(i => new ObservedLearner($"u{i % 20}", [], [i], i % 3 == 0 ? 1 : null))]);
        foreach (Split fold in log.Folds(1)) { Apart(fold); }
        Split given = Assert.Single((log with { Test = [20, 21, 22] }).Folds(1));
        Assert.Equal([20, 21, 22], given.Test);
        Apart(given);
        Assert.Equal(34, given.Train.Length + given.Validation.Length);

        static void Apart(Split fold) => Assert.Equal(3, new[] { fold.Train, fold.Validation, fold.Test }.Count(part => !part.Select(l => l % 20).Intersect(new[] { fold.Train, fold.Validation, fold.Test }.Where(p => p != part).SelectMany(p => p).Select(l => l % 20)).Any()));
    }

    [Fact]
    public void NumbersAreThoseOfTheirDefinitions()
    {
        // of twenty learners the first four leave, in the weeks 3, 4, 5 and 6
        BehaviourLog log = new("x", ["a"], [.. Enumerable.Range(0, 20).Select(l => new ObservedLearner($"{l}", [l < 10 ? "g" : "h"], [0, 0], l < 4 ? 2 + l : null))]) { GroupNames = ["half"] };
        RiskScores scores = new(log, "x");
        scores.Add([.. Enumerable.Range(0, 20)], [0.9, 0.2, 0.5, 0.1, 0.8, .. Enumerable.Repeat(0.05, 15)]);
        // the two highest are learner 0, who leaves, and 4, who stays
        Assert.Equal(0.25, Value("caught@10%"), 1e-12);
        Assert.Equal(0.5 / 0.2, Value("lift@10%"), 1e-12);
        Assert.Equal(1, Value("lead_weeks"), 1e-12); // weeks 1 and 2 are seen, it leaves in the third
        Assert.Equal((0.01 + 0.64 + 0.25 + 0.81 + 0.64 + (15 * 0.0025)) / 20, Value("brier"), 1e-12);
        Assert.Equal((64 - 3) / 64.0, Value("roc_auc"), 1e-12); // learner 4 stands before three of those who leave
        Assert.Equal((1 + (2 / 3.0) + (3 / 4.0) + (4 / 5.0)) / 4, Value("pr_auc"), 1e-12);
        Assert.Equal([0, 4], scores.Told().Where(t => t.Watched == 1).Select(t => t.Learner));
        ReportTable groups = Assert.Single(new GroupGaps(log, scores.Told(), 1).Tables(), t => t.Title == "By group");
        Assert.Equal([["half", "g", "10", "0.4000", "0.2750", "0.2000", "0.2500", "0.1667", "0.8750"], ["half", "h", "10", "0.0000", "0.0500", "0.0000", "NaN", "0.0000", "NaN"]], groups.Rows);
        RiskScores guess = new(log, "guess");
        guess.Add([.. Enumerable.Range(0, 20)], Enumerable.Repeat(0.2, 20));
        Assert.Equal([("pr_auc", 0.2), ("roc_auc", 0.5), ("lift@10%", 1), ("caught@10%", 0.1), ("lead_weeks", 2.5)], guess.Scores[..5].Select(s => (s.Name, Math.Round(s.Value, 12))));

        double Value(string name) => scores.Scores.Single(s => s.Name == name).Value;
    }

    /// <summary>Of 60 learners in two groups one group is watched twice as often, leaves as often, and is told as well; a third group is too small for differences.</summary>
    [Fact]
    public void DifferencesBetweenGroupsAreMeasured()
    {
        string[] groups = [.. Enumerable.Range(0, 605).Select(l => l >= 600 ? "few" : l % 2 == 0 ? "a" : "b")];
        BehaviourLog log = new("x", ["n"], [.. Enumerable.Range(0, 605).Select(l => new ObservedLearner($"{l}", [groups[l]], [0], l % 6 < 2 ? 3 : null))]) { GroupNames = ["school"] };
        // a third of each group leaves; of a, 60 of 100 who leave and 20 of 200 who stay are watched, of b 30 and 10
        GroupGaps gaps = new(log, Enumerable.Range(0, 605).Select(l => (l, Risk: l % 6 < 2 ? 0.8 : 0.1, Watched: Watched(l) ? 1.0 : 0)), 1);
        var found = gaps.Gaps(0).ToDictionary(g => g.Measure, g => g.Gap);
        Interval parity = found["watched (demographic parity)"], odds = found["watched of those who leave or stay (equalised odds)"];
        Assert.Equal((80 / 300.0) - (40 / 300.0), parity.Value, 1e-12);
        Assert.Equal(0.3, odds.Value, 1e-12);
        Assert.Equal(new(0, 0, 0), found["roc_auc"]);
        Assert.True(parity.Low > 0.03 && parity.Low < parity.Value && parity.High > parity.Value && parity.High < 0.25, $"{parity}");
        ReportTable[] tables = [.. gaps.Tables()];
        Assert.Equal(["a", "b", "few"], tables[0].Rows.Select(r => r[1]));
        Assert.Equal(["undecided", "beyond", "within"], tables[1].Rows.Select(r => r[5]));
        Assert.Equal("all", Assert.Single(Assert.Single(new GroupGaps(log with { GroupNames = [] }, [(0, 0.5, 1), (2, 0.4, 0)], 1).Tables()).Rows)[1]);

        bool Watched(int l) => l < 600 && (l % 6 < 2 ? l / 6 % 100 < (l % 2 == 0 ? 60 : 30) : l / 6 % 100 < (l % 2 == 0 ? 10 : 5));
    }

    [Fact]
    public void ThePlantedCauseIsFound()
    {
        SimulatedBehaviour made = SimulatedBehaviour.Create(1, 1500);
        BehaviourLog log = made.Log.Observed(8);
        Split fold = log.Folds(1)[0];
        RiskTrainer trainer = new(log, fold, new(10, 32, 1));
        trainer.Fit("", new NoProgress(), default);
        Dictionary<string, float[]> drives = made.Log.Learners.Zip(made.Drive).ToDictionary(p => p.First.Name, p => p.Second);
        double truth = Area([.. fold.Test.Select(l => -(double)drives[log.Learners[l].Name][7])]), found = Area([.. trainer.Predict(fold.Test).Risks.Select(r => (double)r)]);
        double clicks = Area([.. fold.Test.Select(l => -(double)log.Learners[l].Counts.Sum())]);
        Assert.True(truth > 0.7 && found > clicks + 0.05, $"hidden drive {truth}, network {found}, all clicks {clicks}");

        double Area(double[] risks) => RocAuc.Of(risks, [.. fold.Test.Select(l => log.Learners[l].Left is not null)]);
    }

    [Fact]
    public void NumbersDoNotDependOnTheThreadCountButOnTheSeed()
    {
        RunResult one = Run(1, 1), two = Run(1, 2), other = Run(2, 2);
        Assert.Equal(one.Metrics, two.Metrics);
        Assert.Equal(one.Tables.SelectMany(t => t.Rows).SelectMany(r => r), two.Tables.SelectMany(t => t.Rows).SelectMany(r => r));
        Assert.NotEqual(one.Metrics, other.Metrics);

        static RunResult Run(ulong seed, int threads) => Program.Run(new BehaviourTask(), new() { Quick = true, Seed = seed }, threads);
    }

    [Fact]
    public void LogisticRegressionFindsItsRule()
    {
        Rng rng = new(5);
        float[][] rows = [.. Enumerable.Range(0, 4000).Select(_ => new[] { rng.NextGaussian(), rng.NextGaussian() })];
        bool[] yes = [.. rows.Select(r => rng.NextDouble() < 1 / (1 + Math.Exp(1 - (2 * r[0]) + r[1])))];
        Logistic logistic = new(2, rows, yes, 1e-3);
        foreach (float[] row in new[] { new float[] { 0, 0 }, [1, 0], [0, 1], [1, 1] })
        {
            Assert.Equal(1 / (1 + Math.Exp(1 - (2 * row[0]) + row[1])), logistic.Chance(row), 0.05); // about five standard errors of 4000 rows
        }
        Assert.InRange(new Logistic(1, [[0], [1], [2], [3]], [false, false, true, true], 0.1).Chance([3]), 0.9, 1); // rows that a line tells apart
    }

    [Fact]
    public void GroupsAreFarApart()
    {
        float[][] vectors = [.. Enumerable.Range(0, 60).Select(i => new float[] { (i % 3 * 10) + (0.1f * (i % 7)), i % 3 })];
        int[] groups = KMeans.Groups(vectors, 3, new Rng(1));
        for (int i = 3; i < 60; i++) { Assert.Equal(groups[i % 3], groups[i]); }
        Assert.Equal(3, groups.Distinct().Count());
        Assert.Equal([0, 0], KMeans.Groups([[1], [1]], 2, new Rng(1)));
    }

    [Fact]
    public void TablesOfEventsAreReadAndToldOf()
    {
        WriteCourse(60);
        string run = Path.Combine(Folder, "run");
        Program.Succeeds("behaviour", "--quick", "--data", Folder, "--weeks", "3", "--out", run);
        string[][] rows = Program.Predict(run, Write("new.csv", "user,week,event,count\nAnna,1,video,9\nAnna,3,quiz,2\nBo,,,\nAnna,7,quiz,50\n"));
        Assert.Equal(["learner", "risk"], rows[0]);
        string report = File.ReadAllText(Path.Combine(run, "report.html"));
        Assert.Contains("<td>group</td><td>a</td>", report, StringComparison.Ordinal);
        Assert.Contains("What the network looks at", report, StringComparison.Ordinal);
        Assert.Equal(["Anna", "Bo"], rows[1..].Select(r => r[0]));
        Assert.All(rows[1..], r => Assert.InRange(double.Parse(r[1], CultureInfo.InvariantCulture), 0, 1));
        Assert.Equal(rows[1][1], Program.Predict(run, Write("same.csv", "user,week,event\nAnna,3,quiz\nAnna,3,quiz\n" + string.Concat(Enumerable.Repeat("Anna,1,video\n", 9))))[1][1]);
        Program.Fails("line 2: the event 'chat' is not one that the model learned from: quiz, video", "predict", "--model", run, "--in", Write("odd.csv", "user,week,event\nAnna,1,chat\n"));
        Program.Fails("line 2: week 0; weeks count from 1", "predict", "--model", run, "--in", Write("odd.csv", "user,week,event\nAnna,0,quiz\n"));
        foreach (int week in new[] { 1001, 20240105, 2_000_000_000 })
        {
            Program.Fails($"line 2: week {week}; weeks count from 1, up to 1000", "predict", "--model", run, "--in", Write("odd.csv", $"user,week,event\nAnna,{week},quiz\n"));
        }
        Program.Fails("line 3: count -2 is negative", "predict", "--model", run, "--in", Write("odd.csv", "user,week,event,count\nAnna,1000,quiz,0\nAnna,1,quiz,-2\n"));
        Program.Fails("no column 'week' in the header", "predict", "--model", run, "--in", Write("odd.csv", "user,event\nAnna,quiz\n"));
        File.AppendAllText(Path.Combine(Folder, "events.csv"), "nobody,1,quiz\n");
        Program.Fails("the learner 'nobody' is not in", "behaviour", "--data", Folder);
        Write("learners.csv", "user,left\nu0,0\n");
        Program.Fails("line 2: left in week 0", "behaviour", "--data", Folder);
        File.Delete(Path.Combine(Folder, "events.csv"));
        Program.Fails("neither events.csv with learners.csv nor the tables of OULAD", "behaviour", "--data", Folder);
    }

    /// <summary>Of assessments: one is handed in late, one never, one is taken over from another year and one is an exam without a day.</summary>
    [Theory]
    [InlineData("student.csv", "student_registration.csv", "student_assessment.csv", "assessment.csv", "FALSE", "TRUE")]
    [InlineData("studentInfo.csv", "studentRegistration.csv", "studentAssessment.csv", "assessments.csv", "0", "1")]
    public void OuladBecomesWeeks(string students, string registrations, string submissions, string assessments, string no, string yes)
    {
        Write(assessments, "code_module,code_presentation,id_assessment,assessment_type,date,weight\nA,2013J,1,TMA,8,10\nA,2013J,2,TMA,16,10\nA,2013J,3,Exam,,100\nA,2014B,4,TMA,0,10\n");
        Write(students, "code_module,code_presentation,id_student,gender\nA,2013J,7,F\nA,2013J,8,M\nA,2014B,8,M\n");
        Write(registrations, "code_module,code_presentation,id_student,date_registration,date_unregistration\nA,2013J,7,-9,\nA,2013J,8,-9,30\nA,2014B,8,-9,-2\n");
        Write(submissions, $"id_assessment,id_student,date_submitted,is_banked,score\n1,7,15,{no},80\n4,8,-1,{yes},90\n2,7,16,{no},\n");
        Assert.True(OuladReader.IsHere(Folder));
        BehaviourLog log = OuladReader.Read(Folder);
        Assert.Equal(["due", "submitted", "score", "late", "missed"], log.Kinds);
        Assert.Equal([0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 2, 0.8f, 1, 0], log.Learners[0].Counts[..15]);
        Assert.Equal([0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0, 0, 1], log.Learners[1].Counts[..15]);
        Assert.All(log.Learners[2].Counts, count => Assert.Equal(0, count)); // neither due nor missed
        Assert.Equal([null, 4, -1], log.Learners.Select(l => l.Left)); // the last left before the start
        Assert.Equal([2], log.Test!);
        Assert.Equal(["gender"], log.GroupNames);
        Assert.Equal(["F", "M", "M"], log.Learners.Select(l => Assert.Single(l.Groups)));
        File.Delete(Path.Combine(Folder, assessments));
        Program.Fails("no file assessments*.csv or assessment.*csv", "behaviour", "--data", Folder);
    }

    [DataFact("oulad")]
    public void OuladBeatsAGuess()
    {
        RunResult result = Assert.Single(new BehaviourTask().Run(new() { Data = DataFactAttribute.Folder("oulad"), Epochs = 4 }, new NoProgress(), default));
        Assert.InRange(result.Metrics[0].Value, 0.25, 0.5); // a guess has .165
    }

    private void WriteCourse(int learners)
    {
        StringBuilder events = new("user,week,event\n"), people = new("user,left,group\n");
        for (int l = 0; l < learners; l++)
        {
            bool leaves = l % 4 == 0;
            people.Append(CultureInfo.InvariantCulture, $"u{l},{(leaves ? "5" : "")},{(l % 2 == 0 ? "a" : "b")}\n");
            for (int w = 1; w <= 6; w++) { events.Append(CultureInfo.InvariantCulture, $"u{l},{w},video\n{(leaves && w > 1 ? "" : $"u{l},{w},quiz\n")}"); }
        }
        Write("events.csv", events.ToString());
        Write("learners.csv", people.ToString());
    }
}
