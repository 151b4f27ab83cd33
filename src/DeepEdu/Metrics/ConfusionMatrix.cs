using DeepEdu.Tensors;

namespace DeepEdu.Metrics;

/// <summary>How the scores of the classes become one number.</summary>
public enum Average
{
    /// <summary>Counts are pooled over the classes first; for single-label problems this equals the accuracy.</summary>
    Micro,

    /// <summary>Plain mean over the classes.</summary>
    Macro,

    /// <summary>Mean over the classes, weighted by how often each is true.</summary>
    Weighted,
}

/// <summary>Counts C[t, p] of examples of true class t predicted as p, and the scores that follow from them.
/// A score whose denominator is 0 counts as 0.</summary>
public sealed class ConfusionMatrix : IMetric<ConfusionMatrix>
{
    private readonly double[] _counts;

    /// <summary>An empty matrix over classes 0..<paramref name="classes"/>−1.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Fewer than one class, or more than 46,340.</exception>
    public ConfusionMatrix(int classes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 1);
        if ((long)classes * classes > Array.MaxLength) { throw new ArgumentOutOfRangeException(nameof(classes), $"confusion-matrix: {classes} classes have {(long)classes * classes} pairs, more than one array holds; an Accuracy takes any number of classes"); }
        Classes = classes;
        _counts = new double[classes * classes];
    }

    /// <summary>Number of classes.</summary>
    public int Classes { get; }

    /// <summary>Weight of the examples of class <paramref name="target"/> predicted as <paramref name="predicted"/>.</summary>
    public double this[int target, int predicted]
    {
        get
        {
            Check.Label("confusion-matrix", target, Classes);
            Check.Label("confusion-matrix", predicted, Classes);
            return _counts[target * Classes + predicted];
        }
    }

    /// <summary>Sum of all weights.</summary>
    public double Total
    {
        get
        {
            double sum = 0;
            foreach (double c in _counts) { sum += c; }
            return sum;
        }
    }

    /// <summary>Σₖ C[k,k] / ΣC, in 0..1; NaN when empty.</summary>
    public double Accuracy
    {
        get
        {
            double right = 0;
            for (int k = 0; k < Classes; k++) { right += _counts[k * Classes + k]; }
            return right / Total;
        }
    }

    /// <summary>Adds one example; a weight of 0 masks it.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A label is outside the classes, or the weight is negative or not finite.</exception>
    public void Add(int predicted, int target, double weight = 1)
    {
        Check.Label("confusion-matrix", predicted, Classes);
        Check.Label("confusion-matrix", target, Classes);
        Check.Weight("confusion-matrix", weight);
        _counts[target * Classes + predicted] += weight;
    }

    /// <summary>Adds a batch.</summary>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public void Add(ReadOnlySpan<int> predicted, ReadOnlySpan<int> target)
    {
        Check.SameLength("confusion-matrix", predicted.Length, target.Length);
        for (int i = 0; i < predicted.Length; i++) { Add(predicted[i], target[i]); }
    }

    /// <summary>Adds a batch of class scores, such as logits or probabilities: [N, C] of N labels. The class with the highest score is the predicted one; of equals the first.</summary>
    /// <exception cref="ArgumentException">There is not one label a row, or a score is NaN.</exception>
    public void Add(Tensor scores, Indices labels)
    {
        ArgumentNullException.ThrowIfNull(labels);
        Add(Check.Classes("confusion-matrix", scores, labels).Span, labels.Span);
    }

    /// <summary>Adds a batch of yes/no examples, one score each, to a table of two classes: yes, class 1, is predicted where the score is above the threshold.</summary>
    /// <param name="scores">Of any shape.</param>
    /// <param name="positive">1 where yes is true, else 0; of the same shape.</param>
    /// <param name="threshold">0 for logits, 0.5 for probabilities.</param>
    /// <exception cref="ShapeException">The shapes differ.</exception>
    /// <exception cref="ArgumentException">An answer is neither 0 nor 1, or a score is NaN.</exception>
    /// <exception cref="InvalidOperationException">The table has another number of classes.</exception>
    public void Add(Tensor scores, Tensor positive, double threshold)
    {
        if (Classes != 2) { throw new InvalidOperationException($"confusion-matrix: yes/no examples want 2 classes, this table has {Classes}; make it with new ConfusionMatrix(2), or give labels as Indices"); }
        foreach (var (score, yes) in Check.YesNo("confusion-matrix", scores, positive)) { Add(score > (float)threshold ? 1 : 0, yes ? 1 : 0); }
    }

    /// <summary><see cref="Accuracy"/>.</summary>
    public double Value => Accuracy;

    /// <inheritdoc/>
    public IMetric Fresh() => new ConfusionMatrix(Classes);

    /// <inheritdoc/>
    public void Reset() => Array.Clear(_counts);

    /// <inheritdoc/>
    public void SaveState(StateDict to)
    {
        ArgumentNullException.ThrowIfNull(to);
        to.Set("counts", [.. _counts]);
    }

    /// <inheritdoc/>
    public void LoadState(StateDict from)
    {
        ArgumentNullException.ThrowIfNull(from);
        Check.Load("confusion-matrix", from, ("counts", _counts));
    }

    /// <summary>Adds the counts of another matrix.</summary>
    /// <exception cref="ArgumentException">The numbers of classes differ.</exception>
    public void Merge(ConfusionMatrix other)
    {
        ArgumentNullException.ThrowIfNull(other);
        if (other.Classes != Classes)
        {
            throw new ArgumentException($"confusion-matrix: cannot merge {other.Classes} classes into {Classes}.", nameof(other));
        }
        for (int i = 0; i < _counts.Length; i++) { _counts[i] += other._counts[i]; }
    }

    /// <summary>C[k,k] / Σₜ C[t,k]: of those called k, the share that is k.</summary>
    public double Precision(int k) => Ratio(this[k, k], Predicted(k));

    /// <summary>C[k,k] / Σₚ C[k,p]: of those that are k, the share called k.</summary>
    public double Recall(int k) => Ratio(this[k, k], Support(k));

    /// <summary>2C[k,k] / (Σₜ C[t,k] + Σₚ C[k,p]): harmonic mean of precision and recall.</summary>
    public double F1(int k) => Ratio(2 * this[k, k], Predicted(k) + Support(k));

    /// <summary>Precision over all classes.</summary>
    public double Precision(Average average) => average == Average.Micro ? Accuracy : Mean(Precision, average);

    /// <summary>Recall over all classes.</summary>
    public double Recall(Average average) => average == Average.Micro ? Accuracy : Mean(Recall, average);

    /// <summary>F1 over all classes.</summary>
    public double F1(Average average) => average == Average.Micro ? Accuracy : Mean(F1, average);

    /// <summary>Σₚ C[k,p]: weight of the examples of class k.</summary>
    public double Support(int k)
    {
        double sum = 0;
        for (int p = 0; p < Classes; p++) { sum += this[k, p]; }
        return sum;
    }

    /// <summary>Σₜ C[t,k]: weight of the examples called k.</summary>
    public double Predicted(int k)
    {
        double sum = 0;
        for (int t = 0; t < Classes; t++) { sum += this[t, k]; }
        return sum;
    }

    private double Mean(Func<int, double> score, Average average)
    {
        double sum = 0, weights = 0;
        for (int k = 0; k < Classes; k++)
        {
            double weight = average == Average.Macro ? 1 : Support(k);
            sum += weight * score(k);
            weights += weight;
        }
        return sum / weights;
    }

    private static double Ratio(double a, double b) => b == 0 ? 0 : a / b;
}
