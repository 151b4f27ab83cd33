using System.Diagnostics.CodeAnalysis;

namespace DeepEdu.Tensors;

/// <summary>Whole numbers (int32), row-major: class labels, tokens, positions. They carry no gradient.</summary>
public sealed class Indices
{
    private readonly int[] _values;

    private Indices(Shape shape, int[] values)
    {
        if (values.Length != shape.Size) { throw new ShapeException("indices", $"{values.Length} values for {shape}, which holds {shape.Size}", shape); }
        (Shape, _values) = (shape, values);
    }

    /// <summary>The sizes of the axes.</summary>
    public Shape Shape { get; }

    /// <summary>How many values.</summary>
    public int Size => _values.Length;

    /// <summary>How many axes.</summary>
    public int Rank => Shape.Rank;

    /// <summary>The values.</summary>
    public ReadOnlySpan<int> Span => _values;

    /// <summary>One axis of the given values, copied.</summary>
    public static Indices Of(params ReadOnlySpan<int> values) => new([values.Length], values.ToArray());

    /// <summary>A copy of the values.</summary>
    /// <exception cref="ShapeException">Their number is not the shape's size.</exception>
    public static Indices Of(Shape shape, ReadOnlySpan<int> values) => new(shape, values.ToArray());

    /// <summary>The caller's own array, not copied.</summary>
    /// <exception cref="ShapeException">Its length is not the shape's size.</exception>
    public static Indices Wrap(int[] values, Shape shape)
    {
        ArgumentNullException.ThrowIfNull(values);
        return new(shape, values);
    }

    /// <summary>The array as one axis, not copied.</summary>
    public static implicit operator Indices(int[] values)
    {
        ArgumentNullException.ThrowIfNull(values);
        return new([values.Length], values);
    }

    /// <summary>The same values under another shape of equal size.</summary>
    public Indices Reshape(Shape shape) => new(shape, _values);

    /// <summary>A copy of the values.</summary>
    public int[] ToArray() => [.. _values];

    /// <summary>Checks that every value lies in [0, limit).</summary>
    /// <exception cref="ArgumentOutOfRangeException">Names the operation, the value, where it stands and what was allowed.</exception>
    public void CheckBelow(string op, int limit)
    {
        int[] values = _values;
        for (int i = 0; i < values.Length; i++)
        {
            if ((uint)values[i] >= (uint)limit) { ThrowRange(op, values[i], i, limit); }
        }
    }

    /// <summary>Such as "int32[3] (0, 2, 1)".</summary>
    public override string ToString() => $"int32{Shape} ({string.Join(", ", _values.Take(8))}{(_values.Length > 8 ? ", …" : "")})";

    [DoesNotReturn]
    private static void ThrowRange(string op, int value, int at, int limit) =>
        throw new ArgumentOutOfRangeException(null, $"{op}: index {value} at position {at} is outside 0..{limit - 1}");
}
