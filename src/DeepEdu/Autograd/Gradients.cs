using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using DeepEdu.Devices;
using DeepEdu.Lanes;
using DeepEdu.Memory;
using DeepEdu.Tensors;

namespace DeepEdu.Autograd;

/// <summary>dL/d(leaf) for each parameter and watched tensor that the loss depends on. Tensors have no gradient of their own, so there is nothing to reset.</summary>
public sealed class Gradients
{
    private readonly Tape _tape;
    private readonly Dictionary<Tensor, Slot> _leaves = new(ReferenceEqualityComparer.Instance);

    // gradients on their way, by the number of the operation that made the tensor; further outputs of one operation stand in _extra
    private readonly Slot[] _made;
    private Dictionary<Tensor, Slot>? _extra;

    // gradients that are a few rows of a table; a leaf stands here or in _leaves
    private Dictionary<Tensor, RowGradient>? _rows;

    // blocks in which a gradient lay that has been passed on
    private readonly List<Block> _left = [];

    internal Gradients(Tape tape, int steps) => (_tape, _made) = (tape, new Slot[steps]);

    /// <summary>How many leaves have a gradient.</summary>
    public int Count => _leaves.Count + (_rows?.Count ?? 0);

    /// <summary>The leaves that have a gradient.</summary>
    public IEnumerable<Tensor> Leaves => _rows is null ? _leaves.Keys : _leaves.Keys.Concat(_rows.Keys);

    /// <summary>The gradient of a leaf, of the leaf's shape.</summary>
    /// <exception cref="KeyNotFoundException">The loss does not depend on the tensor, or it is not a leaf.</exception>
    public Tensor this[Tensor leaf] => Find(leaf)
        ?? throw new KeyNotFoundException($"gradients: none for the tensor {leaf.Shape}: it is no parameter and was not watched, or the loss does not depend on it");

    /// <summary>The gradient of a leaf, or null where the loss does not depend on it. If it is a few rows (<see cref="FindRows"/>), the whole table is made each time.</summary>
    public Tensor? Find(Tensor leaf)
    {
        ArgumentNullException.ThrowIfNull(leaf);
        return _leaves.TryGetValue(leaf, out var slot) ? slot.Value : FindRows(leaf)?.ToDense();
    }

    /// <summary>The gradient of a table whose use asked for rows alone, such as an embedding with <c>sparse: true</c>; null for all others, and where the table was used in other ways too.</summary>
    public RowGradient? FindRows(Tensor leaf)
    {
        ArgumentNullException.ThrowIfNull(leaf);
        return _rows?.GetValueOrDefault(leaf);
    }

    /// <summary>Replaces a leaf's gradient: clipping and accumulation over steps do so.</summary>
    /// <exception cref="ShapeException">The shapes differ.</exception>
    public void Replace(Tensor leaf, Tensor gradient)
    {
        ArgumentNullException.ThrowIfNull(leaf);
        ArgumentNullException.ThrowIfNull(gradient);
        if (leaf.Device != gradient.Device) { throw new InvalidOperationException($"gradients: the tensor {leaf.Shape} lives on {leaf.Device.Name}, its gradient on {gradient.Device.Name}; move one of them"); }
        if (leaf.Shape != gradient.Shape) { throw new ShapeException("gradients", $"a gradient {gradient.Shape} for a tensor {leaf.Shape}", leaf.Shape, gradient.Shape); }
        _rows?.Remove(leaf);
        _leaves[leaf] = new(gradient, false);
    }

    /// <summary>Replaces a table's gradient by one of few rows.</summary>
    /// <exception cref="ShapeException">The shapes differ.</exception>
    public void Replace(Tensor leaf, RowGradient gradient)
    {
        ArgumentNullException.ThrowIfNull(leaf);
        ArgumentNullException.ThrowIfNull(gradient);
        if (leaf.Shape != gradient.Shape) { throw new ShapeException("gradients", $"a gradient of {gradient.Shape} for a tensor {leaf.Shape}", leaf.Shape, gradient.Shape); }
        _leaves.Remove(leaf);
        (_rows ??= new(ReferenceEqualityComparer.Instance))[leaf] = gradient;
    }

    /// <summary>The shapes of the leaves that have a gradient.</summary>
    public override string ToString() => $"gradients of {Count} tensors: {string.Join(", ", Leaves.Select(leaf => leaf.Shape))}";

    /// <summary>Blocks that a gradient has left since they were last cleared.</summary>
    internal List<Block> Left => _left;

    /// <summary>What has arrived for a tensor so far.</summary>
    internal Tensor? Peek(Tensor to)
    {
        if (Find(to) is { } leaf) { return leaf; }
        if (!ReferenceEquals(to.Recorder, _tape)) { return null; }
        return _tape.IsFirstOutput(to) ? _made[to.Node].Value : _extra?.GetValueOrDefault(to).Value;
    }

    internal Tensor? Take(Tensor made, int output = 0)
    {
        Slot slot = default;
        if (output == 0) { (slot, _made[made.Node]) = (_made[made.Node], default); }
        else { _extra?.Remove(made, out slot); }
        if (slot.Value is not null) { Leave(slot.Value); }
        return slot.Value;
    }

    [DoesNotReturn]
    private static void ThrowNothing(Shape to) => throw new ShapeException("gradients", $"a pullback gave null for an input {to}; leave out the input, or give zeros", to);

    /// <summary>Throws if a pullback gave nothing, or another shape than the input's.</summary>
    internal static void CheckPulled(Tensor to, Tensor? gradient)
    {
        if (gradient is null) { ThrowNothing(to.Shape); }
        if (gradient.Shape != to.Shape) { throw new ShapeException("gradients", $"a pullback gave {gradient.Shape} for an input {to.Shape}", to.Shape, gradient.Shape); }
    }

    internal void Accumulate(Tensor to, Tensor gradient)
    {
        CheckPulled(to, gradient);
        if (_rows is not null && _rows.Remove(to, out var rows))
        {
            Leave(rows.Values);
            Add(ref CollectionsMarshal.GetValueRefOrAddDefault(_leaves, to, out _), rows.ToDense());
        }
        if (to.IsLeaf) { Add(ref CollectionsMarshal.GetValueRefOrAddDefault(_leaves, to, out _), gradient); }
        if (!ReferenceEquals(to.Recorder, _tape)) { return; }
        if (_tape.IsFirstOutput(to)) { Add(ref _made[to.Node], gradient); return; }
        _extra ??= new(ReferenceEqualityComparer.Instance);
        Add(ref CollectionsMarshal.GetValueRefOrAddDefault(_extra, to, out _), gradient);
    }

    internal void Accumulate(Tensor to, RowGradient gradient)
    {
        if (_leaves.ContainsKey(to))
        {
            Accumulate(to, gradient.ToDense());
            return;
        }
        _rows ??= new(ReferenceEqualityComparer.Instance);
        if (_rows.TryGetValue(to, out var before))
        {
            gradient = before.Add(gradient);
            Leave(before.Values);
        }
        Enter(gradient.Values);
        _rows[to] = gradient;
    }

    // the second gradient makes a sum of our own; further ones are added into it
    private void Add(ref Slot slot, Tensor gradient)
    {
        if (slot.Value is null)
        {
            slot = new(gradient, false);
            Enter(gradient);
            return;
        }
        var sum = slot.Owned ? slot.Value : Tensor.Empty(gradient.Shape, gradient.Device);
        gradient.Device.Zip(default(Sum), slot.Value.View, gradient.View, sum.View, Broadcast.Flat(gradient.Size));
        if (slot.Owned) { return; }
        Leave(slot.Value);
        Enter(sum);
        slot = new(sum, true);
    }

    /// <summary>Gives each leaf's gradient memory of its own: two leaves may have got one tensor, and one the gradient to start from, so that what is written over the one would change the other.</summary>
    internal void Part()
    {
        foreach (var (leaf, slot) in _leaves)
        {
            if (slot.Value.View.Block is { Passing: true, Uses: 1 } block && block.Owner == _tape) { continue; }
            var own = Tensor.Empty(leaf.Shape, leaf.Device);
            own.Device.Copy(slot.Value.View, own.View);
            Leave(slot.Value);
            Enter(own);
            CollectionsMarshal.GetValueRefOrNullRef(_leaves, leaf) = new(own, true);
        }
        _left.Clear();
    }

    /// <summary>gradient ⊙ slope.</summary>
    internal static Tensor Multiply(Tensor gradient, Tensor slope)
    {
        var product = Tensor.Empty(gradient.Shape, gradient.Device);
        gradient.Device.Zip(default(Factors), gradient.View, slope.View, product.View, Broadcast.Flat(gradient.Size));
        return product;
    }

    private void Enter(Tensor gradient)
    {
        var block = gradient.View.Block;
        if (block.Owner == _tape) { block.Uses++; }
    }

    // a block that was kept has another owner, who counts anew
    private void Leave(Tensor gradient)
    {
        var block = gradient.View.Block;
        if (block.Owner != _tape || block.Uses == 0) { return; }
        if (--block.Uses == 0) { _left.Add(block); }
    }

    private readonly record struct Slot(Tensor Value, bool Owned);

    internal readonly struct Factors : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L a, L b) where L : struct, ILane<L> => a * b;
    }

    internal readonly struct Sum : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L a, L b) where L : struct, ILane<L> => a + b;
    }
}
