using DeepEdu.Kernels;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>What an LSTM gives.</summary>
/// <param name="Output">h of every step: [batch, steps, R], or [steps, batch, R]; 0 on padding. R is H, or the projection's width.</param>
/// <param name="H">h after each sequence's own last step: [batch, R].</param>
/// <param name="C">c after each sequence's own last step: [batch, H].</param>
public readonly record struct LstmResult(Tensor Output, Tensor H, Tensor C);

/// <summary>The long short-term memory of Hochreiter and Schmidhuber 1997 (doi:10.1162/neco.1997.9.8.1735) with the forget gate of Gers et al. 2000
/// (doi:10.1162/089976600300015015).</summary>
public static class LstmOps
{
    extension(Tensor x)
    {
        /// <summary>One LSTM layer in one direction, over whole sequences, fused. For each step, with σ the sigmoid and ⊙ value by value:
        /// <code>
        /// [i f g o] = x·Wᵢᵀ + bᵢ + h₋₁·Wₕᵀ + bₕ
        /// c = σ(f) ⊙ c₋₁ + σ(i) ⊙ tanh(g)
        /// h = σ(o) ⊙ tanh(c), or Wᵣ·(σ(o) ⊙ tanh(c))
        /// </code></summary>
        /// <param name="weightIh">Wᵢ [4H, E], the rows of i, f, g and o in this order, as PyTorch's.</param>
        /// <param name="weightHh">Wₕ [4H, R]; R is H unless h is projected.</param>
        /// <param name="biasIh">bᵢ [4H], or null for 0.</param>
        /// <param name="biasHh">bₕ [4H], or null for 0.</param>
        /// <param name="h0">h before the first step [batch, R], or null for 0.</param>
        /// <param name="c0">c before the first step [batch, H], or null for 0.</param>
        /// <param name="lengths">Steps of each sequence, each 0 to steps, in any order; null if all are whole. Padding is not read, whatever it holds, gets output 0 and
        /// gradient 0, and costs nothing. A sequence of no step returns its initial state.</param>
        /// <param name="batchFirst">Whether x is [batch, steps, E] or [steps, batch, E].</param>
        /// <param name="padLeft">Whether padding stands before the sequences, not after them.</param>
        /// <param name="reverse">Whether time runs from each sequence's last step to its first. The output stays at the step it belongs to.</param>
        /// <param name="weightHr">Wᵣ [R, H], which projects h (Sak et al. 2014, arXiv:1402.1128); null for none.</param>
        /// <param name="recurrentMask">[batch, R]; each step sees h₋₁ ⊙ recurrentMask: dropout that stays the same over time (Gal and Ghahramani 2016,
        /// arXiv:1512.05287). It gets no gradient. Null for 1.</param>
        /// <param name="mask">Instead of lengths: 1 for each step that counts and 0 for others, in the shape of x's first two axes. Steps that do not count are skipped
        /// wherever they stand: output 0, gradient 0, the state passes by.</param>
        /// <param name="coupled">Whether σ(i) is 1 − σ(f) (Greff et al. 2017, arXiv:1503.04069, "CIFG"); the weights then hold the rows of f, g and o only: [3H, ..].</param>
        /// <exception cref="ShapeException">A shape or the number of lengths does not fit.</exception>
        /// <exception cref="ArgumentOutOfRangeException">A length is negative or beyond the number of steps.</exception>
        /// <exception cref="ArgumentException">Both lengths and a mask.</exception>
        public LstmResult Lstm(Tensor weightIh, Tensor weightHh, Tensor? biasIh = null, Tensor? biasHh = null, Tensor? h0 = null, Tensor? c0 = null, Indices? lengths = null,
            bool batchFirst = true, bool padLeft = false, bool reverse = false, Tensor? weightHr = null, Tensor? recurrentMask = null, Tensor? mask = null, bool coupled = false)
        {
            ArgumentNullException.ThrowIfNull(x);
            var (output, h, c) = RecurrentCall.Run("lstm", coupled ? CellKind.CoupledLstm : CellKind.Lstm, new(x, weightIh, weightHh, biasIh, biasHh, h0, c0, weightHr), lengths, mask, batchFirst,
                padLeft, reverse, recurrentMask);
            return new(output, h, c!);
        }
    }
}
