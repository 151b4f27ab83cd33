using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using DeepEdu.Data;
using DeepEdu.Tensors;

namespace DeepEdu.Io;

/// <summary>The JSON header of a safetensors file.</summary>
internal static class SafeTensorsHeader
{
    private const string MetadataName = "__metadata__";

    /// <summary>Reads the header; the stream then stands at the numbers.</summary>
    public static (SafeTensorsEntry[] Entries, Dictionary<string, string> Metadata) Read(Stream from, long length)
    {
        Span<byte> prefix = stackalloc byte[8];
        if (length < 10 || from.ReadAtLeast(prefix, 8, throwOnEndOfStream: false) < 8) { Throw(length == 0 ? "it is empty" : $"{length} bytes are too few; is it another kind of file, or cut off?"); }
        long size = BinaryPrimitives.ReadInt64LittleEndian(prefix);
        if (prefix is [(byte)'P', (byte)'K', ..]) { Throw("it is a zip; a checkpoint is read with Load, a file of torch.save with LoadWeights or TorchFile"); }
        if (prefix is [0x80, 2, 0x8a, ..]) { Throw("torch.save wrote it before version 1.6, or was told to write as then; save it anew"); }
        if (prefix is [0x89, (byte)'H', (byte)'D', (byte)'F', ..]) { Throw("it is HDF5, as Keras writes it; in Python, write the weights with safetensors.numpy.save_file under the names of Parameters()"); }
        if (size is < 2 or > SafeTensors.LongestHeader || size > length - 8) { Throw($"its header would have {(ulong)size} bytes; is it another kind of file?"); }
        byte[] json = new byte[size];
        if (from.ReadAtLeast(json, json.Length, throwOnEndOfStream: false) < json.Length) { Throw("it ends within the header"); }
        if (json[0] != (byte)'{') { Throw("its header is no JSON object; is it another kind of file?"); }
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        List<(SafeTensorsEntry Entry, long End)> found = [];
        try { Parse(json, found, metadata); }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException) { Throw($"its header is broken: {e.Message}"); }
        catch (ShapeException e) { Throw(e.Message); }
        return (Placed(found, length - 8 - size), metadata);
    }

    /// <summary>The header of tensors that stand one after another, padded with blanks to a multiple of 8.</summary>
    public static byte[] Write(IEnumerable<SafeTensorsEntry> entries, IReadOnlyDictionary<string, string>? metadata)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                json.WriteStartObject(MetadataName);
                foreach (var (key, value) in metadata) { json.WriteString(key, value); }
                json.WriteEndObject();
            }
            long at = 0;
            var seen = new HashSet<string>(StringComparer.Ordinal) { MetadataName };
            foreach (var entry in entries)
            {
                if (!seen.Add(entry.Name)) { throw new ArgumentException($"safetensors: the name \"{entry.Name}\" is given twice, or reserved"); }
                json.WriteStartObject(entry.Name);
                json.WriteString("dtype"u8, entry.Type.ToString().ToUpperInvariant());
                json.WriteStartArray("shape"u8);
                foreach (int n in entry.Shape) { json.WriteNumberValue(n); }
                json.WriteEndArray();
                json.WriteStartArray("data_offsets"u8);
                json.WriteNumberValue(at);
                json.WriteNumberValue(at += entry.Bytes);
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        while (bytes.Length % 8 != 0) { bytes.WriteByte((byte)' '); }
        return bytes.ToArray();
    }

    private static void Parse(byte[] bytes, List<(SafeTensorsEntry, long)> found, Dictionary<string, string> metadata)
    {
        var json = new Utf8JsonReader(bytes);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        json.Read();
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            string name = json.GetString()!;
            if (!seen.Add(name)) { Throw($"the name \"{name}\" stands twice"); }
            json.Read();
            if (json.TokenType != JsonTokenType.StartObject) { Throw($"\"{name}\" is no object"); }
            if (name == MetadataName)
            {
                while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
                {
                    string key = json.GetString()!;
                    json.Read();
                    metadata[key] = json.GetString() ?? "";
                }
            }
            else { found.Add(Entry(ref json, name)); }
        }
        while (json.Read()) { } // blanks; anything else is an error
    }

    private static (SafeTensorsEntry, long) Entry(ref Utf8JsonReader json, string name)
    {
        NumberType? type = null;
        List<int>? sizes = null;
        List<long>? place = null;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            string key = json.GetString()!;
            json.Read();
            switch (key)
            {
                case "dtype": type = Type(json.GetString(), name); break;
                case "shape": sizes = [.. Longs(ref json, name).Select(n => n is >= 0 and <= int.MaxValue ? (int)n : throw new InvalidDataException($"\"{name}\" has an axis of {n}"))]; break;
                case "data_offsets": place = Longs(ref json, name); break;
                default: Throw($"\"{name}\" has an unknown field \"{key}\""); break;
            }
        }
        if (type is null || sizes is null || place is null) { Throw($"\"{name}\" lacks its dtype, shape or data_offsets"); }
        if (place.Count != 2) { Throw($"\"{name}\" has {place.Count} offsets, not 2"); }
        var entry = new SafeTensorsEntry(name, type.Value, [.. sizes]) { Begin = place[0] };
        if (place[0] < 0 || place[1] - place[0] != entry.Bytes) { Throw($"\"{name}\" of shape {entry.Shape} takes {entry.Bytes} bytes, but stands at {place[0]}..{place[1]}"); }
        return (entry, place[1]);
    }

    private static SafeTensorsEntry[] Placed(List<(SafeTensorsEntry Entry, long End)> found, long length)
    {
        found.Sort((a, b) => (a.Entry.Begin, a.End).CompareTo((b.Entry.Begin, b.End)));
        long at = 0;
        foreach (var (entry, end) in found)
        {
            if (entry.Begin != at) { Throw($"\"{entry.Name}\" begins at {entry.Begin}, but the one before ends at {at}: they {(entry.Begin < at ? "overlap" : "leave a gap")}"); }
            at = end;
        }
        if (at != length) { Throw(at > length ? $"its tensors take {at} bytes, but only {length} follow: it was cut off" : $"{length - at} bytes follow that belong to no tensor"); }
        return [.. found.Select(f => f.Entry)];
    }

    private static NumberType Type(string? text, string name) => text switch
    {
        "F32" => NumberType.F32,
        "F16" => NumberType.F16,
        "BF16" => NumberType.BF16,
        "F64" => NumberType.F64,
        "I8" => NumberType.I8,
        "I16" => NumberType.I16,
        "I32" => NumberType.I32,
        "I64" => NumberType.I64,
        "U8" => NumberType.U8,
        "U16" => NumberType.U16,
        "U32" => NumberType.U32,
        "U64" => NumberType.U64,
        "BOOL" => NumberType.Bool,
        _ => throw new InvalidDataException($"\"{name}\" is stored as {text}, which is not supported"),
    };

    private static List<long> Longs(ref Utf8JsonReader json, string name)
    {
        List<long> values = [];
        if (json.TokenType != JsonTokenType.StartArray) { Throw($"\"{name}\" has a shape or place that is no array"); }
        while (json.Read() && json.TokenType != JsonTokenType.EndArray) { values.Add(json.GetInt64()); }
        return values;
    }

    [DoesNotReturn]
    private static void Throw(string why) => throw new InvalidDataException(why);
}
