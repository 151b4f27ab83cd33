namespace DeepEdu.Data;

/// <summary>The content of a packed file. Errors name the file; when the end is reached, its checksum is asked for.</summary>
internal sealed class UnpackedStream(Stream content, string path, IDisposable? owner, Func<uint, bool> intact) : Stream
{
    private uint _crc;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override int Read(Span<byte> buffer)
    {
        int n;
        try { n = content.Read(buffer); }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException) { throw new InvalidDataException($"{path}: cut off or damaged: {e.Message}", e); }
        _crc = Crc32.Append(_crc, buffer[..n]);
        if (n == 0 && buffer.Length > 0 && !intact(_crc)) { throw new InvalidDataException($"{path}: cut off or damaged: its content does not have its checksum"); }
        return n;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Flush() { }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            content.Dispose();
            owner?.Dispose();
        }
        base.Dispose(disposing);
    }
}
