using System.Globalization;
using System.IO.Compression;
using System.Numerics;
using DeepEdu.Data;
using DeepEdu.Tensors;

namespace DeepEdu.Io;

/// <summary>Reads what PyTorch's <c>torch.save</c> wrote (its zip format, since version 1.6): a state dict, or a dictionary that holds one. No code of the file is run. Writes state dicts that
/// <c>torch.load</c> reads, <c>weights_only</c> or not.
/// <code>
/// model.LoadWeights("model.pt");                                      // torch.save(model.state_dict(), "model.pt")
/// model.LoadWeights(TorchFile.Read("run.pt").Part("model"));          // torch.save({"model": model.state_dict(), "epoch": 3}, "run.pt")
/// </code></summary>
public static class TorchFile
{
    private const int MostEntries = 1 << 20;

    /// <summary>All tensors, and the numbers and texts beside them. What lies in a dictionary inside has the dictionary's name and a dot before its own.</summary>
    /// <exception cref="InvalidDataException">It is no such file, or broken, or holds a whole model in place of its state dict.</exception>
    public static StateDict Read(string path)
    {
        using var file = File.OpenRead(DataFile.NoFolder(path));
        try
        {
            using var zip = Open(file);
            var pickle = zip.Entries.FirstOrDefault(e => e.Name == "data.pkl") ?? throw new InvalidDataException("it is a zip, but torch.save did not write it; a checkpoint is read with Load");
            string folder = pickle.FullName[..^pickle.Name.Length];
            if (zip.GetEntry(folder + "byteorder") is { } order && !Bytes(order, file.Length).AsSpan().SequenceEqual("little"u8)) { throw new InvalidDataException("its numbers are big-endian"); }
            var state = new StateDict();
            Put(state, Pickle.Read(Bytes(pickle, file.Length)), new Storages(zip, folder, file.Length), depth: 0);
            return state;
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException or ShapeException or ArgumentException)
        {
            throw new InvalidDataException($"{path}: {e.Message}", e);
        }
    }

    /// <summary>Writes a state dict, as a whole or not at all, that <c>torch.load</c> reads.</summary>
    /// <param name="path">Where.</param>
    /// <param name="tensors">Names and tensors, such as <c>model.Parameters()</c>.</param>
    /// <param name="type">How the numbers are stored: F32, F16, BF16 or F64.</param>
    /// <exception cref="ArgumentException">The file's name is that of another format, or a tensor's is given twice.</exception>
    /// <exception cref="IOException">It could not be written; what stood there before still does.</exception>
    public static void Write(string path, IEnumerable<(string Name, Tensor Value)> tensors, NumberType type = NumberType.F32)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        (string Name, Tensor Value)[] all = [.. tensors];
        NullItems.ThrowIfAny(all, nameof(tensors));
        if (all.CountBy(t => t.Name).FirstOrDefault(n => n.Value > 1) is { Value: > 1 } twice) { throw new ArgumentException($"torch-file: the name \"{twice.Key}\" is given twice", nameof(tensors)); }
        ForeignName.ThrowIf(path, "a file of PyTorch's", $"call it {Path.ChangeExtension(path, ".pt")}; SafeTensors.Write makes a safetensors file, and a checkpoint is written with Save", ".safetensors", ".ckpt");
        AtomicFile.Write(path, to => TorchWriter.Write(to, all, type));
    }

    /// <summary>Whether the file begins as a zip does.</summary>
    internal static bool IsZip(string path)
    {
        Span<byte> head = stackalloc byte[2];
        using var file = File.OpenRead(DataFile.NoFolder(path));
        return file.ReadAtLeast(head, 2, throwOnEndOfStream: false) == 2 && head.SequenceEqual("PK"u8);
    }

    private static ZipArchive Open(FileStream file)
    {
        try { return new(file, ZipArchiveMode.Read); }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException("it is no zip, or cut off; what torch.save wrote before version 1.6, or was told to write as then, is to be saved anew", e);
        }
    }

    private static void Put(StateDict to, object? value, Storages storages, int depth)
    {
        if (depth > 32) { throw new InvalidDataException("its dictionaries lie in one another without end"); }
        if (value is not List<KeyValuePair<object?, object?>> pairs)
        {
            throw new InvalidDataException(value is Pickle.Made made && made.Of.Text != Storages.Rebuild
                ? $"it holds a whole {made.Of.Text}, code and all; in Python, save its weights alone: torch.save(model.state_dict(), path)" : "it holds no dictionary; save model.state_dict()");
        }
        foreach (var (key, item) in pairs)
        {
            if (++storages.Entries > MostEntries) { throw new InvalidDataException($"it has more than {MostEntries} entries"); }
            if (Named(key) is not { Length: > 0 } name)
            {
                if (item is Pickle.Made { Of.Text: Storages.Rebuild }) { throw new InvalidDataException("a tensor's name in its dictionary is neither a text nor a number"); }
                continue; // a setting of Python
            }
            switch (item)
            {
                case Pickle.Made { Of.Text: Storages.Rebuild } tensor: to.Set(name, storages.Tensor(name, tensor.From)); break;
                case List<KeyValuePair<object?, object?>>: Put(to.Part(name), item, storages, depth + 1); break;
                case long n: to.Set(name, n); break;
                case double n: to.Set(name, n); break;
                case bool b: to.Set(name, b); break;
                case string s: to.Set(name, s); break;
                default: break; // lists of settings and objects of Python
            }
        }
    }

    private static string? Named(object? key) => key switch { string text => text, long or double or bool or BigInteger => Convert.ToString(key, CultureInfo.InvariantCulture), _ => null };

    private static byte[] Bytes(ZipArchiveEntry entry, long longest)
    {
        if (entry.Length > longest) { throw new InvalidDataException($"{entry.Name} is longer than the file"); }
        using var from = Checked(entry, entry.Name);
        byte[] bytes = new byte[entry.Length];
        from.ReadExactly(bytes);
        ThrowUnlessAtEnd(from, entry.Name);
        return bytes;
    }

    // PyTorch can be told to compute no checksums
    private static Stream Checked(ZipArchiveEntry entry, string name) => entry.Crc32 == 0 ? entry.Open() : DataFile.Checked(entry, name);

    // the end is where the checksum is asked for
    private static void ThrowUnlessAtEnd(Stream from, string name)
    {
        if (from.ReadByte() >= 0) { throw new InvalidDataException($"{name} is longer than the zip's table of contents says"); }
    }

    /// <summary>The memories that tensors are views of.</summary>
    private sealed class Storages(ZipArchive zip, string folder, long longest)
    {
        public const string Rebuild = "torch._utils._rebuild_tensor_v2";

        // numbers that a small file may spread out into, as of zeros(1).expand(512, 512)
        private const int MostExpanded = 1 << 24;

        private readonly Dictionary<string, float[]> _read = [];
        private long _spread; // numbers of all tensors

        private readonly HashSet<float[]> _given = []; // those that a tensor has for its own

        /// <summary>How many entries of dictionaries have been put.</summary>
        public int Entries { get; set; }

        // (storage, offset, sizes, strides, ..)
        public Tensor Tensor(string name, object?[] from)
        {
            if (from is not [Pickle.Outside { Id: object?[] id }, long first, object?[] axes, object?[] strides, ..] || id is not [_, Pickle.Name kind, string key, ..] || first != (int)first)
            {
                throw new InvalidDataException($"\"{name}\" is made of other things than a tensor's");
            }
            float[] values = Values(key, kind.Text);
            int[] sizes = Ints(name, axes), steps = Ints(name, strides);
            int start = (int)first;
            Shape shape = Shape.Create(sizes);
            long last = start;
            for (int i = 0; i < sizes.Length; i++) { last += (long)steps[i] * (sizes[i] - 1); }
            if (sizes.Length != steps.Length || start < 0 || steps.AsSpan().ContainsAnyInRange(int.MinValue, -1) || shape.Size > Math.Max(longest, MostExpanded) || (shape.Size > 0 && last >= values.Length))
            {
                throw new InvalidDataException($"\"{name}\" {shape} reaches beyond its {values.Length} numbers");
            }
            if ((_spread += shape.Size) > (8 * longest) + MostExpanded) { throw new InvalidDataException($"its tensors up to \"{name}\" take {_spread} numbers of the few that a file of {longest} bytes holds"); }
            // most tensors are a storage as it lies
            if (last == start + (long)shape.Size - 1 && IsRowMajor(sizes, steps))
            {
                bool whole = shape.Size == values.Length && _given.Add(values);
                return Tensors.Tensor.Wrap(whole ? values : values.AsSpan(start, shape.Size).ToArray(), shape);
            }
            float[] to = new float[shape.Size];
            int[] at = new int[sizes.Length];
            for (int i = 0, place = start; i < to.Length; i++)
            {
                to[i] = values[place];
                for (int axis = sizes.Length - 1; axis >= 0; axis--)
                {
                    place += steps[axis];
                    if (++at[axis] < sizes[axis]) { break; }
                    place -= sizes[axis] * steps[axis];
                    at[axis] = 0;
                }
            }
            return Tensors.Tensor.Wrap(to, shape);
        }

        private static bool IsRowMajor(int[] sizes, int[] steps)
        {
            long step = 1;
            for (int i = sizes.Length - 1; i >= 0; step *= sizes[i--])
            {
                if (sizes[i] != 1 && steps[i] != step) { return false; }
            }
            return true;
        }

        private float[] Values(string key, string kind)
        {
            if (_read.TryGetValue(key, out float[]? values)) { return values; }
            var type = kind switch
            {
                "torch.FloatStorage" => NumberType.F32,
                "torch.HalfStorage" => NumberType.F16,
                "torch.BFloat16Storage" => NumberType.BF16,
                "torch.DoubleStorage" => NumberType.F64,
                "torch.LongStorage" => NumberType.I64,
                "torch.IntStorage" => NumberType.I32,
                "torch.ShortStorage" => NumberType.I16,
                "torch.CharStorage" => NumberType.I8,
                "torch.ByteStorage" => NumberType.U8,
                "torch.BoolStorage" => NumberType.Bool,
                _ => throw new InvalidDataException($"numbers of the kind {Excerpt.Of(kind)} are not read"),
            };
            var entry = zip.GetEntry($"{folder}data/{key}") ?? throw new InvalidDataException($"the numbers data/{key} are missing");
            if (entry.Length > longest) { throw new InvalidDataException($"the numbers data/{key} are longer than the file"); }
            if (entry.Length / type.Width() > Array.MaxLength) { throw new InvalidDataException($"the numbers data/{key} are more than one array holds"); }
            values = GC.AllocateUninitializedArray<float>((int)(entry.Length / type.Width()));
            using var from = Checked(entry, $"data/{key}");
            NumberCodec.Read<float>(from, type, bigEndian: false, values);
            if (entry.Length % type.Width() == 0) { ThrowUnlessAtEnd(from, $"data/{key}"); }
            return _read[key] = values;
        }

        private static int[] Ints(string name, object?[] tuple) =>
            Array.ConvertAll(tuple, n => n is long and >= int.MinValue and <= int.MaxValue ? (int)(long)n : throw new InvalidDataException($"\"{name}\" has a size or stride that is no whole number of 32 bits"));
    }
}
