using DeepEdu.Data;
using DeepEdu.Metrics;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;
using DeepEdu.Training;

namespace DeepEdu.Tests.Training;

/// <summary>Two clouds of points and a small network with dropout that tells them apart.</summary>
internal sealed class Clouds
{
    public const int Rows = 200;

    public Clouds()
    {
        int[] labels = [.. Enumerable.Range(0, Rows).Select(i => i % 2)];
        Labels = labels;
        X = Tensor.Normal([Rows, 2], new Rng(5)) + (2 * Labels.ToTensor().Unsqueeze(1));
    }

    public Tensor X { get; }

    public Indices Labels { get; }

    public Accuracy Accuracy { get; } = new();

    public static Batches Learned => new([.. Enumerable.Range(0, 150)], 16, new Rng(7));

    public static Batches Unseen => new([.. Enumerable.Range(150, 50)], 20);

    public static Sequential Model() => Model(new Rng(1));

    public Tensor Forward(Layer model, int[] rows) => model.Forward(X.IndexSelect(0, rows));

    public Tensor Loss(Layer model, int[] rows)
    {
        var logits = Forward(model, rows);
        Accuracy.Add(logits.ArgMax(1).ToArray(), Labels.Select(rows).ToArray());
        return logits.CrossEntropy(Labels.Select(rows));
    }

    public Trainer Trainer(Layer model, TrainerOptions? options = null) =>
        new(model, new Adam(model.Parameters(), new() { LearningRate = 0.02 }), rows => Loss(model, rows), (options ?? new()) with { Metrics = [new("accuracy", Accuracy)] });

    /// <summary>All weights, one after the other.</summary>
    public static float[] Weights(Module model) => [.. model.Parameters().SelectMany(p => p.Value.ToArray())];

    private static Sequential Model(Rng rng) => new(new Dense(2, 8, rng), new Relu(), new Dropout(0.2f, rng), new Dense(8, 2, rng));
}
