using System.Diagnostics.CodeAnalysis;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Kernels;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>Convolution.</summary>
public static class Conv
{
    extension(Tensor x)
    {
        /// <summary>Two-dimensional convolution (cross-correlation, as the field has it):
        /// y[n, o, i, j] = bias[o] + Σ over c, k, l of weight[o, c, k, l] · x[n, c, i·strideH + k·dilationH − paddingH, j·strideW + l·dilationW − paddingW]; x is 0 outside.
        /// With groups the channels are cut into equal runs, and outputs of a run see inputs of the same run only. LeCun et al. 1989; PyTorch's <c>conv2d</c>.</summary>
        /// <param name="weight">[out, C / groups, kh, kw].</param>
        /// <param name="bias">[out], or null.</param>
        /// <param name="stride">Steps between outputs; (1, 1) unless given.</param>
        /// <param name="padding">Zeros on each side; (0, 0) unless given. Pad first for unequal sides.</param>
        /// <param name="dilation">Steps between taps; (1, 1) unless given.</param>
        /// <param name="groups">How many runs of channels.</param>
        /// <returns>[N, out, oh, ow] with oh = ⌊(H + 2·paddingH − dilationH·(kh − 1) − 1) / strideH⌋ + 1, ow alike. x is [N, C, H, W].</returns>
        /// <exception cref="ShapeException">The shapes do not fit, or the kernel is larger than the padded input.</exception>
        public Tensor Conv2d(Tensor weight, Tensor? bias = null, (int H, int W)? stride = null, (int H, int W) padding = default, (int H, int W)? dilation = null, int groups = 1)
        {
            ArgumentNullException.ThrowIfNull(x);
            var s = Plan(x, weight, bias, stride, padding, dilation, groups);
            return Run(s, x, weight, bias, [s.N, s.OutC, s.OH, s.OW]);
        }

        /// <summary>max(0, convolution) in one pass, for <c>Sequential</c>.</summary>
        internal Tensor Conv2dRelu(Tensor weight, Tensor? bias = null, (int H, int W)? stride = null, (int H, int W) padding = default, (int H, int W)? dilation = null, int groups = 1)
        {
            var s = Plan(x, weight, bias, stride, padding, dilation, groups);
            if (!s.IsByTiles) { return x.Conv2d(weight, bias, stride, padding, dilation, groups).Relu(); }
            return Run(s, x, weight, bias, [s.N, s.OutC, s.OH, s.OW], ConvEnd.Relu);
        }

        /// <summary>The 2 × 2 max pooling (stride 2, no padding, floor) of max(0, convolution) in one pass, for <c>Sequential</c>.</summary>
        internal Tensor Conv2dReluMaxPool(Tensor weight, Tensor? bias = null, (int H, int W)? stride = null, (int H, int W) padding = default, (int H, int W)? dilation = null, int groups = 1)
        {
            var s = Plan(x, weight, bias, stride, padding, dilation, groups);
            if (!s.IsByTiles || s.OH < 2 || s.OW < 2) { return x.Conv2dRelu(weight, bias, stride, padding, dilation, groups).MaxPool2d((2, 2)); }
            return Run(s, x, weight, bias, [s.N, s.OutC, s.OH / 2, s.OW / 2], ConvEnd.ReluPool);
        }

        /// <summary>One-dimensional convolution: y[n, o, i] = bias[o] + Σ over c, k of weight[o, c, k] · x[n, c, i·stride + k·dilation − padding]. PyTorch's <c>conv1d</c>.</summary>
        /// <param name="weight">[out, C / groups, k].</param>
        /// <param name="bias">[out], or null.</param>
        /// <param name="stride">Steps between outputs.</param>
        /// <param name="padding">Zeros on each side.</param>
        /// <param name="dilation">Steps between taps.</param>
        /// <param name="groups">How many runs of channels.</param>
        /// <returns>[N, out, ⌊(L + 2·padding − dilation·(k − 1) − 1) / stride⌋ + 1]. x is [N, C, L].</returns>
        /// <exception cref="ShapeException">The shapes do not fit, or the kernel is longer than the padded input.</exception>
        public Tensor Conv1d(Tensor weight, Tensor? bias = null, int stride = 1, int padding = 0, int dilation = 1, int groups = 1)
        {
            ArgumentNullException.ThrowIfNull(x);
            ArgumentNullException.ThrowIfNull(weight);
            if (x.Rank != 3 || weight.Rank != 3) { ThrowRank("conv1d", "[N, C, L]", "[out, C / groups, k]", x, weight); }
            var s = Plan("conv1d", x, weight, bias, (1, 1), (1, stride), (0, padding), (1, dilation), groups);
            return Run(s, x, weight, bias, [s.N, s.OutC, s.OW]);
        }
    }

    private static Tensor Run(ConvShape s, Tensor x, Tensor weight, Tensor? bias, Shape output, ConvEnd end = ConvEnd.None)
    {
        var y = Tensor.Empty(output, x.Device);
        Tensor[] inputs = bias is null ? [x, weight] : [x, weight, bias];
        var tape = Tape.For(inputs);
        // bytes in float memory: they live as long as the tape
        var at = tape is null || end != ConvEnd.ReluPool ? null : Tensor.Empty([(ConvForward.AtLength(s) + 3) / 4], x.Device);
        x.Device.Launch(new Conv2dKernel(s, end, x.View, weight.View, bias?.View ?? default, y.View, at?.View ?? default));
        tape?.AddRecordable([y], inputs, (dy, d) =>
        {
            if (Tape.Recording is not null)
            {
                Recorded(tape, dy[0]!, d);
                return;
            }
            for (int i = 0; i < inputs.Length; i++) { d[i] = tape.Wants(inputs[i]) ? Tensor.Empty(inputs[i].Shape, x.Device) : null; }
            var db = bias is null ? null : d[2];
            x.Device.Launch(new Conv2dGradientKernel(s, end, x.View, weight.View, y.View, at?.View ?? default, dy[0]!.View, d[0]?.View ?? default, d[1]?.View ?? default, db?.View ?? default));
        });
        return y;

        void Recorded(Tape tape, Tensor dy, Span<Tensor?> d)
        {
            if (end != ConvEnd.None)
            {
                tape.Through(() => [Composed()], [dy], inputs, d);
                return;
            }
            var products = new ConvAdjoints(s, x.Shape, weight.Shape, output);
            if (tape.Wants(x)) { d[0] = products.OfInput(dy, weight); }
            if (tape.Wants(weight)) { d[1] = products.OfWeight(x, dy); }
            if (bias is not null && tape.Wants(bias)) { d[2] = dy.Sum([0, .. Enumerable.Range(2, dy.Rank - 2)]); }
        }

        Tensor Composed()
        {
            var made = x.Conv2d(weight, bias, (s.StrideH, s.StrideW), (s.PadH, s.PadW), (s.DilationH, s.DilationW), s.Groups).Relu();
            return end == ConvEnd.Relu ? made : made.MaxPool2d((2, 2));
        }
    }

    private static ConvShape Plan(Tensor x, Tensor weight, Tensor? bias, (int H, int W)? stride, (int H, int W) padding, (int H, int W)? dilation, int groups)
    {
        ArgumentNullException.ThrowIfNull(weight);
        if (x.Rank != 4 || weight.Rank != 4) { ThrowRank("conv2d", "[N, C, H, W]", "[out, C / groups, kh, kw]", x, weight); }
        return Plan("conv2d", x, weight, bias, (x.Shape[2], weight.Shape[2]), stride ?? (1, 1), padding, dilation ?? (1, 1), groups);
    }

    /// <summary>The rule of the shapes. heights: of input and kernel.</summary>
    private static ConvShape Plan(string op, Tensor x, Tensor weight, Tensor? bias, (int X, int K) heights, (int H, int W) stride, (int H, int W) padding, (int H, int W) dilation, int groups)
    {
        Elementwise.SameDevice(op, x, weight);
        if (bias is not null) { Elementwise.SameDevice(op, x, bias); }
        if (stride.H < 1 || stride.W < 1 || dilation.H < 1 || dilation.W < 1 || padding.H < 0 || padding.W < 0 || groups < 1)
        {
            ThrowOptions(op, stride, padding, dilation, groups);
        }
        var s = new ConvShape(x.Shape[0], x.Shape[1], heights.X, x.Shape[^1], weight.Shape[0], heights.K, weight.Shape[^1],
            stride.H, stride.W, padding.H, padding.W, dilation.H, dilation.W, groups);
        if (s.C % groups != 0 || s.OutC % groups != 0) { ThrowGroups(op, s, x, weight); }
        if (weight.Shape[1] != s.GroupC) { ThrowChannels(op, s, x, weight); }
        if (bias is not null && (bias.Rank != 1 || bias.Size != s.OutC)) { ThrowBias(op, s, weight, bias); }
        if (s.KH < 1 || s.KW < 1 || s.SpanH > s.H + (2 * s.PadH) || s.SpanW > s.W + (2 * s.PadW)) { ThrowKernel(op, s, x, weight); }
        return s;
    }

    [DoesNotReturn]
    private static void ThrowRank(string op, string wantX, string wantWeight, Tensor x, Tensor weight) => throw new ShapeException(op,
        $"x {x.Shape} and weight {weight.Shape} must be {wantX} and {wantWeight}{(x.Rank != weight.Rank - 1 ? "" : weight.Shape[1] == 1 && x.Shape[0] != 1 ? "; add the axis of the one channel with Unsqueeze(1), or the batch axis with Unsqueeze(0)?" : "; add the batch axis with Unsqueeze(0)?")}", x.Shape, weight.Shape);

    [DoesNotReturn]
    private static void ThrowOptions(string op, (int H, int W) stride, (int H, int W) padding, (int H, int W) dilation, int groups) =>
        throw new ArgumentException($"{op}: stride {stride}, padding {padding}, dilation {dilation}, groups {groups}: padding cannot be negative, the others are at least 1");

    [DoesNotReturn]
    private static void ThrowGroups(string op, in ConvShape s, Tensor x, Tensor weight) => throw new ShapeException(op,
        $"x {x.Shape}, weight {weight.Shape}: {s.Groups} groups must divide both the {s.C} input and the {s.OutC} output channels", x.Shape, weight.Shape);

    [DoesNotReturn]
    private static void ThrowChannels(string op, in ConvShape s, Tensor x, Tensor weight) => throw new ShapeException(op,
        $"x {x.Shape} has {s.C} channels{(s.Groups > 1 ? $", {s.GroupC} in each of {s.Groups} groups" : "")}, weight {weight.Shape} expects {weight.Shape[1]}"
        + (s.Groups == 1 && x.Shape[^1] == weight.Shape[1] ? "; the channels come before height and width: permute x?" : ""), x.Shape, weight.Shape);

    [DoesNotReturn]
    private static void ThrowBias(string op, in ConvShape s, Tensor weight, Tensor bias) => throw new ShapeException(op,
        $"bias {bias.Shape} with weight {weight.Shape}: one value for each of the {s.OutC} output channels is expected, [{s.OutC}]", weight.Shape, bias.Shape);

    [DoesNotReturn]
    private static void ThrowKernel(string op, in ConvShape s, Tensor x, Tensor weight) => throw new ShapeException(op,
        $"x {x.Shape}, weight {weight.Shape}: the kernel covers {s.SpanH} × {s.SpanW} (dilation {s.DilationH}, {s.DilationW}), the padded input has only "
        + $"{s.H + (2 * s.PadH)} × {s.W + (2 * s.PadW)}; more padding or a smaller kernel?", x.Shape, weight.Shape);

    /// <summary>The convolution of every image, and what follows it.</summary>
    internal readonly unsafe record struct Conv2dKernel(ConvShape Shape, ConvEnd End, View X, View Weight, View Bias, View Y, View At) : IKernel
    {
        /// <inheritdoc/>
        public static string Name => "conv2d";

        /// <inheritdoc/>
        public string Sizes => Shape.Sizes;

        /// <inheritdoc/>
        public void Run()
        {
            fixed (float* x = CpuDevice.Of(X), weight = CpuDevice.Of(Weight), bias = CpuDevice.Of(Bias), y = CpuDevice.Of(Y), at = CpuDevice.Of(At))
            {
                if (Shape.IsByLanes) { ConvLanes.Forward(Shape, x, weight, bias, y); return; }
                if (Shape.IsByPlanes) { ConvPlanes.Forward(Shape, x, weight, bias, y); return; }
                // a handful of pixels does not repay laying them out; and tiles find the weight packed in a session
                if (Shape.IsByBatches && Shape.N * Shape.OH * Shape.OW >= 64) { ConvBatches.Forward(Shape, x, weight, bias, y); return; }
                if (Shape.IsByColumns) { ConvColumns.Forward(Shape, x, weight, bias, y); return; }
                var panels = new ConvForward.Panels(Shape);
                fixed (float* packed = Prepared.Of(Weight, panels, Prepared.KeepsFor(Weight) ? default : new(Scratch.Layer.Take(panels.Length), panels.Length)))
                {
                    if (Shape.IsByImages) { ConvImages.Forward(Shape, x, packed, bias, y); }
                    else { ConvForward.Run(Shape, End, x, packed, bias, y, (byte*)at); }
                }
            }
        }
    }

    /// <summary>The gradients of a convolution; those without a view are not computed.</summary>
    internal readonly unsafe record struct Conv2dGradientKernel(ConvShape Shape, ConvEnd End, View X, View Weight, View Y, View At, View DY, View DX, View DWeight, View DBias) : IKernel
    {
        /// <inheritdoc/>
        public static string Name => "conv2d gradient";

        /// <inheritdoc/>
        public string Sizes => Shape.Sizes;

        /// <inheritdoc/>
        public void Run()
        {
            fixed (float* x = CpuDevice.Of(X), weight = CpuDevice.Of(Weight), y = CpuDevice.Of(Y), at = CpuDevice.Of(At), dy = CpuDevice.Of(DY))
            fixed (float* dx = CpuDevice.Of(DX), dw = CpuDevice.Of(DWeight), db = CpuDevice.Of(DBias))
            {
                if (Shape.IsByLanes) { ConvLanes.Backward(Shape, x, weight, dy, dx, dw, db); }
                else if (Shape.IsByPlanes) { ConvPlanes.Backward(Shape, x, weight, dy, dx, dw, db); }
                else if (Shape.IsByImages) { ConvImages.Backward(Shape, x, weight, dy, dx, dw, db); }
                else if (Shape.IsByBatches) { ConvBatches.Backward(Shape, x, weight, dy, dx, dw, db); }
                else if (Shape.IsByColumns) { ConvColumns.Backward(Shape, x, weight, dy, dx, dw, db); }
                else if (dx is not null && End == ConvEnd.None && Shape.HasFewInputs)
                {
                    if (Shape.C <= 2) { ConvColumns.InputGradient(Shape, weight, dy, dx); }
                    else { ConvPlanes.Backward(Shape, x, weight, dy, dx, null, null); }
                    if (dw is not null || db is not null) { ConvBackward.Run(new() { S = Shape, X = x, Weight = weight, DY = dy, DWeight = dw, DBias = db }); }
                }
                else { ConvBackward.Run(new() { S = Shape, End = End, X = x, Weight = weight, Y = y, DY = dy, DX = dx, DWeight = dw, DBias = db, At = (byte*)at }); }
            }
        }
    }
}
