using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Benchmarks.Workloads;

/// <summary>NeuMF on the sizes of MovieLens-1M (He et al. 2017): factors 8, tower 64-32-16-8, Adam; sparse, only the rows used are stepped.</summary>
internal sealed class Ncf : Workload<(Indices Users, Indices Items, Tensor Labels)>
{
    private const int Users = 6040, Items = 3706;
    private readonly NeuMf _model;
    private readonly Indices _oneUser = Indices.Of(5), _oneItem = Indices.Of(7);

    public Ncf(int batch, bool sparse = false) : base(batch)
    {
        var rng = new Rng(1);
        _model = On(new NeuMf(Users, Items, rng, sparse));
        Start(new Adam(_model.Parameters(), new() { LearningRate = 1e-3f }), () => (Draw.Indices([batch], Users, rng), Draw.Indices([batch], Items, rng), On(Draw.Coins([batch], rng))));
    }

    protected override Tensor Loss((Indices Users, Indices Items, Tensor Labels) batch)
    {
        var (users, items, labels) = batch;
        return _model.Forward(users, items).BinaryCrossEntropyWithLogits(labels);
    }

    protected override Action Prediction() => Calls(i => [_model.Forward(i.Indices([1]), i.Indices([1]))], _oneUser, _oneItem);

    private sealed class NeuMf : Module
    {
        private readonly Embedding _gu, _gi, _mu, _mi;
        private readonly Sequential _mlp;
        private readonly Dense _out;

        public NeuMf(int users, int items, Rng rng, bool sparse)
        {
            _gu = Small(users, 8, rng, sparse);
            _gi = Small(items, 8, rng, sparse);
            _mu = Small(users, 32, rng, sparse);
            _mi = Small(items, 32, rng, sparse);
            _mlp = new Sequential(new Dense(64, 32, rng), new Relu(), new Dense(32, 16, rng), new Relu(), new Dense(16, 8, rng), new Relu());
            _out = new Dense(16, 1, rng);
        }

        public Tensor Forward(Indices users, Indices items)
        {
            var g = _gu.Forward(users) * _gi.Forward(items);
            var m = _mlp.Forward(Tensor.Concat([_mu.Forward(users), _mi.Forward(items)], 1));
            return _out.Forward(Tensor.Concat([g, m], 1)).Squeeze(1);
        }

        protected internal override void Parts(Parts p) => p.Of(_gu).Of(_gi).Of(_mu).Of(_mi).Of(_mlp).Of(_out);

        private static Embedding Small(int count, int width, Rng rng, bool sparse) => new(count, width, rng, init: Init.Normal(0, 0.01f), sparse: sparse);
    }
}
