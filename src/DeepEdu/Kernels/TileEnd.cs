using System.Runtime.CompilerServices;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>How the sums of a tile become values of C.</summary>
/// <param name="accumulate">Whether they are added to what C holds.</param>
/// <param name="epilogue">What follows; of the tile's own columns, each with a bias of its own if there is any.</param>
internal readonly unsafe struct TileEnd(bool accumulate, Epilogue epilogue)
{
    private readonly bool _accumulate = accumulate;
    private readonly Epilogue _epilogue = epilogue;

    /// <summary>Writes one full vector.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Put<L>(L sum, float* c, int column) where L : struct, IVectorLane<L>, ILane<L>
    {
        if (_accumulate) { sum += L.Load(in *c, column); }
        if (_epilogue.Bias is not null) { sum += L.Load(in *_epilogue.Bias, column); }
        if (_epilogue.Relu) { sum = L.Max(sum, L.Of(0)); }
        L.Store(sum, ref *c, column);
    }

    /// <summary>Writes the first <paramref name="count"/> floats of a vector.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Put<L>(L sum, float* c, int column, int count) where L : struct, IVectorLane<L>, ILane<L>
    {
        if (_accumulate) { sum += Partial.Load<L>(c + column, count); }
        if (_epilogue.Bias is not null) { sum += Partial.Load<L>(_epilogue.Bias + column, count); }
        if (_epilogue.Relu) { sum = L.Max(sum, L.Of(0)); }
        Partial.Store(sum, c + column, count);
    }

    /// <summary>Writes m rows of n columns, n not whole vectors, from sums that lie ld floats apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public void PutRows<L>(int m, int n, float* sums, nint ld, float* c, nint ldc) where L : struct, IVectorLane<L>, ILane<L>
    {
        for (int i = 0; i < m; i++, sums += ld, c += ldc)
        {
            int j = 0;
            for (; j + L.Width <= n; j += L.Width) { Put(L.Load(in *sums, j), c, j); }
            if (j == n) { continue; }
            Put(L.Load(in *sums, j), c, j, n - j);
        }
    }
}
