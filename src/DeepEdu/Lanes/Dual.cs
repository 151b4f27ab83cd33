using System.Runtime.CompilerServices;

namespace DeepEdu.Lanes;

/// <summary>x + x′ε with ε² = 0. A formula run on Dual lanes computes its derivative beside its value: forward-mode differentiation
/// (Clifford 1873; Griewank and Walther 2008, chapter 3). The JIT turns it into straight-line SIMD code.</summary>
/// <param name="x">The value.</param>
/// <param name="d">Its derivative.</param>
public readonly struct Dual<L>(L x, L d) : ILane<Dual<L>> where L : struct, ILane<L>
{
    /// <summary>The value.</summary>
    public readonly L X = x;

    /// <summary>Its derivative.</summary>
    public readonly L D = d;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Dual<L> Of(float c) => new(L.Of(c), L.Of(0));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static implicit operator Dual<L>(float c) => Of(c);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Dual<L> operator +(Dual<L> a, Dual<L> b) => new(a.X + b.X, a.D + b.D);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Dual<L> operator -(Dual<L> a, Dual<L> b) => new(a.X - b.X, a.D - b.D);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Dual<L> operator *(Dual<L> a, Dual<L> b) => new(a.X * b.X, (a.D * b.X) + (a.X * b.D));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Dual<L> operator /(Dual<L> a, Dual<L> b)
    {
        var q = a.X / b.X;
        return new(q, (a.D - (q * b.D)) / b.X);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Dual<L> operator -(Dual<L> a) => new(-a.X, -a.D);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Dual<L> MultiplyAdd(Dual<L> a, Dual<L> b, Dual<L> c) => new(L.MultiplyAdd(a.X, b.X, c.X), L.MultiplyAdd(a.D, b.X, L.MultiplyAdd(a.X, b.D, c.D)));

    // as in PyTorch's minimum and maximum: at a tie half of the gradient goes to each side, and where one is NaN all of it to both
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Dual<L> Min(Dual<L> a, Dual<L> b)
    {
        var both = a.D + b.D;
        return new(L.Min(a.X, b.X), L.WhereGreater(b.X, a.X, a.D, L.WhereGreater(a.X, b.X, b.D, L.WhereEqual(a.X, b.X, 0.5f * both, both))));
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Dual<L> AtMost(Dual<L> x, Dual<L> high) => WhereGreater(x, high, high, x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Dual<L> Max(Dual<L> a, Dual<L> b)
    {
        var both = a.D + b.D;
        return new(L.Max(a.X, b.X), L.WhereGreater(a.X, b.X, a.D, L.WhereGreater(b.X, a.X, b.D, L.WhereEqual(a.X, b.X, 0.5f * both, both))));
    }

    // the derivative at 0 is taken as 0, as in PyTorch
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Dual<L> Abs(Dual<L> x) => new(L.Abs(x.X), L.WhereGreater(x.X, 0f, x.D, L.WhereGreater(0f, x.X, -x.D, 0f)));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Dual<L> Floor(Dual<L> x) => new(L.Floor(x.X), L.Of(0));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Dual<L> Sqrt(Dual<L> x)
    {
        var s = L.Sqrt(x.X);
        return new(s, x.D / (s + s));
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Dual<L> Exp(Dual<L> x)
    {
        var e = L.Exp(x.X);
        return new(e, e * x.D);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Dual<L> Log(Dual<L> x) => new(L.Log(x.X), x.D / x.X);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Dual<L> Tanh(Dual<L> x)
    {
        var t = L.Tanh(x.X);
        return new(t, x.D * (1f - (t * t)));
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Dual<L> Sigmoid(Dual<L> x)
    {
        var s = L.Sigmoid(x.X);
        return new(s, x.D * s * (1f - s));
    }

    // 2/√π · e^(−x²)
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Dual<L> Erf(Dual<L> x) => new(L.Erf(x.X), x.D * (1.12837917f * L.Exp(-(x.X * x.X))));

    // ∓φ(x)
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Dual<L> NormalTail(Dual<L> x) => new(L.NormalTail(x.X), x.D * (L.WhereGreater(x.X, 0f, -0.398942280f, 0.398942280f) * L.Exp(-0.5f * x.X * x.X)));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Dual<L> Sin(Dual<L> x) => new(L.Sin(x.X), x.D * L.Cos(x.X));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Dual<L> Cos(Dual<L> x) => new(L.Cos(x.X), -(x.D * L.Sin(x.X)));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Dual<L> WhereGreater(Dual<L> a, Dual<L> b, Dual<L> yes, Dual<L> no)
        => new(L.WhereGreater(a.X, b.X, yes.X, no.X), L.WhereGreater(a.X, b.X, yes.D, no.D));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Dual<L> WhereGreaterOrEqual(Dual<L> a, Dual<L> b, Dual<L> yes, Dual<L> no)
        => new(L.WhereGreaterOrEqual(a.X, b.X, yes.X, no.X), L.WhereGreaterOrEqual(a.X, b.X, yes.D, no.D));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Dual<L> WhereEqual(Dual<L> a, Dual<L> b, Dual<L> yes, Dual<L> no)
        => new(L.WhereEqual(a.X, b.X, yes.X, no.X), L.WhereEqual(a.X, b.X, yes.D, no.D));
}
