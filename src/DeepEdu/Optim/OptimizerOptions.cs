namespace DeepEdu.Optim;

/// <summary>Settings that every optimiser has.</summary>
public abstract record OptimizerOptions
{
    private protected OptimizerOptions(double learningRate) => LearningRate = learningRate;

    /// <summary>α, which multiplies each step.</summary>
    public double LearningRate { get; init; }

    /// <summary>λ: λw is added to the gradient or, where the optimiser's decay is decoupled, w shrinks by the factor 1 − αλ.</summary>
    public double WeightDecay { get; init; }
}

/// <summary>Settings that Adam and its kin have.</summary>
public abstract record MomentsOptions : OptimizerOptions
{
    private protected MomentsOptions(double learningRate) : base(learningRate) { }

    /// <summary>β₁, how slowly the mean of gradients forgets.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>β₂, how slowly the mean of squares, or Adamax' largest gradient, forgets.</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>ε, added to the root, or to the gradient's size.</summary>
    public double Epsilon { get; init; } = 1e-8;
}
