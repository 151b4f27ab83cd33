using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Kernels;
using DeepEdu.Lanes;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>Connectionist temporal classification, each sequence for itself. Graves et al. 2006, eq. 5 to 16.</summary>
internal static class CtcOp
{
    /// <summary>Losses [N] of log-probabilities [T, N, C] and checked targets [N, S]; an infinite one is 0 and has no gradient where wanted so.</summary>
    public static Tensor Loss(Tensor x, Indices targets, Indices steps, Indices symbols, int blank, bool zeroInfinity) =>
        x.Device.Has<CtcKernel>() ? Fused(x, targets, steps, symbols, blank, zeroInfinity) : Composed(x, targets, steps, symbols, blank, zeroInfinity);

    private static Tensor Fused(Tensor x, Indices targets, Indices steps, Indices symbols, int blank, bool zeroInfinity)
    {
        int n = x.Shape[1];
        var y = Tensor.Empty([n], x.Device);
        var tape = Tape.For(x);
        var gradient = tape is null ? null : Tensor.Empty(x.Shape, x.Device);
        x.Device.Launch(new CtcKernel(x.View, targets, steps, symbols, y.View, gradient?.View ?? default, x.Shape[2], blank, zeroInfinity));
        tape?.AddRecordable(y, (x, dy => Tape.Recording is not null ? tape.Through(() => Composed(x, targets, steps, symbols, blank, zeroInfinity), dy, x) : gradient!.ZipConstant(dy.Alias([1, n, 1]), default(Arithmetic.MulFormula), "ctc")));
        return y;
    }

    /// <summary>The same in other operations, a handful for each step.</summary>
    internal static Tensor Composed(Tensor x, Indices targets, Indices steps, Indices symbols, int blank, bool zeroInfinity)
    {
        int n = x.Shape[1], width = (2 * targets.Shape[1]) + 1;
        var device = x.Device;
        var (spelled, skips) = Spell(targets, symbols, blank, device);
        // what each step gives to each place of the target with blanks around its symbols
        int[] each = new int[x.Shape[0] * spelled.Size];
        for (int t = 0; t < x.Shape[0]; t++) { spelled.Span.CopyTo(each.AsSpan(t * spelled.Size)); }
        var emitted = x.Gather(2, Indices.Wrap(each, [x.Shape[0], n, width]));
        var alpha = emitted[0].MaskedFill(Tensor.Arange(width, device).Greater(1), float.NegativeInfinity);
        int shortest = steps.ToArray().Min();
        var lengths = steps.ToTensor().To(device).Unsqueeze(1);
        for (int t = 1; t < x.Shape[0]; t++)
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
        int[] ends = Array.ConvertAll(symbols.ToArray(), length => Math.Max(0, (2 * length) - 1));
        var atSymbol = alpha.Gather(1, Indices.Wrap(ends, [n, 1])).Squeeze(1).MaskedFill(symbols.ToTensor().To(device).Equal(0), float.NegativeInfinity);
        var y = -alpha.Gather(1, symbols.Reshape(n, 1) * 2).Squeeze(1).LogAddExp(atSymbol);
        return zeroInfinity ? y.MaskedFill(y.Detach().IsInf(), 0) : y;
    }

    // blank, symbol, blank, .., blank; and 0 where a symbol may follow the one before without a blank, −∞ elsewhere
    private static (Indices Symbols, Tensor Skips) Spell(Indices targets, Indices lengths, int blank, Device device)
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
                symbols[at] = symbol;
                if (i > 0 && symbol != symbols[at - 2]) { skips[at] = 0; }
            }
        }
        return (Indices.Wrap(symbols, [n, width]), Tensor.Of([n, width], skips, device));
    }

    /// <summary>Losses [n] and, if wanted, their gradients, of X [t, n, Classes].</summary>
    internal readonly unsafe record struct CtcKernel(View X, Indices Targets, Indices Steps, Indices Symbols, View Losses, View Gradient, int Classes, int Blank, bool ZeroInfinity) : IKernel, IRange
    {
        /// <inheritdoc/>
        public static string Name => "ctc";

        /// <inheritdoc/>
        public string Sizes => $"{X.Length / Classes / Steps.Size} × {Steps.Size} × {Classes}, {Targets.Shape[1]} symbols";

        /// <inheritdoc/>
        public void Run() => Work.For(Steps.Size, Math.Max(1, CpuDevice.Grain / 8 / (X.Length / Classes / Steps.Size) / CtcLattice<F1>.StepLength(Targets.Shape[1])), this);

        /// <inheritdoc/>
        public void Run(int from, int to)
        {
            if (F16.IsSupported) { Run<F16>(from, to); }
            else if (F8.IsSupported) { Run<F8>(from, to); }
            else if (F4.IsSupported) { Run<F4>(from, to); }
            else { Run<F1>(from, to); }
        }

        private void Run<L>(int from, int to) where L : struct, IVectorLane<L>, ILane<L>
        {
            int n = Steps.Size, most = Targets.Shape[1], longest = X.Length / Classes / n, length = CtcLattice<L>.Length(most);
            nint stride = (nint)n * Classes;
            float* memory = Scratch.Panels.Take(checked(length + ((Gradient.IsNone ? 2 : longest) * CtcLattice<L>.StepLength(most)))), alpha = memory + length;
            fixed (float* x = CpuDevice.Of(X), losses = CpuDevice.Of(Losses), gradient = CpuDevice.Of(Gradient))
            fixed (int* targets = Targets.Span)
            {
                for (int i = from; i < to; i++)
                {
                    int steps = Steps.Span[i];
                    float* xi = x + ((nint)i * Classes);
                    var lattice = new CtcLattice<L>(targets + ((nint)i * most), Symbols.Span[i], Blank, memory);
                    float loss = lattice.Forward(xi, stride, steps, alpha, keep: gradient is not null);
                    bool none = ZeroInfinity && float.IsInfinity(loss);
                    losses[i] = none ? 0 : loss;
                    if (gradient is null) { continue; }
                    float* g = gradient + ((nint)i * Classes);
                    if (!none) { lattice.Backward(xi, stride, steps, Classes, alpha, g); }
                    for (int t = none ? 0 : steps; t < longest; t++) { new Span<float>(g + (t * stride), Classes).Clear(); }
                }
            }
        }
    }
}
