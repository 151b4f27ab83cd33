using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Education.Models;

/// <summary>What DKT+ adds to the log loss, so that a right answer does not lower what is told of its skill and that what is told does not jump (Yeung and Yeung 2018, arXiv:1806.02180, equations 5 to 8):
/// reconstruct·(log loss of the answer just given) + wave1·Σ|yₜ − yₜ₋₁| / skills + wave2·Σ(yₜ − yₜ₋₁)² / skills, where y are the chances of all skills.</summary>
internal sealed record DktPlus(double Reconstruct, double Wave1, double Wave2)
{
    public static DktPlus None { get; } = new(0, 0, 0);

    /// <summary>Whether anything is added.</summary>
    public bool Any => this != None;

    /// <summary>What is added to the log loss of each next answer, [learners, steps]; there is no wave before the second answer.</summary>
    /// <param name="logits">Of each skill after each answer, [learners, steps, skills].</param>
    /// <param name="batch">The answers.</param>
    public Tensor Added(Tensor logits, TracedBatch batch)
    {
        int steps = logits.Shape[1], skills = logits.Shape[2];
        Tensor right = (batch.Answers / skills).ToTensor().To(logits.Device), given = logits.Gather(2, (batch.Answers % skills).Unsqueeze(2)).Squeeze(2);
        Tensor added = given.BinaryCrossEntropyWithLogits(right, reduction: Reduction.None) * (float)Reconstruct;
        if (steps == 1 || (Wave1 == 0 && Wave2 == 0)) { return added; }
        Tensor chances = logits.Sigmoid(), change = chances.Narrow(1, 1, steps - 1) - chances.Narrow(1, 0, steps - 1);
        Tensor wave = (change.Abs().Mean(2) * (float)Wave1) + (change.Square().Mean(2) * (float)Wave2);
        return added + Tensor.Concat([Tensor.Zeros([wave.Shape[0], 1], wave.Device), wave], 1);
    }
}
