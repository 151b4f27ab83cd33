using System.Runtime.CompilerServices;
using DeepEdu.Lanes;
using DeepEdu.Tensors;

namespace DeepEdu.Optim;

/// <summary>Settings of <see cref="Adagrad"/>.</summary>
public sealed record AdagradOptions : OptimizerOptions
{
    /// <summary>PyTorch's defaults: a learning rate of 1e-2.</summary>
    public AdagradOptions() : base(1e-2) { }

    /// <summary>Step t moves by α/(1 + (t − 1)·decay).</summary>
    public double LearningRateDecay { get; init; }

    /// <summary>What the sum of squares starts from.</summary>
    public double InitialAccumulator { get; init; }

    /// <summary>ε, added to the root.</summary>
    public double Epsilon { get; init; } = 1e-10;
}

/// <summary>Adagrad: s ← s + g², w ← w − α·g/(√s + ε). Duchi, Hazan and Singer 2011, figure 1. <c>torch.optim.Adagrad</c>.
/// <para>For a <see cref="Autograd.RowGradient"/> it is lazy: only rows with a gradient are touched. Without weight decay that is what a gradient of the whole table gives.</para></summary>
public sealed class Adagrad : Optimizer
{
    private readonly AdagradOptions _options;

    /// <summary>An optimiser of one group of parameters.</summary>
    [OverloadResolutionPriority(1)]
    public Adagrad(IReadOnlyList<(string Name, Parameter Value)> parameters, AdagradOptions? options = null) : this(new[] { new ParameterGroup(parameters) }, options) { }

    /// <summary>An optimiser of several groups.</summary>
    public Adagrad(ParameterGroup[] groups, AdagradOptions? options = null) : base(groups, options ??= new(), "sum")
    {
        ThrowIfNegative(options.LearningRateDecay, "learning rate decay");
        ThrowIfNegative(options.InitialAccumulator, "initial accumulator");
        ThrowIfNegative(options.Epsilon, "epsilon");
        _options = options;
    }

    private protected override bool IsLazy => true;

    private protected override float StartOf(int state) => (float)_options.InitialAccumulator;

    private protected override void Update(Slot slot, Tensor gradient, double learningRate, double weightDecay) => slot.Run(new Formula
    {
        Rate = (float)(learningRate / (1 + ((slot.Steps - 1) * _options.LearningRateDecay))),
        Pull = (float)weightDecay,
        Epsilon = (float)_options.Epsilon,
    }, gradient);

    internal record struct Formula : IUpdate
    {
        public float Rate, Pull, Epsilon;

        public static int States => 1;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Step<L>(ref L w, L g, ref L s1, ref L s2, ref L s3) where L : struct, ILane<L>
        {
            g = L.MultiplyAdd(Pull, w, g);
            s1 = L.MultiplyAdd(g, g, s1);
            w -= Rate * g / (L.Sqrt(s1) + Epsilon);
        }
    }
}
