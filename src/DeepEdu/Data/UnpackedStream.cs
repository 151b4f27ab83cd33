namespace DeepEdu.Data;

/// <summary>The content of a packed file. Errors name the file; the content of a zip is checked against its checksum when its end is reached.</summary>
internal sealed class UnpackedStream(Stream content, string path, IDisposable owner, uint? checksum) : Stream
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
        if (checksum is { } expected)
        {
            _crc = Crc32.Append(_crc, buffer[..n]);
            if (n == 0 && buffer.Length > 0 && _crc != expected) { throw new InvalidDataException($"{path}: damaged: its content does not have the archive's checksum"); }
        }
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
            owner.Dispose();
        }
        base.Dispose(disposing);
    }
}
