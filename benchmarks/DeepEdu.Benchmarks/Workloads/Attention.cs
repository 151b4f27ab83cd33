using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Benchmarks.Workloads;

/// <summary>A small causal transformer, pre-norm: width 128, 4 heads, 4 layers, 64 characters of context.</summary>
internal sealed class Attention : Workload<(Indices X, Indices Y)>
{
    private const int Length = 64, Width = 128, Heads = 4, Layers = 4, Characters = 65;
    private readonly Net _model;
    private readonly Indices _one;

    public Attention() : base(32)
    {
        var rng = new Rng(1);
        _model = On(new Net(rng));
        Start(new AdamW(_model.Parameters(), new() { LearningRate = 1e-3f }), () => (Draw.Indices([Batch, Length], Characters, rng), Draw.Indices([Batch * Length], Characters, rng)));
        _one = Draw.Indices([1, Length], Characters, rng);
    }

    protected override Tensor Loss((Indices X, Indices Y) batch)
    {
        var (x, y) = batch;
        return _model.Forward(x).Reshape([Batch * Length, Characters]).CrossEntropy(y);
    }

    protected override Action Prediction() => Calls(i => [_model.Forward(i.Indices(_one.Shape))], _one);

    private sealed class Net(Rng rng) : Module
    {
        private readonly Embedding _e = new(Characters, Width, rng);
        private readonly LearnedPositions _p = new(Length, Width, rng, Init.Normal());
        private readonly TransformerEncoder _b = new(() => new(Width, Heads, rng, 4 * Width, dropout: 0, new Gelu(), normFirst: true), Layers, new LayerNorm(Width));
        private readonly Dense _d = new(Width, Characters, rng);

        public Tensor Forward(Indices x) => _d.Forward(_b.Forward(_p.Forward(_e.Forward(x)), AttentionMask.Past));

        protected internal override void Parts(Parts p) => p.Of(_e).Of(_p).Of(_b).Of(_d);
    }
}
