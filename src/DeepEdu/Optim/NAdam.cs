using System.Runtime.CompilerServices;
using DeepEdu.Lanes;
using DeepEdu.Tensors;

namespace DeepEdu.Optim;

/// <summary>Settings of <see cref="NAdam"/>.</summary>
public sealed record NAdamOptions : MomentsOptions
{
    /// <summary>PyTorch's defaults: a learning rate of 2e-3.</summary>
    public NAdamOptions() : base(2e-3) { }

    /// <summary>ψ, how fast the momentum μ rises to β₁.</summary>
    public double MomentumDecay { get; init; } = 4e-3;

    /// <summary>Whether the decay is AdamW's. PyTorch's <c>decoupled_weight_decay</c>.</summary>
    public bool DecoupledWeightDecay { get; init; }
}

/// <summary>Adam with Nesterov's look ahead: w ← w − α·(μₜ₊₁·m/(1 − Πμ·μₜ₊₁) + (1 − μₜ)·g/(1 − Πμ)) / (√v̂ + ε) with μₜ = β₁(1 − ½·0.96^(tψ)).
/// Dozat 2016, "Incorporating Nesterov Momentum into Adam", algorithm 8. <c>torch.optim.NAdam</c>.</summary>
public sealed class NAdam : Optimizer
{
    private readonly NAdamOptions _options;
    private double _product = 1; // μ₁ · … · μ of step _counted
    private int _counted;

    /// <summary>An optimiser of one group of parameters.</summary>
    [OverloadResolutionPriority(1)]
    public NAdam(IReadOnlyList<(string Name, Parameter Value)> parameters, NAdamOptions? options = null) : this(new[] { new ParameterGroup(parameters) }, options) { }

    /// <summary>An optimiser of several groups.</summary>
    public NAdam(ParameterGroup[] groups, NAdamOptions? options = null) : base(groups, options ??= new(), "exp_avg", "exp_avg_sq")
    {
        Check(options);
        ThrowIfNegative(options.MomentumDecay, "momentum decay");
        _options = options;
    }

    private protected override void Update(Slot slot, Tensor gradient, double learningRate, double weightDecay)
    {
        int t = slot.Steps;
        double product = Product(t), next = Momentum(t + 1);
        slot.Run(new Formula
        {
            B1 = (float)_options.Beta1,
            A1 = (float)(1 - _options.Beta1),
            B2 = (float)_options.Beta2,
            A2 = (float)(1 - _options.Beta2),
            Now = (float)(learningRate * (1 - Momentum(t)) / (1 - product)),
            Ahead = (float)(learningRate * next / (1 - (product * next))),
            Root = (float)(1 / Math.Sqrt(1 - Math.Pow(_options.Beta2, t))),
            Epsilon = (float)_options.Epsilon,
            Pull = _options.DecoupledWeightDecay ? 0 : (float)weightDecay,
            Shrink = _options.DecoupledWeightDecay ? (float)(1 - (learningRate * weightDecay)) : 1,
        }, gradient);
    }

    private double Momentum(int t) => _options.Beta1 * (1 - (0.5 * Math.Pow(0.96, t * _options.MomentumDecay)));

    // parameters mostly take their steps together, so the product is carried on; it is a function of t alone
    private double Product(int t)
    {
        if (_counted > t) { (_product, _counted) = (1, 0); }
        while (_counted < t) { _product *= Momentum(++_counted); }
        return _product;
    }

    internal record struct Formula : IUpdate
    {
        public float B1, A1, B2, A2, Now, Ahead, Root, Epsilon, Pull, Shrink;

        public static int States => 2;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Step<L>(ref L w, L g, ref L s1, ref L s2, ref L s3) where L : struct, ILane<L>
        {
            g = L.MultiplyAdd(Pull, w, g);
            s1 = Denormals.Flush(L.MultiplyAdd(B1, s1, A1 * g));
            s2 = Denormals.Flush(L.MultiplyAdd(B2, s2, A2 * g * g));
            w = (Shrink * w) - (L.MultiplyAdd(Ahead, s1, Now * g) / L.MultiplyAdd(L.Sqrt(s2), Root, Epsilon));
        }
    }
}
