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

/// <summary>Rounded weights [outputs, inputs] as floats, where they lie or in another layout.</summary>
/// <typeparam name="P">The layout of exact ones.</typeparam>
internal readonly unsafe record struct Rounded<P>(P Layout, int Outputs, int Inputs) : IPreparation where P : struct, IPreparation, IEquatable<P>
{
    /// <inheritdoc/>
    public int Length => Layout.Length;

    /// <inheritdoc/>
    public void Fill(float* weights, float* to)
    {
        float[] rounded = new float[Outputs * Inputs];
        fixed (float* r = rounded)
        {
            Int8Weights.Round(weights, Outputs, Inputs, r);
            Layout.Fill(r, to);
        }
    }
}

/// <summary>A weight [outputs, inputs] as it is.</summary>
internal readonly unsafe record struct Plain(int Outputs, int Inputs) : IPreparation
{
    /// <inheritdoc/>
    public int Length => Outputs * Inputs;

    /// <inheritdoc/>
    public void Fill(float* weights, float* to) => new ReadOnlySpan<float>(weights, Length).CopyTo(new(to, Length));
}

/// <summary>Codes of a weight for <see cref="Int8Tile"/>: a block for each vector of outputs: their steps, then for each pair of inputs the pairs of codes of all outputs, side by side.</summary>
internal readonly unsafe record struct Int8Panels(int Outputs, int Inputs) : IPreparation
{
    /// <summary>Pairs of inputs of a block; an even number, for two are taken at a time.</summary>
    public static int Pairs(int inputs) => (inputs + 3) / 4 * 2;

    /// <summary>Floats of a block.</summary>
    public static int Block(int inputs) => RecurrentWeights.Width + (Pairs(inputs) * RecurrentWeights.Width / 2);

    /// <inheritdoc/>
    public int Length => RecurrentWeights.Padded(Outputs) / RecurrentWeights.Width * Block(Inputs);

    /// <inheritdoc/>
    public void Fill(float* weights, float* to)
    {
        int width = RecurrentWeights.Width, block = Block(Inputs);
        for (int from = 0; from < Outputs; from += width, to += block) { FillBlock(weights + ((nint)from * Inputs), Math.Min(width, Outputs - from), Inputs, to); }
    }

    /// <summary>A block of <paramref name="rows"/> rows, one after the other.</summary>
    public static void FillBlock(float* weights, int rows, int inputs, float* to)
    {
        int width = RecurrentWeights.Width;
        new Span<float>(to, Block(inputs)).Clear();
        sbyte* codes = (sbyte*)(to + width);
        for (int o = 0; o < rows; o++)
        {
            var row = new ReadOnlySpan<float>(weights + ((nint)o * inputs), inputs);
            float step = to[o] = Int8Weights.Step(row);
            for (int i = 0; i < inputs; i++) { codes[(i / 2 * width * 2) + (o * 2) + (i % 2)] = Int8Weights.Code(row[i], step); }
        }
    }
}
