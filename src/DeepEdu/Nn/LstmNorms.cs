using DeepEdu.Kernels;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>The LSTM with layer normalisation, composed of other operations: Ba et al. 2016, arXiv:1607.06450, eq. 20-22.
/// <code>
/// [i f g o] = LN(x·Wᵢᵀ) + LN(h₋₁·Wₕᵀ) + bᵢ + bₕ
/// c = σ(f) ⊙ c₋₁ + σ(i) ⊙ tanh(g)
/// h = σ(o) ⊙ tanh(LN(c))
/// </code></summary>
internal sealed class LstmNorms(int gates, int hidden)
{
    private readonly LayerNorm _input = new(gates), _recurrent = new(gates), _cell = new(hidden);

    public void Parts(Parts p, string suffix) => p.Of(_input, "norm_ih" + suffix).Of(_recurrent, "norm_hh" + suffix).Of(_cell, "norm_c" + suffix);

    /// <summary>Gives a stream's step the parameters as they are now.</summary>
    public void Load(RecurrentStep step)
    {
        step.LoadNorms(new(Values(_input), Values(_recurrent), Values(_cell), _input.Affine.Eps));

        static NormWeights Values(LayerNorm norm) => new(norm.Affine.Weight.AsSpan(), norm.Affine.Bias.AsSpan());
    }

    // sequences stand with the longest first, so that those still running are the first rows; one step's rows follow the other's
    public (Tensor Output, Tensor H, Tensor C) Run(Tensor x, RecurrentParameters w, Tensor? h0, Tensor? c0, RecurrentPadding padding, bool reverse, Tensor? mask, bool coupled)
    {
        int batch = padding.Batch, width = w.WeightHh.Shape[1];
        var all = padding.Rows(reverse, hidden);
        all.Read();
        int[][] rows = [.. all.Length.Select((n, r) => Enumerable.Range(0, n).Select(s => (int)all.At(r, s)).ToArray())];
        int[] order = [.. Enumerable.Range(0, batch).OrderByDescending(r => rows[r].Length)], back = new int[batch];
        for (int i = 0; i < batch; i++) { back[order[i]] = i; }
        int steps = batch == 0 ? 0 : rows[order[0]].Length;
        int[] running = [.. Enumerable.Range(0, steps).Select(s => rows.Count(r => r.Length > s))];
        int[] taken = [.. Enumerable.Range(0, steps).SelectMany(s => order.Take(running[s]).Select(r => rows[r][s]))];

        var a = _input.Forward(x.Reshape(batch * padding.Steps, x.Shape[2]).IndexSelect(0, Indices.Of(taken)).MatMul(w.WeightIh, transB: true));
        if (w.BiasIh is not null) { a = a + w.BiasIh + w.BiasHh!; }
        var sorted = Indices.Of(order);
        Tensor h = (h0 ?? Tensor.Zeros([batch, width], x.Device)).IndexSelect(0, sorted), c = (c0 ?? Tensor.Zeros([batch, hidden], x.Device)).IndexSelect(0, sorted);
        var seen = mask?.IndexSelect(0, sorted);
        List<Tensor> outputs = [], lastH = [], lastC = [];
        for (int s = 0, at = 0; s < steps; at += running[s++])
        {
            if (running[s] < h.Shape[0])
            {
                lastH.Add(Rest(h, running[s]));
                lastC.Add(Rest(c, running[s]));
                (h, c, seen) = (h.Narrow(0, 0, running[s]), c.Narrow(0, 0, running[s]), seen?.Narrow(0, 0, running[s]));
            }
            var sums = a.Narrow(0, at, running[s]) + _recurrent.Forward((seen is null ? h : h * seen).MatMul(w.WeightHh, transB: true));
            var g = sums.Chunk(coupled ? 3 : 4, 1);
            Tensor forget = g[^3].Sigmoid(), input = coupled ? 1 - forget : g[0].Sigmoid();
            c = (forget * c) + (input * g[^2].Tanh());
            h = g[^1].Sigmoid() * _cell.Forward(c).Tanh();
            if (w.WeightHr is not null) { h = h.MatMul(w.WeightHr, transB: true); }
            outputs.Add(h);
        }
        lastH.Add(h);
        lastC.Add(c);
        return (Placed(outputs, taken, x.Shape.With(2, width), x), Sorted(lastH), Sorted(lastC));

        // the shortest ended first
        Tensor Sorted(List<Tensor> ended)
        {
            ended.Reverse();
            return (ended.Count == 1 ? ended[0] : Tensor.Concat([.. ended], 0)).IndexSelect(0, Indices.Of(back));
        }
    }

    private static Tensor Rest(Tensor t, int from) => t.Narrow(0, from, t.Shape[0] - from);

    // each step's rows to where they belong, and a row of zeros to all others
    private static Tensor Placed(List<Tensor> outputs, int[] taken, Shape shape, Tensor x)
    {
        int[] from = new int[shape[0] * shape[1]];
        Array.Fill(from, taken.Length);
        for (int i = 0; i < taken.Length; i++) { from[taken[i]] = i; }
        return Tensor.Concat([.. outputs, Tensor.Zeros([1, shape[2]], x.Device)], 0).IndexSelect(0, Indices.Of(from)).Reshape(shape);
    }
}
