using System.Buffers.Binary;
using System.Text;

namespace DeepEdu.Io;

/// <summary>Reads one message of Google's protocol buffers, field by field, by the published wire format. A message that ends in the midst of a field, or says lengths beyond its own, is an
/// <see cref="InvalidDataException"/>.</summary>
internal struct ProtoReader(ReadOnlyMemory<byte> message)
{
    private int _at;
    private ulong _number;

    /// <summary>The number of the field that was read last.</summary>
    public int Field { get; private set; }

    /// <summary>How it is written: 0 a variable length, 1 eight bytes, 2 bytes with their length, 5 four bytes.</summary>
    public int Kind { get; private set; }

    /// <summary>The bytes of kind 2.</summary>
    public ReadOnlyMemory<byte> Bytes { get; private set; }

    public readonly long Number => Kind == 0 ? (long)_number : throw new InvalidDataException($"field {Field} is no number");

    public readonly float Float => Kind == 5 ? BitConverter.UInt32BitsToSingle((uint)_number) : throw new InvalidDataException($"field {Field} is no float");

    public readonly ReadOnlyMemory<byte> Message => Kind == 2 ? Bytes : throw new InvalidDataException($"field {Field} is no message");

    public readonly string Text => Encoding.UTF8.GetString(Message.Span);

    /// <summary>Goes on to the next field.</summary>
    public bool Next()
    {
        if (_at == message.Length) { return false; }
        ulong key = Variable();
        (Field, Kind) = ((int)Math.Min(key >> 3, int.MaxValue), (int)(key & 7));
        switch (Kind)
        {
            case 0: _number = Variable(); break;
            case 1: _number = BinaryPrimitives.ReadUInt64LittleEndian(Take(8).Span); break;
            case 2: Bytes = Take(Variable()); break;
            case 5: _number = BinaryPrimitives.ReadUInt32LittleEndian(Take(4).Span); break;
            default: throw new InvalidDataException($"field {Field} is of a kind that there is not, {Kind}");
        }
        return true;
    }

    /// <summary>Numbers of variable length: one, or as many as a packed field holds.</summary>
    public readonly void Numbers(List<long> to)
    {
        if (Kind != 2) { to.Add(Number); return; }
        for (var inner = new ProtoReader(Bytes); inner._at < Bytes.Length;) { to.Add((long)inner.Variable()); }
    }

    /// <summary>Numbers of four or eight bytes: one, or as many as a packed field holds.</summary>
    public readonly void Fixed<T>(List<T> to, int width, Func<ulong, T> of)
    {
        if (Kind == (width == 4 ? 5 : 1)) { to.Add(of(_number)); return; }
        var all = Message.Span;
        if (all.Length % width != 0) { throw new InvalidDataException($"field {Field} has {all.Length} bytes, no multiple of {width}"); }
        for (; all.Length > 0; all = all[width..]) { to.Add(of(width == 4 ? BinaryPrimitives.ReadUInt32LittleEndian(all) : BinaryPrimitives.ReadUInt64LittleEndian(all))); }
    }

    private ulong Variable()
    {
        ulong value = 0;
        for (int shift = 0; shift < 64 && _at < message.Length; shift += 7)
        {
            byte b = message.Span[_at++];
            value |= (ulong)(b & 0x7F) << shift;
            if (b < 0x80) { return value; }
        }
        throw new InvalidDataException(_at == message.Length ? "it ends in the midst of a number" : "a number has more than 64 bits");
    }

    private ReadOnlyMemory<byte> Take(ulong length)
    {
        if (length > (ulong)(message.Length - _at)) { throw new InvalidDataException($"a field of {length} bytes where {message.Length - _at} are left"); }
        var taken = message.Slice(_at, (int)length);
        _at += (int)length;
        return taken;
    }
}
