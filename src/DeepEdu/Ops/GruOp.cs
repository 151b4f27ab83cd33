using DeepEdu.Kernels;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>What a GRU or a simple recurrent layer gives.</summary>
/// <param name="Output">h of every step: [batch, steps, H], or [steps, batch, H]; 0 on padding.</param>
/// <param name="H">h after each sequence's own last step: [batch, H].</param>
public readonly record struct RecurrentResult(Tensor Output, Tensor H);

/// <summary>The gated recurrent unit of Cho et al. 2014 (arXiv:1406.1078) and the simple recurrent network of Elman 1990 (doi:10.1207/s15516709cog1402_1).</summary>
public static class GruOps
{
    extension(Tensor x)
    {
        /// <summary>One GRU layer in one direction, over whole sequences, fused. For each step:
        /// <code>
        /// r = σ(x·Wᵢᵣᵀ + bᵢᵣ + h₋₁·Wₕᵣᵀ + bₕᵣ), z likewise
        /// n = tanh(x·Wᵢₙᵀ + bᵢₙ + r ⊙ (h₋₁·Wₕₙᵀ + bₕₙ)), or with resetBefore tanh(x·Wᵢₙᵀ + bᵢₙ + (r ⊙ h₋₁)·Wₕₙᵀ + bₕₙ)
        /// h = (1 − z) ⊙ n + z ⊙ h₋₁
        /// </code></summary>
        /// <param name="weightIh">Wᵢ [3H, E], the rows of r, z and n in this order, as PyTorch's.</param>
        /// <param name="weightHh">Wₕ [3H, H].</param>
        /// <param name="biasIh">bᵢ [3H], or null for 0.</param>
        /// <param name="biasHh">bₕ [3H], or null for 0.</param>
        /// <param name="h0">h before the first step [batch, H], or null for 0.</param>
        /// <param name="lengths">Steps of each sequence, each 0 to steps, in any order; null if all are whole. Padding is not read, whatever it holds, gets output 0 and
        /// gradient 0, and costs nothing. A sequence of no step returns its initial state.</param>
        /// <param name="batchFirst">Whether x is [batch, steps, E] or [steps, batch, E].</param>
        /// <param name="padLeft">Whether padding stands before the sequences, not after them.</param>
        /// <param name="reverse">Whether time runs from each sequence's last step to its first. The output stays at the step it belongs to.</param>
        /// <param name="recurrentMask">[batch, H]; the products see h₋₁ ⊙ recurrentMask (Gal and Ghahramani 2016, arXiv:1512.05287), the sum with z ⊙ h₋₁ does not.
        /// It gets no gradient. Null for 1.</param>
        /// <param name="mask">Instead of lengths: 1 for each step that counts and 0 for others, in the shape of x's first two axes; see <c>Tensor.Lstm</c>.</param>
        /// <param name="resetBefore">Whether r acts before the product, as in the paper (eq. 8) and Keras' <c>reset_after=False</c>, not after it as in PyTorch and cuDNN.</param>
        /// <exception cref="ShapeException">A shape or the number of lengths does not fit.</exception>
        /// <exception cref="ArgumentOutOfRangeException">A length is negative or beyond the number of steps.</exception>
        /// <exception cref="ArgumentException">Both lengths and a mask.</exception>
        public RecurrentResult Gru(Tensor weightIh, Tensor weightHh, Tensor? biasIh = null, Tensor? biasHh = null, Tensor? h0 = null, Indices? lengths = null, bool batchFirst = true,
            bool padLeft = false, bool reverse = false, Tensor? recurrentMask = null, Tensor? mask = null, bool resetBefore = false)
        {
            ArgumentNullException.ThrowIfNull(x);
            var (output, h, _) = RecurrentCall.Run("gru", resetBefore ? CellKind.GruResetBefore : CellKind.Gru, new(x, weightIh, weightHh, biasIh, biasHh, h0), lengths, mask, batchFirst, padLeft,
                reverse, recurrentMask);
            return new(output, h);
        }

        /// <summary>One simple recurrent layer in one direction, over whole sequences, fused: h = tanh(x·Wᵢᵀ + bᵢ + h₋₁·Wₕᵀ + bₕ), or max(0, ·) of that sum.
        /// Arguments as <c>Tensor.Gru</c>'s, with weights [H, E] and [H, H] and biases [H].</summary>
        /// <inheritdoc cref="Gru" path="/exception"/>
        public RecurrentResult SimpleRnn(Tensor weightIh, Tensor weightHh, Tensor? biasIh = null, Tensor? biasHh = null, Tensor? h0 = null, Indices? lengths = null, bool batchFirst = true,
            bool padLeft = false, bool reverse = false, Tensor? recurrentMask = null, Tensor? mask = null, bool relu = false)
        {
            ArgumentNullException.ThrowIfNull(x);
            var (output, h, _) = RecurrentCall.Run("simple-rnn", relu ? CellKind.Relu : CellKind.Tanh, new(x, weightIh, weightHh, biasIh, biasHh, h0), lengths, mask, batchFirst, padLeft, reverse,
                recurrentMask);
            return new(output, h);
        }
    }
}
