using DeepEdu.Nn;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Nn;

internal static partial class LayerCatalog
{
    private static readonly Indices s_ends = Indices.Of(2, 4, 1);

    private static readonly Tensor s_counting = Tensor.Of([3, 4], [1, 0, 1, 1, 0, 1, 0, 0, 0, 0, 0, 0]);

    private static Dictionary<string, Func<Layer>> Recurrent() => Of("lstm", (hidden, layers, both, first, bias, merge) => new Lstm(3, hidden, s_rng, layers, both, first, bias: bias, merge: merge))
        .Concat(Of("gru", (hidden, layers, both, first, bias, merge) => new Gru(3, hidden, s_rng, layers, both, first, bias: bias, merge: merge)))
        .Concat(Of("rnn", (hidden, layers, both, first, bias, merge) => new SimpleRnn(3, hidden, s_rng, layers, both, first, bias: bias, merge: merge)))
        .Concat(new Dictionary<string, Func<Layer>>
        {
            ["rnn-relu"] = () => Called(new SimpleRnn(3, 4, s_rng, relu: true)),
            ["lstm-projection"] = () => Called(new Lstm(3, 5, s_rng, layers: 2, projection: 2)),
            ["lstm-coupled"] = () => Called(new Lstm(3, 4, s_rng, bidirectional: true, coupled: true), mask: s_counting),
            ["lstm-coupled-projection"] = () => Called(new Lstm(3, 5, s_rng, projection: 2, coupled: true)),
            ["lstm-norm"] = () => Called(new Lstm(3, 4, s_rng, layerNorm: true)),
            ["lstm-norm-lengths"] = () => Called(new Lstm(3, 4, s_rng, bidirectional: true, layerNorm: true), s_ends),
            ["lstm-norm-mask"] = () => Called(new Lstm(3, 5, s_rng, projection: 2, layerNorm: true), mask: s_counting),
            ["lstm-norm-coupled"] = () => Called(new Lstm(3, 4, s_rng, coupled: true, layerNorm: true), s_ends, true),
            ["gru-before"] = () => Called(new Gru(3, 4, s_rng, bidirectional: true, resetBefore: true)),
            ["gru-before-lengths"] = () => Called(new Gru(3, 17, s_rng, resetBefore: true), s_ends),
            ["gru-before-mask"] = () => Called(new Gru(3, 4, s_rng, bidirectional: true, resetBefore: true), mask: s_counting),
            ["lstm-categories"] = () => Called(new Lstm(5, 4, s_rng, layers: 2, bidirectional: true), s_ends),
            ["lstm-projection-categories"] = () => Called(new Lstm(5, 5, s_rng, projection: 2)),
            ["lstm-norm-categories"] = () => Called(new Lstm(5, 4, s_rng, bidirectional: true, layerNorm: true), s_ends),
            ["gru-categories"] = () => Called(new Gru(5, 17, s_rng), s_ends, true),
            ["gru-before-categories"] = () => Called(new Gru(5, 4, s_rng, bidirectional: true, resetBefore: true)),
            ["rnn-categories"] = () => Called(new SimpleRnn(5, 4, s_rng), mask: s_counting),
            ["lstm-cell"] = () => new With<LstmCell>(new(3, 4, s_rng), (cell, x) =>
            {
                LstmState? state = null;
                return Unrolled(x, now => (state = cell.Forward(now, state)).Value.H);
            }),
            ["gru-cell"] = () => new With<GruCell>(new(3, 4, s_rng, bias: false), (cell, x) =>
            {
                Tensor? h = null;
                return Unrolled(x, now => h = cell.Forward(now, h));
            }),
            ["rnn-cell"] = () => new With<SimpleRnnCell>(new(3, 4, s_rng, relu: true), (cell, x) =>
            {
                Tensor? h = null;
                return Unrolled(x, now => h = cell.Forward(now, h));
            }),
        }).ToDictionary(p => p.Key, p => p.Value);

    private delegate Recurrent NewRecurrent(int hidden, int layers = 1, bool both = false, bool first = true, bool bias = true, BidirectionalMerge merge = BidirectionalMerge.Concat);

    private static Dictionary<string, Func<Layer>> Of(string name, NewRecurrent make) => new()
    {
        [name] = () => Called(make(4)),
        [$"{name}-stack"] = () => Called(make(4, 2, true, false)),
        [$"{name}-no-bias"] = () => Called(make(17, bias: false)),
        [$"{name}-sum"] = () => Called(make(4, both: true, merge: BidirectionalMerge.Sum)),
        [$"{name}-average"] = () => Called(make(4, both: true, merge: BidirectionalMerge.Average)),
        [$"{name}-lengths"] = () => Called(make(4, 2, true), s_ends),
        [$"{name}-left"] = () => Called(make(4), s_ends, true),
        [$"{name}-final"] = () => new With<Recurrent>(make(4, 2), (layer, x) => Final(layer, x)),
        [$"{name}-mask"] = () => Called(make(4), mask: s_counting),
        [$"{name}-pieces"] = () => new With<Recurrent>(make(4), (layer, x) =>
        {
            var memory = new Stateful(layer);
            return Tensor.Concat([memory.Forward(x.Narrow(1, 0, 2)), memory.Forward(x.Narrow(1, 2, 2))], 1);
        }),
    };

    private static With<Recurrent> Called(Recurrent layer, Indices? lengths = null, bool padLeft = false, Tensor? mask = null) => new(layer, (net, x) => net switch
    {
        Lstm lstm => lstm.Run(x, null, lengths, padLeft, mask?.To(x.Device)).Output,
        _ => ((RecurrentOfH)net).Run(x, null, lengths, padLeft, mask?.To(x.Device)).Output,
    }, (net, x) => net switch
    {
        Lstm lstm => lstm.Run(x, null, lengths, padLeft, mask?.To(((Tensor)net.Parameters()[0].Value).Device)).Output,
        _ => ((RecurrentOfH)net).Run(x, null, lengths, padLeft, mask?.To(((Tensor)net.Parameters()[0].Value).Device)).Output,
    });

    private static Tensor Final(Recurrent layer, Tensor x)
    {
        if (layer is not Lstm lstm) { return ((RecurrentOfH)layer).Run(x, lengths: s_ends).State; }
        var state = lstm.Run(x, lengths: s_ends).State;
        return Tensor.Concat([state.H, state.C], 2);
    }

    private static Tensor Unrolled(Tensor x, Func<Tensor, Tensor> step) => Tensor.Stack([.. Enumerable.Range(0, x.Shape[1]).Select(t => step(x.Narrow(1, t, 1).Squeeze(1)))], 1);
}
