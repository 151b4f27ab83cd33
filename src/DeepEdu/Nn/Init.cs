using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>Writes initial values into a tensor.</summary>
/// <param name="to">The tensor: a weight [outputs, inputs, ..] or any other.</param>
/// <param name="rng">Where random values come from.</param>
public delegate void Initializer(Tensor to, Rng rng);

/// <summary>Initial values of weights. For a weight [outputs, inputs, window..], fan-in = inputs·window and fan-out = outputs·window, as in PyTorch's <c>nn.init</c>.
/// <code>new Dense(64, 32, rng, init: Init.KaimingNormal())</code></summary>
public static class Init
{
    /// <summary>The gain of ReLU, √2: He et al. 2015, arXiv:1502.01852, eq. 10.</summary>
    public const float ReluGain = 1.41421356f;

    /// <summary>0 everywhere.</summary>
    public static Initializer Zeros() => Constant(0);

    /// <summary>1 everywhere.</summary>
    public static Initializer Ones() => Constant(1);

    /// <summary>One value everywhere.</summary>
    public static Initializer Constant(float value) => (to, _) => to.Device.Fill(to.View, value);

    /// <summary>Evenly distributed in [low, high).</summary>
    public static Initializer Uniform(float low = 0, float high = 1) => (to, rng) => Write(to, v => rng.FillUniform(v, low, high));

    /// <summary>Normally distributed.</summary>
    public static Initializer Normal(float mean = 0, float std = 1) => (to, rng) => Write(to, v => rng.FillNormal(v, mean, std));

    /// <summary>Normally distributed, values outside [low, high] drawn again. <c>trunc_normal_</c>: the bounds are values, not multiples of <paramref name="std"/>.</summary>
    public static Initializer TruncatedNormal(float mean = 0, float std = 1, float low = -2, float high = 2)
    {
        if (!(low < high) || mean - (5 * std) > high || mean + (5 * std) < low) { throw new ArgumentException($"init: a normal distribution of mean {mean} and deviation {std} hardly ever falls into [{low}, {high}]"); }
        return (to, rng) => Write(to, values =>
        {
            rng.FillNormal(values, mean, std);
            foreach (ref float v in values.AsSpan())
            {
                while (v < low || v > high) { v = mean + (std * rng.NextGaussian()); }
            }
        });
    }

    /// <summary>Uniform in ±gain·√(6/(fan-in + fan-out)): Glorot and Bengio 2010, eq. 16. Keras' default.</summary>
    public static Initializer XavierUniform(float gain = 1) => (to, rng) => Symmetric(to, rng, gain * MathF.Sqrt(6f / (FanIn(to) + FanOut(to))));

    /// <summary>Normal of deviation gain·√(2/(fan-in + fan-out)): Glorot and Bengio 2010.</summary>
    public static Initializer XavierNormal(float gain = 1) => (to, rng) => Gaussian(to, rng, gain * MathF.Sqrt(2f / (FanIn(to) + FanOut(to))));

    /// <summary>Uniform in ±gain·√(3/fan): He et al. 2015, arXiv:1502.01852, eq. 10.</summary>
    public static Initializer KaimingUniform(float gain = ReluGain, bool fanOut = false) => (to, rng) => Symmetric(to, rng, gain * MathF.Sqrt(3f / Fan(to, fanOut)));

    /// <summary>Normal of deviation gain/√fan: He et al. 2015, arXiv:1502.01852, eq. 10.</summary>
    public static Initializer KaimingNormal(float gain = ReluGain, bool fanOut = false) => (to, rng) => Gaussian(to, rng, gain / MathF.Sqrt(Fan(to, fanOut)));

    /// <summary>Uniform in ±√(3/fan-in): LeCun et al. 1998, "Efficient BackProp", §4.6.</summary>
    public static Initializer LeCunUniform() => KaimingUniform(1);

    /// <summary>Normal of deviation 1/√fan-in: LeCun et al. 1998, "Efficient BackProp", §4.6.</summary>
    public static Initializer LeCunNormal() => KaimingNormal(1);

    /// <summary>Rows (or columns, whichever are fewer) at right angles and of length gain: Saxe et al. 2014, arXiv:1312.6120. Axes after the first count as columns.</summary>
    public static Initializer Orthogonal(float gain = 1) => (to, rng) =>
    {
        if (to.Rank < 2) { throw new ShapeException("orthogonal", $"{to.Shape} has no rows and columns; at least two axes are needed", to.Shape); }
        int rows = to.Shape[0], columns = to.Size / Math.Max(1, rows);
        Write(to, values => FillOrthogonal(values, rows, columns, gain, rng));
    };

    /// <summary>PyTorch's default of dense, convolution and recurrent layers: uniform in ±1/√fan-in, which is <c>kaiming_uniform_(a=√5)</c>.</summary>
    internal static Initializer Default() => KaimingUniform(MathF.Sqrt(1f / 3));

    /// <summary>A layer's weight and bias: PyTorch's defaults, or an initialiser for the weight and 0 for the bias.</summary>
    internal static void Layer(Parameter weight, Parameter? bias, Rng rng, Initializer? init)
    {
        (init ?? Default())(weight, rng);
        if (bias is null) { return; }
        if (init is null) { Symmetric(bias, rng, 1 / MathF.Sqrt(FanIn(weight))); } else { Zeros()(bias, rng); }
    }

    private static float Fan(Tensor t, bool fanOut) => fanOut ? FanOut(t) : FanIn(t);

    private static float FanIn(Tensor t) => Matrix(t).Size / (float)t.Shape[0];

    private static float FanOut(Tensor t) => Matrix(t).Size / (float)t.Shape[1];

    private static Shape Matrix(Tensor t) => t.Rank >= 2 && t.Size > 0 ? t.Shape
        : throw new ShapeException("init", $"{t.Shape} has no fan-in and fan-out; the weight must be [outputs, inputs, ..]", t.Shape);

    private static void Symmetric(Tensor to, Rng rng, float bound) => Uniform(-bound, bound)(to, rng);

    private static void Gaussian(Tensor to, Rng rng, float std) => Normal(0, std)(to, rng);

    // modified Gram-Schmidt, run twice over each vector, in double: orthogonal to float precision for any size
    private static void FillOrthogonal(float[] values, int rows, int columns, float gain, Rng rng)
    {
        int count = Math.Min(rows, columns), length = Math.Max(rows, columns);
        var basis = new double[count][];
        var draw = new float[length];
        for (int i = 0; i < count; i++)
        {
            rng.FillNormal(draw);
            double[] v = basis[i] = Array.ConvertAll(draw, x => (double)x);
            for (int pass = 0; pass < 2; pass++)
            {
                for (int j = 0; j < i; j++) { AddScaled(v, basis[j], -Dot(v, basis[j])); }
            }
            double scale = 1 / Math.Sqrt(Dot(v, v));
            for (int k = 0; k < length; k++) { v[k] *= scale; }
        }
        for (int i = 0; i < count; i++)
        {
            for (int k = 0; k < length; k++) { values[rows <= columns ? (i * columns) + k : (k * columns) + i] = (float)(gain * basis[i][k]); }
        }
    }

    private static double Dot(double[] a, double[] b) => System.Numerics.Tensors.TensorPrimitives.Dot<double>(a, b);

    private static void AddScaled(double[] to, double[] x, double by) => System.Numerics.Tensors.TensorPrimitives.MultiplyAdd<double>(x, by, to, to);

    private static void Write(Tensor to, Action<float[]> fill)
    {
        var values = new float[to.Size];
        fill(values);
        to.CopyFrom(values);
    }
}
