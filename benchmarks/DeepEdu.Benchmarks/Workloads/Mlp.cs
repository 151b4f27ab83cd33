using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Benchmarks.Workloads;

/// <summary>784-512-256-10 with ReLU, SGD with momentum.</summary>
internal sealed class Mlp : Workload<(Tensor X, Indices Y)>
{
    private readonly Sequential _model;
    private readonly Tensor _one;

    public Mlp() : base(128)
    {
        var rng = new Rng(1);
        _model = On(new Sequential(new Dense(784, 512, rng), new Relu(), new Dense(512, 256, rng), new Relu(), new Dense(256, 10, rng)));
        Start(new Sgd(_model.Parameters(), new() { LearningRate = 0.05f, Momentum = 0.9f }), () => (On(Tensor.Uniform([Batch, 784], rng)), Draw.Indices([Batch], 10, rng)));
        _one = Tensor.Uniform([1, 784], rng);
    }

    protected override Tensor Loss((Tensor X, Indices Y) batch)
    {
        var (x, y) = batch;
        return _model.Forward(x).CrossEntropy(y);
    }

    protected override Action Prediction() => Calls(i => [_model.Forward(i.Tensor(_one.Shape))], _one);
}
