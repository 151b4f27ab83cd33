using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace DeepEdu.Data;

/// <summary>PNG: W3C Recommendation, second edition. Reads all colour types at 1 to 16 bits, interlaced or not; writes grey and colour, with and without alpha, at 8 or 16 bits.</summary>
internal static class Png
{
    // Adam7, section 8.2
    private static readonly Pass[] s_passes = [new(0, 0, 8, 8), new(4, 0, 8, 8), new(0, 4, 4, 8), new(2, 0, 4, 4), new(0, 2, 2, 4), new(1, 0, 2, 2), new(0, 1, 1, 2)];

    private static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10];

    public static bool IsPng(ReadOnlySpan<byte> file) => file.StartsWith(Signature);

    public static Image Read(ReadOnlySpan<byte> file)
    {
        Header? header = null;
        byte[] palette = [], clear = [];
        using var packed = new MemoryStream();
        bool ended = false;
        for (int at = Signature.Length; !ended;)
        {
            if (file.Length - at < 12) { throw new InvalidDataException("cut off: it has no end chunk"); }
            int length = BinaryPrimitives.ReadInt32BigEndian(file[at..]);
            string type = Encoding.ASCII.GetString(file.Slice(at + 4, 4));
            if (length < 0 || length > file.Length - at - 12) { throw new InvalidDataException($"cut off: its chunk {type} runs past the end of the file"); }
            var body = file.Slice(at + 8, length);
            if (Crc32.Append(0, file.Slice(at + 4, length + 4)) != BinaryPrimitives.ReadUInt32BigEndian(file[(at + 8 + length)..])) { throw new InvalidDataException($"damaged: its chunk {type} does not have its checksum"); }
            at += 12 + length;
            if (header is null && type != "IHDR") { throw new InvalidDataException($"its first chunk is {type}, not IHDR"); }
            switch (type)
            {
                case "IHDR": header = Header.Of(body); break;
                case "PLTE": palette = body.ToArray(); break;
                case "tRNS": clear = body.ToArray(); break;
                case "IDAT": packed.Write(body); break;
                case "IEND": ended = true; break;
            }
        }
        packed.Position = 0;
        return Unpack(header!, palette, clear, packed);
    }

    public static byte[] Write(Image image)
    {
        int depth = image.Top switch { 255 => 8, ushort.MaxValue => 16, _ => throw new ArgumentException($"image: PNG samples go up to 255 or 65535, not {image.Top}", nameof(image)) };
        using var file = new MemoryStream();
        file.Write(Signature);
        byte[] header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, image.Width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), image.Height);
        (header[8], header[9]) = ((byte)depth, (byte)(image.Channels switch { 1 => 0, 2 => 4, 3 => 2, _ => 6 }));
        Chunk(file, "IHDR"u8, header);
        using var packed = new MemoryStream();
        using (var z = new ZLibStream(packed, CompressionLevel.Optimal, leaveOpen: true)) { WriteRows(z, image, depth); }
        Chunk(file, "IDAT"u8, packed.GetBuffer().AsSpan(0, (int)packed.Length));
        Chunk(file, "IEND"u8, []);
        return file.ToArray();
    }

    // each row with the filter that leaves the smallest sum of differences, as section 12.8 advises
    private static void WriteRows(Stream to, Image image, int depth)
    {
        int pixel = image.Channels * depth / 8, stride = image.Width * pixel;
        byte[] row = new byte[stride], above = new byte[stride], best = new byte[stride + 1], trial = new byte[stride + 1];
        for (int y = 0; y < image.Height; y++)
        {
            var samples = image.Samples.AsSpan(y * image.Width * image.Channels, image.Width * image.Channels);
            for (int i = 0; i < samples.Length; i++)
            {
                if (depth == 8) { row[i] = (byte)samples[i]; }
                else { BinaryPrimitives.WriteUInt16BigEndian(row.AsSpan(2 * i), samples[i]); }
            }
            long least = long.MaxValue;
            for (int filter = 0; filter <= 4; filter++)
            {
                long sum = 0;
                trial[0] = (byte)filter;
                for (int i = 0; i < stride; i++)
                {
                    trial[i + 1] = (byte)(row[i] - Predict(filter, row, above, i, pixel));
                    sum += Math.Abs((int)(sbyte)trial[i + 1]);
                }
                if (sum < least) { (least, best, trial) = (sum, trial, best); }
            }
            to.Write(best);
            (row, above) = (above, row);
        }
    }

    private static Image Unpack(Header h, byte[] palette, byte[] clear, Stream packed)
    {
        long bytes = (((long)h.Width * h.Samples * h.Depth) + 7) / 8;
        // nothing packs denser than 1032 to 1: a small file cannot make a large picture
        if ((bytes + 1) * h.Height > (packed.Length + 1) * 1032) { throw new InvalidDataException($"cut off: {packed.Length} packed bytes are too few for {h.Width} × {h.Height} pixels"); }
        int pixel = Math.Max(1, h.Samples * h.Depth / 8);
        int channels = h.Colour == 3 ? (clear.Length > 0 ? 4 : 3) : h.Samples + (h.Colour is 0 or 2 && clear.Length > 0 ? 1 : 0);
        long size = (long)h.Width * h.Height * channels;
        if (size > Array.MaxLength) { throw new InvalidDataException($"{h.Width} × {h.Height} pixels are too many"); }
        if (h.Colour == 3 && (palette.Length == 0 || palette.Length % 3 != 0)) { throw new InvalidDataException($"its palette has {palette.Length} bytes"); }
        var samples = new ushort[size];
        using var z = new ZLibStream(packed, CompressionMode.Decompress);
        var pixels = new ushort[h.Width * channels];
        foreach (var pass in h.Interlaced ? s_passes : [new(0, 0, 1, 1)])
        {
            // each pass is a picture of its own, of every pass.Across-th pixel of every pass.Down-th row
            int width = (h.Width - pass.X + pass.Across - 1) / pass.Across, stride = (int)((((long)width * h.Samples * h.Depth) + 7) / 8);
            byte[] row = new byte[stride], above = new byte[stride];
            for (int y = pass.Y; y < h.Height && width > 0; y += pass.Down)
            {
                int filter = z.ReadByte();
                if (filter < 0 || z.ReadAtLeast(row, stride, throwOnEndOfStream: false) < stride) { throw new InvalidDataException($"cut off in row {y} of {h.Height}"); }
                if (filter > 4) { throw new InvalidDataException($"row {y} has filter {filter}, which there is not"); }
                for (int i = 0; i < stride; i++) { row[i] += Predict(filter, row, above, i, pixel); }
                Pixels(h, row, palette, clear, pixels.AsSpan(0, width * channels), channels);
                var line = samples.AsSpan(y * h.Width * channels, h.Width * channels);
                for (int x = 0; x < width && h.Interlaced; x++) { pixels.AsSpan(x * channels, channels).CopyTo(line[((pass.X + (x * pass.Across)) * channels)..]); }
                if (!h.Interlaced) { pixels.CopyTo(line); }
                (row, above) = (above, row);
            }
        }
        return new(h.Width, h.Height, channels, samples, h is { Depth: 16 } ? ushort.MaxValue : 255);
    }

    private static void Pixels(Header h, byte[] row, byte[] palette, byte[] clear, Span<ushort> to, int channels)
    {
        int scale = h.Depth < 8 ? 255 / ((1 << h.Depth) - 1) : 1;
        for (int x = 0; x < to.Length / channels; x++)
        {
            var pixel = to.Slice(x * channels, channels);
            if (h.Colour == 3)
            {
                int entry = Sample(row, x, h.Depth);
                if ((entry * 3) + 2 >= palette.Length) { throw new InvalidDataException($"a pixel has colour {entry} of a palette of {palette.Length / 3}"); }
                for (int c = 0; c < 3; c++) { pixel[c] = palette[(entry * 3) + c]; }
                if (channels == 4) { pixel[3] = entry < clear.Length ? clear[entry] : (ushort)255; }
                continue;
            }
            bool see = channels == h.Samples; // no colour is the clear one
            for (int c = 0; c < h.Samples; c++)
            {
                int sample = Sample(row, (x * h.Samples) + c, h.Depth);
                pixel[c] = (ushort)(sample * scale);
                see |= channels > h.Samples && ((2 * c) + 1 >= clear.Length || BinaryPrimitives.ReadUInt16BigEndian(clear.AsSpan(2 * c)) != sample);
            }
            if (channels > h.Samples) { pixel[^1] = (ushort)(see ? (h.Depth == 16 ? ushort.MaxValue : 255) : 0); }
        }
    }

    private static int Sample(byte[] row, int index, int depth) => depth switch
    {
        8 => row[index],
        16 => (row[2 * index] << 8) | row[(2 * index) + 1],
        _ => (row[index * depth / 8] >> (8 - depth - (index * depth % 8))) & ((1 << depth) - 1),
    };

    // section 9: from the byte to the left, above, and above to the left
    private static byte Predict(int filter, byte[] row, byte[] above, int i, int pixel)
    {
        int a = i >= pixel ? row[i - pixel] : 0, b = above[i], c = i >= pixel ? above[i - pixel] : 0;
        switch (filter)
        {
            case 0: return 0;
            case 1: return (byte)a;
            case 2: return (byte)b;
            case 3: return (byte)((a + b) / 2);
        }
        int p = a + b - c, pa = Math.Abs(p - a), pb = Math.Abs(p - b), pc = Math.Abs(p - c);
        return (byte)(pa <= pb && pa <= pc ? a : pb <= pc ? b : c);
    }

    private static void Chunk(Stream file, ReadOnlySpan<byte> type, ReadOnlySpan<byte> body)
    {
        Span<byte> four = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(four, body.Length);
        file.Write(four);
        file.Write(type);
        file.Write(body);
        BinaryPrimitives.WriteUInt32BigEndian(four, Crc32.Append(Crc32.Append(0, type), body));
        file.Write(four);
    }

    private readonly record struct Pass(int X, int Y, int Across, int Down);

    private sealed record Header(int Width, int Height, int Depth, int Colour, bool Interlaced)
    {
        public int Samples => Colour switch { 2 => 3, 4 => 2, 6 => 4, _ => 1 };

        public static Header Of(ReadOnlySpan<byte> body)
        {
            if (body.Length != 13) { throw new InvalidDataException($"its header has {body.Length} bytes, not 13"); }
            var header = new Header(BinaryPrimitives.ReadInt32BigEndian(body), BinaryPrimitives.ReadInt32BigEndian(body[4..]), body[8], body[9], body[12] == 1);
            bool known = (header.Colour, header.Depth) is (0, 1 or 2 or 4 or 8 or 16) or (3, 1 or 2 or 4 or 8) or (2 or 4 or 6, 8 or 16);
            if (!known || header.Width < 1 || header.Height < 1) { throw new InvalidDataException($"there is no PNG of {header.Width} × {header.Height} with colour type {header.Colour} and {header.Depth} bits"); }
            return body[12] <= 1 ? header : throw new InvalidDataException($"its interlace method {body[12]} is none that there is");
        }
    }
}
