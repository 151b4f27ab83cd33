using System.Numerics.Tensors;

namespace DeepEdu.Kernels;

/// <summary>Weights rounded to eight bits: w ≈ q·s, whole q from −127 to 127, one step s for each row of a weight [outputs, inputs].</summary>
internal static unsafe class Int8Weights
{
    private const int Most = 127;

    /// <summary>A row's step: its largest magnitude over 127, rounded up to 16 significant bits, so that 127 steps are a float and rounded weights keep their step. NaN or infinite where a weight is.</summary>
    public static float Step(ReadOnlySpan<float> row)
    {
        float most = row.IsEmpty ? 0 : MathF.Abs(TensorPrimitives.MaxMagnitude(row)), step = most / Most;
        return float.IsFinite(step) ? BitConverter.UInt32BitsToSingle((BitConverter.SingleToUInt32Bits(step) + 255) & ~255u) : float.NaN;
    }

    /// <summary>q of a weight.</summary>
    public static sbyte Code(float weight, float step) => step > 0 ? (sbyte)Math.Clamp(MathF.Round(weight / step), -Most, Most) : (sbyte)0;

    /// <summary>q·s for each weight of w [outputs, inputs].</summary>
    public static void Round(float* w, int outputs, int inputs, float* to)
    {
        for (int o = 0; o < outputs; o++, w += inputs, to += inputs)
        {
            float step = Step(new(w, inputs));
            for (int i = 0; i < inputs; i++) { to[i] = Code(w[i], step) * step; }
        }
    }
}
