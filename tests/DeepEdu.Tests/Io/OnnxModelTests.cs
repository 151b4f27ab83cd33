using System.Text.Json;
using DeepEdu.Autograd;
using DeepEdu.Io;
using DeepEdu.Nn;
using DeepEdu.Ops;
using DeepEdu.Tensors;
using DeepEdu.Tests.House;

namespace DeepEdu.Tests.Io;

/// <summary>Models that PyTorch exported, read and run: outputs, other sizes of open axes, gradients, sessions.</summary>
public class OnnxModelTests
{
    private static readonly JsonElement s_all = JsonDocument.Parse(File.ReadAllText(Path.Combine(Repository.Root, "tests", "DeepEdu.Tests", "Golden", "onnx.json"))).RootElement;

    // what depends on values cannot be recorded: a branch, what is sorted, places of a look-up counted from the end, whole numbers that are computed from inputs
    private static readonly string[] s_valued = ["branches", "whole", "look-ups", "node-topk-lowest"];

    public static TheoryData<string> Cases => [.. s_all.EnumerateObject().Select(c => c.Name)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void ComputesWhatPyTorchComputed(string name)
    {
        var model = Load(name);
        foreach (var run in s_all.GetProperty(name).GetProperty("runs").EnumerateArray())
        {
            var results = model.Run(Inputs(run));
            Check(run, i => results[i]);
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void ASessionComputesTheSame(string name)
    {
        if (s_valued.Contains(name)) { return; }
        var model = Load(name);
        foreach (var run in s_all.GetProperty(name).GetProperty("runs").EnumerateArray())
        {
            var inputs = Inputs(run);
            var session = new InferenceSession(x =>
            {
                var results = model.Run([.. inputs.Select(i => i.Value is Tensor t ? (OnnxArgument)x.Tensor(t.Shape) : x.Indices(((Indices)i.Value!).Shape))]);
                return [.. Enumerable.Range(0, results.Count).Select(i => results[i])];
            });
            using var call = session.Begin();
            for (int i = 0; i < inputs.Length; i++) { if (inputs[i].Value is Tensor t) { call.Set(i, t.ToArray()); } else { call.Set(i, ((Indices)inputs[i].Value!).Span); } }
            call.Run();
            int at = 0;
            foreach (var y in run.GetProperty("outputs").EnumerateArray())
            {
                Close(y, Tensor.Of(call.OutputShape(at), call.Output(at)), $"{name} {at}");
                at++;
            }
        }
    }

    [Theory]
    [InlineData("mlp")]
    [InlineData("cnn-13")]
    [InlineData("layer-norm")]
    public void GradientsAreThoseOfPyTorch(string name)
    {
        var model = Load(name);
        foreach (var run in s_all.GetProperty(name).GetProperty("runs").EnumerateArray())
        {
            using var tape = new Tape();
            var y = model.Run(Inputs(run))[0];
            var gradients = tape.Gradients((y * Tensor.Arange(y.Size).Cos().Reshape(y.Shape)).Sum());
            int checkedOnes = 0;
            foreach (var (key, value) in model.Parameters())
            {
                // names that the exporter made up belong to weights that it changed: folded batch norms, transposed products
                if (!run.GetProperty("gradients").TryGetProperty(key, out var want)) { continue; }
                Close(want, gradients[value], key);
                checkedOnes++;
            }
            Assert.True(checkedOnes >= 2, $"{checkedOnes}");
        }
    }

    [Fact]
    public void ThePageSaysHowManyOperatorsAreKnown() =>
        // besides the table's, constants and branches
        Assert.Contains($"Known are, in every version, {OnnxOperators.Names.Count() + 2} operators:", File.ReadAllText(Path.Combine(Repository.Root, "docs", "files.md")), StringComparison.Ordinal);

    [Fact]
    public void ItLearnsOn()
    {
        var model = Load("tagger-lstm");
        var tokens = (Indices)Inputs(s_all.GetProperty("tagger-lstm").GetProperty("runs")[0])[0].Value!;
        var adam = new DeepEdu.Optim.Adam(model.Parameters(), new() { LearningRate = 0.02f });
        var labels = Indices.Of([.. tokens.ToArray().Select(t => t % 3)]);
        float first = 0, last = 0;
        for (int step = 0; step < 60; step++)
        {
            using var tape = new Tape();
            var loss = model.Forward(tokens).Reshape(-1, 3).CrossEntropy(labels);
            last = loss.Item();
            if (step == 0) { first = last; }
            adam.Step(tape.Gradients(loss));
        }
        Assert.True(last < 0.3f * first, $"{first} to {last}");
    }

    [Fact]
    public void RunningSumsBeforeEachLoseNothingBesideLargeOnes()
    {
        var axis = Node("Constant", [], "a").Message(5, new ProtoWriter().Text(1, "value_ints").Number(8, 0).Number(20, 7));
        float[] x = [0.5f, 1e30f, float.PositiveInfinity, 1];
        Assert.Equal([0, 0.5f, 1e30f, float.PositiveInfinity], Values(Tensor.Of(x), axis, Node("CumSum", ["x", "a"], "y", Whole("exclusive", 1))));
        Assert.Equal([1, 1, 0, 0], Values(Tensor.Of([float.NegativeInfinity, 0, 1, 0]), axis, Node("CumSum", ["x", "a"], "y", Whole("exclusive", 1), Whole("reverse", 1))));
        Assert.Empty(Values(Tensor.Zeros([0]), axis, Node("CumSum", ["x", "a"], "y", Whole("exclusive", 1))));
    }

    [Fact]
    public void WhatIsCutAwayIsZeroOfInfinitiesToo()
    {
        float[] x = [float.NegativeInfinity, -2, 0, 2, float.PositiveInfinity, float.NaN];
        Assert.Equal([0, 0, 0, 2, float.PositiveInfinity, float.NaN], Values(Tensor.Of(x), Node("ThresholdedRelu", ["x"], "y")));
        Assert.Equal([float.NegativeInfinity, -2, 0, 2, float.PositiveInfinity, float.NaN], Values(Tensor.Of(x), Node("Shrink", ["x"], "y")));
    }

    [Fact]
    public void APlaceOutsideHasNoOneInItsRow()
    {
        var depth = Node("Constant", [], "d", Whole("value_int", 3));
        var values = Node("Constant", [], "v").Message(5, new ProtoWriter().Text(1, "value_floats").Float(7, 0).Float(7, 1).Number(20, 6));
        float[] want = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1];
        Assert.Equal(want, Values(Tensor.Of(0, 2, 3, -4, -1), depth, values, Node("OneHot", ["x", "d", "v"], "y")));
        // places from outside, and places that were computed
        foreach (bool given in (bool[])[true, false])
        {
            ProtoWriter[] nodes = given ? [depth, values, Node("OneHot", ["x", "d", "v"], "y")] : [depth, values, Node("Neg", ["x"], "n"), Node("Neg", ["n"], "m"), Node("OneHot", ["m", "d", "v"], "y")];
            var model = Model(7, nodes);
            Assert.Equal(want, model.Forward(Indices.Of(0, 2, 3, -4, -1)).ToArray());
            float[] y = new float[15];
            InferenceSession.OfIndices(model, [5]).Run([0, 2, 3, -4, -1], y);
            Assert.Equal(want, y);
        }
    }

    [Fact]
    public void OneHotValuesMayBeInfinite()
    {
        var depth = Node("Constant", [], "d", Whole("value_int", 2));
        var values = Node("Constant", [], "v").Message(5, new ProtoWriter().Text(1, "value_floats").Float(7, float.NegativeInfinity).Float(7, 0.1f).Number(20, 6));
        Assert.Equal([0.1f, float.NegativeInfinity], Values(Tensor.Of(0f), depth, values, Node("OneHot", ["x", "d", "v"], "y")));
    }

    [Theory]
    [InlineData("ReduceL1", 3), InlineData("ReduceL2", 3), InlineData("ReduceSumSquare", 9), InlineData("ReduceSum", -3), InlineData("ReduceMean", -3), InlineData("ReduceMax", -3), InlineData("ReduceProd", -3), InlineData("ReduceLogSumExp", -3)]
    public void ASingleNumberIsReducedAsAnyOther(string op, float want) => Assert.Equal([want], Values(Tensor.Scalar(-3), Node(op, ["x"], "y")));

    /// <summary>Without axes nothing is added up, but the numbers are squared and the like.</summary>
    [Theory]
    [InlineData("ReduceL1", 3), InlineData("ReduceL2", 3), InlineData("ReduceSumSquare", 9), InlineData("ReduceSum", -3), InlineData("ReduceMax", -3), InlineData("ReduceLogSumExp", -3)]
    public void WithoutAxesEachNumberStays(string op, float want) => Assert.Equal([want, 1], Values(Tensor.Of(-3, 1), Node(op, ["x"], "y", Whole("noop_with_empty_axes", 1))));

    [Theory]
    [InlineData("none", new float[] { 1, 20, 3, 4, 5, 6, 10, 8, 9 }), InlineData("add", new float[] { 1, 22, 3, 4, 5, 6, 17, 8, 9 })]
    public void PlacesMayBeFewerThanWhatIsThere(string reduction, float[] want)
    {
        var x = Tensor.Of([3, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9]);
        ProtoWriter[] nodes =
        [
            Node("Constant", [], "i").Message(5, new ProtoWriter().Text(1, "value_ints").Number(8, 2).Number(8, 0).Number(20, 7)), Node("Unsqueeze", ["i"], "places", Axes(0)),
            Node("Constant", [], "v").Message(5, new ProtoWriter().Text(1, "value_floats").Float(7, 10).Float(7, 20).Number(20, 6)), Node("Unsqueeze", ["v"], "values", Axes(0)),
            Node("ScatterElements", ["x", "places", "values"], "y", new ProtoWriter().Text(1, "reduction").Text(4, reduction).Number(20, 3)),
        ];
        Assert.Equal(want, Values(x, nodes));

        static ProtoWriter Axes(int axis) => new ProtoWriter().Text(1, "axes").Number(8, axis).Number(20, 7);
    }

    [Fact]
    public void AChannelOfOneValueIsItsBias()
    {
        ProtoWriter[] nodes = [Node("Constant", [], "w").Message(5, new ProtoWriter().Text(1, "value_floats").Float(7, 3).Float(7, 4).Number(20, 6)), Node("InstanceNormalization", ["x", "w", "w"], "y")];
        Assert.Equal([3, 4, 3, 4], Values(Tensor.Of([2, 2, 1], [1, -5, 7, 0]), nodes));
        Assert.Equal([0, 6, 0, 8], Values(Tensor.Of([1, 2, 2], [1, 3, 5, 9]), nodes).Select(v => MathF.Round(v, 3)));
    }

    /// <summary>Which of many operators it was: its name, or what it gives.</summary>
    [Fact]
    public void WhatDoesNotFitIsToldWithItsOperator()
    {
        ProtoWriter[] places = [Node("Constant", [], "i").Message(5, new ProtoWriter().Text(1, "value_ints").Number(8, 7).Number(20, 7)), Node("Gather", ["x", "i"], "y")];
        Assert.StartsWith("onnx-model: Gather that gives \"y\": index-select: index 7", Assert.Throws<ArgumentOutOfRangeException>(() => Values(Tensor.Of(1, 2, 3), places)).Message, StringComparison.Ordinal);
        var text = new ProtoWriter().Text(1, "equation").Text(4, "?->?").Number(20, 3);
        Assert.StartsWith("onnx-model: Einsum that gives \"y\": einsum: ", Assert.Throws<ArgumentException>(() => Values(Tensor.Of(1, 2, 3), Node("Einsum", ["x"], "y", text))).Message, StringComparison.Ordinal);
    }

    // a model of some nodes, from x to y
    private static float[] Values(Tensor x, params ProtoWriter[] nodes) => Model(1, nodes).Forward(x).ToArray();

    private static OnnxModel Model(int type, params ProtoWriter[] nodes)
    {
        var graph = new ProtoWriter();
        foreach (var node in nodes) { graph.Message(1, node); }
        graph.Message(11, new ProtoWriter().Text(1, "x").Message(2, new ProtoWriter().Message(1, new ProtoWriter().Number(1, type)))).Message(12, new ProtoWriter().Text(1, "y"));
        return OnnxFile.Load(new MemoryStream(new ProtoWriter().Message(8, new ProtoWriter().Number(2, 14)).Message(7, graph).Written.ToArray()));
    }

    private static ProtoWriter Node(string op, string[] inputs, string output, params ProtoWriter[] attributes)
    {
        var node = new ProtoWriter().Text(4, op).Text(2, output);
        foreach (string input in inputs) { node.Text(1, input); }
        foreach (var attribute in attributes) { node.Message(5, attribute); }
        return node;
    }

    private static ProtoWriter Whole(string name, long value) => new ProtoWriter().Text(1, name).Number(3, value).Number(20, 2);

    private static OnnxModel Load(string name) => OnnxFile.Load(new MemoryStream(Bytes(name)));

    internal static byte[] Bytes(string name) => s_all.GetProperty(name).GetProperty("file").GetBytesFromBase64();

    private static OnnxArgument[] Inputs(JsonElement run) => [.. run.GetProperty("inputs").EnumerateArray().Select(x =>
    {
        var shape = ShapeOf(x);
        var values = x.GetProperty("values").EnumerateArray();
        return IsWhole(x) ? (OnnxArgument)Indices.Of(shape, [.. values.Select(v => v.GetInt32())]) : Tensor.Of(shape, [.. values.Select(v => v.GetSingle())]);
    })];

    // whole numbers are written without a point
    private static bool IsWhole(JsonElement x) => x.GetProperty("values").EnumerateArray().All(v => !v.GetRawText().Contains('.', StringComparison.Ordinal) && !v.GetRawText().Contains('e', StringComparison.Ordinal));

    private static Shape ShapeOf(JsonElement x) => [.. x.GetProperty("shape").EnumerateArray().Select(n => n.GetInt32())];

    private static void Check(JsonElement run, Func<int, Tensor> result)
    {
        int at = 0;
        foreach (var y in run.GetProperty("outputs").EnumerateArray())
        {
            Close(y, result(at), $"y{at}");
            at++;
        }
    }

    // other orders of sums, in float: 2e-5 of the largest value
    private static void Close(JsonElement want, Tensor y, string what)
    {
        Assert.Equal(ShapeOf(want), y.Shape);
        float[] values = [.. want.GetProperty("values").EnumerateArray().Select(v => v.GetSingle())];
        float scale = Math.Max(1, values.Select(Math.Abs).DefaultIfEmpty().Max());
        float[] got = y.ToArray();
        for (int i = 0; i < got.Length; i++) { Assert.True(Math.Abs(got[i] - values[i]) <= 2e-5f * scale, $"{what}[{i}]: {got[i]}, not {values[i]}"); }
    }
}
