using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace DeepEdu.Io;

/// <summary>Writes messages of protocol buffers: a field is its number and kind, then a variable-length number, eight or four bytes, or a length and that many bytes.</summary>
internal sealed class ProtoWriter
{
    private readonly ArrayBufferWriter<byte> _out = new();

    public ReadOnlySpan<byte> Written => _out.WrittenSpan;

    public ProtoWriter Number(int field, long value)
    {
        Key(field, 0);
        Variable((ulong)value);
        return this;
    }

    public ProtoWriter Double(int field, double value)
    {
        Key(field, 1);
        BinaryPrimitives.WriteDoubleLittleEndian(_out.GetSpan(sizeof(double)), value);
        _out.Advance(sizeof(double));
        return this;
    }

    public ProtoWriter Float(int field, float value)
    {
        Key(field, 5);
        BinaryPrimitives.WriteSingleLittleEndian(_out.GetSpan(sizeof(float)), value);
        _out.Advance(sizeof(float));
        return this;
    }

    public ProtoWriter Bytes(int field, ReadOnlySpan<byte> value)
    {
        Key(field, 2);
        Variable((ulong)value.Length);
        _out.Write(value);
        return this;
    }

    /// <summary>The beginning of a field of so many bytes, which are written elsewhere.</summary>
    public ProtoWriter Prefix(int field, long length)
    {
        Key(field, 2);
        Variable((ulong)length);
        return this;
    }

    public ProtoWriter Text(int field, string value) => Bytes(field, Encoding.UTF8.GetBytes(value));

    public ProtoWriter Message(int field, ProtoWriter message) => Bytes(field, message.Written);

    public ProtoWriter Doubles(int field, ReadOnlySpan<double> values)
    {
        Key(field, 2);
        Variable((ulong)values.Length * sizeof(double));
        foreach (double value in values)
        {
            BinaryPrimitives.WriteDoubleLittleEndian(_out.GetSpan(sizeof(double)), value);
            _out.Advance(sizeof(double));
        }
        return this;
    }

    private void Key(int field, int kind) => Variable((ulong)((field << 3) | kind));

    // seven bits a byte, the least first; the upper bit says that more follow
    private void Variable(ulong value)
    {
        var to = _out.GetSpan(10);
        int n = 0;
        for (; value >= 0x80; value >>= 7) { to[n++] = (byte)(value | 0x80); }
        to[n++] = (byte)value;
        _out.Advance(n);
    }
}
