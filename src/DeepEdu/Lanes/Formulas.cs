using System.Runtime.CompilerServices;

namespace DeepEdu.Lanes;

/// <summary>y = f(x), one value at a time. Written once; <see cref="ILane{L}"/> says where it runs.</summary>
public interface IMap
{
    /// <summary>f(x).</summary>
    L Apply<L>(L x) where L : struct, ILane<L>;
}

/// <summary>y = f(a, b).</summary>
public interface IZip
{
    /// <summary>f(a, b).</summary>
    L Apply<L>(L a, L b) where L : struct, ILane<L>;
}

/// <summary>y = f(a, b, c).</summary>
public interface IZip3
{
    /// <summary>f(a, b, c).</summary>
    L Apply<L>(L a, L b, L c) where L : struct, ILane<L>;
}

/// <summary>A reduction: Step takes in one more value, Join merges two partial results. Both associative and commutative up to rounding.</summary>
public interface IFold
{
    /// <summary>The result of folding nothing.</summary>
    float Start { get; }

    /// <summary>acc with x taken in.</summary>
    L Step<L>(L acc, L x) where L : struct, ILane<L>;

    /// <summary>Two partial results made one.</summary>
    L Join<L>(L a, L b) where L : struct, ILane<L>;
}

/// <summary>In place: parameter w, its gradient g and up to three running statistics.</summary>
public interface IUpdate
{
    /// <summary>How many of the three statistics the formula uses: the loop reads and writes no other.</summary>
    static abstract int States { get; }

    /// <summary>One step of w and its statistics.</summary>
    void Step<L>(ref L w, L g, ref L s1, ref L s2, ref L s3) where L : struct, ILane<L>;
}

/// <summary>dy · f′(x), by running f on dual numbers.</summary>
/// <param name="f">The formula.</param>
public readonly struct PullMap<F>(F f) : IZip where F : unmanaged, IMap
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public L Apply<L>(L dy, L x) where L : struct, ILane<L> => dy * f.Apply(new Dual<L>(x, L.Of(1))).D;
}

/// <summary>dy · ∂f/∂a, by running f on dual numbers.</summary>
/// <param name="f">The formula.</param>
public readonly struct PullA<F>(F f) : IZip3 where F : unmanaged, IZip
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public L Apply<L>(L dy, L a, L b) where L : struct, ILane<L> => dy * f.Apply(new Dual<L>(a, L.Of(1)), new Dual<L>(b, L.Of(0))).D;
}

/// <summary>dy · ∂f/∂b, by running f on dual numbers.</summary>
/// <param name="f">The formula.</param>
public readonly struct PullB<F>(F f) : IZip3 where F : unmanaged, IZip
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public L Apply<L>(L dy, L a, L b) where L : struct, ILane<L> => dy * f.Apply(new Dual<L>(a, L.Of(0)), new Dual<L>(b, L.Of(1))).D;
}

/// <summary>∂f/∂b at a = 1, by running f on dual numbers: of a pullback, which is linear in a, the derivative by the place where it is taken.</summary>
/// <param name="f">The pullback.</param>
internal readonly struct Bend<F>(F f) : IMap where F : unmanaged, IZip
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public L Apply<L>(L b) where L : struct, ILane<L> => f.Apply(Dual<L>.Of(1), new Dual<L>(b, L.Of(1))).D;
}

/// <summary>∂²f/∂b² at a = 1, by running f on dual numbers of dual numbers.</summary>
/// <param name="f">The pullback.</param>
internal readonly struct BendTwice<F>(F f) : IMap where F : unmanaged, IZip
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public L Apply<L>(L b) where L : struct, ILane<L> => f.Apply(Dual<Dual<L>>.Of(1), new Dual<Dual<L>>(new(b, L.Of(1)), Dual<L>.Of(1))).D.D;
}

/// <summary>The derivative of a formula of three operands along (da, db, dc), by running it on dual numbers.</summary>
/// <param name="f">The formula.</param>
/// <param name="da">Of the first operand.</param>
/// <param name="db">Of the second.</param>
/// <param name="dc">Of the third.</param>
internal readonly struct Partial<F>(F f, float da, float db, float dc) : IZip3 where F : unmanaged, IZip3
{
    /// <summary>The derivative by one operand: 0, 1 or 2.</summary>
    public static Partial<F> By(F f, int operand) => new(f, operand == 0 ? 1 : 0, operand == 1 ? 1 : 0, operand == 2 ? 1 : 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public L Apply<L>(L a, L b, L c) where L : struct, ILane<L> => f.Apply(new Dual<L>(a, L.Of(da)), new Dual<L>(b, L.Of(db)), new Dual<L>(c, L.Of(dc))).D;
}
