using System.Globalization;
using System.Text.Json;
using DeepEdu.Autograd;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Nn;

/// <summary>The layer against PyTorch's nn.LSTM (tests/golden/lstm.py).</summary>
public class LstmTests
{
    private static readonly Dictionary<string, JsonElement> s_cases = Read();

    // gates are off by up to 3e-7 each (rational tanh in float32 against PyTorch in double), and a gradient adds up some hundred of them
    private const float Tolerance = 1e-5f;

    public static TheoryData<string> Cases => [.. s_cases.Keys];

    [Theory, Trait("Width", "yes")]
    [MemberData(nameof(Cases))]
    public void EqualsPyTorch(string name)
    {
        var c = s_cases[name];
        using var tape = new Tape();
        var layer = Layer(c);
        var leaves = c.GetProperty("leaves");
        var x = tape.Watch(Order(c, Value(leaves.GetProperty("x"))));
        LstmState? state = leaves.TryGetProperty("h0", out var h0) ? new(tape.Watch(Value(h0)), tape.Watch(Value(leaves.GetProperty("c0")))) : null;
        Indices? lengths = c.GetProperty("lengths") is { ValueKind: JsonValueKind.Array } l ? Indices.Of([.. l.EnumerateArray().Select(n => n.GetInt32())]) : null;
        var result = layer.Run(x, state, lengths, c.GetProperty("pad_left").GetBoolean());
        var y = Order(c, result.Output);
        Close(Numbers(c.GetProperty("y").GetProperty("values")), y, "y");
        Close(Numbers(c.GetProperty("h").GetProperty("values")), result.State.H, "h");
        Close(Numbers(c.GetProperty("c").GetProperty("values")), result.State.C, "c");

        float[][] seeds = [.. c.GetProperty("seeds").EnumerateArray().Select(Numbers)];
        var loss = (y * Tensor.Of(y.Shape, seeds[0])).Sum() + (result.State.H * Tensor.Of(result.State.H.Shape, seeds[1])).Sum()
            + (result.State.C * Tensor.Of(result.State.C.Shape, seeds[2])).Sum();
        var gradients = tape.Gradients(loss);
        foreach (var g in c.GetProperty("gradients").EnumerateObject())
        {
            var leaf = g.Name switch { "x" => x, "h0" => state!.Value.H, "c0" => state!.Value.C, _ => layer.Parameters().Single(p => p.Name == g.Name).Value };
            Close(Numbers(g.Value), g.Name == "x" ? Order(c, gradients[leaf]) : gradients[leaf], "d" + g.Name);
        }
    }

    private static Lstm Layer(JsonElement c)
    {
        var layer = new Lstm(c.GetProperty("inputs").GetInt32(), c.GetProperty("hidden").GetInt32(), new Rng(1), c.GetProperty("layers").GetInt32(),
            c.GetProperty("bidirectional").GetBoolean(), c.GetProperty("batch_first").GetBoolean(), bias: c.GetProperty("bias").GetBoolean(), projection: c.GetProperty("projection").GetInt32());
        var leaves = c.GetProperty("leaves");
        foreach (var (name, p) in layer.Parameters()) { p.CopyFrom(Numbers(leaves.GetProperty(name).GetProperty("values"))); }
        Assert.Equal(leaves.EnumerateObject().Count(e => e.Name.StartsWith("weight", StringComparison.Ordinal) || e.Name.StartsWith("bias", StringComparison.Ordinal)), layer.Parameters().Count);
        return layer;
    }

    // the goldens have the batch first; the layer's order and back are the same exchange
    private static Tensor Order(JsonElement c, Tensor t) => c.GetProperty("batch_first").GetBoolean() ? t : t.Transpose(0, 1);

    private static void Close(float[] wanted, Tensor got, string what)
    {
        float[] values = got.ToArray();
        Assert.Equal(wanted.Length, values.Length);
        for (int i = 0; i < values.Length; i++)
        {
            Assert.True(Math.Abs(values[i] - wanted[i]) <= Tolerance * Math.Max(1, Math.Abs(wanted[i])), $"{what}[{i}] of {got.Shape}: {values[i]} for {wanted[i]}");
        }
    }

    private static Tensor Value(JsonElement e) => Tensor.Of(Shape.Create([.. e.GetProperty("shape").EnumerateArray().Select(n => n.GetInt32())]), Numbers(e.GetProperty("values")));

    private static float[] Numbers(JsonElement e) => Array.ConvertAll(e.GetString()!.Split(' ', StringSplitOptions.RemoveEmptyEntries), t => float.Parse(t, CultureInfo.InvariantCulture));

    private static Dictionary<string, JsonElement> Read()
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(House.Repository.Root, "tests", "DeepEdu.Tests", "Golden", "lstm.json")));
        return json.RootElement.GetProperty("cases").EnumerateArray().ToDictionary(c => c.GetProperty("name").GetString()!, c => c.Clone());
    }
}
