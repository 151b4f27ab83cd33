using DeepEdu.Autograd;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Benchmarks.Workloads;

/// <summary>Essay scoring (Taghipour and Ng 2016): embedding, LSTM, mean over time, dense 1, sigmoid, squared error, RMSprop.</summary>
internal sealed class Essay : IWorkload
{
    private const int Vocabulary = 4000;
    private readonly Net _model;
    private readonly RmsProp _optimizer;
    private readonly (Indices Words, Tensor Scores)[] _batches = new (Indices, Tensor)[WorkloadList.Batches];
    private readonly Indices _one;

    public Essay(int width, int hidden, int length)
    {
        var rng = new Rng(1);
        _model = new Net(width, hidden, rng);
        _optimizer = new RmsProp(_model.Parameters(), new() { LearningRate = 1e-3f, Decay = 0.9 });
        for (int i = 0; i < _batches.Length; i++) { _batches[i] = (Draw.Indices([Batch, length], Vocabulary, rng), Tensor.Uniform([Batch], rng)); }
        _one = Draw.Indices([1, length], Vocabulary, rng);
    }

    public int Batch => 32;

    public float Step(int i)
    {
        var (words, scores) = _batches[i % _batches.Length];
        using var tape = new Tape();
        var loss = Losses.Mse(_model.Forward(words), scores);
        _optimizer.Step(tape.Gradients(loss));
        return loss.Item();
    }

    public void Infer()
    {
        using var arena = new Memory.Arena();
        _model.Forward(_one);
    }

    private sealed class Net(int width, int hidden, Rng rng) : Module
    {
        private readonly Embedding _e = new(Vocabulary, width, rng);
        private readonly Lstm _l = new(width, hidden, rng);
        private readonly Dense _d = new(hidden, 1, rng);

        public Tensor Forward(Indices words) => _d.Forward(_l.Forward(_e.Forward(words)).Mean(1)).Sigmoid().Squeeze(1);

        protected internal override void Parts(Parts p) => p.Of(_e).Of(_l).Of(_d);
    }
}
