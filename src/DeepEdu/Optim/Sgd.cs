using System.Runtime.CompilerServices;
using DeepEdu.Lanes;
using DeepEdu.Tensors;

namespace DeepEdu.Optim;

/// <summary>Settings of <see cref="Sgd"/>.</summary>
public sealed record SgdOptions : OptimizerOptions
{
    /// <summary>PyTorch's defaults: a learning rate of 1e-2.</summary>
    public SgdOptions() : base(1e-2) { }

    /// <summary>μ, how slowly the velocity forgets; 0 for none.</summary>
    public double Momentum { get; init; }

    /// <summary>How much of each gradient is kept out of the velocity, from the second step on.</summary>
    public double Dampening { get; init; }

    /// <summary>Looks ahead along the velocity: Sutskever et al. 2013, eq. 3-4, in PyTorch's form.</summary>
    public bool Nesterov { get; init; }
}

/// <summary>Stochastic gradient descent: u ← μu + (1 − dampening)g, w ← w − αu, or w − α(g + μu) with Nesterov; the first u is g.
/// Robbins and Monro 1951; momentum: Polyak 1964. <c>torch.optim.SGD</c>.
/// <para>For a <see cref="Autograd.RowGradient"/> it is lazy: a row without a gradient neither moves on nor shrinks, and its velocity stays as it is. Without momentum and weight decay
/// that is what a gradient of the whole table gives.</para></summary>
public sealed class Sgd : Optimizer
{
    private readonly SgdOptions _options;

    /// <summary>An optimiser of one group of parameters.</summary>
    [OverloadResolutionPriority(1)]
    public Sgd(IReadOnlyList<(string Name, Parameter Value)> parameters, SgdOptions? options = null) : this(new[] { new ParameterGroup(parameters) }, options) { }

    /// <summary>An optimiser of several groups.</summary>
    /// <exception cref="ArgumentException">Nesterov without momentum, or with dampening.</exception>
    public Sgd(ParameterGroup[] groups, SgdOptions? options = null) : base(groups, options ??= new(), options.Momentum == 0 ? [] : ["momentum_buffer"])
    {
        ThrowIfNegative(options.Momentum, "momentum");
        if (options.Nesterov && (options.Momentum == 0 || options.Dampening != 0)) { throw new ArgumentException("sgd: Nesterov needs a momentum and no dampening"); }
        _options = options;
    }

    private protected override bool IsLazy => true;

    private protected override void Update(Slot slot, Tensor gradient, double learningRate, double weightDecay)
    {
        if (_options.Momentum == 0) { slot.Run(new Plain { Rate = (float)learningRate, Pull = (float)weightDecay }, gradient); return; }
        slot.Run(new Heavy
        {
            Rate = (float)learningRate,
            Pull = (float)weightDecay,
            Momentum = (float)_options.Momentum,
            Fresh = slot.Steps == 1 ? 1 : (float)(1 - _options.Dampening),
            Ahead = _options.Nesterov ? 1 : 0,
        }, gradient);
    }

    internal record struct Plain : IUpdate
    {
        public float Rate, Pull;

        public static int States => 0;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Step<L>(ref L w, L g, ref L s1, ref L s2, ref L s3) where L : struct, ILane<L>
            => w -= Rate * L.MultiplyAdd(Pull, w, g);
    }

    internal record struct Heavy : IUpdate
    {
        public float Rate, Pull, Momentum, Fresh, Ahead;

        public static int States => 1;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Step<L>(ref L w, L g, ref L s1, ref L s2, ref L s3) where L : struct, ILane<L>
        {
            g = L.MultiplyAdd(Pull, w, g);
            s1 = Denormals.Flush(L.MultiplyAdd(Momentum, s1, Fresh * g));
            w -= Rate * (Ahead == 0 ? s1 : L.MultiplyAdd(Momentum, s1, g));
        }
    }
}
