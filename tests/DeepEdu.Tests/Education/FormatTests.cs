using System.Text;
using DeepEdu.Education.Data;

namespace DeepEdu.Tests.Education;

/// <summary>The formats of the field on generated files, and on real ones where they are.</summary>
public sealed class FormatTests : FolderTests
{
    /// <summary>Answers take many times the room of their file.</summary>
    [Fact]
    public void ACardOfAnswersKeepsNoLearner()
    {
        List<WeakReference> learners = [];
        string[] card = DataCard.Answers("kt", Made());
        Assert.Equal(["kt: 60 learners, 120 answers, 60 items, 2 skills", "right: 50.0 %; answers a learner: 2..2, median 2"], card[..2]);

        IEnumerable<LearnerSequence> Made()
        {
            for (int l = 0; l < 60; l++)
            {
                if (l == 50)
                {
                    GC.Collect();
                    Assert.InRange(learners.Count(w => w.IsAlive), 0, 5);
                }
                yield return One(l);
            }
        }

        LearnerSequence One(int l)
        {
            LearnerSequence made = new($"{l}", null, [new($"q{l}", ["a"], 1), new($"q{l}", ["b"], 0)]);
            learners.Add(new(made.Answers));
            return made;
        }
    }

    [Theory]
    [InlineData("utf-8", false)]
    [InlineData("utf-8", true)]
    [InlineData("utf-16", true)]
    [InlineData("utf-16", false)]
    [InlineData("utf-16be", true)]
    [InlineData("utf-16be", false)]
    [InlineData("latin1", false)]
    public void EveryEncodingIsFoundOut(string name, bool mark)
    {
        Encoding encoding = name switch
        {
            "utf-8" => new UTF8Encoding(mark),
            "utf-16" => new UnicodeEncoding(false, mark),
            "utf-16be" => new UnicodeEncoding(true, mark),
            _ => Encoding.Latin1,
        };
        string path = Write("x.csv", "école;größe\nzoë;1.5\n", encoding);
        foreach (Encoding? given in new[] { null, TextSource.EncodingOf(name) })
        {
            TypedTable table = TypedTable.Read(path, TableFormat.Semicolon with { Encoding = given });
            Assert.Equal(["école", "größe"], table.Columns.Select(c => c.Name));
            Assert.Equal<IEnumerable<string?>>(["zoë"], table["école"].Names);
            Assert.Equal([1.5f], table["größe"].Numbers!);
        }
        Assert.Contains("take utf-8, latin1", Assert.Throws<DataException>(() => TextSource.EncodingOf("klingon")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void BytesThatAreNoUtf8AreNamed()
    {
        string path = Path.Combine(Folder, "late.csv");
        File.WriteAllBytes(path, [.. Encoding.ASCII.GetBytes("a,b\n" + string.Concat(Enumerable.Repeat("1,2\n", 30_000))), 0xE9, (byte)',', (byte)'1', (byte)'\n']);
        Assert.Contains("give --encoding", Assert.Throws<DataException>(() => TextTable.Rows(path, TableFormat.Comma with { Encoding = TextSource.EncodingOf("utf-8") }).Count()).Message, StringComparison.Ordinal);
        Assert.Equal("é", TextTable.Rows(path, TableFormat.Comma).Last().Fields[0]); // found out, however far into the file it stands
    }

    [Fact]
    public void ColumnsAreTypedAndMissingValuesKnown()
    {
        TypedTable table = TypedTable.Read(Write("x.csv", "name,points,note\n\"Ann, B.\",1.5,\"two\nlines\"\n,NA,?\n\nBo,2,\"say \"\"hi\"\"\"\n"), TableFormat.Comma);
        Assert.Equal<IEnumerable<string?>>(["Ann, B.", null, "Bo"], table["name"].Names);
        Assert.Equal([1.5f, float.NaN, 2], table["points"].Numbers!);
        Assert.Equal<IEnumerable<string?>>(["two\nlines", null, "say \"hi\""], table["note"].Names);
        Assert.Equal(1, table["points"].Missing);
        Assert.Equal([2, 4, 6], table.Lines); // the second record is two lines, a blank line follows the third
        Assert.Contains("no column 'grade'", Assert.Throws<DataException>(() => table["grade"]).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a,b\n1,2\n3\n", "line 3: 1 fields, the header has 2")]
    [InlineData("a,a\n1,2\n", "line 1: the header names 'a' twice")]
    [InlineData("a,b\n1,\"x\ny,2\n", "line 2: a quote is never closed")]
    [InlineData("a,b\n1,2\n1,x\"y\"z\n", "line 3: a quote inside a field")]
    [InlineData("a,b\n1,2\nx,2\n", "line 3: 'x' is not a number")]
    [InlineData("", "the file is empty")]
    [InlineData("a,b\n", "a header but no rows")]
    public void TableErrorsNameTheLine(string text, string expected) =>
        Assert.Contains(expected, Assert.Throws<DataException>(() => TypedTable.Read(Write("x.csv", text), TableFormat.Comma)).Message, StringComparison.Ordinal);

    [Fact]
    public void LongTablesBecomeSequences()
    {
        string path = Write("long.csv", "user_id,item_id,skill_ids,correct,timestamp,duration,attempt,hint,group\nbo,q2,add;carry,1,300,12.5,1,0,3b\nada,q1,add,0,100,,2,1,3a\nbo,q1,add,true,200,3,1,0,3b\n,q9,add,1,1,1,1,1,x\nbo,q3,,,400,1,1,1,3b\n");
        LearnerLog log = EventReader.Read(path);
        Assert.Equal(("long", 3, 2, 2), (log.Name, log.Answers, log.Items, log.Skills));
        Assert.Equal(["bo", "ada"], log.Learners.Select(l => l.Learner));
        Assert.Equal(["q1", "q2"], log.Learners[0].Answers.Select(a => a.Item));
        Assert.Equal(["add", "carry"], log.Learners[0].Answers[1].Skills);
        Assert.Equal(("3b", 12.5f, 300L), (log.Learners[0].Group, log.Learners[0].Answers[1].Seconds, log.Learners[0].Answers[1].Time));
        Assert.True(float.IsNaN(log.Learners[1].Answers[0].Seconds));
        Assert.Equal(2.0 / 3, log.Correct, 1e-12);
    }

    [Fact]
    public void ColumnsAreMappedByAFlagOrByKnownNames()
    {
        string path = Write("own.csv", "pupil;task;right;when\np1;t1;yes;2024-03-01T10:00:00Z\np1;t2;no;2024-03-01T09:00:00+00:00\n");
        LearnerLog log = EventReader.Read(path, EventColumns.Parse("user=pupil,item=task,correct=right,time=when"), TableFormat.Semicolon);
        Assert.Equal(["t2", "t1"], log.Learners[0].Answers.Select(a => a.Item));
        Assert.Equal(1709283600000, log.Learners[0].Answers[0].Time); // 1 March 2024, 9 o'clock UTC

        // the names that the program's own help has
        Assert.Equal(["ada", "bo"], EventReader.Read(Write("own.csv", "learner,item,skill,correct\nada,q1,s,1\nbo,q1,s,0\n")).Learners.Select(l => l.Learner));
        string assist = Write("skill_builder.csv", "order_id,user_id,problem_id,correct,skill_id,ms_first_response,attempt_count,hint_count\n7,64525,51424,1,5_9,32454,1,0\n3,64525,51435,0,5,4922,2,1\n");
        Answer[] answers = Assert.Single(EventReader.Read(assist).Learners).Answers;
        Assert.Equal(["51435", "51424"], answers.Select(a => a.Item));
        Assert.Equal((4.922f, 2, 1), (answers[0].Seconds, answers[0].Attempts, answers[0].Hints));
        Assert.Equal(["5", "9"], answers[1].Skills);
        Assert.True(float.IsNaN(EventReader.Read(assist, EventColumns.Parse("hints=")).Learners[0].Answers[0].Hints));
    }

    [Theory]
    [InlineData("user_id,correct\na,1\n", "", "no column for item; name it with --columns item=COLUMN")]
    [InlineData("x,item_id,correct\na,q,1\n", "", "no column for user")]
    [InlineData("x,item_id,correct\na,q,1\n", "user=y", "no column 'y' for user; there are x, item_id, correct")]
    [InlineData("user_id,item_id,correct\na,q,1\n", "users=x", "--columns users=x: expected ROLE=COLUMN")]
    [InlineData("user_id,item_id,correct\na,q,1\n", "user=a,user=b", "user is given twice")]
    [InlineData("user_id,item_id,correct\na,q,2\n", "", "line 2: an answer of 2 is outside 0..1")]
    [InlineData("user_id,item_id,correct,time\na,q,1,soon\n", "", "'soon' is neither a whole number nor a date")]
    [InlineData("user_id,item_id,correct\n,q,1\n", "", "no row with a learner and an answer")]
    public void LongTableErrorsSayWhatToDo(string text, string flag, string expected) =>
        Assert.Contains(expected, Assert.Throws<DataException>(() => EventReader.Read(Write("x.csv", text), EventColumns.Parse(flag))).Message, StringComparison.Ordinal);

    [Fact]
    public void ThreeLinesAreOneLearner()
    {
        LearnerLog log = SequenceReader.Read(Write("kt.csv", "3\n1,1,31\n0,1,1\n1\n7\n1\n2\n5,6,\n1,0,\n"));
        Assert.Equal([3, 1, 2], log.Learners.Select(l => l.Answers.Length));
        Assert.Equal(["1", "1", "31"], log.Learners[0].Answers.Select(a => Assert.Single(a.Skills)));
        Assert.Equal([0f, 1, 1, 1, 1, 0], log.Learners.SelectMany(l => l.Answers).Select(a => a.Correct));
        Assert.Null(log.Learners[0].Answers[0].Item);
    }

    [Fact]
    public void SixLinesAreOneLearner()
    {
        LearnerLog log = SequenceReader.Read(Write("data.txt", "u7,2\nq1,q2\n3_4,5\n1,0\n1000,2000\n1500,NA\nu8,1\nNA\n5\n1\nNA\nNA\n"));
        Assert.Equal(["u7", "u8"], log.Learners.Select(l => l.Learner));
        Answer first = log.Learners[0].Answers[0];
        Assert.Equal(("q1", 1000L, 1.5f), (first.Item, first.Time, first.Seconds));
        Assert.Equal(["3", "4"], first.Skills);
        Assert.True(float.IsNaN(log.Learners[0].Answers[1].Seconds));
        Assert.Equal((null, null), (log.Learners[1].Answers[0].Item, log.Learners[1].Answers[0].Time));
    }

    [Theory]
    [InlineData("3\n1,1\n0,1,1\n", "line 2: 2 values for 3 answers")]
    [InlineData("2\n1,1\n0,1\n2\n1,1\n", "ends within a learner")]
    [InlineData("2\n1,1\n0,3\n", "line 3: answer 2 is 3, outside 0..1")]
    [InlineData("2\n1,1\n0,1\n1,1\n0,1\n2\n", "line 4: expected a count")]
    [InlineData("a,b,c\n", "3 fields; a first line is a count")]
    [InlineData("x\n1\n1\n", "'x' is not a whole number")]
    public void SequenceErrorsNameTheLine(string text, string expected) =>
        Assert.Contains(expected, Assert.Throws<DataException>(() => SequenceReader.Read(Write("kt.csv", text))).Message, StringComparison.Ordinal);

    [Fact]
    public void AnswersForDiagnosisHaveTheirItemsSkills()
    {
        Write("item.csv", "item_id,knowledge_code\n1,[4]\n2,\"[4, 7]\"\n3,\"['a b']\"\n");
        Write("train.csv", "user_id,item_id,score\nu,1,1\nu,2,0\nv,2,0.5\n");
        Write("test.csv", "user_id,item_id,score\nv,3,1\n");
        LearnerLog[] parts = DiagnosisReader.Read(Folder);
        Assert.Equal([(2, 3, 2, 2), (1, 1, 1, 1)], parts.Select(p => (p.Learners.Length, p.Answers, p.Items, p.Skills)));
        Assert.Equal(["4", "7"], parts[0].Learners[1].Answers[0].Skills);
        Assert.Equal(["a b"], parts[1].Learners[0].Answers[0].Skills);
        Assert.Equal("format: diagnosis", DataCard.Of(Folder, null, null, null).First());
        Write("valid.csv", "user_id,item_id,score\nv,9,1\n");
        Assert.Contains("valid.csv: item 9 is not in item.csv", Assert.Throws<DataException>(() => DiagnosisReader.Read(Folder)).Message, StringComparison.Ordinal);
        Write("item.csv", "item_id,knowledge_code\n1,4\n");
        Assert.Contains("item.csv, line 2: knowledge_code 4: expected a list", Assert.Throws<DataException>(() => DiagnosisReader.Read(Folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AtomicFilesHaveTypes()
    {
        AtomicColumn[] columns = AtomicReader.Columns(Write("x.item", "item_id:token\ttitle:token_seq\tprice:float\tvector:float_seq\n7\tToy \"Story\tNaN\t1 2.5\n8\t\t3\t\n"));
        Assert.Equal(["item_id", "title", "price", "vector"], columns.Select(c => c.Name));
        Assert.Equal<IEnumerable<string?>>(["7", "8"], columns[0].Tokens);
        Assert.Equal([["Toy", "\"Story"], []], columns[1].TokenLists!);
        Assert.Equal([float.NaN, 3], columns[2].Floats!);
        Assert.Equal([[1, 2.5f], []], columns[3].FloatLists!);
        Assert.Contains("expected name:type", Assert.Throws<DataException>(() => AtomicReader.Columns(Write("y.item", "item_id\n7\n"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AtomicInteractionsHoldOutTheLast()
    {
        StringBuilder text = new("user_id:token\titem_id:token\trating:float\ttimestamp:float\n");
        text.Append("a\tx\t5\t30\na\ty\t1\t20\na\tz\t4\t10\na\tz\t4\t11\nb\tx\t5\t1\n");
        Write("s.inter", text.ToString());
        Interactions data = AtomicReader.Read(Folder, seed: 1);
        Assert.Equal((2, 3), (data.Users, data.Items)); // x, y, z are 0, 1, 2
        Assert.Equal([0, -1], data.Test);
        Assert.Equal([2, 1], data.Train[0].OrderDescending());
        Assert.Equal([0], data.Train[1]);
        Assert.Empty(data.Negatives[0]); // nothing is left that a did not take
    }

    [DataFact("kt-assist2009-updated")]
    public void RealTracingSequences()
    {
        LearnerLog[] parts = [.. new[] { "train", "test" }.Select(p => SequenceReader.Read(Path.Combine(DataFactAttribute.Folder("kt-assist2009-updated"), $"assist2009_updated_{p}.csv.gz")))];
        Assert.Equal([2921, 1230], parts.Select(p => p.Learners.Length));
        Assert.Equal(325_637, parts.Sum(p => p.Answers));
        Assert.Equal(0.6585, parts.Sum(p => p.Correct * p.Answers) / 325_637, 5e-5); // as published, to four digits
        Assert.Equal(110, parts.SelectMany(p => p.Learners).SelectMany(l => l.Answers).SelectMany(a => a.Skills).Distinct().Count());
    }

    [DataFact("ml-100k")]
    public void RealAtomicFiles()
    {
        string folder = DataFactAttribute.Folder("ml-100k");
        Interactions data = AtomicReader.Read(folder, 1);
        Assert.Equal((943, 1682), (data.Users, data.Items));
        Assert.Equal(100_000 - 943, data.TrainCount); // every user has an item once
        Assert.All(data.Negatives, n => Assert.Equal(99, n.Length));
        Assert.Equal(1682, AtomicReader.Columns(Path.Combine(folder, "ml-100k.item.gz"))[1].TokenLists!.Length);
        Assert.Equal(["user_id", "age", "gender", "occupation", "zip_code"], AtomicReader.Columns(Path.Combine(folder, "ml-100k.user.gz")).Select(c => c.Name));
    }

    [DataFact("dropout-success")]
    public void RealUciTables()
    {
        TypedTable table = TypedTable.Read(Path.Combine(DataFactAttribute.Folder("dropout-success"), "data.csv.gz"), TableFormat.Semicolon);
        Assert.Equal((4424, 37, "Marital status"), (table.Rows, table.Columns.Length, table.Columns[0].Name)); // no byte order mark in the name
        Assert.Equal([1421, 794, 2209], table["Target"].Names!.GroupBy(n => n!).OrderBy(g => g.Key, StringComparer.Ordinal).Select(g => g.Count()));
        Assert.Equal(0, table.Columns.Sum(c => c.Missing));
        LearnerTable learners = LearnerTable.Of(table, "Target");
        Assert.Equal((4424, 36), (learners.Rows, learners.FeatureNames.Length));
        Assert.Equal([0f, 1, 2], learners.Targets["Target"].Distinct().Order());
    }

    [DataFact("oulad")]
    public void RealTablesWithMissingValues()
    {
        TypedTable students = TypedTable.Read(Path.Combine(DataFactAttribute.Folder("oulad"), "student.2013B-2014B.csv.gz"), TableFormat.Comma);
        Assert.Equal(21_333, students.Rows);
        Assert.InRange(students["imd_band"].Missing, 1, 2000);
    }

    [DataFact("asap-aes")]
    public void RealEssays()
    {
        Assert.Equal([1783, 1726, 1805, 1569], new[] { 1, 3, 5, 7 }.Select(p => AsapReader.Read(DataFactAttribute.Folder("asap-aes"), p).Essays.Length));
    }

    [DataFact("student-performance")]
    public void RealStudents() => Assert.Equal((395, 395), (StudentReader.Read(DataFactAttribute.Folder("student-performance")).Rows, StudentReader.Read(DataFactAttribute.Folder("student-performance")).Targets["G3"].Length));

    [DataFact("ml-1m-ncf")]
    public void RealTriplets()
    {
        Interactions data = NcfReader.Read(DataFactAttribute.Folder("ml-1m-ncf"));
        Assert.Equal((6040, 3706, 994_169), (data.Users, data.Items, data.TrainCount));
    }
}
