using DeepEdu.Devices;
using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>A function with learned parts. A model with one input and one output is a <see cref="Layer"/>; any other is a class of its own with a typed Forward:
/// <code>
/// sealed class TwoTowers(Rng rng) : Module
/// {
///     private readonly Dense _left = new(8, 4, rng), _right = new(8, 4, rng);
///     public Tensor Forward(Tensor a, Tensor b) => _left.Forward(a) * _right.Forward(b);
///     protected internal override void Parts(Parts p) => p.Of(_left).Of(_right);
/// }
/// </code></summary>
public abstract partial class Module : IStateful
{
    /// <summary>Names every parameter, buffer and inner module once: for optimisers, files, copies and printing.</summary>
    protected internal virtual void Parts(Parts p) { }

    /// <summary>What of other samples, or of batches before, reaches a sample in this layer while it learns, and what to use instead; null if nothing does, as in most layers. Private training
    /// (<c>PrivateGradients</c>) refuses a model that has such a layer, with this text.</summary>
    protected internal virtual string? Mixes => null;

    /// <summary>Whether the module's own matrices only multiply, so that sessions and files may round them to eight bits (<see cref="WeightPrecision.Int8"/>).</summary>
    internal virtual bool Multiplies => false;

    /// <summary>What prints as the layer's kind.</summary>
    public virtual string Kind => GetType().Name;

    /// <summary>Every parameter under the name it has in PyTorch's state dict. One that is shared by two parts is listed once, under its first name.</summary>
    public IReadOnlyList<(string Name, Parameter Value)> Parameters() => Collect().Parameters;

    /// <summary>Every tensor that is kept but not learned, such as running statistics. PyTorch's <c>named_buffers</c>.</summary>
    public IReadOnlyList<(string Name, Tensor Value)> Buffers() => Collect().Buffers;

    /// <summary>Every stream of random numbers that is drawn from while learning.</summary>
    public IReadOnlyList<(string Name, Rng Value)> Streams() => Collect().Streams;

    /// <summary>How many numbers the parameters hold, shared ones counted once.</summary>
    public long ParameterCount
    {
        get
        {
            long n = 0;
            foreach (var (_, p) in Parameters()) { n += p.Size; }
            return n;
        }
    }

    /// <summary>The first layer in which samples meet (<see cref="Mixes"/>), where it stands; null if there is none.</summary>
    internal (string Path, Module Layer)? FirstThatMixes()
    {
        if (Mixes is not null) { return ("", this); }
        foreach (var (path, module) in Collect().Modules)
        {
            if (module.Mixes is not null) { return (path, module); }
        }
        return null;
    }

    /// <summary>Moves every parameter and buffer to a device; tensors given to the model must be there too. Make the optimiser afterwards: its statistics lie where the parameters do.
    /// PyTorch's <c>model.to(device)</c>.</summary>
    /// <exception cref="ArgumentNullException">No device.</exception>
    public void To(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        foreach (var (_, value) in Collect().Tensors) { value.MoveTo(device); }
    }

    /// <summary>Stops learning every parameter. PyTorch's <c>requires_grad_(False)</c>; Keras' <c>trainable = False</c>.</summary>
    public void Freeze() => SetTrainable(false);

    /// <summary>Lets every parameter learn again.</summary>
    public void Unfreeze() => SetTrainable(true);

    /// <summary>A copy of all parameters and buffers in memory, to come back to: the best epoch, say.</summary>
    public Snapshot Snapshot() => new(Collect());

    /// <summary>Writes the values of a snapshot back.</summary>
    /// <exception cref="ArgumentException">The snapshot was taken of a model with other parts.</exception>
    public void Restore(Snapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        snapshot.WriteTo(Collect());
    }

    /// <summary>Puts parameters, buffers, and where the random streams stand.</summary>
    public void SaveState(StateDict to)
    {
        ArgumentNullException.ThrowIfNull(to);
        var parts = Collect();
        foreach (var (name, value) in parts.Tensors) { to.Set(name, value); }
        foreach (var (name, value) in parts.Streams) { to.Set(name, value); }
    }

    /// <summary>Takes over parameters, buffers and where the random streams stand: a training that goes on. To copy one model's weights to another that lives beside it, <see cref="LoadWeights(StateDict, bool)"/>.</summary>
    /// <exception cref="InvalidDataException">Names are missing, unexpected, or of other shapes: all are listed, and nothing is changed; or a random stream is another one, as in a model made with another seed.</exception>
    public void LoadState(StateDict from)
    {
        ArgumentNullException.ThrowIfNull(from);
        (Rng Now, Rng Saved)[] streams = [.. Streams().Select(s => (s.Value, from.Stream(s.Name, s.Value)))];
        LoadWeights(from);
        foreach (var (now, saved) in streams) { (now.Position, now.Forks) = (saved.Position, saved.Forks); }
    }

    /// <summary>Takes over parameters and buffers, such as those of a model trained elsewhere. PyTorch's <c>load_state_dict</c>.</summary>
    /// <param name="from">Tensors under the names of <see cref="Parameters"/> and <see cref="Buffers"/>. A shared one may stand there under all of its names, as in PyTorch's files, with the same
    /// values, or under any one of them.</param>
    /// <param name="strict">Whether every name must be there on both sides, in the same shape. If not, what fits is taken over.</param>
    /// <returns>What did not fit.</returns>
    /// <exception cref="InvalidDataException">Strict, and names are missing, unexpected, or of other shapes; or not strict, and nothing fits: all is listed. Nothing is changed, as after any other error.</exception>
    public LoadReport LoadWeights(StateDict from, bool strict = true)
    {
        ArgumentNullException.ThrowIfNull(from);
        return LoadWeights((ISavedTensors)from, strict);
    }

    /// <summary>The same of tensors that may still be in their file.</summary>
    internal LoadReport LoadWeights(ISavedTensors from, bool strict)
    {
        var parts = Collect();
        var report = LoadReport.Of(parts, from);
        if (strict && !report.IsExact) { throw new InvalidDataException($"load: the saved weights do not fit the {Kind}\n{report}{report.Hint()}"); }
        // all is read before anything is written: a file that cannot be read to its end changes nothing
        List<(Tensor To, Tensor Saved)> fitting = [];
        foreach (var (name, value) in parts.Tensors)
        {
            string there = parts.NameIn(from, name);
            if (!from.Has(there) || from.ShapeOf(there) != value.Shape) { continue; }
            var saved = from.Tensor(there);
            _ = saved.View; // whose memory may have gone back
            fitting.Add((value, saved));
        }
        if (fitting.Count == 0 && from.TensorNames.Any()) { throw new InvalidDataException($"load: nothing of the saved weights fits the {Kind}\n{report}{report.Hint()}"); }
        foreach (var (to, saved) in fitting) { to.CopyFrom(saved); }
        return report;
    }

    /// <summary>Parameters and buffers, those that are shared under each of their names: PyTorch's <c>state_dict</c>.</summary>
    internal IReadOnlyList<(string Name, Tensor Value)> UnderAllNames()
    {
        var parts = Collect();
        var byName = parts.Tensors.ToDictionary(t => t.Name, t => t.Value, StringComparer.Ordinal);
        return [.. parts.Tensors, .. parts.Again.Where(a => byName.ContainsKey(a.First)).Select(a => (a.Name, byName[a.First]))];
    }

    /// <summary>The weights [outputs, inputs] that a session with <see cref="WeightPrecision.Int8"/> rounds: those of <see cref="Multiplies"/>, unless another part uses them too, such as a table.</summary>
    internal HashSet<Tensor> Factors()
    {
        var parts = Collect();
        var shared = parts.Again.Select(a => a.First).ToHashSet(StringComparer.Ordinal);
        var kept = parts.Parameters.Where(p => !shared.Contains(p.Name)).Select(p => p.Value).ToHashSet<Tensor>(ReferenceEqualityComparer.Instance);
        return parts.Modules.Select(m => m.Value).Append(this).Where(m => m.Multiplies).SelectMany(m => m.Parameters()).Select(p => p.Value).Where(p => p.Rank == 2 && kept.Contains(p))
            .ToHashSet<Tensor>(ReferenceEqualityComparer.Instance);
    }

    /// <summary>A table of the parts, with the count of their parameters, how many of them are learned, and bytes.</summary>
    public string Summary() => Nn.Summary.Of(this, null);

    /// <summary>The same as <see cref="Summary()"/>.</summary>
    public override string ToString() => Summary();

    private Parts Collect()
    {
        var p = new Parts();
        Parts(p);
        return p;
    }

    private void SetTrainable(bool value)
    {
        var parts = Collect();
        foreach (var (_, p) in parts.Parameters) { p.Trainable = value; }
        Learns(value);
        foreach (var (_, m) in parts.Modules) { m.Learns(value); }
    }

    /// <summary>Told that the module, or one that it is part of, learns from now on or does not: for what moves without a gradient.</summary>
    private protected virtual void Learns(bool value) { }
}
