using DeepEdu.Tensors;

namespace DeepEdu.Io;

/// <summary>What numbers are.</summary>
internal enum OnnxKind
{
    Real,
    Whole,
    Truth,
}

/// <summary>Numbers on the host: shapes, axes, tokens, constants. Whole ones are exact up to 2⁵³; a truth is 0 or 1. What is done to them is naive: they are few.</summary>
internal sealed record OnnxHost(int[] Shape, double[] Values, OnnxKind Kind)
{
    // sizes may come from the file, and a broken one shall not take all memory
    private const int Most = 1 << 27;

    /// <summary>Whether the numbers are stored with a sign; null if they were computed.</summary>
    public bool? IsSigned { get; init; }

    public int Size => Values.Length;

    public static OnnxHost Whole(int[] shape, double[] values) => new(shape, values, OnnxKind.Whole);

    /// <summary>Values by their place on each axis.</summary>
    public static OnnxHost Of(int[] shape, OnnxKind kind, Func<int[], double> value)
    {
        double[] values = new double[Count(shape)];
        int[] at = new int[shape.Length];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = value(at);
            for (int k = at.Length - 1; k >= 0 && ++at[k] == shape[k]; k--) { at[k] = 0; }
        }
        return new(shape, values, kind);
    }

    public static int Count(ReadOnlySpan<int> shape)
    {
        long n = 1;
        foreach (int s in shape) { n *= s; }
        return n <= Most ? (int)n : throw new NotSupportedException($"onnx-model: {n} numbers on the host; {Most} are supported");
    }

    public double this[ReadOnlySpan<int> at]
    {
        get
        {
            int flat = 0;
            for (int i = 0; i < Shape.Length; i++) { flat = (flat * Shape[i]) + at[i]; }
            return Values[flat];
        }
    }

    /// <summary>The value that is spread to a place of a larger shape.</summary>
    public double Spread(int[] at)
    {
        int flat = 0;
        for (int i = 0, skip = at.Length - Shape.Length; i < Shape.Length; i++) { flat = (flat * Shape[i]) + (Shape[i] == 1 ? 0 : at[i + skip]); }
        return Values[flat];
    }

    public OnnxHost Map(Func<double, double> f, OnnxKind? kind = null) => new(Shape, Array.ConvertAll(Values, v => f(v)), kind ?? Kind);

    public static OnnxHost Zip(OnnxHost a, OnnxHost b, Func<double, double, double> f, OnnxKind kind) =>
        Of([.. Tensors.Shape.Broadcast("onnx-model", [.. a.Shape], [.. b.Shape])], kind, at => f(a.Spread(at), b.Spread(at)));

    public OnnxHost As(int[] shape) => new(shape, Values, Kind);

    /// <summary>A whole number each, which fits.</summary>
    public int[] Ints() => Array.ConvertAll(Values, Int);

    /// <summary>A whole number; what is beyond int32, such as "to the end", is its largest or least.</summary>
    public static int Int(double v) => (int)Math.Clamp(v, int.MinValue, int.MaxValue);

    public Indices ToIndices() => Indices.Wrap(Ints(), [.. Shape]);
}
