using System.Diagnostics.CodeAnalysis;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <content>Losses of sequences whose targets are shorter and not aligned.</content>
public static partial class Losses
{
    /// <summary>−ln of the sum over all ways in which T steps can spell the target, each step giving one of its symbols, again or anew, or a blank; between two equal symbols a blank must stand.
    /// Connectionist temporal classification: Graves et al. 2006, "Labelling unsegmented sequence data with recurrent neural networks", eq. 5 to 8. <c>torch.nn.CTCLoss</c>. A target that does not fit into
    /// its steps has the loss ∞, and NaN as the gradient of the blank and of its symbols, at its steps.</summary>
    /// <param name="logProbabilities">[T, N, C], as <c>LogSoftmax</c> gives them.</param>
    /// <param name="targets">[N, S]; what stands behind a target's length is not read.</param>
    /// <param name="inputLengths">Steps of each sequence [N], 1 to T.</param>
    /// <param name="targetLengths">Symbols of each target [N], 0 to S.</param>
    /// <param name="blank">The class of the blank.</param>
    /// <param name="reduction">The mean is that of each loss divided by its target's length (at least 1), as in PyTorch; None gives [N].</param>
    /// <param name="zeroInfinity">Whether an infinite loss counts as 0, without a gradient.</param>
    /// <exception cref="ShapeException">Shapes that do not fit.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A length beyond its sequence, or a symbol that is no class, or the blank.</exception>
    public static Tensor Ctc(Tensor logProbabilities, Indices targets, Indices inputLengths, Indices targetLengths, int blank = 0, Reduction reduction = Reduction.Mean, bool zeroInfinity = false)
    {
        ArgumentNullException.ThrowIfNull(logProbabilities);
        CheckCtc(logProbabilities, targets, inputLengths, targetLengths, blank);
        var y = CtcOp.Loss(logProbabilities, targets, inputLengths, targetLengths, blank, zeroInfinity);
        if (reduction != Reduction.Mean) { return reduction == Reduction.Sum ? y.Sum() : y; }
        float[] lengths = new float[y.Size];
        for (int i = 0; i < lengths.Length; i++) { lengths[i] = Math.Max(1, targetLengths.Span[i]); }
        return (y / Tensor.Of([y.Size], lengths, y.Device)).Mean();
    }

    private static void CheckCtc(Tensor x, Indices targets, Indices inputLengths, Indices targetLengths, int blank)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(targets);
        ArgumentNullException.ThrowIfNull(inputLengths);
        ArgumentNullException.ThrowIfNull(targetLengths);
        var s = x.Shape;
        if (s.Rank != 3 || s.Size == 0 || targets.Rank != 2 || targets.Shape[0] != s[1]) { throw new ShapeException("ctc", $"log-probabilities {s} with targets {targets.Shape}: expected [T,N,C] and [N,S]", s, targets.Shape); }
        if (inputLengths.Shape != targetLengths.Shape || inputLengths.Rank != 1 || inputLengths.Size != s[1])
        {
            throw new ShapeException("ctc", $"lengths {inputLengths.Shape} and {targetLengths.Shape} for {s[1]} sequences: expected [{s[1]}] each", inputLengths.Shape, targetLengths.Shape);
        }
        if ((uint)blank >= (uint)s[2]) { throw new ArgumentOutOfRangeException(nameof(blank), $"ctc: the blank {blank} is outside 0..{s[2] - 1}"); }
        for (int i = 0; i < s[1]; i++)
        {
            int steps = inputLengths.Span[i], symbols = targetLengths.Span[i];
            if (steps < 1 || steps > s[0]) { ThrowLength("input", steps, i, 1, s[0]); }
            if (symbols < 0 || symbols > targets.Shape[1]) { ThrowLength("target", symbols, i, 0, targets.Shape[1]); }
            for (int k = 0; k < symbols; k++)
            {
                int symbol = targets.Span[(i * targets.Shape[1]) + k];
                if ((uint)symbol >= (uint)s[2] || symbol == blank) { ThrowSymbol(symbol, i, k, s[2], blank); }
            }
        }
    }

    [DoesNotReturn]
    private static void ThrowLength(string of, int length, int row, int least, int most) => throw new ArgumentOutOfRangeException(null, $"ctc: {of} length {length} of sequence {row} is outside {least}..{most}");

    [DoesNotReturn]
    private static void ThrowSymbol(int symbol, int row, int at, int classes, int blank) =>
        throw new ArgumentOutOfRangeException(null, $"ctc: symbol {symbol} at place {at} of target {row} is {(symbol == blank ? "the blank, which stands in no target" : $"outside 0..{classes - 1}")}");
}
