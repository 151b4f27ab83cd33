namespace DeepEdu.Kernels;

/// <summary>The layouts of a recurrent layer's weights on the way forward.</summary>
internal enum RecurrentLayout
{
    /// <summary><see cref="RecurrentWeights.Planes"/>: for one product over all steps.</summary>
    Rows,

    /// <summary><see cref="RecurrentWeights.Table"/>: for inputs that are categories.</summary>
    Table,

    /// <summary><see cref="RecurrentWeights.PackForward"/>: for a product in each step.</summary>
    Steps,

    /// <summary><see cref="RecurrentWeights.PackTransposed"/>: for the projection.</summary>
    Projection,
}

/// <summary>A recurrent layer's weight in a layout.</summary>
/// <param name="Layout">Which.</param>
/// <param name="Set">Its gates; not for a projection.</param>
/// <param name="Units">H; of a projection, its outputs.</param>
/// <param name="Columns">The weight's columns.</param>
internal readonly unsafe record struct RecurrentPanels(RecurrentLayout Layout, GateSet Set, int Units, int Columns) : IPreparation
{
    /// <inheritdoc/>
    public int Length => RecurrentWeights.Padded(Units) * Columns * (Layout == RecurrentLayout.Projection ? 1 : Set.Count);

    /// <inheritdoc/>
    public void Fill(float* weights, float* to)
    {
        switch (Layout)
        {
            case RecurrentLayout.Rows: RecurrentWeights.Planes(weights, Set, Units, Columns, to); break;
            case RecurrentLayout.Table: RecurrentWeights.Table(weights, Set, Units, Columns, to); break;
            case RecurrentLayout.Steps: RecurrentWeights.PackForward(weights, Set, Units, Columns, to); break;
            default: RecurrentWeights.PackTransposed(weights, Units, Columns, to); break;
        }
    }
}

/// <summary>The recurrent weight of few sequences in eight bits: for each vector of units, an <see cref="Int8Panels"/> block of each gate.</summary>
internal readonly unsafe record struct RecurrentInt8(GateSet Set, int Units, int Columns) : IPreparation
{
    /// <summary>Whether so many sequences take it; for more, arithmetic sets the pace.</summary>
    public static bool Takes(int batch, int columns) => batch <= RecurrentSequence.MostParts && columns <= Int8Tile.MostInputs;

    /// <inheritdoc/>
    public int Length => RecurrentWeights.Padded(Units) / RecurrentWeights.Width * Set.Count * Int8Panels.Block(Columns);

    /// <inheritdoc/>
    public void Fill(float* weights, float* to)
    {
        int width = RecurrentWeights.Width, block = Int8Panels.Block(Columns);
        for (int unit = 0; unit < Units; unit += width)
        {
            for (int p = 0; p < Set.Count; p++, to += block) { Int8Panels.FillBlock(weights + (((nint)Set.Of(p) * Units) + unit) * Columns, Math.Min(width, Units - unit), Columns, to); }
        }
    }
}
