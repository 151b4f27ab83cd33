using System.Globalization;
using System.Text.Json;
using DeepEdu.Autograd;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Nn;

/// <summary>The layers against PyTorch's nn.LSTM, nn.GRU and nn.RNN in the full option matrix, and against Keras' formulas (tests/golden/recurrent.py).</summary>
public class RecurrentGoldenTests
{
    private static readonly Dictionary<string, JsonElement> s_lstm = Read("lstm"), s_gru = Read("gru"), s_rnn = Read("rnn");

    // gates are off by up to 3e-7 each (rational tanh in float32 against PyTorch in double), and a gradient adds up some hundred of them
    private const float Tolerance = 1e-5f;

    public static TheoryData<string> LstmCases => [.. s_lstm.Keys];

    public static TheoryData<string> GruCases => [.. s_gru.Keys];

    public static TheoryData<string> RnnCases => [.. s_rnn.Keys];

    [Theory, Trait("Width", "yes")]
    [MemberData(nameof(LstmCases))]
    public void LstmEqualsPyTorch(string name)
    {
        var c = s_lstm[name];
        var layer = new Lstm(Int(c, "inputs"), Int(c, "hidden"), new Rng(1), Int(c, "layers"), c.GetProperty("bidirectional").GetBoolean(), c.GetProperty("batch_first").GetBoolean(),
            bias: c.GetProperty("bias").GetBoolean(), projection: Int(c, "projection"));
        EqualsPyTorch(c, layer, (x, state, lengths, left) =>
        {
            var result = layer.Run(x, state.Length == 0 ? null : new(state[0], state[1]), lengths, left);
            return [result.Output, result.State.H, result.State.C];
        });
    }

    [Theory, Trait("Width", "yes")]
    [MemberData(nameof(GruCases))]
    public void GruEqualsPyTorch(string name)
    {
        var c = s_gru[name];
        var layer = new Gru(Int(c, "inputs"), Int(c, "hidden"), new Rng(1), Int(c, "layers"), c.GetProperty("bidirectional").GetBoolean(), c.GetProperty("batch_first").GetBoolean(),
            bias: c.GetProperty("bias").GetBoolean());
        EqualsPyTorch(c, layer, (x, state, lengths, left) =>
        {
            var result = layer.Run(x, state.Length == 0 ? null : state[0], lengths, left);
            return [result.Output, result.State];
        });
    }

    [Theory, Trait("Width", "yes")]
    [MemberData(nameof(RnnCases))]
    public void SimpleRnnEqualsPyTorch(string name)
    {
        var c = s_rnn[name];
        var layer = new SimpleRnn(Int(c, "inputs"), Int(c, "hidden"), new Rng(1), Int(c, "layers"), c.GetProperty("bidirectional").GetBoolean(), c.GetProperty("batch_first").GetBoolean(),
            bias: c.GetProperty("bias").GetBoolean(), relu: c.GetProperty("relu").GetBoolean());
        EqualsPyTorch(c, layer, (x, state, lengths, left) =>
        {
            var result = layer.Run(x, state.Length == 0 ? null : state[0], lengths, left);
            return [result.Output, result.State];
        });
    }

    private static void EqualsPyTorch(JsonElement c, Layer layer, Func<Tensor, Tensor[], Indices?, bool, Tensor[]> run)
    {
        // whether the tape is one of learning or of use, gradients are the same
        foreach (bool training in new[] { true, false })
        {
            var leaves = c.GetProperty("leaves");
            Assert.Equal(leaves.EnumerateObject().Select(e => e.Name).Where(n => n.StartsWith("weight", StringComparison.Ordinal) || n.StartsWith("bias", StringComparison.Ordinal)),
                layer.Parameters().Select(p => p.Name));
            foreach (var (name, p) in layer.Parameters()) { p.CopyFrom(Numbers(leaves.GetProperty(name).GetProperty("values"))); }
            using var tape = new Tape(training);
            var x = tape.Watch(Order(c, Value(leaves.GetProperty("x"))));
            Tensor[] state = [.. new[] { "h0", "c0" }.Where(n => leaves.TryGetProperty(n, out _)).Select(n => tape.Watch(Value(leaves.GetProperty(n))))];
            Indices? lengths = c.GetProperty("lengths") is { ValueKind: JsonValueKind.Array } l ? Indices.Of([.. l.EnumerateArray().Select(n => n.GetInt32())]) : null;
            Tensor[] results = run(x, state, lengths, c.GetProperty("pad_left").GetBoolean());
            results[0] = Order(c, results[0]);
            for (int i = 0; i < results.Length; i++) { Close(Numbers(c.GetProperty("yhc"[i].ToString()).GetProperty("values")), results[i], "yhc"[i].ToString()); }

            float[][] seeds = [.. c.GetProperty("seeds").EnumerateArray().Select(Numbers)];
            var gradients = tape.Gradients(results.Zip(seeds, (y, seed) => (y * Tensor.Of(y.Shape, seed)).Sum()).Aggregate((a, b) => a + b));
            foreach (var g in c.GetProperty("gradients").EnumerateObject())
            {
                var leaf = g.Name switch { "x" => x, "h0" => state[0], "c0" => state[1], _ => layer.Parameters().Single(p => p.Name == g.Name).Value };
                Close(Numbers(g.Value), g.Name == "x" ? Order(c, gradients[leaf]) : gradients[leaf], "d" + g.Name);
            }
        }
    }

    [Theory]
    [InlineData("lstm")]
    [InlineData("gru")]
    [InlineData("gru-before")]
    [InlineData("rnn")]
    public void KerasWeightsGiveKerasNumbers(string kind)
    {
        var golden = GoldenLayers.Read("keras.json").GetProperty(kind);
        float[] x = Numbers(golden.GetProperty("x")), kernel = Numbers(golden.GetProperty("kernel")), recurrent = Numbers(golden.GetProperty("recurrent")), bias = Numbers(golden.GetProperty("bias"));
        var rng = new Rng(1);
        Recurrent layer;
        if (kind == "lstm")
        {
            var lstm = new Lstm(3, 2, rng);
            lstm.CopyFromKeras(kernel, recurrent, bias);
            layer = lstm;
        }
        else if (kind == "rnn")
        {
            var rnn = new SimpleRnn(3, 2, rng);
            rnn.CopyFromKeras(kernel, recurrent, bias);
            layer = rnn;
        }
        else
        {
            var gru = new Gru(3, 2, rng, resetBefore: kind == "gru-before");
            gru.CopyFromKeras(kernel, recurrent, bias);
            layer = gru;
        }
        Close(Numbers(golden.GetProperty("y")), layer.Forward(Tensor.Of([1, 4, 3], x)), "y");
    }

    [Fact]
    public void KerasWeightsThatDoNotFit()
    {
        var rng = new Rng(1);
        float[] kernel = new float[18], recurrent = new float[12], bias = new float[6];
        Assert.Contains("reset_after=False", Assert.Throws<ShapeException>(() => new Gru(3, 2, rng).CopyFromKeras(kernel, recurrent, bias)).Message, StringComparison.Ordinal);
        Assert.Contains("the kernel has 17 values, but [3,6]", Assert.Throws<ShapeException>(() => new Gru(3, 2, rng, resetBefore: true).CopyFromKeras(kernel.AsSpan(1), recurrent, bias)).Message,
            StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => new Gru(3, 2, rng, bias: false, resetBefore: true).CopyFromKeras(kernel, recurrent, bias));
        Assert.Throws<InvalidOperationException>(() => new Lstm(3, 2, rng, coupled: true).CopyFromKeras(kernel, recurrent, bias));
        Assert.Throws<InvalidOperationException>(() => new Lstm(3, 2, rng, projection: 1).CopyFromKeras(kernel, recurrent, bias));
        new Gru(3, 2, rng, bias: false).CopyFromKeras(kernel, recurrent, []);
    }

    private static int Int(JsonElement c, string name) => c.GetProperty(name).GetInt32();

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

    private static Dictionary<string, JsonElement> Read(string file) => GoldenLayers.Read(file + ".json").GetProperty("cases").EnumerateArray().ToDictionary(c => c.GetProperty("name").GetString()!);
}
