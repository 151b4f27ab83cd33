using System.Buffers.Binary;
using DeepEdu.Tensors;

namespace DeepEdu.Data;

/// <summary>IDX files, in which MNIST and its kin come: two zero bytes, the type, the number of axes, their sizes, then the numbers, all big-endian. Plain, ".gz" or ".zip".
/// <code>
/// Tensor images = Idx.Read("train-images-idx3-ubyte.gz", divisor: 255);   // [60000, 28, 28] in 0..1
/// Indices labels = Idx.ReadLabels("train-labels-idx1-ubyte.gz");
/// </code></summary>
public static class Idx
{
    /// <summary>Opens a file and reads its header.</summary>
    /// <exception cref="InvalidDataException">It is no IDX file.</exception>
    public static ArrayReader Open(string path)
    {
        var file = DataFile.Open(path);
        try { return new(file, path, Header(file, path, out int[] sizes), sizes, bigEndian: true); }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The numbers of a file as a tensor.</summary>
    /// <param name="path">The file.</param>
    /// <param name="divisor">Every number is divided by it: 255 brings bytes to 0..1.</param>
    /// <exception cref="InvalidDataException">It is no IDX file, is cut off, or longer than its header says.</exception>
    public static Tensor Read(string path, float divisor = 1)
    {
        using var reader = Open(path);
        return reader.ReadTensor(divisor);
    }

    /// <summary>The whole numbers of a file.</summary>
    /// <exception cref="InvalidDataException">It is no IDX file, holds other numbers, is cut off, or longer than its header says.</exception>
    public static Indices ReadLabels(string path)
    {
        using var reader = Open(path);
        return reader.ReadIndices();
    }

    private static NumberType Header(Stream file, string path, out int[] sizes)
    {
        Span<byte> head = stackalloc byte[4];
        if (file.ReadAtLeast(head, 4, throwOnEndOfStream: false) < 4 || head[0] != 0 || head[1] != 0) { throw new InvalidDataException($"{path}: not an IDX file: it does not begin with two zero bytes"); }
        NumberType type = head[2] switch
        {
            0x08 => NumberType.U8,
            0x09 => NumberType.I8,
            0x0B => NumberType.I16,
            0x0C => NumberType.I32,
            0x0D => NumberType.F32,
            0x0E => NumberType.F64,
            _ => throw new InvalidDataException($"{path}: not an IDX file: there is no type 0x{head[2]:x2}"),
        };
        sizes = new int[head[3]];
        Span<byte> size = stackalloc byte[4];
        for (int a = 0; a < sizes.Length; a++)
        {
            if (file.ReadAtLeast(size, 4, throwOnEndOfStream: false) < 4) { throw new InvalidDataException($"{path}: cut off within the header"); }
            sizes[a] = BinaryPrimitives.ReadInt32BigEndian(size);
            if (sizes[a] < 0) { throw new InvalidDataException($"{path}: the header states an axis of {sizes[a]}"); }
        }
        return type;
    }
}
