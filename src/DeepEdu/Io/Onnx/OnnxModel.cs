using System.Diagnostics.CodeAnalysis;
using DeepEdu.Devices;
using DeepEdu.Nn;
using DeepEdu.Tensors;

namespace DeepEdu.Io;

/// <summary>An input or a result of an ONNX file.</summary>
/// <param name="Name">Its name.</param>
/// <param name="IsWhole">Whether it is whole numbers (tokens, lengths, classes) or yes and no, and not numbers with a fraction.</param>
/// <param name="Sizes">The sizes of its axes, null for one that is open, such as the batch; null if the file does not say how many axes there are.</param>
public sealed record OnnxPort(string Name, bool IsWhole, IReadOnlyList<int?>? Sizes)
{
    /// <summary><c>tokens [?,128], whole</c>.</summary>
    public override string ToString() => $"{Name} {(Sizes is null ? "[..]" : $"[{string.Join(',', Sizes.Select(n => n?.ToString() ?? "?"))}]")}{(IsWhole ? ", whole" : "")}";
}

/// <summary>What goes into an <see cref="OnnxModel"/>: a tensor or indices.</summary>
public readonly struct OnnxArgument
{
    private OnnxArgument(object value) => Value = value;

    internal object? Value { get; }

    /// <summary>Numbers.</summary>
    public static implicit operator OnnxArgument(Tensor value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return new(value);
    }

    /// <summary>Whole numbers.</summary>
    public static implicit operator OnnxArgument(Indices value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return new(value);
    }
}

/// <summary>What an <see cref="OnnxModel"/> gives, by name or by place.</summary>
public sealed class OnnxResults
{
    private readonly IReadOnlyList<OnnxPort> _ports;
    private readonly OnnxCell[] _cells;
    private readonly Device _device;

    internal OnnxResults(IReadOnlyList<OnnxPort> ports, OnnxCell[] cells, Device device) => (_ports, _cells, _device) = (ports, cells, device);

    /// <summary>How many.</summary>
    public int Count => _cells.Length;

    /// <summary>A result as numbers.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There are fewer.</exception>
    public Tensor this[int i]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfNegative(i);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(i, Count);
            return _cells[i].Tensor(_device);
        }
    }

    /// <summary>A result as numbers.</summary>
    /// <exception cref="KeyNotFoundException">There is none of this name.</exception>
    public Tensor this[string name] => this[Find(name)];

    /// <summary>A result that is whole numbers.</summary>
    /// <exception cref="KeyNotFoundException">There is none of this name.</exception>
    /// <exception cref="InvalidOperationException">It is not whole numbers.</exception>
    public Indices Indices(string name) => _cells[Find(name)] is { Kind: not OnnxKind.Real } cell ? cell.Indices : throw new InvalidOperationException($"onnx-model: \"{name}\" is not whole numbers");

    private int Find(string name)
    {
        for (int i = 0; i < _ports.Count; i++) { if (_ports[i].Name == name) { return i; } }
        throw new KeyNotFoundException($"onnx-model: there is no result \"{name}\"; there are {string.Join(", ", _ports)}");
    }
}

/// <summary>A model of another program, read from an ONNX file by <see cref="OnnxFile.Load(string, Func{string, bool}?)"/>: it computes what the file says by the library's own operations, on any device, is differentiated and learned on
/// like a model that was written here, recorded by an <see cref="InferenceSession"/>, saved and loaded.
/// <code>
/// var grader = OnnxFile.Load("grader.onnx");
/// Tensor score = grader.Forward(features);
/// var results = tagger.Run(("tokens", tokens), ("mask", mask));
/// Tensor logits = results["logits"];
/// </code>
/// <para>The file's graph is that of a model in use: dropout passes on, batch normalisation takes the statistics that the file holds, also while learning. Parameters and buffers have the file's
/// names; the gates of an LSTM and a GRU lie in PyTorch's order (i f g o, r z n), not in ONNX's. Numbers are float32, whatever the file holds; whole numbers are exact up to 2⁵³ on the host, 2²⁴
/// on a device.</para></summary>
public sealed class OnnxModel : Layer
{
    private readonly OnnxPlan _plan;
    private readonly List<(string Name, Parameter Value)> _parameters = [];
    private readonly List<(string Name, Tensor Value)> _buffers = [];

    internal OnnxModel(OnnxProto file, string? folder, Func<string, bool>? learn)
    {
        (Producer, Opset) = (file.Producer, file.Opset);
        var graph = file.Graph;
        Refuse(graph);
        var (learned, kept) = OnnxWeights.Of(graph);
        if (learn is not null) { learned = [.. graph.Constants.Select(t => t.Name).Where(learn)]; }
        var ordered = OnnxWeights.InOrder(graph, learned);
        Dictionary<string, (int[] Order, int Blocks)> orders = new(StringComparer.Ordinal);
        foreach (var node in ordered)
        {
            for (int i = 1; i < Math.Min(4, node.Inputs.Length); i++) { if (node.Inputs[i].Length > 0) { orders[node.Inputs[i]] = (OnnxOperators.GateOrder(node.Op)!, i == 3 ? 2 : 1); } }
        }
        graph = graph with { Nodes = [.. graph.Nodes.Select(n => ordered.Contains(n) ? n with { InOrder = true } : n)] };
        _plan = new(graph, file.Opset, Constant);
        Inputs = [.. graph.Inputs.Where(i => !graph.Constants.Any(c => c.Name == i.Name)).Select(PortOf)];
        Outputs = [.. graph.Outputs.Select(PortOf)];

        OnnxCell Constant(OnnxProtoTensor t)
        {
            if (t.Kind != OnnxKind.Real || (!learned.Contains(t.Name) && !kept.Contains(t.Name)) || t.Name.Length == 0) { return new OnnxCell(t.Values(folder)).AsConstant(); }
            float[] values = t.Numbers<float>(folder);
            if (orders.TryGetValue(t.Name, out var o)) { values = OnnxWeights.Ordered(values, t.Shape, o.Order, o.Blocks); }
            if (learned.Contains(t.Name))
            {
                var p = new Parameter([.. t.Shape], values);
                _parameters.Add((t.Name, p));
                return new(p);
            }
            var buffer = Tensor.Persistent([.. t.Shape]);
            buffer.CopyFrom(values);
            _buffers.Add((t.Name, buffer));
            return new(buffer);
        }
    }

    /// <summary>Which program wrote the file, and its version.</summary>
    public string Producer { get; }

    /// <summary>The version of ONNX's operators in the file.</summary>
    public int Opset { get; }

    /// <summary>What it takes, in order.</summary>
    public IReadOnlyList<OnnxPort> Inputs { get; }

    /// <summary>What it gives, in order.</summary>
    public IReadOnlyList<OnnxPort> Outputs { get; }

    /// <summary>The one result of one input of numbers.</summary>
    /// <exception cref="InvalidOperationException">The model takes or gives more, or whole numbers: use <c>Run</c>.</exception>
    /// <exception cref="ShapeException">The input has other axes or sizes than the file says.</exception>
    public override Tensor Forward(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        return One(x);
    }

    /// <summary>The one result of one input of tokens or other whole numbers.</summary>
    /// <inheritdoc cref="Forward(Tensor)" path="/exception"/>
    public override Tensor Forward(Indices x)
    {
        ArgumentNullException.ThrowIfNull(x);
        return One(x);
    }

    /// <summary>All results of all inputs, in the file's order.</summary>
    /// <exception cref="ArgumentException">Another number of inputs, or one of another kind.</exception>
    /// <exception cref="ShapeException">An input has other axes or sizes than the file says.</exception>
    /// <exception cref="InvalidDataException">The attributes of an operator do not fit what it is given; names it.</exception>
    public OnnxResults Run(params ReadOnlySpan<OnnxArgument> inputs)
    {
        if (inputs.Length != Inputs.Count) { throw new ArgumentException($"onnx-model: {inputs.Length} inputs, but the model takes {Inputs.Count}: {string.Join("; ", Inputs)}", nameof(inputs)); }
        var cells = new OnnxCell[inputs.Length];
        Device? device = null;
        for (int i = 0; i < cells.Length; i++)
        {
            cells[i] = Cell(Inputs[i], inputs[i]);
            device ??= (inputs[i].Value as Tensor)?.Device;
        }
        device ??= _parameters.Count > 0 ? _parameters[0].Value.Device : CpuDevice.Instance;
        return new(Outputs, _plan.Run(cells, device), device);
    }

    /// <summary>All results of all inputs, by their names in the file.</summary>
    /// <inheritdoc cref="Run(ReadOnlySpan{OnnxArgument})" path="/exception"/>
    public OnnxResults Run(params ReadOnlySpan<(string Name, OnnxArgument Value)> inputs)
    {
        var all = new OnnxArgument[Inputs.Count];
        foreach (var (name, value) in inputs)
        {
            int i = Inputs.Count - 1;
            while (i >= 0 && Inputs[i].Name != name) { i--; }
            if (i < 0 || all[i].Value is not null) { throw new ArgumentException($"onnx-model: \"{name}\" {(i < 0 ? "is no input" : "is there twice")}; the model takes {string.Join("; ", Inputs)}", nameof(inputs)); }
            all[i] = value;
        }
        return Run(all);
    }

    /// <inheritdoc/>
    protected internal override void Parts(Parts p)
    {
        ArgumentNullException.ThrowIfNull(p);
        foreach (var (name, value) in _parameters) { p.Exactly(name, value); }
        foreach (var (name, value) in _buffers) { p.ExactlyBuffer(name, value); }
    }

    private Tensor One(OnnxArgument x)
    {
        if (Inputs.Count != 1 || Outputs.Count != 1 || Inputs[0].IsWhole != x.Value is Indices)
        {
            throw new InvalidOperationException($"onnx-model: the model takes {string.Join("; ", Inputs)} and gives {string.Join("; ", Outputs)}; use Run, and {(x.Value is Indices ? "ToTensor() where numbers are" : "Indices where whole ones are")} asked for");
        }
        return Run([x])[0];
    }

    private static OnnxCell Cell(OnnxPort port, OnnxArgument given)
    {
        var shape = given.Value switch { Tensor t => t.Shape, Indices i => i.Shape, _ => throw new ArgumentException($"onnx-model: no value for the input {port}") };
        if (!port.IsWhole && given.Value is Indices) { throw new ArgumentException($"onnx-model: the input {port} takes numbers, not indices; ToTensor()?"); }
        if (port.Sizes is { } sizes)
        {
            bool fits = sizes.Count == shape.Rank;
            for (int i = 0; fits && i < sizes.Count; i++) { fits = sizes[i] is not { } n || n == shape[i]; }
            if (!fits) { throw new ShapeException("onnx-model", $"the input {port} is given {shape}", shape); }
        }
        return given.Value is Indices whole ? new(whole) : new((Tensor)given.Value!, port.IsWhole ? OnnxKind.Whole : OnnxKind.Real);
    }

    private static OnnxPort PortOf(OnnxProtoPort port) => OnnxProtoTensor.KindOf(port.Type) is { } kind ? new(port.Name, kind != OnnxKind.Real, port.Shape is null ? null : [.. port.Shape.Select(s => s.Size)])
        : port.Type == 0 ? new(port.Name, false, null) : throw new NotSupportedException($"onnx-model: \"{port.Name}\" is texts, a sequence, or of a type that has no tensors here");

    // every operator that is not known, at once
    private static void Refuse(OnnxProtoGraph graph)
    {
        HashSet<string> unknown = new(StringComparer.Ordinal);
        Collect(graph);
        if (unknown.Count > 0) { Throw(unknown); }

        void Collect(OnnxProtoGraph g)
        {
            foreach (var node in g.Nodes)
            {
                bool branches = node is { Op: "If", Domain: "" };
                if (!branches && !(node is { Op: "Constant", Domain: "" }) && OnnxOperators.Find(node) is null) { unknown.Add(node.Domain.Length == 0 ? node.Op : $"{node.Domain}.{node.Op}"); }
                foreach (object value in node.Attributes.Values) { if (branches && value is OnnxProtoGraph inner) { Collect(inner); } }
            }
        }
    }

    [DoesNotReturn]
    private static void Throw(HashSet<string> unknown) => throw new NotSupportedException($"onnx-model: operators that are not supported: {string.Join(", ", unknown.Order(StringComparer.Ordinal))}; export the model without them");
}
