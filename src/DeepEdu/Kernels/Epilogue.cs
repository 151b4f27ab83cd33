namespace DeepEdu.Kernels;

/// <summary>What happens to C after the product, while it is still in registers: C ← act(C + bias).</summary>
/// <param name="bias">One float for each column, or null.</param>
/// <param name="relu">Whether max(0, ·) follows.</param>
/// <param name="biasStep">1, or 0 if every column takes the first bias.</param>
internal readonly unsafe struct Epilogue(float* bias, bool relu, int biasStep = 1)
{
    /// <summary>Added to each row of C; null for nothing.</summary>
    public readonly float* Bias = bias;

    /// <summary>From one column's bias to the next: 1 or 0.</summary>
    public int BiasStep => biasStep;

    /// <summary>Whether the result is max(0, ·).</summary>
    public readonly bool Relu = relu;

    /// <summary>Whether there is nothing to do.</summary>
    public bool IsNone => Bias is null && !Relu;

    /// <summary>The same for the columns from <paramref name="column"/> on.</summary>
    public Epilogue From(int column) => new(Bias is null ? null : Bias + (column * biasStep), Relu, biasStep);

    /// <summary>The same for C transposed, where C has one column.</summary>
    public Epilogue ForOneColumn() => new(Bias, Relu, 0);

    /// <summary>The epilogue of a single value.</summary>
    public float Apply(float value, int column)
    {
        if (Bias is not null) { value += Bias[column * biasStep]; }
        return Relu ? MathF.Max(value, 0) : value;
    }
}
