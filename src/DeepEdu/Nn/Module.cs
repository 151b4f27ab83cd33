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
public abstract class Module
{
    /// <summary>Names every parameter, buffer and inner module once: for optimisers, files, copies and printing.</summary>
    protected internal virtual void Parts(Parts p) { }

    /// <summary>What prints as the layer's kind.</summary>
    public virtual string Kind => GetType().Name;

    /// <summary>Every parameter under the name it has in PyTorch's state dict. One that is shared by two parts is listed once, under its first name.</summary>
    public IReadOnlyList<(string Name, Parameter Value)> Parameters() => Collect().Parameters;

    /// <summary>Every tensor that is kept but not learned, such as running statistics. PyTorch's <c>named_buffers</c>.</summary>
    public IReadOnlyList<(string Name, Tensor Value)> Buffers() => Collect().Buffers;

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

    /// <summary>A table of the parts, with the count of their parameters, how many of them are learned, and bytes.</summary>
    public string Summary() => Nn.Summary.Of(this, null);

    private Parts Collect()
    {
        var p = new Parts();
        Parts(p);
        return p;
    }

    private void SetTrainable(bool value)
    {
        foreach (var (_, p) in Parameters()) { p.Trainable = value; }
    }
}
