using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using DeepEdu.Data;
using DeepEdu.Tensors;

namespace DeepEdu.Io;

/// <summary>NumPy's files of one array (".npy"), as <c>np.save</c> writes them: plain, ".gz" or ".zip". All number types are read, in either byte order, row by row or column by column.
/// <code>
/// Tensor x = Npy.Read("features.npy");
/// Npy.Write("predictions.npy", y);
/// </code></summary>
public static partial class Npy
{
    private static ReadOnlySpan<byte> Magic => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    /// <summary>Opens a file and reads its header.</summary>
    /// <exception cref="InvalidDataException">It is no NumPy file, or holds other things than numbers.</exception>
    public static ArrayReader Open(string path)
    {
        var file = DataFile.Open(path);
        try { return Header(file, path); }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Opens an array in an archive.</summary>
    internal static ArrayReader Open(string archive, string name)
    {
        var file = DataFile.Inside(archive, name + ".npy");
        try { return Header(file, $"{archive}!{name}"); }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The array of a file as a tensor.</summary>
    /// <exception cref="InvalidDataException">It is no NumPy file, holds other things than numbers, is cut off, or longer than its header says.</exception>
    public static Tensor Read(string path)
    {
        using var reader = Open(path);
        return reader.ReadTensor();
    }

    /// <summary>Writes a tensor as float32, as a whole or not at all.</summary>
    /// <exception cref="IOException">It could not be written; what stood there before still does.</exception>
    public static void Write(string path, Tensor values)
    {
        ArgumentNullException.ThrowIfNull(values);
        AtomicFile.Write(path, to => Write(to, values));
    }

    /// <summary>Writes whole numbers as int32, as a whole or not at all.</summary>
    /// <exception cref="IOException">It could not be written; what stood there before still does.</exception>
    public static void Write(string path, Indices values)
    {
        ArgumentNullException.ThrowIfNull(values);
        AtomicFile.Write(path, to =>
        {
            Header(to, "<i4", values.Shape);
            NumberCodec.Write(to, NumberType.I32, values.Span);
        });
    }

    /// <summary>Writes a tensor as float32.</summary>
    internal static void Write(Stream to, Tensor values)
    {
        Header(to, "<f4", values.Shape);
        NumberCodec.Write<float>(to, NumberType.F32, values.ToArray());
    }

    private static void Header(Stream to, string type, Shape shape)
    {
        string sizes = shape.Rank == 1 ? $"{shape[0]}," : string.Join(", ", shape.Sizes.ToArray());
        string text = $"{{'descr': '{type}', 'fortran_order': False, 'shape': ({sizes}), }}";
        text = text.PadRight(((text.Length + 11 + 63) / 64 * 64) - 11) + "\n"; // the numbers begin at a multiple of 64
        to.Write(Magic);
        to.Write([1, 0, (byte)text.Length, (byte)(text.Length >> 8)]);
        to.Write(Encoding.ASCII.GetBytes(text));
    }

    private static ArrayReader Header(Stream file, string path)
    {
        Span<byte> head = stackalloc byte[12];
        if (file.ReadAtLeast(head[..10], 10, throwOnEndOfStream: false) < 10 || !head.StartsWith(Magic)) { throw new InvalidDataException($"{path}: not a NumPy file"); }
        int length = BinaryPrimitives.ReadUInt16LittleEndian(head[8..]);
        if (head[6] >= 2) // from version 2 on the length has four bytes
        {
            if (file.ReadAtLeast(head[10..], 2, throwOnEndOfStream: false) < 2) { throw new InvalidDataException($"{path}: cut off within the header"); }
            length = BinaryPrimitives.ReadInt32LittleEndian(head[8..]);
        }
        if (head[6] is < 1 or > 3 || length is < 1 or > 1 << 20) { throw new InvalidDataException($"{path}: NumPy format {head[6]}.{head[7]} with a header of {length} bytes is not known"); }
        byte[] bytes = new byte[length];
        if (file.ReadAtLeast(bytes, length, throwOnEndOfStream: false) < length) { throw new InvalidDataException($"{path}: cut off within the header"); }
        string text = Encoding.UTF8.GetString(bytes);
        var fields = Fields().Match(text);
        if (!fields.Success || text.AsSpan().Count(':') != 3) { throw new InvalidDataException($"{path}: its header is not that of an array of plain numbers: {text.Trim()}"); }
        string descr = fields.Groups["descr"].Value;
        var type = Type(descr[1..]) ?? throw new InvalidDataException($"{path}: arrays of type '{descr}' are not read; convert it to numbers");
        int[] sizes = [.. fields.Groups["shape"].Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(n => Size(n, path))];
        return new(file, path, type, sizes, bigEndian: descr[0] == '>', columnsFirst: fields.Groups["fortran"].Value == "True" && sizes.Length > 1);
    }

    // Python 2 wrote 64-bit numbers with an L
    private static int Size(string text, string path) => int.TryParse(text.AsSpan().TrimEnd('L'), NumberStyles.None, CultureInfo.InvariantCulture, out int n) ? n
        : throw new InvalidDataException($"{path}: an axis of {text} is too long");

    private static NumberType? Type(string name) => name switch
    {
        "f2" => NumberType.F16,
        "f4" => NumberType.F32,
        "f8" => NumberType.F64,
        "i1" => NumberType.I8,
        "i2" => NumberType.I16,
        "i4" => NumberType.I32,
        "i8" => NumberType.I64,
        "u1" => NumberType.U8,
        "u2" => NumberType.U16,
        "u4" => NumberType.U32,
        "u8" => NumberType.U64,
        "b1" => NumberType.Bool,
        _ => null,
    };

    // a dictionary of Python's, its keys in any order
    [GeneratedRegex("""^\{(?=.*["']descr["']\s*:\s*["'](?<descr>[<>|=]\w+)["'])(?=.*["']fortran_order["']\s*:\s*(?<fortran>True|False))(?=.*["']shape["']\s*:\s*\((?<shape>[\d,\sL]*)\)).*\}\s*$""", RegexOptions.Singleline)]
    private static partial Regex Fields();
}
