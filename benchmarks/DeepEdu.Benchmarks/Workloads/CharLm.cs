using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Benchmarks.Workloads;

/// <summary>A character language model: embedding 128, two LSTMs of 256, 65 characters, gradients clipped to norm 1.</summary>
internal sealed class CharLm : Workload<(Indices X, Indices Y)>
{
    private const int Length = 64, Characters = 65;
    private readonly Net _model;
    private readonly Indices _one;

    public CharLm() : base(64)
    {
        var rng = new Rng(1);
        _model = On(new Net(rng));
        Start(new Adam(_model.Parameters(), new() { LearningRate = 1e-3f }), () => (Draw.Indices([Batch, Length], Characters, rng), Draw.Indices([Batch * Length], Characters, rng)));
        _one = Draw.Indices([1, Length], Characters, rng);
    }

    protected override float ClipNorm => 1;

    protected override Tensor Loss((Indices X, Indices Y) batch)
    {
        var (x, y) = batch;
        return _model.Forward(x).Reshape([Batch * Length, Characters]).CrossEntropy(y);
    }

    protected override Action Prediction() => Calls(i => [_model.Forward(i.Indices(_one.Shape))], _one);

    private sealed class Net(Rng rng) : Module
    {
        private readonly Sequential _all = new(new Embedding(Characters, 128, rng), new Lstm(128, 256, rng, layers: 2), new Dense(256, Characters, rng));

        public Tensor Forward(Indices x) => _all.Forward(x);

        protected internal override void Parts(Parts p) => p.Of(_all);
    }
}
