using DeepEdu.Autograd;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Benchmarks.Workloads;

/// <summary>A character language model: embedding 128, two LSTMs of 256, 65 characters, gradients clipped to norm 1.</summary>
internal sealed class CharLm : IWorkload
{
    private const int Length = 64, Characters = 65;
    private readonly Net _model;
    private readonly Adam _adam;
    private readonly (Indices X, Indices Y)[] _batches = new (Indices, Indices)[WorkloadList.Batches];
    private readonly Indices _one;

    public CharLm()
    {
        var rng = new Rng(1);
        _model = new Net(rng);
        _adam = new Adam(_model.Parameters(), new() { LearningRate = 1e-3f });
        for (int i = 0; i < _batches.Length; i++) { _batches[i] = (Draw.Indices([Batch, Length], Characters, rng), Draw.Indices([Batch * Length], Characters, rng)); }
        _one = Draw.Indices([1, Length], Characters, rng);
    }

    public int Batch => 64;

    public float Step(int i)
    {
        var (x, y) = _batches[i % _batches.Length];
        using var tape = new Tape();
        var loss = _model.Forward(x).Reshape([Batch * Length, Characters]).CrossEntropy(y);
        var gradients = tape.Gradients(loss);
        Clip.ByNorm(gradients, 1f);
        _adam.Step(gradients);
        return loss.Item();
    }

    public void Infer()
    {
        using var arena = new Memory.Arena();
        _model.Forward(_one);
    }

    private sealed class Net(Rng rng) : Module
    {
        private readonly Embedding _e = new(Characters, 128, rng);
        private readonly Lstm _l = new(128, 256, rng, layers: 2);
        private readonly Dense _d = new(256, Characters, rng);

        public Tensor Forward(Indices x) => _d.Forward(_l.Forward(_e.Forward(x)));

        protected internal override void Parts(Parts p) => p.Of(_e).Of(_l).Of(_d);
    }
}
