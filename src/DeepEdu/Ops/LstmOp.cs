using System.Diagnostics.CodeAnalysis;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Kernels;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>What an LSTM gives.</summary>
/// <param name="Output">h of every step: [batch, steps, R], or [steps, batch, R]; 0 on padding. R is H, or the projection's width.</param>
/// <param name="H">h after each sequence's own last step: [batch, R].</param>
/// <param name="C">c after each sequence's own last step: [batch, H].</param>
public readonly record struct LstmResult(Tensor Output, Tensor H, Tensor C);

/// <summary>The long short-term memory of Hochreiter and Schmidhuber 1997 (doi:10.1162/neco.1997.9.8.1735) with the forget gate of Gers et al. 2000.</summary>
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
        /// <param name="mask">[batch, R]; each step sees h₋₁ ⊙ mask: dropout that stays the same over time (Gal and Ghahramani 2016, arXiv:1512.05287). It gets no
        /// gradient. Null for 1.</param>
        /// <exception cref="ShapeException">A shape or the number of lengths does not fit.</exception>
        /// <exception cref="ArgumentOutOfRangeException">A length is negative or beyond the number of steps.</exception>
        public LstmResult Lstm(Tensor weightIh, Tensor weightHh, Tensor? biasIh = null, Tensor? biasHh = null, Tensor? h0 = null, Tensor? c0 = null,
            Indices? lengths = null, bool batchFirst = true, bool padLeft = false, bool reverse = false, Tensor? weightHr = null, Tensor? mask = null)
        {
            ArgumentNullException.ThrowIfNull(weightIh);
            ArgumentNullException.ThrowIfNull(weightHh);
            if (x.Rank != 3) { ThrowShape($"x is {x.Shape}; [batch, steps, inputs] or, time first, [steps, batch, inputs] is needed", x.Shape); }
            int e = x.Shape[2], h = weightHh.Rank == 2 ? weightHh.Shape[0] / 4 : 0, width = weightHr is null ? h : weightHr.Shape[0], batch = x.Shape[batchFirst ? 0 : 1], steps = x.Shape[batchFirst ? 1 : 0];
            Check(x, "weightIh", weightIh, [4 * h, e]);
            Check(x, "weightHh", weightHh, [4 * h, width]);
            Check(x, "biasIh", biasIh, [4 * h]);
            Check(x, "biasHh", biasHh, [4 * h]);
            Check(x, "h0", h0, [batch, width]);
            Check(x, "c0", c0, [batch, h]);
            Check(x, "weightHr", weightHr, [width, h]);
            Check(x, "mask", mask, [batch, width]);
            Check(lengths, batch, steps);

            Tensor?[] all = [x, weightIh, weightHh, biasIh, biasHh, h0, c0, weightHr];
            Tensor[] inputs = [.. all.OfType<Tensor>()];
            var tape = Tape.For(inputs);
            var call = new LstmCall(all, new LstmPadding(x.Shape, lengths, batchFirst, padLeft), h, reverse, mask);
            var result = call.Forward(keep: tape is not null);
            tape?.Add([result.Output, result.H, result.C], inputs, (dOutputs, dInputs) => call.Backward(tape, dOutputs, dInputs));
            return result;
        }
    }

    private static void Check(Tensor x, string name, Tensor? t, Shape wanted)
    {
        if (t is null) { return; }
        if (t.Shape != wanted) { ThrowShape($"{name} is {t.Shape}, but {wanted} is needed for x {x.Shape}", x.Shape, t.Shape); }
        Elementwise.SameDevice("lstm", x, t);
    }

    private static void Check(Indices? lengths, int batch, int steps)
    {
        if (lengths is null) { return; }
        if (lengths.Shape != [batch]) { ThrowShape($"lengths is {lengths.Shape}, but [{batch}] is needed, one for each sequence", lengths.Shape); }
        lengths.CheckBelow("lstm: lengths", steps + 1);
    }

    [DoesNotReturn]
    private static void ThrowShape(string why, params Shape[] shapes) => throw new ShapeException("lstm", why, shapes);
}

