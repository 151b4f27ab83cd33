using System.Buffers.Binary;
using System.Text;
using DeepEdu.Training;

namespace DeepEdu.Tests.Training;

/// <summary>Event files, read back field by field.</summary>
public sealed class EventFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("deepedu-events-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void ChecksumIsCrc32CTurned()
    {
        // CRC-32C of "123456789" is 0xE3069283 (RFC 3720); turned right by 15 and moved by 0xa282ead8
        uint crc = 0xE3069283;
        Assert.Equal(((crc >> 15) | (crc << 17)) + 0xa282ead8u, EventFile.MaskedChecksum("123456789"u8));
    }

    [Fact]
    public void ScalarsHistogramsAndTextsAreThere()
    {
        string path;
        using (var events = new EventFile(_folder))
        {
            events.Scalar("loss", 7, 0.25);
            events.Histogram("weight", 300, [1, 2, 2, 5, float.NaN], bins: 4);
            events.Text("note", 1, "größer");
            path = events.Path;
        }
        var read = Events(path).ToList();
        Assert.Equal("brain.Event:2", Text(read[0], 3));
        Assert.Equal(7L, read[1].Single(f => f.Field == 2).Value);
        var scalar = Value(read[1]);
        Assert.Equal("loss", Text(scalar, 1));
        Assert.Equal(0.25f, BitConverter.Int32BitsToSingle((int)(long)scalar.Single(f => f.Field == 2).Value));
        var weight = Value(read[2]);
        Assert.Equal(300L, read[2].Single(f => f.Field == 2).Value);
        var histogram = Fields((byte[])weight.Single(f => f.Field == 5).Value).ToList();
        Assert.Equal([1, 5, 4, 10, 34], histogram.Take(5).Select(f => BitConverter.Int64BitsToDouble((long)f.Value)));
        Assert.Equal([2, 3, 4, 5], Doubles((byte[])histogram[5].Value));
        Assert.Equal([1, 2, 0, 1], Doubles((byte[])histogram[6].Value));
        var note = Value(read[3]);
        var tensor = Fields((byte[])note.Single(f => f.Field == 8).Value).ToList();
        Assert.Equal((7L, "größer"), (tensor.Single(f => f.Field == 1).Value, Text(tensor, 8)));
        var metadata = Fields((byte[])note.Single(f => f.Field == 9).Value).ToList();
        Assert.Equal("text", Text([.. Fields((byte[])metadata.Single(f => f.Field == 1).Value)], 1));
    }

    [Theory]
    [InlineData(new[] { 3f, 3 }, 2, new[] { 4.0, 5 }, new[] { 2.0, 0 })] // all the same: bins as wide as 1
    [InlineData(new[] { 0f, 1, 2, 4, 8 }, 4, new[] { 2.0, 4, 6, 8 }, new[] { 2.0, 1, 1, 1 })]
    [InlineData(new[] { -1f, float.PositiveInfinity, 1 }, 1, new[] { 1.0 }, new[] { 2.0 })]
    public void HistogramsCountFromEdgeToEdge(float[] values, int bins, double[] upper, double[] counts)
    {
        using var events = new EventFile(Path.Combine(_folder, "not", "there"));
        events.Histogram("none", 1, [float.NaN]);
        events.Histogram("some", 1, values, bins);
        var read = Events(events.Path).ToList(); // written already
        var fields = Fields((byte[])Value(read[1]).Single(f => f.Field == 5).Value).ToList();
        Assert.Equal([1, 2, 3, 4, 5, 6, 7], fields.Select(f => f.Field));
        Assert.Equal(upper, Doubles((byte[])fields[5].Value));
        Assert.Equal(counts, Doubles((byte[])fields[6].Value));
        double now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        Assert.All(read, e => Assert.InRange(BitConverter.Int64BitsToDouble((long)e.Single(f => f.Field == 1).Value), now - 600, now + 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => events.Histogram("some", 1, values, 0));
    }

    [Fact]
    public void ALossEveryNoStepsIsNone()
    {
        var data = new Clouds();
        using var board = new TensorBoard(_folder) { LossEvery = 0 };
        data.Trainer(Clouds.Model(), new() { Callbacks = [board] }).Fit(Clouds.Learned, 1);
        string path = Assert.Single(Directory.GetFiles(_folder));
        Assert.DoesNotContain("step/loss", Events(path).Skip(1).Select(e => Text(Value(e), 1)));
        board.Close();
        using var free = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None); // nobody holds it
        Assert.Equal(10, new TensorBoard(_folder).LossEvery);
    }

    [Fact]
    public void TheCallbackWritesLossEpochsSummaryAndWeights()
    {
        var data = new Clouds();
        using var board = new TensorBoard(_folder) { LossEvery = 5, HistogramsEvery = 2 };
        data.Trainer(Clouds.Model(), new() { Callbacks = [board] }).Fit(Clouds.Learned, 3, Clouds.Unseen);
        var tags = Events(Assert.Single(Directory.GetFiles(_folder))).Skip(1).Select(e => Text(Value(e), 1)).ToList();
        Assert.Equal("model", tags[0]);
        Assert.Equal(6, tags.Count(t => t == "step/loss"));
        Assert.Equal(3, tags.Count(t => t == "epoch/val_accuracy"));
        Assert.Equal(2, tags.Count(t => t == "0.weight"));
    }

    private static List<(int Field, object Value)> Value(List<(int, object)> e)
    {
        var summary = (byte[])e.Single(f => f.Item1 == 5).Item2;
        return [.. Fields((byte[])Fields(summary).Single().Value)];
    }

    private static string Text(List<(int Field, object Value)> fields, int field) => Encoding.UTF8.GetString((byte[])fields.Single(f => f.Field == field).Value);

    private static double[] Doubles(byte[] packed) => [.. packed.Chunk(8).Select(c => BinaryPrimitives.ReadDoubleLittleEndian(c))];

    private static IEnumerable<List<(int Field, object Value)>> Events(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite); // it may still be written
        byte[] all = new byte[file.Length];
        file.ReadExactly(all);
        for (int at = 0; at < all.Length;)
        {
            int length = (int)BinaryPrimitives.ReadUInt64LittleEndian(all.AsSpan(at));
            Assert.Equal(EventFile.MaskedChecksum(all.AsSpan(at, 8)), BinaryPrimitives.ReadUInt32LittleEndian(all.AsSpan(at + 8)));
            byte[] data = all[(at + 12)..(at + 12 + length)];
            Assert.Equal(EventFile.MaskedChecksum(data), BinaryPrimitives.ReadUInt32LittleEndian(all.AsSpan(at + 12 + length)));
            yield return [.. Fields(data)];
            at += 16 + length;
        }
    }

    // numbers and fixed fields as long, the rest as bytes
    private static IEnumerable<(int Field, object Value)> Fields(byte[] message)
    {
        int at = 0;
        long Variable()
        {
            long value = 0;
            for (int shift = 0; ; shift += 7)
            {
                byte b = message[at++];
                value |= (long)(b & 0x7f) << shift;
                if (b < 0x80) { return value; }
            }
        }
        while (at < message.Length)
        {
            var (field, kind) = Math.DivRem((int)Variable(), 8);
            switch (kind)
            {
                case 0: yield return (field, Variable()); break;
                case 1: yield return (field, BinaryPrimitives.ReadInt64LittleEndian(message.AsSpan((at += 8) - 8))); break;
                case 5: yield return (field, (long)BinaryPrimitives.ReadInt32LittleEndian(message.AsSpan((at += 4) - 4))); break;
                default:
                    int length = (int)Variable();
                    at += length;
                    yield return (field, message[(at - length)..at]);
                    break;
            }
        }
    }
}
