using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>What the constructors of all convolutions do: check the sizes, make weight and bias, draw their initial values.</summary>
internal static class ConvWeights
{
    /// <summary>Weight [outputs, channels / groups, kernel..], or, transposed, [channels, outputs / groups, kernel..]; and the bias [outputs], if wanted.</summary>
    public static (Parameter Weight, Parameter? Bias) New(string op, int channels, int outputs, int groups, bool transposed, ReadOnlySpan<int> kernel, bool bias, Rng rng, Initializer? init)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(channels);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(outputs);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(groups);
        ArgumentNullException.ThrowIfNull(rng);
        if (channels % groups != 0 || outputs % groups != 0) { throw new ArgumentException($"{op}: {groups} groups do not divide {channels} channels and {outputs} outputs", nameof(groups)); }
        var (first, second) = transposed ? (channels, outputs) : (outputs, channels);
        Parameter weight = new([first, second / groups, .. kernel]);
        var shift = bias ? new Parameter([outputs]) : null;
        Init.Layer(weight, shift, rng.Fork(), init);
        return (weight, shift);
    }
}
