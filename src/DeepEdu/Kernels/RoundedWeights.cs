namespace DeepEdu.Kernels;

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
