using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace DeepEdu.Data;

/// <summary>Numbers as bytes of a stream, converted in blocks.</summary>
internal static class NumberCodec
{
    private const int Block = 1 << 16;

    /// <summary>Bytes a number.</summary>
    public static int Width(this NumberType type) => type switch
    {
        NumberType.F64 or NumberType.I64 or NumberType.U64 => 8,
        NumberType.F32 or NumberType.I32 or NumberType.U32 => 4,
        NumberType.I8 or NumberType.U8 or NumberType.Bool => 1,
        _ => 2,
    };

    /// <summary>Whether the numbers are not whole ones.</summary>
    public static bool IsFloat(this NumberType type) => type <= NumberType.F64;

    /// <summary>Fills <paramref name="to"/> with the next numbers. Those too large for T, such as uint64 beyond int64, are an error; doubles are rounded to floats.</summary>
    /// <exception cref="EndOfStreamException">There are fewer.</exception>
    public static void Read<T>(Stream from, NumberType type, bool bigEndian, Span<T> to) where T : unmanaged, INumber<T>
    {
        bool swap = bigEndian == BitConverter.IsLittleEndian;
        if (!swap && (typeof(T), type) is var same && (same == (typeof(float), NumberType.F32) || same == (typeof(double), NumberType.F64) || same == (typeof(long), NumberType.I64)))
        {
            from.ReadExactly(MemoryMarshal.AsBytes(to));
            return;
        }
        int width = type.Width();
        byte[] buffer = ArrayPool<byte>.Shared.Rent(Block);
        try
        {
            for (int done = 0; done < to.Length;)
            {
                int n = Math.Min(Block / width, to.Length - done);
                var bytes = buffer.AsSpan(0, n * width);
                from.ReadExactly(bytes);
                if (swap) { Swap(bytes, width); }
                Convert(bytes, type, to.Slice(done, n));
                done += n;
            }
        }
        finally { ArrayPool<byte>.Shared.Return(buffer); }
    }

    /// <summary>Writes numbers, little-endian.</summary>
    public static void Write<T>(Stream to, NumberType type, ReadOnlySpan<T> values) where T : unmanaged, INumber<T>
    {
        int width = type.Width();
        byte[] buffer = ArrayPool<byte>.Shared.Rent(Block);
        try
        {
            while (values.Length > 0)
            {
                int n = Math.Min(Block / width, values.Length);
                var bytes = buffer.AsSpan(0, n * width);
                Unconvert(values[..n], type, bytes);
                if (!BitConverter.IsLittleEndian) { Swap(bytes, width); }
                to.Write(bytes);
                values = values[n..];
            }
        }
        finally { ArrayPool<byte>.Shared.Return(buffer); }
    }

    private static void Convert<T>(Span<byte> bytes, NumberType type, Span<T> to) where T : unmanaged, INumber<T>
    {
        switch (type)
        {
            case NumberType.F32: From<float, T>(bytes, to); break;
            case NumberType.F16: From<Half, T>(bytes, to); break;
            case NumberType.F64: From<double, T>(bytes, to); break;
            case NumberType.I8: From<sbyte, T>(bytes, to); break;
            case NumberType.I16: From<short, T>(bytes, to); break;
            case NumberType.I32: From<int, T>(bytes, to); break;
            case NumberType.I64: From<long, T>(bytes, to); break;
            case NumberType.U16: From<ushort, T>(bytes, to); break;
            case NumberType.U32: From<uint, T>(bytes, to); break;
            case NumberType.U64: From<ulong, T>(bytes, to); break;
            case NumberType.BF16:
                var halves = MemoryMarshal.Cast<byte, ushort>(bytes);
                for (int i = 0; i < to.Length; i++) { to[i] = T.CreateChecked(BitConverter.UInt32BitsToSingle((uint)halves[i] << 16)); }
                break;
            default: From<byte, T>(bytes, to); break;
        }
    }

    private static void From<S, T>(Span<byte> bytes, Span<T> to) where S : unmanaged, INumber<S> where T : unmanaged, INumber<T>
    {
        try { TensorPrimitives.ConvertChecked<S, T>(MemoryMarshal.Cast<byte, S>(bytes), to); }
        catch (OverflowException e) { throw new InvalidDataException("a number is too large for what it is read as", e); }
    }

    private static void Unconvert<T>(ReadOnlySpan<T> values, NumberType type, Span<byte> bytes) where T : unmanaged, INumber<T>
    {
        switch (type)
        {
            case NumberType.F32: TensorPrimitives.ConvertChecked(values, MemoryMarshal.Cast<byte, float>(bytes)); break;
            case NumberType.F16: TensorPrimitives.ConvertChecked(values, MemoryMarshal.Cast<byte, Half>(bytes)); break;
            case NumberType.F64: TensorPrimitives.ConvertChecked(values, MemoryMarshal.Cast<byte, double>(bytes)); break;
            case NumberType.I8: TensorPrimitives.ConvertChecked(values, MemoryMarshal.Cast<byte, sbyte>(bytes)); break;
            case NumberType.I32: TensorPrimitives.ConvertChecked(values, MemoryMarshal.Cast<byte, int>(bytes)); break;
            case NumberType.I64: TensorPrimitives.ConvertChecked(values, MemoryMarshal.Cast<byte, long>(bytes)); break;
            case NumberType.BF16:
                var halves = MemoryMarshal.Cast<byte, ushort>(bytes);
                for (int i = 0; i < values.Length; i++) { halves[i] = ToBrain(float.CreateChecked(values[i])); }
                break;
            default: throw new ArgumentException($"numbers are written as F32, F16, BF16, F64, I8, I32 or I64, not {type}", nameof(type));
        }
    }

    // to nearest, ties to even; a NaN stays one
    private static ushort ToBrain(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value) ? (ushort)((bits >> 16) | 0x40) : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    private static void Swap(Span<byte> bytes, int width)
    {
        switch (width)
        {
            case 2: var s = MemoryMarshal.Cast<byte, ushort>(bytes); BinaryPrimitives.ReverseEndianness(s, s); break;
            case 4: var i = MemoryMarshal.Cast<byte, uint>(bytes); BinaryPrimitives.ReverseEndianness(i, i); break;
            case 8: var l = MemoryMarshal.Cast<byte, ulong>(bytes); BinaryPrimitives.ReverseEndianness(l, l); break;
        }
    }
}
