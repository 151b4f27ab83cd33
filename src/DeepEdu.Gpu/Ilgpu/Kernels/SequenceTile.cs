using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Util;
using Floats = ILGPU.ArrayView<float>;
using Fours = ILGPU.ArrayView<DeepEdu.Gpu.Float4>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>How many times four terms of a row a lane of a warp has: rows of 128, 256, 384 or 512 terms at most.</summary>
internal interface IDepth
{
    static abstract int Fours { get; }
}

/// <inheritdoc/>
internal readonly struct Depth1 : IDepth { public static int Fours => 1; }

/// <inheritdoc/>
internal readonly struct Depth2 : IDepth { public static int Fours => 2; }

/// <inheritdoc/>
internal readonly struct Depth3 : IDepth { public static int Fours => 3; }

/// <inheritdoc/>
internal readonly struct Depth4 : IDepth { public static int Fours => 4; }

/// <summary>Terms of a row that a lane has: four from four times the lane on, and every 128 further.</summary>
internal struct Terms
{
    public Float4 A, B, C, D;
}

/// <summary>What a lane of a warp holds of a weight over all steps: of four columns its terms. Nothing of it is read from memory again.</summary>
internal struct HeldWeights<N> where N : struct, IDepth
{
    private Terms _0, _1, _2, _3;

    /// <summary>Reads them: term k of a column lies at from + k·step. Columns from <paramref name="columns"/> on, and terms from <paramref name="terms"/> on, are 0.</summary>
    public HeldWeights(Floats w, int from, int step, int next, int columns, int terms, int lane)
    {
        _0 = Read(w, from, step, columns > 0 ? terms : 0, lane);
        _1 = Read(w, from + next, step, columns > 1 ? terms : 0, lane);
        _2 = Read(w, from + (2 * next), step, columns > 2 ? terms : 0, lane);
        _3 = Read(w, from + (3 * next), step, columns > 3 ? terms : 0, lane);
    }

    /// <summary>Adds this lane's part of a row's products with the columns.</summary>
    /// <param name="row">The row from this lane's terms on.</param>
    /// <param name="end">Its last terms; or, where a row has no so many, zeros.</param>
    /// <param name="columns">How many there are: 3 or 4.</param>
    /// <param name="sums">What is added to.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Add(Fours row, Fours end, int columns, ref Gates sums)
    {
        Add(N.Fours == 1 ? end[0] : row[0], _0.A, _1.A, _2.A, _3.A, columns, ref sums);
        if (N.Fours > 1) { Add(N.Fours == 2 ? end[0] : row[32], _0.B, _1.B, _2.B, _3.B, columns, ref sums); }
        if (N.Fours > 2) { Add(N.Fours == 3 ? end[0] : row[64], _0.C, _1.C, _2.C, _3.C, columns, ref sums); }
        if (N.Fours > 3) { Add(end[0], _0.D, _1.D, _2.D, _3.D, columns, ref sums); }
    }

    private static void Add(Float4 x, Float4 a, Float4 b, Float4 c, Float4 d, int columns, ref Gates sums)
    {
        Add(x, a, ref sums.A);
        Add(x, b, ref sums.B);
        Add(x, c, ref sums.C);
        if (columns > 3) { Add(x, d, ref sums.D); }
    }

    private static void Add(Float4 a, Float4 b, ref GpuLane sum) =>
        sum = GpuLane.MultiplyAdd(a.W, b.W, GpuLane.MultiplyAdd(a.Z, b.Z, GpuLane.MultiplyAdd(a.Y, b.Y, GpuLane.MultiplyAdd(a.X, b.X, sum))));

    private static Terms Read(Floats w, int from, int step, int terms, int lane)
    {
        Terms t = default;
        t.A = Four(w, from, step, terms, 4 * lane);
        if (N.Fours > 1) { t.B = Four(w, from, step, terms, 4 * (lane + 32)); }
        if (N.Fours > 2) { t.C = Four(w, from, step, terms, 4 * (lane + 64)); }
        if (N.Fours > 3) { t.D = Four(w, from, step, terms, 4 * (lane + 96)); }
        return t;
    }

    private static Float4 Four(Floats w, int from, int step, int terms, int k)
    {
        Float4 v = default;
        if (k < terms) { v.X = w[from + (k * step)]; }
        if (k + 1 < terms) { v.Y = w[from + ((k + 1) * step)]; }
        if (k + 2 < terms) { v.Z = w[from + ((k + 2) * step)]; }
        if (k + 3 < terms) { v.W = w[from + ((k + 3) * step)]; }
        return v;
    }
}

/// <summary>A row on its way from the accelerator's memory to the group's: a warp's lane carries its terms.</summary>
internal struct CarriedRow<N> where N : struct, IDepth
{
    private Terms _terms;

    /// <summary>Reads four terms at a time.</summary>
    public CarriedRow(Fours a, int from, int fours, int lane)
    {
        _terms = default;
        if (lane < fours) { _terms.A = a[from + lane]; }
        if (N.Fours > 1 && lane + 32 < fours) { _terms.B = a[from + lane + 32]; }
        if (N.Fours > 2 && lane + 64 < fours) { _terms.C = a[from + lane + 64]; }
        if (N.Fours > 3 && lane + 96 < fours) { _terms.D = a[from + lane + 96]; }
    }

    /// <summary>Reads them one by one, and multiplies them with a mask if there is one.</summary>
    public CarriedRow(Floats a, int from, Floats mask, int maskFrom, int masks, int terms, int lane)
    {
        _terms = default;
        _terms.A = Four(a, from, mask, maskFrom, masks, terms, 4 * lane);
        if (N.Fours > 1) { _terms.B = Four(a, from, mask, maskFrom, masks, terms, 4 * (lane + 32)); }
        if (N.Fours > 2) { _terms.C = Four(a, from, mask, maskFrom, masks, terms, 4 * (lane + 64)); }
        if (N.Fours > 3) { _terms.D = Four(a, from, mask, maskFrom, masks, terms, 4 * (lane + 96)); }
    }

    public readonly void Put(Fours row, int fours, int lane)
    {
        if (lane < fours) { row[lane] = _terms.A; }
        if (N.Fours > 1 && lane + 32 < fours) { row[lane + 32] = _terms.B; }
        if (N.Fours > 2 && lane + 64 < fours) { row[lane + 64] = _terms.C; }
        if (N.Fours > 3 && lane + 96 < fours) { row[lane + 96] = _terms.D; }
    }

    private static Float4 Four(Floats a, int from, Floats mask, int maskFrom, int masks, int terms, int k)
    {
        Float4 v = default;
        v.X = One(a, from, mask, maskFrom, masks, terms, k);
        v.Y = One(a, from, mask, maskFrom, masks, terms, k + 1);
        v.Z = One(a, from, mask, maskFrom, masks, terms, k + 2);
        v.W = One(a, from, mask, maskFrom, masks, terms, k + 3);
        return v;
    }

    private static float One(Floats a, int from, Floats mask, int maskFrom, int masks, int terms, int k)
    {
        float v = 0f;
        if (k < terms)
        {
            v = a[from + k];
            if (masks != 0) { v *= mask[maskFrom + k]; }
        }
        return v;
    }
}

/// <summary>Sums over the lanes of a warp, of four rows and four columns at once: after two halvings a lane has one row, after two more one column.</summary>
internal static class WarpSums
{
    /// <summary>The sum of row 2·(bit 4 of the lane) + bit 3 and column 2·(bit 2) + bit 1; the lanes of a pair have the same.</summary>
    public static float Of(Gates r0, Gates r1, Gates r2, Gates r3, int lane)
    {
        bool later = (lane & 16) != 0;
        Gates a = Half(r0, r2, later, 16), b = Half(r1, r3, later, 16), row = Half(a, b, (lane & 8) != 0, 8);
        bool right = (lane & 4) != 0;
        float c = Half(row.A.V, row.C.V, right, 4), d = Half(row.B.V, row.D.V, right, 4), one = Half(c, d, (lane & 2) != 0, 2);
        return one + Warp.ShuffleXor(one, 1);
    }

    private static Gates Half(Gates first, Gates second, bool later, int distance)
    {
        Gates g = default;
        (g.A, g.B) = (Half(first.A.V, second.A.V, later, distance), Half(first.B.V, second.B.V, later, distance));
        (g.C, g.D) = (Half(first.C.V, second.C.V, later, distance), Half(first.D.V, second.D.V, later, distance));
        return g;
    }

    // keeps one of two and adds what the lane at that distance, which keeps the other, has of it
    private static float Half(float first, float second, bool later, int distance) =>
        Utilities.Select(later, second, first) + Warp.ShuffleXor(Utilities.Select(later, first, second), distance);
}
