using System.Runtime.CompilerServices;
using DeepEdu.Autograd;
using DeepEdu.Collectives;
using DeepEdu.Devices;
using DeepEdu.Lanes;
using DeepEdu.Tensors;

namespace DeepEdu.Optim;

/// <summary>Gradients of the parts of a batch, averaged by weight, Σ wᵢgᵢ / Σ wᵢ, over one process or several, to the same bits: the parts are added up in a tree that depends on their number alone,
/// whoever has which and whoever comes first. Each process adds its own parts and gets the average of all. Memory is kept from step to step.
/// <code>
/// var sum = new PartSum(model.Parameters(), parts: 4, group);
/// for (int part = sum.Own.From; part &lt; sum.Own.To; part++)
/// {
///     using var tape = new Tape();
///     int[] rows = sum.Cut(batch, part);
///     sum.Add(part, tape.Gradients(Loss(rows)), rows.Length);
/// }
/// sum.Step(optimizer, g => Clip.ByNorm(g, 1));
/// </code></summary>
public sealed partial class PartSum
{
    private readonly Parameter[] _parameters;
    private readonly Dictionary<Tensor, int> _places = new(ReferenceEqualityComparer.Instance);
    private readonly PartStack<Node> _nodes;
    private readonly Stack<Node> _spare = [];
    private readonly ICollective _group;

    /// <summary>A sum of nothing.</summary>
    /// <param name="parameters">Whose gradients, as <c>Module.Parameters()</c> gives them: the same in every process.</param>
    /// <param name="parts">How many parts a batch has: at least as many as there are processes. More cost no memory: a process has its parts one after the other.</param>
    /// <param name="group">The processes; one by itself if null.</param>
    public PartSum(IReadOnlyList<(string Name, Parameter Value)> parameters, int parts, ICollective? group = null)
    {
        NullItems.ThrowIfAny(parameters);
        _group = group ?? Collective.Alone;
        if (parts < _group.Size) { throw new ArgumentOutOfRangeException(nameof(parts), $"part-sum: {parts} parts for {_group.Size} processes; with at least {_group.Size} each has something to do"); }
        _parameters = [.. parameters.Select(p => p.Value)];
        for (int p = 0; p < _parameters.Length; p++) { _places[_parameters[p]] = p; }
        (Parts, Own) = (parts, PartTree.Own(parts, _group.Rank, _group.Size));
        _nodes = new(parts) { Start = Own.From };
        _status = new byte[_parameters.Length];
        (_to, _from) = (new ReadOnlyMemory<byte>[_group.Size], new Memory<byte>[_group.Size]);
    }

    /// <summary>How many parts a batch has.</summary>
    public int Parts { get; }

    /// <summary>The parts of this process: From to To − 1.</summary>
    public (int From, int To) Own { get; }

    /// <summary>The rows of a part of a batch: sizes differ by 1 at most.</summary>
    public int[] Cut(ReadOnlySpan<int> batch, int part)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(part);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(part, Parts);
        var (from, to) = PartTree.Own(batch.Length, part, Parts);
        return batch[from..to].ToArray();
    }

    /// <summary>Takes in the gradients of one part, while its tape is open. Those of few rows stay rows. Parts without samples are left out.</summary>
    /// <param name="part">Which; they come in ascending order.</param>
    /// <param name="gradients">The part's.</param>
    /// <param name="weight">How much they count: the number of rows, if the loss is their mean.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is another process's part, or it or a later one was added already; or the weight is negative.</exception>
    public void Add(int part, Gradients gradients, double weight)
    {
        ArgumentNullException.ThrowIfNull(gradients);
        if (part < _nodes.Next || part >= Own.To) { throw new ArgumentOutOfRangeException(nameof(part), $"part-sum: part {part} does not come next: this process has the parts {Own.From} to {Own.To - 1}, and those before {_nodes.Next} are done"); }
        if (!(weight >= 0)) { throw new ArgumentOutOfRangeException(nameof(weight), $"part-sum: weight {weight} must not be negative"); }
        SkipTo(part);
        // the other half of the part before is added to that one's memory
        bool pair = _nodes.IsPair;
        var node = pair ? _nodes.Top : New();
        node.Weight += weight;
        foreach (var leaf in gradients.Leaves)
        {
            if (_places.TryGetValue(leaf, out int p)) { Add(node, p, gradients, (float)weight); }
            else if (leaf is Parameter) { throw new ArgumentException($"part-sum: a parameter {leaf.Shape} has a gradient and is not among the {_parameters.Length} given; does Parts() name every field?", nameof(gradients)); }
        }
        if (pair) { _nodes.Widen(); }
        else { _nodes.Push(node); }
        Join();
    }

    /// <summary>One step along the average over all processes, and begins anew. Every process calls it.</summary>
    /// <param name="optimizer">What steps.</param>
    /// <param name="bound">Changes the average first, such as clipping.</param>
    /// <exception cref="CollectiveException">Another process is gone, or has other parameters or parts.</exception>
    public void Step(Optimizer optimizer, Action<Gradients>? bound = null)
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        _header.Clear();
        WriteHeader(_header);
        _to.AsSpan().Fill(_header.Written);
        _group.Exchange("gradients", _to, _from);
        var plan = new Plan(this);
        for (int r = 0; r < _group.Size; r++)
        {
            var header = new MessageReader(_from[r].Span);
            plan.Read(ref header, r);
        }
        using var tape = new Tape();
        var gradients = Average(tape, plan);
        bound?.Invoke(gradients);
        optimizer.Step(gradients);
        Clear();
    }

    /// <summary>Begins anew.</summary>
    public void Clear()
    {
        for (int i = 0; i < _nodes.Count; i++) { Spare(_nodes[i].Value); }
        _nodes.Clear();
    }

    // parts without samples
    private void SkipTo(int part)
    {
        while (_nodes.Next < part)
        {
            _nodes.Push(New());
            Join();
        }
    }

    private void Join()
    {
        while (_nodes.TryPair(out var a, out var b))
        {
            a.Weight += b.Weight;
            for (int p = 0; p < _parameters.Length; p++)
            {
                if (b.Rows[p] is { } rows) { AddRows(a, p, rows); }
                else if (b.Has[p] && !a.Has[p] && a.Rows[p] is null) { (a.Dense[p], b.Dense[p], a.Has[p]) = (b.Dense[p], a.Dense[p], true); }
                else if (b.Has[p])
                {
                    Densify(a, p);
                    CpuDevice.Instance.Zip(default(Gradients.Sum), a.Dense[p]!.View, b.Dense[p]!.View, a.Dense[p]!.View, Broadcast.Flat(a.Dense[p]!.Size));
                }
            }
            Spare(b);
            _nodes.Join(a);
        }
    }

    private void Add(Node node, int p, Gradients gradients, float weight)
    {
        var leaf = _parameters[p];
        if (gradients.FindRows(leaf) is { } rows)
        {
            AddRows(node, p, rows.With(Clip.Map(rows.Values, new Clip.Scale(weight))));
            return;
        }
        var g = OnHost(gradients[leaf]);
        Densify(node, p);
        var sum = Memory(node, p);
        // no fused multiplication: a part that is added to another one must be what it is by itself
        if (node.Has[p]) { sum.Device.Zip(new AddProduct(weight), sum.View, g.View, sum.View, Broadcast.Flat(g.Size)); }
        else { sum.Device.Map(new Clip.Scale(weight), g.View, sum.View); }
        node.Has[p] = true;
    }

    private void AddRows(Node node, int p, RowGradient rows)
    {
        if (node.Has[p])
        {
            var dense = OnHost(rows.ToDense());
            CpuDevice.Instance.Zip(default(Gradients.Sum), node.Dense[p]!.View, dense.View, node.Dense[p]!.View, Broadcast.Flat(dense.Size));
            return;
        }
        rows = node.Rows[p] is { } before ? before.Add(rows) : rows;
        rows.Values.Keep();
        node.Rows[p] = rows;
    }

    private void Densify(Node node, int p)
    {
        if (node.Rows[p] is not { } rows) { return; }
        var dense = OnHost(rows.ToDense());
        CpuDevice.Instance.Copy(dense.View, Memory(node, p).View);
        (node.Rows[p], node.Has[p]) = (null, true);
    }

    private Tensor Memory(Node node, int p) => node.Dense[p] ??= Tensor.Persistent(_parameters[p].Shape);

    private static Tensor OnHost(Tensor t) => t.Device is CpuDevice ? t : Tensor.Of(t.Shape, t.ToArray());

    private Node New() => _spare.Count > 0 ? _spare.Pop() : new(_parameters.Length);

    private void Spare(Node node)
    {
        node.Weight = 0;
        Array.Clear(node.Has);
        Array.Clear(node.Rows);
        _spare.Push(node);
    }

    /// <summary>The sum over some neighbouring parts.</summary>
    private sealed class Node(int count)
    {
        public double Weight;

        /// <summary>Memory on the host; holds a gradient where <see cref="Has"/> says so.</summary>
        public readonly Tensor?[] Dense = new Tensor?[count];
        public readonly bool[] Has = new bool[count];
        public readonly RowGradient?[] Rows = new RowGradient?[count];
    }

    private readonly struct AddProduct(float by) : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L sum, L g) where L : struct, ILane<L> => sum + (by * g);
    }
}
