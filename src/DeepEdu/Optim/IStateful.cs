using DeepEdu.Tensors;

namespace DeepEdu.Optim;

/// <summary>What has a memory that a checkpoint must hold for training to go on as if it had never stopped: optimisers, <see cref="Plateau"/>, <see cref="WeightAverage"/>.
/// A <see cref="Schedule"/> has none: it is a function of the step's number.</summary>
public interface IStateful
{
    /// <summary>The memory as named tensors. They may be the object's own, not copies.</summary>
    IReadOnlyList<(string Name, Tensor Value)> State();

    /// <summary>Goes on from what <see cref="State"/> gave on an object of the same kind and settings.</summary>
    /// <exception cref="ArgumentException">Something is missing, superfluous, or of another shape; then nothing has changed.</exception>
    void Restore(IReadOnlyList<(string Name, Tensor Value)> state);
}

/// <summary>Reads a state by name, and keeps numbers of double precision in tensors of single.</summary>
internal sealed class StateReader
{
    private readonly string _of;
    private readonly Dictionary<string, Tensor> _left = [];

    public StateReader(string of, IReadOnlyList<(string Name, Tensor Value)> state)
    {
        ArgumentNullException.ThrowIfNull(state);
        _of = of;
        foreach (var (name, value) in state)
        {
            if (!_left.TryAdd(name, value)) { throw new ArgumentException($"{of}: the state has \"{name}\" twice"); }
        }
    }

    public bool Has(string name) => _left.ContainsKey(name);

    public Tensor Take(string name) => _left.Remove(name, out var value) ? value : throw new ArgumentException($"{_of}: the state lacks \"{name}\"; was it saved by another kind of {_of}?");

    public Tensor Take(string name, Shape shape)
    {
        var value = Take(name);
        return value.Shape == shape ? value : throw new ArgumentException($"{_of}: the state's \"{name}\" is {value.Shape}, here it is {shape}");
    }

    public double TakeNumber(string name) => Number(Take(name, [3]).ToArray());

    public void End()
    {
        if (_left.Count > 0) { throw new ArgumentException($"{_of}: the state has \"{_left.Keys.First()}\", which belongs to nothing here"); }
    }

    /// <summary>A double as the sum of three floats, exactly.</summary>
    public static Tensor Exact(double value)
    {
        float high = (float)value, middle = float.IsFinite(high) ? (float)(value - high) : 0;
        return Tensor.Wrap([high, middle, float.IsFinite(high) ? (float)(value - high - middle) : 0], [3]);
    }

    public static double Number(ReadOnlySpan<float> exact) => (double)exact[0] + exact[1] + exact[2];
}
