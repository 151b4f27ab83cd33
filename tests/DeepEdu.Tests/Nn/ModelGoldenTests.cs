using System.Text.Json;
using DeepEdu.Autograd;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Nn;

/// <summary>Small models against tests/golden/models.py, and learning by heart.</summary>
public class ModelGoldenTests
{
    private static readonly JsonElement s_golden = GoldenLayers.Read("models.json");
    private static readonly Rng s_rng = new(1);

    private static readonly Dictionary<string, (Func<Layer> Make, Func<IReadOnlyList<(string, Parameter)>, Optimizer> Optimizer)> s_models = new()
    {
        ["mlp"] = (() => new Sequential(new Dense(6, 16, s_rng), new Relu(), new Dense(16, 16, s_rng), new Tanh(), new LayerNorm(16), new Dense(16, 3, s_rng)),
            p => new Adam(p, new() { LearningRate = 0.01 })),
        ["cnn"] = (() => new Sequential(new Conv2d(1, 4, 3, s_rng, padding: 1), new Relu(), new MaxPool2d(2), new BatchNorm(4), new Conv2d(4, 6, 3, s_rng), new Relu(), new Flatten(), new Dense(24, 3, s_rng)),
            p => new Sgd(p, new() { LearningRate = 0.05, Momentum = 0.9, Nesterov = true })),
        ["text"] = (() => new Text(s_rng), p => new AdamW(p, new() { LearningRate = 0.02, WeightDecay = 0.1 })),
    };

    public static TheoryData<string> Models => [.. s_models.Keys];

    [Fact]
    public void EveryGoldenIsTested() => Assert.Equal(s_golden.EnumerateObject().Select(p => p.Name).Order(), s_models.Keys.Order());

    [Theory]
    [MemberData(nameof(Models))]
    public void FiveTrainingStepsEqualPyTorch(string name)
    {
        var golden = s_golden.GetProperty(name);
        var model = GoldenLayers.Load(s_models[name].Make(), golden);
        var optimizer = s_models[name].Optimizer(model.Parameters());
        var labels = Labels(golden);
        foreach (var expected in golden.GetProperty("losses").EnumerateArray())
        {
            using var tape = new Tape();
            var loss = GoldenLayers.Run(model, golden).CrossEntropy(labels);
            Assert.Equal(expected.GetSingle(), loss.Item(), 2e-5f);
            optimizer.Step(tape.Gradients(loss));
        }
        GoldenLayers.After(model, golden.GetProperty("after"));
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void OneBatchIsLearnedByHeart(string name)
    {
        var golden = s_golden.GetProperty(name);
        var model = s_models[name].Make();
        var optimizer = new Adam(model.Parameters(), new() { LearningRate = 0.02 });
        var labels = Labels(golden);
        float last = 0;
        for (int i = 0; i < 300; i++)
        {
            using var tape = new Tape();
            var loss = GoldenLayers.Run(model, golden).CrossEntropy(labels);
            last = loss.Item();
            optimizer.Step(tape.Gradients(loss));
        }
        Assert.InRange(last, 0, 0.02f);
    }

    private static Indices Labels(JsonElement golden) => golden.GetProperty("labels").EnumerateArray().Select(l => l.GetInt32()).ToArray();

    private sealed class Text(Rng rng) : Layer
    {
        private readonly Embedding _embedding = new(12, 6, rng, padding: 0);
        private readonly Dense _head = new(6, 3, rng);

        public override Tensor Forward(Tensor x) => _head.Forward(x.Mean(1));

        public override Tensor Forward(Indices x) => Forward(_embedding.Forward(x));

        protected internal override void Parts(Parts p) => p.Of(_embedding).Of(_head);
    }
}
