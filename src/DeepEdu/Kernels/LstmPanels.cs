namespace DeepEdu.Kernels;

/// <summary>The layouts of an LSTM's weights on the way forward.</summary>
internal enum LstmLayout
{
    /// <summary><see cref="LstmWeights.Interleave"/>: for one product over all steps.</summary>
    Rows,

    /// <summary><see cref="LstmWeights.PackForward"/>: for a product in each step.</summary>
    Steps,

    /// <summary><see cref="LstmWeights.PackTransposed"/>: for the projection.</summary>
    Projection,
}

/// <summary>An LSTM's weight in a layout.</summary>
/// <param name="Layout">Which.</param>
/// <param name="Units">H; of a projection, its outputs.</param>
/// <param name="Columns">The weight's columns.</param>
internal readonly unsafe record struct LstmPanels(LstmLayout Layout, int Units, int Columns) : IPreparation
{
    /// <inheritdoc/>
    public int Length => LstmWeights.Padded(Units) * Columns * (Layout == LstmLayout.Projection ? 1 : 4);

    /// <inheritdoc/>
    public void Fill(float* weights, float* to)
    {
        switch (Layout)
        {
            case LstmLayout.Rows: LstmWeights.Interleave(weights, Units, Columns, to); break;
            case LstmLayout.Steps: LstmWeights.PackForward(weights, Units, Columns, to); break;
            default: LstmWeights.PackTransposed(weights, Units, Columns, to); break;
        }
    }
}
