using System.Runtime.CompilerServices;
using DeepEdu.Lanes;
using DeepEdu.Tensors;

namespace DeepEdu.Optim;

/// <summary>Settings of <see cref="RmsProp"/>.</summary>
public sealed record RmsPropOptions : OptimizerOptions
{
    /// <summary>PyTorch's defaults: a learning rate of 1e-2.</summary>
    public RmsPropOptions() : base(1e-2) { }

    /// <summary>ρ, how slowly the mean of squares forgets. PyTorch's <c>alpha</c>, Keras' <c>rho</c> (there 0.9).</summary>
    public double Decay { get; init; } = 0.99;

    /// <summary>ε, added to the root.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>μ, how slowly the velocity forgets; 0 for none.</summary>
    public double Momentum { get; init; }

    /// <summary>Divides by the deviation of the gradient instead of its root mean square: Graves 2013, arXiv:1308.0850, eq. 38-40.</summary>
    public bool Centered { get; init; }
}

/// <summary>RMSprop: v ← ρv + (1 − ρ)g², w ← w − α·g/(√v + ε). Tieleman and Hinton 2012, "Neural Networks for Machine Learning", lecture 6.5.
/// <c>torch.optim.RMSprop</c>.</summary>
public sealed class RmsProp : Optimizer
{
    private readonly RmsPropOptions _options;
    private readonly bool _simple;

    /// <summary>An optimiser of one group of parameters.</summary>
    [OverloadResolutionPriority(1)]
    public RmsProp(IReadOnlyList<(string Name, Parameter Value)> parameters, RmsPropOptions? options = null) : this(new[] { new ParameterGroup(parameters) }, options) { }

    /// <summary>An optimiser of several groups.</summary>
    public RmsProp(ParameterGroup[] groups, RmsPropOptions? options = null) : base(groups, options ??= new(), options is { Centered: false, Momentum: 0 } ? ["square_avg"] : ["square_avg", "grad_avg", "momentum_buffer"])
    {
        ThrowIfNotBelowOne(options.Decay, "decay");
        ThrowIfNegative(options.Epsilon, "epsilon");
        ThrowIfNegative(options.Momentum, "momentum");
        (_options, _simple) = (options, options is { Centered: false, Momentum: 0 });
    }

    private protected override void Update(Slot slot, Tensor gradient, double learningRate, double weightDecay)
    {
        var plain = new Plain
        {
            Rate = (float)learningRate,
            Pull = (float)weightDecay,
            Decay = (float)_options.Decay,
            Fresh = (float)(1 - _options.Decay),
            Epsilon = (float)_options.Epsilon,
        };
        if (_simple) { slot.Run(plain, gradient); }
        else { slot.Run(new Full { Plain = plain, Momentum = (float)_options.Momentum, Center = _options.Centered ? 1 : 0 }, gradient); }
    }

    internal record struct Plain : IUpdate
    {
        public float Rate, Pull, Decay, Fresh, Epsilon;

        public static int States => 1;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Step<L>(ref L w, L g, ref L s1, ref L s2, ref L s3) where L : struct, ILane<L>
        {
            g = L.MultiplyAdd(Pull, w, g);
            s1 = Denormals.Flush(L.MultiplyAdd(Decay, s1, Fresh * g * g));
            w -= Rate * g / (L.Sqrt(s1) + Epsilon);
        }
    }

    internal record struct Full : IUpdate
    {
        public Plain Plain;
        public float Momentum, Center;

        public static int States => 3;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Step<L>(ref L w, L g, ref L s1, ref L s2, ref L s3) where L : struct, ILane<L>
        {
            g = L.MultiplyAdd(Plain.Pull, w, g);
            s1 = Denormals.Flush(L.MultiplyAdd(Plain.Decay, s1, Plain.Fresh * g * g));
            s2 = Denormals.Flush(L.MultiplyAdd(Plain.Decay, s2, Plain.Fresh * g));
            s3 = Denormals.Flush(L.MultiplyAdd(Momentum, s3, g / (L.Sqrt(s1 - (Center * s2 * s2)) + Plain.Epsilon)));
            w -= Plain.Rate * s3;
        }
    }
}
