using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Benchmarks.Workloads;

/// <summary>The trunk of <see cref="Cnn"/> with three heads and a weighted loss.</summary>
internal sealed class MultiTask : Workload<(Tensor X, Indices A, Indices B, Tensor C)>
{
    private readonly Sequential _trunk;
    private readonly Dense _a, _b, _c;
    private readonly Tensor _one;

    public MultiTask(int batch) : base(batch)
    {
        var rng = new Rng(1);
        _trunk = On(new Sequential(Cnn.Trunk(28, 1, rng)));
        (_a, _b, _c) = (On(new Dense(128, 10, rng)), On(new Dense(128, 5, rng)), On(new Dense(128, 1, rng)));
        Start(new Adam([.. _trunk.Parameters(), .. _a.Parameters(), .. _b.Parameters(), .. _c.Parameters()], new() { LearningRate = 1e-3f }), () => (On(Tensor.Uniform([batch, 1, 28, 28], rng)), Draw.Indices([batch], 10, rng), Draw.Indices([batch], 5, rng), On(Tensor.Uniform([batch], rng))));
        _one = Tensor.Uniform([1, 1, 28, 28], rng);
    }

    protected override Tensor Loss((Tensor X, Indices A, Indices B, Tensor C) batch)
    {
        var (x, a, b, c) = batch;
        var h = _trunk.Forward(x);
        return _a.Forward(h).CrossEntropy(a) + (0.5f * _b.Forward(h).CrossEntropy(b)) + (0.25f * Losses.Mse(_c.Forward(h).Squeeze(1), c));
    }

    protected override Action Prediction() => Calls(i =>
    {
        var h = _trunk.Forward(i.Tensor(_one.Shape));
        return [_a.Forward(h), _b.Forward(h), _c.Forward(h)];
    }, _one);
}
