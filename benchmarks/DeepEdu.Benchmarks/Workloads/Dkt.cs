using DeepEdu.Autograd;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Benchmarks.Workloads;

/// <summary>Deep knowledge tracing (Piech et al. 2015): the answer as an index into a table, LSTM 200, one output a skill, masked BCE of the next answer.</summary>
internal sealed class Dkt : IWorkload
{
    private const int Skills = 110, Hidden = 200;
    private readonly Net _model;
    private readonly Adam _adam;
    private readonly (Indices X, Indices Next, Tensor Correct, Tensor Mask)[] _batches = new (Indices, Indices, Tensor, Tensor)[WorkloadList.Batches];
    private readonly Indices _one;

    public Dkt(int length)
    {
        var rng = new Rng(1);
        _model = new Net(rng);
        _adam = new Adam(_model.Parameters(), new() { LearningRate = 1e-3f });
        for (int i = 0; i < _batches.Length; i++)
        {
            float[] mask = new float[Batch * length];
            for (int b = 0; b < Batch; b++) { mask.AsSpan(b * length, rng.Next(length / 2, length + 1)).Fill(1); }
            _batches[i] = (Draw.Indices([Batch, length], 2 * Skills, rng), Draw.Indices([Batch, length, 1], Skills, rng), Draw.Coins([Batch, length], rng), Tensor.Wrap(mask, [Batch, length]));
        }
        _one = Draw.Indices([1, length], 2 * Skills, rng);
    }

    public int Batch => 32;

    public float Step(int i)
    {
        var (x, next, correct, mask) = _batches[i % _batches.Length];
        using var tape = new Tape();
        var z = _model.Forward(x).Gather(2, next).Squeeze(2);
        var loss = (z.BinaryCrossEntropyWithLogits(correct, reduction: Reduction.None) * mask).Sum() / mask.Sum();
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
        private readonly Embedding _e = new(2 * Skills, Hidden, rng);
        private readonly Lstm _l = new(Hidden, Hidden, rng);
        private readonly Dense _d = new(Hidden, Skills, rng);

        public Tensor Forward(Indices x) => _d.Forward(_l.Forward(_e.Forward(x)));

        protected internal override void Parts(Parts p) => p.Of(_e).Of(_l).Of(_d);
    }
}
