using System.Runtime.CompilerServices;
using DeepEdu.Lanes;
using DeepEdu.Tensors;

namespace DeepEdu.Optim;

/// <summary>Settings of <see cref="Adadelta"/>.</summary>
public sealed record AdadeltaOptions : OptimizerOptions
{
    /// <summary>PyTorch's defaults: a learning rate of 1, which multiplies a step that already has the parameter's unit.</summary>
    public AdadeltaOptions() : base(1) { }

    /// <summary>ρ, how slowly the means of squares forget. Keras' default is 0.95.</summary>
    public double Decay { get; init; } = 0.9;

    /// <summary>ε, added under both roots.</summary>
    public double Epsilon { get; init; } = 1e-6;
}

/// <summary>Adadelta: v ← ρv + (1 − ρ)g², Δ = √(u + ε)/√(v + ε)·g, u ← ρu + (1 − ρ)Δ², w ← w − αΔ. Zeiler 2012, arXiv:1212.5701, algorithm 1.
/// <c>torch.optim.Adadelta</c>.</summary>
public sealed class Adadelta : Optimizer
{
    private readonly AdadeltaOptions _options;

    /// <summary>An optimiser of one group of parameters.</summary>
    [OverloadResolutionPriority(1)]
    public Adadelta(IReadOnlyList<(string Name, Parameter Value)> parameters, AdadeltaOptions? options = null) : this(new[] { new ParameterGroup(parameters) }, options) { }

    /// <summary>An optimiser of several groups.</summary>
    public Adadelta(ParameterGroup[] groups, AdadeltaOptions? options = null) : base(groups, options ??= new(), "square_avg", "acc_delta")
    {
        ThrowIfNotBelowOne(options.Decay, "decay");
        ThrowIfNegative(options.Epsilon, "epsilon");
        _options = options;
    }

    private protected override void Update(Slot slot, Tensor gradient, double learningRate, double weightDecay) => slot.Run(new Formula
    {
        Rate = (float)learningRate,
        Pull = (float)weightDecay,
        Decay = (float)_options.Decay,
        Fresh = (float)(1 - _options.Decay),
        Epsilon = (float)_options.Epsilon,
    }, gradient);

    internal record struct Formula : IUpdate
    {
        public float Rate, Pull, Decay, Fresh, Epsilon;

        public static int States => 2;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Step<L>(ref L w, L g, ref L s1, ref L s2, ref L s3) where L : struct, ILane<L>
        {
            g = L.MultiplyAdd(Pull, w, g);
            s1 = Denormals.Flush(L.MultiplyAdd(Decay, s1, Fresh * g * g));
            L delta = L.Sqrt(s2 + Epsilon) / L.Sqrt(s1 + Epsilon) * g;
            s2 = Denormals.Flush(L.MultiplyAdd(Decay, s2, Fresh * delta * delta));
            w -= Rate * delta;
        }
    }
}
