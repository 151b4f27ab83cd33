using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>The values of a module's parameters and buffers at one moment, in host memory.</summary>
public sealed class Snapshot
{
    private readonly (string Name, float[] Values)[] _tensors;

    internal Snapshot(Parts parts) => _tensors = [.. parts.Tensors.Select(t => (t.Name, t.Value.ToArray()))];

    private Snapshot((string, float[])[] tensors) => _tensors = tensors;

    /// <summary>The values that <see cref="SaveState"/> put there.</summary>
    public static Snapshot Of(StateDict from)
    {
        ArgumentNullException.ThrowIfNull(from);
        return new([.. from.Names.Select(name => (name, from.Tensor(name).ToArray()))]);
    }

    /// <summary>Puts the values under their names.</summary>
    public void SaveState(StateDict to)
    {
        ArgumentNullException.ThrowIfNull(to);
        foreach (var (name, values) in _tensors) { to.Set(name, Tensor.Wrap(values, [values.Length])); }
    }

    internal void WriteTo(Parts parts)
    {
        var tensors = parts.Tensors.ToArray();
        if (!tensors.Select(t => (t.Name, t.Value.Size)).SequenceEqual(_tensors.Select(t => (t.Name, t.Values.Length))))
        {
            throw new ArgumentException($"restore: the snapshot holds {_tensors.Length} tensors, the model {tensors.Length}, or their names or sizes differ; take the snapshot of the same model");
        }
        for (int i = 0; i < tensors.Length; i++) { tensors[i].Value.CopyFrom(_tensors[i].Values); }
    }
}
