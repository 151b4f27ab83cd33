using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>Bags of vectors of a table, each made one: indices [N, L] → [N, width], or [total] with offsets [N] → [N, width]; "weight" [count, width]. A bag of nothing gives 0.
/// PyTorch's <c>nn.EmbeddingBag(count, width)</c>.</summary>
public sealed class EmbeddingBag : Layer
{
    private readonly Parameter _weight;
    private readonly BagMode _mode;
    private readonly int _padding;
    private readonly float? _maxNorm;
    private readonly float _normType;

    /// <summary>A table with PyTorch's initial values, N(0, 1).</summary>
    /// <param name="count">How many vectors; indices are 0 .. count − 1.</param>
    /// <param name="width">Numbers a vector.</param>
    /// <param name="rng">Where the initial values come from; one child stream is taken.</param>
    /// <param name="mode">What becomes of a bag's vectors; PyTorch's default is the mean.</param>
    /// <param name="padding">An index that does not count; its vector starts at 0 and is never learned. None if null. PyTorch's <c>padding_idx</c>.</param>
    /// <param name="maxNorm">Rows that are longer are shortened to this length, in the table itself, whenever they are looked up; null: never.</param>
    /// <param name="normType">The p of that length's norm.</param>
    /// <param name="init">Other initial values.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size below 1, or a padding index outside the table.</exception>
    public EmbeddingBag(int count, int width, Rng rng, BagMode mode = BagMode.Mean, int? padding = null, float? maxNorm = null, float normType = 2, Initializer? init = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentNullException.ThrowIfNull(rng);
        if (padding is { } p && (uint)p >= (uint)count) { throw new ArgumentOutOfRangeException(nameof(padding), $"embedding-bag: padding index {p} is outside 0..{count - 1}"); }
        (_mode, _padding, _maxNorm, _normType) = (mode, padding ?? -1, maxNorm, normType);
        _weight = new([count, width]);
        (init ?? Init.Normal())(_weight, rng.Fork());
        if (_padding >= 0) { _weight.AsSpan().Slice(_padding * width, width).Clear(); }
    }

    /// <summary>The table [count, width].</summary>
    public Parameter Weight => _weight;

    /// <summary>A bag a row: [N, L] → [N, width].</summary>
    public override Tensor Forward(Indices x) => Run(x, null);

    /// <summary>Bags one behind the other: [total] and where each begins, [N] → [N, width].</summary>
    public Tensor Forward(Indices x, Indices offsets)
    {
        ArgumentNullException.ThrowIfNull(offsets);
        return Run(x, offsets);
    }

    /// <summary>Weighted sums: each index with its weight, [N, L] → [N, width]. PyTorch's <c>per_sample_weights</c>.</summary>
    /// <exception cref="ArgumentException">The bag is not one of <see cref="BagMode.Sum"/>.</exception>
    public Tensor Forward(Indices x, Tensor weights)
    {
        ArgumentNullException.ThrowIfNull(weights);
        return Run(x, null, weights);
    }

    /// <summary>Weighted sums of bags one behind the other: [total], where each begins, and the weights [total] → [N, width].</summary>
    /// <exception cref="ArgumentException">The bag is not one of <see cref="BagMode.Sum"/>.</exception>
    public Tensor Forward(Indices x, Indices offsets, Tensor weights)
    {
        ArgumentNullException.ThrowIfNull(offsets);
        ArgumentNullException.ThrowIfNull(weights);
        return Run(x, offsets, weights);
    }

    /// <summary>Refused: a bag takes indices.</summary>
    /// <exception cref="InvalidOperationException">Always.</exception>
    public override Tensor Forward(Tensor x) => throw new InvalidOperationException($"{Kind}: takes Indices (int32), not a tensor of numbers; x.ToIndices() converts whole ones");

    /// <inheritdoc/>
    protected internal override void Parts(Parts p)
    {
        ArgumentNullException.ThrowIfNull(p);
        p.Of(_weight);
    }

    private Tensor Run(Indices x, Indices? offsets, Tensor? weights = null)
    {
        try
        {
            if (_maxNorm is { } limit) { Bags.Shorten(_weight, x, limit, _normType); }
            return _weight.EmbeddingBag(x, _mode, offsets, _padding, weights);
        }
        catch (ShapeException e) when (Places(e)) { throw; }
    }
}
