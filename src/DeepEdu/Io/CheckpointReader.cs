using System.IO.Compression;
using System.Text.Json;
using DeepEdu.Data;
using DeepEdu.Tensors;

namespace DeepEdu.Io;

/// <summary>Reads the zip of a checkpoint and believes nothing in it.</summary>
internal static class CheckpointReader
{
    private const long LongestManifest = 1 << 26;
    private const string NumbersKind = CheckpointWriter.Numbers + ".safetensors";

    public static CheckpointFile Read(string path, Stream file)
    {
        Span<byte> head = stackalloc byte[4];
        if (file.ReadAtLeast(head, 4, throwOnEndOfStream: false) < 4 || !head.SequenceEqual("PK\x3\x4"u8))
        {
            throw new InvalidDataException($"{path}: not a checkpoint: {Looks(head, file.Length)}");
        }
        string at = "the zip's table of contents";
        try
        {
            using var zip = new ZipArchive(file, ZipArchiveMode.Read, leaveOpen: true);
            at = "manifest.json";
            var manifest = ReadManifest(zip);
            var parts = manifest.Parts.ToDictionary(p => p, _ => new StateDict(), StringComparer.Ordinal);
            foreach (var content in manifest.Files)
            {
                at = content.Name;
                ReadFile(zip, content, parts, file.Length);
            }
            return new(path, manifest, parts);
        }
        // a broken zip shows itself in many ways
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException or NotSupportedException or ArgumentException or OverflowException or JsonException
            or FormatException or InvalidOperationException or KeyNotFoundException)
        {
            throw new InvalidDataException($"{path}: the checkpoint is damaged, or not one, at {at}: {e.Message}", e);
        }
    }

    private static Manifest ReadManifest(ZipArchive zip)
    {
        if (zip.Entries.Any(e => e.Name == "data.pkl")) { throw new InvalidDataException("it is PyTorch's; read it with LoadWeights or TorchFile"); }
        var entry = Entry(zip, "manifest.json");
        if (entry.Length > LongestManifest) { throw new InvalidDataException($"it would have {entry.Length} bytes"); }
        using var from = entry.Open();
        byte[] text = new byte[entry.Length];
        from.ReadExactly(text);
        var manifest = Manifest.Parse(text);
        return zip.Comment == CheckpointWriter.Signature(text) ? manifest : throw new InvalidDataException("its SHA-256 is not the one at the end of the file: bytes have changed");
    }

    private static void ReadFile(ZipArchive zip, ManifestFile content, Dictionary<string, StateDict> parts, long longest)
    {
        var entry = Entry(zip, content.Name);
        if (entry.Length != content.Bytes || content.Bytes > longest) { throw new InvalidDataException($"it has {entry.Length} bytes, the manifest says {content.Bytes}"); }
        using var from = new HashingStream(entry.Open());
        string kind = content.Name.EndsWith(NumbersKind, StringComparison.Ordinal) ? NumbersKind : System.IO.Path.GetExtension(content.Name);
        if (!parts.TryGetValue(content.Name[..^kind.Length], out var part)) { throw new InvalidDataException("it belongs to no part"); }
        string? broken = null;
        try
        {
            switch (kind)
            {
                case ".json": ReadJson(from, content.Bytes, part); break;
                case ".safetensors" or NumbersKind: ReadTensors(from, content, part, kind); break;
                default: throw new InvalidDataException("it is of no known kind");
            }
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException or JsonException) { broken = e.Message; } // the hash says it better
        from.CopyTo(Stream.Null);
        if (from.Hash() != content.Sha256) { throw new InvalidDataException("its SHA-256 is not the one in the manifest: bytes have changed"); }
        if (broken is not null) { throw new InvalidDataException(broken); }
    }

    private static void ReadTensors(Stream from, ManifestFile content, StateDict part, string kind)
    {
        using var tensors = SafeTensors.Open(from, content.Bytes, content.Name);
        foreach (var entry in tensors.Entries)
        {
            part[entry.Name] = kind == ".safetensors" ? tensors.Tensor(entry.Name) : entry.Type == NumberType.I64 ? tensors.Longs(entry.Name) : tensors.Doubles(entry.Name);
        }
    }

    private static void ReadJson(Stream from, long length, StateDict part)
    {
        byte[] text = new byte[length];
        from.ReadExactly(text);
        var json = new Utf8JsonReader(text);
        json.Read();
        StateJson.Read(ref json, part);
    }

    private static ZipArchiveEntry Entry(ZipArchive zip, string name) => zip.GetEntry(name) ?? throw new InvalidDataException("it is missing");

    private static string Looks(ReadOnlySpan<byte> head, long length) => length == 0 ? "the file is empty"
        : head is [0x1F, 0x8B, ..] ? "it looks like gzip"
        : head is [0x89, (byte)'P', ..] ? "it looks like a PNG image"
        : head is [0x89, (byte)'H', ..] ? "it looks like HDF5, as Keras writes it"
        : head is [0x93, (byte)'N', ..] ? "it looks like a NumPy array; read it with Npy"
        : head is [_, _, _, 0] && length > 8 ? "it may be a safetensors file; read it with LoadWeights"
        : "it does not begin as a zip does";
}
