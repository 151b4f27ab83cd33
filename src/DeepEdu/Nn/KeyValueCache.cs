using System.Diagnostics.CodeAnalysis;
using DeepEdu.Autograd;
using DeepEdu.Kernels;
using DeepEdu.Memory;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>The keys and values of the steps so far, so that generation computes each of them once. A step that fails leaves it as it was. Its memory is taken when it is made, and moves to the device of the first rows; a step adds rows and allocates nothing in it. One for each
/// attention layer; for use, not for learning.</summary>
public sealed class KeyValueCache
{
    private (Tensor Keys, Tensor Values)? _memory;

    /// <summary>An empty cache.</summary>
    /// <param name="batch">How many sequences run side by side.</param>
    /// <param name="capacity">The most steps.</param>
    /// <param name="width">Numbers of a key, all heads together.</param>
    public KeyValueCache(int batch, int capacity, int width)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(batch);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        (Keys, Values) = (Tensor.Persistent([batch, capacity, width]), Tensor.Persistent([batch, capacity, width]));
    }

    /// <summary>Steps so far.</summary>
    public int Length { get; private set; }

    /// <summary>The most steps.</summary>
    public int Capacity => Keys.Shape[1];

    internal Tensor Keys { get; }

    internal Tensor Values { get; }

    /// <summary>Forgets the steps from <paramref name="length"/> on: 0 to begin anew, with another memory too.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not between 0 and <see cref="Length"/>.</exception>
    public void Reset(int length = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length);
        Length = length;
        if (length == 0) { _memory = null; }
    }

    /// <summary>Sequence i goes on from what sequence <c>rows[i]</c> was: the beams of a beam search that are followed on, and their parents. A row may be named several times.</summary>
    /// <param name="rows">[batch], the sequences as they were.</param>
    /// <exception cref="ShapeException">Not one row for each sequence.</exception>
    /// <exception cref="ArgumentOutOfRangeException">No such sequence.</exception>
    public void Reorder(Indices rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        int batch = Keys.Shape[0];
        if (rows.Rank != 1 || rows.Size != batch) { throw new ShapeException("cache", $"reorder by {rows.Shape}, but the cache has {batch} sequences: [{batch}] is needed", rows.Shape, Keys.Shape); }
        rows.CheckBelow("cache", batch);
        if (rows.Span.SequenceEqual(Indices.Arange(batch).Span)) { return; }
        Move(Keys, rows, Length);
        Move(Values, rows, Length);
        if (_memory is not { } memory) { return; }
        Move(memory.Keys, rows, memory.Keys.Shape[1]);
        Move(memory.Values, rows, memory.Values.Shape[1]);
    }

    private static void Move(Tensor x, Indices rows, int steps)
    {
        using var arena = new Arena();
        var moved = x.Narrow(1, 0, steps).IndexSelect(0, rows);
        int capacity = x.Shape[1], width = x.Shape[2];
        x.Device.Launch(new StridedCopy(moved.View, x.View, Walk.Plan("cache", [x.Shape[0], steps, width], [steps * width, width, 1], 0, [capacity * width, width, 1], 0)));
    }

    /// <summary>What a step that fails goes back to.</summary>
    internal (int Length, bool HasMemory) Now => (Length, _memory is not null);

    /// <summary>As before steps that failed.</summary>
    internal void GoBack((int Length, bool HasMemory) to)
    {
        Length = to.Length;
        if (!to.HasMemory) { _memory = null; }
    }

    /// <summary>The keys and values of a memory, projected at the first step.</summary>
    internal (Tensor Keys, Tensor Values) Memory(MultiHeadAttention attention, Tensor memory)
    {
        if (_memory is { } known) { return known; }
        var (k, v) = attention.Project(memory);
        _memory = (Copied(k), Copied(v));
        return _memory.Value;
    }

    private static Tensor Copied(Tensor x)
    {
        var copy = Tensor.Persistent(x.Shape, x.Device);
        x.Device.Copy(x.View, copy.View);
        return copy;
    }

    /// <summary>Takes in the keys and values that stand beside the queries in the rows of x [batch, n, 3·width].</summary>
    internal void Append(Tensor x)
    {
        int width = Keys.Shape[2];
        if (x.Rank != 3 || x.Shape[0] != Keys.Shape[0] || x.Shape[2] != 3 * width) { ThrowShape(x.Shape, Keys.Shape); }
        int steps = x.Shape[1];
        if (steps > Capacity - Length) { ThrowFull(steps); }
        if (Tape.For(x) is not null) { throw new InvalidOperationException("cache: no gradient flows through remembered keys; run without a tape, or inside a plain Arena"); }
        if (Keys.Device != x.Device) { Keys.MoveTo(x.Device); }
        if (Values.Device != x.Device) { Values.MoveTo(x.Device); }
        Copy(x, width, Keys);
        Copy(x, 2 * width, Values);
        Length += steps;
    }

    private void Copy(Tensor x, int column, Tensor to)
    {
        int steps = x.Shape[1], row = x.Shape[2], width = to.Shape[2];
        x.Device.Launch(new StridedCopy(x.View, to.View, Walk.Plan("cache", [x.Shape[0], steps, width], [steps * row, row, 1], column, [Capacity * width, width, 1], Length * width)));
    }

    [DoesNotReturn]
    private static void ThrowShape(Shape x, Shape keys) =>
        throw new ShapeException("cache", $"rows {x} for a cache of {keys[0]} sequences of width {keys[2]}: [{keys[0]}, n, {3 * keys[2]}] is needed", x, keys);

    [DoesNotReturn]
    private void ThrowFull(int steps) => throw new InvalidOperationException($"cache: {Length} of {Capacity} steps are there, {steps} more do not fit; make it larger, or Reset it");
}
