using DeepEdu.Tensors;

namespace DeepEdu.Metrics;

/// <summary>Share of examples whose predicted class is the true one: Σ wᵢ[ŷᵢ = yᵢ] / Σ wᵢ, in 0..1. NaN before the first example.</summary>
public sealed class Accuracy : IMetric<Accuracy>
{
    private readonly WeightedMean _mean = new("right");

    /// <summary>Σ wᵢ[ŷᵢ = yᵢ] / Σ wᵢ; NaN when the weights add to nothing.</summary>
    public double Value => _mean.Value;

    /// <summary>Sum of the weights seen.</summary>
    public double Count => _mean.Weight;

    /// <summary>Adds one example; a weight of 0 masks it.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The weight is negative or not finite.</exception>
    public void Add(int predicted, int target, double weight = 1)
    {
        Check.Weight("accuracy", weight);
        _mean.Add(predicted == target ? 1 : 0, weight);
    }

    /// <summary>Adds a batch of predicted and true classes.</summary>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public void Add(ReadOnlySpan<int> predicted, ReadOnlySpan<int> target)
    {
        Check.SameLength("accuracy", predicted.Length, target.Length);
        for (int i = 0; i < predicted.Length; i++) { Add(predicted[i], target[i]); }
    }

    /// <summary>Adds a batch of class scores, such as logits or probabilities: [N, C] of N labels. The class with the highest score is the predicted one; of equals the first.</summary>
    /// <exception cref="ArgumentException">There is not one label a row, or a score is NaN.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A label is none of the C classes.</exception>
    public void Add(Tensor scores, Indices labels)
    {
        ArgumentNullException.ThrowIfNull(labels);
        Add(Check.Classes("accuracy", scores, labels).Span, labels.Span);
    }

    /// <summary>Adds a batch of yes/no examples, one score each: yes is predicted where the score is above the threshold. Keras' <c>BinaryAccuracy</c>.</summary>
    /// <param name="scores">Of any shape.</param>
    /// <param name="positive">1 where yes is true, else 0; of the same shape.</param>
    /// <param name="threshold">0 for logits, 0.5 for probabilities.</param>
    /// <exception cref="ShapeException">The shapes differ.</exception>
    /// <exception cref="ArgumentException">An answer is neither 0 nor 1, or a score is NaN.</exception>
    public void Add(Tensor scores, Tensor positive, double threshold)
    {
        foreach (var (score, yes) in Check.YesNo("accuracy", scores, positive)) { _mean.Add(score > (float)threshold == yes ? 1 : 0, 1); }
    }

    /// <inheritdoc/>
    public IMetric Fresh() => new Accuracy();

    /// <inheritdoc/>
    public void Reset() => _mean.Reset();

    /// <inheritdoc/>
    public void SaveState(StateDict to) => _mean.Save(to);

    /// <inheritdoc/>
    public void LoadState(StateDict from) => _mean.Load(from);

    /// <summary>Adds what another accuracy saw.</summary>
    public void Merge(Accuracy other)
    {
        ArgumentNullException.ThrowIfNull(other);
        _mean.Merge(other._mean);
    }
}
