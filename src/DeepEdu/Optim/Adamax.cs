using System.Runtime.CompilerServices;
using DeepEdu.Lanes;
using DeepEdu.Tensors;

namespace DeepEdu.Optim;

/// <summary>Settings of <see cref="Adamax"/>.</summary>
public sealed record AdamaxOptions : MomentsOptions
{
    /// <summary>PyTorch's defaults: a learning rate of 2e-3.</summary>
    public AdamaxOptions() : base(2e-3) { }
}

/// <summary>Adam with the largest gradient in the root's place: u ← max(β₂u, |g| + ε), w ← w − α·m̂/u. Kingma and Ba 2015, arXiv:1412.6980, algorithm 2.
/// <c>torch.optim.Adamax</c>.</summary>
public sealed class Adamax : Optimizer
{
    private readonly AdamaxOptions _options;

    /// <summary>An optimiser of one group of parameters.</summary>
    [OverloadResolutionPriority(1)]
    public Adamax(IReadOnlyList<(string Name, Parameter Value)> parameters, AdamaxOptions? options = null) : this(new[] { new ParameterGroup(parameters) }, options) { }

    /// <summary>An optimiser of several groups.</summary>
    public Adamax(ParameterGroup[] groups, AdamaxOptions? options = null) : base(groups, options ??= new(), "exp_avg", "exp_inf")
    {
        Check(options);
        _options = options;
    }

    private protected override void Update(Slot slot, Tensor gradient, double learningRate, double weightDecay) => slot.Run(new Formula
    {
        B1 = (float)_options.Beta1,
        A1 = (float)(1 - _options.Beta1),
        B2 = (float)_options.Beta2,
        Rate = (float)(learningRate / (1 - Math.Pow(_options.Beta1, slot.Steps))),
        Epsilon = (float)_options.Epsilon,
        Pull = (float)weightDecay,
    }, gradient);

    internal record struct Formula : IUpdate
    {
        public float B1, A1, B2, Rate, Epsilon, Pull;

        public static int States => 2;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Step<L>(ref L w, L g, ref L s1, ref L s2, ref L s3) where L : struct, ILane<L>
        {
            g = L.MultiplyAdd(Pull, w, g);
            s1 = Denormals.Flush(L.MultiplyAdd(B1, s1, A1 * g));
            s2 = Denormals.Flush(L.Max(B2 * s2, L.Abs(g) + Epsilon));
            w -= Rate * s1 / s2;
        }
    }
}
