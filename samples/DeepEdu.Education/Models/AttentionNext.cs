using DeepEdu.Education.Data;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Education.Models;

/// <summary>Self-attentive recommendation, SASRec (Kang and McAuley 2018, arXiv:1808.09781, section III): blocks of attention to the items up to each one and of two dense layers, x + dropout(f(norm(x))), over the items' vectors
/// and those of their places; the vectors that are read are those that score. Places are counted from the end of a past, as they are where pasts are padded in front.</summary>
internal sealed class AttentionNext : NextItemNet
{
    public const string Title = "SASRec";

    private const int Blocks = 2;
    private readonly Embedding _items, _places;
    private readonly Block[] _blocks;
    private readonly LayerNorm _norm;
    private readonly Dropout _dropout;
    private readonly int _width;

    /// <param name="items">How many there are.</param>
    /// <param name="width">Of all that is inside.</param>
    /// <param name="drop">The share of values left out while learning.</param>
    /// <param name="rng">Where initial values and dropout come from.</param>
    public AttentionNext(int items, int width, float drop, Rng rng) : base(items)
    {
        _width = width;
        (_items, _places) = (new(items, width, rng, init: Init.XavierNormal()), new(Window, width, rng, init: Init.Normal(0, 0.02f)));
        _blocks = [.. Enumerable.Range(0, Blocks).Select(_ => new Block(width, drop, rng))];
        (_norm, _dropout) = (new(width), new(drop, rng));
    }

    public override string Name => Title;

    public override string Made => $"{Blocks} blocks of attention, {_width} wide, over the last {Window} items of a past";

    public override Parameter Vectors => _items.Weight;

    public override Tensor States(PastBatch batch)
    {
        Tensor x = (_items.Forward(batch.Items) * MathF.Sqrt(_width)) + _places.Forward(Places(batch));
        x = _dropout.Forward(x);
        foreach (Block block in _blocks) { x = block.Forward(x); }
        return _norm.Forward(x);
    }

    protected override void Parts(Parts p) => p.Of(_items).Of(_places).Of(_blocks).Of(_norm).Of(_dropout);

    // the last item of a past has the last place; what is behind it is not read
    private Indices Places(PastBatch batch)
    {
        int[] places = new int[batch.Count * batch.Steps];
        for (int p = 0; p < batch.Count; p++)
        {
            int own = batch.Lengths.Span[p];
            for (int t = 0; t < own; t++) { places[(p * batch.Steps) + t] = Window - own + t; }
        }
        return Indices.Wrap(places, batch.Items.Shape);
    }

    private sealed class Block : Module
    {
        private readonly LayerNorm _norm1, _norm2;
        private readonly MultiHeadAttention _attention;
        private readonly Dense _linear1, _linear2;
        private readonly Dropout _dropout1, _dropout2, _dropout3;

        public Block(int width, float drop, Rng rng)
        {
            (_norm1, _norm2) = (new(width), new(width));
            _attention = new(width, 1, rng, drop);
            (_linear1, _linear2) = (new(width, width, rng), new(width, width, rng));
            (_dropout1, _dropout2, _dropout3) = (new(drop, rng), new(drop, rng), new(drop, rng));
        }

        public Tensor Forward(Tensor x)
        {
            x += _dropout1.Forward(_attention.Forward(_norm1.Forward(x), AttentionMask.Past));
            return x + _dropout3.Forward(_linear2.Forward(_dropout2.Forward(_linear1.Forward(_norm2.Forward(x)).Relu())));
        }

        protected override void Parts(Parts p) => p.Of(_norm1).Of(_attention).Of(_norm2).Of(_linear1).Of(_linear2).Of(_dropout1).Of(_dropout2).Of(_dropout3);
    }
}
