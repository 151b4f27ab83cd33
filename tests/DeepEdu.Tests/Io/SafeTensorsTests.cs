using System.Buffers.Binary;
using System.Text;
using DeepEdu.Data;
using DeepEdu.Io;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Tensors;
using FsCheck;
using FsCheck.Fluent;

namespace DeepEdu.Tests.Io;

public sealed class SafeTensorsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void AWrittenFileHasTheLayoutOfTheFormat()
    {
        using var file = new MemoryStream();
        SafeTensors.Write(file, [("b", Tensor.Of(1, -2)), ("a.ü", Tensor.Of([2, 1], [0.5f, 4]))], metadata: new Dictionary<string, string> { ["format"] = "pt" });
        byte[] bytes = file.ToArray();
        long header = BinaryPrimitives.ReadInt64LittleEndian(bytes);
        Assert.Equal(0, header % 8);
        string json = Encoding.UTF8.GetString(bytes, 8, (int)header);
        Assert.Equal("""{"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a.\u00FC":{"dtype":"F32","shape":[2,1],"data_offsets":[8,16]}}""", json.TrimEnd(' '));
        Assert.Equal([0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0, 0, 0, 0, 0x3F, 0, 0, 0x80, 0x40], bytes[^16..]);
    }

    [Fact]
    public void WhatIsWrittenIsRead() => Prop.ForAll(ArbMap.Default.ArbFor<float[]>(), ArbMap.Default.ArbFor<float[]>(), (values, more) =>
    {
        using var file = new MemoryStream();
        SafeTensors.Write(file, [("x", Tensor.Of([values.Length], values)), ("y/z \"", Tensor.Of([1, more.Length], more)), ("s", Tensor.Scalar(more.Length))]);
        file.Position = 0;
        using var read = SafeTensors.Open(file, file.Length);
        return read.Entries.Count == 3 && Bits(read.Tensor("y/z \"").ToArray()).SequenceEqual(Bits(more)) && Bits(read.Tensor("x").ToArray()).SequenceEqual(Bits(values))
            && read.Tensor("s") is { Rank: 0 } s && s.Item() == more.Length && read.Tensor("y/z \"").Shape == [1, more.Length];
    }).Hold();

    // values from the definitions of the formats
    [Theory]
    [InlineData("F16", new byte[] { 0x00, 0x3C, 0xFF, 0x7B, 0x01, 0x00, 0x00, 0xFC }, new[] { 1f, 65504f, 5.9604645e-8f, float.NegativeInfinity })]
    [InlineData("BF16", new byte[] { 0x80, 0x3F, 0x49, 0x40 }, new[] { 1f, 3.140625f })]
    [InlineData("F64", new byte[] { 0, 0, 0, 0, 0, 0, 0xF0, 0x3F, 0x9A, 0x99, 0x99, 0x99, 0x99, 0x99, 0xB9, 0x3F }, new[] { 1f, 0.1f })]
    [InlineData("I32", new byte[] { 1, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF }, new[] { 1f, -1f })]
    [InlineData("I64", new byte[] { 1, 0, 0, 0, 0, 0, 0, 0, 0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF }, new[] { 1f, -2f })]
    [InlineData("U8", new byte[] { 1, 255 }, new[] { 1f, 255f })]
    [InlineData("I8", new byte[] { 127, 128 }, new[] { 127f, -128f })]
    [InlineData("I16", new byte[] { 0, 1, 0xFF, 0xFF }, new[] { 256f, -1f })]
    [InlineData("U16", new byte[] { 0, 1, 0xFF, 0xFF }, new[] { 256f, 65535f })]
    [InlineData("U32", new byte[] { 0, 0, 1, 0, 0, 0, 0, 0x80 }, new[] { 65536f, 2147483648f })]
    [InlineData("U64", new byte[] { 2, 0, 0, 0, 0, 0, 0, 0 }, new[] { 2f })]
    [InlineData("BOOL", new byte[] { 1, 0 }, new[] { 1f, 0f })]
    public void OtherTypesAreConverted(string type, byte[] data, float[] expected)
    {
        var raw = Raw($$$"""{"t":{"dtype":"{{{type}}}","shape":[{{{expected.Length}}}],"data_offsets":[0,{{{data.Length}}}]}}""", data);
        using var file = SafeTensors.Open(raw, raw.Length);
        Assert.Equal(expected, file.Tensor("t").ToArray());
        if (type[0] is 'I' or 'U' or 'B' && type != "BF16") { Assert.Equal(expected.Select(v => (long)v), file.Longs("t")); }
        else { Assert.Throws<InvalidDataException>(() => file.Longs("t")); }
    }

    [Fact]
    public void MetadataComesBackAndBelongsToNoTensor()
    {
        using var file = new MemoryStream();
        SafeTensors.Write(file, [("x", Tensor.Of(1, 2))], metadata: new Dictionary<string, string> { ["format"] = "pt", ["ü"] = "" });
        file.Position = 0;
        using var read = SafeTensors.Open(file, file.Length);
        Assert.Equal([("format", "pt"), ("ü", "")], read.Metadata.Select(m => (m.Key, m.Value)));
        Assert.Equal(["x"], read.Entries.Select(e => e.Name));
        Assert.Contains("tensors are written as F32, F16, BF16 or F64, not U8", Assert.Throws<ArgumentException>(() => SafeTensors.Write(new MemoryStream(), [("x", Tensor.Of(1))], NumberType.U8)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void NarrowTypesRoundToNearestEven()
    {
        float[] values = [1, 1 + (1f / 256), 1 + (3f / 256), float.NaN, float.PositiveInfinity, -0f, 3.4e38f];
        string path = _folder["narrow.safetensors"];
        SafeTensors.Write(path, [("t", Tensor.Of(values))], NumberType.BF16);
        using (var brain = SafeTensors.Open(path)) { Assert.Equal([1, 1, 1 + (1f / 64), float.NaN, float.PositiveInfinity, -0f, float.PositiveInfinity], brain.Tensor("t").ToArray()); }
        SafeTensors.Write(path, [("t", Tensor.Of(values))], NumberType.F16);
        using var half = SafeTensors.Open(path);
        Assert.Equal(NumberType.F16, half.Entries[0].Type);
        Assert.Equal(values.Select(v => (float)(Half)v), half.Tensor("t").ToArray());
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", "overlap")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", "leave a gap")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", "4 bytes follow that belong to no tensor")]
    [InlineData("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}}""", "only 8 follow")]
    [InlineData("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", "takes 12 bytes, but stands at 0..8")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""", "stands at 8..0")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""", "an axis of -2")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2147483647,2147483647],"data_offsets":[0,8]}}""", "split the tensor")]
    [InlineData("""{"a":{"dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8]}}""", "F8_E4M3, which is not supported")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", "stands twice")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2]}}""", "lacks its dtype, shape or data_offsets")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}""", "broken")]
    [InlineData("""{"a":7}""", "no object")]
    [InlineData("""{"__metadata__":{"format":1},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", "broken")]
    [InlineData("""[1]""", "no JSON object")]
    public void ABrokenHeaderIsRefused(string header, string says)
    {
        var file = Raw(header, new byte[8]);
        Assert.Contains(says, Assert.Throws<InvalidDataException>(() => SafeTensors.Open(file, file.Length, "bad.safetensors")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AnotherKindOfFileIsRefused()
    {
        string path = _folder["a.safetensors"];
        File.WriteAllText(path, "weights, weights, nothing but weights");
        Assert.Contains("another kind of file", Assert.Throws<InvalidDataException>(() => SafeTensors.Open(path)).Message, StringComparison.Ordinal);
        File.WriteAllText(path, "PK");
        Assert.Contains("too few", Assert.Throws<InvalidDataException>(() => SafeTensors.Open(path)).Message, StringComparison.Ordinal);
        File.WriteAllText(path, "");
        Assert.Contains("it is empty", Assert.Throws<InvalidDataException>(() => SafeTensors.Open(path)).Message, StringComparison.Ordinal);
    }

    // every cut of a file is an error, never a wrong tensor
    [Fact]
    public void ATruncatedFileIsRefusedWhereverItEnds()
    {
        using var file = new MemoryStream();
        SafeTensors.Write(file, [("a", Tensor.Of(1, 2)), ("b", Tensor.Of(3))]);
        for (int n = 0; n < file.Length; n++)
        {
            var cut = new MemoryStream(file.ToArray()[..n]);
            Assert.Throws<InvalidDataException>(() => SafeTensors.Open(cut, n));
        }
    }

    [Fact]
    public void ANameThatIsNotThereIsToldWithThoseThatAre()
    {
        using var file = new MemoryStream();
        SafeTensors.Write(file, [("left", Tensor.Of(1))]);
        file.Position = 0;
        using var read = SafeTensors.Open(file, file.Length);
        Assert.Contains("\"left\"", Assert.Throws<KeyNotFoundException>(() => read.Tensor("right")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AModelsWeightsGoThroughAFile()
    {
        static Layer Make(ulong seed) => new Sequential(new Dense(3, 4, new Rng(seed)), new BatchNorm(4));
        Layer first = Make(1), second = Make(2);
        first.SaveWeights(_folder["w.safetensors"]);
        using (var file = SafeTensors.Open(_folder["w.safetensors"]))
        {
            Assert.Equal(["0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var", "1.num_batches_tracked"], file.Entries.Select(e => e.Name));
        }
        Assert.True(second.LoadWeights(_folder["w.safetensors"]).IsExact);
        var x = Tensor.Normal([5, 3], new Rng(3));
        Assert.Equal(first.Forward(x).ToArray(), second.Forward(x).ToArray());

        var larger = new Sequential(new Dense(3, 5, new Rng(1)), new BatchNorm(4), new Dense(4, 2, new Rng(1)));
        Assert.Contains("0.weight [4,3] in the file, [5,3] in the model", Assert.Throws<InvalidDataException>(() => larger.LoadWeights(_folder["w.safetensors"])).Message, StringComparison.Ordinal);
        Assert.Equal(["2.weight", "2.bias"], larger.LoadWeights(_folder["w.safetensors"], strict: false).Missing);
    }

    private static IEnumerable<int> Bits(float[] values) => values.Select(BitConverter.SingleToInt32Bits);

    private static MemoryStream Raw(string header, byte[] data)
    {
        byte[] json = Encoding.UTF8.GetBytes(header);
        var file = new MemoryStream();
        file.Write(BitConverter.GetBytes((long)json.Length));
        file.Write(json);
        file.Write(data);
        file.Position = 0;
        return file;
    }
}
