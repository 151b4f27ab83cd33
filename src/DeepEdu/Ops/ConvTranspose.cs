using System.Diagnostics.CodeAnalysis;
using DeepEdu.Autograd;
using DeepEdu.Kernels;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>Transposed convolution: the way back of a convolution as a way forward, so that it makes images larger. It runs on the convolution's own kernels, and its gradients are
/// that convolution.</summary>
public static class ConvTranspose
{
    extension(Tensor x)
    {
        /// <summary>y[n, o, i·strideH + k·dilationH − paddingH, j·strideW + l·dilationW − paddingW] += Σ over c of weight[c, o, k, l] · x[n, c, i, j], then + bias[o]: the adjoint of the convolution
        /// with the same weight and options. Zeiler et al. 2010; Dumoulin and Visin 2016, arXiv:1603.07285, §4. PyTorch's <c>conv_transpose2d</c>.</summary>
        /// <param name="weight">[C, out / groups, kh, kw].</param>
        /// <param name="bias">[out], or null.</param>
        /// <param name="stride">Steps between the places to which neighbouring inputs go; (1, 1) unless given.</param>
        /// <param name="padding">Lines that are cut off each side.</param>
        /// <param name="outputPadding">Lines more at the end: of the sizes that the convolution would make one, this one. Below the stride or the dilation.</param>
        /// <param name="dilation">Steps between taps; (1, 1) unless given.</param>
        /// <param name="groups">How many runs of channels that do not see each other.</param>
        /// <returns>[N, out, oh, ow] with oh = (H − 1)·strideH − 2·paddingH + dilationH·(kh − 1) + outputPaddingH + 1, ow alike. x is [N, C, H, W].</returns>
        /// <exception cref="ShapeException">The shapes do not fit, or nothing is left of the output.</exception>
        /// <exception cref="ArgumentException">An option is out of its range.</exception>
        public Tensor ConvTranspose2d(Tensor weight, Tensor? bias = null, (int H, int W)? stride = null, (int H, int W) padding = default, (int H, int W) outputPadding = default,
            (int H, int W)? dilation = null, int groups = 1)
        {
            ArgumentNullException.ThrowIfNull(x);
            ArgumentNullException.ThrowIfNull(weight);
            if (x.Rank != 4 || weight.Rank != 4) { ThrowRank("conv-transpose2d", "[N, C, H, W]", "[C, out / groups, kh, kw]", x, weight); }
            return Run("conv-transpose2d", x, weight, bias, stride ?? (1, 1), padding, outputPadding, dilation ?? (1, 1), groups);
        }

        /// <summary>The transposed convolution along the last axis: y[n, o, i·stride + k·dilation − padding] += Σ over c of weight[c, o, k] · x[n, c, i], then + bias[o].
        /// PyTorch's <c>conv_transpose1d</c>.</summary>
        /// <param name="weight">[C, out / groups, k].</param>
        /// <param name="bias">[out], or null.</param>
        /// <param name="stride">Steps between the places to which neighbouring inputs go.</param>
        /// <param name="padding">Places that are cut off each side.</param>
        /// <param name="outputPadding">Places more at the end. Below the stride or the dilation.</param>
        /// <param name="dilation">Steps between taps.</param>
        /// <param name="groups">How many runs of channels that do not see each other.</param>
        /// <returns>[N, out, (L − 1)·stride − 2·padding + dilation·(k − 1) + outputPadding + 1]. x is [N, C, L].</returns>
        /// <exception cref="ShapeException">The shapes do not fit, or nothing is left of the output.</exception>
        /// <exception cref="ArgumentException">An option is out of its range.</exception>
        public Tensor ConvTranspose1d(Tensor weight, Tensor? bias = null, int stride = 1, int padding = 0, int outputPadding = 0, int dilation = 1, int groups = 1)
        {
            ArgumentNullException.ThrowIfNull(x);
            ArgumentNullException.ThrowIfNull(weight);
            if (x.Rank != 3 || weight.Rank != 3) { ThrowRank("conv-transpose1d", "[N, C, L]", "[C, out / groups, k]", x, weight); }
            return Run("conv-transpose1d", x, weight, bias, (1, stride), (0, padding), (0, outputPadding), (1, dilation), groups);
        }
    }

    private static Tensor Run(string op, Tensor x, Tensor weight, Tensor? bias, (int H, int W) stride, (int H, int W) padding, (int H, int W) extra, (int H, int W) dilation, int groups)
    {
        Elementwise.SameDevice(op, x, weight);
        if (stride.H < 1 || stride.W < 1 || dilation.H < 1 || dilation.W < 1 || padding.H < 0 || padding.W < 0 || groups < 1
            || extra.H < 0 || extra.W < 0 || extra.H >= Math.Max(stride.H, dilation.H) || extra.W >= Math.Max(stride.W, dilation.W))
        {
            ThrowOptions(op, stride, padding, extra, dilation, groups);
        }
        bool image = x.Rank == 4;
        int c = x.Shape[1], outputs = weight.Shape[1] * groups;
        if (weight.Shape[0] != c || c % groups != 0) { ThrowChannels(op, x, weight, groups); }
        if (bias is not null)
        {
            Elementwise.SameDevice(op, x, bias);
            if (bias.Shape != [outputs]) { ThrowBias(op, weight, bias, outputs); }
        }
        var y = Spread(op, x, weight, stride, padding, extra, dilation, groups);
        return bias is null ? y : y + bias.Reshape(image ? [-1, 1, 1] : [-1, 1]);
    }

    private static Tensor Spread(string op, Tensor x, Tensor weight, (int H, int W) stride, (int H, int W) padding, (int H, int W) extra, (int H, int W) dilation, int groups)
    {
        bool image = x.Rank == 4;
        if (extra.H >= stride.H || extra.W >= stride.W)
        {
            // more than the convolution would drop: everything, zeros behind it, and then the part that is wanted
            var all = Spread(op, x, weight, stride, default, default, dilation, groups);
            all = image ? all.Pad([(0, extra.H), (0, extra.W)]) : all.Pad([(0, extra.W)]);
            Check(op, x, weight, all.Shape[^2] - (image ? 2 * padding.H : 0), all.Shape[^1] - (2 * padding.W));
            if (image) { all = all.Narrow(2, padding.H, all.Shape[2] - (2 * padding.H)); }
            return all.Narrow(-1, padding.W, all.Shape[^1] - (2 * padding.W));
        }
        var (h, kh) = image ? (x.Shape[2], weight.Shape[2]) : (1, 1);
        int w = x.Shape[^1], kw = weight.Shape[^1];
        // the convolution that would lead from y to x
        var s = new ConvShape(x.Shape[0], weight.Shape[1] * groups, Size(h, kh, stride.H, padding.H, extra.H, dilation.H), Size(w, kw, stride.W, padding.W, extra.W, dilation.W),
            x.Shape[1], kh, kw, stride.H, stride.W, padding.H, padding.W, dilation.H, dilation.W, groups);
        if (h < 1 || w < 1 || kh < 1 || kw < 1) { ThrowSize(op, x, weight, s.H, s.W); }
        Check(op, x, weight, s.H, s.W);
        var y = Tensor.Empty(image ? [s.N, s.C, s.H, s.W] : [s.N, s.C, s.W], x.Device);
        x.Device.Launch(new Conv.Conv2dGradientKernel(s, ConvEnd.None, default, weight.View, default, default, x.View, y.View, default, default));
        if (Tape.For(x, weight) is { } tape)
        {
            tape.AddRecordable([y], [x, weight], (dOutputs, dInputs) =>
            {
                var dy = dOutputs[0]!;
                if (Tape.Recording is not null)
                {
                    var products = new ConvAdjoints(s, y.Shape, weight.Shape, x.Shape);
                    (dInputs[0], dInputs[1]) = (tape.Wants(x) ? products.OfOutput(dy, weight) : null, tape.Wants(weight) ? products.OfWeight(dy, x) : null);
                    return;
                }
                if (tape.Wants(x))
                {
                    dInputs[0] = Tensor.Empty(x.Shape, x.Device);
                    x.Device.Launch(new Conv.Conv2dKernel(s, ConvEnd.None, dy.View, weight.View, default, dInputs[0]!.View, default));
                }
                if (tape.Wants(weight))
                {
                    dInputs[1] = Tensor.Empty(weight.Shape, x.Device);
                    x.Device.Launch(new Conv.Conv2dGradientKernel(s, ConvEnd.None, dy.View, weight.View, default, default, x.View, default, dInputs[1]!.View, default));
                }
            });
        }
        return y;
    }

    private static int Size(int n, int kernel, int stride, int padding, int extra, int dilation) => ((n - 1) * stride) - (2 * padding) + (dilation * (kernel - 1)) + extra + 1;

    private static void Check(string op, Tensor x, Tensor weight, int h, int w)
    {
        if (h < 1 || w < 1) { ThrowSize(op, x, weight, h, w); }
    }

    [DoesNotReturn]
    private static void ThrowRank(string op, string wantX, string wantWeight, Tensor x, Tensor weight) => throw new ShapeException(op,
        $"x {x.Shape} and weight {weight.Shape} must be {wantX} and {wantWeight}{(x.Rank == weight.Rank - 1 ? "; add the batch axis with Unsqueeze(0)?" : "")}", x.Shape, weight.Shape);

    [DoesNotReturn]
    private static void ThrowOptions(string op, (int H, int W) stride, (int H, int W) padding, (int H, int W) extra, (int H, int W) dilation, int groups) => throw new ArgumentException(
        $"{op}: stride {stride}, padding {padding}, output padding {extra}, dilation {dilation}, groups {groups}: paddings cannot be negative, output padding is below the stride or the dilation, the others are at least 1");

    [DoesNotReturn]
    private static void ThrowChannels(string op, Tensor x, Tensor weight, int groups) => throw new ShapeException(op,
        $"x {x.Shape} has {x.Shape[1]} channels, weight {weight.Shape} expects {weight.Shape[0]}; {groups} group(s) must divide them. The weight is [C, out / groups, ..]", x.Shape, weight.Shape);

    [DoesNotReturn]
    private static void ThrowBias(string op, Tensor weight, Tensor bias, int outputs) => throw new ShapeException(op,
        $"bias {bias.Shape} with weight {weight.Shape}: one value for each output channel is expected, [{outputs}]", weight.Shape, bias.Shape);

    [DoesNotReturn]
    private static void ThrowSize(string op, Tensor x, Tensor weight, int h, int w) => throw new ShapeException(op,
        $"x {x.Shape} and weight {weight.Shape} make an output of {h} × {w}; less padding or a larger kernel?", x.Shape, weight.Shape);
}
