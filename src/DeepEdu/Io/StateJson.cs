using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using DeepEdu.Tensors;

namespace DeepEdu.Io;

/// <summary>The values of a <see cref="StateDict"/> other than tensors as a JSON object. A number with a point or an exponent is a double, one without is a whole number; what JSON cannot say
/// is an object: {"double": "NaN"}, {"longs": []}, {"doubles": []}, {"utf16": [55357]} for a text with half a surrogate pair.</summary>
internal static class StateJson
{
    public static void Write(Utf8JsonWriter to, StateDict values)
    {
        to.WriteStartObject();
        foreach (string name in values.Names)
        {
            to.WritePropertyName(name);
            switch (values[name])
            {
                case long n: to.WriteNumberValue(n); break;
                case double x: Double(to, x); break;
                case bool b: to.WriteBooleanValue(b); break;
                case string s: Text(to, s); break;
                case long[] { Length: 0 }: Empty(to, "longs"); break;
                case double[] { Length: 0 }: Empty(to, "doubles"); break;
                case long[] longs: Array(to, longs, static (to, n) => to.WriteNumberValue(n)); break;
                case double[] doubles: Array(to, doubles, Double); break;
                case string[] texts: Array(to, texts, Text); break;
                default: throw new ArgumentException($"state: \"{name}\" is a tensor, which does not belong among settings and metrics");
            }
        }
        to.WriteEndObject();
    }

    /// <summary>Reads the object at whose beginning the reader stands.</summary>
    public static void Read(ref Utf8JsonReader json, StateDict to)
    {
        if (json.TokenType != JsonTokenType.StartObject) { throw new InvalidDataException("a JSON object was expected"); }
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            string name = json.GetString()!;
            json.Read();
            if (to.Has(name)) { throw new InvalidDataException($"\"{name}\" stands twice"); }
            to[name] = Value(ref json);
        }
    }

    private static object Value(ref Utf8JsonReader json) => json.TokenType switch
    {
        JsonTokenType.Number => Number(ref json),
        JsonTokenType.True => true,
        JsonTokenType.False => false,
        JsonTokenType.String => json.GetString()!,
        JsonTokenType.StartObject => Special(ref json),
        JsonTokenType.StartArray => Values(ref json),
        _ => throw new InvalidDataException("null is no value"),
    };

    private static object Number(ref Utf8JsonReader json) => json.ValueSpan.IndexOfAny((byte)'.', (byte)'e', (byte)'E') < 0 ? (object)json.GetInt64() : json.GetDouble();

    private static object Special(ref Utf8JsonReader json)
    {
        json.Read();
        string? kind = json.GetString();
        json.Read();
        if (kind == "utf16")
        {
            var text = new StringBuilder();
            while (json.Read() && json.TokenType != JsonTokenType.EndArray) { text.Append((char)json.GetUInt16()); }
            json.Read();
            return text.ToString();
        }
        object value = kind switch
        {
            "longs" => (long[])[],
            "doubles" => (double[])[],
            "double" => double.Parse(json.GetString()!, CultureInfo.InvariantCulture),
            _ => throw new InvalidDataException($"\"{kind}\" is no kind of value"),
        };
        if (json.TokenType == JsonTokenType.StartArray) { json.Read(); }
        json.Read();
        return value;
    }

    private static object Values(ref Utf8JsonReader json)
    {
        List<object> values = [];
        while (json.Read() && json.TokenType != JsonTokenType.EndArray) { values.Add(Value(ref json)); }
        if (values.All(v => v is string)) { return (string[])[.. values.Cast<string>()]; }
        if (values.All(v => v is long)) { return (long[])[.. values.Cast<long>()]; }
        return values.All(v => v is double) ? (double[])[.. values.Cast<double>()] : throw new InvalidDataException("the values of an array must be of one kind");
    }

    // JSON is UTF-8, which has no place for half a surrogate pair
    private static void Text(Utf8JsonWriter to, string text)
    {
        if (Whole(text)) { to.WriteStringValue(text); return; }
        to.WriteStartObject();
        to.WriteStartArray("utf16"u8);
        foreach (char c in text) { to.WriteNumberValue(c); }
        to.WriteEndArray();
        to.WriteEndObject();
    }

    private static bool Whole(string text)
    {
        if (text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF') < 0) { return true; }
        for (int at = 0; at < text.Length;)
        {
            if (Rune.DecodeFromUtf16(text.AsSpan(at), out _, out int width) != OperationStatus.Done) { return false; }
            at += width;
        }
        return true;
    }

    // the shortest text that reads back as the same bits
    private static void Double(Utf8JsonWriter to, double x)
    {
        if (!double.IsFinite(x))
        {
            to.WriteStartObject();
            to.WriteString("double"u8, x.ToString(CultureInfo.InvariantCulture));
            to.WriteEndObject();
            return;
        }
        string text = x.ToString("R", CultureInfo.InvariantCulture);
        to.WriteRawValue(text.AsSpan().IndexOfAny('.', 'E') < 0 ? text + ".0" : text);
    }

    private static void Empty(Utf8JsonWriter to, string kind)
    {
        to.WriteStartObject();
        to.WriteStartArray(kind);
        to.WriteEndArray();
        to.WriteEndObject();
    }

    private static void Array<T>(Utf8JsonWriter to, T[] values, Action<Utf8JsonWriter, T> write)
    {
        to.WriteStartArray();
        foreach (var value in values) { write(to, value); }
        to.WriteEndArray();
    }
}
