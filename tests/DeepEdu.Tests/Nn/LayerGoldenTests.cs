using System.Text.Json;
using DeepEdu.Autograd;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Nn;

/// <summary>Layers and small models against tests/golden/nn.py: same weights in, same numbers out.</summary>
public class LayerGoldenTests
{
    private static readonly JsonElement s_golden = Read();
    private static readonly Rng s_rng = new(1);

    private static readonly Dictionary<string, Func<Layer>> s_layers = new()
    {
        ["dense"] = () => new Dense(5, 3, s_rng),
        ["dense-3d"] = () => new Dense(5, 3, s_rng, bias: false),
        ["dense-relu"] = () => new Sequential(new Dense(5, 7, s_rng), new Relu(), new Dense(7, 2, s_rng)),
        ["embedding"] = () => new Embedding(6, 3, s_rng, padding: 2),
        ["conv1d"] = () => new Conv1d(4, 6, 3, s_rng, stride: 2, padding: 1, dilation: 2, groups: 2),
        ["conv1d-same"] = () => new Conv1d(2, 3, 4, s_rng, padding: ConvPadding.Same),
        ["conv2d"] = () => new Conv2d(3, 4, 3, s_rng),
        ["conv2d-same"] = () => new Conv2d(2, 3, 4, s_rng, padding: ConvPadding.Same, dilation: 2),
        ["conv2d-all"] = () => new Conv2d(4, 6, (3, 2), s_rng, (2, 1), (1, 2), (1, 2), groups: 2, bias: false),
        ["conv-relu-pool"] = () => new Sequential(new Conv2d(1, 4, 3, s_rng, padding: 1), new Relu(), new MaxPool2d(2), new Flatten(), new Dense(36, 3, s_rng)),
        ["max-pool"] = () => new MaxPool2d(3, 2, 1),
        ["avg-pool"] = () => new AvgPool2d(3, 2, 1),
        ["avg-pool-exclude"] = () => new AvgPool2d(2, padding: 1, countIncludePad: false),
        ["global-avg-pool"] = () => new GlobalAvgPool(),
        ["layer-norm"] = () => new LayerNorm(6),
        ["layer-norm-2d"] = () => new LayerNorm([4, 6], affine: false),
        ["batch-norm-1d"] = () => new BatchNorm(5),
        ["batch-norm-2d"] = () => new BatchNorm(3, momentum: 0.3f, eps: 1e-3f),
        ["batch-norm-eval"] = () => new BatchNorm(3),
        ["deep"] = () => new Deep(s_rng),
    };

    private static readonly Dictionary<string, (Func<Layer> Make, Func<IReadOnlyList<(string, Parameter)>, Optimizer> Optimizer)> s_models = new()
    {
        ["mlp"] = (() => new Sequential(new Dense(6, 16, s_rng), new Relu(), new Dense(16, 16, s_rng), new Tanh(), new LayerNorm(16), new Dense(16, 3, s_rng)),
            p => new Adam(p, new() { LearningRate = 0.01 })),
        ["cnn"] = (() => new Sequential(new Conv2d(1, 4, 3, s_rng, padding: 1), new Relu(), new MaxPool2d(2), new BatchNorm(4), new Conv2d(4, 6, 3, s_rng), new Relu(), new Flatten(), new Dense(24, 3, s_rng)),
            p => new Sgd(p, new() { LearningRate = 0.05, Momentum = 0.9, Nesterov = true })),
        ["text"] = (() => new Text(s_rng), p => new AdamW(p, new() { LearningRate = 0.02, WeightDecay = 0.1 })),
    };

    public static TheoryData<string> Layers => [.. s_layers.Keys];

    public static TheoryData<string> Models => [.. s_models.Keys];

    [Fact]
    public void EveryGoldenIsTested()
    {
        Assert.Equal(s_golden.GetProperty("layers").EnumerateObject().Select(p => p.Name).Order(), s_layers.Keys.Order());
        Assert.Equal(s_golden.GetProperty("models").EnumerateObject().Select(p => p.Name).Order(), s_models.Keys.Order());
    }

    [Theory]
    [MemberData(nameof(Layers))]
    public void ForwardGradientsAndNamesEqualPyTorch(string name)
    {
        var golden = s_golden.GetProperty("layers").GetProperty(name);
        var layer = Load(s_layers[name](), golden);
        using var tape = new Tape(training: name != "batch-norm-eval");
        Tensor? x = null;
        Tensor y = golden.TryGetProperty("x", out var input) ? layer.Forward(x = tape.Watch(Tensor(input))) : layer.Forward(Indices(golden));
        Near("y", golden.GetProperty("y"), y);
        var gradients = tape.Gradients(y, Tensor(golden.GetProperty("dy")));
        if (x is not null) { Near("dx", golden.GetProperty("dx"), gradients[x]); }
        foreach (var (parameter, value) in layer.Parameters()) { Near(parameter, golden.GetProperty("gradients").GetProperty(parameter), gradients[value]); }
        foreach (var (buffer, value) in layer.Buffers()) { Near(buffer, golden.GetProperty("after").GetProperty(buffer), value); }
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void FiveTrainingStepsEqualPyTorch(string name)
    {
        var golden = s_golden.GetProperty("models").GetProperty(name);
        var model = Load(s_models[name].Make(), golden);
        var optimizer = s_models[name].Optimizer(model.Parameters());
        Indices labels = golden.GetProperty("labels").EnumerateArray().Select(l => l.GetInt32()).ToArray();
        foreach (var expected in golden.GetProperty("losses").EnumerateArray())
        {
            using var tape = new Tape();
            var loss = Run(model, golden).CrossEntropy(labels);
            Assert.Equal(expected.GetSingle(), loss.Item(), 2e-5f);
            optimizer.Step(tape.Gradients(loss));
        }
        var all = model.Parameters().Select(p => (p.Name, (Tensor)p.Value)).Concat(model.Buffers());
        foreach (var (part, value) in all) { Near(part, golden.GetProperty("after").GetProperty(part), value); }
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void OneBatchIsLearnedByHeart(string name)
    {
        var golden = s_golden.GetProperty("models").GetProperty(name);
        var model = s_models[name].Make();
        var optimizer = new Adam(model.Parameters(), new() { LearningRate = 0.02 });
        Indices labels = golden.GetProperty("labels").EnumerateArray().Select(l => l.GetInt32()).ToArray();
        float last = 0;
        for (int i = 0; i < 300; i++)
        {
            using var tape = new Tape();
            var loss = Run(model, golden).CrossEntropy(labels);
            last = loss.Item();
            optimizer.Step(tape.Gradients(loss));
        }
        Assert.InRange(last, 0, 0.02f);
    }

    /// <summary>Fusing neighbours changes no bit of the product and no gradient beyond rounding.</summary>
    [Theory]
    [InlineData("dense-relu")]
    [InlineData("conv-relu-pool")]
    public void FusedLayersEqualSeparateOnes(string name)
    {
        var golden = s_golden.GetProperty("layers").GetProperty(name);
        var model = (Sequential)Load(s_layers[name](), golden);
        using var tape = new Tape();
        Tensor dy = Tensor(golden.GetProperty("dy")), x = tape.Watch(Tensor(golden.GetProperty("x"))), y = x;
        var fused = model.Forward(x);
        foreach (var layer in model.Layers) { y = layer.Forward(y); }
        Close(y.ToArray(), fused.ToArray(), "y");
        Gradients one = tape.Gradients(fused, dy), two = tape.Gradients(y, dy);
        Close(two[x].ToArray(), one[x].ToArray(), "dx");
        foreach (var (parameter, value) in model.Parameters()) { Close(two[value].ToArray(), one[value].ToArray(), parameter); }
    }

    private static Tensor Run(Layer model, JsonElement golden) => golden.TryGetProperty("x", out var x) ? model.Forward(Tensor(x)) : model.Forward(Indices(golden));

    private static Layer Load(Layer layer, JsonElement golden)
    {
        var parameters = layer.Parameters();
        var buffers = layer.Buffers();
        Assert.Equal(golden.GetProperty("parameters").EnumerateObject().Select(p => p.Name), parameters.Select(p => p.Name));
        Assert.Equal(golden.GetProperty("buffers").EnumerateObject().Select(p => p.Name), buffers.Select(b => b.Name));
        foreach (var (name, value) in parameters.Select(p => (p.Name, (Tensor)p.Value))) { Fill(value, golden.GetProperty("parameters").GetProperty(name)); }
        foreach (var (name, value) in buffers) { Fill(value, golden.GetProperty("buffers").GetProperty(name)); }
        return layer;
    }

    private static void Fill(Tensor to, JsonElement from)
    {
        var t = Tensor(from);
        Assert.Equal(t.Shape, to.Shape);
        to.CopyFrom(t.AsSpan());
    }

    private static void Near(string what, JsonElement expected, Tensor actual)
    {
        var e = Tensor(expected);
        Assert.Equal(e.Shape, actual.Shape);
        Close(e.ToArray(), actual.ToArray(), what);
    }

    // float32 against PyTorch in double: sums of at most a few hundred products
    private static void Close(float[] expected, float[] actual, string what)
    {
        float scale = expected.Length == 0 ? 0 : expected.Max(MathF.Abs);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.True(MathF.Abs(expected[i] - actual[i]) <= (2e-5f * MathF.Abs(expected[i])) + (2e-5f * scale), $"{what}[{i}]: {actual[i]}, expected {expected[i]}");
        }
    }

    private static Tensor Tensor(JsonElement e) => DeepEdu.Tensors.Tensor.Of(ShapeOf(e), OptimNumbers(e.GetProperty("values")));

    private static Indices Indices(JsonElement golden)
    {
        var e = golden.GetProperty("indices");
        return DeepEdu.Tensors.Indices.Wrap([.. e.GetProperty("values").EnumerateArray().Select(v => v.GetInt32())], ShapeOf(e));
    }

    private static Shape ShapeOf(JsonElement e) => Shape.Create([.. e.GetProperty("shape").EnumerateArray().Select(n => n.GetInt32())]);

    private static float[] OptimNumbers(JsonElement e) => [.. e.EnumerateArray().Select(v => v.GetSingle())];

    private static JsonElement Read()
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(House.Repository.Root, "tests", "DeepEdu.Tests", "Golden", "nn.json")));
        return json.RootElement.Clone();
    }

    private sealed class Text(Rng rng) : Layer
    {
        private readonly Embedding _embedding = new(12, 6, rng, padding: 0);
        private readonly Dense _head = new(6, 3, rng);

        public override Tensor Forward(Tensor x) => _head.Forward(x.Mean(1));

        public override Tensor Forward(Indices x) => Forward(_embedding.Forward(x));

        protected internal override void Parts(Parts p) => p.Of(_embedding).Of(_head);
    }

    private sealed class Deep(Rng rng) : Layer
    {
        private readonly Dense[] _layers = [new(5, 5, rng), new(5, 5, rng), new(5, 5, rng)];
        private readonly LayerNorm _norm = new(5);

        public override Tensor Forward(Tensor x)
        {
            foreach (var layer in _layers) { x += layer.Forward(x).Tanh(); }
            return _norm.Forward(x);
        }

        protected internal override void Parts(Parts p) => p.Of(_layers).Of(_norm);
    }
}
