namespace DeepEdu.Io;

/// <summary>An ONNX file's message ModelProto, as far as it is used, by the field numbers of onnx.proto.</summary>
internal sealed class OnnxProto
{
    private const int Deepest = 32;

    private OnnxProto(OnnxProtoGraph graph, int opset, string producer) => (Graph, Opset, Producer) = (graph, opset, producer);

    public OnnxProtoGraph Graph { get; }

    /// <summary>The version of ONNX's own operators.</summary>
    public int Opset { get; }

    public string Producer { get; }

    /// <exception cref="InvalidDataException">It is no such message.</exception>
    public static OnnxProto Read(ReadOnlyMemory<byte> file)
    {
        OnnxProtoGraph? graph = null;
        long opset = 0;
        bool others = false;
        string producer = "", version = "";
        for (var r = new ProtoReader(file); r.Next();)
        {
            switch (r.Field)
            {
                case 2: producer = r.Text; break;
                case 3: version = r.Text; break;
                case 7: graph = OnnxProtoGraph.Read(r.Message, Deepest); break;
                case 8:
                    string domain = "";
                    long number = 0;
                    for (var set = new ProtoReader(r.Message); set.Next();) { if (set.Field == 1) { domain = set.Text; } else if (set.Field == 2) { number = set.Number; } }
                    if (domain is "" or "ai.onnx") { opset = number; } else { others = true; }
                    break;
                default: break;
            }
        }
        if (graph is null) { throw new InvalidDataException("it holds no graph"); }
        if (opset == 0 && others) { opset = 1; } // none of ONNX's own operators
        if (opset is < 1 or > int.MaxValue) { throw new InvalidDataException("it does not say which version of ONNX's operators it uses"); }
        return new(graph, (int)opset, $"{producer} {version}".Trim());
    }
}

/// <summary>GraphProto: operators in the order in which they run, constants, inputs, results.</summary>
internal sealed record OnnxProtoGraph(IReadOnlyList<OnnxProtoNode> Nodes, IReadOnlyList<OnnxProtoTensor> Constants, IReadOnlyList<OnnxProtoPort> Inputs, IReadOnlyList<OnnxProtoPort> Outputs)
{
    public static OnnxProtoGraph Read(ReadOnlyMemory<byte> message, int deepest)
    {
        if (deepest == 0) { throw new InvalidDataException("graphs lie in one another without end"); }
        List<OnnxProtoNode> nodes = [];
        List<OnnxProtoTensor> constants = [];
        List<OnnxProtoPort> inputs = [], outputs = [];
        for (var r = new ProtoReader(message); r.Next();)
        {
            switch (r.Field)
            {
                case 1: nodes.Add(OnnxProtoNode.Read(r.Message, deepest - 1)); break;
                case 5: constants.Add(OnnxProtoTensor.Read(r.Message)); break;
                case 11: inputs.Add(OnnxProtoPort.Read(r.Message)); break;
                case 12: outputs.Add(OnnxProtoPort.Read(r.Message)); break;
                case 15: throw new NotSupportedException("onnx-model: the file holds sparse constants; write them dense");
                default: break;
            }
        }
        return new(nodes, constants, inputs, outputs);
    }
}

/// <summary>ValueInfoProto: what goes in or comes out. An open size is null, its name beside it.</summary>
internal sealed record OnnxProtoPort(string Name, int Type, IReadOnlyList<(int? Size, string Name)>? Shape)
{
    public static OnnxProtoPort Read(ReadOnlyMemory<byte> message)
    {
        string name = "";
        int type = 0;
        List<(int?, string)>? shape = null;
        for (var r = new ProtoReader(message); r.Next();)
        {
            if (r.Field == 1) { name = r.Text; }
            if (r.Field != 2) { continue; }
            for (var t = new ProtoReader(r.Message); t.Next();)
            {
                if (t.Field != 1) { type = -1; continue; } // a sequence, a map
                for (var tensor = new ProtoReader(t.Message); tensor.Next();)
                {
                    if (tensor.Field == 1) { type = (int)tensor.Number; }
                    if (tensor.Field == 2) { shape = Sizes(tensor.Message); }
                }
            }
        }
        return new(name, type, shape);
    }

    private static List<(int?, string)> Sizes(ReadOnlyMemory<byte> message)
    {
        List<(int?, string)> all = [];
        for (var r = new ProtoReader(message); r.Next();)
        {
            if (r.Field != 1) { continue; }
            (int?, string) one = (null, "");
            for (var d = new ProtoReader(r.Message); d.Next();)
            {
                if (d.Field == 1 && d.Number is >= 0 and <= int.MaxValue) { one = ((int)d.Number, ""); }
                if (d.Field == 2) { one = (null, d.Text); }
            }
            all.Add(one);
        }
        return all;
    }
}

/// <summary>NodeProto: an operator, the names of what it takes ("" for nothing) and gives.</summary>
internal sealed record OnnxProtoNode(string Op, string Domain, string Name, string[] Inputs, string[] Outputs, IReadOnlyDictionary<string, object> Attributes)
{
    /// <summary>Whether the weights of an operator of sequences have been brought into PyTorch's order of gates.</summary>
    public bool InOrder { get; init; }

    /// <summary>What errors call it.</summary>
    public string Label => Name.Length > 0 ? $"{Op} \"{Name}\"" : Outputs.Length > 0 ? $"{Op} that gives \"{Outputs[0]}\"" : Op;

    public static OnnxProtoNode Read(ReadOnlyMemory<byte> message, int deepest)
    {
        string op = "", domain = "", name = "";
        List<string> inputs = [], outputs = [];
        Dictionary<string, object> attributes = new(StringComparer.Ordinal);
        for (var r = new ProtoReader(message); r.Next();)
        {
            switch (r.Field)
            {
                case 1: inputs.Add(r.Text); break;
                case 2: outputs.Add(r.Text); break;
                case 3: name = r.Text; break;
                case 4: op = r.Text; break;
                case 5: Attribute(r.Message, attributes, deepest); break;
                case 7: domain = r.Text; break;
                default: break;
            }
        }
        return new(op, domain == "ai.onnx" ? "" : domain, name, [.. inputs], [.. outputs], attributes);
    }

    // the type says which field holds the value; a number that is 0, and an empty list, may be left out
    private static void Attribute(ReadOnlyMemory<byte> message, Dictionary<string, object> to, int deepest)
    {
        string name = "", text = "";
        int type = 0;
        float real = 0;
        long whole = 0;
        List<float> reals = [];
        List<long> wholes = [];
        List<string> texts = [];
        object? other = null;
        for (var r = new ProtoReader(message); r.Next();)
        {
            switch (r.Field)
            {
                case 1: name = r.Text; break;
                case 2: real = r.Float; break;
                case 3: whole = r.Number; break;
                case 4: text = r.Text; break;
                case 5: other = OnnxProtoTensor.Read(r.Message); break;
                case 6: other = OnnxProtoGraph.Read(r.Message, deepest); break;
                case 7: r.Fixed(reals, 4, b => BitConverter.UInt32BitsToSingle((uint)b)); break;
                case 8: r.Numbers(wholes); break;
                case 9: texts.Add(r.Text); break;
                case 20: type = (int)r.Number; break;
                default: break;
            }
        }
        object? value = type switch { 1 => real, 2 => whole, 3 => text, 4 or 5 => other, 6 => reals.ToArray(), 7 => wholes.ToArray(), 8 => texts.ToArray(), _ => other };
        if (value is not null) { to[name] = value; }
    }
}
