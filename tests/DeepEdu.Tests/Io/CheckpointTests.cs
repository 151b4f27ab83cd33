using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using DeepEdu.Io;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Tensors;
using DeepEdu.Tests.House;

namespace DeepEdu.Tests.Io;

public sealed class CheckpointTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    internal static Layer Model(ulong seed)
    {
        var rng = new Rng(seed);
        return new Sequential(new Dense(3, 4, rng), new BatchNorm(4), new Dropout(0.25f, rng), new Dense(4, 2, rng));
    }

    // of every kind of value
    internal static StateDict Extra() => new StateDict().Set("step", 12L).Set("best", 0.1).Set("whole", 3.0).Set("nan", double.NaN).Set("inf", double.NegativeInfinity).Set("done", false)
        .Set("text", "\u00e9\u0001\"").Set("words", ["the", "", "ü"]).Set("none", (string[])[]).Set("order", [3L, -1L]).Set("nothing", (long[])[]).Set("losses", [0.5, 1e-300]).Set("small.rng", new Rng(5));

    internal static CheckpointInfo Info() => new()
    {
        Architecture = "mlp",
        Options = new StateDict().Set("inputs", 3L).Set("hidden", [4L, 4]).Set("dropout", 0.25).Set("bias", true).Set("rates", (double[])[]),
        Metrics = new StateDict().Set("validation.loss", 0.5).Set("auc", double.NaN),
        Seed = ulong.MaxValue,
        DataHash = "sha256:00",
    };

    [Fact]
    public void EverythingComesBack()
    {
        var model = Model(1);
        model.Save(_folder["a.ckpt"], Info(), ("extra", Extra()));
        var saved = CheckpointFile.Load(_folder["a.ckpt"]);
        Assert.Equal(1, saved.Version);
        Assert.Equal(["model", "extra"], saved.Parts);
        AssertInfo(saved.Info);
        AssertExtra(saved.State("extra"));
        var other = Model(1);
        other.Parameters()[0].Value.AsSpan().Clear();
        saved.Restore("model", other);
        AssertSame(model, other);
        Assert.Equal(["a.ckpt"], _folder.Files);
    }

    [Fact]
    public void TheSameContentGivesTheSameBytes()
    {
        Model(1).Save(_folder["a.ckpt"], Info(), ("extra", Extra()));
        Model(1).Save(_folder["b.ckpt"], Info(), ("extra", Extra()));
        Assert.Equal(File.ReadAllBytes(_folder["a.ckpt"]), File.ReadAllBytes(_folder["b.ckpt"]));
    }

    // what the page on files promises to other programs
    [Fact]
    public void TheModelInsideIsAPlainSafetensorsFile()
    {
        var model = Model(1);
        model.Save(_folder["a.ckpt"]);
        using var zip = ZipFile.OpenRead(_folder["a.ckpt"]);
        Assert.Equal(["model.safetensors", "model.numbers.safetensors", "manifest.json"], zip.Entries.Select(e => e.FullName));
        var entry = zip.GetEntry("model.safetensors")!;
        Assert.Equal(entry.Length, entry.CompressedLength);
        using var stream = entry.Open();
        using var tensors = SafeTensors.Open(stream, entry.Length);
        Assert.Equal(["0.weight", "0.bias", "1.weight", "1.bias", "3.weight", "3.bias", "1.running_mean", "1.running_var", "1.num_batches_tracked"], tensors.Entries.Select(e => e.Name));
        Assert.Equal(model.Parameters()[0].Value.ToArray(), tensors.Tensor("0.weight").ToArray());
    }

    [Fact]
    public void AModelIsMadeFromWhatTheFileSaysOfIt()
    {
        var registry = new ModelRegistry().Add("mlp", (options, rng) => new Sequential(new Dense(options.Int("inputs"), 4, rng), new BatchNorm(4), new Dropout((float)options.Double("dropout"), rng), new Dense(4, 2, rng)));
        var model = Model(1);
        model.Save(_folder["a.ckpt"], Info());
        AssertSame(model, registry.Load(_folder["a.ckpt"]));

        model.Save(_folder["b.ckpt"], Info() with { Architecture = "cnn" });
        Assert.Contains("\"cnn\"; there are \"mlp\"", Assert.Throws<InvalidDataException>(() => registry.Load(_folder["b.ckpt"])).Message, StringComparison.Ordinal);
        model.Save(_folder["none.ckpt"]);
        Assert.Contains("the file names no architecture", Assert.Throws<InvalidDataException>(() => registry.Load(_folder["none.ckpt"])).Message, StringComparison.Ordinal);
        model.Save(_folder["c.ckpt"], Info() with { Options = new() });
        Assert.Contains("\"inputs\" is missing", Assert.Throws<InvalidDataException>(() => registry.Load(_folder["c.ckpt"])).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => registry.Add("mlp", (_, _) => model));
    }

    [Fact]
    public void FilesOfOtherLibrariesAreNamed()
    {
        using (var zip = ZipFile.Open(_folder["a.pt"], ZipArchiveMode.Create)) { zip.CreateEntry("archive/data.pkl"); }
        File.WriteAllBytes(_folder["a.h5"], [0x89, .. "HDF\r\n\u001a\n"u8, 0, 0]);
        Assert.Contains("it is PyTorch's; read it with LoadWeights", Assert.Throws<InvalidDataException>(() => Model(1).Load(_folder["a.pt"])).Message, StringComparison.Ordinal);
        Assert.Contains("it is a zip; a checkpoint is read with Load", Assert.Throws<InvalidDataException>(() => SafeTensors.Open(_folder["a.pt"])).Message, StringComparison.Ordinal);
        Model(1).Save(_folder["a.ckpt"]);
        Assert.Contains("a checkpoint is read with Load", Assert.Throws<InvalidDataException>(() => Model(1).LoadWeights(_folder["a.ckpt"])).Message, StringComparison.Ordinal);
        Assert.Contains("it is HDF5", Assert.Throws<InvalidDataException>(() => Model(1).LoadWeights(_folder["a.h5"])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void StrictLoadingListsAllThatDoesNotFit()
    {
        Model(1).Save(_folder["a.ckpt"]);
        var other = new Sequential(new Dense(3, 5, new Rng(1)), new LayerNorm(4), new Dense(4, 2, new Rng(2)));
        float[] before = other.Parameters()[0].Value.ToArray();
        string says = Assert.Throws<InvalidDataException>(() => other.Load(_folder["a.ckpt"])).Message;
        Assert.Contains("a.ckpt", says, StringComparison.Ordinal);
        Assert.Contains("missing from the file (2): 2.weight, 2.bias", says, StringComparison.Ordinal);
        Assert.Contains("not in the model (5): 3.weight, 3.bias, 1.running_mean, 1.running_var, 1.num_batches_tracked", says, StringComparison.Ordinal);
        Assert.Contains("of other shapes (2): 0.weight [4,3] in the file, [5,3] in the model, 0.bias [4] in the file, [5] in the model", says, StringComparison.Ordinal);
        Assert.Equal(before, other.Parameters()[0].Value.ToArray());
        Assert.Equal(2, other.Load(_folder["a.ckpt"], strict: false).Missing.Count);
    }

    [Fact]
    public void APartThatIsNotThereOrNotKnownIsAnError()
    {
        Model(1).Save(_folder["a.ckpt"], null, ("clock", new StateDict().Set("tick", 1).Set("tock", 2)));
        var saved = CheckpointFile.Load(_folder["a.ckpt"]);
        Assert.Contains("it holds \"model\", \"clock\"", Assert.Throws<InvalidDataException>(() => saved.Restore("optimizer", Model(1))).Message, StringComparison.Ordinal);
        Assert.Contains("the part \"clock\" holds what the Tick does not know: tock", Assert.Throws<InvalidDataException>(() => saved.Restore("clock", new Tick())).Message, StringComparison.Ordinal);
        Assert.Contains("the part \"model\" does not fit", Assert.Throws<InvalidDataException>(() => saved.Restore("model", new Tick())).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("../evil")]
    [InlineData("model")]
    public void APartNeedsAnUnusedPlainName(string name)
    {
        Assert.Throws<ArgumentException>(() => Model(1).Save(_folder["a.ckpt"], null, (name, new StateDict())));
        Assert.Empty(_folder.Files);
    }

    [Fact]
    public void AFileOfALaterVersionIsRefused()
    {
        byte[] manifest = System.Text.Encoding.UTF8.GetBytes("""{"format":"deepedu-checkpoint","version":2,"library":"9.0.0"}""");
        using (var zip = ZipFile.Open(_folder["a.ckpt"], ZipArchiveMode.Create))
        {
            using var entry = zip.CreateEntry("manifest.json").Open();
            entry.Write(manifest);
        }
        Assert.Contains("format version 2, this library knows versions up to 1", Assert.Throws<InvalidDataException>(() => CheckpointFile.Load(_folder["a.ckpt"])).Message, StringComparison.Ordinal);
    }

    // Resources/checkpoint-v1.ckpt was written by version 0.1.0 of the library: Model(1).Save(path, Info(), ("extra", Extra()))
    [Fact]
    public void AFileOfVersion1IsRead()
    {
        var saved = CheckpointFile.Load(Path.Combine(Repository.Root, "tests", "DeepEdu.Tests", "Io", "Resources", "checkpoint-v1.ckpt"));
        Assert.Equal((1, "0.1.0"), (saved.Version, saved.Library));
        AssertInfo(saved.Info);
        AssertExtra(saved.State("extra"));
        var model = Model(1);
        foreach (var (_, p) in model.Parameters()) { p.AsSpan().Clear(); }
        saved.Restore("model", model);
        // to the bit what the file holds
        byte[] bytes = [.. model.Parameters().SelectMany(p => MemoryMarshal.AsBytes<float>(p.Value.ToArray()).ToArray())];
        Assert.Equal("bf06aad435d6410327dd881797631ad94977f8dc8a2e274f0ad62dc5e894fae8", Convert.ToHexStringLower(SHA256.HashData(bytes)));
        // and what it was made of, which a processor without fused multiply-add draws with another last bit
        var drawn = Model(1);
        Assert.Equal(drawn.Parameters().Select(p => p.Name), model.Parameters().Select(p => p.Name));
        foreach (var (a, b) in drawn.Parameters().SelectMany(p => p.Value.ToArray()).Zip(model.Parameters().SelectMany(p => p.Value.ToArray()))) { Assert.Equal(a, b, 2e-7f); }
        Assert.All(drawn.Buffers().Zip(model.Buffers()), p => Assert.Equal(p.First.Value.ToArray(), p.Second.Value.ToArray()));
    }

    [Fact]
    public void OwnValuesAreAPartAndComeBackInPlaceOfOthers()
    {
        CheckpointFile.Save(_folder["a.ckpt"], new(), ("mine", new StateDict().Set("step", 7L).Set("note", "x")));
        var mine = new StateDict().Set("step", 1L).Set("gone", true);
        CheckpointFile.Load(_folder["a.ckpt"]).Restore("mine", mine);
        Assert.Equal(["step", "note"], mine.Names);
        Assert.Equal((7L, "x"), (mine.Long("step"), mine.Text("note")));
    }

    [Fact]
    public void TheHashOfFilesIsThatOfAllTheirBytes()
    {
        File.WriteAllText(_folder["1"], "ab");
        File.WriteAllText(_folder["2"], "c");
        // FIPS 180-4, the message "abc"
        Assert.Equal("sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", CheckpointInfo.HashOf(_folder["1"], _folder["2"]));
    }

    private static void AssertInfo(CheckpointInfo info)
    {
        Assert.Equal(("mlp", ulong.MaxValue, "sha256:00"), (info.Architecture, info.Seed, info.DataHash));
        Assert.Equal(["inputs", "hidden", "dropout", "bias", "rates"], info.Options.Names);
        Assert.Equal(3, info.Options.Int("inputs"));
        Assert.Equal([4, 4], info.Options.Longs("hidden"));
        Assert.Equal(0.25, info.Options.Double("dropout"));
        Assert.True(info.Options.Bool("bias"));
        Assert.Empty(info.Options.Doubles("rates"));
        Assert.Equal(0.5, info.Metrics.Double("validation.loss"));
        Assert.True(double.IsNaN(info.Metrics.Double("auc")));
    }

    private static void AssertExtra(StateDict extra)
    {
        Assert.Equal(Extra().Names.Order(StringComparer.Ordinal), extra.Names.Order(StringComparer.Ordinal));
        Assert.Equal(12, extra.Long("step"));
        Assert.Equal(0.1, extra.Double("best"));
        Assert.Equal(3.0, extra.Double("whole"));
        Assert.Throws<InvalidDataException>(() => extra.Long("whole"));
        Assert.True(double.IsNaN(extra.Double("nan")));
        Assert.Equal(double.NegativeInfinity, extra.Double("inf"));
        Assert.False(extra.Bool("done"));
        Assert.Equal("\u00e9\u0001\"", extra.Text("text"));
        Assert.Equal(["the", "", "ü"], extra.Texts("words"));
        Assert.Empty(extra.Texts("none"));
        Assert.Equal([3, -1], extra.Longs("order"));
        Assert.Empty(extra.Longs("nothing"));
        Assert.Equal([0.5, 1e-300], extra.Doubles("losses"));
        extra.Part("small").CopyTo("rng", new Rng(5));
    }

    /// <summary>Such parts could be written, and not be read again.</summary>
    [Theory]
    [InlineData("manifest")]
    [InlineData("losses.numbers")]
    public void NamesThatTheFileHasForItselfAreRefused(string name)
    {
        Assert.Contains($"\"{name}\" cannot name a part", Assert.Throws<ArgumentException>(() => CheckpointFile.Save(_folder["a.ckpt"], new(), (name, Extra()))).Message, StringComparison.Ordinal);
        Assert.Empty(_folder.Files);
    }

    [Fact]
    public void TextsThatAreNoUtf8ComeBackToo()
    {
        CheckpointFile.Save(_folder["a.ckpt"], new(), ("words", new StateDict().Set("all", ["a\ud83d", "\ude00\ud83d", "😀", ""]).Set("one", "\ud83e")));
        var words = CheckpointFile.Load(_folder["a.ckpt"]).State("words");
        Assert.Equal(["a\ud83d", "\ude00\ud83d", "😀", ""], words.Texts("all"));
        Assert.Equal("\ud83e", words.Text("one"));
    }

    private static void AssertSame(Module a, Module b)
    {
        Assert.Equal(a.Parameters().Select(p => p.Name), b.Parameters().Select(p => p.Name));
        Assert.All(a.Parameters().Zip(b.Parameters()), p => Assert.Equal(p.First.Value.ToArray(), p.Second.Value.ToArray()));
        Assert.All(a.Buffers().Zip(b.Buffers()), p => Assert.Equal(p.First.Value.ToArray(), p.Second.Value.ToArray()));
    }

    private sealed class Tick : IStateful
    {
        public void SaveState(StateDict to) => to.Set("tick", 1L);

        public void LoadState(StateDict from) => from.Long("tick");
    }
}
