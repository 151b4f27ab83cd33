using DeepEdu.Devices;
using DeepEdu.Memory;

namespace DeepEdu.Io;

/// <summary>A stretch of memory in both forward passes.</summary>
internal readonly record struct OnnxView(Block? Block, Block? Other, OnnxSize Offset, OnnxSize Length)
{
    public OnnxView(View a, View b) : this(a.Block, b.Block, new(a.Offset, b.Offset), new(a.Length, b.Length)) { }

    public bool IsNone => Block is null;

    public View First => new(Block!, Offset.A, Length.A);

    public View Second => new(Other!, Offset.B, Length.B);
}

/// <summary>A value of the graph: the name it has there, or, if it is the same whatever the inputs are, the numbers.</summary>
internal sealed class OnnxValue
{
    private OnnxValue(OnnxSize[] shape, string? name, ReadOnlyMemory<float>? a, ReadOnlyMemory<float>? b) => (Shape, Name, A, B) = (shape, name, a, b);

    /// <summary>Something that a node makes, or an input.</summary>
    public static OnnxValue Named(string name, params OnnxSize[] shape) => new(shape, name, null, null);

    /// <summary>Numbers: those of the first pass and those of the second.</summary>
    public static OnnxValue Constant(OnnxSize[] shape, ReadOnlyMemory<float> a, ReadOnlyMemory<float> b) => new(shape, null, a, b);

    /// <summary>A weight, under the name that it has in the model.</summary>
    public static OnnxValue Weight(string name, OnnxSize[] shape, ReadOnlyMemory<float> values) => new(shape, null, values, values) { Given = name };

    public OnnxSize[] Shape { get; }

    public string? Name { get; set; }

    public string? Given { get; init; }

    public ReadOnlyMemory<float>? A { get; }

    public ReadOnlyMemory<float>? B { get; }

    public bool IsConstant => A is not null;

    public OnnxSize Size => OnnxSize.Product(Shape);

    /// <summary>The one number that all are.</summary>
    public float? Uniform => A is { Length: > 0 } a && B is { Length: > 0 } b && Bits(a.Span[0]) == Bits(b.Span[0]) && All(a.Span) && All(b.Span) ? a.Span[0] : null;

    private static int Bits(float x) => BitConverter.SingleToInt32Bits(x);

    private static bool All(ReadOnlySpan<float> values)
    {
        foreach (float v in values) { if (Bits(v) != Bits(values[0])) { return false; } }
        return true;
    }
}
