using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace DeepEdu.Collectives;

/// <summary>Writes values one after the other into memory that is kept from message to message.</summary>
internal sealed class MessageWriter
{
    private byte[] _bytes = new byte[256];

    public int Length { get; private set; }

    public ReadOnlyMemory<byte> Written => _bytes.AsMemory(0, Length);

    public void Clear() => Length = 0;

    public void Byte(byte value) => Room(1)[0] = value;

    public void Int(int value) => BinaryPrimitives.WriteInt32LittleEndian(Room(4), value);

    public void Long(long value) => BinaryPrimitives.WriteInt64LittleEndian(Room(8), value);

    public void Double(double value) => BinaryPrimitives.WriteDoubleLittleEndian(Room(8), value);

    public void Text(string value)
    {
        int bytes = Encoding.UTF8.GetByteCount(value);
        Int(bytes);
        Encoding.UTF8.GetBytes(value, Room(bytes));
    }

    public void Values<T>(ReadOnlySpan<T> values) where T : unmanaged => MemoryMarshal.AsBytes(values).CopyTo(Room(checked(values.Length * System.Runtime.CompilerServices.Unsafe.SizeOf<T>())));

    /// <summary>The next bytes, to be written.</summary>
    public Span<byte> Room(int bytes)
    {
        if (_bytes.Length - Length < bytes) { Array.Resize(ref _bytes, (int)Math.Min(Array.MaxLength, Math.Max(2L * _bytes.Length, (long)Length + bytes))); }
        var room = _bytes.AsSpan(Length, bytes);
        Length += bytes;
        return room;
    }
}

/// <summary>Reads what a <see cref="MessageWriter"/> wrote.</summary>
internal ref struct MessageReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _left = bytes;

    public readonly bool IsAtEnd => _left.IsEmpty;

    public byte Byte() => Take(1)[0];

    public int Int() => BinaryPrimitives.ReadInt32LittleEndian(Take(4));

    public long Long() => BinaryPrimitives.ReadInt64LittleEndian(Take(8));

    public double Double() => BinaryPrimitives.ReadDoubleLittleEndian(Take(8));

    public string Text() => Encoding.UTF8.GetString(Take(Int()));

    public ReadOnlySpan<T> Values<T>(int count) where T : unmanaged => MemoryMarshal.Cast<byte, T>(Take(checked(count * System.Runtime.CompilerServices.Unsafe.SizeOf<T>())));

    private ReadOnlySpan<byte> Take(int bytes)
    {
        var taken = _left[..bytes];
        _left = _left[bytes..];
        return taken;
    }
}
