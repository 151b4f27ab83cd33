using DeepEdu.Autograd;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Benchmarks.Workloads;

/// <summary>Two stacked LSTMs and a softmax: the shape of a Keras tutorial.</summary>
internal sealed class StackedLstm : IWorkload
{
    private const int Length = 10, Features = 10, Hidden = 50, Classes = 10;
    private readonly Net _model;
    private readonly Adam _adam;
    private readonly (Tensor X, Indices Y)[] _batches = new (Tensor, Indices)[WorkloadList.Batches];
    private readonly Tensor _one;

    public StackedLstm()
    {
        var rng = new Rng(1);
        _model = new Net(rng);
        _adam = new Adam(_model.Parameters(), new() { LearningRate = 1e-3f });
        for (int i = 0; i < _batches.Length; i++) { _batches[i] = (Tensor.Normal([Batch, Length, Features], rng), Draw.Indices([Batch], Classes, rng)); }
        _one = Tensor.Normal([1, Length, Features], rng);
    }

    public int Batch => 32;

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

    private sealed class Net(Rng rng) : Module
    {
        private readonly Lstm _a = new(Features, Hidden, rng), _b = new(Hidden, Hidden, rng);
        private readonly Dense _d = new(Hidden, Classes, rng);

        public Tensor Forward(Tensor x) => _d.Forward(_b.Forward(_a.Forward(x))[.., ^1]);

        protected internal override void Parts(Parts p) => p.Of(_a).Of(_b).Of(_d);
    }
}
