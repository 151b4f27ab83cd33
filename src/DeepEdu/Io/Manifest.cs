using System.Text.Json;

namespace DeepEdu.Io;

/// <summary>One file in a checkpoint.</summary>
internal sealed record ManifestFile(string Name, long Bytes, string Sha256);

/// <summary>The table of contents of a checkpoint, manifest.json.</summary>
internal sealed record Manifest(int Version, string Library, CheckpointInfo Info, IReadOnlyList<string> Parts, IReadOnlyList<ManifestFile> Files)
{
    public const string Format = "deepedu-checkpoint";

    /// <summary>The version that is written. Every earlier one is read.</summary>
    public const int Newest = 1;

    public byte[] ToJson()
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, new() { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("format"u8, Format);
            json.WriteNumber("version"u8, Version);
            json.WriteString("library"u8, Library);
            json.WriteString("architecture"u8, Info.Architecture);
            json.WritePropertyName("options"u8);
            StateJson.Write(json, Info.Options);
            json.WritePropertyName("metrics"u8);
            StateJson.Write(json, Info.Metrics);
            if (Info.Seed is { } seed) { json.WriteNumber("seed"u8, seed); }
            if (Info.DataHash is { } hash) { json.WriteString("data_hash"u8, hash); }
            json.WriteStartArray("parts"u8);
            foreach (string part in Parts) { json.WriteStringValue(part); }
            json.WriteEndArray();
            json.WriteStartArray("files"u8);
            foreach (var file in Files)
            {
                json.WriteStartObject();
                json.WriteString("name"u8, file.Name);
                json.WriteNumber("bytes"u8, file.Bytes);
                json.WriteString("sha256"u8, file.Sha256);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return bytes.ToArray();
    }

    /// <exception cref="InvalidDataException">It is no manifest, or one of a later version.</exception>
    public static Manifest Parse(byte[] text)
    {
        try { return Read(text); }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException) { throw new InvalidDataException($"its manifest is broken: {e.Message}", e); }
    }

    // fields that are not known are passed over, so that later versions may add some
    private static Manifest Read(byte[] text)
    {
        string format = "", library = "";
        int version = 0;
        var info = new CheckpointInfo();
        List<string> parts = [];
        List<ManifestFile> files = [];
        var json = new Utf8JsonReader(text);
        json.Read();
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            string field = json.GetString()!;
            json.Read();
            switch (field)
            {
                case "format": format = Text(ref json, field); break;
                case "version":
                    version = json.GetInt32();
                    if (version > Newest) { throw new InvalidDataException($"it is of format version {version}, this library knows versions up to {Newest}: it was saved by a later library"); }
                    break;
                case "library": library = Text(ref json, field); break;
                case "architecture": info = info with { Architecture = Text(ref json, field) }; break;
                case "options": StateJson.Read(ref json, info.Options); break;
                case "metrics": StateJson.Read(ref json, info.Metrics); break;
                case "seed": info = info with { Seed = json.GetUInt64() }; break;
                case "data_hash": info = info with { DataHash = json.GetString() }; break;
                case "parts":
                    while (json.Read() && json.TokenType != JsonTokenType.EndArray) { parts.Add(Text(ref json, field)); }
                    break;
                case "files":
                    while (json.Read() && json.TokenType != JsonTokenType.EndArray) { files.Add(File(ref json)); }
                    break;
                default: json.Skip(); break;
            }
        }
        if (format != Format || version < 1) { throw new InvalidDataException("its manifest is not that of a checkpoint"); }
        return new(version, library, info, parts, files);
    }

    private static ManifestFile File(ref Utf8JsonReader json)
    {
        string name = "", sha256 = "";
        long bytes = 0;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            string field = json.GetString()!;
            json.Read();
            switch (field)
            {
                case "name": name = Text(ref json, field); break;
                case "bytes": bytes = json.GetInt64(); break;
                case "sha256": sha256 = Text(ref json, field); break;
                default: json.Skip(); break;
            }
        }
        return new(name, bytes, sha256);
    }

    private static string Text(ref Utf8JsonReader json, string field) => json.GetString() ?? throw new InvalidDataException($"its manifest is broken: \"{field}\" is null");
}
