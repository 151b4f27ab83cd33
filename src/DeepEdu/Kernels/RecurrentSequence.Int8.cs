using System.Runtime.CompilerServices;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

// The way forward with weights of eight bits.
internal unsafe partial struct RecurrentSequence
{
    /// <summary>Sequences, and parts of the work, at most where weights have eight bits.</summary>
    public const int MostParts = 4;

    // a step of the units from..to
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private readonly void Units<L, C>(in StepRows rows, int running, short* h, float* steps, int from, int to) where L : struct, IVectorLane<L>, ILane<L> where C : struct, ICell
    {
        var set = CellPlan.Of(Kind).Recurrent;
        int padded = RecurrentWeights.Padded(Hidden), pairs = Int8Panels.Pairs(Recurrent), block = Int8Panels.Block(Recurrent);
        float* panel = Int8 + ((nint)from / L.Width * set.Count * block);
        for (int unit = from; unit < to; unit += L.Width)
        {
            for (int p = 0; p < set.Count; p += 2)
            {
                bool two = p + 1 < set.Count;
                for (int i = 0; i < running; i++)
                {
                    float* g = rows.G[i] + ((set.Plane + p) * padded) + unit;
                    Int8Tile.Sum(pairs, h + ((nint)i * 2 * pairs), steps[i], panel, two ? block : 0, out L sum, out L next);
                    L.Store(L.Load(in *g, 0) + sum, ref *g, 0);
                    if (two) { L.Store(L.Load(in *g, padded) + next, ref *g, padded); }
                }
                panel += two ? 2 * block : block;
            }
            for (int i = 0; i < running; i++) { Finish<L, C>(rows.G[i], rows.Before[i], rows.After[i], rows.Y[i], unit, padded); }
        }
    }
}
