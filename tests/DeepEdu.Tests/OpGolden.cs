using System.Text.Json;
using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Tests;

/// <summary>One case of a catalogue row with the values that tests/golden/ops.py wrote. Without a golden row, only the inputs are there.</summary>
internal sealed record OpCase(Tensor[] Inputs, Indices[] Indices, Tensor? Output, float[]? Seed, float[]?[] Gradients)
{
    /// <summary>The numbers of the inputs that have a gradient.</summary>
    public int[] Differentiable => [.. Enumerable.Range(0, Inputs.Length).Where(i => Gradients[i] is not null)];
}

/// <summary>Reads the golden files.</summary>
internal static class OpGolden
{
    private static readonly Dictionary<string, JsonElement> s_rows = ReadAll();

    public static IReadOnlyCollection<string> Names => s_rows.Keys;

    public static bool Has(string name) => s_rows.ContainsKey(name);

    /// <summary>The cases of a row: fresh tensors each time.</summary>
    public static OpCase[] Cases(OpRow row)
    {
        if (row.OwnCases is { } own)
        {
            var rng = new Rng(7);
            return Array.ConvertAll(own, shapes => new OpCase(
                Array.ConvertAll(shapes, s => Tensor.Uniform(s, rng, -2, 2)), row.OwnIndices, null, null, Array.ConvertAll(shapes, s => new float[s.Size])));
        }
        Assert.True(Has(row.Name), $"no golden row \"{row.Name}\": add it to tests/golden/rows_*.py and run ops.py");
        return [.. s_rows[row.Name].GetProperty("cases").EnumerateArray().Select(Case)];
    }

    /// <summary>Random inputs of the given shapes in the row's domain.</summary>
    public static Tensor[] Draw(OpRow row, Shape[] shapes, ulong seed)
    {
        var rng = new Rng(seed);
        var inputs = new Tensor[shapes.Length];
        for (int i = 0; i < shapes.Length; i++)
        {
            var (low, high) = Domain(row, i);
            inputs[i] = Tensor.Uniform(shapes[i], rng, low, high);
        }
        return inputs;
    }

    private static (float Low, float High) Domain(OpRow row, int input) =>
        s_rows.TryGetValue(row.Name, out var golden) ? (golden.GetProperty("low")[input].GetSingle(), golden.GetProperty("high")[input].GetSingle()) : (-2, 2);

    private static OpCase Case(JsonElement c)
    {
        Tensor[] inputs = [.. c.GetProperty("x").EnumerateArray().Select(ReadTensor)];
        Indices[] indices = c.TryGetProperty("i", out var i) ? [.. i.EnumerateArray().Select(ReadIndices)] : [];
        float[]? seed = c.TryGetProperty("seed", out var s) ? Numbers(s) : null;
        float[]?[] gradients = c.TryGetProperty("dx", out var dx)
            ? [.. dx.EnumerateArray().Select(d => d.ValueKind == JsonValueKind.Null ? null : Numbers(d))]
            : new float[]?[inputs.Length];
        return new(inputs, indices, ReadTensor(c.GetProperty("y")), seed, gradients);
    }

    private static Tensor ReadTensor(JsonElement e) => Tensor.Of(ReadShape(e), Numbers(e.GetProperty("values")));

    private static Indices ReadIndices(JsonElement e) =>
        Indices.Of(ReadShape(e), Array.ConvertAll(e.GetProperty("values").GetString()!.Split(' ', StringSplitOptions.RemoveEmptyEntries), int.Parse));

    private static Shape ReadShape(JsonElement e) => Shape.Create([.. e.GetProperty("shape").EnumerateArray().Select(n => n.GetInt32())]);

    private static float[] Numbers(JsonElement e) =>
        Array.ConvertAll(e.GetString()!.Split(' ', StringSplitOptions.RemoveEmptyEntries), t => t switch
        {
            "nan" => float.NaN,
            "inf" => float.PositiveInfinity,
            "-inf" => float.NegativeInfinity,
            _ => float.Parse(t, System.Globalization.CultureInfo.InvariantCulture),
        });

    private static Dictionary<string, JsonElement> ReadAll()
    {
        var rows = new Dictionary<string, JsonElement>();
        foreach (string file in Directory.EnumerateFiles(Path.Combine(House.Repository.Root, "tests", "DeepEdu.Tests", "Golden"), "ops-*.json"))
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(file));
            foreach (var row in json.RootElement.EnumerateObject()) { rows.Add(row.Name, row.Value.Clone()); }
        }
        return rows;
    }
}
