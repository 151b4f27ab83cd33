using System.Globalization;
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

    /// <summary>The share of values left out while learning, unless another is given.</summary>
    public const float Drop = 0.5f;

    private readonly Lstm _lstm;
    private readonly Dropout _dropout;
    private readonly Dense _output;
    private readonly int _hidden;
    private readonly DktPlus _plus;

    /// <param name="skills">How many there are.</param>
    /// <param name="hidden">Units of the LSTM.</param>
    /// <param name="plus">What is added to the loss.</param>
    /// <param name="rng">Where initial values and dropout come from.</param>
    /// <param name="drop">The share of values left out while learning.</param>
    public LstmTracing(int skills, int hidden, DktPlus plus, Rng rng, float drop = Drop) : base(skills)
    {
        (_hidden, _plus) = (hidden, plus);
        _lstm = new(2 * skills, hidden, rng, forgetBias: 1);
        _dropout = new(drop, rng);
        _output = new(hidden, skills, rng);
    }

    public override string Name => _plus.Any ? $"{Title}+" : Title;

    public override string Made => $"LSTM of {_hidden} units{(_plus.Any ? string.Create(CultureInfo.InvariantCulture, $", regularised by {_plus.Reconstruct} of the answer given and {_plus.Wave1} and {_plus.Wave2} of the waves") : "")}";

    public override Tensor Forward(TracedBatch batch) => Next(Every(batch), batch);

    public override (Tensor Logits, Tensor? Added) Learn(TracedBatch batch)
    {
        Tensor every = Every(batch);
        return (Next(every, batch), _plus.Any ? _plus.Added(every, batch) : null);
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

    // the logits of all skills, [learners, steps, skills]
    private Tensor Every(TracedBatch batch) => _output.Forward(_dropout.Forward(_lstm.Run(batch.Answers, lengths: batch.Lengths).Output));

    private static Tensor Next(Tensor every, TracedBatch batch) => every.Gather(2, batch.Next.Unsqueeze(2)).Squeeze(2);
}
