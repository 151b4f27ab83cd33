using DeepEdu.Nn;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Nn;

internal static partial class LayerCatalog
{
    private static readonly int[] s_offsets = [0, 2, 2, 5];

    private static Dictionary<string, Func<Layer>> Others() => new()
    {
        ["embedding-max-norm"] = () => new Embedding(6, 3, s_rng, maxNorm: 0.6f),
        ["embedding-max-norm-1"] = () => new Embedding(6, 3, s_rng, padding: 5, maxNorm: 0.8f, normType: 1),
        ["embedding-max-norm-inf"] = () => new Embedding(6, 3, s_rng, maxNorm: 0.4f, normType: float.PositiveInfinity),
        ["embedding-max-norm-3"] = () => new Embedding(6, 3, s_rng, maxNorm: 0.5f, normType: 3),
        ["tied"] = () => new TiedModel(false),
        ["tied-bias"] = () => new TiedModel(true),
        ["embedding-bag"] = () => new EmbeddingBag(6, 3, s_rng),
        ["embedding-bag-sum"] = () => new EmbeddingBag(6, 3, s_rng, BagMode.Sum, padding: 3),
        ["embedding-bag-max"] = () => new EmbeddingBag(6, 3, s_rng, BagMode.Max, padding: 3),
        ["embedding-bag-max-norm"] = () => new EmbeddingBag(6, 3, s_rng, BagMode.Sum, maxNorm: 0.6f),
        ["embedding-bag-sum-offsets"] = () => new BagWithOffsets(BagMode.Sum),
        ["embedding-bag-mean-offsets"] = () => new BagWithOffsets(BagMode.Mean),
        ["embedding-bag-max-offsets"] = () => new BagWithOffsets(BagMode.Max),
        ["embedding-bag-weights"] = () => new WeightedBag(null),
        ["embedding-bag-weights-offsets"] = () => new WeightedBag(s_offsets),
        ["dropout1d-eval"] = () => new Dropout1d(0.5f, s_rng),
        ["dropout2d-eval"] = () => new Dropout2d(0.5f, s_rng),
        ["dropout2d-nothing"] = () => new Dropout2d(0, s_rng),
        ["dropout2d-everything"] = () => new Dropout2d(1, s_rng),
        ["alpha-dropout-eval"] = () => new AlphaDropout(0.5f, s_rng),
        ["alpha-dropout-everything"] = () => new AlphaDropout(1, s_rng),
        ["gaussian-noise-eval"] = () => new GaussianNoise(0.5f, s_rng),
        ["gaussian-dropout-eval"] = () => new GaussianDropout(0.5f, s_rng),
        ["prelu"] = () => new Prelu(),
        ["prelu-channels"] = () => new Prelu(3),
        ["prelu-features"] = () => new Prelu(5),
        ["upsample2d"] = () => new Upsample2d(2),
        ["upsample2d-size"] = () => new Upsample2d((7, 3)),
        ["upsample2d-bilinear"] = () => new Upsample2d(1.5f, ResizeMode.Linear),
        ["upsample2d-bilinear-corners"] = () => new Upsample2d((7, 9), ResizeMode.Linear, alignCorners: true),
        ["upsample1d"] = () => new Upsample1d(2.5f),
        ["upsample1d-linear"] = () => Upsample1d.To(8, ResizeMode.Linear),
        ["upsample1d-linear-corners"] = () => new Upsample1d(2, ResizeMode.Linear, alignCorners: true),
        ["bilinear"] = () => new With<Bilinear>(new(3, 2, 4, s_rng), (l, x) => l.Forward(x.Narrow(-1, 0, 3), x.Narrow(-1, 3, 2))),
        ["bilinear-3d"] = () => new With<Bilinear>(new(3, 2, 4, s_rng, bias: false), (l, x) => l.Forward(x.Narrow(-1, 0, 3), x.Narrow(-1, 3, 2))),
        ["cosine-similarity"] = () => new With<CosineSimilarity>(new(), (l, x) => l.Forward(x.Narrow(1, 0, 3), x.Narrow(1, 3, 3))),
        ["residual"] = () => new Residual(new Dense(5, 5, s_rng)),
        ["residual-shortcut"] = () => new Residual(new Sequential(new Dense(5, 3, s_rng), new Tanh()), new Dense(5, 3, s_rng, bias: false)),
        ["concat"] = () => new Concat(new Dense(5, 3, s_rng), new Sequential(new Dense(5, 2, s_rng), new Tanh())),
        ["concat-last"] = () => new Concat(-1, new Conv1d(3, 2, 1, s_rng), new Conv1d(3, 2, 3, s_rng)),
        ["merge-add"] = () => new Lambda(x => Merge.Add(Pair(x, 0), Pair(x, 1), Pair(x, 2))),
        ["merge-multiply"] = () => new Lambda(x => Merge.Multiply(Pair(x, 0), Pair(x, 1), Pair(x, 2))),
        ["merge-average"] = () => new Lambda(x => Merge.Average(Pair(x, 0), Pair(x, 1), Pair(x, 2))),
        ["merge-maximum"] = () => new Lambda(x => Merge.Maximum(Pair(x, 0), Pair(x, 1), Pair(x, 2))),
        ["merge-minimum"] = () => new Lambda(x => Merge.Minimum(Pair(x, 0), Pair(x, 1), Pair(x, 2))),
        ["merge-subtract"] = () => new Lambda(x => Merge.Subtract(x.Narrow(1, 0, 3), x.Narrow(1, 3, 3))),
        ["merge-concat"] = () => new Lambda(x => Merge.Concat(x.Narrow(1, 3, 3), x.Narrow(1, 0, 3))),
        ["merge-dot"] = () => new Lambda(x => Merge.Dot(x.Narrow(1, 0, 3), x.Narrow(1, 3, 3))),
        ["merge-dot-normalized"] = () => new Lambda(x => Merge.Dot(x.Narrow(1, 0, 3), x.Narrow(1, 3, 3), normalize: true)),
        ["merge-dot-3d"] = () => new Lambda(x => Merge.Dot(x.Narrow(1, 0, 2), x.Narrow(1, 2, 3))),
        ["regularizers"] = () => new With<Dense>(new(5, 3, s_rng), (l, x) => l.Forward(x) + Regularizer.L1(0.1f, l.Weight) + Regularizer.L2(0.05f, Regularizer.Weights(l))),
        ["regularizer-l1l2"] = () => new With<Dense>(new(5, 3, s_rng), (l, x) => l.Forward(x) + Regularizer.L1L2(0.1f, 0.05f, l.Weight, l.Bias!)),
    };

    private static Tensor Pair(Tensor x, int i) => x.Narrow(1, 2 * i, 2);

    private sealed class TiedModel : Layer
    {
        private readonly Embedding _table = new(6, 3, s_rng);
        private readonly Dense _head;

        public TiedModel(bool bias) => _head = Dense.Tied(_table.Weight, bias);

        public override Tensor Forward(Indices x) => _head.Forward(_table.Forward(x).Tanh());

        public override Tensor Forward(Tensor x) => throw new NotSupportedException();

        protected internal override void Parts(Parts p) => p.Of(_table).Of(_head);
    }

    private sealed class WeightedBag(int[]? offsets) : Layer
    {
        private readonly EmbeddingBag _of = new(6, 3, s_rng, BagMode.Sum);

        public override Tensor Forward(Indices x)
        {
            var weights = Tensor.Arange(1, 1 + x.Size, device: ((Tensor)Parameters()[0].Value).Device).Reshape(x.Shape) / 4;
            return offsets is null ? _of.Forward(x, weights) : _of.Forward(x, offsets, weights);
        }

        public override Tensor Forward(Tensor x) => throw new NotSupportedException();

        protected internal override void Parts(Parts p) => p.Of(_of);
    }

    private sealed class BagWithOffsets(BagMode mode) : Layer
    {
        private readonly EmbeddingBag _of = new(6, 3, s_rng, mode);

        public override Tensor Forward(Indices x) => _of.Forward(x, s_offsets);

        public override Tensor Forward(Tensor x) => throw new NotSupportedException();

        protected internal override void Parts(Parts p) => p.Of(_of);
    }
}
