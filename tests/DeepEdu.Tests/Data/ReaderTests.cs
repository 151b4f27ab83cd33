using System.IO.Compression;
using System.Text;
using DeepEdu.Data;
using DeepEdu.Numerics;
using DeepEdu.Tests.Io;

namespace DeepEdu.Tests.Data;

public sealed class ReaderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("a.txt")]
    [InlineData("a.txt.gz")]
    [InlineData("a.zip")]
    [InlineData("a.zip!a.txt")]
    [InlineData("two.zip!b/a.txt")]
    public void PlainAndPackedFilesAreOpenedAlike(string name)
    {
        Pack(name, "one\ntwo\n"u8.ToArray());
        using var reader = new StreamReader(DataFile.Open(_folder[name]));
        Assert.Equal("one\ntwo\n", reader.ReadToEnd());
    }

    [Fact]
    public void AnArchiveOfSeveralAsksForAName()
    {
        Pack("two.zip!b/a.txt", [1]);
        Assert.Contains("2 files are in this archive; name one after '!', as in two.zip!b/a.txt", Assert.Throws<InvalidDataException>(() => DataFile.Open(_folder["two.zip"])).Message, StringComparison.Ordinal);
        Assert.Contains("there is no \"c\"", Assert.Throws<InvalidDataException>(() => DataFile.Open(_folder["two.zip!c"])).Message, StringComparison.Ordinal);
        Assert.Throws<FileNotFoundException>(() => DataFile.Open(_folder["none.zip"]));
        Assert.Throws<FileNotFoundException>(() => DataFile.Open(_folder["none.gz"]));
    }

    [Theory]
    [InlineData("a.gz")]
    [InlineData("a.zip")]
    public void ADamagedPackedFileIsToldByName(string name)
    {
        byte[] content = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, 5000).Select(i => $"{i * 7919 % 10007} ")));
        Pack(name, content);
        byte[] whole = File.ReadAllBytes(_folder[name]);
        byte[] cut = whole[..(whole.Length / 2)], hurt = [.. whole], other = Encoding.ASCII.GetBytes("not packed at all");
        hurt[whole.Length / 2] ^= 0x10;
        foreach (byte[] bad in (byte[][])[cut, hurt, other])
        {
            File.WriteAllBytes(_folder[name], bad);
            string message = Assert.Throws<InvalidDataException>(() =>
            {
                using var file = DataFile.Open(_folder[name]);
                file.CopyTo(Stream.Null);
            }).Message;
            Assert.StartsWith(_folder[name], message, StringComparison.Ordinal);
        }
    }

    // as bgzip and "cat a.gz b.gz" make them
    [Fact]
    public void JoinedGzipFilesAreReadAsOne()
    {
        Pack("a.gz", "one\n"u8.ToArray());
        Pack("b.gz", "two\n"u8.ToArray());
        File.WriteAllBytes(_folder["ab.gz"], [.. File.ReadAllBytes(_folder["a.gz"]), .. File.ReadAllBytes(_folder["b.gz"])]);
        using var reader = new StreamReader(DataFile.Open(_folder["ab.gz"]));
        Assert.Equal("one\ntwo\n", reader.ReadToEnd());
    }

    [Theory]
    [InlineData("labels-idx1-ubyte")]
    [InlineData("labels-idx1-ubyte.gz")]
    public void IdxIsRead(string name)
    {
        Pack(name, [0, 0, 8, 1, 0, 0, 0, 3, 5, 0, 255]);
        Assert.Equal([5, 0, 255], Idx.ReadLabels(_folder[name]).ToArray());
        Assert.Equal([5 / 255f, 0, 1], Idx.Read(_folder[name], divisor: 255).ToArray());
    }

    [Theory]
    [InlineData(0x09, new byte[] { 0xFF, 2 }, new[] { -1f, 2 })]
    [InlineData(0x0B, new byte[] { 0xFF, 0xFE, 1, 0 }, new[] { -2f, 256 })]
    [InlineData(0x0C, new byte[] { 0, 1, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF }, new[] { 65536f, -1 })]
    [InlineData(0x0D, new byte[] { 0x3F, 0x80, 0, 0, 0xC0, 0, 0, 0 }, new[] { 1f, -2 })]
    [InlineData(0x0E, new byte[] { 0x3F, 0xF0, 0, 0, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0 }, new[] { 1f, -2 })]
    public void EveryTypeOfIdxIsRead(byte type, byte[] data, float[] expected)
    {
        File.WriteAllBytes(_folder["a"], [0, 0, type, 2, 0, 0, 0, 1, 0, 0, 0, 2, .. data]);
        var read = Idx.Read(_folder["a"]);
        Assert.Equal([1, 2], read.Shape.Sizes.ToArray());
        Assert.Equal(expected, read.ToArray());
    }

    [Theory]
    [InlineData(new byte[] { 1, 2, 3, 4, 5 }, "does not begin with two zero bytes")]
    [InlineData(new byte[] { 0, 0, 7, 1, 0, 0, 0, 1, 0 }, "no type 0x07")]
    [InlineData(new byte[] { 0, 0, 8, 2, 0, 0, 0, 1 }, "cut off within the header")]
    [InlineData(new byte[] { 0, 0, 8, 1, 0xFF, 0, 0, 1 }, "an axis of -")]
    [InlineData(new byte[] { 0, 0, 8, 1, 0, 0, 0, 2, 9 }, "cut off")]
    [InlineData(new byte[] { 0, 0, 8, 1, 0, 0, 0, 1, 9, 9 }, "more bytes follow")]
    public void ABrokenIdxIsRefused(byte[] content, string says)
    {
        File.WriteAllBytes(_folder["a"], content);
        Assert.Contains(says, Assert.Throws<InvalidDataException>(() => Idx.Read(_folder["a"])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void JsonLinesAreReadOneByOne()
    {
        File.WriteAllText(_folder["a.jsonl"], "\uFEFF{\"id\": 1, \"text\": \"a\\nb\"}\r\n\n  \n{\"id\": 2, \"text\": \"ü\"}");
        Assert.Equal([(1, "a\nb"), (2, "ü")], JsonLines.Read(_folder["a.jsonl"], e => (e.GetProperty("id").GetInt32(), e.GetProperty("text").GetString()!)));
    }

    [Theory]
    [InlineData("{\"id\": 1}\n{\"id\": 2", "a.jsonl:2: not JSON")]
    [InlineData("{\"id\": 1}\n\n{\"di\": 2}\n", "a.jsonl:3: ")]
    [InlineData("{\"id\": \"one\"}", "a.jsonl:1: ")]
    public void ABrokenLineIsNamed(string content, string says)
    {
        File.WriteAllText(_folder["a.jsonl"], content);
        Assert.Contains(says, Assert.Throws<InvalidDataException>(() => JsonLines.Read(_folder["a.jsonl"], e => e.GetProperty("id").GetInt32()).ToArray()).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("glove.txt", "the 1 -0.5\nnew york 2e0 .25\n", false)]
    [InlineData("w2v.txt.gz", "2 2\nthe 1 -0.5 \nnew york 2 0.25\n", false)]
    [InlineData("w2v.bin", "2 2\n", true)]
    public void WordVectorsAreRead(string name, string text, bool binary)
    {
        byte[] content = Encoding.UTF8.GetBytes(text);
        string second = binary ? "york" : "new york"; // a blank ends a word in the binary format
        if (binary) { content = [.. content, .. "the "u8, .. Bytes(1, -0.5f), (byte)'\n', .. "york "u8, .. Bytes(2, 0.25f), (byte)'\n']; }
        Pack(name, content);
        var vectors = WordVectors.Read(_folder[name]);
        Assert.Equal(["the", second], vectors.Words);
        Assert.Equal([1f, -0.5f, 2, 0.25f], vectors.Values.ToArray());
        Assert.Equal((2, 1, -1), (vectors.Dimensions, vectors.Find(second), vectors.Find("a")));
        Assert.Equal([second], WordVectors.Read(_folder[name], keep: w => w != "the").Words);
        Assert.Equal(["the"], WordVectors.Read(_folder[name], most: 1).Words);

        var table = vectors.ForVocabulary(new Vocabulary([Vocabulary.Padding, "the", "unheard"]), new Rng(1));
        Assert.Equal([3, 2], table.Shape.Sizes.ToArray());
        Assert.Equal([0f, 0, 1, -0.5f], table.ToArray()[..4]);
        Assert.DoesNotContain(0f, table.ToArray()[4..]);
    }

    [Theory]
    [InlineData("a.txt", "the 1 2\nof 1\n", "a.txt:2: not a word and 2 numbers")]
    [InlineData("a.txt", "the 1 2\nof 1 x\n", "a.txt:2: not a word and 2 numbers")]
    [InlineData("a.txt", "3 2\nthe 1 2\n", "says 3 words, 1 follow")]
    [InlineData("a.bin", "2 1\na 1234b ", "cut off at word 1 of 2")]
    [InlineData("a.bin", "words", "its first line is not two counts")]
    public void BrokenWordVectorsAreRefused(string name, string content, string says)
    {
        File.WriteAllText(_folder[name], content);
        Assert.Contains(says, Assert.Throws<InvalidDataException>(() => WordVectors.Read(_folder[name])).Message, StringComparison.Ordinal);
    }

    private static byte[] Bytes(params float[] values) => [.. values.SelectMany(BitConverter.GetBytes)];

    private void Pack(string name, byte[] content)
    {
        string path = _folder[name];
        if (name.EndsWith(".gz", StringComparison.Ordinal))
        {
            using var gzip = new GZipStream(File.Create(path), CompressionLevel.Fastest);
            gzip.Write(content);
        }
        else if (name.Contains(".zip", StringComparison.Ordinal))
        {
            int mark = name.IndexOf('!', StringComparison.Ordinal);
            using var zip = ZipFile.Open(mark < 0 ? path : _folder[name[..mark]], ZipArchiveMode.Create);
            using (var entry = zip.CreateEntry(mark < 0 ? "a.txt" : name[(mark + 1)..]).Open()) { entry.Write(content); }
            if (name.StartsWith("two", StringComparison.Ordinal)) { zip.CreateEntry("other.txt"); }
        }
        else { File.WriteAllBytes(path, content); }
    }
}
