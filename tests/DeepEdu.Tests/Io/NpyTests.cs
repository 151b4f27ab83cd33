using System.Text;
using System.Text.Json;
using DeepEdu.Data;
using DeepEdu.Io;
using DeepEdu.Tensors;
using DeepEdu.Tests.House;

namespace DeepEdu.Tests.Io;

/// <summary>Files that NumPy wrote (tests/golden/files.py), and files for it.</summary>
public sealed class NpyTests : IDisposable
{
    private static readonly JsonElement[] s_files = JsonSerializer.Deserialize<JsonElement[]>(File.ReadAllText(Path.Combine(Repository.Root, "tests", "DeepEdu.Tests", "Golden", "files.json")))!;
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Names => [.. s_files.Where(f => f.GetProperty("kind").GetString() == "npy").Select(f => f.GetProperty("name").GetString()!)];

    public void Dispose() => _folder.Dispose();

    [Theory, MemberData(nameof(Names))]
    public void WhatNumPyWroteIsRead(string name)
    {
        var golden = s_files.Single(f => f.GetProperty("name").GetString() == name);
        File.WriteAllBytes(_folder["a.npy"], golden.GetProperty("file").GetBytesFromBase64());
        var read = Npy.Read(_folder["a.npy"]);
        Assert.Equal(golden.GetProperty("shape").EnumerateArray().Select(n => n.GetInt32()), read.Shape.Sizes.ToArray());
        Assert.Equal(golden.GetProperty("values").EnumerateArray().Select(v => (float)v.GetDouble()), read.ToArray());
    }

    [Fact]
    public void AnArchiveOfNumPyIsRead()
    {
        File.WriteAllBytes(_folder["a.npz"], s_files.Single(f => f.GetProperty("kind").GetString() == "npz").GetProperty("file").GetBytesFromBase64());
        Assert.Equal(["x", "y"], Npz.Names(_folder["a.npz"]));
        var all = Npz.Read(_folder["a.npz"]);
        Assert.Equal([1.5f, 2], all["x"].ToArray());
        Assert.Equal([1, 2], all["x"].Shape.Sizes.ToArray());
        using var y = Npz.Open(_folder["a.npz"], "y");
        Assert.Equal([3, 4], y.ReadIndices().ToArray());
        Assert.Equal([3, 4], Npz.ReadIndices(_folder["a.npz"], "y").ToArray());
        Assert.Contains("not as whole numbers", Assert.Throws<InvalidDataException>(() => Npz.ReadIndices(_folder["a.npz"], "x")).Message, StringComparison.Ordinal);
        Assert.Contains("\"x\", \"y\"", Assert.Throws<InvalidDataException>(() => Npz.Open(_folder["a.npz"], "z")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WhatIsWrittenIsReadAndAligned()
    {
        var x = Tensor.Of([2, 0, 3], []);
        var y = Tensor.Of([2, 2], [1, float.NaN, -0f, 1e-40f]);
        Npz.Write(_folder["b.npz"], ("x", x), ("y", y), ("s", Tensor.Scalar(3)), ("v", Tensor.Of(1)));
        var all = Npz.Read(_folder["b.npz"]);
        Assert.Equal(["x", "y", "s", "v"], Npz.Names(_folder["b.npz"]));
        foreach (var (name, t) in (ReadOnlySpan<(string, Tensor)>)[("x", x), ("y", y), ("s", Tensor.Scalar(3)), ("v", Tensor.Of(1))])
        {
            Assert.Equal(t.Shape, all[name].Shape);
            Assert.Equal(t.ToArray(), all[name].ToArray());
        }
        Npy.Write(_folder["i.npy"], Indices.Of([1, 3], [7, -1, int.MaxValue]));
        using var i = Npy.Open(_folder["i.npy"]);
        Assert.Equal(NumberType.I32, i.Type);
        Assert.Equal([7, -1, int.MaxValue], i.ReadIndices().ToArray());
        string head = Encoding.Latin1.GetString(File.ReadAllBytes(_folder["i.npy"]), 0, 128);
        Assert.Equal("{'descr': '<i4', 'fortran_order': False, 'shape': (1, 3), }", head[10..].TrimEnd());
        Assert.Equal('\n', head[127]); // the numbers begin at a multiple of 64
    }

    [Fact]
    public void LabelsKeepTheirBitsOrAreRefused()
    {
        Write("u8", "(1,)", BitConverter.GetBytes(ulong.MaxValue));
        using (var large = Npy.Open(_folder["a.npy"])) { Assert.Contains("too large", Assert.Throws<InvalidDataException>(() => large.ReadLongs()).Message, StringComparison.Ordinal); }
        Write("i8", "(1,)", BitConverter.GetBytes(long.MaxValue));
        using (var l = Npy.Open(_folder["a.npy"])) { Assert.Equal([long.MaxValue], l.ReadLongs()); }
        Write("f8", "(1,)", BitConverter.GetBytes(0.1));
        using (var d = Npy.Open(_folder["a.npy"])) { Assert.Equal([0.1], d.ReadDoubles()); }
        using var f = Npy.Open(_folder["a.npy"]);
        Assert.Contains("not as whole numbers", Assert.Throws<InvalidDataException>(() => f.ReadIndices()).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("U1", "(2,)", 8, "of type '<U1' are not read")]
    [InlineData("f4", "(2,)", 7, "cut off")]
    [InlineData("f4", "(2,)", 9, "more bytes follow")]
    [InlineData("f4", "(99999999999,)", 8, "too long")]
    [InlineData("f4", "(65536, 65536)", 8, "too large to be read at once")]
    [InlineData("f4", "(a)", 8, "not that of an array of plain numbers")]
    public void ABrokenFileIsRefused(string type, string shape, int bytes, string says)
    {
        Write(type, shape, new byte[bytes]);
        string message = Assert.Throws<InvalidDataException>(() => Npy.Read(_folder["a.npy"])).Message;
        Assert.StartsWith(_folder["a.npy"], message, StringComparison.Ordinal);
        Assert.Contains(says, message, StringComparison.Ordinal);
    }

    [Fact]
    public void AnotherKindOfFileIsRefused()
    {
        File.WriteAllText(_folder["a.npy"], "1,2,3\n4,5,6\n");
        Assert.Contains("not a NumPy file", Assert.Throws<InvalidDataException>(() => Npy.Read(_folder["a.npy"])).Message, StringComparison.Ordinal);
        Assert.Contains("not a NumPy archive", Assert.Throws<InvalidDataException>(() => Npz.Read(_folder["a.npy"])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void RowsComeAFewAtATime()
    {
        Npy.Write(_folder["r.npy"], Tensor.Arange(10).Alias([5, 2]));
        using var reader = Npy.Open(_folder["r.npy"]);
        var parts = reader.Rows(2).ToArray();
        Assert.Equal([2, 2, 1], parts.Select(p => p.Shape[0]));
        Assert.Equal([8f, 9], parts[2].ToArray());
    }

    [Theory]
    [InlineData("i1", new byte[] { 127, 128 }, new[] { 127f, -128 })]
    [InlineData("u2", new byte[] { 0, 1, 255, 255 }, new[] { 256f, 65535 })]
    [InlineData("u4", new byte[] { 0, 0, 1, 0, 0, 0, 0, 0x80 }, new[] { 65536f, 2147483648f })]
    public void WholeNumbersOfEveryWidthAreRead(string type, byte[] data, float[] expected)
    {
        Write(type, "(2,)", data);
        using var reader = Npy.Open(_folder["a.npy"]);
        Assert.Equal([2], reader.Sizes.ToArray());
        Assert.Equal(expected, reader.ReadTensor().ToArray());
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void LaterVersionsHaveALongerLengthOfTheirHeader(byte version)
    {
        Write("i2", "(1,)", [7, 0], version);
        Assert.Equal([7f], Npy.Read(_folder["a.npy"]).ToArray());
        Write("i2", "(1,)", [7, 0], 4);
        Assert.Contains("format 4.0", Assert.Throws<InvalidDataException>(() => Npy.Read(_folder["a.npy"])).Message, StringComparison.Ordinal);
    }

    /// <summary>The format says that readers must not depend on the order of the keys, and Python 2 wrote whole numbers with an L.</summary>
    [Theory]
    [InlineData("{'shape': (2, 1), 'fortran_order': False, 'descr': '<i2'}")]
    [InlineData("{\"descr\": \"<i2\", \"fortran_order\": False, \"shape\": (2, 1)}")]
    [InlineData("{ 'fortran_order':False,'descr':'<i2' , 'shape':(2L, 1L,), }")]
    public void HeadersOfOtherWritersAreRead(string header)
    {
        byte[] head = Encoding.ASCII.GetBytes(header + "\n");
        File.WriteAllBytes(_folder["a.npy"], [0x93, .. "NUMPY"u8, 1, 0, (byte)head.Length, 0, .. head, 7, 0, 8, 0]);
        var x = Npy.Read(_folder["a.npy"]);
        Assert.Equal([2, 1], x.Shape.Sizes.ToArray());
        Assert.Equal([7f, 8], x.ToArray());
    }

    [Theory]
    [InlineData("{'descr': [('a', '<i2'), ('b', '<i2')], 'fortran_order': False, 'shape': (2,)}")]
    [InlineData("{'descr': '<i2', 'fortran_order': False, 'shape': (2,), 'more': 1}")]
    [InlineData("{'descr': '<i2', 'shape': (2,)}")]
    public void OtherHeadersAreRefused(string header)
    {
        byte[] head = Encoding.ASCII.GetBytes(header + "\n");
        File.WriteAllBytes(_folder["a.npy"], [0x93, .. "NUMPY"u8, 1, 0, (byte)head.Length, 0, .. head, 7, 0, 8, 0]);
        Assert.Contains("a.npy: its header is not that of", Assert.Throws<InvalidDataException>(() => Npy.Read(_folder["a.npy"])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ALaterVersionThatIsCutOffIsNamed()
    {
        File.WriteAllBytes(_folder["a.npy"], [0x93, .. "NUMPY"u8, 2, 0, 16, 0, 0]);
        Assert.Contains("a.npy: cut off within the header", Assert.Throws<InvalidDataException>(() => Npy.Read(_folder["a.npy"])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ANameTwiceIsRefused()
    {
        Assert.Contains("npz: the name \"a\" is given twice", Assert.Throws<ArgumentException>(() => Npz.Write(_folder["a.npz"], ("a", Tensor.Ones([2])), ("a", Tensor.Zeros([2])))).Message, StringComparison.Ordinal);
        Assert.Contains("torch-file: the name \"a\" is given twice", Assert.Throws<ArgumentException>(() => TorchFile.Write(_folder["a.pt"], [("a", Tensor.Ones([2])), ("a", Tensor.Zeros([2]))])).Message, StringComparison.Ordinal);
        Assert.Empty(_folder.Files);
    }

    private void Write(string type, string shape, byte[] data, byte version = 1)
    {
        byte[] head = Encoding.ASCII.GetBytes($"{{'descr': '<{type}', 'fortran_order': False, 'shape': {shape}, }}\n"), length = version == 1 ? [(byte)head.Length, 0] : [(byte)head.Length, 0, 0, 0];
        File.WriteAllBytes(_folder["a.npy"], [0x93, .. "NUMPY"u8, version, 0, .. length, .. head, .. data]);
    }
}
