using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Benchmarks.Workloads;

/// <summary>Deep knowledge tracing (Piech et al. 2015): the answer as a category in place of a one-hot vector, LSTM 200, one output a skill, masked BCE of the next answer.</summary>
internal sealed class Dkt : Workload<(Indices X, Indices Next, Tensor Correct, Tensor Mask)>
{
    private const int Skills = 110, Hidden = 200;
    private readonly Net _model;
    private readonly Indices _one;

    public Dkt(int length) : base(32)
    {
        var rng = new Rng(1);
        _model = On(new Net(rng));
        Start(new Adam(_model.Parameters(), new() { LearningRate = 1e-3f }), () =>
        {
            float[] mask = new float[Batch * length];
            for (int b = 0; b < Batch; b++) { mask.AsSpan(b * length, rng.Next(length / 2, length + 1)).Fill(1); }
            return (Draw.Indices([Batch, length], 2 * Skills, rng), Draw.Indices([Batch, length, 1], Skills, rng), On(Draw.Coins([Batch, length], rng)), On(Tensor.Wrap(mask, [Batch, length])));
        });
        _one = Draw.Indices([1, length], 2 * Skills, rng);
    }

    protected override Tensor Loss((Indices X, Indices Next, Tensor Correct, Tensor Mask) batch)
    {
        var (x, next, correct, mask) = batch;
        var z = _model.Forward(x).Gather(2, next).Squeeze(2);
        return (z.BinaryCrossEntropyWithLogits(correct, reduction: Reduction.None) * mask).Sum() / mask.Sum();
    }

    protected override Action Prediction() => Calls(i => [_model.Forward(i.Indices(_one.Shape))], _one);

    private sealed class Net(Rng rng) : Module
    {
        private readonly Lstm _l = new(2 * Skills, Hidden, rng);
        private readonly Dense _d = new(Hidden, Skills, rng);

        public Tensor Forward(Indices x) => _d.Forward(_l.Forward(x));

        protected internal override void Parts(Parts p) => p.Of(_l).Of(_d);
    }
}
