using DeepEdu.Tensors;

namespace DeepEdu.Metrics;

/// <summary>Sets of classes that hold the true one with chance 1 − α or more, whatever the model, if the examples it is fitted on are drawn as new ones are and the model did not learn from them: all classes whose chance is
/// at least 1 − q, q being the ⌈(n+1)(1−α)⌉-th smallest 1 − p(true class) (Vovk, Gammerman and Shafer 2005; Sadinle, Lei and Wasserman 2019, arXiv:1609.00451). A set of one class is an answer; with none or several
/// the model had better abstain. MAPIE's <c>SplitConformalClassifier</c> with the score "lac".
/// <code>
/// var conformal = SplitConformalClassifier.Fit(chances, labels, alpha: 0.01);
/// if (conformal.Abstains(chance)) { review.Add(image); }
/// </code></summary>
public sealed class SplitConformalClassifier : ISaveState
{
    private const string Op = "split-conformal-classifier";
    private readonly ConformalFit _fit;

    private SplitConformalClassifier(ConformalFit fit) => _fit = fit;

    /// <summary>How often the true class may be missing.</summary>
    public double Alpha => _fit.Alpha;

    /// <summary>q: the largest 1 − chance of a class in a set.</summary>
    public double Threshold => _fit.Quantile;

    /// <summary>How many examples it was fitted on.</summary>
    public int Count => _fit.Count;

    /// <summary>Fits to examples that the model did not learn from.</summary>
    /// <param name="probabilities">[N, C].</param>
    /// <param name="labels">[N], the true classes.</param>
    /// <param name="alpha">How often the true class may be missing, in 0..1 without the ends.</param>
    /// <exception cref="ShapeException">The probabilities are not [N, C].</exception>
    /// <exception cref="ArgumentOutOfRangeException">Alpha is not between 0 and 1, or something is no probability or no class.</exception>
    /// <exception cref="ArgumentException">The lengths differ, or there are fewer than 1/α − 1 examples.</exception>
    public static SplitConformalClassifier Fit(Tensor probabilities, Indices labels, double alpha = 0.1)
    {
        Check.Rows(Op, probabilities);
        ArgumentNullException.ThrowIfNull(labels);
        Check.SameLength(Op, probabilities.Shape[0], labels.Size);
        int classes = probabilities.Shape[1];
        float[] p = probabilities.ToArray();
        double[] scores = new double[labels.Size];
        for (int i = 0; i < scores.Length; i++)
        {
            Check.Label(Op, labels.Span[i], classes);
            Check.Probability(Op, p[(i * classes) + labels.Span[i]]);
            scores[i] = 1 - (double)p[(i * classes) + labels.Span[i]];
        }
        return new(ConformalFit.Of(Op, scores, alpha));
    }

    /// <summary>The classes that may be true, in order; it may be none.</summary>
    /// <param name="probabilities">One a class.</param>
    /// <exception cref="ArgumentOutOfRangeException">Something is no probability.</exception>
    public int[] Set(ReadOnlySpan<float> probabilities)
    {
        List<int> set = [];
        for (int c = 0; c < probabilities.Length; c++)
        {
            Check.Probability(Op, probabilities[c]);
            if (1 - (double)probabilities[c] <= Threshold) { set.Add(c); }
        }
        return [.. set];
    }

    /// <summary>Whether the set is not one class alone, so that a person shall look.</summary>
    public bool Abstains(ReadOnlySpan<float> probabilities) => Set(probabilities).Length != 1;

    /// <inheritdoc/>
    public void SaveState(StateDict to) => _fit.Save(to, "threshold");

    /// <summary>The one that was saved.</summary>
    /// <exception cref="InvalidDataException">It is not of a conformal classifier.</exception>
    public static SplitConformalClassifier Load(StateDict from) => new(ConformalFit.Load(Op, from, "threshold"));
}
