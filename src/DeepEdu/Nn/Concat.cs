using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>Several layers on one input, their results side by side along an axis: "0.*", "1.*". Szegedy et al. 2015, arXiv:1409.4842. PyTorch's <c>torch.cat([a(x), b(x)], 1)</c>, Keras'
/// <c>Concatenate()([a(x), b(x)])</c>. For results of different inputs see <see cref="Merge"/>.</summary>
public sealed class Concat : Layer
{
    private readonly Layer[] _branches;
    private readonly int _axis;

    /// <summary>Branches whose results are joined along axis 1, the channels or features.</summary>
    /// <param name="branches">The layers.</param>
    public Concat(params Layer[] branches) : this(1, branches) { }

    /// <summary>Branches whose results are joined along an axis.</summary>
    /// <param name="axis">The axis; negative counts from the end.</param>
    /// <param name="branches">The layers.</param>
    public Concat(int axis, params Layer[] branches)
    {
        ArgumentNullException.ThrowIfNull(branches);
        NullItems.ThrowIfAny<Layer>(branches);
        (_axis, _branches) = (axis, [.. branches]);
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        try { return Tensor.Concat(Array.ConvertAll(_branches, b => b.Forward(x)), _axis); }
        catch (ShapeException e) when (Places(e)) { throw; }
    }

    /// <inheritdoc/>
    public override Tensor Forward(Indices x)
    {
        try { return Tensor.Concat(Array.ConvertAll(_branches, b => b.Forward(x)), _axis); }
        catch (ShapeException e) when (Places(e)) { throw; }
    }

    /// <inheritdoc/>
    protected internal override void Parts(Parts p)
    {
        ArgumentNullException.ThrowIfNull(p);
        p.Of(_branches, "");
    }
}
