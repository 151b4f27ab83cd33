using DeepEdu.Tensors;

namespace DeepEdu.Data;

/// <summary>Weights of classes and samples that are seldom, so that they count as much as the frequent ones.</summary>
public static class ClassWeights
{
    /// <summary>n / (C·n_c) for each class c of C: the mean weight of a sample is 1, and each class counts the same. scikit-learn's <c>class_weight="balanced"</c>. For
    /// <c>CrossEntropy(labels, classWeights)</c>.</summary>
    /// <param name="labels">The classes of the samples to learn from.</param>
    /// <param name="classes">C. A class without a sample gets the weight 0.</param>
    /// <returns>[C].</returns>
    /// <exception cref="ArgumentOutOfRangeException">A label is no class.</exception>
    public static Tensor Balanced(ReadOnlySpan<int> labels, int classes)
    {
        int[] counts = Count(labels, classes);
        float[] weights = new float[classes];
        for (int c = 0; c < classes; c++) { weights[c] = counts[c] == 0 ? 0 : (float)(labels.Length / ((double)classes * counts[c])); }
        return Tensor.Wrap(weights, [classes]);
    }

    /// <summary>(1 − β) / (1 − β^n_c), scaled so that the mean over classes is 1: further samples of a class tell less and less (Cui et al. 2019, arXiv:1901.05555, eq. 3).</summary>
    /// <param name="labels">The classes of the samples to learn from.</param>
    /// <param name="classes">C. A class without a sample gets the weight 0.</param>
    /// <param name="beta">In [0, 1): 0 weighs all classes alike, towards 1 it is <see cref="Balanced"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">A label is no class, or beta lies outside.</exception>
    public static Tensor EffectiveNumber(ReadOnlySpan<int> labels, int classes, double beta = 0.999)
    {
        if (!(beta is >= 0 and < 1)) { throw new ArgumentOutOfRangeException(nameof(beta), $"class-weights: beta {beta} must be at least 0 and below 1"); }
        int[] counts = Count(labels, classes);
        float[] weights = new float[classes];
        double sum = 0;
        for (int c = 0; c < classes; c++)
        {
            weights[c] = counts[c] == 0 ? 0 : (float)((1 - beta) / (1 - Math.Pow(beta, counts[c])));
            sum += weights[c];
        }
        for (int c = 0; c < classes && sum > 0; c++) { weights[c] *= (float)(classes / sum); }
        return Tensor.Wrap(weights, [classes]);
    }

    private static int[] Count(ReadOnlySpan<int> labels, int classes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 1);
        int[] counts = new int[classes];
        for (int i = 0; i < labels.Length; i++)
        {
            if ((uint)labels[i] >= (uint)classes) { throw new ArgumentOutOfRangeException(nameof(labels), $"class-weights: label {labels[i]} at position {i} is outside 0..{classes - 1}"); }
            counts[labels[i]]++;
        }
        return counts;
    }
}
