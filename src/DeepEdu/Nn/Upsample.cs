using System.Globalization;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>Images made larger (or smaller): [N, C, H, W] → [N, C, oh, ow]. PyTorch's <c>nn.Upsample</c> with <c>nearest</c> or <c>bilinear</c>, Keras' <c>UpSampling2D</c> with channels first.</summary>
public sealed class Upsample2d : Layer
{
    private readonly (int H, int W) _size;
    private readonly float? _scale;
    private readonly double _factor;
    private readonly ResizeMode _mode;
    private readonly bool _alignCorners;

    /// <summary>To ⌊H·scale⌋ × ⌊W·scale⌋.</summary>
    /// <param name="scale">The factor.</param>
    /// <param name="mode">What a value is made of.</param>
    /// <param name="alignCorners">With <see cref="ResizeMode.Linear"/>: whether the outermost values stay the outermost.</param>
    public Upsample2d(float scale, ResizeMode mode = ResizeMode.Nearest, bool alignCorners = false) => (_scale, _factor, _mode, _alignCorners) = (scale, Upsample1d.Written(scale), mode, alignCorners);

    /// <summary>To a given size.</summary>
    /// <param name="size">oh and ow.</param>
    /// <param name="mode">What a value is made of.</param>
    /// <param name="alignCorners">With <see cref="ResizeMode.Linear"/>: whether the outermost values stay the outermost.</param>
    public Upsample2d((int H, int W) size, ResizeMode mode = ResizeMode.Nearest, bool alignCorners = false) => (_size, _mode, _alignCorners) = (size, mode, alignCorners);

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        try
        {
            return _scale is { } s && x.Rank == 4
                ? x.Upsample2d(((int)(x.Shape[2] * _factor), (int)(x.Shape[3] * _factor)), _mode, _alignCorners, (s, s)) : x.Upsample2d(_size, _mode, _alignCorners);
        }
        catch (ShapeException e) when (Places(e)) { throw; }
    }
}

/// <summary>Lines made longer (or shorter): [N, C, L] → [N, C, ol]. PyTorch's <c>nn.Upsample</c> with <c>nearest</c> or <c>linear</c>, Keras' <c>UpSampling1D</c> with channels first.</summary>
public sealed class Upsample1d : Layer
{
    private readonly int _size;
    private readonly float? _scale;
    private readonly double _factor;
    private readonly ResizeMode _mode;
    private readonly bool _alignCorners;

    /// <summary>To ⌊L·scale⌋.</summary>
    /// <param name="scale">The factor.</param>
    /// <param name="mode">What a value is made of.</param>
    /// <param name="alignCorners">With <see cref="ResizeMode.Linear"/>: whether the outermost values stay the outermost.</param>
    public Upsample1d(float scale, ResizeMode mode = ResizeMode.Nearest, bool alignCorners = false) => (_scale, _factor, _mode, _alignCorners) = (scale, Written(scale), mode, alignCorners);

    private Upsample1d(int size, ResizeMode mode, bool alignCorners) => (_size, _mode, _alignCorners) = (size, mode, alignCorners);

    // 0.7f is a little less than 0.7, but 10 lines by 0.7 are 7
    internal static double Written(float scale) => double.Parse(scale.ToString("R", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    /// <summary>To a given length.</summary>
    /// <param name="size">ol.</param>
    /// <param name="mode">What a value is made of.</param>
    /// <param name="alignCorners">With <see cref="ResizeMode.Linear"/>: whether the outermost values stay the outermost.</param>
    public static Upsample1d To(int size, ResizeMode mode = ResizeMode.Nearest, bool alignCorners = false) => new(size, mode, alignCorners);

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        try
        {
            return _scale is { } s && x.Rank == 3
                ? x.Upsample1d((int)(x.Shape[2] * _factor), _mode, _alignCorners, s) : x.Upsample1d(_size, _mode, _alignCorners);
        }
        catch (ShapeException e) when (Places(e)) { throw; }
    }
}
