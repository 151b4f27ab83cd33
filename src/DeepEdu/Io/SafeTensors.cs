using System.Buffers.Binary;
using DeepEdu.Data;
using DeepEdu.Tensors;

namespace DeepEdu.Io;

/// <summary>A tensor in a safetensors file.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">How its numbers are stored.</param>
/// <param name="Shape">The sizes of its axes.</param>
public sealed record SafeTensorsEntry(string Name, NumberType Type, Shape Shape)
{
    /// <summary>Where the numbers begin, from the end of the header.</summary>
    internal long Begin { get; init; }

    /// <summary>How many bytes they take.</summary>
    internal long Bytes => (long)Shape.Size * Type.Width();
}

/// <summary>Reads and writes safetensors files, the format in which models are exchanged with PyTorch and Hugging Face: eight bytes with the length of a JSON header, the header with type, shape
/// and place of each tensor, and the numbers, little-endian. Only what is asked for is read. The header is checked before anything is believed: names twice, places that overlap, leave
/// gaps, reach beyond the file or do not have the size of their shape are errors.
/// <code>
/// using var file = SafeTensors.Open("model.safetensors");
/// Tensor weight = file.Tensor("encoder.weight");
/// </code></summary>
public sealed class SafeTensors : IDisposable, ISavedTensors
{
    /// <summary>The longest header, as in the reference implementation.</summary>
    internal const int LongestHeader = 100_000_000;

    private readonly Stream _stream;
    private readonly string _path;
    private readonly Dictionary<string, SafeTensorsEntry> _byName = new(StringComparer.Ordinal);
    private readonly bool _keepOpen;
    private long _at;

    private SafeTensors(Stream stream, long length, string path, bool keepOpen)
    {
        (_stream, _path, _keepOpen) = (stream, path, keepOpen);
        try
        {
            (Entries, Metadata) = SafeTensorsHeader.Read(stream, length);
            foreach (var entry in Entries) { _byName.Add(entry.Name, entry); }
        }
        catch (InvalidDataException e)
        {
            Dispose();
            throw new InvalidDataException($"{path}: not a sound safetensors file: {e.Message}", e);
        }
        Offset = stream.CanSeek ? stream.Position : 0;
    }

    /// <summary>The tensors, in the order in which their numbers stand in the file.</summary>
    public IReadOnlyList<SafeTensorsEntry> Entries { get; }

    /// <summary>Texts that the writer added.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    private long Offset { get; }

    /// <summary>Opens a file and reads its header.</summary>
    /// <exception cref="InvalidDataException">It is not a sound safetensors file; says why.</exception>
    public static SafeTensors Open(string path)
    {
        var file = new FileStream(DataFile.NoFolder(path), FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
        return new(file, file.Length, path, keepOpen: false);
    }

    /// <summary>Reads from a stream. One that cannot seek must be asked for its tensors in the order of <see cref="Entries"/>.</summary>
    /// <param name="stream">Stands at the beginning of the file, and is left open.</param>
    /// <param name="length">How long the file is.</param>
    /// <param name="name">What errors call it.</param>
    public static SafeTensors Open(Stream stream, long length, string name = "safetensors")
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(stream);
        return new(stream, length, name, keepOpen: true);
    }

    /// <summary>A tensor, converted to float32 if it is stored otherwise.</summary>
    /// <exception cref="KeyNotFoundException">There is none of this name.</exception>
    public Tensor Tensor(string name)
    {
        var entry = Find(name);
        return Tensors.Tensor.Wrap(Numbers<float>(entry), entry.Shape);
    }

    /// <summary>Whole numbers.</summary>
    /// <exception cref="InvalidDataException">They are not stored as whole numbers.</exception>
    public long[] Longs(string name)
    {
        var entry = Find(name);
        return entry.Type.IsFloat() ? throw new InvalidDataException($"{_path}: \"{name}\" is {entry.Type}, not whole numbers") : Numbers<long>(entry);
    }

    /// <summary>Numbers in double precision.</summary>
    public double[] Doubles(string name) => Numbers<double>(Find(name));

    /// <summary>Everything as tensors under their names; weights of eight bits (I8 beside their "(name)_scale") times their steps.</summary>
    public StateDict ToState()
    {
        var state = new StateDict();
        Dictionary<string, Tensor> steps = new(StringComparer.Ordinal);
        foreach (var entry in Entries)
        {
            var tensor = Tensor(entry.Name);
            if (IsStep(entry.Name)) { steps.Add(entry.Name, tensor); }
            else { state.Set(entry.Name, StepOf(entry) is not { } step ? tensor : EightBitFile.Whole(_path, entry.Name, tensor, steps.TryGetValue(step, out var s) ? s : Tensor(step))); }
        }
        return state;
    }

    IEnumerable<string> ISavedTensors.TensorNames => Entries.Select(e => e.Name).Where(n => !IsStep(n));

    bool ISavedTensors.Has(string name) => _byName.ContainsKey(name) && !IsStep(name);

    Shape ISavedTensors.ShapeOf(string name) => Find(name).Shape;

    Tensor ISavedTensors.Tensor(string name) => StepOf(Find(name)) is { } step ? EightBitFile.Whole(_path, name, Tensor(name), Tensor(step)) : Tensor(name);

    /// <summary>Writes a file, as a whole or not at all.</summary>
    /// <param name="path">Where.</param>
    /// <param name="tensors">Names and tensors, such as <c>model.Parameters()</c>.</param>
    /// <param name="type">How the numbers are stored: F32, F16, BF16 or F64.</param>
    /// <param name="metadata">Texts to add.</param>
    /// <exception cref="ArgumentException">The file's name is that of another format.</exception>
    /// <exception cref="IOException">It could not be written; what stood there before still does.</exception>
    public static void Write(string path, IEnumerable<(string Name, Tensor Value)> tensors, NumberType type = NumberType.F32, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ThrowIfForeign(path);
        var items = Items(tensors, type);
        AtomicFile.Write(path, to => Write(to, items, metadata));
    }

    /// <summary>Writes tensors, each in its own type.</summary>
    internal static void Write(string path, IReadOnlyList<(SafeTensorsEntry Entry, object Value)> items)
    {
        ThrowIfForeign(path);
        AtomicFile.Write(path, to => Write(to, items, null));
    }

    /// <summary>Writes to a stream.</summary>
    public static void Write(Stream to, IEnumerable<(string Name, Tensor Value)> tensors, NumberType type = NumberType.F32, IReadOnlyDictionary<string, string>? metadata = null)
        => Write(to, Items(tensors, type), metadata);

    /// <summary>Writes tensors, longs and doubles, each in its own type.</summary>
    internal static void Write(Stream to, IReadOnlyList<(SafeTensorsEntry Entry, object Value)> items, IReadOnlyDictionary<string, string>? metadata)
    {
        ArgumentNullException.ThrowIfNull(to);
        // wide numbers first, so that each stands at a multiple of its width
        var sorted = items.OrderByDescending(i => i.Entry.Type.Width()).ToArray();
        byte[] header = SafeTensorsHeader.Write(sorted.Select(s => s.Entry), metadata);
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        to.Write(length);
        to.Write(header);
        foreach (var (entry, value) in sorted)
        {
            switch (value)
            {
                case long[] longs: NumberCodec.Write<long>(to, entry.Type, longs); break;
                case double[] doubles: NumberCodec.Write<double>(to, entry.Type, doubles); break;
                case Tensor { Device: Devices.CpuDevice } tensor: NumberCodec.Write<float>(to, entry.Type, tensor.AsSpan()); break;
                case Tensor tensor: NumberCodec.Write<float>(to, entry.Type, tensor.ToArray()); break;
            }
        }
    }

    /// <summary>Closes the file.</summary>
    public void Dispose()
    {
        if (!_keepOpen) { _stream.Dispose(); }
    }

    private static void ThrowIfForeign(string path) =>
        ForeignName.ThrowIf(path, "a safetensors file", $"call it {Path.ChangeExtension(path, ".safetensors")}; SaveWeights and TorchFile.Write make PyTorch's own format under {Path.ChangeExtension(path, ".pt")}, and a checkpoint is written with Save", ".pt", ".pth", ".ckpt");

    private static (SafeTensorsEntry, object)[] Items(IEnumerable<(string Name, Tensor Value)> tensors, NumberType type)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        (string Name, Tensor Value)[] all = [.. tensors];
        NullItems.ThrowIfAny(all, nameof(tensors));
        return !type.IsFloat()
            ? throw new ArgumentException($"safetensors: tensors are written as F32, F16, BF16 or F64, not {type}", nameof(type))
            : [.. all.Select(t => (new SafeTensorsEntry(t.Name, type, t.Value.Shape), (object)t.Value))];
    }

    // the name of the steps of a weight of eight bits, if it is one
    private string? StepOf(SafeTensorsEntry entry) =>
        entry.Type == NumberType.I8 && _byName.TryGetValue(entry.Name + EightBitFile.Steps, out var steps) && steps.Type.IsFloat() ? steps.Name : null;

    private bool IsStep(string name) =>
        name.EndsWith(EightBitFile.Steps, StringComparison.Ordinal) && _byName.TryGetValue(name[..^EightBitFile.Steps.Length], out var weight) && StepOf(weight) is not null;

    private SafeTensorsEntry Find(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return _byName.TryGetValue(name, out var entry) ? entry
        : throw new KeyNotFoundException($"{_path}: there is no \"{name}\"; it holds {string.Join(", ", Entries.Take(8).Select(e => $"\"{e.Name}\""))}{(Entries.Count > 8 ? ", …" : "")}");
    }

    private T[] Numbers<T>(SafeTensorsEntry entry) where T : unmanaged, System.Numerics.INumber<T>
    {
        var values = GC.AllocateUninitializedArray<T>(entry.Shape.Size);
        try
        {
            if (_stream.CanSeek) { _stream.Position = Offset + entry.Begin; }
            else if (_at != entry.Begin) { throw new InvalidOperationException($"{_path}: this stream cannot go back; ask for the tensors in the order of Entries"); }
            NumberCodec.Read<T>(_stream, entry.Type, bigEndian: false, values);
            _at = entry.Begin + entry.Bytes;
            return values;
        }
        catch (Exception e) when (e is EndOfStreamException or InvalidDataException) { throw new InvalidDataException($"{_path}: \"{entry.Name}\": {e.Message}", e); }
    }
}
