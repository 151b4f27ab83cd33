using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Education.Models;

/// <summary>Self-attentive knowledge tracing (Pandey and Karypis 2019, arXiv:1907.06837, section 3): the skill that is asked for looks for those of the earlier answers, each a skill with right or wrong and a place, that bear on it.
/// Places are learned, so there are only so many.</summary>
internal sealed class AttentionTracing : TracingNet
{
    public const string Title = "SAKT";

    /// <summary>The places.</summary>
    public const int Places = 200;

    /// <summary>The width is a multiple of it.</summary>
    public const int Heads = 5;

    /// <summary>The share of values left out while learning, unless another is given.</summary>
    public const float Drop = 0.2f;

    private readonly Embedding _answers, _asked;
    private readonly LearnedPositions _places;
    private readonly MultiHeadAttention _attention;
    private readonly LayerNorm _norm1, _norm2;
    private readonly Dense _linear1, _linear2, _output;
    private readonly Dropout _dropout, _dropout1, _dropout2;

    /// <param name="skills">How many there are.</param>
    /// <param name="width">Of all that is inside; a multiple of five, the heads.</param>
    /// <param name="rng">Where initial values and dropout come from.</param>
    /// <param name="drop">The share of values left out while learning.</param>
    public AttentionTracing(int skills, int width, Rng rng, float drop = Drop) : base(skills)
    {
        (_answers, _asked, _places) = (new(2 * skills, width, rng), new(skills, width, rng), new(Places, width, rng));
        _attention = new(width, Heads, rng, drop);
        (_norm1, _norm2) = (new(width), new(width));
        (_linear1, _linear2, _output) = (new(width, width, rng), new(width, width, rng), new(width, 1, rng));
        (_dropout, _dropout1, _dropout2) = (new(drop, rng), new(drop, rng), new(drop, rng));
    }

    public override string Name => Title;

    public override string Made => $"attention of {Heads} heads, {_attention.Width} wide, to the {Places / 2} answers before or up to {Places} of them";

    public override int? Window => Places;

    public override Tensor Forward(TracedBatch batch) => Told(_asked.Forward(batch.Next), batch.Answers, AttentionMask.Past);

    protected override Tensor Ask(Indices answers) => Told(_asked.Weight.BroadcastTo([answers.Shape[0], Skills, _attention.Width]), answers, default);

    protected override void Parts(Parts p)
        => p.Of(_answers).Of(_asked).Of(_places).Of(_attention).Of(_norm1).Of(_linear1).Of(_linear2).Of(_norm2).Of(_output).Of(_dropout).Of(_dropout1).Of(_dropout2);

    private Tensor Told(Tensor asked, Indices answers, AttentionMask mask)
    {
        Tensor seen = _places.Forward(_answers.Forward(answers));
        Tensor found = _norm1.Forward(asked + _dropout1.Forward(_attention.Forward(asked, seen, seen, mask)));
        Tensor thought = _linear2.Forward(_dropout.Forward(_linear1.Forward(found).Relu()));
        return _output.Forward(_norm2.Forward(found + _dropout2.Forward(thought))).Squeeze(2);
    }
}
