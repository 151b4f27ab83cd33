using System.Diagnostics.CodeAnalysis;

namespace DeepEdu.Tensors;

/// <content>Sums and questions. They are exact over all of int32, which floats are not; a sum that does not fit is an error. Axes of size 1 are repeated as far as the other operand's, if both have
/// as many axes: <c>labels.Unsqueeze(1).Equal(labels.Unsqueeze(0))</c> is [N, N], whereas [N] with [N, 1], mostly a mistake, is refused.</content>
public sealed partial class Indices
{
    private delegate int Combine(int a, int b);

    /// <summary>a + b, value by value.</summary>
    /// <exception cref="ShapeException">Shapes that do not broadcast, or have not as many axes.</exception>
    /// <exception cref="OverflowException">A result is outside int32.</exception>
    public static Indices operator +(Indices a, Indices b) => Zip("add", a, b, static (x, y) => checked(x + y));

    /// <summary>a + c, such as an offset into a table that several features share.</summary>
    /// <exception cref="OverflowException">A result is outside int32.</exception>
    public static Indices operator +(Indices a, int c) => With(a, c, static (x, y) => checked(x + y));

    /// <summary>a − b, value by value: <c>steps.Unsqueeze(1) - steps.Unsqueeze(0)</c> is how far apart they stand.</summary>
    /// <exception cref="ShapeException">Shapes that do not broadcast, or have not as many axes.</exception>
    /// <exception cref="OverflowException">A result is outside int32.</exception>
    public static Indices operator -(Indices a, Indices b) => Zip("sub", a, b, static (x, y) => checked(x - y));

    /// <summary>a − c.</summary>
    /// <exception cref="OverflowException">A result is outside int32.</exception>
    public static Indices operator -(Indices a, int c) => With(a, c, static (x, y) => checked(x - y));

    /// <summary>a · c.</summary>
    /// <exception cref="OverflowException">A result is outside int32.</exception>
    public static Indices operator *(Indices a, int c) => With(a, c, static (x, y) => checked(x * y));

    /// <summary>⌊a / c⌋, rounded down as in PyTorch and Python (and unlike C#'s own /): the row of a place in a table of c columns.</summary>
    /// <exception cref="DivideByZeroException">c is 0.</exception>
    /// <exception cref="OverflowException">A result is outside int32.</exception>
    public static Indices operator /(Indices a, int c) => With(a, NotZero(c, "divide"), static (x, y) => checked((x / y) - (x % y != 0 && x < 0 != y < 0 ? 1 : 0)));

    /// <summary>a − c·⌊a / c⌋: what is left of that division, with the sign of c, as in PyTorch and Python (and unlike C#'s own %): the column of that place.</summary>
    /// <exception cref="DivideByZeroException">c is 0.</exception>
    public static Indices operator %(Indices a, int c) => With(a, NotZero(c, "remainder"), static (x, y) => (int)(((long)x % y + y) % y));

    /// <summary>1 where a = b, else 0. <c>predicted.Equal(labels).Mean()</c> is the share that is right.</summary>
    /// <exception cref="ShapeException">Shapes that do not broadcast, or have not as many axes.</exception>
    public Tensor Equal(Indices b) => Zip("equal", this, b, static (x, y) => x == y ? 1 : 0).ToTensor();

    /// <summary>1 where a = c, else 0.</summary>
    public Tensor Equal(int c) => With(this, c, static (x, y) => x == y ? 1 : 0).ToTensor();

    /// <summary>1 where a ≠ b, else 0.</summary>
    /// <exception cref="ShapeException">Shapes that do not broadcast, or have not as many axes.</exception>
    public Tensor NotEqual(Indices b) => Zip("not-equal", this, b, static (x, y) => x != y ? 1 : 0).ToTensor();

    /// <summary>1 where a ≠ c, else 0: <c>tokens.NotEqual(0)</c> is the mask of a padded batch.</summary>
    public Tensor NotEqual(int c) => With(this, c, static (x, y) => x != y ? 1 : 0).ToTensor();

    private static int NotZero(int c, string op) => c != 0 ? c : throw new DivideByZeroException($"{op}: indices by 0");

    private static Indices With(Indices a, int c, Combine f)
    {
        ArgumentNullException.ThrowIfNull(a);
        return Made(a.Shape, to => { for (int i = 0; i < to.Length; i++) { to[i] = f(a._values[i], c); } });
    }

    private static Indices Zip(string op, Indices a, Indices b, Combine f)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        if (a.Shape == b.Shape) { return Made(a.Shape, to => { for (int i = 0; i < to.Length; i++) { to[i] = f(a._values[i], b._values[i]); } }); }
        if (a.Rank != b.Rank) { ThrowShapes(op, a.Shape, b.Shape); }
        var y = Shape.Broadcast(op, a.Shape, b.Shape);
        return Made(y, to => { for (int i = 0; i < to.Length; i++) { to[i] = f(a._values[PlaceIn(a.Shape, y, i)], b._values[PlaceIn(b.Shape, y, i)]); } });
    }

    // where x, whose axes of size 1 are repeated in y, has y's value i
    private static int PlaceIn(Shape x, Shape y, int i)
    {
        int place = 0, step = 1;
        for (int axis = y.Rank - 1; axis >= 0; axis--)
        {
            if (x[axis] > 1) { place += i % y[axis] * step; }
            i /= y[axis];
            step *= x[axis];
        }
        return place;
    }

    [DoesNotReturn]
    private static void ThrowShapes(string op, Shape a, Shape b) =>
        throw new ShapeException(op, $"indices {a} and {b} must have as many axes; add one of size 1 with Unsqueeze?", a, b);
}
