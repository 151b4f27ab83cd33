using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using DeepEdu.Data;
using DeepEdu.Tensors;

namespace DeepEdu.Io;

/// <summary>Writes a dictionary of tensors as <c>torch.save</c> does: a zip with a pickle that makes each tensor out of a storage, and a file for each storage.</summary>
internal static class TorchWriter
{
    private static readonly DateTimeOffset s_noTime = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero); // the same content, the same bytes

    public static void Write(Stream to, IReadOnlyList<(string Name, Tensor Value)> tensors, NumberType type)
    {
        string storage = type switch
        {
            NumberType.F32 => "FloatStorage",
            NumberType.F16 => "HalfStorage",
            NumberType.BF16 => "BFloat16Storage",
            NumberType.F64 => "DoubleStorage",
            _ => throw new ArgumentException($"torch-file: tensors are written as F32, F16, BF16 or F64, not {type}", nameof(type)),
        };
        // a tensor under two names is one storage
        var storages = new OrderedDictionary<Tensor, int>(ReferenceEqualityComparer.Instance);
        foreach (var (_, value) in tensors) { storages.TryAdd(value, storages.Count); }
        using var zip = new ZipArchive(to, ZipArchiveMode.Create, leaveOpen: true);
        Add(zip, "data.pkl", body => body.Write(Dictionary(tensors, storage, storages)));
        Add(zip, "byteorder", body => body.Write("little"u8));
        foreach (var (value, number) in storages)
        {
            Add(zip, $"data/{number}", body => NumberCodec.Write<float>(body, type, value.Device is Devices.CpuDevice ? value.AsSpan() : value.ToArray()));
        }
        Add(zip, "version", body => body.Write("3\n"u8));
    }

    // protocol 2: {name: _rebuild_tensor_v2(storage, 0, sizes, strides, False, OrderedDict()), ..}
    private static byte[] Dictionary(IReadOnlyList<(string Name, Tensor Value)> tensors, string storage, OrderedDictionary<Tensor, int> storages)
    {
        var code = new MemoryStream();
        code.Write([0x80, 2, (byte)'}', (byte)'(']);
        foreach (var (name, value) in tensors)
        {
            Text(code, name);
            code.Write("ctorch._utils\n_rebuild_tensor_v2\n(("u8);
            Text(code, "storage");
            code.Write(Encoding.ASCII.GetBytes($"ctorch\n{storage}\n"));
            Text(code, $"{storages[value]}");
            Text(code, "cpu");
            Whole(code, value.Size);
            code.Write("tQ"u8);
            Whole(code, 0);
            code.WriteByte((byte)'(');
            foreach (int size in value.Shape.Sizes) { Whole(code, size); }
            code.Write("t("u8);
            for (int axis = 0; axis < value.Rank; axis++)
            {
                int step = 1;
                foreach (int inner in value.Shape.Sizes[(axis + 1)..]) { step *= inner; }
                Whole(code, step);
            }
            code.Write([(byte)'t', 0x89, .. "ccollections\nOrderedDict\n)RtR"u8]);
        }
        code.Write("u."u8);
        return code.ToArray();
    }

    private static void Text(MemoryStream code, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        Number(code, 'X', bytes.Length);
        code.Write(bytes);
    }

    private static void Whole(MemoryStream code, int value) => Number(code, 'J', value);

    private static void Number(MemoryStream code, char op, int value)
    {
        Span<byte> bytes = stackalloc byte[5];
        bytes[0] = (byte)op;
        BinaryPrimitives.WriteInt32LittleEndian(bytes[1..], value);
        code.Write(bytes);
    }

    private static void Add(ZipArchive zip, string name, Action<Stream> write)
    {
        var entry = zip.CreateEntry($"archive/{name}", CompressionLevel.NoCompression);
        entry.LastWriteTime = s_noTime;
        using var body = entry.Open();
        write(body);
    }
}
