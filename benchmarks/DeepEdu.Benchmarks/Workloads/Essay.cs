using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Benchmarks.Workloads;

/// <summary>Essay scoring (Taghipour and Ng 2016): embedding, LSTM, mean over time, dense 1, sigmoid, squared error, RMSprop.</summary>
internal sealed class Essay : Workload<(Indices Words, Tensor Scores)>
{
    private const int Vocabulary = 4000;
    private readonly Net _model;
    private readonly Indices _one;

    public Essay(int width, int hidden, int length) : base(32)
    {
        var rng = new Rng(1);
        _model = On(new Net(width, hidden, rng));
        Start(new RmsProp(_model.Parameters(), new() { LearningRate = 1e-3f, Decay = 0.9 }), () => (Draw.Indices([Batch, length], Vocabulary, rng), On(Tensor.Uniform([Batch], rng))));
        _one = Draw.Indices([1, length], Vocabulary, rng);
    }

    protected override Tensor Loss((Indices Words, Tensor Scores) batch)
    {
        var (words, scores) = batch;
        return Losses.Mse(_model.Forward(words), scores);
    }

    protected override Action Prediction() => Calls(i => [_model.Forward(i.Indices(_one.Shape))], _one);

    private sealed class Net(int width, int hidden, Rng rng) : Module
    {
        private readonly Sequential _states = new(new Embedding(Vocabulary, width, rng), new Lstm(width, hidden, rng));
        private readonly Dense _score = new(hidden, 1, rng);

        public Tensor Forward(Indices words) => _score.Forward(_states.Forward(words).Mean(1)).Sigmoid().Squeeze(1);

        protected internal override void Parts(Parts p) => p.Of(_states).Of(_score);
    }
}
