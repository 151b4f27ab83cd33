using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Benchmarks.Workloads;

/// <summary>Two stacked LSTMs and a softmax: the shape of a Keras tutorial.</summary>
internal sealed class StackedLstm : Workload<(Tensor X, Indices Y)>
{
    private const int Length = 10, Features = 10, Hidden = 50, Classes = 10;
    private readonly Net _model;
    private readonly Tensor _one;

    public StackedLstm() : base(32)
    {
        var rng = new Rng(1);
        _model = On(new Net(rng));
        Start(new Adam(_model.Parameters(), new() { LearningRate = 1e-3f }), () => (On(Tensor.Normal([Batch, Length, Features], rng)), Draw.Indices([Batch], Classes, rng)));
        _one = Tensor.Normal([1, Length, Features], rng);
    }

    protected override Tensor Loss((Tensor X, Indices Y) batch)
    {
        var (x, y) = batch;
        return _model.Forward(x).CrossEntropy(y);
    }

    protected override Action Prediction() => Calls(i => [_model.Forward(i.Tensor(_one.Shape))], _one);

    private sealed class Net(Rng rng) : Module
    {
        private readonly Lstm _a = new(Features, Hidden, rng), _b = new(Hidden, Hidden, rng);
        private readonly Dense _d = new(Hidden, Classes, rng);

        public Tensor Forward(Tensor x) => _d.Forward(_b.Forward(_a.Forward(x))[.., ^1]);

        protected internal override void Parts(Parts p) => p.Of(_a).Of(_b).Of(_d);
    }
}
