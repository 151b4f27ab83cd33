using DeepEdu.Education.Data;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Education.Models;

/// <summary>Recurrent recommendation, GRU4Rec (Hidasi et al. 2016, arXiv:1511.06939; items left out while learning as in Tan et al. 2016, arXiv:1606.08117): gated units read the items' vectors. The vectors that are
/// read are those that score (the authors' "constrained embedding"), with a number for each item's popularity.</summary>
internal sealed class GruNext : NextItemNet
{
    public const string Title = "GRU4Rec";

    private readonly Embedding _items;
    private readonly Gru _gru;
    private readonly Dropout _dropout1, _dropout2;
    private readonly Parameter _popularity;

    /// <param name="items">How many there are.</param>
    /// <param name="width">Of the items' vectors, and units.</param>
    /// <param name="drop">The share of values left out while learning.</param>
    /// <param name="rng">Where initial values and dropout come from.</param>
    public GruNext(int items, int width, float drop, Rng rng) : base(items)
    {
        _items = new(items, width, rng, init: Init.XavierNormal());
        _gru = new(width, width, rng);
        (_dropout1, _dropout2) = (new(drop, rng), new(drop, rng));
        _popularity = new([items]);
        _popularity.AsSpan().Clear();
    }

    public override string Name => Title;

    public override string Made => $"GRU of {_gru.Hidden} units over items of as many numbers, the last {Window} of a past";

    public override Parameter Vectors => _items.Weight;

    public override Parameter? Popularity => _popularity;

    public override Tensor States(PastBatch batch) => _dropout2.Forward(_gru.Run(_dropout1.Forward(_items.Forward(batch.Items)), lengths: batch.Lengths).Output);

    protected override void Parts(Parts p) => p.Of(_popularity).Of(_items).Of(_gru).Of(_dropout1).Of(_dropout2);
}
