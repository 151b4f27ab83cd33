using System.Runtime.CompilerServices;
using DeepEdu.Lanes;
using DeepEdu.Tensors;

namespace DeepEdu.Optim;

/// <summary>Settings of <see cref="Lion"/>.</summary>
public sealed record LionOptions : OptimizerOptions
{
    /// <summary>The paper's defaults: a learning rate of 1e-4, a third to a tenth of Adam's, because every value moves by it.</summary>
    public LionOptions() : base(1e-4) { }

    /// <summary>β₁, the share of the mean in the step's direction.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>β₂, how slowly the mean of gradients forgets.</summary>
    public double Beta2 { get; init; } = 0.99;
}

/// <summary>Lion, steps of one size: w ← w − α(sign(β₁m + (1 − β₁)g) + λw), then m ← β₂m + (1 − β₂)g. Chen et al. 2023, arXiv:2302.06675, algorithm 2.
/// Keras' <c>Lion</c>; PyTorch has none.</summary>
public sealed class Lion : Optimizer
{
    private readonly LionOptions _options;

    /// <summary>An optimiser of one group of parameters.</summary>
    [OverloadResolutionPriority(1)]
    public Lion(IReadOnlyList<(string Name, Parameter Value)> parameters, LionOptions? options = null) : this(new[] { new ParameterGroup(parameters) }, options) { }

    /// <summary>An optimiser of several groups.</summary>
    public Lion(ParameterGroup[] groups, LionOptions? options = null) : base(groups, options ??= new(), "exp_avg")
    {
        ThrowIfNotBelowOne(options.Beta1, "beta1");
        ThrowIfNotBelowOne(options.Beta2, "beta2");
        _options = options;
    }

    private protected override void Update(Slot slot, Tensor gradient, double learningRate, double weightDecay) => slot.Run(new Formula
    {
        B1 = (float)_options.Beta1,
        A1 = (float)(1 - _options.Beta1),
        B2 = (float)_options.Beta2,
        A2 = (float)(1 - _options.Beta2),
        Rate = (float)learningRate,
        Shrink = (float)(1 - (learningRate * weightDecay)),
    }, gradient);

    internal record struct Formula : IUpdate
    {
        public float B1, A1, B2, A2, Rate, Shrink;

        public static int States => 1;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Step<L>(ref L w, L g, ref L s1, ref L s2, ref L s3) where L : struct, ILane<L>
        {
            L c = L.MultiplyAdd(B1, s1, A1 * g);
            // c itself where it is 0 or NaN
            w = (Shrink * w) - (Rate * L.WhereGreater(c, 0f, 1f, L.WhereGreater(0f, c, -1f, c)));
            s1 = Denormals.Flush(L.MultiplyAdd(B2, s1, A2 * g));
        }
    }
}
