using DeepEdu.Io;
using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Io;

/// <summary>Whatever happens to a file, the error is clear and the previous checkpoint is whole.</summary>
public sealed class FileFaultTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void WhenTheDiskIsFullThePreviousCheckpointStays()
    {
        if (!File.Exists("/dev/full")) { return; } // AWriterThatFailsHalfway tests the same without that device
        var before = Previous();
        // the temporary file leads to a device on which every write fails for want of space
        File.CreateSymbolicLink(_folder["a.ckpt.tmp"], "/dev/full");
        string says = Assert.Throws<IOException>(() => CheckpointTests.Model(2).Save(_folder["a.ckpt"])).Message;
        Assert.Contains("was not written, and is as it was before", says, StringComparison.Ordinal);
        Assert.Contains("No space left on device", says, StringComparison.Ordinal);
        AssertStill(before);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(100_000)]
    public void AWriterThatFailsHalfwayLeavesNothingBehind(int after)
    {
        var before = Previous();
        Assert.Throws<IOException>(() => AtomicFile.Write(_folder["a.ckpt"], to =>
        {
            to.Write(new byte[after]);
            throw new IOException("the plug was pulled");
        }));
        AssertStill(before);
    }

    // an error in the program's own part is told as it is
    [Fact]
    public void AnExceptionInAPartPassesThrough()
    {
        var before = Previous();
        var twice = new Twice();
        Assert.Throws<ArgumentException>(() => CheckpointTests.Model(2).Save(_folder["a.ckpt"], null, ("twice", twice)));
        AssertStill(before);
    }

    [Fact]
    public void AFolderThatCannotBeWrittenToIsNamed()
    {
        File.WriteAllText(_folder["file"], "");
        foreach (string path in (string[])[_folder["missing/a.ckpt"], _folder["file/a.ckpt"]])
        {
            Assert.Contains(path, Assert.Throws<IOException>(() => CheckpointTests.Model(2).Save(path)).Message, StringComparison.Ordinal);
        }
        // /proc takes no files, not even from root
        if (Directory.Exists("/proc/self")) { Assert.Contains("/proc/a.ckpt was not written", Assert.Throws<IOException>(() => CheckpointTests.Model(2).Save("/proc/a.ckpt")).Message, StringComparison.Ordinal); }
        if (OperatingSystem.IsWindows() || Environment.IsPrivilegedProcess) { return; } // root may write anywhere
        var before = Previous();
        File.SetUnixFileMode(_folder.Path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        try { Assert.Contains("is as it was before", Assert.Throws<IOException>(() => CheckpointTests.Model(2).Save(_folder["a.ckpt"])).Message, StringComparison.Ordinal); }
        finally { File.SetUnixFileMode(_folder.Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute); }
        Assert.Equal(before, File.ReadAllBytes(_folder["a.ckpt"]));
    }

    [Fact]
    public void AnotherProcessThatIsWritingIsNotDisturbed()
    {
        var before = Previous();
        using (var theirs = new FileStream(_folder["a.ckpt.tmp"], FileMode.Create, FileAccess.Write, FileShare.None))
        {
            Assert.Throws<IOException>(() => CheckpointTests.Model(2).Save(_folder["a.ckpt"]));
        }
        Assert.True(File.Exists(_folder["a.ckpt.tmp"]));
        Assert.Equal(before, File.ReadAllBytes(_folder["a.ckpt"]));
        // what a killed process left behind is written over
        CheckpointTests.Model(2).Save(_folder["a.ckpt"]);
        Assert.Equal(["a.ckpt"], _folder.Files);
    }

    [Fact]
    public void ACheckpointThatWasCutOffIsRefusedWhereverItEnds()
    {
        byte[] whole = Previous();
        var rng = new Rng(3);
        foreach (int n in (int[])[0, 1, 3, 4, 100, whole.Length - 1, .. Enumerable.Range(0, 60).Select(_ => rng.Next(0, whole.Length))])
        {
            File.WriteAllBytes(_folder["cut.ckpt"], whole[..n]);
            Assert.Contains("cut.ckpt", Assert.Throws<InvalidDataException>(() => CheckpointFile.Load(_folder["cut.ckpt"])).Message, StringComparison.Ordinal);
        }
    }

    // a bit that no one reads may flip, such as one of a time; then what is read is what was written
    [Fact]
    public void AFlippedBitIsNoticedOrDoesNoHarm()
    {
        byte[] whole = Previous();
        var model = CheckpointTests.Model(1);
        var rng = new Rng(4);
        int noticed = 0;
        for (int i = 0; i < 1500; i++)
        {
            byte[] hurt = [.. whole];
            hurt[rng.Next(0, hurt.Length)] ^= (byte)(1 << rng.Next(0, 8));
            File.WriteAllBytes(_folder["hurt.ckpt"], hurt);
            try
            {
                var saved = CheckpointFile.Load(_folder["hurt.ckpt"]);
                Assert.Equal(["model", "extra"], saved.Parts);
                Assert.Equal("mlp", saved.Info.Architecture);
                foreach (var (name, p) in model.Parameters()) { Assert.Equal(p.ToArray(), saved.State("model").Tensor(name).ToArray()); }
                saved.Restore("model", CheckpointTests.Model(1));
                Assert.Equal(CheckpointTests.Extra().Names.Count, saved.State("extra").Names.Count);
            }
            catch (InvalidDataException e)
            {
                Assert.Contains("hurt.ckpt", e.Message, StringComparison.Ordinal);
                noticed++;
            }
        }
        Assert.True(noticed > 1000, $"only {noticed} of 1500 were noticed");
    }

    [Theory]
    [InlineData("model.safetensors")]
    [InlineData("extra.json")]
    [InlineData("extra.numbers.safetensors")]
    [InlineData("manifest.json")]
    public void TheHurtPartIsNamed(string part)
    {
        byte[] whole = Previous();
        // the content follows its name in the zip: with a flipped last bit in the byte 60 bytes on
        int at = whole.AsSpan().IndexOf(System.Text.Encoding.ASCII.GetBytes(part)) + part.Length + 60;
        whole[at] ^= 1;
        File.WriteAllBytes(_folder["hurt.ckpt"], whole);
        string says = Assert.Throws<InvalidDataException>(() => CheckpointFile.Load(_folder["hurt.ckpt"])).Message;
        Assert.Contains($"damaged, or not one, at {part}", says, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "the file is empty")]
    [InlineData("epoch,loss\n1,0.5\n", "does not begin as a zip does")]
    public void AnotherKindOfFileIsNamed(string content, string says)
    {
        File.WriteAllText(_folder["a.ckpt"], content);
        Assert.Contains(says, Assert.Throws<InvalidDataException>(() => CheckpointFile.Load(_folder["a.ckpt"])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WeightsAloneAreNoCheckpointNorIsAnyZip()
    {
        CheckpointTests.Model(1).SaveWeights(_folder["w.safetensors"]);
        Assert.Contains("read it with LoadWeights", Assert.Throws<InvalidDataException>(() => CheckpointFile.Load(_folder["w.safetensors"])).Message, StringComparison.Ordinal);
        Directory.CreateDirectory(_folder["empty"]);
        File.WriteAllText(_folder["empty/notes.txt"], "no weights here");
        System.IO.Compression.ZipFile.CreateFromDirectory(_folder["empty"], _folder["a.zip"]);
        Assert.Contains("manifest.json: it is missing", Assert.Throws<InvalidDataException>(() => CheckpointFile.Load(_folder["a.zip"])).Message, StringComparison.Ordinal);
        Assert.Throws<FileNotFoundException>(() => CheckpointFile.Load(_folder["nowhere.ckpt"]));
    }

    private byte[] Previous()
    {
        CheckpointTests.Model(1).Save(_folder["a.ckpt"], CheckpointTests.Info(), ("extra", CheckpointTests.Extra()));
        return File.ReadAllBytes(_folder["a.ckpt"]);
    }

    private void AssertStill(byte[] before)
    {
        Assert.Equal(["a.ckpt"], _folder.Files);
        Assert.Equal(before, File.ReadAllBytes(_folder["a.ckpt"]));
    }

    private sealed class Twice : IStateful
    {
        public void SaveState(StateDict to) => to.Set("a", 1L).Set("a", 2L);

        public void LoadState(StateDict from) => from.Long("a");
    }
}
