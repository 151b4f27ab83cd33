using System.Runtime.CompilerServices;
using DeepEdu.Devices;
using DeepEdu.Lanes;
using DeepEdu.Tensors;

namespace DeepEdu.Optim;

/// <summary>A running mean of parameters over training, which often predicts better than the last step's values: fading, a ← decay · a + (1 − decay) · w, after each step
/// (Polyak and Juditsky 1992; Keras' <c>use_ema</c>), or equal, a ← a + (w − a)/n, at the end of late epochs: stochastic weight averaging, Izmailov et al. 2018, arXiv:1803.05407,
/// algorithm 1. PyTorch's <c>swa_utils.AveragedModel</c>. Batch norms must see data again under averaged weights: <c>BatchNorm.Refresh</c>.
/// <code>
/// var average = new WeightAverage(model.Parameters(), 0.999f);
/// // after each step of the optimiser
/// average.Update();
/// // to evaluate or save
/// using (average.Apply()) { Evaluate(model); }
/// </code></summary>
public sealed class WeightAverage : IStateful
{
    private readonly (string Name, Parameter Value, Tensor Mean)[] _slots;
    private readonly float? _decay;
    private bool _applied;

    /// <summary>Starts from the parameters' present values.</summary>
    /// <param name="parameters">As <c>Module.Parameters()</c> gives them.</param>
    /// <param name="decay">The share of the mean that stays at an update: 0.999 looks back some 1000 updates.</param>
    /// <exception cref="ArgumentOutOfRangeException">The decay is not in [0, 1).</exception>
    /// <exception cref="ArgumentException">A parameter is given twice.</exception>
    public WeightAverage(IReadOnlyList<(string Name, Parameter Value)> parameters, float decay)
    {
        if (!(decay is >= 0 and < 1)) { throw new ArgumentOutOfRangeException(nameof(decay), $"weight-average: decay {decay} must be at least 0 and below 1"); }
        _decay = decay;
        _slots = Slots(parameters);
    }

    /// <summary>The equal mean of what the parameters are at each <see cref="Update"/>; until the first, their present values.</summary>
    /// <param name="parameters">As <c>Module.Parameters()</c> gives them.</param>
    /// <exception cref="ArgumentException">A parameter is given twice.</exception>
    public WeightAverage(IReadOnlyList<(string Name, Parameter Value)> parameters) => _slots = Slots(parameters);

    /// <summary>How often <see cref="Update"/> was called.</summary>
    public int Count { get; private set; }

    /// <summary>Takes the parameters' present values into the mean.</summary>
    /// <exception cref="InvalidOperationException">The mean stands in the parameters' place.</exception>
    public void Update()
    {
        ThrowIfApplied();
        // of n values the mean so far has n − 1 parts
        float decay = _decay ?? (float)(Count / (Count + 1.0));
        Count++;
        foreach (var (_, value, mean) in _slots) { value.Device.Zip(new Blend(decay), mean.View, value.View, mean.View, Broadcast.Flat(value.Size)); }
    }

    /// <summary>Puts the mean in the parameters' place until the result is disposed; then they are as before.</summary>
    /// <exception cref="InvalidOperationException">It stands there already.</exception>
    public Applied Apply()
    {
        ThrowIfApplied();
        Swap();
        return new(this);
    }

    /// <summary>Puts the number of updates and each mean, under its parameter's name.</summary>
    /// <exception cref="InvalidOperationException">The mean stands in the parameters' place.</exception>
    public void SaveState(StateDict to)
    {
        ArgumentNullException.ThrowIfNull(to);
        ThrowIfApplied();
        to.Set("updates", Count);
        foreach (var (name, _, mean) in _slots) { to.Part("mean").Set(name, mean); }
    }

    /// <inheritdoc/>
    public void LoadState(StateDict from)
    {
        ArgumentNullException.ThrowIfNull(from);
        ThrowIfApplied();
        int count = from.Int("updates");
        Tensor[] means = [.. _slots.Select(s => from.Part("mean").Tensor(s.Name, s.Value.Shape))];
        Count = count;
        for (int i = 0; i < means.Length; i++) { _slots[i].Mean.CopyFrom(means[i].ToArray()); }
    }

    private static (string, Parameter, Tensor)[] Slots(IReadOnlyList<(string Name, Parameter Value)> parameters)
    {
        NullItems.ThrowIfAny(parameters);
        var slots = new (string, Parameter, Tensor)[parameters.Count];
        var names = new OwnNames("weight-average");
        for (int i = 0; i < slots.Length; i++)
        {
            var (name, value) = parameters[i];
            var mean = Tensor.Persistent(value.Shape, value.Device);
            value.Device.Copy(value.View, mean.View);
            slots[i] = (names.Of(name, value), value, mean);
        }
        return slots;
    }

    private void ThrowIfApplied()
    {
        if (_applied) { throw new InvalidOperationException("weight-average: the mean stands in the parameters' place; dispose what Apply() gave first"); }
    }

    private void Swap()
    {
        _applied = !_applied;
        foreach (var (_, value, mean) in _slots)
        {
            float[] mine = value.ToArray();
            value.Device.Copy(mean.View, value.View);
            mean.CopyFrom(mine);
        }
    }

    /// <summary>The time while the mean stands in the parameters' place. The average must not be updated meanwhile.</summary>
    public sealed class Applied : IDisposable
    {
        private WeightAverage? _average;

        internal Applied(WeightAverage average) => _average = average;

        /// <summary>Puts the parameters back.</summary>
        public void Dispose()
        {
            _average?.Swap();
            _average = null;
        }
    }

    internal readonly struct Blend(float decay) : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L mean, L value) where L : struct, ILane<L> => value + (decay * (mean - value));
    }
}
