using System.Diagnostics.CodeAnalysis;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using DeepEdu.Devices;
using DeepEdu.Numerics;

namespace DeepEdu.Tensors;

/// <summary>Whole numbers (int32), row-major: class labels, tokens, positions. They carry no gradient.</summary>
public sealed partial class Indices
{
    private readonly int[] _values;

    private Indices(Shape shape, int[] values) => (Shape, _values) = (shape, values);

    /// <summary>The sizes of the axes.</summary>
    public Shape Shape { get; }

    /// <summary>How many values.</summary>
    public int Size => Shape.Size;

    /// <summary>How many axes.</summary>
    public int Rank => Shape.Rank;

    /// <summary>The values.</summary>
    /// <exception cref="InvalidOperationException">A session or a file is made of the forward pass, and in use the numbers would be others.</exception>
    public ReadOnlySpan<int> Span => OnHost();

    /// <summary>The array: longer than <see cref="Size"/> if it was lent (<see cref="Lent"/>).</summary>
    internal int[] Values => _values;

    /// <summary>One axis of the given values, copied.</summary>
    public static Indices Of(params ReadOnlySpan<int> values) => new([values.Length], values.ToArray());

    /// <summary>A copy of the values.</summary>
    /// <exception cref="ShapeException">Their number is not the shape's size.</exception>
    public static Indices Of(Shape shape, ReadOnlySpan<int> values) => Wrap(values.ToArray(), shape);

    /// <summary>A matrix of the given values, copied.</summary>
    public static Indices Of(int[,] values)
    {
        ArgumentNullException.ThrowIfNull(values);
        int[] flat = new int[values.Length];
        Buffer.BlockCopy(values, 0, flat, 0, flat.Length * sizeof(int));
        return new([values.GetLength(0), values.GetLength(1)], flat);
    }

    /// <summary>The caller's own array, not copied.</summary>
    /// <exception cref="ShapeException">Its length is not the shape's size.</exception>
    public static Indices Wrap(int[] values, Shape shape)
    {
        ArgumentNullException.ThrowIfNull(values);
        return values.Length == shape.Size ? new(shape, values) : throw new ShapeException("indices", $"{values.Length} values for {shape}, which holds {shape.Size}", shape);
    }

    /// <summary>The first values of an array that the innermost arena takes back (<see cref="Memory.Arena.Numbers"/>): for what ends with it.</summary>
    internal static Indices Lent(int[] values, Shape shape) => new(shape, values);

    /// <summary>0, 1, .. n − 1.</summary>
    public static Indices Arange(int n) => Arange(0, n);

    /// <summary>start, start + step, .. up to but without end.</summary>
    /// <exception cref="ArgumentException">The step is 0 or leads away from the end, or there are too many values.</exception>
    public static Indices Arange(int start, int end, int step = 1)
    {
        long span = (long)end - start;
        if (step == 0 || (span != 0 && span > 0 != step > 0)) { throw new ArgumentException($"arange: from {start} to {end} a step of {step} never arrives", nameof(step)); }
        long n = (span + step - Math.Sign(step)) / step;
        if (n > Array.MaxLength) { throw new ArgumentException($"arange: from {start} to {end} with a step of {step} are {n} values, more than {Array.MaxLength}", nameof(step)); }
        int[] values = new int[n];
        for (int i = 0; i < values.Length; i++) { values[i] = start + (i * step); }
        return values;
    }

    /// <summary>The same value everywhere.</summary>
    public static Indices Full(Shape shape, int value)
    {
        int[] values = new int[shape.Size];
        values.AsSpan().Fill(value);
        return new(shape, values);
    }

    /// <summary>Numbers drawn from low, low + 1, .. high − 1, each as likely. PyTorch's <c>randint</c>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such number.</exception>
    public static Indices Uniform(Shape shape, Rng rng, int low, int high)
    {
        ArgumentNullException.ThrowIfNull(rng);
        int[] values = new int[shape.Size];
        for (int i = 0; i < values.Length; i++) { values[i] = rng.Next(low, high); }
        return new(shape, values);
    }

    /// <summary>The array as one axis, not copied.</summary>
    public static implicit operator Indices(int[] values)
    {
        ArgumentNullException.ThrowIfNull(values);
        return new([values.Length], values);
    }

    /// <summary>The value at a position: one number an axis, or one number that counts through all values in row-major order.</summary>
    /// <exception cref="ShapeException">Neither one number nor one an axis.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The position lies outside the shape.</exception>
    public int this[params ReadOnlySpan<int> position]
    {
        get
        {
            var values = OnHost();
            if (position.Length == 1 && (uint)position[0] < (uint)Size) { return values[position[0]]; }
            if (position.Length != Rank) { ThrowPosition(Shape, position.Length); }
            int at = 0;
            for (int i = 0; i < Rank; i++)
            {
                if ((uint)position[i] >= (uint)Shape[i]) { ThrowOutside(Shape, i, position[i]); }
                at = (at * Shape[i]) + position[i];
            }
            return values[at];
        }
    }

    /// <summary>The values as floats, of the same shape.</summary>
    public Tensor ToTensor()
    {
        float[] floats = new float[Size];
        void Convert() { for (int i = 0; i < floats.Length; i++) { floats[i] = _values[i]; } }
        var y = Tensor.Wrap(floats, Shape);
        if (Recording.Current is { } recording) { recording.Run(new Conversion(_values, y.View, Convert)); } else { Convert(); }
        return y;
    }

    /// <summary>Whole entries of the first axis: the labels of some rows.</summary>
    /// <exception cref="ShapeException">There is no axis.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A row lies outside the axis.</exception>
    public Indices Select(ReadOnlySpan<int> rows)
    {
        int n = Shape[Shape.Axis("select", 0)], each = n == 0 ? 0 : Size / n;
        for (int i = 0; i < rows.Length; i++)
        {
            if ((uint)rows[i] >= (uint)n) { ThrowRange("select", rows[i], i, n); }
        }
        int[] all = rows.ToArray();
        return Made(Shape.With(0, all.Length), to => { for (int i = 0; i < all.Length; i++) { _values.AsSpan(all[i] * each, each).CopyTo(to.AsSpan(i * each)); } });
    }

    /// <summary>A copy of the values.</summary>
    public int[] ToArray() => [.. OnHost()];

    /// <summary>Checks that every value lies in [0, limit).</summary>
    /// <exception cref="ArgumentOutOfRangeException">Names the operation, the value, where it stands and what was allowed.</exception>
    public void CheckBelow(string op, int limit)
    {
        if (Recording.Current is { } recording) { recording.Run(new Check(this, op, limit)); return; }
        var values = _values.AsSpan(0, Size);
        // a negative number is a large unsigned one
        if (values.Length == 0 || TensorPrimitives.Max(MemoryMarshal.Cast<int, uint>(values)) < (uint)limit) { return; }
        for (int i = 0; i < values.Length; i++)
        {
            if ((uint)values[i] >= (uint)limit) { ThrowRange(op, values[i], i, limit); }
        }
    }

    // values that follow from others: a recording, whose inputs change, computes them again
    internal static Indices Made(Shape shape, Action<int[]> fill)
    {
        int[] values = new int[shape.Size];
        if (Recording.Current is { } recording) { recording.Run(new Work(values, fill)); } else { fill(values); }
        return Changing(values, shape);
    }

    // the array of a kernel that a recording launches again, or of its input
    internal static Indices Changing(int[] values, Shape shape)
    {
        Recording.Current?.Changes(values);
        return new(shape, values);
    }

    private ReadOnlySpan<int> OnHost()
    {
        Recording.Current?.OnHostRead(_values);
        return _values.AsSpan(0, Size);
    }

    /// <summary>Whole numbers that follow from others.</summary>
    internal sealed class Work(int[] to, Action<int[]> fill) : Recording.Call
    {
        /// <summary>Where they are.</summary>
        public int[] To => to;

        /// <inheritdoc/>
        public override void Run() => fill(to);
    }

    /// <summary>Whole numbers made floats.</summary>
    internal sealed class Conversion(int[] from, View to, Action work) : Recording.Call
    {
        /// <summary>The whole numbers.</summary>
        public int[] From => from;

        /// <summary>The floats.</summary>
        public View To => to;

        /// <inheritdoc/>
        public override void Run() => work();
    }

    /// <summary>A check that a recording makes again.</summary>
    internal sealed class Check(Indices indices, string op, int limit) : Recording.Call
    {
        /// <summary>The checked values.</summary>
        public int[] Values => indices.Values;

        /// <summary>What they must be below.</summary>
        public int Limit => limit;

        /// <inheritdoc/>
        public override void Run() => indices.CheckBelow(op, limit);
    }

    /// <summary>Such as "int32[3] (0, 2, 1)".</summary>
    public override string ToString() => $"int32{Shape} ({string.Join(", ", _values.Take(Math.Min(8, Size)))}{(Size > 8 ? ", …" : "")})";

    [DoesNotReturn]
    private static void ThrowPosition(Shape shape, int given) =>
        throw new ShapeException("indices", $"{given} numbers are no position in {shape}; give {shape.Rank}, or one that counts through all values", shape);

    [DoesNotReturn]
    private static void ThrowOutside(Shape shape, int axis, int position) =>
        throw new ArgumentOutOfRangeException(null, $"indices: position {position} on axis {axis} of {shape} is outside 0..{shape[axis] - 1}");

    [DoesNotReturn]
    private static void ThrowRange(string op, int value, int at, int limit) =>
        throw new ArgumentOutOfRangeException(null, $"{op}: index {value} at position {at} is outside {(limit == 0 ? "the empty range" : $"0..{limit - 1}")}");
}
