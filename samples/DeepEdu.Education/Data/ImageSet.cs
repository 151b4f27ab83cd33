using System.Buffers.Binary;
using System.IO.Compression;
using System.Reflection;

namespace DeepEdu.Education.Data;

/// <summary>Grey images in 0..1, row by row, one after another, with their classes.</summary>
internal sealed record ImageSet(int Height, int Width, float[] Pixels, int[] Labels, int Classes)
{
    public int Count => Labels.Length;

    public int Size => Height * Width;

    public ReadOnlySpan<float> this[int i] => Pixels.AsSpan(i * Size, Size);

    /// <summary>The images at these places, copied.</summary>
    public ImageSet Take(ReadOnlySpan<int> places)
    {
        float[] pixels = new float[places.Length * Size];
        int[] labels = new int[places.Length];
        for (int i = 0; i < places.Length; i++)
        {
            this[places[i]].CopyTo(pixels.AsSpan(i * Size));
            labels[i] = Labels[places[i]];
        }
        return this with { Pixels = pixels, Labels = labels };
    }
}

/// <summary>Reads the IDX files of MNIST and its kin: big-endian magic 0x0803 (images) and 0x0801 (labels), then counts, then bytes.</summary>
internal static class IdxReader
{
    /// <summary>The training part (<c>train-*</c>) and the test part (<c>t10k-*</c>) of a folder.</summary>
    public static (ImageSet Train, ImageSet Test) ReadFolder(string folder) => (Read(folder, "train"), Read(folder, "t10k"));

    private static ImageSet Read(string folder, string part)
    {
        string imagePath = TextSource.Find(folder, part + "-images-idx3-ubyte"), labelPath = TextSource.Find(folder, part + "-labels-idx1-ubyte");
        byte[] images = Bytes(imagePath), labels = Bytes(labelPath);
        int[] shape = Header(imagePath, images, 0x0803, 3), count = Header(labelPath, labels, 0x0801, 1);
        if (shape[0] != count[0]) { throw new DataException($"{labelPath}: {count[0]} labels for {shape[0]} images."); }
        float[] pixels = new float[images.Length - 16];
        for (int i = 0; i < pixels.Length; i++) { pixels[i] = images[16 + i] / 255f; }
        int[] classes = new int[count[0]];
        int top = 0;
        for (int i = 0; i < classes.Length; i++) { top = Math.Max(top, classes[i] = labels[8 + i]); }
        return new(shape[1], shape[2], pixels, classes, Math.Max(10, top + 1));
    }

    private static int[] Header(string path, byte[] bytes, int magic, int axes)
    {
        if (bytes.Length < 4 + 4 * axes) { throw new DataException($"{path}: too short for an IDX file."); }
        int found = BinaryPrimitives.ReadInt32BigEndian(bytes);
        if (found != magic) { throw new DataException($"{path}: not an IDX file of this kind: magic 0x{found:x8}, expected 0x{magic:x8}."); }
        int[] shape = new int[axes];
        long size = 1;
        for (int a = 0; a < axes; a++)
        {
            shape[a] = BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(4 + 4 * a));
            if (shape[a] < 1) { throw new DataException($"{path}: the header states a size of {shape[a]}."); }
            size = Math.Min(size * shape[a], int.MaxValue); // which no file of bytes here has
        }
        if (bytes.Length != 4 + 4 * axes + size) { throw new DataException($"{path}: the header states {size} values but {bytes.Length - 4 - 4 * axes} follow."); }
        return shape;
    }

    private static byte[] Bytes(string path)
    {
        using Stream stream = TextSource.Open(path);
        using MemoryStream memory = new();
        try { stream.CopyTo(memory); }
        catch (InvalidDataException) { throw new DataException($"{path}: not a gzip file, or a broken one."); }
        return memory.ToArray();
    }
}

/// <summary>The 1,797 embedded digits of 8×8 pixels (see Data/Embedded/NOTICE.md).</summary>
internal static class Digits
{
    public static ImageSet Load()
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("digits.csv.gz")!;
        using StreamReader reader = new(new GZipStream(stream, CompressionMode.Decompress));
        List<float> pixels = [];
        List<int> labels = [];
        foreach (TableRow row in TextTable.Rows("digits.csv.gz", reader, TableFormat.Comma with { Header = false }))
        {
            for (int i = 0; i < 64; i++) { pixels.Add(row.Float(i) / 16f); }
            labels.Add(row.Int(64));
        }
        return new(8, 8, [.. pixels], [.. labels], 10);
    }
}
