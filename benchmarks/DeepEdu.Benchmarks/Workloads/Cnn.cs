using DeepEdu.Autograd;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Benchmarks.Workloads;

/// <summary>Conv 32, ReLU, pool, conv 64, ReLU, pool, dense 128, ReLU, dense 10.</summary>
internal sealed class Cnn : IWorkload
{
    private readonly Sequential _model;
    private readonly Adam _adam;
    private readonly (Tensor X, Indices Y)[] _batches = new (Tensor, Indices)[WorkloadList.Batches];
    private readonly Tensor _one;

    public Cnn(int size, int channels, int batch)
    {
        Batch = batch;
        var rng = new Rng(1);
        _model = new Sequential([.. Trunk(size, channels, rng), new Dense(128, 10, rng)]);
        _adam = new Adam(_model.Parameters(), new() { LearningRate = 1e-3f });
        for (int i = 0; i < _batches.Length; i++) { _batches[i] = (Tensor.Uniform([batch, channels, size, size], rng), Draw.Indices([batch], 10, rng)); }
        _one = Tensor.Uniform([1, channels, size, size], rng);
    }

    public int Batch { get; }

    public static Layer[] Trunk(int size, int channels, Rng rng)
    {
        int s = (((size - 2) / 2) - 2) / 2;
        return
        [
            new Conv2d(channels, 32, 3, rng), new Relu(), new MaxPool2d(2),
            new Conv2d(32, 64, 3, rng), new Relu(), new MaxPool2d(2),
            new Flatten(), new Dense(64 * s * s, 128, rng), new Relu(),
        ];
    }

    public float Step(int i)
    {
        var (x, y) = _batches[i % _batches.Length];
        using var tape = new Tape();
        var loss = _model.Forward(x).CrossEntropy(y);
        _adam.Step(tape.Gradients(loss));
        return loss.Item();
    }

    public void Infer()
    {
        using var arena = new Memory.Arena();
        _model.Forward(_one);
    }
}
