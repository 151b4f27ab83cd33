using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>One sequence of connectionist temporal classification in raw memory: the logarithms of the ways forward and back (Graves et al. 2006, eq. 6 to 11). At a step stand the blanks first, then the symbols, each with vectors to
/// themselves: blank i comes before symbol i, and the target ends with blank S. Behind either stands −∞. Every sixteen steps the largest is taken out, so that sums keep their accuracy however long the sequence.</summary>
internal readonly unsafe ref struct CtcLattice<L> where L : struct, IVectorLane<L>, ILane<L>
{
    private const int Behind = 16, ShiftEvery = 16, Parts = 5;

    private readonly int _symbols, _places, _blank;
    private readonly int* _target;

    // 0 where a symbol may follow the one before without a blank, −∞ elsewhere; and working memory
    private readonly float* _skip, _emitted, _ahead, _next, _beta;

    /// <summary>The lattice of one target, in <paramref name="memory"/> of <see cref="Length"/> floats.</summary>
    public CtcLattice(int* target, int symbols, int blank, float* memory)
    {
        _target = target;
        _symbols = symbols;
        _blank = blank;
        _places = Places(symbols);
        new Span<float>(memory, Length(symbols)).Fill(float.NegativeInfinity);
        int room = Length(symbols) / Parts;
        _skip = memory;
        _emitted = _skip + room;
        _ahead = _emitted + room;
        _next = _ahead + room;
        _beta = _next + room;
        for (int i = 1; i < symbols; i++) { if (target[i] != target[i - 1]) { _skip[i] = 0; } }
    }

    /// <summary>Floats of a step of the way forward.</summary>
    public static int StepLength(int symbols) => 2 * Places(symbols);

    /// <summary>Floats of working memory.</summary>
    public static int Length(int symbols) => Parts * (StepLength(symbols) + Behind);

    // whole vectors with −∞ behind the last blank
    private static int Places(int symbols) => (symbols + 2 + 15) & ~15;

    /// <summary>−ln of all ways through x, whose steps lie <paramref name="stride"/> apart. The steps of the way forward follow each other in <paramref name="alpha"/>, or take turns at two places where none is kept.</summary>
    public float Forward(float* x, nint stride, int steps, float* alpha, bool keep)
    {
        double shift = 0;
        float* at = alpha, emitted = _emitted, ahead = _ahead;
        Emissions(x, ahead);
        new Span<float>(at, 2 * _places).Fill(float.NegativeInfinity);
        at[0] = x[_blank];
        at[_places] = ahead[0];
        // gathered one step ahead: a vector's load waits for single stores
        if (steps > 1) { Emissions(x + stride, emitted); }
        for (int t = 1; t < steps; t++)
        {
            if (t + 1 < steps) { Emissions(x + ((t + 1) * stride), ahead); }
            float* to = alpha + ((nint)(keep ? t : t % 2) * 2 * _places);
            Onward(at, to, emitted, x[(t * stride) + _blank]);
            at = to;
            float* read = emitted;
            emitted = ahead;
            ahead = read;
            if (t % ShiftEvery == 0) { shift += Shift(at); }
        }
        // the last blank, or the last symbol, before which an empty target has −∞
        float a = at[_symbols], b = at[_places + _symbols - 1], most = Math.Max(a, b);
        return float.IsNegativeInfinity(most) ? float.PositiveInfinity : (float)-(shift + most + Math.Log(Math.Exp(a - most) + Math.Exp(b - most)));
    }

    /// <summary>The gradient for x, at the places that x has: minus the share of all ways that give a class at a step.</summary>
    public void Backward(float* x, nint stride, int steps, int classes, float* alpha, float* dx)
    {
        float all = float.NaN;
        _beta[_symbols] = 0;
        if (_symbols > 0) { _beta[_places + _symbols - 1] = 0; }
        for (int t = steps - 1; t >= 0; t--)
        {
            float* xt = x + (t * stride), ways = alpha + ((nint)t * 2 * _places), g = dx + (t * stride);
            Emissions(xt, _emitted);
            if (t < steps - 1) { Back(); }
            // the logarithm of all ways changes only where something was taken out
            if (float.IsNaN(all)) { all = Most(ways, _beta); }
            var (blanks, sum) = Through(ways, all);
            all += MathF.Log(sum);
            new Span<float>(g, classes).Clear();
            g[_blank] = -blanks / sum;
            for (int i = 0; i < _symbols; i++) { g[_target[i]] -= ways[_places + i] / sum; }
            Add(xt[_blank]);
            if (t % ShiftEvery == 0)
            {
                Shift(_next);
                all = float.NaN;
            }
        }
    }

    private void Emissions(float* x, float* to)
    {
        for (int i = 0; i < _symbols; i++) { to[i] = x[_target[i]]; }
    }

    // each blank from itself and the symbol before; each symbol from itself, the blank before and, if another symbol stands there, the symbol before
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private void Onward(float* from, float* to, float* emitted, float blank)
    {
        nint n = _places;
        for (nint i = 0; i < n; i += L.Width)
        {
            L b = L.Load(in *from, i), s = L.Load(in *from, n + i), before = L.Load(in *from, n + i - 1);
            L.Store(Sum(b, before) + blank, ref *to, i);
            L.Store(Sum(s, b, before + L.Load(in *_skip, i)) + L.Load(in *emitted, i), ref *to, n + i);
        }
    }

    // each blank on to itself and the symbol behind; each symbol on to itself, the blank behind and, if it is another one, the symbol behind
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private void Back()
    {
        nint n = _places;
        for (nint i = 0; i < n; i += L.Width)
        {
            L s = L.Load(in *_next, n + i);
            L.Store(Sum(L.Load(in *_next, i), s), ref *_beta, i);
            L.Store(Sum(s, L.Load(in *_next, i + 1), L.Load(in *_next, n + i + 1) + L.Load(in *_skip, i + 1)), ref *_beta, n + i);
        }
    }

    // what comes behind, with what the step itself gives
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private void Add(float blank)
    {
        nint n = _places;
        for (nint i = 0; i < n; i += L.Width)
        {
            L.Store(L.Load(in *_beta, i) + blank, ref *_next, i);
            L.Store(L.Load(in *_beta, n + i) + L.Load(in *_emitted, i), ref *_next, n + i);
        }
    }

    // symbols of the way forward become the ways through them, over e^all; returns those through blanks and through anything
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private (float Blanks, float Sum) Through(float* ways, float all)
    {
        nint n = _places;
        L blanks = 0, symbols = 0;
        for (nint i = 0; i < n; i += L.Width)
        {
            L s = L.Exp(L.Load(in *ways, n + i) + L.Load(in *_beta, n + i) - all);
            blanks += L.Exp(L.Load(in *ways, i) + L.Load(in *_beta, i) - all);
            symbols += s;
            L.Store(s, ref *ways, n + i);
        }
        float sum = L.Sum(blanks);
        return (sum, sum + L.Sum(symbols));
    }

    // takes the largest out
    private float Shift(float* at)
    {
        float top = Most(at, null);
        if (float.IsInfinity(top)) { return 0; }
        TensorPrimitives.Subtract(new ReadOnlySpan<float>(at, 2 * _places), top, new Span<float>(at, 2 * _places));
        return top;
    }

    // the largest value, or sum of two
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private float Most(float* a, float* b)
    {
        L most = float.NegativeInfinity;
        for (nint i = 0; i < 2 * _places; i += L.Width) { most = L.Max(most, b is null ? L.Load(in *a, i) : L.Load(in *a, i) + L.Load(in *b, i)); }
        float top = L.Get(most, 0);
        for (int i = 1; i < L.Width; i++) { top = Math.Max(top, L.Get(most, i)); }
        return top;
    }

    // ln(eᵃ + eᵇ); of two equal infinities no difference can be made
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static L Sum(L a, L b) => L.Max(a, b) + L.Log(1f + L.Exp(L.WhereEqual(a, b, 0f, -L.Abs(a - b))));

    // ln(eᵃ + eᵇ + eᶜ): of the largest, 1
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static L Sum(L a, L b, L c)
    {
        L more = L.Max(a, b), most = L.Max(more, c), from = L.Max(most, float.MinValue);
        return most + L.Log(1f + L.Exp(L.Min(a, b) - from) + L.Exp(L.Min(more, c) - from));
    }
}
