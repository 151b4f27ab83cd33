using System.IO.Compression;
using System.Text.Json;
using DeepEdu.Data;
using DeepEdu.Io;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Tensors;
using DeepEdu.Tests.House;
using FsCheck;
using FsCheck.Fluent;

namespace DeepEdu.Tests.Io;

/// <summary>Files that PyTorch 1.13 wrote (tests/golden/torch_files.py), and broken ones.</summary>
public sealed class TorchFileTests : IDisposable
{
    private static readonly JsonElement s_files = JsonDocument.Parse(File.ReadAllText(Path.Combine(Repository.Root, "tests", "DeepEdu.Tests", "Golden", "torch.json"))).RootElement;
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void EveryTensorIsReadWhateverItsTypeAndStrides()
    {
        var state = TorchFile.Read(Write("run"));
        foreach (var tensor in s_files.GetProperty("tensors").EnumerateObject())
        {
            var read = state.Tensor(tensor.Name);
            Assert.Equal(tensor.Value.GetProperty("shape").EnumerateArray().Select(n => n.GetInt32()), read.Shape.Sizes.ToArray());
            Assert.Equal(tensor.Value.GetProperty("values").EnumerateArray().Select(v => v.GetSingle()), read.ToArray());
        }
        Assert.Equal((3L, 0.5, "run", true), (state.Long("epoch"), state.Double("rate"), state.Text("name"), state.Bool("ok")));
        Assert.Equal([0, 1], TorchFile.Read(Write("protocol 4")).Tensor("x").ToArray());
    }

    [Fact]
    public void AModelTakesItsWeights()
    {
        var model = new Sequential(new Dense(2, 3, new Rng(1)), new BatchNorm(3));
        Assert.True(model.LoadWeights(TorchFile.Read(Write("run")).Part("model")).IsExact);
        Assert.Equal(TorchFile.Read(_folder["run"]).Tensor("model.0.weight").ToArray(), model.Parameters()[0].Value.ToArray());
        Assert.Contains("x", Assert.Throws<InvalidDataException>(() => model.LoadWeights(Write("protocol 4"))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("whole model", "it holds a whole torch.nn.modules.container.Sequential, code and all")]
    [InlineData("tensor", "it holds no dictionary")]
    public void WhatIsNoStateDictIsNamed(string file, string message)
        => Assert.Contains(message, Assert.Throws<InvalidDataException>(() => TorchFile.Read(Write(file))).Message, StringComparison.Ordinal);

    [Fact]
    public void TheFormatBeforeZipIsNamed()
        => Assert.Contains("before version 1.6", Assert.Throws<InvalidDataException>(() => new Dense(1, 1, new Rng(1)).LoadWeights(Write("old"))).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("")]
    [InlineData("no zip at all")]
    public void WhatIsNoZipIsNamed(string content)
    {
        File.WriteAllText(_folder["a.pt"], content);
        Assert.Contains("a.pt: it is no zip, or cut off", Assert.Throws<InvalidDataException>(() => TorchFile.Read(_folder["a.pt"])).Message, StringComparison.Ordinal);
    }

    /// <summary>Whatever is broken in it, a file ends in one kind of error or is read.</summary>
    [Fact]
    public void BrokenPicklesAreErrors()
    {
        byte[] code;
        using (var zip = ZipFile.OpenRead(Write("protocol 4")))
        {
            using var from = zip.Entries.Single(e => e.Name == "data.pkl").Open();
            using var to = new MemoryStream();
            from.CopyTo(to);
            code = to.ToArray();
        }
        var rng = new Rng(1);
        for (int round = 0; round < 2000; round++)
        {
            byte[] broken = code[..(round % 3 == 0 ? rng.Next(code.Length) : code.Length)];
            for (int i = rng.Next(4); i >= 0 && broken.Length > 0; i--) { broken[rng.Next(broken.Length)] = (byte)rng.Next(256); }
            string path = _folder[$"{round}.pt"];
            using (var zip = ZipFile.Open(path, ZipArchiveMode.Create))
            {
                using (var to = zip.CreateEntry("archive/data.pkl").Open()) { to.Write(broken); }
                using (var to = zip.CreateEntry("archive/data/0").Open()) { to.Write(new byte[48]); }
            }
            try { TorchFile.Read(path); }
            catch (InvalidDataException e) { Assert.StartsWith(path, e.Message, StringComparison.Ordinal); }
            File.Delete(path);
        }
    }

    // a dictionary that is its own entry
    [Fact]
    public void ADictionaryInsideItselfIsAnError()
    {
        string path = _folder["loop.pt"];
        using (var zip = ZipFile.Open(path, ZipArchiveMode.Create))
        {
            using var to = zip.CreateEntry("a/data.pkl").Open();
            to.Write([0x80, 2, (byte)'}', (byte)'q', 0, (byte)'X', 1, 0, 0, 0, (byte)'a', (byte)'h', 0, (byte)'s', (byte)'.']);
        }
        Assert.Contains("without end", Assert.Throws<InvalidDataException>(() => TorchFile.Read(path)).Message, StringComparison.Ordinal);
    }

    /// <summary>A seed of PyTorch's generators, a number of 64 bits without a sign, does not make a file unreadable.</summary>
    [Fact]
    public void NumbersOfMoreThan64BitsAreLeftOut()
    {
        string path = _folder["seed.pt"];
        using (var zip = ZipFile.Open(path, ZipArchiveMode.Create))
        {
            using var to = zip.CreateEntry("a/data.pkl").Open();
            to.Write([0x80, 2, .. "}(X\u0004\0\0\0seed"u8, 0x8a, 9, 255, 255, 255, 255, 255, 255, 255, 255, 0, .. "X\u0001\0\0\0nK\au."u8]);
        }
        var read = TorchFile.Read(path);
        Assert.Equal(7, read.Long("n"));
        Assert.False(read.Has("seed"));
    }

    // torch.load of PyTorch 1.13 read such files, with weights_only and without
    [Fact]
    public void WhatIsWrittenHasTheInstructionsOfAStateDict()
    {
        TorchFile.Write(_folder["a.pt"], [("w.ü", Tensor.Of([2, 3], [1, 2, 3, 4, 5, 6])), ("n", Tensor.Scalar(7))]);
        using var zip = ZipFile.OpenRead(_folder["a.pt"]);
        Assert.Equal(["archive/data.pkl", "archive/byteorder", "archive/data/0", "archive/data/1", "archive/version"], zip.Entries.Select(e => e.FullName));
        Assert.All(zip.Entries, e => Assert.Equal(e.Length, e.CompressedLength));
        using var body = zip.Entries[0].Open();
        using var code = new MemoryStream();
        body.CopyTo(code);
        const string Tensor1 = "ctorch._utils\n_rebuild_tensor_v2\n((X\a\0\0\0storagectorch\nFloatStorage\nX\u0001\0\0\0", None = "ccollections\nOrderedDict\n)RtR";
        Assert.Equal("\u0080\u0002}(X\u0004\0\0\0w.Ã¼" + Tensor1 + "0X\u0003\0\0\0cpuJ\u0006\0\0\0tQJ\0\0\0\0(J\u0002\0\0\0J\u0003\0\0\0t(J\u0003\0\0\0J\u0001\0\0\0t\u0089" + None
            + "X\u0001\0\0\0n" + Tensor1 + "1X\u0003\0\0\0cpuJ\u0001\0\0\0tQJ\0\0\0\0(t(t\u0089" + None + "u.", System.Text.Encoding.Latin1.GetString(code.ToArray()));
    }

    [Theory]
    [InlineData("a.pt", NumberType.F32, 0.1f)]
    [InlineData("a.PTH", NumberType.BF16, 0.10009765625f)]
    [InlineData("a.pth", NumberType.F16, 0.099975586f)]
    [InlineData("a.pt", NumberType.F64, 0.1f)]
    public void SaveWeightsHonoursPyTorchsExtensions(string name, NumberType type, float stored)
    {
        var model = new Tied();
        model.Embedding.Weight.AsSpan()[1] = 0.1f;
        model.SaveWeights(_folder[name], type);
        Assert.Equal(name, Assert.Single(_folder.Files));
        var read = TorchFile.Read(_folder[name]);
        Assert.Equal(["embedding.weight", "norm.weight", "norm.bias", "norm.running_mean", "norm.running_var", "norm.num_batches_tracked", "head.weight"], read.Names);
        Assert.Equal(stored, read.Tensor("head.weight")[0, 1].Item());
        var other = new Tied();
        Assert.True(other.LoadWeights(_folder[name]).IsExact);
        Assert.Equal(stored, other.Embedding.Weight[0, 1].Item());
    }

    [Fact]
    public void NumbersThatPyTorchDoesNotTakeAreNamed()
        => Assert.Contains("torch-file: tensors are written as F32, F16, BF16 or F64, not I64", Assert.Throws<ArgumentException>(() => new Tied().SaveWeights(_folder["a.pt"], NumberType.I64)).Message, StringComparison.Ordinal);

    private sealed class Tied : Module
    {
        public Embedding Embedding { get; } = new(4, 3, new Rng(1));
        private readonly BatchNorm _norm = new(3);
        private readonly Dense _head;

        public Tied() => _head = Dense.Tied(Embedding.Weight);

        protected internal override void Parts(Parts p) => p.Of(Embedding).Of(_norm).Of(_head);
    }

    private string Write(string file)
    {
        File.WriteAllBytes(_folder[file], s_files.GetProperty(file).GetBytesFromBase64());
        return _folder[file];
    }

    /// <summary>Cut files and files with flipped bits, zip and all: read, or refused in the one kind of error, never with another that the reader met by chance.</summary>
    [Fact]
    public void CutAndFlippedFilesAreErrorsOfTheFormat()
    {
        byte[] whole = File.ReadAllBytes(Write("run"));
        Properties.Hold(600, Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), seed =>
        {
            var rng = new Rng((ulong)seed);
            byte[] broken = whole[..(rng.Next(3) == 0 ? rng.Next(whole.Length) : whole.Length)];
            for (int i = rng.Next(12); i > 0 && broken.Length > 0; i--) { broken[rng.Next(broken.Length)] ^= (byte)(1 << rng.Next(8)); }
            string path = _folder["broken.pt"];
            File.WriteAllBytes(path, broken);
            try { TorchFile.Read(path); }
            catch (InvalidDataException e) { Assert.StartsWith(path, e.Message, StringComparison.Ordinal); }
        }));
    }

    /// <summary>Queues, sets and bytes beside the weights, in every protocol that Python writes.</summary>
    [Theory]
    [InlineData("odd 2")]
    [InlineData("odd 4")]
    [InlineData("odd 5")]
    public void ObjectsBesideTheWeightsAreLeftOut(string file)
    {
        var read = TorchFile.Read(Write(file));
        Assert.Equal([0f, 1], read.Tensor("x").ToArray());
        Assert.Equal(3, read.Long("epoch"));
        Assert.False(read.Has("losses"));
    }

    /// <summary>A number that a tensor repeats may be more numbers than the file has bytes.</summary>
    [Fact]
    public void OneNumberMayBeSpreadOut()
    {
        var x = TorchFile.Read(Write("spread")).Tensor("x");
        Assert.Equal([200, 100], x.Shape.Sizes.ToArray());
        Assert.All(x.ToArray(), v => Assert.Equal(2, v));
    }
}
