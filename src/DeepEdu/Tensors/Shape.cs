using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace DeepEdu.Tensors;

/// <summary>The sizes of a tensor's axes, outermost first. Written as a collection expression: <c>[2, 3]</c>; <c>[]</c> is a single value.</summary>
[CollectionBuilder(typeof(Shape), nameof(Create))]
public readonly struct Shape : IEquatable<Shape>
{
    private readonly int[]? _sizes;
    private readonly int _size;

    private Shape(int[] sizes)
    {
        long size = 1;
        foreach (int n in sizes)
        {
            if (n < 0) { Throw(sizes, "an axis cannot be negative"); }
            size *= n;
            if (size > int.MaxValue) { Throw(sizes, $"more than {int.MaxValue} values; split the tensor"); }
        }
        (_sizes, _size) = (sizes, (int)size);
    }

    /// <summary>How many values a tensor of this shape holds.</summary>
    public int Size => _sizes is null ? 1 : _size;

    /// <summary>How many axes.</summary>
    public int Rank => _sizes?.Length ?? 0;

    /// <summary>The sizes.</summary>
    public ReadOnlySpan<int> Sizes => _sizes;

    /// <summary>The size of an axis; <c>^1</c> is the last.</summary>
    /// <exception cref="ShapeException">There is no such axis.</exception>
    public int this[Index axis]
    {
        get
        {
            int at = axis.GetOffset(Rank);
            if ((uint)at >= (uint)Rank) { ThrowAxis("shape", at, this); }
            return _sizes![at];
        }
    }

    /// <summary>For collection expressions.</summary>
    public static Shape Create(ReadOnlySpan<int> sizes) => new(sizes.ToArray());

    /// <summary>For collection expressions and <c>foreach</c>.</summary>
    public ReadOnlySpan<int>.Enumerator GetEnumerator() => Sizes.GetEnumerator();

    /// <summary>The axis counted from the front: −1 is the last.</summary>
    /// <exception cref="ShapeException">There is no such axis.</exception>
    public int Axis(string op, int axis)
    {
        int at = axis < 0 ? axis + Rank : axis;
        if ((uint)at >= (uint)Rank) { ThrowAxis(op, axis, this); }
        return at;
    }

    /// <summary>The product of the sizes of axes [from, to).</summary>
    /// <exception cref="ShapeException">There are no such axes.</exception>
    public int Product(int from, int to)
    {
        if (from < to && (from < 0 || to > Rank)) { ThrowAxis("shape", from < 0 ? from : to - 1, this); }
        int n = 1;
        for (int i = from; i < to; i++) { n *= _sizes![i]; }
        return n;
    }

    /// <summary>This shape with one axis of another size; −1 is the last axis.</summary>
    /// <exception cref="ShapeException">There is no such axis.</exception>
    public Shape With(int axis, int size)
    {
        axis = Axis("shape", axis);
        int[] sizes = Sizes.ToArray();
        sizes[axis] = size;
        return new(sizes);
    }

    /// <summary>This shape without one axis; −1 is the last.</summary>
    /// <exception cref="ShapeException">There is no such axis.</exception>
    public Shape Without(int axis)
    {
        axis = Axis("shape", axis);
        return [.. Sizes[..axis], .. Sizes[(axis + 1)..]];
    }

    /// <summary>This shape with an axis of the given size put in before <paramref name="axis"/>; behind the last one, if that is the rank or −1.</summary>
    /// <exception cref="ShapeException">There is no such place.</exception>
    public Shape Insert(int axis, int size)
    {
        int at = axis < 0 ? axis + Rank + 1 : axis;
        if ((uint)at > (uint)Rank) { throw new ShapeException("shape", $"{this} has no place {axis} for an axis: {-Rank - 1} to {Rank} are possible", this); }
        return [.. Sizes[..at], size, .. Sizes[at..]];
    }

    /// <summary>The shape that is meant by sizes of which one may be −1, computed from the others.</summary>
    /// <exception cref="ShapeException">They do not hold as many values as this shape, or more than one is −1.</exception>
    internal Shape Reshaped(ReadOnlySpan<int> sizes)
    {
        int unknown = sizes.IndexOf(-1);
        int[] all = sizes.ToArray();
        if (unknown >= 0)
        {
            long known = 1;
            for (int i = 0; i < all.Length; i++)
            {
                if (i == unknown) { continue; }
                if (all[i] < 0) { ThrowUnknown(this, all, "only one size may be −1 and no other negative"); }
                known *= all[i];
            }
            if (known == 0 || Size % known != 0) { ThrowUnknown(this, all, known == 0 ? "−1 beside a size of 0 could be anything; write it out" : $"{Size} values do not divide by {known}"); }
            all[unknown] = (int)(Size / known);
        }
        Shape shape = new(all);
        if (shape.Size != Size) { ThrowSize(this, shape); }
        return shape;
    }

    /// <summary>NumPy broadcasting: axes are matched from the last; sizes must be equal or 1.</summary>
    /// <exception cref="ShapeException">The shapes do not broadcast.</exception>
    public static Shape Broadcast(string op, Shape a, Shape b)
    {
        if (a.Equals(b)) { return a; }
        int rank = Math.Max(a.Rank, b.Rank);
        int[] sizes = new int[rank];
        for (int i = 1; i <= rank; i++)
        {
            int n = i <= a.Rank ? a[^i] : 1, m = i <= b.Rank ? b[^i] : 1;
            if (n != m && n != 1 && m != 1) { ThrowBroadcast(op, a, b, n, m, rank - i); }
            sizes[^i] = n == 1 ? m : n;
        }
        return new(sizes);
    }

    /// <inheritdoc/>
    public bool Equals(Shape other) => ReferenceEquals(_sizes, other._sizes) || Sizes.SequenceEqual(other.Sizes);

    /// <inheritdoc/>
    public override bool Equals([NotNullWhen(true)] object? obj) => obj is Shape s && Equals(s);

    /// <summary>Same sizes.</summary>
    public static bool operator ==(Shape left, Shape right) => left.Equals(right);

    /// <summary>Other sizes.</summary>
    public static bool operator !=(Shape left, Shape right) => !left.Equals(right);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        HashCode h = default;
        foreach (int n in Sizes) { h.Add(n); }
        return h.ToHashCode();
    }

    /// <summary>Such as "[2,3]".</summary>
    public override string ToString() => _sizes is null ? "[]" : $"[{string.Join(',', _sizes)}]";

    [DoesNotReturn]
    private static void Throw(int[] sizes, string why) => throw new ShapeException("shape", $"[{string.Join(',', sizes)}]: {why}");

    [DoesNotReturn]
    private static void ThrowSize(Shape x, Shape y) =>
        throw new ShapeException("reshape", $"{x} holds {x.Size} values, {y} holds {y.Size}; give one size as -1 to have it computed?", x, y);

    [DoesNotReturn]
    private static void ThrowUnknown(Shape x, int[] sizes, string why) => throw new ShapeException("reshape", $"{x} to [{string.Join(',', sizes)}]: {why}", x);

    [DoesNotReturn]
    private static void ThrowAxis(string op, int axis, Shape s) =>
        throw new ShapeException(op, s.Rank == 0 ? $"axis {axis} of a single value, which has no axes" : $"axis {axis} of {s}: axes are {-s.Rank}..{s.Rank - 1}", s);

    [DoesNotReturn]
    private static void ThrowBroadcast(string op, Shape a, Shape b, int n, int m, int axis)
    {
        string hint = a.Rank != b.Rank && a.Rank > 0 && b.Rank > 0 && a[0] == b[0] ? "; add an axis of size 1 with Unsqueeze?" : a.Size == b.Size ? "; Reshape or transpose one of them?" : "";
        throw new ShapeException(op, $"{a} and {b} do not broadcast: sizes {n} and {m} on axis {axis}{hint}", a, b);
    }
}
