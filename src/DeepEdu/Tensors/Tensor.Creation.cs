using DeepEdu.Devices;
using DeepEdu.Numerics;

namespace DeepEdu.Tensors;

/// <content>How tensors come to be.</content>
public partial class Tensor
{
    /// <summary>Undefined values, to be written by a kernel.</summary>
    public static Tensor Empty(Shape shape, Device? device = null)
    {
        device ??= CpuDevice.Instance;
        return new(shape, device, device.Allocate(shape.Size), 0);
    }

    /// <summary>Undefined values in memory that outlives every arena: optimiser state, running statistics.</summary>
    public static Tensor Persistent(Shape shape, Device? device = null)
    {
        device ??= CpuDevice.Instance;
        return new(shape, device, device.AllocatePersistent(shape.Size), 0);
    }

    /// <summary>A copy of the values.</summary>
    /// <exception cref="ShapeException">Their number is not the shape's size.</exception>
    public static Tensor Of(Shape shape, ReadOnlySpan<float> values, Device? device = null)
    {
        if (values.Length != shape.Size) { throw new ShapeException("tensor", $"{values.Length} values for {shape}, which holds {shape.Size}", shape); }
        var t = Empty(shape, device);
        t.Device.Write(values, t.View);
        return t;
    }

    /// <summary>One axis of the given values.</summary>
    public static Tensor Of(params ReadOnlySpan<float> values) => Of([values.Length], values);

    /// <summary>A matrix of the given values.</summary>
    public static Tensor Of(float[,] values)
    {
        ArgumentNullException.ThrowIfNull(values);
        float[] flat = new float[values.Length];
        Buffer.BlockCopy(values, 0, flat, 0, flat.Length * sizeof(float));
        return Of([values.GetLength(0), values.GetLength(1)], flat);
    }

    /// <summary>The caller's own array, not copied: both see each other's changes. On the CPU.</summary>
    /// <exception cref="ShapeException">The array's length is not the shape's size.</exception>
    public static Tensor Wrap(float[] values, Shape shape)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (values.Length != shape.Size) { throw new ShapeException("wrap", $"an array of {values.Length} for {shape}, which holds {shape.Size}", shape); }
        return new(shape, CpuDevice.Instance, new CpuBlock(values), 0);
    }

    /// <summary>A single value, of shape [].</summary>
    public static Tensor Scalar(float value, Device? device = null) => Full([], value, device);

    /// <summary>The same value everywhere.</summary>
    public static Tensor Full(Shape shape, float value, Device? device = null)
    {
        var t = Empty(shape, device);
        t.Device.Fill(t.View, value);
        return t;
    }

    /// <summary>0 everywhere.</summary>
    public static Tensor Zeros(Shape shape, Device? device = null) => Full(shape, 0, device);

    /// <summary>1 everywhere.</summary>
    public static Tensor Ones(Shape shape, Device? device = null) => Full(shape, 1, device);

    /// <summary>The identity matrix [n, n].</summary>
    public static Tensor Eye(int n, Device? device = null)
    {
        Shape shape = [n, n];
        float[] values = new float[shape.Size];
        for (int i = 0; i < n; i++) { values[(i * n) + i] = 1; }
        return Of(shape, values, device);
    }

    /// <summary>0, 1, .. n − 1.</summary>
    public static Tensor Arange(int n, Device? device = null) => Arange(0, n, 1, device);

    /// <summary>start, start + step, .. up to but without end: ⌈(end − start) / step⌉ values.</summary>
    /// <exception cref="ArgumentException">The step is 0 or leads away from the end, or there are too many values.</exception>
    public static Tensor Arange(double start, double end, double step = 1, Device? device = null)
    {
        if (step == 0 || !double.IsFinite((end - start) / step) || (end - start) / step < 0) { throw new ArgumentException($"arange: from {start} to {end} a step of {step} never arrives", nameof(step)); }
        double n = Math.Ceiling((end - start) / step);
        if (n > Array.MaxLength) { throw new ArgumentException($"arange: from {start} to {end} with a step of {step} are {n} values, more than {Array.MaxLength}", nameof(step)); }
        float[] values = new float[(int)n];
        for (int i = 0; i < values.Length; i++) { values[i] = (float)(start + (i * step)); }
        return Of([values.Length], values, device);
    }

    /// <summary>n values from start to end, both included, evenly spaced.</summary>
    public static Tensor Linspace(float start, float end, int n, Device? device = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(n);
        float[] values = new float[n];
        double step = n > 1 ? ((double)end - start) / (n - 1) : 0;
        for (int i = 0; i < n; i++) { values[i] = (float)(start + (i * step)); }
        return Of([n], values, device);
    }

    /// <summary>Evenly distributed in [low, high): low + (high − low)·u, which rounding may carry up to high.</summary>
    /// <exception cref="ArgumentException">Low is above high, or one of them is no finite number.</exception>
    public static Tensor Uniform(Shape shape, Rng rng, float low = 0, float high = 1, Device? device = null)
    {
        ArgumentNullException.ThrowIfNull(rng);
        if (!(low <= high && float.IsFinite(high - low))) { throw new ArgumentException($"uniform: {low} to {high} is no interval; the lower end comes first", nameof(low)); }
        float[] values = new float[shape.Size];
        rng.FillUniform(values, low, high);
        return Of(shape, values, device);
    }

    /// <summary>Normally distributed.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The standard deviation is not a finite number of at least 0.</exception>
    public static Tensor Normal(Shape shape, Rng rng, float mean = 0, float std = 1, Device? device = null)
    {
        ArgumentNullException.ThrowIfNull(rng);
        if (!(std >= 0 && float.IsFinite(std))) { throw new ArgumentOutOfRangeException(nameof(std), std, "normal: the standard deviation must be a number of at least 0"); }
        float[] values = new float[shape.Size];
        rng.FillNormal(values, mean, std);
        return Of(shape, values, device);
    }
}
