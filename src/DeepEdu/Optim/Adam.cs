using System.Runtime.CompilerServices;
using DeepEdu.Lanes;
using DeepEdu.Tensors;

namespace DeepEdu.Optim;

/// <summary>Settings of <see cref="Adam"/>.</summary>
public record AdamOptions : MomentsOptions
{
    /// <summary>PyTorch's defaults: a learning rate of 1e-3.</summary>
    public AdamOptions() : base(1e-3) { }

    /// <summary>Divides by the largest mean of squares so far: Reddi et al. 2018, "On the Convergence of Adam and Beyond", algorithm 2.</summary>
    public bool AmsGrad { get; init; }
}

/// <summary>Adam: m ← β₁m + (1 − β₁)g, v ← β₂v + (1 − β₂)g², w ← w − α·m̂/(√v̂ + ε) with m̂ = m/(1 − β₁ᵗ), v̂ = v/(1 − β₂ᵗ).
/// Kingma and Ba 2015, arXiv:1412.6980, algorithm 1. <c>torch.optim.Adam</c>.
/// <para>For a <see cref="Autograd.RowGradient"/> it is lazy, <c>torch.optim.SparseAdam</c>: m, v and w of the rows with a gradient are stepped, t counts the steps of the whole table, and
/// w ← w − α·√(1 − β₂ᵗ)/(1 − β₁ᵗ)·m/(√v + ε). Weight decay reaches a row only when it has a gradient.</para></summary>
public class Adam : Optimizer
{
    private readonly AdamOptions _options;
    private readonly bool _decoupled;

    /// <summary>An optimiser of one group of parameters.</summary>
    [OverloadResolutionPriority(1)]
    public Adam(IReadOnlyList<(string Name, Parameter Value)> parameters, AdamOptions? options = null) : this(new[] { new ParameterGroup(parameters) }, options) { }

    /// <summary>An optimiser of several groups.</summary>
    public Adam(ParameterGroup[] groups, AdamOptions? options = null) : this(groups, options ?? new(), false) { }

    private protected Adam(ParameterGroup[] groups, AdamOptions options, bool decoupled)
        : base(groups, options, options.AmsGrad ? ["exp_avg", "exp_avg_sq", "max_exp_avg_sq"] : ["exp_avg", "exp_avg_sq"])
    {
        Check(options);
        (_options, _decoupled) = (options, decoupled);
    }

    private protected override bool IsLazy => true;

    private protected override void Update(Slot slot, Tensor gradient, double learningRate, double weightDecay)
    {
        double c1 = 1 - Math.Pow(_options.Beta1, slot.Steps), c2 = 1 - Math.Pow(_options.Beta2, slot.Steps);
        var core = new Core
        {
            B1 = (float)_options.Beta1,
            A1 = (float)(1 - _options.Beta1),
            B2 = (float)_options.Beta2,
            A2 = (float)(1 - _options.Beta2),
            // where ε stands differs: next to √v in SparseAdam, next to √v̂ in Adam
            Rate = (float)(slot.Rows is null ? learningRate / c1 : learningRate * Math.Sqrt(c2) / c1),
            Root = slot.Rows is null ? (float)(1 / Math.Sqrt(c2)) : 1,
            Epsilon = (float)_options.Epsilon,
            Pull = _decoupled ? 0 : (float)weightDecay,
            Shrink = _decoupled ? (float)(1 - (learningRate * weightDecay)) : 1,
        };
        if (_options.AmsGrad) { slot.Run(new Largest { Core = core }, gradient); } else { slot.Run(new Plain { Core = core }, gradient); }
    }

    /// <summary>What the formulas share: the coefficients of one step.</summary>
    internal record struct Core
    {
        public float B1, A1, B2, A2, Rate, Root, Epsilon, Pull, Shrink;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Means<L>(L w, L g, ref L m, ref L v) where L : struct, ILane<L>
        {
            g = L.MultiplyAdd(Pull, w, g);
            m = Denormals.Flush(L.MultiplyAdd(B1, m, A1 * g));
            v = Denormals.Flush(L.MultiplyAdd(B2, v, A2 * g * g));
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly L Move<L>(L w, L m, L v) where L : struct, ILane<L> => (Shrink * w) - (Rate * m / L.MultiplyAdd(L.Sqrt(v), Root, Epsilon));
    }

    /// <summary>One step.</summary>
    internal record struct Plain : IUpdate
    {
        public Core Core;

        public static int States => 2;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Step<L>(ref L w, L g, ref L s1, ref L s2, ref L s3) where L : struct, ILane<L>
        {
            Core.Means(w, g, ref s1, ref s2);
            w = Core.Move(w, s1, s2);
        }
    }

    /// <summary>One step of AMSGrad.</summary>
    internal record struct Largest : IUpdate
    {
        public Core Core;

        public static int States => 3;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Step<L>(ref L w, L g, ref L s1, ref L s2, ref L s3) where L : struct, ILane<L>
        {
            Core.Means(w, g, ref s1, ref s2);
            s3 = L.Max(s3, s2);
            w = Core.Move(w, s1, s3);
        }
    }
}

/// <summary>Settings of <see cref="AdamW"/>: those of Adam with a weight decay of 0.01 unless set, as in PyTorch.</summary>
public sealed record AdamWOptions : AdamOptions
{
    /// <summary>PyTorch's defaults.</summary>
    public AdamWOptions() => WeightDecay = 0.01;
}

/// <summary>Adam with decoupled weight decay: w ← (1 − αλ)w before Adam's step. Loshchilov and Hutter 2019, arXiv:1711.05101, algorithm 2. <c>torch.optim.AdamW</c>.</summary>
public sealed class AdamW : Adam
{
    /// <summary>An optimiser of one group of parameters.</summary>
    [OverloadResolutionPriority(1)]
    public AdamW(IReadOnlyList<(string Name, Parameter Value)> parameters, AdamWOptions? options = null) : this(new[] { new ParameterGroup(parameters) }, options) { }

    /// <summary>An optimiser of several groups.</summary>
    public AdamW(ParameterGroup[] groups, AdamWOptions? options = null) : base(groups, options ?? new(), true) { }
}
