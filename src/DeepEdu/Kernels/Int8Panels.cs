namespace DeepEdu.Kernels;

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
