using DeepEdu.Tensors;

namespace DeepEdu.Data;

/// <summary>An image of whole samples, row by row, the channels of a pixel side by side: 1 grey, 2 grey and alpha, 3 red, green, blue, 4 with alpha.
/// <code>Tensor x = Image.Read("digit.png").ToTensor();   // [channels, height, width] in 0..1</code></summary>
public sealed class Image
{
    /// <summary>An image of samples, which are not copied.</summary>
    /// <param name="width">Pixels a row.</param>
    /// <param name="height">Rows.</param>
    /// <param name="channels">Samples a pixel: 1 to 4.</param>
    /// <param name="samples">width · height · channels samples.</param>
    /// <param name="top">The sample of full brightness: 255 for 8 bits, 65535 for 16.</param>
    /// <exception cref="ShapeException">There are not as many samples.</exception>
    public Image(int width, int height, int channels, ushort[] samples, int top = 255)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(channels, 4);
        ArgumentOutOfRangeException.ThrowIfLessThan(top, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(top, ushort.MaxValue);
        ArgumentNullException.ThrowIfNull(samples);
        if (samples.Length != (long)width * height * channels) { throw new ShapeException("image", $"{samples.Length} samples for {width} × {height} pixels of {channels}"); }
        (Width, Height, Channels, Samples, Top) = (width, height, channels, samples, top);
    }

    /// <summary>Pixels a row.</summary>
    public int Width { get; }

    /// <summary>Rows.</summary>
    public int Height { get; }

    /// <summary>Samples a pixel.</summary>
    public int Channels { get; }

    /// <summary>The sample of full brightness.</summary>
    public int Top { get; }

    /// <summary>The samples, from the upper left.</summary>
    public ushort[] Samples { get; }

    /// <summary>Reads a PNG, PGM or PPM file, told apart by how they begin; plain, ".gz" or ".zip".</summary>
    /// <exception cref="InvalidDataException">It is none of these, or broken; says how.</exception>
    public static Image Read(string path)
    {
        using var file = DataFile.Open(path);
        using var bytes = new MemoryStream();
        file.CopyTo(bytes);
        try { return Read(bytes.GetBuffer().AsSpan(0, (int)bytes.Length)); }
        catch (InvalidDataException e) { throw new InvalidDataException($"{path}: {e.Message}", e); }
    }

    /// <summary>Reads the content of a PNG, PGM or PPM file.</summary>
    /// <exception cref="InvalidDataException">It is none of these, or broken; says how.</exception>
    public static Image Read(ReadOnlySpan<byte> file) => Png.IsPng(file) ? Png.Read(file) : Netpbm.IsNetpbm(file) ? Netpbm.Read(file)
        : throw new InvalidDataException(file is [0xff, 0xd8, 0xff, ..] ? "a JPEG, which is not read; convert it to PNG" : "neither PNG nor PGM nor PPM");

    /// <summary>Writes the image, as a whole or not at all: ".png", ".pgm" or ".ppm".</summary>
    /// <exception cref="ArgumentException">The name ends otherwise, or the format has no place for such an image.</exception>
    /// <exception cref="IOException">It could not be written; what stood there before still does.</exception>
    public void Write(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        byte[] bytes = Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".png" => Png.Write(this),
            ".pgm" or ".ppm" => Netpbm.Write(this),
            var other => throw new ArgumentException($"image: \"{other}\" files are not written; use .png, .pgm or .ppm", nameof(path)),
        };
        WholeFile.Write(path, to => to.Write(bytes));
    }

    /// <summary>The image as numbers in 0..1: [channels, height, width], as convolutions want it.</summary>
    public Tensor ToTensor()
    {
        float[] values = new float[Samples.Length];
        int pixels = Width * Height;
        for (int c = 0; c < Channels; c++)
        {
            for (int i = 0; i < pixels; i++) { values[(c * pixels) + i] = Samples[(i * Channels) + c] / (float)Top; }
        }
        return Tensor.Wrap(values, [Channels, Height, Width]);
    }

    /// <summary>The image of numbers in 0..1, [channels, height, width] or [height, width]; what lies outside is cut to that range.</summary>
    /// <param name="values">The numbers.</param>
    /// <param name="top">255 for 8 bits, 65535 for 16.</param>
    /// <exception cref="ShapeException">Another number of axes or channels.</exception>
    public static Image Of(Tensor values, int top = 255)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (values.Rank is not (2 or 3) || values.Rank == 3 && values.Shape[0] is < 1 or > 4) { throw new ShapeException("image", $"{values.Shape} is no image; it must be [height, width] or [1 to 4, height, width]", values.Shape); }
        int channels = values.Rank == 2 ? 1 : values.Shape[0], pixels = values.Shape[^1] * values.Shape[^2];
        float[] from = values.ToArray();
        var samples = new ushort[from.Length];
        for (int c = 0; c < channels; c++)
        {
            for (int i = 0; i < pixels; i++) { samples[(i * channels) + c] = (ushort)MathF.Round(Math.Clamp(float.IsNaN(from[(c * pixels) + i]) ? 0 : from[(c * pixels) + i], 0, 1) * top); }
        }
        return new(values.Shape[^1], values.Shape[^2], channels, samples, top);
    }
}
