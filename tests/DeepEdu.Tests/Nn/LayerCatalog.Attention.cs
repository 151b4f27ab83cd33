using DeepEdu.Nn;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Nn;

internal static partial class LayerCatalog
{
    private static readonly AttentionMask s_seen = new() { Lengths = Indices.Of(5, 2) };

    private static Dictionary<string, Func<Layer>> Attention() => new()
    {
        ["mha"] = () => Mha((m, x) => m.Forward(x)),
        ["mha-heads"] = () => Mha((m, x) => m.Forward(x), new(8, 4, s_rng)),
        ["mha-no-bias"] = () => Mha((m, x) => m.Forward(x), new(8, 2, s_rng, bias: false)),
        ["mha-time-major"] = () => Mha((m, x) => m.Forward(x), new(8, 2, s_rng, batchFirst: false)),
        ["mha-causal"] = () => Mha((m, x) => m.Forward(x, AttentionMask.Past)),
        ["mha-lengths"] = () => Mha((m, x) => m.Forward(x, s_seen)),
        ["mha-keys"] = () => Mha((m, x) => m.Forward(x, new AttentionMask { Keys = Tensor.Of([2, 5], [1, 1, 1, 1, 1, 0, 0, 0, 1, 1], x.Device) })),
        ["mha-scores"] = () => Mha((m, x) => m.Forward(x, new AttentionMask { Scores = Tensor.Of([5, 5], [.. Enumerable.Range(0, 25).Select(i => (float)(0.3 * Math.Sin(i)))], x.Device) })),
        ["mha-weights"] = () => Mha((m, x) => Both(m.ForwardWithWeights(x, x, x, AttentionMask.Past))),
        ["mha-weights-all"] = () => Mha((m, x) => Both(m.ForwardWithWeights(x, x, x, average: false))),
        ["mha-cross"] = () => Mha((m, x) => Cross(m, x, 8, 8, default)),
        ["mha-cross-widths"] = () => Mha((m, x) => Cross(m, x, 6, 4, default), new(8, 2, s_rng, keyWidth: 6, valueWidth: 4)),
        ["mha-cross-lengths"] = () => Mha((m, x) => Cross(m, x, 8, 8, new() { Lengths = Indices.Of(1, 2) })),
        ["mha-eval"] = () => Mha((m, x) => m.Forward(x), new(8, 2, s_rng, dropout: 0.4f)),
        ["mha-rotary"] = () => new Whole<MultiHeadAttention>(new(8, 2, s_rng, rotary: new(9, 4)), (m, x) => m.Forward(x, AttentionMask.Past)),
        ["mha-rotary-halves"] = () => new Whole<MultiHeadAttention>(new(8, 2, s_rng, rotary: new(9, 4, halves: true)), (m, x) => m.Forward(x, AttentionMask.Past)),
        ["sinusoidal-positions"] = () => new SinusoidalPositions(9, 7),
        ["learned-positions"] = () => new LearnedPositions(6, 8, s_rng),
        ["encoder-layer"] = () => Encoder(),
        ["encoder-layer-gelu"] = () => new TransformerEncoderLayer(8, 2, s_rng, 6, 0, new Gelu(), 1e-3f),
        ["encoder-layer-norm-first"] = () => new TransformerEncoderLayer(8, 2, s_rng, 6, 0, new Gelu(), normFirst: true),
        ["encoder-layer-causal"] = () => new With<TransformerEncoderLayer>(Encoder(), (m, x) => m.Forward(x, AttentionMask.Past)),
        ["encoder-layer-lengths"] = () => new With<TransformerEncoderLayer>(Encoder(normFirst: true), (m, x) => m.Forward(x, s_seen)),
        ["encoder-layer-time-major"] = () => new TransformerEncoderLayer(8, 2, s_rng, 6, 0, batchFirst: false),
        ["encoder-layer-eval"] = () => new TransformerEncoderLayer(8, 2, s_rng, 6, 0.3f),
        ["encoder"] = () => new With<TransformerEncoder>(new(() => Encoder(4, normFirst: true), 2, new LayerNorm(4)), (m, x) => m.Forward(x, AttentionMask.Past)),
        ["decoder-layer"] = () => new With<TransformerDecoderLayer>(Decoder(), (m, x) => m.Forward(First(x, 4), Last(x, 4))),
        ["decoder-layer-norm-first"] = () => new With<TransformerDecoderLayer>(new(8, 2, s_rng, 6, 0, new Gelu(), normFirst: true), (m, x) => m.Forward(First(x, 4), Last(x, 4))),
        ["decoder-layer-lengths"] = () => new With<TransformerDecoderLayer>(Decoder(), (m, x) => m.Forward(First(x, 4), Last(x, 4), memoryMask: new() { Lengths = Indices.Of(3, 1) })),
        ["decoder-layer-unmasked"] = () => new With<TransformerDecoderLayer>(Decoder(), (m, x) => m.Forward(First(x, 4), Last(x, 4), default(AttentionMask))),
        ["decoder-layer-time-major"] = () => new With<TransformerDecoderLayer>(new(8, 2, s_rng, 6, 0, batchFirst: false), (m, x) => m.Forward(x.Narrow(0, 0, 4), x.Narrow(0, 4, 3))),
        ["decoder"] = () => new With<TransformerDecoder>(new(() => Decoder(4, normFirst: true), 2, new LayerNorm(4)), (m, x) => m.Forward(First(x, 4), Last(x, 4))),
    };

    private static With<MultiHeadAttention> Mha(Func<MultiHeadAttention, Tensor, Tensor> run, MultiHeadAttention? of = null) => new(of ?? new(8, 2, s_rng), run);

    private static TransformerEncoderLayer Encoder(int width = 8, bool normFirst = false) => new(width, 2, s_rng, 6, 0, normFirst: normFirst);

    private static TransformerDecoderLayer Decoder(int width = 8, bool normFirst = false) => new(width, 2, s_rng, 6, 0, normFirst: normFirst);

    private static Tensor Cross(MultiHeadAttention m, Tensor x, int keyWidth, int valueWidth, AttentionMask mask) =>
        m.Forward(First(x, 3), Last(x, 3).Narrow(2, 0, keyWidth), Last(x, 3).Narrow(2, 0, valueWidth), mask);

    private static Tensor Both((Tensor Output, Tensor Weights) r) => Tensor.Concat([r.Output.Flatten(), r.Weights.Flatten()]);

    private static Tensor First(Tensor x, int n) => x.Narrow(1, 0, n);

    private static Tensor Last(Tensor x, int from) => x.Narrow(1, from, x.Shape[1] - from);

    /// <summary>A layer called in a way of its own, under the names of its own parameters.</summary>
    private sealed class Whole<T>(T of, Func<T, Tensor, Tensor> run) : Layer
        where T : Module
    {
        public override Tensor Forward(Tensor x) => run(of, x);

        protected internal override void Parts(Parts p) => p.Of(of, "");
    }
}
