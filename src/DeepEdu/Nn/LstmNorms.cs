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

    /// <summary>Runs one layer in one direction; steps that are padding leave the state as it is.</summary>
    /// <param name="x">[T, N, E].</param>
    /// <param name="w">The weights.</param>
    /// <param name="h0">h before the first step; null for 0.</param>
    /// <param name="c0">c before the first step.</param>
    /// <param name="padding">1 where a step is padding: [T, N, 1]; null if all count.</param>
    /// <param name="reverse">Whether time runs backwards.</param>
    /// <param name="mask">Recurrent dropout.</param>
    /// <param name="coupled">Whether the input gate is 1 − the forget gate.</param>
    /// <returns>Every step's h [T, N, R], 0 on padding; the last h and c.</returns>
    public (Tensor Output, Tensor H, Tensor C) Run(Tensor x, RecurrentParameters w, Tensor? h0, Tensor? c0, Tensor? padding, bool reverse, Tensor? mask, bool coupled)
    {
        int steps = x.Shape[0], batch = x.Shape[1], width = w.WeightHh.Shape[1];
        Tensor h = h0 ?? Tensor.Zeros([batch, width], x.Device), c = c0 ?? Tensor.Zeros([batch, hidden], x.Device);
        if (steps == 0) { return (Tensor.Zeros([0, batch, width], x.Device), h, c); }
        if (padding is not null) { x = x.MaskedFill(padding, 0); } // it may hold anything, NaN too
        var a = _input.Forward(x.MatMul(w.WeightIh, transB: true));
        if (w.BiasIh is not null) { a = a + w.BiasIh + w.BiasHh!; }
        Tensor[] inputs = a.Split(1), outputs = new Tensor[steps];
        Tensor[]? skipped = padding?.Split(1);
        for (int s = 0; s < steps; s++)
        {
            int t = reverse ? steps - 1 - s : s;
            var g = (inputs[t].Squeeze(0) + _recurrent.Forward((mask is null ? h : h * mask).MatMul(w.WeightHh, transB: true))).Chunk(coupled ? 3 : 4, 1);
            Tensor forget = g[^3].Sigmoid(), input = coupled ? 1 - forget : g[0].Sigmoid();
            var cell = (forget * c) + (input * g[^2].Tanh());
            var output = g[^1].Sigmoid() * _cell.Forward(cell).Tanh();
            if (w.WeightHr is not null) { output = output.MatMul(w.WeightHr, transB: true); }
            var skip = skipped?[t].Squeeze(0);
            (h, c) = skip is null ? (output, cell) : (Tensor.Where(skip, h, output), Tensor.Where(skip, c, cell));
            outputs[t] = skip is null ? output : output.MaskedFill(skip, 0);
        }
        return (Tensor.Stack(outputs), h, c);
    }
}
