using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using DeepEdu.Io;

namespace DeepEdu.Training;

/// <summary>Writes scalars, histograms and texts for TensorBoard: an event file of framed protocol-buffer messages (length, its checksum, message, its checksum), written through at
/// each call, so that TensorBoard follows a training that runs.
/// <code>
/// using var events = new EventFile("runs/first");
/// events.Scalar("loss", step, 0.25);
/// </code></summary>
public sealed class EventFile : IDisposable
{
    private static int s_number;
    private readonly FileStream _file;

    /// <summary>A new file in a folder, which is made if need be; files that are there stay, and TensorBoard shows all of them as one run.</summary>
    public EventFile(string folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        Directory.CreateDirectory(folder);
        Path = System.IO.Path.Combine(folder, string.Create(CultureInfo.InvariantCulture,
            $"events.out.tfevents.{DateTimeOffset.UtcNow.ToUnixTimeSeconds()}.{Environment.MachineName}.{Environment.ProcessId}.{Interlocked.Increment(ref s_number)}"));
        _file = new(Path, FileMode.CreateNew, FileAccess.Write, FileShare.Read);
        Write(Event().Text(3, "brain.Event:2"));
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>A number at a step.</summary>
    public void Scalar(string tag, long step, double value)
    {
        ArgumentNullException.ThrowIfNull(tag);
        Summary(step, new ProtoWriter().Text(1, tag).Float(2, (float)value));
    }

    /// <summary>How values are distributed: counts in equal bins from the least to the largest finite value. NaN and infinite values are left out.</summary>
    public void Histogram(string tag, long step, ReadOnlySpan<float> values, int bins = 30)
    {
        ArgumentNullException.ThrowIfNull(tag);
        ArgumentOutOfRangeException.ThrowIfLessThan(bins, 1);
        double min = double.PositiveInfinity, max = double.NegativeInfinity, sum = 0, squares = 0;
        int n = 0;
        foreach (float v in values)
        {
            if (!float.IsFinite(v)) { continue; }
            (min, max, n) = (Math.Min(min, v), Math.Max(max, v), n + 1);
            sum += v;
            squares += (double)v * v;
        }
        if (n == 0) { return; }
        double width = max > min ? (max - min) / bins : 1;
        double[] upper = new double[bins], counts = new double[bins];
        for (int b = 0; b < bins; b++) { upper[b] = min + (width * (b + 1)); }
        foreach (float v in values)
        {
            if (float.IsFinite(v)) { counts[Math.Clamp((int)((v - min) / width), 0, bins - 1)]++; }
        }
        Summary(step, new ProtoWriter().Text(1, tag).Message(5, new ProtoWriter().Double(1, min).Double(2, max).Double(3, n).Double(4, sum).Double(5, squares).Doubles(6, upper).Doubles(7, counts)));
    }

    /// <summary>A text, which TensorBoard shows as Markdown.</summary>
    public void Text(string tag, long step, string text)
    {
        ArgumentNullException.ThrowIfNull(tag);
        ArgumentNullException.ThrowIfNull(text);
        const int StringType = 7;
        var tensor = new ProtoWriter().Number(1, StringType).Message(2, new()).Text(8, text);
        var metadata = new ProtoWriter().Message(1, new ProtoWriter().Text(1, "text"));
        Summary(step, new ProtoWriter().Text(1, tag).Message(8, tensor).Message(9, metadata));
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => _file.Dispose();

    private static ProtoWriter Event() => new ProtoWriter().Double(1, DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() / 1000.0);

    private void Summary(long step, ProtoWriter value) => Write(Event().Number(2, step).Message(5, new ProtoWriter().Message(1, value)));

    private void Write(ProtoWriter message)
    {
        var data = message.Written;
        byte[] frame = new byte[sizeof(ulong) + sizeof(uint) + data.Length + sizeof(uint)];
        BinaryPrimitives.WriteUInt64LittleEndian(frame, (ulong)data.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(frame.AsSpan(sizeof(ulong)), MaskedChecksum(frame.AsSpan(0, sizeof(ulong))));
        data.CopyTo(frame.AsSpan(sizeof(ulong) + sizeof(uint)));
        BinaryPrimitives.WriteUInt32LittleEndian(frame.AsSpan(frame.Length - sizeof(uint)), MaskedChecksum(data));
        _file.Write(frame);
        _file.Flush();
    }

    /// <summary>CRC-32C, turned and moved by a constant, as TensorFlow's record files have it: a checksum of bytes that hold a checksum would be weak.</summary>
    internal static uint MaskedChecksum(ReadOnlySpan<byte> data)
    {
        uint crc = uint.MaxValue;
        foreach (byte b in data) { crc = BitOperations.Crc32C(crc, b); }
        return BitOperations.RotateRight(~crc, 15) + 0xa282ead8u;
    }
}
