using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>A table of vectors, looked up by position: indices [..] → [.., width]; "weight" [count, width]. PyTorch's <c>nn.Embedding(count, width)</c>, Keras'
/// <c>Embedding(count, width)</c>.</summary>
public sealed class Embedding : Layer
{
    // multiply-adds that a number made of a vector must save each time to be worth being looked up, and on the way back being added to the others of its vector: measured, where what is
    // looked up stays in the cache and where it does not
    private const int Worth = 8, WorthOfMany = 16, Many = 512;

    private readonly Parameter _weight;
    private readonly int _padding;
    private readonly float? _maxNorm;
    private readonly float _normType;
    private readonly bool _sparse;

    /// <summary>A table with PyTorch's initial values, N(0, 1).</summary>
    /// <param name="count">How many vectors; indices are 0 .. count − 1.</param>
    /// <param name="width">Numbers a vector.</param>
    /// <param name="rng">Where the initial values come from; one child stream is taken.</param>
    /// <param name="padding">An index whose vector starts at 0 and is never learned; none if null. PyTorch's <c>padding_idx</c>.</param>
    /// <param name="init">Other initial values.</param>
    /// <param name="maxNorm">Rows that are longer are shortened to this length, in the table itself, whenever they are looked up; null: never. PyTorch's <c>max_norm</c>.</param>
    /// <param name="normType">The p of that length's norm.</param>
    /// <param name="sparse">Whether the gradient is the used rows alone. Sgd, Adagrad and Adam then step those rows and no others, at a cost that does not depend on the table's length.
    /// PyTorch's <c>sparse=True</c>.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size below 1, or a padding index outside the table.</exception>
    public Embedding(int count, int width, Rng rng, int? padding = null, Initializer? init = null, float? maxNorm = null, float normType = 2, bool sparse = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentNullException.ThrowIfNull(rng);
        if (padding is { } p && (uint)p >= (uint)count) { throw new ArgumentOutOfRangeException(nameof(padding), $"embedding: padding index {p} is outside 0..{count - 1}"); }
        (_padding, _maxNorm, _normType, _sparse) = (padding ?? -1, maxNorm, normType, sparse);
        _weight = new([count, width]);
        (init ?? Init.Normal())(_weight, rng.Fork());
        if (_padding >= 0) { _weight.AsSpan().Slice(_padding * width, width).Clear(); }
    }

    /// <summary>The table [count, width].</summary>
    public Parameter Weight => _weight;

    /// <inheritdoc/>
    public override Tensor Forward(Indices x)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (_maxNorm is { } limit) { Bags.Shorten(_weight, x, limit, _normType); }
        return _weight.Embedding(x, _padding, _sparse);
    }

    /// <summary>Refused: an embedding takes indices.</summary>
    /// <exception cref="InvalidOperationException">Always.</exception>
    public override Tensor Forward(Tensor x) => throw new InvalidOperationException($"{Kind}: takes Indices (int32), not a tensor of numbers; x.ToIndices() converts whole ones");

    internal override Layer? Fuse(Layer next) => next is Recurrent recurrent ? new BeforeRecurrent(this, recurrent) : null;

    /// <summary>For who multiplies the vectors with weights of its own, and may do so once for each different one: vectors [k, width], and which of them stands at each place. Null where
    /// that would not pay.</summary>
    internal (Tensor Vectors, Indices Places)? Shared(Indices x)
    {
        int all = _weight.Shape[0];
        bool plain = _padding < 0 && _maxNorm is null && !_sparse;
        if (Recording.Current is { TellsLayers: true }) { return null; } // a file is made of the layers
        // a session's words are others each time, and an answer is its answer to the bit; a GPU's products cost little
        if (!Tape.IsTraining || _weight.Device is not CpuDevice) { return plain && x.Size >= 2 * all ? (_weight, x) : null; }
        x.CheckBelow("embedding", all);
        var (rows, places) = DistinctRows.Of(x);
        if ((long)(x.Size - rows.Size) * _weight.Shape[1] < (long)x.Size * (rows.Size < Many ? Worth : WorthOfMany)) { return null; }
        return plain && rows.Size >= all - (all / 8) ? (_weight, x) : (Forward(rows), places);
    }

    /// <inheritdoc/>
    protected internal override void Parts(Parts p)
    {
        ArgumentNullException.ThrowIfNull(p);
        p.Of(_weight);
    }

    private sealed class BeforeRecurrent(Embedding embedding, Recurrent recurrent) : Layer
    {
        public override Tensor Forward(Tensor x) => embedding.Forward(x);

        public override Tensor Forward(Indices x) => recurrent.Drive(embedding, x, null, null, default).Output;
    }
}
