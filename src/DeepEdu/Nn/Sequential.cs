using DeepEdu.Devices;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>Layers one after the other. Neighbours that have a joint kernel, such as <see cref="Dense"/> and <see cref="Relu"/> or <see cref="Gelu"/>, run as one; results and parameter names
/// are those of the separate layers (to rounding where a product of fewer rows does, as with an <see cref="Embedding"/> of few vectors before a recurrent layer). PyTorch's <c>nn.Sequential</c>, Keras' <c>Sequential</c>.
/// <code>var model = new Sequential(new Dense(4, 16, rng), new Relu(), new Dense(16, 3, rng));</code></summary>
public sealed class Sequential : Layer
{
    private readonly Layer[] _layers, _steps;

    /// <summary>The layers, in order.</summary>
    public Sequential(params Layer[] layers)
    {
        ArgumentNullException.ThrowIfNull(layers);
        NullItems.ThrowIfAny<Layer>(layers);
        _layers = [.. layers];
        _steps = Fused(layers);
    }

    /// <summary>The layers, in order.</summary>
    public IReadOnlyList<Layer> Layers => _layers;

    /// <summary>The layer at a place; <c>^1</c> is the last.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such place.</exception>
    public Layer this[Index index] => index.GetOffset(_layers.Length) is var at && (uint)at < (uint)_layers.Length ? _layers[at]
        : throw new ArgumentOutOfRangeException(nameof(index), $"sequential: there is no layer {index} of {_layers.Length}");

    /// <summary>Some of the layers as a model of their own, which shares them: <c>model[..^1]</c> computes what the last layer is given. Its parameters are named from 0 on.
    /// PyTorch's <c>model[:-1]</c>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range reaches beyond the layers.</exception>
    public Sequential this[Range range] => new(_layers[range]);

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        if (Recording.Current is { TellsLayers: true } recording) { return Told(recording, x, null); }
        foreach (var step in _steps)
        {
            try { x = step.Forward(x); }
            catch (ShapeException e) when (step.Places(e) | Places(e)) { throw; }
        }
        return x;
    }

    /// <inheritdoc/>
    public override Tensor Forward(Indices x)
    {
        if (_steps.Length == 0) { return base.Forward(x); }
        if (Recording.Current is { TellsLayers: true } recording) { return Told(recording, null, x); }
        Tensor? y = null;
        foreach (var step in _steps)
        {
            try { y = y is null ? step.Forward(x) : step.Forward(y); }
            catch (ShapeException e) when (step.Places(e) | Places(e)) { throw; }
        }
        return y!;
    }

    /// <inheritdoc/>
    protected internal override void Parts(Parts p)
    {
        ArgumentNullException.ThrowIfNull(p);
        p.Of(_layers, "");
    }

    // layer by layer
    private Tensor Told(Recording recording, Tensor? x, Indices? first)
    {
        foreach (var layer in _layers)
        {
            recording.Enter(layer);
            x = x is null ? layer.Forward(first!) : layer.Forward(x);
            recording.Leave();
        }
        return x!;
    }

    private static Layer[] Fused(Layer[] layers)
    {
        List<Layer> steps = [];
        foreach (var layer in layers)
        {
            if (steps.Count > 0 && steps[^1].Fuse(layer) is { } joint) { steps[^1] = joint; }
            else { steps.Add(layer); }
        }
        return [.. steps];
    }
}
