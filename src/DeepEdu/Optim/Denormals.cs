using System.Runtime.CompilerServices;
using DeepEdu.Lanes;

namespace DeepEdu.Optim;

/// <summary>Statistics that fade away would end as subnormal numbers, with which processors compute tens of times slower; .NET cannot switch that off.</summary>
internal static class Denormals
{
    private const float SmallestNormal = 1.17549435e-38f;

    /// <summary>0 for a subnormal x, else x; NaN stays.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static L Flush<L>(L x) where L : struct, ILane<L> => L.WhereGreater(SmallestNormal, L.Abs(x), 0f, x);
}
