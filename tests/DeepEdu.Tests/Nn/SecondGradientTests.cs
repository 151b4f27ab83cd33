using System.Text.Json;
using DeepEdu.Autograd;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Nn;

/// <summary>Gradients of gradients of every row of <see cref="LayerCatalog"/>, against tests/golden/second.py.</summary>
public class SecondGradientTests
{
    private static readonly JsonElement s_golden = GoldenLayers.Read("second.json");

    public static TheoryData<string> Rows => [.. LayerCatalog.All.Keys];

    // PyTorch 1.13 has no second derivative of hard sigmoid
    [Fact]
    public void EveryRowHasAGoldenButOne() => Assert.Equal(["hard-sigmoid"], LayerCatalog.All.Keys.Except(s_golden.EnumerateObject().Select(p => p.Name)));

    [Theory]
    [MemberData(nameof(Rows))]
    public void RecordedGradientsAreThePlainOnes(string name)
    {
        var (loss, inputs, training) = Make(name);
        if (inputs.Count == 0) { return; }
        float[] plain, recorded;
        using (var tape = new Tape(training))
        {
            var gradients = tape.Gradients(loss());
            plain = [.. inputs.Values.SelectMany(t => gradients.Find(t)?.ToArray() ?? new float[t.Size])];
        }
        (loss, inputs, training) = Make(name); // some have a state
        using (var tape = new Tape(training))
        {
            var slopes = tape.SlopesOf(loss(), [.. inputs.Values]);
            recorded = [.. inputs.Values.SelectMany((t, i) => slopes[i]?.ToArray() ?? new float[t.Size])];
        }
        OpCatalogTests.Near(plain, recorded, 1e-4f, name); // fused kernels and other operations round apart
    }

    [Theory]
    [MemberData(nameof(Rows))]
    public void GradientsOfGradientsEqualPyTorch(string name)
    {
        if (!s_golden.TryGetProperty(name, out var golden)) { return; }
        var (loss, inputs, training) = Make(name);
        using var tape = new Tape(training);
        var l = loss();
        Tensor[] slopes = [.. tape.SlopesOf(l, [.. inputs.Values]).OfType<Tensor>().Where(tape.Wants)];
        Gradients? gradients = null;
        if (slopes.Length > 0)
        {
            var phi = slopes[0].Square().Sum() / 2;
            foreach (var slope in slopes.AsSpan(1)) { phi += slope.Square().Sum() / 2; }
            gradients = tape.Gradients(phi);
        }
        foreach (var (part, t) in inputs)
        {
            var e = golden.GetProperty(part);
            float[] h = gradients?.Find(t)?.ToArray() ?? new float[t.Size], v = GoldenLayers.Hashed(e.GetProperty("key").GetUInt32(), -1, 1, t.Shape).ToArray();
            double length = e.GetProperty("length").GetDouble(), along = h.Zip(v, (a, b) => (double)a * b).Sum(), norm = Math.Sqrt(h.Sum(a => (double)a * a));
            // float32 against double, through two passes back; what should be 0 is left over from terms that cancel
            double allowed = (5e-4 * length) + 1e-5;
            Assert.True(Math.Abs(norm - length) <= allowed && Math.Abs(along - e.GetProperty("along").GetDouble()) <= allowed,
                $"{name}, {(part.Length == 0 ? "x" : part)}: length {norm:g6}, along the direction {along:g6}; PyTorch says {length:g6} and {e.GetProperty("along").GetDouble():g6}");
        }
    }

    // Σ y ⊙ dy, and what it is differentiated by: "" is the input
    private static (Func<Tensor> Loss, Dictionary<string, Tensor> Inputs, bool Training) Make(string name)
    {
        var golden = LayerCatalog.Golden[name];
        var layer = GoldenLayers.Load(LayerCatalog.All[name](), golden);
        Dictionary<string, Tensor> inputs = [];
        var x = golden.TryGetProperty("x", out var input) ? GoldenLayers.Tensor(input) : null;
        if (x is not null) { inputs[""] = x; }
        foreach (var (part, value) in layer.Parameters()) { inputs[part] = value; }
        return (Loss, inputs, golden.GetProperty("mode").GetString() == "train");

        Tensor Loss()
        {
            var y = x is null ? layer.Forward(GoldenLayers.Indices(golden)) : layer.Forward(Tape.Recording!.Watch(x));
            return (y * GoldenLayers.Tensor(golden.GetProperty("dy"))).Sum();
        }
    }
}
