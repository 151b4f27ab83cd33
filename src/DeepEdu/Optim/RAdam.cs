using System.Runtime.CompilerServices;
using DeepEdu.Lanes;
using DeepEdu.Tensors;

namespace DeepEdu.Optim;

/// <summary>Settings of <see cref="RAdam"/>.</summary>
public sealed record RAdamOptions : MomentsOptions
{
    /// <summary>PyTorch's defaults: a learning rate of 1e-3.</summary>
    public RAdamOptions() : base(1e-3) { }

    /// <summary>Whether the decay is AdamW's. PyTorch's <c>decoupled_weight_decay</c>.</summary>
    public bool DecoupledWeightDecay { get; init; }
}

/// <summary>Adam whose first steps, while v̂ is still a guess, are plain momentum steps w ← w − α·m̂; then each is scaled by
/// r = √((ρₜ − 4)(ρₜ − 2)ρ∞ / ((ρ∞ − 4)(ρ∞ − 2)ρₜ)), ρ∞ = 2/(1 − β₂) − 1, ρₜ = ρ∞ − 2tβ₂ᵗ/(1 − β₂ᵗ), as soon as ρₜ > 5.
/// Liu et al. 2020, arXiv:1908.03265, algorithm 2. <c>torch.optim.RAdam</c>.</summary>
public sealed class RAdam : Optimizer
{
    private readonly RAdamOptions _options;

    /// <summary>An optimiser of one group of parameters.</summary>
    [OverloadResolutionPriority(1)]
    public RAdam(IReadOnlyList<(string Name, Parameter Value)> parameters, RAdamOptions? options = null) : this(new[] { new ParameterGroup(parameters) }, options) { }

    /// <summary>An optimiser of several groups.</summary>
    public RAdam(ParameterGroup[] groups, RAdamOptions? options = null) : base(groups, options ??= new(), "exp_avg", "exp_avg_sq")
    {
        Check(options);
        _options = options;
    }

    private protected override void Update(Slot slot, Tensor gradient, double learningRate, double weightDecay)
    {
        double power = Math.Pow(_options.Beta2, slot.Steps), c1 = 1 - Math.Pow(_options.Beta1, slot.Steps), c2 = 1 - power;
        double longest = (2 / (1 - _options.Beta2)) - 1, now = longest - (2 * slot.Steps * power / c2);
        bool adaptive = now > 5;
        double rectified = adaptive ? Math.Sqrt((now - 4) * (now - 2) * longest / ((longest - 4) * (longest - 2) * now)) * Math.Sqrt(c2) : 1;
        slot.Run(new Formula
        {
            B1 = (float)_options.Beta1,
            A1 = (float)(1 - _options.Beta1),
            B2 = (float)_options.Beta2,
            A2 = (float)(1 - _options.Beta2),
            Rate = (float)(learningRate / c1 * rectified),
            Epsilon = adaptive ? (float)_options.Epsilon : 1,
            Root = adaptive ? 1 : 0,
            Pull = _options.DecoupledWeightDecay ? 0 : (float)weightDecay,
            Shrink = _options.DecoupledWeightDecay ? (float)(1 - (learningRate * weightDecay)) : 1,
        }, gradient);
    }

    internal record struct Formula : IUpdate
    {
        public float B1, A1, B2, A2, Rate, Root, Epsilon, Pull, Shrink;

        public static int States => 2;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Step<L>(ref L w, L g, ref L s1, ref L s2, ref L s3) where L : struct, ILane<L>
        {
            g = L.MultiplyAdd(Pull, w, g);
            s1 = Denormals.Flush(L.MultiplyAdd(B1, s1, A1 * g));
            s2 = Denormals.Flush(L.MultiplyAdd(B2, s2, A2 * g * g));
            w = (Shrink * w) - (Rate * s1 / L.MultiplyAdd(L.Sqrt(s2), Root, Epsilon));
        }
    }
}
