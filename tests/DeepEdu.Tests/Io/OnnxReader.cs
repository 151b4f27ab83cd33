using System.Buffers.Binary;
using System.Text;

namespace DeepEdu.Tests.Io;

/// <summary>Reads ONNX files, by the field numbers of onnx.proto3, into what <see cref="OnnxRun"/> runs. Written from the format, not from the writer.</summary>
internal sealed class OnnxReader
{
    private OnnxReader() { }

    public long IrVersion { get; private set; }

    public long Opset { get; private set; }

    public List<Node> Nodes { get; } = [];

    public Dictionary<string, OnnxArray> Constants { get; } = [];

    public List<(string Name, long Type, string[] Shape)> Inputs { get; } = [];

    public List<(string Name, long Type, string[] Shape)> Outputs { get; } = [];

    public static OnnxReader Read(string path)
    {
        var model = new OnnxReader();
        foreach (var (field, value, bytes) in Fields(File.ReadAllBytes(path)))
        {
            if (field == 1) { model.IrVersion = value; }
            if (field == 8) { foreach (var f in Fields(bytes)) { if (f.Field == 2) { model.Opset = f.Value; } else { Assert.Equal(0, f.Bytes.Length); } } }
            if (field == 7) { model.Graph(bytes); }
        }
        return model;
    }

    private void Graph(ReadOnlyMemory<byte> graph)
    {
        foreach (var (field, _, bytes) in Fields(graph))
        {
            switch (field)
            {
                case 1: Nodes.Add(NodeOf(bytes)); break;
                case 5: Constant(bytes); break;
                case 11: Inputs.Add(Info(bytes)); break;
                case 12: Outputs.Add(Info(bytes)); break;
                default: Assert.Equal(2, field); break;
            }
        }
    }

    private static Node NodeOf(ReadOnlyMemory<byte> node)
    {
        List<string> inputs = [], outputs = [];
        string op = "";
        Dictionary<string, object> attributes = [];
        foreach (var (field, _, bytes) in Fields(node))
        {
            switch (field)
            {
                case 1: inputs.Add(Text(bytes)); break;
                case 2: outputs.Add(Text(bytes)); break;
                case 4: op = Text(bytes); break;
                case 5: Attribute(bytes, attributes); break;
                default: Assert.Equal(3, field); break;
            }
        }
        return new(op, [.. inputs], [.. outputs], attributes);
    }

    private static void Attribute(ReadOnlyMemory<byte> attribute, Dictionary<string, object> to)
    {
        string name = "";
        List<long> ints = [];
        List<string> strings = [];
        object? one = null;
        long type = 0;
        foreach (var (field, value, bytes) in Fields(attribute))
        {
            switch (field)
            {
                case 1: name = Text(bytes); break;
                case 2: one = BitConverter.Int32BitsToSingle((int)value); break;
                case 3: one = value; break;
                case 4: one = Text(bytes); break;
                case 8: ints.Add(value); break;
                case 9: strings.Add(Text(bytes)); break;
                default: Assert.Equal(20, field); type = value; break;
            }
        }
        object of = type switch { 7 => ints.ToArray(), 8 => strings.ToArray(), _ => one! };
        Assert.Equal(type, of switch { float => 1, long => 2, string => 3, long[] => 7, _ => 8 });
        to.Add(name, of);
    }

    private void Constant(ReadOnlyMemory<byte> tensor)
    {
        List<int> dims = [];
        long type = 0;
        string name = "";
        ReadOnlyMemory<byte> raw = default;
        foreach (var (field, value, bytes) in Fields(tensor))
        {
            switch (field)
            {
                case 1: dims.Add((int)value); break;
                case 2: type = value; break;
                case 8: name = Text(bytes); break;
                default: Assert.Equal(9, field); raw = bytes; break;
            }
        }
        int size = dims.Aggregate(1, (a, b) => a * b), each = type == 1 ? 4 : 8;
        Assert.Equal(size * each, raw.Length);
        double[] values = new double[size];
        for (int i = 0; i < size; i++) { values[i] = type == 1 ? BinaryPrimitives.ReadSingleLittleEndian(raw.Span[(4 * i)..]) : BinaryPrimitives.ReadInt64LittleEndian(raw.Span[(8 * i)..]); }
        Constants.Add(name, new([.. dims], values));
    }

    private static (string, long, string[]) Info(ReadOnlyMemory<byte> info)
    {
        string name = "";
        long type = 0;
        List<string> shape = [];
        foreach (var (field, _, bytes) in Fields(info))
        {
            if (field == 1) { name = Text(bytes); continue; }
            foreach (var (f, v, b) in Fields(Fields(bytes).Single().Bytes))
            {
                if (f == 1) { type = v; continue; }
                foreach (var dim in Fields(b)) { shape.Add(Fields(dim.Bytes) is [var one] ? one.Field == 1 ? $"{one.Value}" : Text(one.Bytes) : ""); }
            }
        }
        return (name, type, [.. shape]);
    }

    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);

    private static List<(int Field, long Value, ReadOnlyMemory<byte> Bytes)> Fields(ReadOnlyMemory<byte> message)
    {
        List<(int, long, ReadOnlyMemory<byte>)> all = [];
        for (int at = 0; at < message.Length;)
        {
            long key = Number(message.Span, ref at);
            switch (key & 7)
            {
                case 0: all.Add(((int)(key >> 3), Number(message.Span, ref at), default)); break;
                case 5: all.Add(((int)(key >> 3), BinaryPrimitives.ReadInt32LittleEndian(message.Span[at..]), default)); at += 4; break;
                default:
                    Assert.Equal(2, key & 7);
                    int length = (int)Number(message.Span, ref at);
                    all.Add(((int)(key >> 3), 0, message.Slice(at, length)));
                    at += length;
                    break;
            }
        }
        return all;
    }

    private static long Number(ReadOnlySpan<byte> bytes, ref int at)
    {
        ulong value = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte b = bytes[at++];
            value |= (ulong)(b & 0x7F) << shift;
            if (b < 0x80) { return (long)value; }
        }
    }

    internal sealed record Node(string Op, string[] Inputs, string[] Outputs, Dictionary<string, object> Attributes)
    {
        public long Int(string name, long otherwise = 0) => Attributes.TryGetValue(name, out object? v) ? (long)v : otherwise;

        public float Float(string name, float otherwise) => Attributes.TryGetValue(name, out object? v) ? (float)v : otherwise;

        public int[] Ints(string name, int[] otherwise) => Attributes.TryGetValue(name, out object? v) ? [.. ((long[])v).Select(i => (int)i)] : otherwise;

        public string Text(string name, string otherwise) => Attributes.TryGetValue(name, out object? v) ? (string)v : otherwise;
    }
}

/// <summary>Numbers of any type of a graph: whole ones and truths are exact in a double.</summary>
internal sealed record OnnxArray(int[] Shape, double[] Values)
{
    public int Size => Values.Length;

    public static OnnxArray Of(int[] shape, Func<int, double> value) => new(shape, [.. Enumerable.Range(0, shape.Aggregate(1, (a, b) => a * b)).Select(value)]);

    public int[] Strides()
    {
        int[] s = new int[Shape.Length];
        for (int i = s.Length - 1, step = 1; i >= 0; i--) { s[i] = step; step *= Shape[i]; }
        return s;
    }

    /// <summary>The place on each axis.</summary>
    public static int[] At(int[] shape, int flat)
    {
        int[] at = new int[shape.Length];
        for (int i = shape.Length - 1; i >= 0; i--) { (flat, at[i]) = Math.DivRem(flat, shape[i]); }
        return at;
    }

    public double this[int[] at]
    {
        get
        {
            int flat = 0;
            for (int i = 0; i < at.Length; i++)
            {
                if ((uint)at[i] >= (uint)Shape[i]) { throw new ArgumentOutOfRangeException(nameof(at), $"{string.Join(',', at)} in [{string.Join(',', Shape)}]"); }
                flat = (flat * Shape[i]) + at[i];
            }
            return Values[flat];
        }
    }
}
