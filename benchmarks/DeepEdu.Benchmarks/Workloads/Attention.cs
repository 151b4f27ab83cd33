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
        _model = new Net(rng);
        Start(new AdamW(_model.Parameters(), new() { LearningRate = 1e-3f }), () => (Draw.Indices([Batch, Length], Characters, rng), Draw.Indices([Batch * Length], Characters, rng)));
        _one = Draw.Indices([1, Length], Characters, rng);
    }

    protected override Tensor Loss((Indices X, Indices Y) batch)
    {
        var (x, y) = batch;
        return _model.Forward(x).Reshape([Batch * Length, Characters]).CrossEntropy(y);
    }

    protected override Action Prediction() => Calls(i => [_model.Forward(i.Indices(_one.Shape))], _one);

    private sealed class Block(Rng rng) : Layer
    {
        private readonly LayerNorm _n1 = new(Width), _n2 = new(Width);
        private readonly Dense _qkv = new(Width, 3 * Width, rng), _o = new(Width, Width, rng), _f1 = new(Width, 4 * Width, rng), _f2 = new(4 * Width, Width, rng);
        private readonly Tensor _mask = Causal();

        public override Tensor Forward(Tensor x)
        {
            int b = x.Shape[0], t = x.Shape[1];
            var parts = _qkv.Forward(_n1.Forward(x)).Reshape([b, t, 3, Heads, Width / Heads]).Permute(2, 0, 3, 1, 4);
            Tensor q = parts[0], k = parts[1], v = parts[2];
            var a = ((q.MatMul(k, transB: true) * (1 / MathF.Sqrt(Width / Heads))) + _mask).Softmax(-1);
            x += _o.Forward(a.MatMul(v).Permute(0, 2, 1, 3).Reshape([b, t, Width]));
            return x + _f2.Forward(_f1.Forward(_n2.Forward(x)).Gelu());
        }

        protected internal override void Parts(Parts p) => p.Of(_n1).Of(_n2).Of(_qkv).Of(_o).Of(_f1).Of(_f2);

        private static Tensor Causal()
        {
            float[] mask = new float[Length * Length];
            for (int i = 0; i < Length; i++) { mask.AsSpan((i * Length) + i + 1, Length - i - 1).Fill(float.NegativeInfinity); }
            return Tensor.Wrap(mask, [Length, Length]);
        }
    }

    private sealed class Net : Module
    {
        private readonly Embedding _e, _p;
        private readonly Block[] _b;
        private readonly LayerNorm _n = new(Width);
        private readonly Dense _d;
        private readonly Indices _positions = Indices.Wrap([.. Enumerable.Range(0, Length)], [Length]);

        public Net(Rng rng)
        {
            (_e, _p, _d) = (new(Characters, Width, rng), new(Length, Width, rng), new(Width, Characters, rng));
            _b = [.. Enumerable.Range(0, Layers).Select(_ => new Block(rng))];
        }

        public Tensor Forward(Indices x)
        {
            var h = _e.Forward(x) + _p.Forward(_positions);
            foreach (var block in _b) { h = block.Forward(h); }
            return _d.Forward(_n.Forward(h));
        }

        protected internal override void Parts(Parts p) => p.Of(_e).Of(_p).Of(_b).Of(_n).Of(_d);
    }
}
