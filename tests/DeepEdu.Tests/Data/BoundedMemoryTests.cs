using DeepEdu.Data;

namespace DeepEdu.Tests.Data;

/// <summary>Readers that go through a stream of many megabytes keep only what they hand out.</summary>
[Collection("alone")]
public class BoundedMemoryTests
{
    private const long Size = 64L << 20, Bound = 8 << 20;

    [Fact]
    public void JsonLinesStream() => Assert.InRange(Peak(JsonLines.Lines(() => new Endless("{\"id\": 12345, \"text\": \"what the learner wrote\"}\n"u8.ToArray(), Size), "endless", e => e.GetProperty("id").GetInt32())), 0, Bound);

    [Fact]
    public void WordVectorsStream() => Assert.InRange(Peak(WordVectors.Text(() => new Endless("word 0.125 -0.25 0.5 1 2 3 4 5\n"u8.ToArray(), Size), "endless")), 0, Bound);

    [Fact]
    public void RowsOfArraysStream()
    {
        using var reader = new ArrayReader(new Endless([1, 2, 3, 4], Size), "endless", NumberType.U8, [(int)(Size / 1024), 1024], bigEndian: true);
        Assert.InRange(Peak(reader.Rows(64)), 0, Bound);
    }

    // how much more is alive, looked at now and then, than at the beginning
    private static long Peak<T>(IEnumerable<T> items)
    {
        long before = GC.GetTotalMemory(forceFullCollection: true), most = 0, n = 0;
        foreach (var _ in items)
        {
            if (++n % 20_000 == 0 || n % 400 == 0 && n < 4000) { most = Math.Max(most, GC.GetTotalMemory(forceFullCollection: true) - before); }
        }
        Assert.True(n > 500, $"only {n} items came");
        return Math.Max(0, most);
    }

    /// <summary>The same bytes again and again up to a size.</summary>
    private sealed class Endless(byte[] again, long size) : Stream
    {
        private readonly byte[] _chunk = [.. Enumerable.Range(0, Math.Max(1, (1 << 16) / again.Length)).SelectMany(_ => again)];
        private readonly long _size = size / again.Length * again.Length;
        private long _at;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => _size;

        public override long Position { get => _at; set => throw new NotSupportedException(); }

        public override int Read(Span<byte> buffer)
        {
            var from = _chunk.AsSpan((int)(_at % _chunk.Length));
            int n = (int)Math.Min(Math.Min(buffer.Length, from.Length), _size - _at);
            from[..n].CopyTo(buffer);
            _at += n;
            return n;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override void Flush() { }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
