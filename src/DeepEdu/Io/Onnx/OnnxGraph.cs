using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace DeepEdu.Io;

/// <summary>The nodes, constants, inputs and outputs of an ONNX model, and their bytes: messages of onnx.proto3, whose field numbers stand beside each.</summary>
internal sealed class OnnxGraph
{
    /// <summary>The version of the operators.</summary>
    public const int Opset = 17;

    // the version of the format that came with these operators
    private const int IrVersion = 8;
    private const int Float = 1, Int64 = 7; // TensorProto.DataType

    private readonly List<Node> _nodes = [];
    private readonly OrderedDictionary<string, Constant> _constants = new(StringComparer.Ordinal);
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _last = new(StringComparer.Ordinal); // the number that each name was given last: unrolled sequences have thousands of one kind
    private readonly Dictionary<string, string> _shared = new(StringComparer.Ordinal);
    private readonly List<(string Name, OnnxSize[] Shape, bool Whole)> _inputs = [];
    private readonly List<(string Name, OnnxSize[] Shape)> _outputs = [];

    /// <summary>The symbol of the batch's size.</summary>
    public const string Batch = "batch";

    public void Input(string name, OnnxSize[] shape, bool whole) => _inputs.Add((name, shape, whole));

    public void Output(string name, string value, OnnxSize[] shape)
    {
        _nodes.Add(new("Identity", [value], [name], []));
        _outputs.Add((name, shape));
    }

    /// <summary>Keeps a name for something that comes later.</summary>
    public bool Reserve(string name) => _names.Add(name);

    /// <summary>Adds an operation with one result.</summary>
    public string Add(string kind, ReadOnlySpan<string> inputs, params ReadOnlySpan<OnnxAttribute> attributes) => AddMany(kind, inputs, 1, attributes)[0];

    /// <summary>Adds an operation with several results.</summary>
    public string[] AddMany(string kind, ReadOnlySpan<string> inputs, int results, params ReadOnlySpan<OnnxAttribute> attributes)
    {
        string[] outputs = new string[results];
        for (int i = 0; i < results; i++) { outputs[i] = Unused(kind.ToLowerInvariant()); }
        _nodes.Add(new(kind, inputs.ToArray(), outputs, attributes.ToArray()));
        return outputs;
    }

    /// <summary>The last operation.</summary>
    public Node? Last => _nodes.Count > 0 ? _nodes[^1] : null;

    /// <summary>Puts another operation in the place of the last, with the same results.</summary>
    public void ReplaceLast(string kind, string[] inputs, params OnnxAttribute[] attributes) => _nodes[^1] = new(kind, inputs, _nodes[^1].Outputs, attributes);

    /// <summary>A constant of floats under the name given, or under a free one like it.</summary>
    public string Floats(string name, ReadOnlySpan<int> shape, ReadOnlyMemory<float> values, bool exact = false)
    {
        if (!exact) { name = Unused(name); }
        _constants.Add(name, new(Float, Long(shape), values, null));
        return name;
    }

    /// <summary>One float without axes; the same one is there once.</summary>
    public string Scalar(float value)
    {
        string key = $"f{BitConverter.SingleToInt32Bits(value)}";
        if (!_shared.TryGetValue(key, out string? name)) { _shared[key] = name = Floats("scalar", [], new[] { value }); }
        return name;
    }

    /// <summary>Whole numbers along one axis, or in another shape; the same ones are there once.</summary>
    public string Whole(ReadOnlySpan<long> values, ReadOnlySpan<int> shape = default, bool isScalar = false)
    {
        long[] dims = isScalar ? [] : shape.IsEmpty ? [values.Length] : Long(shape);
        string key = $"i{string.Join(',', dims)}:{string.Join(',', values.ToArray())}";
        if (_shared.TryGetValue(key, out string? name)) { return name; }
        _shared[key] = name = Unused("whole");
        _constants.Add(name, new(Int64, dims, default, values.ToArray()));
        return name;
    }

    /// <summary>Writes the model.</summary>
    public void Write(Stream to, string producerVersion)
    {
        var (nodes, constants) = Used();
        var head = new ProtoWriter().Number(1, IrVersion).Text(2, "DeepEdu").Text(3, producerVersion);           // ModelProto: ir_version, producer_name, producer_version
        head.Message(8, new ProtoWriter().Text(1, "").Number(2, Opset));                                         // opset_import
        var graph = new ProtoWriter();                                                                            // GraphProto
        foreach (var node in nodes) { graph.Message(1, node.Write()); }
        graph.Text(2, "model");
        var tail = new ProtoWriter();
        foreach (var (name, shape, whole) in _inputs) { tail.Message(11, ValueInfo(name, shape, whole ? Int64 : Float)); }
        foreach (var (name, shape) in _outputs) { tail.Message(12, ValueInfo(name, shape, Float)); }
        // the weights are not copied: their bytes go from the tensors to the file
        (ProtoWriter Head, Constant Value)[] tensors = [.. constants.Select(c => (c.Value.Head(c.Key), c.Value))];
        long length = graph.Written.Length + (long)tail.Written.Length;
        foreach (var (h, c) in tensors) { length += Nested(h, c); }
        if (length > int.MaxValue - 1024)
        {
            throw new NotSupportedException($"onnx-file: the model takes {length.ToString("N0", CultureInfo.InvariantCulture)} bytes, and a file of ONNX with its weights inside holds at most 2 GiB; save the weights by SaveWeights instead");
        }
        to.Write(head.Written);
        to.Write(new ProtoWriter().Prefix(7, length).Written);
        to.Write(graph.Written);
        foreach (var (h, c) in tensors)
        {
            to.Write(new ProtoWriter().Prefix(5, h.Written.Length + (long)c.Bytes).Written);                      // initializer
            to.Write(h.Written);
            c.Write(to);
        }
        to.Write(tail.Written);

        static long Nested(ProtoWriter h, Constant c)
        {
            long inner = h.Written.Length + (long)c.Bytes;
            return new ProtoWriter().Prefix(5, inner).Written.Length + inner;
        }
    }

    // what leads to an output
    private (List<Node>, List<KeyValuePair<string, Constant>>) Used()
    {
        var needed = new HashSet<string>(_outputs.Select(o => o.Name), StringComparer.Ordinal);
        List<Node> nodes = [];
        for (int i = _nodes.Count - 1; i >= 0; i--)
        {
            if (!_nodes[i].Outputs.Any(needed.Contains)) { continue; }
            nodes.Add(_nodes[i]);
            needed.UnionWith(_nodes[i].Inputs);
        }
        nodes.Reverse();
        return (nodes, [.. _constants.Where(c => needed.Contains(c.Key))]);
    }

    private static ProtoWriter ValueInfo(string name, OnnxSize[] shape, int type)
    {
        var dims = new ProtoWriter();
        // a size that is no multiple of the batch, such as one row more, stays open
        foreach (var d in shape) { dims.Message(1, d.IsFixed ? new ProtoWriter().Number(1, d.A) : d.IsBatches ? new ProtoWriter().Text(2, d.ToString()) : new()); }
        return new ProtoWriter().Text(1, name).Message(2, new ProtoWriter().Message(1, new ProtoWriter().Number(1, type).Message(2, dims)));
    }

    private string Unused(string like)
    {
        string name = like;
        int last = _last.GetValueOrDefault(like);
        while (!_names.Add(name)) { name = $"{like}_{++last}"; }
        _last[like] = last;
        return name;
    }

    private static long[] Long(ReadOnlySpan<int> shape)
    {
        long[] all = new long[shape.Length];
        for (int i = 0; i < all.Length; i++) { all[i] = shape[i]; }
        return all;
    }

    internal sealed record Node(string Op, string[] Inputs, string[] Outputs, OnnxAttribute[] Attributes)
    {
        // NodeProto: input, output, name, op_type, attribute
        public ProtoWriter Write()
        {
            var to = new ProtoWriter();
            foreach (string input in Inputs) { to.Text(1, input); }
            foreach (string output in Outputs) { to.Text(2, output); }
            to.Text(3, Outputs.First(o => o.Length > 0)).Text(4, Op);
            foreach (var attribute in Attributes) { to.Message(5, attribute.Write()); }
            return to;
        }
    }

    private sealed record Constant(int Type, long[] Shape, ReadOnlyMemory<float> Floats, long[]? Whole)
    {
        public long Bytes => Whole is null ? (long)Floats.Length * sizeof(float) : (long)Whole.Length * sizeof(long);

        // TensorProto: dims, data_type, name, and the beginning of raw_data
        public ProtoWriter Head(string name)
        {
            var to = new ProtoWriter();
            foreach (long size in Shape) { to.Number(1, size); }
            return to.Number(2, Type).Text(8, name).Prefix(9, Bytes);
        }

        public void Write(Stream to)
        {
            if (!BitConverter.IsLittleEndian) { throw new PlatformNotSupportedException("onnx-file: numbers are written as they lie in memory, and here they lie big end first"); }
            var bytes = Whole is null ? MemoryMarshal.AsBytes(Floats.Span) : MemoryMarshal.AsBytes(Whole.AsSpan());
            to.Write(bytes);
        }
    }
}

/// <summary>An attribute of a node: a number, several, or a text.</summary>
internal readonly record struct OnnxAttribute(string Name, object Value)
{
    public static implicit operator OnnxAttribute((string Name, int Value) a) => new(a.Name, (long)a.Value);

    public static implicit operator OnnxAttribute((string Name, float Value) a) => new(a.Name, a.Value);

    public static implicit operator OnnxAttribute((string Name, string Value) a) => new(a.Name, a.Value);

    public static implicit operator OnnxAttribute((string Name, int[] Value) a) => new(a.Name, a.Value);

    public static implicit operator OnnxAttribute((string Name, string[] Value) a) => new(a.Name, a.Value);

    // AttributeProto: name, f, i, s, ints, strings, type
    public ProtoWriter Write()
    {
        var to = new ProtoWriter().Text(1, Name);
        switch (Value)
        {
            case float f: return to.Float(2, f).Number(20, 1);
            case long i: return to.Number(3, i).Number(20, 2);
            case string s: return to.Bytes(4, Encoding.UTF8.GetBytes(s)).Number(20, 3);
            case int[] many:
                foreach (int i in many) { to.Number(8, i); }
                return to.Number(20, 7);
            default:
                foreach (string s in (string[])Value) { to.Text(9, s); }
                return to.Number(20, 8);
        }
    }
}
