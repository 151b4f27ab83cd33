using DeepEdu.Kernels;
using DeepEdu.Ops;

namespace DeepEdu.Io;

/// <content>Convolutions and pooling. Those over one axis are images of one line to the kernels, and have one axis in the graph.</content>
internal sealed partial class OnnxTranslator
{
    private void Convolution(in Conv.Conv2dKernel k, in Conv.Conv2dKernel l)
    {
        var s = k.Shape;
        OnnxSize n = new(s.N, l.Shape.N);
        var x = Read(k.X, l.X);
        bool line = IsLine(s, x);
        string weight = shapes.Name(shapes.As(Read(k.Weight, l.Weight), line ? [s.OutC, s.GroupC, s.KW] : [s.OutC, s.GroupC, s.KH, s.KW]));
        string name = shapes.Name(shapes.As(x, line ? [n, s.C, s.W] : [n, s.C, s.H, s.W]));
        string y = graph.Add("Conv", k.Bias.IsNone ? [name, weight] : [name, weight, shapes.Name(shapes.As(Read(k.Bias, l.Bias), s.OutC))], ConvOptions(s, line));
        int oh = s.OH, ow = s.OW;
        if (k.End != ConvEnd.None) { y = graph.Add("Relu", [y]); }
        if (k.End == ConvEnd.ReluPool)
        {
            y = graph.Add("MaxPool", [y], ("kernel_shape", (int[])[2, 2]), ("strides", (int[])[2, 2]));
            (oh, ow) = (oh / 2, ow / 2);
        }
        memory.Write(new(k.Y, l.Y), OnnxValue.Named(y, line ? [n, s.OutC, ow] : [n, s.OutC, oh, ow]));
    }

    // the gradient of a convolution by its input is the transposed convolution
    private void Transposed(in Conv.Conv2dGradientKernel k, in Conv.Conv2dGradientKernel l)
    {
        var s = k.Shape;
        if (!k.X.IsNone || !k.Y.IsNone || k.DX.IsNone || k.End != ConvEnd.None) { throw new NotSupportedException("the gradient of a convolution"); }
        OnnxSize n = new(s.N, l.Shape.N);
        var x = Read(k.DY, l.DY);
        bool line = IsLine(s, x);
        string weight = shapes.Name(shapes.As(Read(k.Weight, l.Weight), line ? [s.OutC, s.GroupC, s.KW] : [s.OutC, s.GroupC, s.KH, s.KW]));
        int moreH = s.H - (((s.OH - 1) * s.StrideH) - (2 * s.PadH) + s.SpanH), moreW = s.W - (((s.OW - 1) * s.StrideW) - (2 * s.PadW) + s.SpanW);
        string y = graph.Add("ConvTranspose", [shapes.Name(shapes.As(x, line ? [n, s.OutC, s.OW] : [n, s.OutC, s.OH, s.OW])), weight],
            [.. ConvOptions(s, line), ("output_padding", line ? [moreW] : (int[])[moreH, moreW])]);
        memory.Write(new(k.DX, l.DX), OnnxValue.Named(y, line ? [n, s.C, s.W] : [n, s.C, s.H, s.W]));
    }

    private static bool IsLine(in ConvShape s, OnnxValue x) => (s.KH, s.H, s.PadH) == (1, 1, 0) && x.Shape.Length == 3;

    private static OnnxAttribute[] ConvOptions(in ConvShape s, bool line) =>
    [
        ("kernel_shape", line ? [s.KW] : (int[])[s.KH, s.KW]), ("strides", line ? [s.StrideW] : (int[])[s.StrideH, s.StrideW]), ("dilations", line ? [s.DilationW] : (int[])[s.DilationH, s.DilationW]),
        ("pads", line ? [s.PadW, s.PadW] : (int[])[s.PadH, s.PadW, s.PadH, s.PadW]), ("group", s.Groups),
    ];

    private void MaxPool(in Pooling.MaxPoolKernel k, in Pooling.MaxPoolKernel l)
    {
        var s = k.Shape;
        var (x, line, lead) = Planes(Read(k.X, l.X), s, l.Shape);
        var (endH, endW) = Ends(s);
        string name = shapes.Name(x);
        if (endH >= s.KH || endW >= s.KW)
        {
            // a dilated window reaches further than runtimes let padding go
            long[] none = [0, 0], before = line ? [s.PadW] : [s.PadH, s.PadW], behind = line ? [endW] : [endH, endW];
            name = graph.Add("Pad", [name, graph.Whole([.. none, .. before, .. none, .. behind]), graph.Scalar(float.NegativeInfinity)]);
            (s, endH, endW) = (s with { PadH = 0, PadW = 0 }, 0, 0);
        }
        string y = graph.Add("MaxPool", [name], [.. PoolOptions(s, line, endH, endW), ("dilations", line ? [s.DilationW] : (int[])[s.DilationH, s.DilationW])]);
        memory.Write(new(k.Y, l.Y), OnnxValue.Named(y, line ? [.. lead, s.OW] : [.. lead, s.OH, s.OW]));
    }

    private void AvgPool(in Pooling.AvgPoolKernel k, in Pooling.AvgPoolKernel l)
    {
        var s = k.Shape;
        if (k.Back) { throw new NotSupportedException("the gradient of average pooling"); }
        var (x, line, lead) = Planes(Read(k.From, l.From), s, l.Shape);
        var (endH, endW) = Ends(s);
        string y = graph.Add("AveragePool", [shapes.Name(x)], [.. PoolOptions(s, line, endH, endW), ("count_include_pad", k.CountPad ? 1 : 0)]);
        if (k.CountPad && (endH > s.PadH || endW > s.PadW))
        {
            // a last window that reaches beyond the padding divides by what lies within
            float[] factors = new float[s.OH * s.OW];
            for (int i = 0; i < factors.Length; i++)
            {
                int top = (i / s.OW * s.StrideH) - s.PadH, left = (i % s.OW * s.StrideW) - s.PadW;
                factors[i] = (float)s.KH * s.KW / ((Math.Min(top + s.KH, s.H + s.PadH) - top) * (Math.Min(left + s.KW, s.W + s.PadW) - left));
            }
            y = graph.Add("Mul", [y, shapes.Name(OnnxValue.Constant(line ? [s.OW] : [s.OH, s.OW], factors, factors))]);
        }
        memory.Write(new(k.To, l.To), OnnxValue.Named(y, line ? [.. lead, s.OW] : [.. lead, s.OH, s.OW]));
    }

    private void AdaptiveAvg(in AdaptivePooling.AdaptiveAvgPoolKernel k, in AdaptivePooling.AdaptiveAvgPoolKernel l)
    {
        var s = k.Shape;
        if (k.Back) { throw new NotSupportedException("the gradient of adaptive pooling"); }
        var (x, line, lead) = Planes(Read(k.From, l.From), s, l.Shape);
        OnnxSize[] shape = line ? [.. lead, s.OW] : [.. lead, s.OH, s.OW];
        string y = shapes.Name(x);
        if (s.H % s.OH == 0 && s.W % s.OW == 0) { y = graph.Add("AveragePool", [y], EvenOptions(s, line)); }
        else
        {
            // windows of several sizes: a product with the windows' shares along each axis
            if (!line && s.H != s.OH) { y = graph.Add("MatMul", [shapes.Name(Shares(s.OH, s.H, turned: false)), y]); }
            if (s.W != s.OW) { y = graph.Add("MatMul", [y, shapes.Name(Shares(s.OW, s.W, turned: true))]); }
        }
        memory.Write(new(k.To, l.To), OnnxValue.Named(y, shape));
    }

    private static OnnxValue Shares(int windows, int n, bool turned)
    {
        float[] shares = new float[windows * n];
        for (int i = 0; i < windows; i++)
        {
            var (from, to) = Window(i, windows, n);
            for (int j = from; j < to; j++) { shares[turned ? (j * windows) + i : (i * n) + j] = 1f / (to - from); }
        }
        return OnnxValue.Constant(turned ? [n, windows] : [windows, n], shares, shares);
    }

    private static (int From, int To) Window(int i, int windows, int n) => ((int)((long)i * n / windows), (int)((((long)(i + 1) * n) + windows - 1) / windows));

    private void AdaptiveMax(in AdaptivePooling.AdaptiveMaxPoolKernel k, in AdaptivePooling.AdaptiveMaxPoolKernel l)
    {
        var s = k.Shape;
        var (x, line, lead) = Planes(Read(k.X, l.X), s, l.Shape);
        OnnxSize[] shape = line ? [.. lead, s.OW] : [.. lead, s.OH, s.OW];
        if (s.H % s.OH == 0 && s.W % s.OW == 0) { x = OnnxValue.Named(graph.Add("MaxPool", [shapes.Name(x)], EvenOptions(s, line)), shape); }
        else
        {
            // windows of several sizes, one by one along each axis
            if (!line) { x = Largest(x, x.Shape.Length - 2, s.OH); }
            x = Largest(x, x.Shape.Length - 1, s.OW);
        }
        memory.Write(new(k.Y, l.Y), x);
    }

    private OnnxValue Largest(OnnxValue x, int axis, int windows)
    {
        if (x.Shape[axis].A == windows) { return x; }
        OnnxSize[] one = [.. x.Shape];
        one[axis] = 1;
        List<OnnxValue> parts = [];
        for (int i = 0; i < windows; i++)
        {
            var (from, to) = Window(i, windows, x.Shape[axis].A);
            parts.Add(OnnxValue.Named(graph.Add("ReduceMax", [shapes.Name(shapes.Slice(x, axis, from, to - from))], ("axes", (int[])[axis]), ("keepdims", 1)), one));
        }
        return shapes.Concat(parts, axis);
    }

    // [N, C, H, W] or [N, C, W], if the value has such axes; else planes
    private (OnnxValue X, bool Line, OnnxSize[] Lead) Planes(OnnxValue x, in PoolShape s, in PoolShape other)
    {
        bool line = (s.H, s.KH, s.OH, s.PadH) is (1, 1 or 0, 1, 0) && x.Shape.Length <= 3;
        int own = line ? 1 : 2;
        OnnxSize[] image = line ? [s.W] : [s.H, s.W];
        if (x.Shape.Length == own + 2 && x.Shape.AsSpan(2).SequenceEqual(image)) { return (x, line, x.Shape[..2]); }
        OnnxSize[] lead = [new(s.Planes, other.Planes), 1];
        return (shapes.As(x, [.. lead, .. image]), line, lead);
    }

    // padding behind, so that there are as many windows as there should be
    private static (int H, int W) Ends(in PoolShape s) =>
        (Math.Max(s.PadH, ((s.OH - 1) * s.StrideH) + (s.DilationH * (s.KH - 1)) + 1 - s.H - s.PadH), Math.Max(s.PadW, ((s.OW - 1) * s.StrideW) + (s.DilationW * (s.KW - 1)) + 1 - s.W - s.PadW));

    private static OnnxAttribute[] PoolOptions(in PoolShape s, bool line, int endH, int endW) =>
    [
        ("kernel_shape", line ? [s.KW] : (int[])[s.KH, s.KW]), ("strides", line ? [s.StrideW] : (int[])[s.StrideH, s.StrideW]), ("pads", line ? [s.PadW, endW] : (int[])[s.PadH, s.PadW, endH, endW]),
    ];

    private static OnnxAttribute[] EvenOptions(in PoolShape s, bool line)
    {
        int[] each = line ? [s.W / s.OW] : [s.H / s.OH, s.W / s.OW];
        return [("kernel_shape", each), ("strides", each)];
    }

    // both lines that an entry lies between, and how far it is to the second
    private void Resize(in Upsampling.InterpolateKernel k, in Upsampling.InterpolateKernel l)
    {
        if (k.Back) { throw new NotSupportedException("the gradient of resizing"); }
        var x = Read(k.Inner, l.Inner);
        bool line = (k.Rows.N, k.Rows.Size) == (1, 1) && x.Shape.Length <= 3;
        OnnxSize[] image = line ? [k.Columns.N] : [k.Rows.N, k.Columns.N];
        if (x.Shape.Length != image.Length + 2 || !x.Shape.AsSpan(2).SequenceEqual(image)) { x = shapes.As(x, [new(k.Planes, l.Planes), 1, .. image]); }
        if (!line) { x = Along(x, 2, k.Rows); }
        memory.Write(new(k.Outer, l.Outer), Along(x, line ? 2 : 3, k.Columns));
    }

    private OnnxValue Along(OnnxValue x, int axis, ResizedAxis to)
    {
        OnnxSize[] shape = [.. x.Shape];
        shape[axis] = to.Size;
        string name = shapes.Name(x);
        string Take(int[] places) => graph.Add("Gather", [name, graph.Whole([.. places.Select(i => (long)i)])], ("axis", axis));
        string y = Take(to.Low);
        if (to.Part.Any(p => p != 0))
        {
            OnnxSize[] own = [to.Size, .. Enumerable.Repeat((OnnxSize)1, shape.Length - 1 - axis)];
            y = graph.Add("Add", [y, graph.Add("Mul", [graph.Add("Sub", [Take(to.High), y]), shapes.Name(OnnxValue.Constant(own, to.Part, to.Part))])]);
        }
        return OnnxValue.Named(y, shape);
    }
}
