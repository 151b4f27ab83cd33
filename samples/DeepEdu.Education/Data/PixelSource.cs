using DeepEdu.Data;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Education.Data;

/// <summary>Images without labels, for a model in use: an IDX file of many, or a PNG, PGM or PPM file of one.</summary>
internal static class PixelSource
{
    /// <summary>Grey images in 0..1, light strokes on a dark ground as in MNIST.</summary>
    /// <exception cref="DataException">They are not of the size that the model has learned with.</exception>
    public static ImageSet Read(string path, int height, int width)
    {
        Tensor images = IsIdx(path) ? Idx.Read(path, divisor: 255) : Grey(Image.Read(path));
        if (images.Rank != 3 || images.Shape[1] != height || images.Shape[2] != width)
        {
            throw new DataException($"{path}: {images.Shape}; this model reads grey images of {height}x{width} pixels: an IDX file of [n,{height},{width}], or a PNG of that size.");
        }
        return new(height, width, images.ToArray(), new int[images.Shape[0]], 10);
    }

    private static bool IsIdx(string path)
    {
        using Stream file = DataFile.Open(path);
        return file.ReadByte() == 0 && file.ReadByte() == 0;
    }

    // the mean of the colours; transparency is left out
    private static Tensor Grey(Image image)
    {
        Tensor channels = image.ToTensor();
        return channels[..(image.Channels < 3 ? 1 : 3)].Mean(0, keepDims: true);
    }
}
