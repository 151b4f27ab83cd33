using System.Runtime.CompilerServices;
using DeepEdu.Devices;
using DeepEdu.Lanes;
using DeepEdu.Tensors;

namespace DeepEdu.Optim;

/// <summary>A running mean of parameters over training steps, which often predicts better than the last step's values: a ← decay · a + (1 − decay) · w.
/// Polyak and Juditsky 1992; Keras' <c>use_ema</c>, PyTorch's <c>AveragedModel</c>.
/// <code>
/// var average = new WeightAverage(model.Parameters(), 0.999f);
/// // after each step of the optimiser
/// average.Update();
/// // to evaluate or save
/// using (average.Apply()) { Evaluate(model); }
/// </code></summary>
public sealed class WeightAverage
{
    private readonly (Parameter Value, Tensor Mean)[] _slots;
    private readonly float _decay;

    /// <summary>Starts from the parameters' present values.</summary>
    /// <param name="parameters">As <c>Module.Parameters()</c> gives them.</param>
    /// <param name="decay">The share of the mean that stays at an update: 0.999 looks back some 1000 updates.</param>
    /// <exception cref="ArgumentOutOfRangeException">The decay is not in [0, 1).</exception>
    public WeightAverage(IReadOnlyList<(string Name, Parameter Value)> parameters, float decay)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        if (!(decay is >= 0 and < 1)) { throw new ArgumentOutOfRangeException(nameof(decay), $"weight average: decay {decay} must be at least 0 and below 1"); }
        _decay = decay;
        _slots = new (Parameter, Tensor)[parameters.Count];
        for (int i = 0; i < _slots.Length; i++)
        {
            var value = parameters[i].Value;
            _slots[i] = (value, Tensor.Persistent(value.Shape, value.Device));
            value.Device.Copy(value.View, _slots[i].Mean.View);
        }
    }

    /// <summary>Takes the parameters' present values into the mean.</summary>
    public void Update()
    {
        foreach (var (value, mean) in _slots) { value.Device.Zip(new Blend(_decay), mean.View, value.View, mean.View, Broadcast.Flat(value.Size)); }
    }

    /// <summary>Puts the mean in the parameters' place until the result is disposed; then they are as before.</summary>
    public Applied Apply()
    {
        Swap();
        return new(this);
    }

    private void Swap()
    {
        foreach (var (value, mean) in _slots)
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

    private readonly struct Blend(float decay) : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L mean, L value) where L : struct, ILane<L> => value + (decay * (mean - value));
    }
}
