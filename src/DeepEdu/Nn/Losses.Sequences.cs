using System.Diagnostics.CodeAnalysis;
using DeepEdu.Devices;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <content>Losses of sequences whose targets are shorter and not aligned.</content>
public static partial class Losses
{
    /// <summary>−ln of the sum over all ways in which T steps can spell the target, each step giving one of its symbols, again or anew, or a blank; between two equal symbols a blank must stand.
    /// Connectionist temporal classification: Graves et al. 2006, "Labelling unsegmented sequence data with recurrent neural networks", eq. 5 to 8. <c>torch.nn.CTCLoss</c>. A target that does not fit into
    /// its steps has the loss ∞.</summary>
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
        CheckCtc(logProbabilities, targets, inputLengths, targetLengths, blank);
        var s = logProbabilities.Shape;
        int steps = s[0], n = s[1], width = (2 * targets.Shape[1]) + 1;
        var device = logProbabilities.Device;
        var (symbols, skips) = Spell(targets, targetLengths, s[2], blank, device);
        // what each step gives to each place of the target with blanks around its symbols
        int[] each = new int[steps * symbols.Size];
        for (int t = 0; t < steps; t++) { symbols.Span.CopyTo(each.AsSpan(t * symbols.Size)); }
        var emitted = logProbabilities.Gather(2, Indices.Wrap(each, [steps, n, width]));
        var alpha = emitted[0].MaskedFill(Tensor.Arange(width, device).Greater(1), float.NegativeInfinity);
        int shortest = inputLengths.ToArray().Min();
        var lengths = inputLengths.ToTensor().To(device).Unsqueeze(1);
        for (int t = 1; t < steps; t++)
        {
            var next = alpha;
            if (width > 1)
            {
                next = next.LogAddExp(alpha.Narrow(1, 0, width - 1).Pad([(1, 0)], value: float.NegativeInfinity));
                next = next.LogAddExp(alpha.Narrow(1, 0, width - 2).Pad([(2, 0)], value: float.NegativeInfinity) + skips);
            }
            next += emitted[t];
            alpha = t < shortest ? next : Tensor.Where(lengths.Greater(t), next, alpha);
        }
        // the last symbol, which an empty target does not have, or the blank behind it
        var symbolsOf = targetLengths.ToTensor().To(device);
        int[] ends = Array.ConvertAll(targetLengths.ToArray(), length => Math.Max(0, (2 * length) - 1));
        var atSymbol = alpha.Gather(1, Indices.Wrap(ends, [n, 1])).Squeeze(1).MaskedFill(symbolsOf.Equal(0), float.NegativeInfinity);
        var y = -alpha.Gather(1, targetLengths.Reshape(n, 1) * 2).Squeeze(1).LogAddExp(atSymbol);
        if (zeroInfinity) { y = y.MaskedFill(y.Detach().IsInf(), 0); }
        return reduction switch { Reduction.Mean => (y / symbolsOf.Clamp(min: 1)).Mean(), Reduction.Sum => y.Sum(), _ => y };
    }

    // blank, symbol, blank, .., blank; and 0 where a symbol may follow the one before without a blank, −∞ elsewhere
    private static (Indices Symbols, Tensor Skips) Spell(Indices targets, Indices lengths, int classes, int blank, Device device)
    {
        int n = targets.Shape[0], most = targets.Shape[1], width = (2 * most) + 1;
        int[] symbols = new int[n * width];
        float[] skips = new float[n * width];
        symbols.AsSpan().Fill(blank);
        skips.AsSpan().Fill(float.NegativeInfinity);
        for (int row = 0; row < n; row++)
        {
            for (int i = 0; i < lengths.Span[row]; i++)
            {
                int symbol = targets.Span[(row * most) + i], at = (row * width) + (2 * i) + 1;
                if ((uint)symbol >= (uint)classes || symbol == blank) { ThrowSymbol(symbol, row, i, classes, blank); }
                symbols[at] = symbol;
                if (i > 0 && symbol != symbols[at - 2]) { skips[at] = 0; }
            }
        }
        return (Indices.Wrap(symbols, [n, width]), Tensor.Of([n, width], skips, device));
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
        }
    }

    [DoesNotReturn]
    private static void ThrowLength(string of, int length, int row, int least, int most) => throw new ArgumentOutOfRangeException(null, $"ctc: {of} length {length} of sequence {row} is outside {least}..{most}");

    [DoesNotReturn]
    private static void ThrowSymbol(int symbol, int row, int at, int classes, int blank) =>
        throw new ArgumentOutOfRangeException(null, $"ctc: symbol {symbol} at place {at} of target {row} is {(symbol == blank ? "the blank, which stands in no target" : $"outside 0..{classes - 1}")}");
}
