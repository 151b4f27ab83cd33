using DeepEdu.Memory;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>Limits on weights, kept after each step of an optimiser: <c>layer.Weight.Constraint = Constraint.MaxNorm(2)</c>. Norms are of each entry of the first axis, the weights of one output
/// or one row of an embedding; Keras' <c>axis</c> names the axes of the norm, DeepEdu's too where that is wanted.</summary>
public static class Constraint
{
    // Keras' epsilon
    private const float Eps = 1e-7f;

    /// <summary>Negative weights become 0. Keras' <c>NonNeg</c>.</summary>
    public static Action<Parameter> NonNegative() => w => Write(w, static v => v.Relu());

    /// <summary>Values outside [min, max] become the nearer end: <c>Constraint.Clamp(-0.01f, 0.01f)</c> keeps a Wasserstein critic's slope bounded; Arjovsky et al. 2017, arXiv:1701.07875, alg. 1.
    /// In PyTorch <c>w.data.clamp_(min, max)</c> after each step. (A penalty on the slope itself needs <c>RecordedGradients</c>.)</summary>
    /// <param name="min">The smallest value.</param>
    /// <param name="max">The largest value.</param>
    /// <exception cref="ArgumentOutOfRangeException">min is above max, or either is NaN.</exception>
    public static Action<Parameter> Clamp(float min, float max) => min <= max ? w => Write(w, v => v.Clamp(min, max))
        : throw new ArgumentOutOfRangeException(nameof(min), $"clamp: nothing lies between {min} and {max}");

    /// <summary>Longer norms are scaled down to <paramref name="max"/>: Srebro et al. 2005; Srivastava et al. 2014, JMLR 15, §5.1. Keras' <c>MaxNorm</c>.</summary>
    /// <param name="max">The longest norm.</param>
    /// <param name="axes">The axes of the norm; all but the first if null.</param>
    public static Action<Parameter> MaxNorm(float max = 2, int[]? axes = null) => Scaled(axes, norm => norm.Clamp(0, max));

    /// <summary>All norms become 1. Keras' <c>UnitNorm</c>.</summary>
    /// <param name="axes">The axes of the norm; all but the first if null.</param>
    public static Action<Parameter> UnitNorm(int[]? axes = null) => Scaled(axes, static norm => Tensor.Ones(norm.Shape, norm.Device));

    /// <summary>Norms are moved into [min, max], by the part <paramref name="rate"/> of the way. Keras' <c>MinMaxNorm</c>.</summary>
    /// <param name="min">The shortest norm.</param>
    /// <param name="max">The longest norm.</param>
    /// <param name="rate">How much of the way is gone in a step, in (0, 1].</param>
    /// <param name="axes">The axes of the norm; all but the first if null.</param>
    public static Action<Parameter> MinMaxNorm(float min = 0, float max = 1, float rate = 1, int[]? axes = null) =>
        Scaled(axes, norm => (rate * norm.Clamp(min, max)) + ((1 - rate) * norm));

    private static Action<Parameter> Scaled(int[]? axes, Func<Tensor, Tensor> wanted) => w => Write(w, v =>
    {
        var norm = v.Norm(2, axes ?? [.. Enumerable.Range(Math.Min(1, v.Rank - 1), Math.Max(1, v.Rank - 1))], keepDims: true);
        return v * (wanted(norm) / (norm + Eps));
    });

    // the values without history, in an arena that remembers nothing
    private static void Write(Parameter w, Func<Tensor, Tensor> f)
    {
        using var arena = new Arena();
        w.Device.Copy(f(w.Detach()).View, w.View);
    }
}
