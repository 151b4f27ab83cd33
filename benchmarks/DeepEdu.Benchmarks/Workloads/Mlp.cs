using DeepEdu.Autograd;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Benchmarks.Workloads;

/// <summary>784-512-256-10 with ReLU, SGD with momentum.</summary>
internal sealed class Mlp : IWorkload
{
    private readonly Sequential _model;
    private readonly Sgd _sgd;
    private readonly (Tensor X, Indices Y)[] _batches = new (Tensor, Indices)[WorkloadList.Batches];
    private readonly Tensor _one;

    public Mlp()
    {
        var rng = new Rng(1);
        _model = new Sequential(new Dense(784, 512, rng), new Relu(), new Dense(512, 256, rng), new Relu(), new Dense(256, 10, rng));
        _sgd = new Sgd(_model.Parameters(), new() { LearningRate = 0.05f, Momentum = 0.9f });
        for (int i = 0; i < _batches.Length; i++) { _batches[i] = (Tensor.Uniform([Batch, 784], rng), Draw.Indices([Batch], 10, rng)); }
        _one = Tensor.Uniform([1, 784], rng);
    }

    public int Batch => 128;

    public float Step(int i)
    {
        var (x, y) = _batches[i % _batches.Length];
        using var tape = new Tape();
        var loss = _model.Forward(x).CrossEntropy(y);
        _sgd.Step(tape.Gradients(loss));
        return loss.Item();
    }

    public void Infer()
    {
        using var arena = new Memory.Arena();
        _model.Forward(_one);
    }
}
