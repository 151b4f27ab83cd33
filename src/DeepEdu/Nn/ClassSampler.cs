using DeepEdu.Devices;
using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>Draws classes with replacement, from a distribution Q that it knows: for <see cref="Losses.SampledSoftmax"/>.</summary>
public sealed class ClassSampler
{
    private readonly bool _logUniform;

    private ClassSampler(int classes, bool logUniform)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(classes);
        (Classes, _logUniform) = (classes, logUniform);
    }

    /// <summary>How many classes there are: 0 .. Classes − 1.</summary>
    public int Classes { get; }

    /// <summary>Every class equally often.</summary>
    public static ClassSampler Uniform(int classes) => new(classes, false);

    /// <summary>Q(c) = ln((c + 2)/(c + 1)) / ln(classes + 1): for classes in falling order of frequency, such as words (Zipf 1949). <c>tf.random.log_uniform_candidate_sampler</c>.</summary>
    public static ClassSampler LogUniform(int classes) => new(classes, true);

    /// <summary>Q(c).</summary>
    public double Probability(int c)
    {
        if ((uint)c >= (uint)Classes) { throw new ArgumentOutOfRangeException(nameof(c), $"class-sampler: class {c} is outside 0..{Classes - 1}"); }
        return _logUniform ? Math.Log((c + 2.0) / (c + 1)) / Math.Log(Classes + 1.0) : 1.0 / Classes;
    }

    /// <summary>Some classes, drawn one by one; a class may come more than once. Takes two numbers a class.</summary>
    public Indices Sample(int count, Rng rng)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentNullException.ThrowIfNull(rng);
        int[] drawn = new int[count];
        for (int i = 0; i < count; i++)
        {
            // the distribution function of c is ln(c + 2)/ln(classes + 1)
            double u = rng.NextDouble();
            drawn[i] = Math.Min(Classes - 1, (int)(_logUniform ? Math.Exp(u * Math.Log(Classes + 1.0)) - 1 : u * Classes));
        }
        return drawn;
    }

    /// <summary>ln(tries · Q(c)) for each class.</summary>
    internal Tensor LogExpected(Indices classes, int tries, Device device)
    {
        float[] y = new float[classes.Size];
        for (int i = 0; i < y.Length; i++) { y[i] = (float)Math.Log(tries * Probability(classes.Span[i])); }
        return Tensor.Of(classes.Shape, y, device);
    }
}
