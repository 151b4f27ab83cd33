using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Benchmarks.Workloads;

/// <summary>Conv 32, ReLU, pool, conv 64, ReLU, pool, dense 128, ReLU, dense 10.</summary>
internal sealed class Cnn : Workload<(Tensor X, Indices Y)>
{
    private readonly Sequential _model;
    private readonly Tensor _one;

    public Cnn(int size, int channels, int batch) : base(batch)
    {
        var rng = new Rng(1);
        _model = On(new Sequential([.. Trunk(size, channels, rng), new Dense(128, 10, rng)]));
        Start(new Adam(_model.Parameters(), new() { LearningRate = 1e-3f }), () => (On(Tensor.Uniform([batch, channels, size, size], rng)), Draw.Indices([batch], 10, rng)));
        _one = Tensor.Uniform([1, channels, size, size], rng);
    }

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

    protected override Tensor Loss((Tensor X, Indices Y) batch)
    {
        var (x, y) = batch;
        return _model.Forward(x).CrossEntropy(y);
    }

    protected override Action Prediction() => Calls(i => [_model.Forward(i.Tensor(_one.Shape))], _one);
}
