using System.IO.Compression;
using System.Text;
using DeepEdu.Data;
using DeepEdu.Io;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Io;

/// <summary>A damaged file of any kind is read, or refused by an <see cref="InvalidDataException"/> that names it: in little memory, with nothing changed.</summary>
public sealed class DamagedFileTests : IDisposable
{
    private const int Allowed = 48 << 20; // what 4 million numbers that are taken on trust, and the pages of a zip, need
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("w.safetensors")]
    [InlineData("eight.safetensors")]
    [InlineData("w.pt")]
    [InlineData("w.ckpt")]
    [InlineData("a.npy")]
    [InlineData("a.npz")]
    [InlineData("a.idx")]
    [InlineData("a.idx.gz")]
    [InlineData("a.idx.zip")]
    [InlineData("a.png")]
    [InlineData("a.ppm")]
    [InlineData("v.txt")]
    [InlineData("v.bin")]
    public void DamageIsRefusedByNameAndChangesNothing(string name)
    {
        var saved = CheckpointTests.Model(1);
        var model = CheckpointTests.Model(2);
        WriteGood(name, saved);
        byte[] whole = File.ReadAllBytes(_folder[name]);
        string path = _folder["hurt" + name[name.IndexOf('.', StringComparison.Ordinal)..]];
        int refused = 0;
        foreach (byte[] hurt in Damage(whole, new Rng(31)))
        {
            File.WriteAllBytes(path, hurt);
            float[][] before = Values(model);
            long allocated = GC.GetAllocatedBytesForCurrentThread();
            try { Read(path, name, model); }
            catch (InvalidDataException e)
            {
                Assert.Contains(Path.GetFileName(path), e.Message, StringComparison.Ordinal);
                Assert.Equal(before, Values(model));
                refused++;
            }
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - allocated, 0, Allowed);
        }
        Assert.True(refused > 100, $"{refused}");
    }

    private void WriteGood(string name, Layer model)
    {
        byte[] idx = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 2, .. Enumerable.Range(0, 12).Select(i => (byte)i)];
        switch (name)
        {
            case "w.ckpt": model.Save(_folder[name], CheckpointTests.Info(), ("extra", CheckpointTests.Extra())); break;
            case "eight.safetensors": model.SaveWeights(_folder[name], NumberType.I8); break;
            case "a.npy": Npy.Write(_folder[name], Tensor.Arange(12).Reshape(3, 4)); break;
            case "a.npz": Npz.Write(_folder[name], ("x", Tensor.Arange(12).Reshape(3, 4)), ("y", Tensor.Ones([2]))); break;
            case "a.idx": File.WriteAllBytes(_folder[name], idx); break;
            case "a.idx.gz":
                using (var packed = new GZipStream(File.Create(_folder[name]), CompressionLevel.Optimal)) { packed.Write(idx); }
                break;
            case "a.idx.zip":
                using (var zip = ZipFile.Open(_folder[name], ZipArchiveMode.Create))
                using (var entry = zip.CreateEntry("a.idx").Open()) { entry.Write(idx); }
                break;
            case "a.png" or "a.ppm": new Image(5, 4, 3, [.. Enumerable.Range(0, 60).Select(i => (ushort)i)]).Write(_folder[name]); break;
            case "v.txt": File.WriteAllText(_folder[name], "3 2\nthe 1 -0.5\nyork 2e0 .25\nof 3 4\n"); break;
            case "v.bin": File.WriteAllBytes(_folder[name], [.. "2 2\nthe "u8, .. new byte[8], (byte)'\n', .. "of "u8, .. new byte[8], (byte)'\n']); break;
            default: model.SaveWeights(_folder[name]); break;
        }
    }

    private static void Read(string path, string name, Layer model)
    {
        switch (Path.GetExtension(name))
        {
            case ".ckpt": model.Load(path); break;
            case ".npy": Npy.Read(path); break;
            case ".npz": Npz.Read(path); break;
            case ".idx" or ".gz" or ".zip": Idx.Read(path); break;
            case ".png" or ".ppm": Image.Read(path); break;
            case ".txt" or ".bin": WordVectors.Read(path); break;
            default: model.LoadWeights(path); break;
        }
    }

    // cut off, single bytes, numbers of the sizes that headers have, pieces that are left out or stand twice
    private static IEnumerable<byte[]> Damage(byte[] whole, Rng rng)
    {
        long[] odd = [0, 1, -1, 255, 65535, 1 << 24, int.MaxValue, int.MinValue, 1L << 32, long.MaxValue];
        for (int i = 0; i < 60; i++) { yield return whole[..rng.Next(whole.Length)]; }
        for (int i = 0; i < 360; i++)
        {
            byte[] hurt = [.. whole];
            int at = rng.Next(rng.Next(2) == 0 ? Math.Min(64, whole.Length) : whole.Length);
            switch (rng.Next(4))
            {
                case 0: hurt[at] ^= (byte)(1 << rng.Next(8)); break;
                case 1: hurt[at] = (byte)rng.Next(256); break;
                case 2:
                    byte[] number = BitConverter.GetBytes(odd[rng.Next(odd.Length)])[..Math.Min(1 << rng.Next(1, 4), whole.Length - at)];
                    if (rng.Next(2) == 0) { Array.Reverse(number); }
                    number.CopyTo(hurt, at);
                    break;
                default:
                    int end = Math.Min(whole.Length, at + 1 + rng.Next(32));
                    hurt = rng.Next(2) == 0 ? [.. whole[..at], .. whole[end..]] : [.. whole[..end], .. whole[at..]];
                    break;
            }
            yield return hurt;
        }
    }

    private static float[][] Values(Module model) => [.. model.Parameters().Select(p => p.Value.ToArray()), .. model.Buffers().Select(b => b.Value.ToArray())];

    // eleven bytes that say two billion numbers
    [Theory]
    [InlineData("a.idx")]
    [InlineData("a.idx.gz")]
    public void AHeaderThatStatesBillionsOfNumbersTakesNoMemoryForThem(string name)
    {
        byte[] small = [0, 0, 8, 1, 0x7F, 0xFF, 0xFF, 0x00, 1, 2, 3];
        if (name.EndsWith(".gz", StringComparison.Ordinal))
        {
            using var packed = new GZipStream(File.Create(_folder[name]), CompressionLevel.Optimal);
            packed.Write(small);
        }
        else { File.WriteAllBytes(_folder[name], small); }
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("cut off: [2147483392] of U8", Assert.Throws<InvalidDataException>(() => Idx.Read(_folder[name])).Message, StringComparison.Ordinal);
        Assert.Contains("cut off", Assert.Throws<InvalidDataException>(() =>
        {
            using var reader = Idx.Open(_folder[name]);
            return reader.Rows(2_000_000_000).Count();
        }).Message, StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - allocated, 0, Allowed);
    }

    // 5 million numbers, more than are taken on trust
    [Fact]
    public void AnArrayThatIsPackedWellIsRead()
    {
        float[] values = new float[5_000_000];
        values[^1] = 7;
        Npy.Write(_folder["a.npy"], Tensor.Of([5_000_000], values));
        using (var packed = new GZipStream(File.Create(_folder["a.npy.gz"]), CompressionLevel.Fastest)) { packed.Write(File.ReadAllBytes(_folder["a.npy"])); }
        Assert.Equal(values, Npy.Read(_folder["a.npy.gz"]).ToArray());
        Assert.Equal(values, Npy.Read(_folder["a.npy"]).ToArray());
    }

    [Fact]
    public void AVectorOfTwoBillionNumbersIsRefused()
    {
        File.WriteAllText(_folder["v.txt"], "1 2000000000\nthe 1 2\n");
        Assert.Contains("v.txt: its first line states vectors of 2000000000 numbers", Assert.Throws<InvalidDataException>(() => WordVectors.Read(_folder["v.txt"])).Message, StringComparison.Ordinal);
        File.WriteAllBytes(_folder["v.bin"], [.. "1 2\nthe "u8, .. new byte[8], (byte)'\n', .. "of "u8, .. new byte[8]]);
        Assert.Contains("v.bin: its first line says 1 words, more follow", Assert.Throws<InvalidDataException>(() => WordVectors.Read(_folder["v.bin"])).Message, StringComparison.Ordinal);
    }

    // a checksum stands beside the numbers, and nothing else could tell
    [Fact]
    public void AFlippedBitAmongTheNumbersOfATorchFileIsNoticed()
    {
        var model = new Sequential(new Dense(2, 3, new Rng(1)));
        model.SaveWeights(_folder["w.pt"]);
        byte[] hurt = File.ReadAllBytes(_folder["w.pt"]);
        byte[] numbers = BitConverter.GetBytes(model.Parameters()[0].Value.ToArray()[3]);
        hurt[hurt.AsSpan().IndexOf(numbers) + 3] ^= 0x40;
        File.WriteAllBytes(_folder["w.pt"], hurt);
        Assert.Contains("its content does not have its checksum", Assert.Throws<InvalidDataException>(() => model.LoadWeights(_folder["w.pt"])).Message, StringComparison.Ordinal);
    }

    // a key that is a thing outside, half a million deep
    [Fact]
    public void APickleThatIsNestedWithoutEndEndsInAResult()
    {
        WriteTorch("deep.pt", [0x80, 2, (byte)'}', (byte)'N', .. Enumerable.Repeat((byte)'Q', 500_000), (byte)'K', 1, (byte)'s', (byte)'.']);
        Assert.Empty(TorchFile.Read(_folder["deep.pt"]).Names);
    }

    // 100 tensors of 16 million numbers, all of them one
    [Fact]
    public void ASmallTorchFileThatSpreadsOutIsRefused()
    {
        byte[] tensors = [.. Enumerable.Range(0, 100).SelectMany(i => (byte[])[(byte)'X', 2, 0, 0, 0, (byte)('0' + (i / 10)), (byte)('0' + (i % 10)), .. "ctorch._utils\n_rebuild_tensor_v2\n((X"u8, 7, 0, 0, 0, .. "storagectorch\nFloatStorage\nX"u8, 1, 0, 0, 0,
            .. "0X"u8, 3, 0, 0, 0, .. "cpuK"u8, 4, .. "tQK"u8, 0, .. "(J"u8, 0, 0, 0, 1, .. "t(J"u8, 0, 0, 0, 0, .. "t"u8, 0x89, .. "}tR"u8])];
        WriteTorch("wide.pt", [0x80, 2, .. "}("u8, .. tensors, .. "u."u8]);
        Assert.Contains("its tensors up to \"01\" take 33554432 numbers", Assert.Throws<InvalidDataException>(() => TorchFile.Read(_folder["wide.pt"])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AnArchiveWithoutArraysOrWithTwoOfANameIsRefused()
    {
        WriteZip("a.npz", ("notes.txt", [1]));
        Assert.Contains("a.npz: not a NumPy archive, or a broken one: it holds notes.txt and no array", Assert.Throws<InvalidDataException>(() => Npz.Read(_folder["a.npz"])).Message, StringComparison.Ordinal);
        Npy.Write(_folder["x.npy"], Tensor.Ones([2]));
        byte[] x = File.ReadAllBytes(_folder["x.npy"]);
        WriteZip("b.npz", ("x.npy", x), ("x.npy", x));
        Assert.Contains("two arrays are called \"x\"", Assert.Throws<InvalidDataException>(() => Npz.Read(_folder["b.npz"])).Message, StringComparison.Ordinal);
    }

    // whoever signs a manifest may still have left something out
    [Theory]
    [InlineData("architecture")]
    [InlineData("library")]
    public void AManifestWithNullIsRefused(string field)
    {
        byte[] manifest = Encoding.UTF8.GetBytes($$"""{"format": "deepedu-checkpoint", "version": 1, "{{field}}": null, "parts": [], "files": []}""");
        WriteZip("a.ckpt", CheckpointWriter.Signature(manifest), ("manifest.json", manifest));
        Assert.Contains($"\"{field}\" is null", Assert.Throws<InvalidDataException>(() => CheckpointFile.Load(_folder["a.ckpt"])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AFolderInPlaceOfAFileIsNamed()
    {
        string path = _folder["folder"];
        Directory.CreateDirectory(path);
        foreach (Action read in (Action[])[() => SafeTensors.Open(path), () => TorchFile.Read(path), () => CheckpointFile.Load(path), () => new Dense(1, 1, new Rng(1)).LoadWeights(path), () => Npy.Read(path), () => Npz.Read(path), () => Idx.Read(path),
            () => Image.Read(path), () => WordVectors.Read(path), () => OnnxFile.Load(path), () => CheckpointInfo.HashOf(path)])
        {
            Assert.Contains("folder: is a folder; give a file", Assert.Throws<InvalidDataException>(read).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void AnImageThatCannotBeWrittenLeavesTheOldOne()
    {
        if (!File.Exists("/dev/full")) { return; }
        new Image(1, 1, 1, [3]).Write(_folder["a.png"]);
        byte[] before = File.ReadAllBytes(_folder["a.png"]);
        File.CreateSymbolicLink(_folder["a.png.tmp"], "/dev/full");
        Assert.Contains("is as it was before", Assert.Throws<IOException>(() => new Image(2, 1, 1, [3, 4]).Write(_folder["a.png"])).Message, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllBytes(_folder["a.png"]));
    }

    private void WriteTorch(string name, byte[] pickle) => WriteZip(name, ("archive/data.pkl", pickle), ("archive/data/0", new byte[16]));

    private void WriteZip(string name, params (string Name, byte[] Content)[] entries) => WriteZip(name, "", entries);

    private void WriteZip(string name, string comment, params (string Name, byte[] Content)[] entries)
    {
        using var zip = ZipFile.Open(_folder[name], ZipArchiveMode.Create);
        zip.Comment = comment;
        foreach (var (entry, content) in entries)
        {
            using var to = zip.CreateEntry(entry, CompressionLevel.NoCompression).Open();
            to.Write(content);
        }
    }
}
