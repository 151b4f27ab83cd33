using DeepEdu.Autograd;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Benchmarks.Workloads;

/// <summary>The trunk of <see cref="Cnn"/> with three heads and a weighted loss.</summary>
internal sealed class MultiTask : IWorkload
{
    private readonly Sequential _trunk;
    private readonly Dense _a, _b, _c;
    private readonly Adam _adam;
    private readonly (Tensor X, Indices A, Indices B, Tensor C)[] _batches = new (Tensor, Indices, Indices, Tensor)[WorkloadList.Batches];
    private readonly Tensor _one;

    public MultiTask(int batch)
    {
        Batch = batch;
        var rng = new Rng(1);
        _trunk = new Sequential(Cnn.Trunk(28, 1, rng));
        (_a, _b, _c) = (new Dense(128, 10, rng), new Dense(128, 5, rng), new Dense(128, 1, rng));
        _adam = new Adam([.. _trunk.Parameters(), .. _a.Parameters(), .. _b.Parameters(), .. _c.Parameters()], new() { LearningRate = 1e-3f });
        for (int i = 0; i < _batches.Length; i++)
        {
            _batches[i] = (Tensor.Uniform([batch, 1, 28, 28], rng), Draw.Indices([batch], 10, rng), Draw.Indices([batch], 5, rng), Tensor.Uniform([batch], rng));
        }
        _one = Tensor.Uniform([1, 1, 28, 28], rng);
    }

    public int Batch { get; }

    public float Step(int i)
    {
        var (x, a, b, c) = _batches[i % _batches.Length];
        using var tape = new Tape();
        var h = _trunk.Forward(x);
        var loss = _a.Forward(h).CrossEntropy(a) + (0.5f * _b.Forward(h).CrossEntropy(b)) + (0.25f * Losses.Mse(_c.Forward(h).Squeeze(1), c));
        _adam.Step(tape.Gradients(loss));
        return loss.Item();
    }

    public void Infer()
    {
        using var arena = new Memory.Arena();
        var h = _trunk.Forward(_one);
        _a.Forward(h);
        _b.Forward(h);
        _c.Forward(h);
    }
}
