using DeepEdu.Devices;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Io;

/// <summary>A value of a running graph: a tensor, numbers on the host, or indices that were given; each becomes another when an operator asks.</summary>
internal sealed class OnnxCell
{
    private readonly Tensor? _tensor;
    private readonly Indices? _indices;
    private OnnxHost? _host;
    private Tensor? _kept;

    public OnnxCell(Tensor tensor, OnnxKind kind = OnnxKind.Real) => (_tensor, Kind, Shape) = (tensor, kind, tensor.Shape);

    public OnnxCell(OnnxHost host) => (_host, Kind, Shape) = (host, host.Kind, [.. host.Shape]);

    public OnnxCell(Indices indices) => (_indices, Kind, Shape) = (indices, OnnxKind.Whole, indices.Shape);

    public OnnxKind Kind { get; }

    public Shape Shape { get; }

    public int Rank => Shape.Rank;

    /// <summary>Whether they were given as indices.</summary>
    public bool IsGiven => _indices is not null;

    /// <summary>Whether the numbers are on the host already. Those that were given are not while a session is recorded, which must see what is done to them.</summary>
    public bool IsHost => IsGiven ? Recording.Current is null : _host is not null && _tensor is null;

    /// <summary>The numbers on the host.</summary>
    public OnnxHost Host => _host ??= _indices is { } i ? OnnxHost.Whole([.. i.Shape], Array.ConvertAll(i.ToArray(), v => (double)v))
        : new([.. Shape], Array.ConvertAll(_tensor!.ToArray(), v => (double)v), Kind);

    /// <summary>The single number, if it is known without asking a device.</summary>
    public float? Known => _host is { Size: 1 } h ? (float)h.Values[0] : null;

    /// <summary>Whether they are stored with a sign; null if they were computed.</summary>
    public bool? IsSigned => _host?.IsSigned;

    /// <summary>Whole numbers for a look-up.</summary>
    public Indices Indices => _indices ?? Host.ToIndices();

    /// <summary>A constant of the graph: its tensor is made once, in memory that stays.</summary>
    public OnnxCell AsConstant()
    {
        if (Kind == OnnxKind.Real && _tensor is null) { _kept = Kept(CpuDevice.Instance); }
        return this;
    }

    /// <summary>The numbers as a tensor on a device.</summary>
    public Tensor Tensor(Device device)
    {
        if (_tensor is not null) { return _tensor; }
        if (_indices is not null) { return _indices.ToTensor().To(device); }
        if (_kept is { } kept) { return kept.Device == device ? kept : _kept = Kept(device); }
        return Tensors.Tensor.Of(Shape, Floats(), device);
    }

    private Tensor Kept(Device device)
    {
        var y = Tensors.Tensor.Persistent(Shape, device);
        y.CopyFrom(Floats());
        return y;
    }

    private float[] Floats() => Array.ConvertAll(Host.Values, v => (float)v);

    public OnnxCell Reshape(Shape shape) => _tensor is not null ? new(_tensor.Reshape(shape), Kind) : _indices is not null ? new(_indices.Reshape(shape)) : new(_host!.As([.. shape]));
}
