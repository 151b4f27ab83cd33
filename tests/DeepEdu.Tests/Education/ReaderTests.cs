using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using DeepEdu.Education.Data;

namespace DeepEdu.Tests.Education;

/// <summary>Readers on generated files: plain and gzip, the quirks of the real sets, and the line that an error names.</summary>
public sealed class ReaderTests : FolderTests
{
    [Theory, InlineData(false), InlineData(true)]
    public void NcfReadsPlainAndGzipAndCountsRepeatsOnce(bool gzip)
    {
        Ncf(gzip, "0\t0\t1\n0\t2\t1\n0\t2\t5\n1\t1\t1\n", "0\t3\t5\t97\n1\t0\t1\n", "(0,3)\t3\t4\t4\t5\n(1,0)\t6\t2\n");
        Interactions data = NcfReader.Read(Folder);
        Assert.Equal((2, 7), (data.Users, data.Items));
        Assert.Equal([0, 2], data.Train[0]);
        Assert.Equal([3, 0], data.Test);
        Assert.Equal([4, 5], data.Negatives[0]);
        Assert.Equal([6, 2], data.Negatives[1]);
    }

    [Theory]
    [InlineData("0\t0\nx\t1\n", "0\t1\n", "(0,1)\t2\n", "line 2: 'x' is not a whole number")]
    [InlineData("0 0\n", "0\t1\n", "(0,1)\t2\n", "line 1: expected user TAB item")]
    [InlineData("0\t-4\n", "0\t1\n", "(0,1)\t2\n", "ids count from 0")]
    [InlineData("0\t0\n", "0\t1\n", "0,1\t2\n", "expected (user,item)")]
    [InlineData("0\t0\n", "0\t1\n", "(0,2)\t2\n", "(0,2) is not in the test ratings")]
    [InlineData("0\t0\n1\t0\n", "0\t1\n1\t1\n", "(0,1)\t2\n", "user 1 has a test item but no line")]
    [InlineData("", "0\t1\n", "(0,1)\t2\n", "the file is empty")]
    [InlineData("\n\n", "0\t1\n", "(0,1)\t2\n", "the file is empty")]
    public void NcfErrorsNameTheLine(string train, string test, string negatives, string expected)
    {
        Ncf(false, train, test, negatives);
        Assert.Contains(expected, Assert.Throws<DataException>(() => NcfReader.Read(Folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AFolderOfRatingsIsDescribed()
    {
        Ncf(false, "0\t0\n0\t2\n1\t1\n", "0\t3\n1\t0\n", "(0,3)\t4\n(1,0)\t2\n");
        string[] card = [.. DataCard.Of(Folder, null, null, null)];
        Assert.Equal(("format: ncf", 3), (card[0], card.Length));
        Assert.EndsWith(": 2 users, 5 items, 3 training interactions, 2 held out", card[1], StringComparison.Ordinal);
        Assert.Equal("of all pairs taken: 30.00 %", card[2]);
    }

    [Fact]
    public void AFolderOfEssaysIsDescribed()
    {
        Asap("1\t1\tone\t4\t4\t\t8\n2\t1\ttwo\t4\t4\t\t12\n3\t1\tthree\t4\t4\t\t9\n");
        string[] card = [.. DataCard.Of(Folder, null, null, null)];
        Assert.Equal("format: essays", card[0]);
        Assert.EndsWith("3 essays, scores 2..12, 1 folds", Assert.Single(card[1..]), StringComparison.Ordinal);
    }

    [Fact]
    public void ABrokenGzipFileIsNamed()
    {
        Write("x.train.rating.gz", Encoding.ASCII.GetBytes("this is no gzip"));
        Write("x.test.rating", "0\t1\n"u8.ToArray());
        Write("x.test.negative", "(0,1)\t2\n"u8.ToArray());
        Assert.Contains("not a gzip file", Assert.Throws<DataException>(() => NcfReader.Read(Folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void IdxReadsImagesAndLabels()
    {
        foreach (string part in new[] { "train", "t10k" })
        {
            Write(part + "-images-idx3-ubyte.gz", Gzip(Idx(0x0803, [2, 1, 2], [0, 255, 51, 102])));
            Write(part + "-labels-idx1-ubyte", Idx(0x0801, [2], [7, 3]));
        }
        ImageSet train = IdxReader.ReadFolder(Folder).Train;
        Assert.Equal([7, 3], train.Labels);
        Assert.Equal([0f, 1f, 0.2f, 0.4f], train.Pixels);
        Assert.Equal((1, 2, 10), (train.Height, train.Width, train.Classes));
    }

    [Theory]
    [InlineData(0x0801, 4, "magic 0x00000801, expected 0x00000803")]
    [InlineData(0x0803, 3, "states 4 values but 3 follow")]
    public void IdxErrorsSayWhatIsWrong(int magic, int bytes, string expected)
    {
        Write("train-images-idx3-ubyte", Idx(magic, [2, 1, 2], new byte[bytes]));
        Write("train-labels-idx1-ubyte", Idx(0x0801, [2], [7, 3]));
        Assert.Contains(expected, Assert.Throws<DataException>(() => IdxReader.ReadFolder(Folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AsapKeepsQuotesAndPassesOverOtherPrompts()
    {
        Asap("1\t1\t\"He said \"\"no\"\", twice\t4\t4\t\t8\n2\t1\tplain \" quote\t4\t4\t\t12\n3\t1\tthird\t4\t4\t\t9\n");
        EssaySet set = AsapReader.Read(Folder, 1);
        Assert.Equal((2, 12), (set.Min, set.Max));
        Assert.Equal(["\"He said \"\"no\"\", twice", "plain \" quote", "third"], set.Essays.Select(e => e.Text));
        Assert.Equal([8, 12, 9], set.Essays.Select(e => e.Score));
        Assert.Equal([0], Assert.Single(set.Folds).Train);
        Assert.Equal([1], set.Folds[0].Test);
    }

    [Theory]
    [InlineData("1\t1\ttext\t4\t4\t\t13\n2\t1\tb\t4\t4\t\t3\n", 1, "line 2: score 13 is outside 2..12")]
    [InlineData("1\t1\ttext\n", 1, "line 2: 3 fields")]
    [InlineData("1\t1\ttext\t4\t4\t\t8\n1\t1\tb\t4\t4\t\t3\n", 1, "line 3: essay 1 occurs twice")]
    [InlineData("1\t1\ttext\t4\t4\t\teight\n", 1, "'eight' is not a whole number")]
    [InlineData("1\t2\ttext\t4\t4\t\t3\n", 1, "no essay of prompt 1")]
    [InlineData("1\t1\ttext\t4\t4\t\t3\n", 9, "prompts 1..8")]
    public void AsapErrorsNameTheLine(string rows, int prompt, string expected)
    {
        Asap(rows);
        Assert.Contains(expected, Assert.Throws<DataException>(() => AsapReader.Read(Folder, prompt)).Message, StringComparison.Ordinal);
    }

    /// <summary>The file as it was published has no folds.</summary>
    [Fact]
    public void AsapWithoutFoldsIsCutIntoFive()
    {
        Asap(string.Concat(Enumerable.Range(1, 21).Select(i => $"{i}\t1\ttext\t4\t4\t\t{2 + (i % 10)}\n")));
        foreach (string file in Directory.GetFiles(Folder, "folds_*")) { File.Delete(file); }
        EssaySet set = AsapReader.Read(Folder, 1);
        Assert.Equal(5, set.Folds.Length);
        Assert.EndsWith("5 folds, drawn here: there is no folds_fold_0.test_ids.txt", set.ToString(), StringComparison.Ordinal);
        Assert.Equal(Enumerable.Range(0, 21), set.Folds.SelectMany(f => f.Test).Order());
        Assert.All(set.Folds, f => Assert.Equal(Enumerable.Range(0, 21), f.Train.Concat(f.Dev).Concat(f.Test).Order()));
        Assert.Equal(set.Folds.SelectMany(f => f.Test), AsapReader.Read(Folder, 1).Folds.SelectMany(f => f.Test));

        Asap("1\t1\ttext\t4\t4\t\t8\n");
        foreach (string file in Directory.GetFiles(Folder, "folds_*")) { File.Delete(file); }
        Assert.Contains("1 essays of prompt 1 are too few for 5 folds", Assert.Throws<DataException>(() => AsapReader.Read(Folder, 1)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void StudentsBecomeNumbersAndOneHotCategories()
    {
        Write("student-mat.csv", "sex;age;Mjob;G1;G2;G3\n\"F\";18;\"at;home\";\"5\";\"6\";6\n\"M\";17;\"teacher\";\"9\";\"8\";10\n\"F\";19;\"other\";1;2;3\n"u8.ToArray());
        LearnerTable table = StudentReader.Read(Folder);
        Assert.Equal(["sex=M", "age", "Mjob=at;home", "Mjob=other", "Mjob=teacher"], table.FeatureNames);
        Assert.Equal([0f, 18, 1, 0, 0, 1, 17, 0, 0, 1, 0, 19, 0, 1, 0], table.Features);
        Assert.Equal([6f, 10, 3], table.Targets["G3"]);
    }

    [Fact]
    public void StudentsMayBeSeparatedByCommas()
    {
        Write("student-mat.csv", "sex,age,Mjob,G1,G2,G3\nF,18,\"at;home, or not\",5,6,6\nM,17,teacher,9,8,10\n"u8.ToArray());
        LearnerTable table = StudentReader.Read(Folder);
        Assert.Equal(["sex=M", "age", "Mjob=teacher"], table.FeatureNames);
        Assert.Equal([6f, 10], table.Targets["G3"]);
    }

    [Theory]
    [InlineData("age;G1;G2;G3\n18;5;6\n", "line 2: 3 fields, the header has 4")]
    [InlineData("age;G1;G2;G3\n18;5;6;21\n", "line 2: G3 = 21 is outside 0..20")]
    [InlineData("age;G1;G2;G3\n18;5;6;6\nold;5;6;6\n", "line 3: 'old' is not a number")]
    [InlineData("age;G1;G2\n18;5;6\n", "line 1: no column 'G3'")]
    [InlineData("age;G1;G2;G3\n\"18;5;6;6\n", "line 2: a quote is never closed")]
    [InlineData("age;G1;G2;G3\n", "a header but no rows")]
    public void StudentErrorsNameTheLine(string text, string expected)
    {
        Write("student-mat.csv", Encoding.UTF8.GetBytes(text));
        Assert.Contains(expected, Assert.Throws<DataException>(() => StudentReader.Read(Folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void EmbeddedDigitsAreComplete()
    {
        ImageSet digits = Digits.Load();
        Assert.Equal((1797, 64 * 1797), (digits.Count, digits.Pixels.Length));
        Assert.Equal([178, 182, 177, 183, 181, 182, 181, 179, 174, 180], Enumerable.Range(0, 10).Select(d => digits.Labels.Count(l => l == d)));
        Assert.Equal(1, digits.Pixels.Max());
    }

    private void Ncf(bool gzip, string train, string test, string negatives)
    {
        foreach (var (name, text) in new[] { ("x.train.rating", train), ("x.test.rating", test), ("x.test.negative", negatives) })
        {
            byte[] bytes = Encoding.ASCII.GetBytes(text);
            Write(gzip ? name + ".gz" : name, gzip ? Gzip(bytes) : bytes);
        }
    }

    private void Asap(string rows)
    {
        Write("asap_prompt1.tsv", Encoding.UTF8.GetBytes("essay_id\tessay_set\tessay\trater1_domain1\trater2_domain1\trater3_domain1\tdomain1_score\n" + rows));
        Write("folds_fold_0.train_ids.txt", "1\n"u8.ToArray());
        Write("folds_fold_0.dev_ids.txt", "3\n99\n"u8.ToArray());
        Write("folds_fold_0.test_ids.txt", "99\n2\n"u8.ToArray());
    }

    private void Write(string name, byte[] bytes) => File.WriteAllBytes(Path.Combine(Folder, name), bytes);

    private static byte[] Gzip(byte[] bytes)
    {
        using MemoryStream memory = new();
        using (GZipStream zip = new(memory, CompressionLevel.Fastest)) { zip.Write(bytes); }
        return memory.ToArray();
    }

    private static byte[] Idx(int magic, int[] shape, byte[] values)
    {
        byte[] bytes = new byte[4 + 4 * shape.Length + values.Length];
        BinaryPrimitives.WriteInt32BigEndian(bytes, magic);
        for (int a = 0; a < shape.Length; a++) { BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(4 + 4 * a), shape[a]); }
        values.CopyTo(bytes, 4 + 4 * shape.Length);
        return bytes;
    }
}
