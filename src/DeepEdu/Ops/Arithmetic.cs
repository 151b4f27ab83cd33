using System.Runtime.CompilerServices;
using DeepEdu.Lanes;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>+ − × ÷ with NumPy broadcasting; a number may stand on either side.</summary>
public static class Arithmetic
{
    /// <summary>a + b.</summary>
    public readonly struct AddFormula : IZip
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L a, L b) where L : struct, ILane<L> => a + b;
    }

    /// <summary>a · b.</summary>
    public readonly struct MulFormula : IZip
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L a, L b) where L : struct, ILane<L> => a * b;
    }

    extension(Tensor)
    {
        /// <summary>a + b, value by value.</summary>
        public static Tensor operator +(Tensor a, Tensor b) => a.Zip(b, default(AddFormula), "add");

        /// <summary>a · b, value by value.</summary>
        public static Tensor operator *(Tensor a, Tensor b) => a.Zip(b, default(MulFormula), "mul");
    }
}
