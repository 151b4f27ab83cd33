using System.Runtime.CompilerServices;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>How the sums of a tile become values of C.</summary>
/// <param name="accumulate">Whether they are added to what C holds.</param>
/// <param name="tail">Columns of the last vector that exist, or 0 for all.</param>
/// <param name="epilogue">What follows; of the tile's own columns.</param>
internal readonly unsafe struct TileEnd(bool accumulate, int tail, Epilogue epilogue)
{
    private readonly bool _accumulate = accumulate;
    private readonly int _tail = tail;
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

    /// <summary>Writes the last vector of a row, which may have a tail.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void PutLast<L>(L sum, float* c, int column) where L : struct, IVectorLane<L>, ILane<L>
    {
        if (_tail == 0) { Put(sum, c, column); } else { PutTail(sum, c + column, column); }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void PutTail<L>(L sum, float* c, int column) where L : struct, IVectorLane<L>, ILane<L>
    {
        if (_accumulate) { sum += Partial.Load<L>(c, _tail); }
        if (_epilogue.Bias is not null) { sum += Partial.Load<L>(_epilogue.Bias + column, _tail); }
        if (_epilogue.Relu) { sum = L.Max(sum, L.Of(0)); }
        Partial.Store(sum, c, _tail);
    }
}
