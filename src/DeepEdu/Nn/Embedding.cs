using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>A table of vectors, looked up by position: indices [..] → [.., width]; "weight" [count, width]. PyTorch's <c>nn.Embedding(count, width)</c>, Keras'
/// <c>Embedding(count, width)</c>.</summary>
public sealed class Embedding : Layer
{
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

    internal override Layer? Fuse(Layer next) =>
        _padding < 0 && _maxNorm is null && !_sparse && next is Recurrent recurrent && recurrent.Norms(0) is null && recurrent.Inputs == _weight.Shape[1] ? new BeforeRecurrent(this, recurrent) : null;

    /// <inheritdoc/>
    protected internal override void Parts(Parts p)
    {
        ArgumentNullException.ThrowIfNull(p);
        p.Of(_weight);
    }

    // Of few different vectors and many steps, the product with the input weights is made once a vector, not once a step: Wᵢ·Eᵀ is the input weight of one-hot vectors.
    private sealed class BeforeRecurrent(Embedding embedding, Recurrent recurrent) : Layer
    {
        public override Tensor Forward(Tensor x) => embedding.Forward(x);

        public override Tensor Forward(Indices x) =>
            x.Rank == 2 && x.Size >= 2 * embedding._weight.Shape[0] ? recurrent.Look(embedding._weight, x) : recurrent.Forward(embedding.Forward(x));
    }
}
