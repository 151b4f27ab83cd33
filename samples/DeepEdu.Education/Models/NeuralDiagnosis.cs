using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Education.Models;

/// <summary>Neural cognitive diagnosis, NeuralCDM (Wang et al. 2020, arXiv:1908.08733): what a learner knows of each skill, σ(u), beside what the item takes, σ(v), on the skills that it asks for, times how well it tells learners apart, σ(w); three
/// dense layers with sigmoids make a chance of it, whose weights are never negative, so that knowing more never makes a right answer less likely.</summary>
internal sealed class NeuralDiagnosis : Module
{
    private readonly Embedding _learners;
    private readonly DiagnosisItems _items;

    /// <param name="learners">How many.</param>
    /// <param name="items">What is told of items.</param>
    /// <param name="rng">Where initial values come from.</param>
    public NeuralDiagnosis(int learners, DiagnosisItems items, Rng rng) => (_learners, _items) = (new(learners, items.Skills, rng, init: Init.XavierNormal()), items);

    /// <summary>u [learners, skills].</summary>
    public Parameter Learners => _learners.Weight;

    public DiagnosisItems Items => _items;

    /// <summary>The logits that learners answer items right: learners [n], items [n], what these ask for [n, skills] of 0 and 1 → [n].</summary>
    public Tensor Forward(Indices learners, Indices items, Tensor asks) => _items.Forward(_learners.Forward(learners), items, asks);

    protected override void Parts(Parts p) => p.Of(_learners).Of(_items);
}

/// <summary>The items of <see cref="NeuralDiagnosis"/> and the layers that make chances, without any learner.</summary>
internal sealed class DiagnosisItems : Module
{
    private readonly Embedding _difficulty, _discrimination;
    private readonly Dense _dense1, _dense2, _dense3;
    private readonly Dropout _dropout;

    /// <param name="items">How many.</param>
    /// <param name="skills">How many.</param>
    /// <param name="hidden">Units of the first layer; the second has half of them.</param>
    /// <param name="dropout">The share of units that is left out while learning.</param>
    /// <param name="rng">Where initial values and dropout come from.</param>
    public DiagnosisItems(int items, int skills, int hidden, float dropout, Rng rng)
    {
        Skills = skills;
        int half = Math.Max(1, hidden / 2);
        (_difficulty, _discrimination) = (new(items, skills, rng, init: Init.XavierNormal()), new(items, 1, rng, init: Init.XavierNormal()));
        (_dense1, _dense2, _dense3) = (Rising(skills, hidden, rng, 0), Rising(hidden, half, rng, 0.5f), Rising(half, 1, rng, 0.5f));
        _dropout = new(dropout, rng);
    }

    public int Skills { get; }

    /// <summary>v [items, skills].</summary>
    public Parameter Difficulty => _difficulty.Weight;

    /// <summary>The logits of what learners know, u [n, skills], items [n] and what these ask for [n, skills] → [n].</summary>
    public Tensor Forward(Tensor learners, Indices items, Tensor asks)
    {
        Tensor x = _discrimination.Forward(items).Sigmoid() * (learners.Sigmoid() - _difficulty.Forward(items).Sigmoid()) * asks;
        x = _dropout.Forward(_dense1.Forward(x).Sigmoid());
        x = _dropout.Forward(_dense2.Forward(x).Sigmoid());
        return _dense3.Forward(x).Squeeze(1);
    }

    protected override void Parts(Parts p) => p.Of(_difficulty).Of(_discrimination).Of(_dense1).Of(_dense2).Of(_dense3).Of(_dropout);

    // weights that begin and stay at 0 or above; of inputs around their middle the output begins around 0, where a sigmoid is steepest
    private static Dense Rising(int inputs, int outputs, Rng rng, float middle)
    {
        Dense dense = new(inputs, outputs, rng, init: (to, draw) =>
        {
            Init.XavierNormal()(to, draw);
            foreach (ref float w in to.AsSpan()) { w = MathF.Abs(w); }
        });
        ReadOnlySpan<float> weights = dense.Weight.AsSpan();
        for (int o = 0; o < outputs; o++)
        {
            float sum = 0;
            foreach (float w in weights.Slice(o * inputs, inputs)) { sum += w; }
            dense.Bias!.AsSpan()[o] = -middle * sum;
        }
        dense.Weight.Constraint = Constraint.NonNegative();
        return dense;
    }
}
