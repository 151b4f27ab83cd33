using System.Globalization;
using System.Text;

namespace DeepEdu.Data;

/// <summary>PGM (grey) and PPM (colour), in figures (P2, P3) and in bytes (P5, P6), with up to 16 bits a sample. The plainest formats there are: netpbm.sourceforge.net/doc/pgm.html.</summary>
internal static class Netpbm
{
    public static bool IsNetpbm(ReadOnlySpan<byte> file) => file.Length > 2 && file[0] == 'P' && file[1] is (byte)'2' or (byte)'3' or (byte)'5' or (byte)'6';

    public static Image Read(ReadOnlySpan<byte> file)
    {
        int channels = file[1] is (byte)'3' or (byte)'6' ? 3 : 1, at = 2;
        bool figures = file[1] is (byte)'2' or (byte)'3';
        int width = Number(file, ref at), height = Number(file, ref at), top = Number(file, ref at);
        if (width < 1 || height < 1 || top is < 1 or > ushort.MaxValue) { throw new InvalidDataException($"a picture of {width} × {height} with samples up to {top}"); }
        long size = (long)width * height * channels;
        if (size > file.Length) { throw new InvalidDataException($"cut off: {width} × {height} pixels need more than {file.Length} bytes"); }
        var samples = new ushort[size];
        if (figures)
        {
            for (int i = 0; i < samples.Length; i++) { samples[i] = (ushort)Number(file, ref at, top); }
            return new(width, height, channels, samples, top);
        }
        at++; // one blank ends the header
        int bytes = top > 255 ? 2 : 1;
        if (file.Length - at < size * bytes) { throw new InvalidDataException($"cut off: {size * bytes} bytes of samples are needed, {Math.Max(0, file.Length - at)} follow"); }
        for (int i = 0; i < samples.Length; i++, at += bytes)
        {
            int sample = bytes == 1 ? file[at] : (file[at] << 8) | file[at + 1];
            if (sample > top) { throw new InvalidDataException($"sample {i} is {sample}, above the {top} of the header"); }
            samples[i] = (ushort)sample;
        }
        return new(width, height, channels, samples, top);
    }

    public static byte[] Write(Image image)
    {
        if (image.Channels is not (1 or 3)) { throw new ArgumentException($"image: PGM and PPM have 1 or 3 channels, not {image.Channels}; write a PNG", nameof(image)); }
        byte[] head = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"P{(image.Channels == 1 ? 5 : 6)}\n{image.Width} {image.Height}\n{image.Top}\n"));
        using var file = new MemoryStream();
        file.Write(head);
        foreach (ushort sample in image.Samples)
        {
            if (image.Top > 255) { file.WriteByte((byte)(sample >> 8)); }
            file.WriteByte((byte)sample);
        }
        return file.ToArray();
    }

    // blanks and comments, then figures
    private static int Number(ReadOnlySpan<byte> file, ref int at, int most = int.MaxValue)
    {
        for (; at < file.Length && (file[at] == '#' || char.IsWhiteSpace((char)file[at])); at++)
        {
            if (file[at] == '#')
            {
                int end = file[at..].IndexOf((byte)'\n');
                at = end < 0 ? file.Length - 1 : at + end;
            }
        }
        long value = 0;
        int from = at;
        for (; at < file.Length && char.IsAsciiDigit((char)file[at]) && value <= most; at++) { value = (10 * value) + file[at] - '0'; }
        if (at == from) { throw new InvalidDataException(at == file.Length ? "cut off where a number was expected" : $"no number at byte {at}"); }
        return value <= most ? (int)value : throw new InvalidDataException($"the number at byte {from} is above {most}");
    }
}
