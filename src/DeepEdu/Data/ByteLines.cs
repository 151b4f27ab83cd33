namespace DeepEdu.Data;

/// <summary>The lines of a stream as bytes, in memory as large as the longest of them. A carriage return at a line's end and a byte order mark at the beginning are left out.</summary>
internal sealed class ByteLines(Stream stream, string path)
{
    private const int Longest = 1 << 28;
    private byte[] _buffer = new byte[1 << 16];
    private int _from, _to;
    private bool _ended;

    /// <summary>The number of the line that was read last, from 1.</summary>
    public long Number { get; private set; }

    /// <summary>Reads the next line; the memory is used again for the one after.</summary>
    public bool Next(out ReadOnlyMemory<byte> line)
    {
        int seen = 0, end;
        while ((end = _buffer.AsSpan(_from + seen, _to - _from - seen).IndexOf((byte)'\n')) < 0 && !_ended)
        {
            seen = _to - _from;
            Fill();
        }
        int length = end < 0 ? _to - _from : seen + end;
        line = _buffer.AsMemory(_from, length);
        if (end < 0 && length == 0) { return false; }
        _from += length + (end < 0 ? 0 : 1);
        if (Number++ == 0 && line.Span.StartsWith("\uFEFF"u8)) { line = line[3..]; }
        if (line.Length > 0 && line.Span[^1] == '\r') { line = line[..^1]; }
        return true;
    }

    /// <summary>Reads exactly so many bytes, which are no line.</summary>
    public void ReadExactly(Span<byte> to)
    {
        int have = Math.Min(to.Length, _to - _from);
        _buffer.AsSpan(_from, have).CopyTo(to);
        _from += have;
        stream.ReadExactly(to[have..]);
    }

    /// <summary>The next byte that is not read yet; −1 at the end.</summary>
    public int Peek()
    {
        if (_from == _to && !_ended) { Fill(); }
        return _from < _to ? _buffer[_from] : -1;
    }

    /// <summary>Reads up to and without the next byte of this value, which is passed over.</summary>
    public byte[] Until(byte mark)
    {
        int end, seen = 0;
        while ((end = _buffer.AsSpan(_from + seen, _to - _from - seen).IndexOf(mark)) < 0)
        {
            if (_ended) { throw new EndOfStreamException($"no '{(char)mark}' follows"); }
            seen = _to - _from;
            Fill();
        }
        byte[] bytes = _buffer.AsSpan(_from, seen + end).ToArray();
        _from += seen + end + 1;
        return bytes;
    }

    /// <summary>Passes over one byte.</summary>
    public void Skip() => _from++;

    private void Fill()
    {
        if (_from > 0)
        {
            _buffer.AsSpan(_from, _to - _from).CopyTo(_buffer);
            (_from, _to) = (0, _to - _from);
        }
        if (_to == _buffer.Length)
        {
            if (_buffer.Length >= Longest) { throw new InvalidDataException($"{path}:{Number + 1}: the line is longer than {Longest} bytes; is it another kind of file?"); }
            Array.Resize(ref _buffer, 2 * _buffer.Length);
        }
        int n = stream.Read(_buffer, _to, _buffer.Length - _to);
        _to += n;
        _ended = n == 0;
    }
}
