using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Education.Models;

/// <summary>Dynamic key-value memory (Zhang et al. 2017, arXiv:1611.08108): a skill is a mixture of concepts by its likeness to learned keys; for each learner a value stands at each concept, is read to tell an answer, and is
/// partly erased and added to once it is given.</summary>
internal sealed class MemoryTracing : TracingNet
{
    public const string Title = "DKVMN";

    private const float Spread = 0.1f; // of the first values, as in the authors' code
    private readonly Embedding _skills, _answers;
    private readonly Parameter _keys, _values;
    private readonly Dense _erase, _add, _summary, _output;

    /// <param name="skills">How many there are.</param>
    /// <param name="width">Of a value; a key and the summary are a quarter of it, and there is a concept for each ten.</param>
    /// <param name="rng">Where initial values come from.</param>
    public MemoryTracing(int skills, int width, Rng rng) : base(skills)
    {
        int concepts = Math.Max(2, width / 10), key = Math.Max(1, width / 4);
        Initializer init = Init.Normal(std: Spread);
        (_skills, _answers) = (new(skills, key, rng, init: init), new(2 * skills, width, rng, init: init));
        (_keys, _values) = (new([concepts, key]), new([concepts, width]));
        init(_keys, rng.Fork());
        init(_values, rng.Fork());
        (_erase, _add, _summary, _output) = (new(width, width, rng), new(width, width, rng), new(width + key, key, rng), new(key, 1, rng));
    }

    public override string Name => Title;

    public override string Made => $"memory of {_keys.Shape[0]} concepts, keys of {_keys.Shape[1]} and values of {_values.Shape[1]}";

    public override Tensor Forward(TracedBatch batch)
    {
        Tensor weights = Weights();
        return Told(Run(batch.Answers, weights, weights.Embedding(batch.Next)).Reads, _skills.Forward(batch.Next));
    }

    protected override Tensor Ask(Indices answers)
    {
        Tensor weights = Weights(), memory = Run(answers, weights, null).Memory;
        return Told(weights.MatMul(memory), _skills.Weight.BroadcastTo([answers.Shape[0], .. _skills.Weight.Shape.Sizes]));
    }

    protected override void Parts(Parts p) => p.Of(_keys).Of(_values).Of(_skills).Of(_answers).Of(_erase).Of(_add).Of(_summary).Of(_output);

    /// <summary>How much of each concept is in each skill, [skills, concepts] (equation 1).</summary>
    private Tensor Weights() => _skills.Weight.MatMul(_keys, transB: true).Softmax();

    private (Tensor Reads, Tensor Memory) Run(Indices answers, Tensor weights, Tensor? read)
    {
        // erasing and adding depend on the category alone, of which there are fewer than answers; a category's concepts are its skill's
        Tensor table = _answers.Weight, write = Tensor.Concat([weights, weights]).Embedding(answers);
        return ConceptMemory.Run(_values.BroadcastTo([answers.Shape[0], .. _values.Shape.Sizes]), write, _erase.Forward(table).Sigmoid().Embedding(answers), _add.Forward(table).Tanh().Embedding(answers), read ?? write);
    }

    /// <summary>Logits of what was read and the skills asked for (equations 6 and 7).</summary>
    private Tensor Told(Tensor read, Tensor skill) => _output.Forward(_summary.Forward(Tensor.Concat([read, skill], 2)).Tanh()).Squeeze(2);
}
