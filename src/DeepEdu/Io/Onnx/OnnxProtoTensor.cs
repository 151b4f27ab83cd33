using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using DeepEdu.Data;

namespace DeepEdu.Io;

/// <summary>TensorProto: a name, sizes, and the numbers in one of seven places: raw bytes, a file beside the model, or a list for each kind of number.</summary>
internal sealed class OnnxProtoTensor
{
    // by the numbers of onnx.proto
    private static readonly NumberType?[] s_types =
    [
        null, NumberType.F32, NumberType.U8, NumberType.I8, NumberType.U16, NumberType.I16, NumberType.I32, NumberType.I64, null, NumberType.Bool, NumberType.F16, NumberType.F64, NumberType.U32, NumberType.U64, null, null,
        NumberType.BF16,
    ];

    private readonly int[] _shape;
    private readonly int _type;
    private readonly ReadOnlyMemory<byte>? _raw;
    private readonly IReadOnlyList<float> _reals;
    private readonly IReadOnlyList<double> _doubles;
    private readonly IReadOnlyList<long> _wholes;
    private readonly IReadOnlyDictionary<string, string>? _outside;

    private OnnxProtoTensor(string name, int[] shape, int type, ReadOnlyMemory<byte>? raw, IReadOnlyList<float> reals, IReadOnlyList<double> doubles, IReadOnlyList<long> wholes,
        IReadOnlyDictionary<string, string>? outside)
        => (Name, _shape, _type, _raw, _reals, _doubles, _wholes, _outside) = (name, shape, type, raw, reals, doubles, wholes, outside);

    public string Name { get; }

    public ReadOnlySpan<int> Shape => _shape;

    public OnnxKind Kind => KindOf(_type) ?? throw Unknown();

    /// <summary>Which kind of numbers a type of ONNX holds; null for texts, complex numbers and those of fewer than eight bits.</summary>
    public static OnnxKind? KindOf(int type) => type switch { 1 or 10 or 11 or 16 => OnnxKind.Real, 2 or 3 or 4 or 5 or 6 or 7 or 12 or 13 => OnnxKind.Whole, 9 => OnnxKind.Truth, _ => null };

    public static OnnxProtoTensor Read(ReadOnlyMemory<byte> message)
    {
        string name = "";
        int type = 0;
        ReadOnlyMemory<byte>? raw = null;
        List<long> dims = [], wholes = [];
        List<float> reals = [];
        List<double> doubles = [];
        Dictionary<string, string>? outside = null;
        for (var r = new ProtoReader(message); r.Next();)
        {
            switch (r.Field)
            {
                case 1: r.Numbers(dims); break;
                case 2: type = (int)r.Number; break;
                case 4: r.Fixed(reals, 4, b => BitConverter.UInt32BitsToSingle((uint)b)); break;
                case 5 or 7 or 11: r.Numbers(wholes); break;
                case 8: name = r.Text; break;
                case 9: raw = r.Message; break;
                case 10: r.Fixed(doubles, 8, BitConverter.UInt64BitsToDouble); break;
                case 13:
                    string key = "", value = "";
                    for (var pair = new ProtoReader(r.Message); pair.Next();) { if (pair.Field == 1) { key = pair.Text; } else if (pair.Field == 2) { value = pair.Text; } }
                    (outside ??= new(StringComparer.Ordinal))[key] = value;
                    break;
                default: break;
            }
        }
        long size = 1;
        foreach (long n in dims)
        {
            if (n < 0 || (size *= n) > int.MaxValue) { throw new InvalidDataException($"the constant \"{name}\" has the sizes {string.Join(", ", dims)}"); }
        }
        return new(name, [.. dims.Select(n => (int)n)], type, raw, reals, doubles, wholes, outside);
    }

    /// <summary>The numbers, on the host.</summary>
    /// <inheritdoc cref="Numbers"/>
    public OnnxHost Values(string? folder) => new(_shape, Numbers<double>(folder), Kind) { IsSigned = _type is not (2 or 4 or 12 or 13) };

    /// <summary>The numbers, row by row.</summary>
    /// <param name="folder">Where files beside the model lie; null if there is no folder.</param>
    /// <exception cref="InvalidDataException">They are not as many as the sizes say.</exception>
    public T[] Numbers<T>(string? folder) where T : unmanaged, INumber<T>
    {
        int size = _shape.Aggregate(1, (a, b) => a * b);
        if (_outside is not null) { return Outside<T>(folder, size); }
        if (_raw is { } raw) { return Decode<T>(MemoryMarshal.TryGetArray(raw, out var bytes) ? new(bytes.Array!, bytes.Offset, bytes.Count) : new MemoryStream(raw.ToArray()), raw.Length, size); }
        int given = _type == 11 ? _doubles.Count : _type == 1 ? _reals.Count : _wholes.Count;
        if (given != size) { throw new InvalidDataException($"the constant \"{Name}\" has {given} numbers, not {size}"); }
        var values = new T[size];
        for (int i = 0; i < size; i++)
        {
            values[i] = _type switch
            {
                1 => T.CreateTruncating(_reals[i]),
                11 => T.CreateTruncating(_doubles[i]),
                10 => T.CreateTruncating(BitConverter.UInt16BitsToHalf((ushort)_wholes[i])),
                16 => T.CreateTruncating(BitConverter.UInt32BitsToSingle((uint)_wholes[i] << 16)),
                13 => T.CreateTruncating((ulong)_wholes[i]),
                _ => T.CreateTruncating(_wholes[i]),
            };
        }
        return values;
    }

    private T[] Decode<T>(Stream from, long bytes, int size) where T : unmanaged, INumber<T>
    {
        var type = NumbersOf();
        if (bytes != (long)size * type.Width()) { throw new InvalidDataException($"the constant \"{Name}\" has {bytes} bytes, not {(long)size * type.Width()}"); }
        var values = new T[size];
        NumberCodec.Read(from, type, bigEndian: false, values.AsSpan());
        return values;
    }

    // a file inside the model's own folder, and nowhere else
    private T[] Outside<T>(string? folder, int size) where T : unmanaged, INumber<T>
    {
        string place = _outside!.GetValueOrDefault("location", "");
        if (folder is null) { throw new InvalidDataException($"the constant \"{Name}\" lies in the file \"{place}\" beside the model; read the model by its path"); }
        string root = Path.GetFullPath(folder) is var f && f.EndsWith(Path.DirectorySeparatorChar) ? f : f + Path.DirectorySeparatorChar, path = Path.GetFullPath(Path.Combine(root, place));
        if (place.Length == 0 || !path.StartsWith(root, StringComparison.Ordinal)) { throw new InvalidDataException($"the constant \"{Name}\" says that it lies in \"{place}\", which is not inside the model's folder"); }
        if (!File.Exists(path)) { throw new InvalidDataException($"the constant \"{Name}\" lies in \"{place}\", and there is no such file beside the model"); }
        long bytes = (long)size * NumbersOf().Width(), from = Number("offset", 0), length = Number("length", bytes);
        using var file = File.OpenRead(path);
        if (from < 0 || length != bytes || from > file.Length - bytes) { throw new InvalidDataException($"the constant \"{Name}\" says bytes {from} to {from + length} of \"{place}\", which has {file.Length}; it needs {bytes}"); }
        file.Position = from;
        return Decode<T>(file, bytes, size);

        long Number(string key, long otherwise) => !_outside!.TryGetValue(key, out string? text) ? otherwise
            : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long n) ? n : throw new InvalidDataException($"the constant \"{Name}\": {key} \"{text}\"");
    }

    private NumberType NumbersOf() => (uint)_type < (uint)s_types.Length && s_types[_type] is { } type ? type : throw Unknown();

    private NotSupportedException Unknown() => new($"onnx-model: the constant \"{Name}\" is of type {_type} (texts, complex numbers, or numbers of fewer than 16 bits with a fraction), which has no tensors here");
}
