using System.Buffers;
using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Data;

/// <summary>Images a little changed, so that a model learns what does not matter: flipped, scaled, rotated and shifted at once by one bilinear resampling, then noise. What it does to an
/// image depends on the random stream alone; give each image its own, <c>rng.Split(index)</c>, or let a <see cref="DataLoader"/> do so.
/// <code>
/// var augmentation = new Augmentation { Shift = 2, Rotate = 10, Noise = 0.02f };
/// var loader = DataLoader.Of(images, batches, collate, augment: augmentation.Apply, random: rng);
/// </code></summary>
public sealed record Augmentation
{
    /// <summary>The most pixels an image moves, in each direction, fractions included.</summary>
    public float Shift { get; init; }

    /// <summary>The most degrees it turns about its centre, either way.</summary>
    public float Rotate { get; init; }

    /// <summary>The most it grows or shrinks: by a factor between 1 − this and 1 + this.</summary>
    public float Scale { get; init; }

    /// <summary>The standard deviation of normal noise, added to each value.</summary>
    public float Noise { get; init; }

    /// <summary>The chance that left and right change places.</summary>
    public float FlipHorizontal { get; init; }

    /// <summary>The chance that top and bottom change places.</summary>
    public float FlipVertical { get; init; }

    /// <summary>The value outside the image.</summary>
    public float Background { get; init; }

    /// <summary>A changed copy.</summary>
    /// <param name="image">[h, w] or [channels, h, w].</param>
    /// <param name="rng">The image's own stream.</param>
    /// <exception cref="ShapeException">It has another number of axes.</exception>
    public Tensor Apply(Tensor image, Rng rng)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (image.Rank is not (2 or 3)) { throw new ShapeException("augmentation", $"{image.Shape} is no image; give [h, w] or [channels, h, w]", image.Shape); }
        float[] to = new float[image.Shape.Size];
        Apply(image.AsSpan(), to, image.Shape[^2], image.Shape[^1], rng);
        return Tensor.Wrap(to, image.Shape);
    }

    /// <summary>Writes a changed copy.</summary>
    /// <param name="image">One or more channels, each row by row.</param>
    /// <param name="to">As many values; not the image itself.</param>
    /// <param name="height">Rows of a channel.</param>
    /// <param name="width">Values of a row.</param>
    /// <param name="rng">The image's own stream.</param>
    /// <exception cref="ShapeException">The values are not whole channels, or there is not as much room.</exception>
    public void Apply(ReadOnlySpan<float> image, Span<float> to, int height, int width, Rng rng)
    {
        ArgumentNullException.ThrowIfNull(rng);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        if (image.Length != to.Length || image.Length % (height * width) != 0) { throw new ShapeException("augmentation", $"{image.Length} values into {to.Length} are not whole channels of {height}×{width}"); }
        // every number is drawn whatever the settings, so that one setting does not change what another does
        float dx = Shift * Sign(rng), dy = Shift * Sign(rng), angle = Rotate * Sign(rng) * (MathF.PI / 180), scale = 1 + (Scale * Sign(rng));
        bool mirror = rng.NextSingle() < FlipHorizontal, upend = rng.NextSingle() < FlipVertical;
        // to place (x, y) goes what was at A·(x − c − d) + c, with A the inverse of the change
        float cos = MathF.Cos(angle) / scale, sin = MathF.Sin(angle) / scale, cx = (width - 1) / 2f, cy = (height - 1) / 2f;
        bool still = dx == 0 && dy == 0 && angle == 0 && scale == 1;
        int channel = height * width;
        for (int start = 0; start < image.Length; start += channel)
        {
            var from = image.Slice(start, channel);
            for (int y = 0; y < height; y++)
            {
                for (int x = 0; x < width; x++)
                {
                    float u = x - cx - dx, v = y - cy - dy;
                    float sx = still ? x : (cos * u) + (sin * v) + cx, sy = still ? y : (cos * v) - (sin * u) + cy;
                    if (mirror) { sx = width - 1 - sx; }
                    if (upend) { sy = height - 1 - sy; }
                    to[start + (y * width) + x] = Sample(from, height, width, sx, sy);
                }
            }
        }
        if (Noise > 0)
        {
            float[] noise = ArrayPool<float>.Shared.Rent(to.Length);
            rng.FillNormal(noise.AsSpan(0, to.Length), std: Noise);
            System.Numerics.Tensors.TensorPrimitives.Add(to, noise.AsSpan(0, to.Length), to);
            ArrayPool<float>.Shared.Return(noise);
        }
    }

    private static float Sign(Rng rng) => (2 * rng.NextSingle()) - 1;

    private float Sample(ReadOnlySpan<float> from, int height, int width, float x, float y)
    {
        int x0 = (int)MathF.Floor(x), y0 = (int)MathF.Floor(y);
        float fx = x - x0, fy = y - y0;
        float top = Mix(At(from, height, width, x0, y0), fx, fx > 0 ? At(from, height, width, x0 + 1, y0) : 0);
        return fy > 0 ? Mix(top, fy, Mix(At(from, height, width, x0, y0 + 1), fx, fx > 0 ? At(from, height, width, x0 + 1, y0 + 1) : 0)) : top;
    }

    private static float Mix(float a, float share, float b) => share > 0 ? a + (share * (b - a)) : a;

    private float At(ReadOnlySpan<float> from, int height, int width, int x, int y)
        => (uint)x < (uint)width && (uint)y < (uint)height ? from[(y * width) + x] : Background;
}
