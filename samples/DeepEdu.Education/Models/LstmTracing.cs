using DeepEdu.Education.Data;
using DeepEdu.Memory;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Education.Models;

/// <summary>Deep knowledge tracing (Piech et al. 2015, arXiv:1506.05908): an LSTM reads skill and answer as one category and tells of every skill how likely the next answer to it is right.</summary>
internal sealed class LstmTracing : TracingNet
{
    public const string Title = "DKT";

    private readonly Lstm _lstm;
    private readonly Dropout _dropout;
    private readonly Dense _output;
    private readonly int _hidden;

    public LstmTracing(int skills, int hidden, Rng rng) : base(skills)
    {
        _hidden = hidden;
        _lstm = new(2 * skills, hidden, rng, forgetBias: 1);
        _dropout = new(0.5f, rng);
        _output = new(hidden, skills, rng);
    }

    public override string Name => Title;

    public override string Made => $"LSTM of {_hidden} units";

    public override Tensor Forward(TracedBatch batch)
    {
        Tensor states = _lstm.Run(batch.Answers, lengths: batch.Lengths).Output;
        return _output.Forward(_dropout.Forward(states)).Gather(2, batch.Next.Unsqueeze(2)).Squeeze(2);
    }

    // all of it in one run
    public override float[][] Trajectory(TracedLearner learner, int from = 0)
    {
        using Arena arena = new();
        Tensor states = _lstm.Run(Read([learner])).Output.Squeeze(0);
        return [.. _output.Forward(states).Sigmoid().ToArray().Chunk(Skills).Skip(from)];
    }

    protected override Tensor Ask(Indices answers) => _output.Forward(_lstm.Run(answers).State.H.Squeeze(0));

    protected override void Parts(Parts p) => p.Of(_lstm).Of(_dropout).Of(_output);
}
