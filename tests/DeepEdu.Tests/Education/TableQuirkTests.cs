using System.Globalization;
using System.Text;
using DeepEdu.Data;
using DeepEdu.Education.Cli;
using DeepEdu.Education.Data;

namespace DeepEdu.Tests.Education;

/// <summary>Tables as they come out of other programs: what is read of them is right, or what is taken otherwise is said.</summary>
[Collection("process settings")]
public sealed class TableQuirkTests : FolderTests
{
    /// <summary>One learner in two spellings would be learned from and tested.</summary>
    [Fact]
    public void SpacesAroundANameMakeNoOtherLearner()
    {
        Assert.Equal(["bo", "ada"], EventReader.Read(Write("x.csv", "user_id,item_id,correct\nbo,q1,1\n bo,q2,0\nada,q1,1\nbo ,q3,1\n")).Learners.Select(l => l.Learner));
        Write("events.csv", "user, week ,event,count \nbo,1,click,3\nbo ,2,click,1\n");
        Write("learners.csv", "user , left, group\n bo,9,f\nada,,m\n");
        BehaviourLog log = BehaviourReader.Read(Folder);
        Assert.Equal(["bo", "ada"], log.Learners.Select(l => l.Name));
        Assert.Equal([3f, 1f], log.Learners[0].Counts);
        Assert.Equal((8, "m"), (log.Learners[0].Left, Assert.Single(log.Learners[1].Groups)));
    }

    [Fact]
    public void ColumnsAreFoundWhateverTheirCase()
    {
        string rows = "User_ID, Item_ID ,Skill_ID,Correct,Timestamp\nbo,q1,a,1,2\nbo,q2,b,0,1\n";
        Answer[] answers = Assert.Single(EventReader.Read(Write("x.csv", rows)).Learners).Answers;
        Assert.Equal(["q2", "q1"], answers.Select(a => a.Item));
        Assert.Equal(["q2", "q1"], Assert.Single(EventReader.Read(Write("x.csv", rows), EventColumns.Parse("time=TIMESTAMP")).Learners).Answers.Select(a => a.Item));
        Assert.Contains("no column for user", Assert.Throws<DataException>(() => EventReader.Read(Write("y.csv", "USER,User,item,correct\na,b,q,1\n"))).Message, StringComparison.Ordinal); // which of the two?
    }

    /// <summary>Other programs write whole numbers so where the column had a gap; 10.5 would be the fifth of October.</summary>
    [Fact]
    public void TimesAreNumbersBeforeTheyAreDates()
    {
        string Rows(params string[] times) => "user_id,item_id,correct,timestamp\n" + string.Concat(times.Select((t, i) => $"bo,q{i},1,{t}\n"));
        Assert.Equal([900L, 1180L, 1_700_000_000_000L], Assert.Single(EventReader.Read(Write("x.csv", Rows("1180.0", "900.0", "1.7e12"))).Learners).Answers.Select(a => a.Time!.Value));
        Assert.Contains("line 2: a time of 10.5: fractions are not read", Assert.Throws<DataException>(() => EventReader.Read(Write("y.csv", Rows("10.5", "2.1")))).Message, StringComparison.Ordinal);
        Assert.Contains("line 3: of the learner 'bo' some rows have a time and others have none", Assert.Throws<DataException>(() => EventReader.Read(Write("z.csv", Rows("3", "", "1")))).Message, StringComparison.Ordinal);
        Assert.Equal(["q0", "q1"], Assert.Single(EventReader.Read(Write("none.csv", Rows("", ""))).Learners).Answers.Select(a => a.Item)); // as they stand
    }

    /// <summary>Items and skills are often both numbers.</summary>
    [Fact]
    public void AnItemWithoutASkillIsNoSkillOfTheSameName()
    {
        StringBuilder rows = new("user_id,item_id,skill_id,correct\n");
        for (int u = 0; u < 5; u++) { rows.Append(CultureInfo.InvariantCulture, $"u{u},1,7,1\nu{u},7,,0\nu{u},9,,1\nu{u},,,\n"); }
        string path = Write("x.csv", rows.ToString());
        TracingSet set = TracingSet.Read(path, 1);
        Assert.Equal(["7", "item 7", "9"], set.Skills);
        Assert.All(set.Learners, l => Assert.Equal([0, 1, 2], l.Skills));
        Assert.Equal(["x: 5 rows without a learner or an answer are passed over", "10 of 15 answers name no skill; each of their items is taken for a skill of its own"], set.Notes);
        Assert.All(TracingSet.Read(path, set.Skills), l => Assert.Equal([0, 1, 2], l.Skills)); // of a saved model too
        Assert.Empty(TracingSet.Read(Write("y.csv", "user_id,item_id,correct\n" + string.Concat(Enumerable.Range(0, 10).Select(i => $"u{i / 2},q{i % 2},1\n"))), 1).Notes); // items alone are skills
    }

    /// <summary>Names with an underscore are taken apart, which nobody sees in a number.</summary>
    [Fact]
    public void ADiagnosisSaysWhichSkillsAnItemAsksFor()
    {
        string path = Write("x.csv", "user_id,item_id,skill,correct\n" + string.Concat(Enumerable.Range(0, 100).Select(i => $"u{i / 10},q{i % 10},{(i % 10 < 4 ? "unit_1" : "b")},{i / 10 % 2}\n")));
        Assert.Equal(["4 of 10 items ask for several skills, such as q0 for 'unit' and '1'"], DiagnosisSet.Read(path, 1).Notes);
    }

    /// <summary>A blank beside a name makes no other learner or item of it, as in a long table.</summary>
    [Fact]
    public void NamesAreTrimmedInEveryKindOfFile()
    {
        LearnerLog log = SequenceReader.Read(Write("seq.csv", "ann ,2\n q1,q2 \n a _ b ,a\n1,0\n1,2\n1,1\n ann,1\nq1 \nb\n1\n1\n1\n"));
        Assert.Equal(["ann", "ann"], log.Learners.Select(l => l.Learner));
        Assert.Equal(["q1", "q2", "q1"], log.Learners.SelectMany(l => l.Answers).Select(a => a.Item));
        Assert.Equal(["a", "b", "a", "b"], log.Learners.SelectMany(l => l.Answers).SelectMany(a => a.Skills));
        Write("n.inter", " user_id :token\titem_id:token \ttimestamp:float\n ann\tx \t1\nann \ty\t2\nann\tx\t3\n");
        Interactions data = AtomicReader.Read(Folder, seed: 1);
        Assert.Equal(["ann"], data.UserNames!);
        Assert.Equal(["x", "y"], data.ItemNames!);
    }

    /// <summary>Times from 0 to 1, as some programs scale them, are all alike in whole seconds.</summary>
    [Fact]
    public void FractionsOfASecondSayWhichItemIsTheLast()
    {
        const string head = "user_id:token\titem_id:token", rows = "\na\tx\t.9\na\ty\t.2\na\tz\t.5\nb\ty\t.1\nb\tz\t.3\nb\tx\t.2\n";
        Write("s.inter", $"{head}\ttimestamp:float{rows}");
        Interactions data = AtomicReader.Read(Folder, seed: 1);
        Assert.Equal([0, 2], data.Test); // x, y, z are 0, 1, 2
        Assert.Equal([1, 2], data.InOrder().Past![0]);
        Assert.Empty(data.Notes);
        Write("s.inter", $"{head}\trating:float{rows}");
        Assert.Equal([2, 0], AtomicReader.Read(Folder, seed: 1).Test);
        Assert.Contains("has no column timestamp:float: the last line of a user is taken for its last item", Assert.Single(AtomicReader.Read(Folder, seed: 1).Notes), StringComparison.Ordinal);
    }

    [Fact]
    public void AnEssayInTwoPartsOfAFoldIsRefused()
    {
        Write("asap_prompt1.tsv", "essay_id\tessay_set\tessay\tdomain1_score\n" + string.Concat(Enumerable.Range(1, 5).Select(i => $"{i}\t1\tsome words\t{i + 2}\n")));
        foreach (var (part, ids) in new[] { ("train", "1\n2\n"), ("dev", "3\n"), ("test", "4\n5\n2\n") }) { Write($"folds_fold_0.{part}_ids.txt", ids); }
        Assert.Contains("essay 2 stands in two of the train, dev and test ids of fold 0", Assert.Throws<DataException>(() => AsapReader.Read(Folder, 1)).Message, StringComparison.Ordinal);
    }

    /// <summary>The run that trains can be told which column is what, as <c>data</c> can.</summary>
    [Fact]
    public void ARunTakesColumnsByTheirNames()
    {
        string rows = Write("x.csv", "pupil,task,about,right\n" + string.Concat(Enumerable.Range(0, 200).Select(i => $"u{i / 10},q{i % 10},s{i % 3},{i * 7 % 5 % 2}\n"))), runs = Path.Combine(Folder, "runs"), columns = "user=pupil,item=task,skills=about,correct=right";
        Program.Fails("no column for user; name it with --columns user=COLUMN, or call it user_id", "trace", "--data", rows);
        foreach (string command in new[] { "trace", "diagnose" })
        {
            Assert.Contains("x: 20 learners, 200 answers", Program.Succeeds(command, "--data", rows, "--columns", columns, "--quick", "--epochs", "1", "--out", Path.Combine(runs, command)), StringComparison.Ordinal);
        }
        Assert.Equal(1 + (20 * 3), Program.Predict(Path.Combine(runs, "trace", "trace"), rows, "--columns", columns).Length);
        Assert.Equal(1 + (20 * 3), Program.Predict(Path.Combine(runs, "diagnose", "diagnose"), rows, "--columns", columns).Length);
        Program.Fails("expected ROLE=COLUMN", "trace", "--data", rows, "--columns", "pupil");
        Program.Fails("--columns: names those of a long table; give it by --data", "trace", "--columns", columns);
        Program.Fails("--columns: is of long tables", "trace", "--data", Write("seq.csv", "2\na,b\n1,0\n"), "--columns", columns);
    }

    [Fact]
    public void MoreFoldsThanThereAreIsSaid()
        => Assert.Contains("--folds 9: there are 5, and all of them are taken", Program.Succeeds("trace", "--quick", "--epochs", "1", "--folds", "9", "--out", Folder), StringComparison.Ordinal);
}
