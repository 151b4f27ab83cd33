using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>y = inner(x) + x, or + shortcut(x) where the shape changes: He et al. 2015, arXiv:1512.03385, eq. 1 and 2. "inner.*", "shortcut.*". Keras' <c>Add()([inner(x), x])</c>.
/// <code>var block = new Residual(new Sequential(new Conv2d(8, 8, 3, rng, padding: 1), new Relu(), new Conv2d(8, 8, 3, rng, padding: 1)));</code></summary>
public sealed class Residual : Layer
{
    private readonly Layer _inner;
    private readonly Layer? _shortcut;

    /// <summary>A block around a layer.</summary>
    /// <param name="inner">What is learned on top of the shortcut.</param>
    /// <param name="shortcut">The way around; x itself if null.</param>
    public Residual(Layer inner, Layer? shortcut = null)
    {
        ArgumentNullException.ThrowIfNull(inner);
        (_inner, _shortcut) = (inner, shortcut);
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        try
        {
            Tensor y = _inner.Forward(x), around = _shortcut?.Forward(x) ?? x;
            if (y.Shape != around.Shape) { throw new ShapeException("residual", $"the inner layer makes {around.Shape} of {x.Shape}'s way around into {y.Shape}; give a shortcut that ends in the same shape", y.Shape, around.Shape); }
            return y + around;
        }
        catch (ShapeException e) when (Places(e)) { throw; }
    }

    /// <inheritdoc/>
    protected internal override void Parts(Parts p)
    {
        ArgumentNullException.ThrowIfNull(p);
        p.Of(_inner).Of(_shortcut);
    }
}
