using System.Text.Json;
using DeepEdu.Nn;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Nn;

/// <summary>Tensors and weights out of the files that tests/golden writes, and comparison with them.</summary>
internal static class GoldenLayers
{
    public static JsonElement Read(string file)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(House.Repository.Root, "tests", "DeepEdu.Tests", "Golden", file)));
        return json.RootElement.Clone();
    }

    public static Tensor Tensor(JsonElement e) => DeepEdu.Tensors.Tensor.Of(ShapeOf(e), [.. e.GetProperty("values").EnumerateArray().Select(v => v.GetSingle())]);

    public static Indices Indices(JsonElement golden)
    {
        var e = golden.GetProperty("indices");
        return DeepEdu.Tensors.Indices.Wrap([.. e.GetProperty("values").EnumerateArray().Select(v => v.GetInt32())], ShapeOf(e));
    }

    public static Tensor Run(Layer model, JsonElement golden) => golden.TryGetProperty("x", out var x) ? model.Forward(Tensor(x)) : model.Forward(Indices(golden));

    /// <summary>Gives a layer PyTorch's weights; names, order and shapes must be the same.</summary>
    public static M Load<M>(M layer, JsonElement golden) where M : Module
    {
        var parameters = layer.Parameters();
        var buffers = layer.Buffers();
        Assert.Equal(golden.GetProperty("parameters").EnumerateObject().Select(p => p.Name), parameters.Select(p => p.Name));
        if (golden.TryGetProperty("buffers", out var wanted)) { Assert.Equal(wanted.EnumerateObject().Select(p => p.Name), buffers.Select(b => b.Name)); }
        else { Assert.Empty(buffers); }
        foreach (var (name, value) in parameters.Select(p => (p.Name, (Tensor)p.Value))) { Fill(value, golden.GetProperty("parameters").GetProperty(name)); }
        foreach (var (name, value) in buffers) { Fill(value, golden.GetProperty("buffers").GetProperty(name)); }
        return layer;
    }

    /// <summary>Every parameter and buffer against "after".</summary>
    public static void After(Layer layer, JsonElement after)
    {
        foreach (var (part, value) in layer.Parameters().Select(p => (p.Name, (Tensor)p.Value)).Concat(layer.Buffers())) { Near(part, after.GetProperty(part), value); }
    }

    public static void Near(string what, JsonElement expected, Tensor actual)
    {
        var e = Tensor(expected);
        Assert.Equal(e.Shape, actual.Shape);
        Close(e.ToArray(), actual.ToArray(), what);
    }

    // float32 against PyTorch in double: sums of at most a few hundred products
    public static void Close(float[] expected, float[] actual, string what)
    {
        float scale = expected.Length == 0 ? 0 : expected.Max(MathF.Abs);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.True(MathF.Abs(expected[i] - actual[i]) <= (2e-5f * MathF.Abs(expected[i])) + (2e-5f * scale), $"{what}[{i}]: {actual[i]}, expected {expected[i]}");
        }
    }

    private static void Fill(Tensor to, JsonElement from)
    {
        var t = from.TryGetProperty("key", out var key) ? Hashed(key.GetUInt32(), from.GetProperty("low").GetDouble(), from.GetProperty("high").GetDouble(), ShapeOf(from)) : Tensor(from);
        Assert.Equal(t.Shape, to.Shape);
        to.CopyFrom(t.AsSpan());
    }

    // the same lines stand in tests/golden/layers.py
    public static Tensor Hashed(uint key, double low, double high, Shape shape) => DeepEdu.Tensors.Tensor.Of(shape, [.. Enumerable.Range(0, shape.Size).Select(i =>
    {
        uint z = ((uint)i * 0x9E3779B9) + key;
        z = (z ^ (z >> 16)) * 0x85EBCA6B;
        z = (z ^ (z >> 13)) * 0xC2B2AE35;
        return (float)(low + ((high - low) * ((z >> 16) / 65536.0)));
    })]);

    private static Shape ShapeOf(JsonElement e) => Shape.Create([.. e.GetProperty("shape").EnumerateArray().Select(n => n.GetInt32())]);
}
