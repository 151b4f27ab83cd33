using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>Entries before and behind the last axes: [N, C, H, W] → [N, C, H + .., W + ..]. PyTorch's <c>nn.ZeroPad2d</c>, <c>nn.ReflectionPad2d</c>, <c>nn.ReplicationPad2d</c>, <c>nn.CircularPad2d</c>
/// and their kin of one and three axes; Keras' <c>ZeroPadding2D</c>.
/// <code>new Sequential(new Pad([(3, 3), (3, 3)], PadMode.Reflect), new Conv2d(3, 32, 7, rng), new Relu())</code></summary>
public sealed class Pad : Layer
{
    private readonly (int Before, int After)[] _widths;
    private readonly PadMode _mode;
    private readonly float _value;

    /// <summary>A layer without parameters.</summary>
    /// <param name="widths">How many entries go before and behind, a pair an axis; the last pair is the last axis' (PyTorch lists them from the last axis on).</param>
    /// <param name="mode">What stands there.</param>
    /// <param name="value">With <see cref="PadMode.Constant"/>: the value.</param>
    /// <exception cref="ArgumentException">No widths.</exception>
    public Pad(ReadOnlySpan<(int Before, int After)> widths, PadMode mode = PadMode.Constant, float value = 0)
    {
        if (widths.IsEmpty) { throw new ArgumentException("pad: no widths; give a pair an axis, [(1, 1), (1, 1)] for a frame of one pixel", nameof(widths)); }
        (_widths, _mode, _value) = (widths.ToArray(), mode, value);
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        try { return x.Pad(_widths, _mode, _value); }
        catch (ShapeException e) when (Places(e)) { throw; }
    }
}
