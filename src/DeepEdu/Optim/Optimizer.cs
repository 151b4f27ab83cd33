using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Tensors;

namespace DeepEdu.Optim;

/// <summary>Parameters that are stepped alike.</summary>
/// <param name="parameters">The parameters, as <c>Module.Parameters()</c> gives them.</param>
public sealed class ParameterGroup(IReadOnlyList<(string Name, Parameter Value)> parameters)
{
    /// <summary>The parameters.</summary>
    public IReadOnlyList<(string Name, Parameter Value)> Parameters { get; } = Checked(parameters);

    /// <summary>Multiplies the optimiser's learning rate, so that a schedule moves all groups together. PyTorch's <c>lr</c> of a group divided by that of the optimiser.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, infinite or NaN; so too the weight decay.</exception>
    public double LearningRateFactor { get; set => field = Optimizer.AtLeastZero(value, "learning rate factor"); } = 1;

    /// <summary>Weight decay of this group; null for the optimiser's own. Biases and norms often get 0.</summary>
    public double? WeightDecay { get; set => field = value is { } decay ? Optimizer.AtLeastZero(decay, "weight decay") : null; }

    private static IReadOnlyList<(string Name, Parameter Value)> Checked(IReadOnlyList<(string Name, Parameter Value)> parameters)
    {
        NullItems.ThrowIfAny(parameters);
        return parameters;
    }
}

/// <summary>Changes parameters along their gradients. A step is one fused pass over each parameter, its gradient and its statistics; parameters without a gradient stay as they
/// are, and keep no statistics.
/// <para>Where the gradient is a few rows of a table (<see cref="RowGradient"/>, as of an embedding with <c>sparse: true</c>), <see cref="Sgd"/>, <see cref="Adagrad"/> and <see cref="Adam"/>
/// are lazy: they step those rows and leave all others, weight decay and fading statistics included, at a cost that does not depend on the table's length. The other optimisers take the gradient
/// as that of the whole table.</para>
/// <code>
/// var optimizer = new Adam(model.Parameters(), new() { LearningRate = 1e-3 });
/// optimizer.Step(tape.Gradients(loss));
/// </code></summary>
public abstract class Optimizer : IStateful
{
    private readonly ParameterGroup[] _groups;
    private readonly Slot[] _slots;
    private readonly string[] _names;
    private readonly double _weightDecay;
    private double _learningRate;
    private bool _stepping;

    /// <summary>An optimiser of parameter groups.</summary>
    /// <param name="groups">The groups; no parameter may stand in two places.</param>
    /// <param name="options">The learning rate to start with, and the weight decay of groups without their own.</param>
    /// <param name="states">Names of the statistics kept for each parameter, as in PyTorch's state dict.</param>
    private protected Optimizer(ParameterGroup[] groups, OptimizerOptions options, params string[] states)
    {
        ArgumentNullException.ThrowIfNull(groups);
        NullItems.ThrowIfAny<ParameterGroup>(groups);
        ThrowIfNegative(options.WeightDecay, "weight decay");
        (_groups, _names, _weightDecay, LearningRate) = ([.. groups], states, options.WeightDecay, options.LearningRate);
        var names = new OwnNames("optimizer");
        List<Slot> slots = [];
        foreach (var group in groups)
        {
            foreach (var (name, value) in group.Parameters) { slots.Add(new(names.Of(name, value), value, group)); }
        }
        if (slots.Count == 0) { throw new ArgumentException("optimizer: there is no parameter to learn; does the module name its parts in Parts()?"); }
        _slots = [.. slots];
    }

    /// <summary>Multiplies each step. May be set at any time; schedules do.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, infinite or NaN.</exception>
    public double LearningRate
    {
        get => _learningRate;
        set
        {
            ThrowIfNegative(value, "learning rate");
            _learningRate = value;
        }
    }

    /// <summary>The parameter groups.</summary>
    public IReadOnlyList<ParameterGroup> Groups => _groups;

    /// <summary>Moves every parameter that has a gradient by one step.</summary>
    /// <exception cref="InvalidOperationException">None of them has one, though not all are frozen: the gradients are of another model. Or another thread steps at this moment.</exception>
    public void Step(Gradients gradients)
    {
        ArgumentNullException.ThrowIfNull(gradients);
        if (Interlocked.Exchange(ref _stepping, true)) { throw new InvalidOperationException("optimizer: another thread is in the middle of its step; a model that learns belongs to one thread at a time"); }
        var tape = Tape.Recording;
        Device? device = null;
        bool stepped = false;
        try
        {
            foreach (var slot in _slots)
            {
                if (slot.Parameter.Device != device)
                {
                    device?.EndUpdates();
                    device = slot.Parameter.Device;
                    device.BeginUpdates();
                }
                stepped |= Step(slot, gradients, tape);
            }
        }
        finally
        {
            device?.EndUpdates();
            Volatile.Write(ref _stepping, false);
        }
        if (!stepped && gradients.Count > 0) { ThrowIfStill(gradients); }
    }

    private bool Step(Slot slot, Gradients gradients, Tape? tape)
    {
        slot.Rows = IsLazy ? gradients.FindRows(slot.Parameter) : null;
        if ((slot.Rows?.Values ?? gradients.Find(slot.Parameter)) is not { } g) { return false; }
        slot.Prepare(_names.Length, StartOf);
        slot.Steps++;
        var group = slot.Group;
        Update(slot, g, LearningRate * group.LearningRateFactor, group.WeightDecay ?? _weightDecay);
        tape?.Stepped(slot.Parameter);
        slot.Parameter.Constraint?.Invoke(slot.Parameter);
        return true;
    }

    private void ThrowIfStill(Gradients gradients)
    {
        if (Array.Find(_slots, s => s.Parameter.Trainable) is not { } first) { return; }
        throw new InvalidOperationException($"optimizer: none of its {_slots.Length} parameters (\"{first.Name}\" {first.Parameter.Shape}, ..) is among the {gradients.Count} that have a gradient; " +
            "was the optimiser made of another model, or of this one before its layers were made anew?");
    }

    /// <summary>The statistics of each parameter that has been stepped, and the number of its steps, to be written to a checkpoint: "weight.exp_avg", "weight.step".
    /// Where several parameters have one name, those behind the first are numbered: "weight#2.step". The tensors are the optimiser's own, not copies.</summary>
    public IReadOnlyList<(string Name, Tensor Value)> State()
    {
        List<(string, Tensor)> all = [];
        foreach (var slot in _slots)
        {
            if (slot.Steps == 0) { continue; }
            all.Add(($"{slot.Name}.step", Tensor.Wrap([slot.Steps], [])));
            for (int i = 0; i < _names.Length; i++) { all.Add(($"{slot.Name}.{_names[i]}", slot.States[i])); }
        }
        return all;
    }

    /// <summary>Goes on from the state that another optimiser of the same kind and parameters gave.</summary>
    /// <exception cref="ArgumentException">A statistic is missing, or of another shape, or belongs to no parameter.</exception>
    public void Restore(IReadOnlyList<(string Name, Tensor Value)> state)
    {
        NullItems.ThrowIfAny(state);
        var byName = state.ToDictionary(s => s.Name, s => s.Value);
        // all is checked before anything is written: a state that does not fit changes nothing
        var left = byName.Keys.ToHashSet();
        foreach (var slot in _slots)
        {
            if (!left.Remove($"{slot.Name}.step")) { continue; }
            foreach (string statistic in _names)
            {
                string name = $"{slot.Name}.{statistic}";
                if (!left.Remove(name)) { throw new ArgumentException($"optimizer: the state lacks \"{name}\"; was it saved by another kind of optimiser?"); }
                if (byName[name].Shape != slot.Parameter.Shape) { throw new ArgumentException($"optimizer: the state's \"{name}\" is {byName[name].Shape}, the parameter {slot.Parameter.Shape}"); }
            }
        }
        if (left.Count > 0) { throw new ArgumentException($"optimizer: the state has \"{left.First()}\", which belongs to no parameter or statistic here"); }
        foreach (var slot in _slots)
        {
            if (!byName.TryGetValue($"{slot.Name}.step", out var steps)) { slot.Steps = 0; slot.States = []; continue; }
            slot.Prepare(_names.Length, StartOf);
            slot.Steps = (int)steps.Item();
            for (int i = 0; i < _names.Length; i++) { slot.States[i].CopyFrom(byName[$"{slot.Name}.{_names[i]}"].ToArray()); }
        }
    }

    /// <summary>Puts the learning rate, what the groups have of their own, and every statistic.</summary>
    public void SaveState(StateDict to)
    {
        ArgumentNullException.ThrowIfNull(to);
        to.Set("learning_rate", LearningRate).Set("group_factors", [.. _groups.Select(g => g.LearningRateFactor)]).Set("group_decays", [.. _groups.Select(g => g.WeightDecay ?? double.NaN)]);
        foreach (var (name, value) in State()) { to.Part("state").Set(name, value); }
    }

    /// <summary>Takes over the learning rate, what the groups had of their own, and every statistic.</summary>
    /// <exception cref="InvalidDataException">Something is missing, or there were more or fewer groups.</exception>
    /// <exception cref="ArgumentException">A statistic is missing, or of another shape, or belongs to no parameter.</exception>
    public void LoadState(StateDict from)
    {
        ArgumentNullException.ThrowIfNull(from);
        double rate = from.Double("learning_rate");
        // files of earlier builds do not tell of groups
        (double Factor, double Decay)[]? groups = from.Has("group_factors") ? [.. from.Doubles("group_factors").Zip(from.Doubles("group_decays"))] : null;
        if (groups is not null && groups.Length != _groups.Length) { throw new InvalidDataException($"optimizer: the state is of {groups.Length} parameter groups, here there are {_groups.Length}"); }
        var state = from.Part("state");
        Restore([.. state.Names.Select(name => (name, state.Tensor(name)))]);
        LearningRate = rate;
        for (int g = 0; g < groups?.Length; g++) { (_groups[g].LearningRateFactor, _groups[g].WeightDecay) = (groups[g].Factor, double.IsNaN(groups[g].Decay) ? null : groups[g].Decay); }
    }

    /// <summary>Whether rows without a gradient are left alone.</summary>
    private protected virtual bool IsLazy => false;

    /// <summary>Steps one parameter.</summary>
    private protected abstract void Update(Slot slot, Tensor gradient, double learningRate, double weightDecay);

    /// <summary>What a statistic starts from.</summary>
    private protected virtual float StartOf(int state) => 0;

    /// <summary>Throws unless 0 ≤ value.</summary>
    private protected static void ThrowIfNegative(double value, string what) => AtLeastZero(value, what);

    /// <summary>The value, if it is at least 0 and finite.</summary>
    internal static double AtLeastZero(double value, string what) => value >= 0 && value < double.PositiveInfinity ? value
        : throw new ArgumentOutOfRangeException(null, $"optimizer: {what} {value} must be a number of at least 0");

    /// <summary>Throws unless 0 ≤ value &lt; 1.</summary>
    private protected static void ThrowIfNotBelowOne(double value, string what)
    {
        if (!(value is >= 0 and < 1)) { throw new ArgumentOutOfRangeException(null, $"optimizer: {what} {value} must be at least 0 and below 1"); }
    }

    /// <summary>Throws unless 0 ≤ β₁, β₂ &lt; 1 and 0 ≤ ε.</summary>
    private protected static void Check(MomentsOptions options)
    {
        ThrowIfNotBelowOne(options.Beta1, "beta1");
        ThrowIfNotBelowOne(options.Beta2, "beta2");
        ThrowIfNegative(options.Epsilon, "epsilon");
    }

    /// <summary>A parameter and its statistics.</summary>
    private protected sealed class Slot(string name, Parameter parameter, ParameterGroup group)
    {
        public string Name => name;
        public Parameter Parameter => parameter;
        public ParameterGroup Group => group;
        public Tensor[] States = [];
        public int Steps;

        /// <summary>The rows to step; null for all.</summary>
        public RowGradient? Rows;

        public void Prepare(int count, Func<int, float> start)
        {
            if (States.Length == count) { return; }
            States = new Tensor[count];
            for (int i = 0; i < count; i++)
            {
                States[i] = Tensor.Persistent(parameter.Shape, parameter.Device);
                parameter.Device.Fill(States[i].View, start(i));
            }
        }

        /// <summary>One pass of a formula over the parameter, or its rows, the gradient and the statistics.</summary>
        public void Run<F>(F formula, Tensor gradient) where F : unmanaged, Lanes.IUpdate
        {
            View first = States.Length > 0 ? States[0].View : default, second = States.Length > 1 ? States[1].View : default, third = States.Length > 2 ? States[2].View : default;
            if (Rows is null) { parameter.Device.Update(formula, parameter.View, gradient.View, first, second, third); }
            else { parameter.Device.Launch(new RowUpdateKernel<F>(formula, parameter.View, gradient.View, first, second, third, Rows.Rows, parameter.Shape[1])); }
        }
    }
}
