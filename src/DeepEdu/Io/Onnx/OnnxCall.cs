using System.Diagnostics.CodeAnalysis;
using DeepEdu.Devices;
using DeepEdu.Tensors;

namespace DeepEdu.Io;

/// <summary>An operator of a graph that runs: its attributes, and what it takes.</summary>
internal sealed class OnnxCall(OnnxProtoNode node, OnnxCell?[] inputs, int opset, Device device)
{
    public OnnxProtoNode Node => node;

    public int Opset => opset;

    public Device Device => device;

    public int Count => inputs.Length;

    public bool Has(int i) => i < inputs.Length && inputs[i] is not null;

    /// <summary>An input.</summary>
    public OnnxCell this[int i] => Has(i) ? inputs[i]! : throw new InvalidDataException($"onnx-model: {node.Label} lacks its input {i}");

    /// <summary>An input as a tensor.</summary>
    public Tensor X(int i = 0) => this[i].Tensor(device);

    public Tensor? Maybe(int i) => Has(i) ? X(i) : null;

    /// <summary>An input's whole numbers.</summary>
    public int[] Ints(int i) => this[i].Host.Ints();

    public long Int(string name, long otherwise = 0) => Attribute(name, otherwise);

    public float Float(string name, float otherwise = 0) => Attribute(name, otherwise);

    public string Text(string name, string otherwise) => Attribute(name, otherwise);

    /// <summary>Whole numbers of an attribute; null if it is not there.</summary>
    public int[]? IntsOf(string name) => Attribute<long[]?>(name, null) is { } all ? Array.ConvertAll(all, v => OnnxHost.Int(v)) : null;

    /// <summary>Whole numbers that were an attribute in earlier versions of the operator and are an input since.</summary>
    public int[]? IntsOf(string name, int input) => Has(input) ? Ints(input) : IntsOf(name);

    public int Axis(int rank, long otherwise, string name = "axis") => Place(Int(name, otherwise), rank);

    /// <summary>An axis counted from the front.</summary>
    public int Place(long axis, int rank) => (axis < 0 ? axis + rank : axis) is var at && at >= 0 && at < Math.Max(rank, 1) ? (int)at : throw Wrong($"axis {axis} of {rank}");

    /// <summary>Something that the operator may be asked for and that is not done here.</summary>
    public NotSupportedException Lacks(string what) => new($"onnx-model: {node.Label}: {what} is not supported");

    public ShapeException Wrong(string why) => new("onnx-model", $"{node.Label}: {why}", [.. inputs.Where(i => i is not null).Select(i => i!.Shape)]);

    [return: NotNullIfNotNull(nameof(otherwise))]
    private T Attribute<T>(string name, T otherwise) => !node.Attributes.TryGetValue(name, out object? value) ? otherwise
        : value is T t ? t : throw new InvalidDataException($"onnx-model: {node.Label}: the attribute {name} is of another type");
}
