using System.Text;
using System.Text.Json;
using DeepEdu.Data;
using DeepEdu.Numerics;
using DeepEdu.Tensors;
using DeepEdu.Tests.House;
using DeepEdu.Tests.Io;

namespace DeepEdu.Tests.Data;

/// <summary>PNG files that Pillow wrote, or that were packed by the definition of the format (tests/golden/files.py); PGM and PPM from their definition.</summary>
public sealed class ImageTests : IDisposable
{
    private static readonly JsonElement[] s_files = JsonSerializer.Deserialize<JsonElement[]>(File.ReadAllText(Path.Combine(Repository.Root, "tests", "DeepEdu.Tests", "Golden", "files.json")))!;
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Names => [.. s_files.Where(f => f.GetProperty("kind").GetString() == "png").Select(f => f.GetProperty("name").GetString()!)];

    public void Dispose() => _folder.Dispose();

    [Theory, MemberData(nameof(Names))]
    public void APngIsRead(string name)
    {
        var golden = s_files.Single(f => f.GetProperty("name").GetString() == name);
        var image = Image.Read(golden.GetProperty("file").GetBytesFromBase64());
        Assert.Equal(golden.GetProperty("shape").EnumerateArray().Select(n => n.GetInt32()), [image.Height, image.Width, image.Channels]);
        Assert.Equal(golden.GetProperty("top").GetInt32(), image.Top);
        Assert.Equal(golden.GetProperty("values").EnumerateArray().Select(v => v.GetUInt16()), image.Samples);
    }

    [Theory]
    [InlineData("png", 1, 255)]
    [InlineData("png", 2, 255)]
    [InlineData("png", 3, 255)]
    [InlineData("png", 4, 255)]
    [InlineData("png", 1, 65535)]
    [InlineData("png", 3, 65535)]
    [InlineData("png", 4, 65535)]
    [InlineData("pgm", 1, 255)]
    [InlineData("pgm", 1, 1000)]
    [InlineData("ppm", 3, 255)]
    [InlineData("ppm", 3, 65535)]
    public void WhatIsWrittenIsRead(string kind, int channels, int top)
    {
        var rng = new Rng(1);
        // smooth and rough parts, so that every filter is chosen somewhere
        var samples = Enumerable.Range(0, 23 * 17 * channels).Select(i => (ushort)(i % 3 == 0 ? rng.Next(0, top + 1) : i * top / (23 * 17 * channels))).ToArray();
        var image = new Image(23, 17, channels, samples, top);
        image.Write(_folder["a." + kind]);
        var read = Image.Read(_folder["a." + kind]);
        Assert.Equal((23, 17, channels, top), (read.Width, read.Height, read.Channels, read.Top));
        Assert.Equal(samples, read.Samples);
    }

    [Fact]
    public void ATensorGoesThroughAnImage()
    {
        var x = Tensor.Of([2, 1, 3], [0, 0.2f, 1, 1, 0.4f, 0]);
        var image = Image.Of(x);
        Assert.Equal(new ushort[] { 0, 255, 51, 102, 255, 0 }, image.Samples);
        Assert.Equal(x.ToArray(), image.ToTensor().ToArray());
        Assert.Equal(x.Shape, image.ToTensor().Shape);
        Assert.Equal(new ushort[] { 0, 65535, 0 }, Image.Of(Tensor.Of([1, 3], [-1, 7, float.NaN]), top: 65535).Samples);
        Assert.Throws<ShapeException>(() => Image.Of(Tensor.Zeros([5, 2, 2])));
    }

    [Fact]
    public void FiguresAndCommentsAreRead()
    {
        var image = Image.Read(Encoding.ASCII.GetBytes("P2 # a small one\n# two by two\n2 2\n15\n0 5\n10 15"));
        Assert.Equal((2, 2, 1, 15), (image.Width, image.Height, image.Channels, image.Top));
        Assert.Equal(new ushort[] { 0, 5, 10, 15 }, image.Samples);
        Assert.Equal(1f / 3, image.ToTensor()[0, 0, 1].Item());
        var wide = Image.Read([.. "P5 1 1 1000 "u8, 1, 2]);
        Assert.Equal(258, wide.Samples[0]);
    }

    [Theory]
    [InlineData("P2 2 2 15 0 5 10", "cut off")]
    [InlineData("P2 1 1 15 16", "above 15")]
    [InlineData("P5 2 2 255 abc", "4 bytes of samples are needed, 3 follow")]
    [InlineData("P5 1 1 50 d", "sample 0 is 100")]
    [InlineData("P5 1 1 70000 ab", "samples up to 70000")]
    [InlineData("P5 x", "no number at byte 3")]
    [InlineData("P5 99999 99999 255 ", "need more than")]
    [InlineData("GIF89a", "neither PNG nor PGM nor PPM")]
    public void ABrokenPictureIsRefused(string content, string says)
    {
        File.WriteAllText(_folder["a.pgm"], content);
        string message = Assert.Throws<InvalidDataException>(() => Image.Read(_folder["a.pgm"])).Message;
        Assert.StartsWith(_folder["a.pgm"], message, StringComparison.Ordinal);
        Assert.Contains(says, message, StringComparison.Ordinal);
    }

    // wherever a PNG is cut or a bit flips, it is an error or the same picture
    [Fact]
    public void ADamagedPngNeverGivesAnotherPicture()
    {
        new Image(5, 4, 3, [.. Enumerable.Range(0, 60).Select(i => (ushort)i)]).Write(_folder["a.png"]);
        byte[] whole = File.ReadAllBytes(_folder["a.png"]);
        for (int n = 8; n < whole.Length; n++) { Assert.Throws<InvalidDataException>(() => Image.Read(whole.AsSpan(0, n))); }
        for (int bit = 64; bit < 8 * whole.Length; bit++)
        {
            byte[] hurt = [.. whole];
            hurt[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Throws<InvalidDataException>(() => Image.Read(hurt));
        }
    }

    [Fact]
    public void AFormatRefusesWhatItHasNoPlaceFor()
    {
        var alpha = new Image(1, 1, 4, [1, 2, 3, 4]);
        Assert.Throws<ArgumentException>(() => alpha.Write(_folder["a.ppm"]));
        Assert.Throws<ArgumentException>(() => alpha.Write(_folder["a.jpg"]));
        Assert.Throws<ArgumentException>(() => new Image(1, 1, 1, [1], 100).Write(_folder["a.png"]));
        Assert.Throws<ShapeException>(() => new Image(2, 2, 1, [1]));
        Assert.Empty(_folder.Files);
    }

    [Fact]
    public void PackedImagesAreNotWritten()
    {
        Assert.Contains("\".gz\" files are not written", Assert.Throws<ArgumentException>(() => new Image(1, 1, 1, [7]).Write(_folder["a.png.gz"])).Message, StringComparison.Ordinal);
        Assert.Empty(_folder.Files);
    }
}
