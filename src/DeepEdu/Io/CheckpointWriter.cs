using System.IO.Compression;
using System.Security.Cryptography;
using System.Text.Json;
using DeepEdu.Data;
using DeepEdu.Tensors;

namespace DeepEdu.Io;

/// <summary>Writes the zip of a checkpoint. Nothing in it is compressed: weights hardly shrink.</summary>
internal static class CheckpointWriter
{
    /// <summary>What follows a part's name where its numbers stand.</summary>
    public const string Numbers = ".numbers";

    private static readonly DateTimeOffset s_noTime = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero); // the same content, the same bytes

    public static void Write(Stream to, CheckpointInfo info, IReadOnlyList<(string Name, ISaveState Value)> parts)
    {
        List<ManifestFile> files = [];
        using var zip = new ZipArchive(to, ZipArchiveMode.Create, leaveOpen: true);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (name, value) in parts)
        {
            if (name.Length == 0 || name.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('_' or '-' or '.')) || name == "manifest" || name.EndsWith(Numbers, StringComparison.Ordinal) || !seen.Add(name))
            {
                throw new ArgumentException($"checkpoint: \"{name}\" cannot name a part; use letters, digits, '_', '-' and '.', each name once, and neither \"manifest\" nor an end \"{Numbers}\", which the file has for itself", nameof(parts));
            }
            var state = new StateDict();
            value.SaveState(state);
            Part(zip, name, state, files);
        }
        string version = typeof(CheckpointFile).Assembly.GetName().Version!.ToString(3);
        byte[] manifest = new Manifest(Manifest.Newest, version, info, [.. parts.Select(p => p.Name)], files).ToJson();
        Add(zip, "manifest.json", body => body.Write(manifest));
        zip.Comment = Signature(manifest);
    }

    /// <summary>What the zip's comment says: nothing else can vouch for the manifest.</summary>
    public static string Signature(byte[] manifest) => $"{Manifest.Format} {Convert.ToHexStringLower(SHA256.HashData(manifest))}";

    private static void Part(ZipArchive zip, string name, StateDict state, List<ManifestFile> files)
    {
        List<(SafeTensorsEntry, object)> tensors = [], numbers = [];
        var rest = new StateDict();
        foreach (string key in state.Names)
        {
            switch (state[key])
            {
                case Tensor t: tensors.Add((new(key, NumberType.F32, t.Shape), t)); break;
                case long[] n: numbers.Add((new(key, NumberType.I64, [n.Length]), n)); break;
                case double[] x: numbers.Add((new(key, NumberType.F64, [x.Length]), x)); break;
                case var other: rest[key] = other; break;
            }
        }
        // numbers stand apart, so that the tensors of a model are exactly PyTorch's state dict
        if (tensors.Count > 0) { files.Add(Add(zip, $"{name}.safetensors", body => SafeTensors.Write(body, tensors, null))); }
        if (numbers.Count > 0) { files.Add(Add(zip, $"{name}{Numbers}.safetensors", body => SafeTensors.Write(body, numbers, null))); }
        if (rest.Names.Count == 0) { return; }
        files.Add(Add(zip, $"{name}.json", body =>
        {
            using var json = new Utf8JsonWriter(body);
            StateJson.Write(json, rest);
        }));
    }

    private static ManifestFile Add(ZipArchive zip, string name, Action<Stream> write)
    {
        var entry = zip.CreateEntry(name, CompressionLevel.NoCompression);
        entry.LastWriteTime = s_noTime;
        using var hashing = new HashingStream(entry.Open());
        write(hashing);
        return new(name, hashing.Bytes, hashing.Hash());
    }
}
