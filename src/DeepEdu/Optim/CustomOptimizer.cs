using System.Runtime.CompilerServices;
using DeepEdu.Devices;
using DeepEdu.Lanes;
using DeepEdu.Tensors;

namespace DeepEdu.Optim;

/// <summary>An optimiser of one's own, with what all have: parameter groups, schedules, frozen parameters, statistics that are saved under their names and taken up again.
/// <code>
/// sealed class SignSgd(IReadOnlyList&lt;(string, Parameter)&gt; parameters) : CustomOptimizer(parameters, learningRate: 1e-3, states: "momentum")
/// {
///     protected override void Update(ParameterStep step)
///     {
///         Span&lt;float&gt; w = step.Parameter.AsSpan(), g = step.Gradient.AsSpan(), m = step.State(0).AsSpan();
///         ..
///     }
/// }
/// </code></summary>
public abstract class CustomOptimizer : Optimizer
{
    /// <summary>An optimiser of one group of parameters.</summary>
    /// <param name="parameters">The parameters, as <c>Module.Parameters()</c> gives them.</param>
    /// <param name="learningRate">The learning rate to start with.</param>
    /// <param name="weightDecay">The weight decay of groups without their own; <see cref="Update(ParameterStep)"/> applies it.</param>
    /// <param name="states">Names of the statistics kept for each parameter, of its shape and 0 at first.</param>
    [OverloadResolutionPriority(1)]
    protected CustomOptimizer(IReadOnlyList<(string Name, Parameter Value)> parameters, double learningRate, double weightDecay = 0, params string[] states)
        : this(new[] { new ParameterGroup(parameters) }, learningRate, weightDecay, states) { }

    /// <summary>An optimiser of several groups.</summary>
    /// <param name="groups">The groups; no parameter may stand in two places.</param>
    /// <param name="learningRate">The learning rate to start with.</param>
    /// <param name="weightDecay">The weight decay of groups without their own; <see cref="Update(ParameterStep)"/> applies it.</param>
    /// <param name="states">Names of the statistics kept for each parameter, of its shape and 0 at first.</param>
    protected CustomOptimizer(ParameterGroup[] groups, double learningRate, double weightDecay = 0, params string[] states)
        : base(groups, new Options(learningRate) { WeightDecay = weightDecay }, states) { }

    /// <summary>Moves one parameter, and its statistics.</summary>
    protected abstract void Update(ParameterStep step);

    private protected override void Update(Slot slot, Tensor gradient, double learningRate, double weightDecay) =>
        Update(new ParameterStep(slot.Parameter, gradient, slot.States, slot.Steps, learningRate, weightDecay));

    private sealed record Options : OptimizerOptions
    {
        public Options(double learningRate) : base(learningRate) { }
    }
}

/// <summary>What a <see cref="CustomOptimizer"/> is given for a step of one parameter.</summary>
public readonly ref struct ParameterStep
{
    private readonly Tensor[] _states;

    internal ParameterStep(Parameter parameter, Tensor gradient, Tensor[] states, int number, double learningRate, double weightDecay) =>
        (Parameter, Gradient, _states, Number, LearningRate, WeightDecay) = (parameter, gradient, states, number, learningRate, weightDecay);

    /// <summary>What is moved, in place.</summary>
    public Parameter Parameter { get; }

    /// <summary>Its gradient.</summary>
    public Tensor Gradient { get; }

    /// <summary>The number of this step of the parameter, 1 first.</summary>
    public int Number { get; }

    /// <summary>The learning rate, that of the group.</summary>
    public double LearningRate { get; }

    /// <summary>The weight decay, that of the group.</summary>
    public double WeightDecay { get; }

    /// <summary>A statistic, of the parameter's shape, in the order of the names.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There are fewer.</exception>
    public Tensor State(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, _states.Length);
        return _states[index];
    }

    /// <summary>A formula in one pass over parameter, gradient and the first statistics, on every device and SIMD width.</summary>
    /// <exception cref="InvalidOperationException">The formula uses more statistics than the optimiser keeps.</exception>
    public void Run<F>(F formula) where F : unmanaged, IUpdate
    {
        if (F.States > _states.Length) { throw new InvalidOperationException($"optimizer: the formula uses {F.States} statistics, but {_states.Length} are named; give their names to the constructor"); }
        Parameter.Device.Update(formula, Parameter.View, Gradient.View, Of(0), Of(1), Of(2));
    }

    private View Of(int state) => state < _states.Length ? _states[state].View : default;
}
