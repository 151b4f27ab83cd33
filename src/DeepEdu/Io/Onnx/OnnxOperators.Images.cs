using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Io;

/// <content>Convolution, pooling, resizing, of lines [N, C, L] and images [N, C, H, W].</content>
internal static partial class OnnxOperators
{
    private static (string, Func<OnnxCall, OnnxCell>)[] Images() =>
    [
        ("Conv", Conv),
        ("ConvTranspose", ConvTranspose),
        ("AveragePool", AveragePool),
        ("GlobalAveragePool", c => new(c.X().Mean([.. Enumerable.Range(2, c[0].Rank - 2)], true))),
        ("GlobalMaxPool", c => new(c.X().Max([.. Enumerable.Range(2, c[0].Rank - 2)], true))),
        ("Resize", Resize),
        ("Upsample", Resize),
    ];

    /// <summary>What an operator with a window says of it, for each axis of space.</summary>
    private readonly record struct Window(int[] Kernel, int[] Strides, int[] Dilations, int[] Before, int[] After)
    {
        public bool IsEven => Before.AsSpan().SequenceEqual(After);
    }

    private static Window WindowOf(OnnxCall c, ReadOnlySpan<int> kernel)
    {
        int axes = kernel.Length;
        if (axes is not (1 or 2) || c[0].Rank != axes + 2) { throw c.Lacks($"a window of {axes} axes over {c[0].Shape}"); }
        int[] ones = [.. Enumerable.Repeat(1, axes)], strides = c.IntsOf("strides") ?? ones, dilations = c.IntsOf("dilations") ?? ones, before = new int[axes], after = new int[axes];
        int[]? pads = c.IntsOf("pads");
        string auto = c.Text("auto_pad", "NOTSET");
        for (int i = 0; i < axes; i++)
        {
            if (auto is "SAME_UPPER" or "SAME_LOWER")
            {
                int n = c[0].Shape[i + 2], all = Math.Max(0, ((((n + strides[i] - 1) / strides[i]) - 1) * strides[i]) + ((kernel[i] - 1) * dilations[i]) + 1 - n);
                (before[i], after[i]) = auto == "SAME_UPPER" ? (all / 2, all - (all / 2)) : (all - (all / 2), all / 2);
            }
            else if (auto == "NOTSET" && pads is not null) { (before[i], after[i]) = (pads[i], pads[i + axes]); }
        }
        return new([.. kernel], strides, dilations, before, after);
    }

    // what is not the same before and behind is put there first
    private static Tensor Padded(Tensor x, Window w, float value) =>
        x.Pad([(0, 0), (0, 0), .. w.Before.Zip(w.After)], PadMode.Constant, value);

    private static OnnxCell Conv(OnnxCall c)
    {
        Tensor x = c.X(), weight = c.X(1);
        var w = WindowOf(c, weight.Shape.Sizes[2..]);
        var bias = c.Maybe(2);
        int groups = (int)c.Int("group", 1);
        int[] pads = w.Before;
        if (!w.IsEven) { (x, pads) = (Padded(x, w, 0), new int[pads.Length]); }
        return new(pads.Length == 1 ? x.Conv1d(weight, bias, w.Strides[0], pads[0], w.Dilations[0], groups)
            : x.Conv2d(weight, bias, (w.Strides[0], w.Strides[1]), (pads[0], pads[1]), (w.Dilations[0], w.Dilations[1]), groups));
    }

    private static OnnxCell ConvTranspose(OnnxCall c)
    {
        Tensor x = c.X(), weight = c.X(1);
        var w = WindowOf(c, weight.Shape.Sizes[2..]);
        int axes = w.Kernel.Length, groups = (int)c.Int("group", 1);
        int[] more = c.IntsOf("output_padding") ?? new int[axes];
        string auto = c.Text("auto_pad", "NOTSET");
        if (c.IntsOf("output_shape") is not null || auto.StartsWith("SAME", StringComparison.Ordinal))
        {
            // so much is cut away that the sizes asked for are left: strides times the input's unless they are given
            int[] sizes = c.IntsOf("output_shape")?[^axes..] ?? [.. w.Strides.Select((s, i) => s * x.Shape[i + 2])];
            for (int i = 0; i < axes; i++)
            {
                int all = (w.Strides[i] * (x.Shape[i + 2] - 1)) + more[i] + ((w.Kernel[i] - 1) * w.Dilations[i]) + 1 - sizes[i];
                if (all < 0) { (all, more[i]) = (0, more[i] - all); }
                (w.Before[i], w.After[i]) = auto == "SAME_UPPER" ? (all / 2, all - (all / 2)) : (all - (all / 2), all / 2);
            }
        }
        // the whole result, of which the paddings are cut away
        var bias = c.Maybe(2);
        if (w.IsEven && more.Zip(w.Strides.Zip(w.Dilations)).All(m => m.First < Math.Max(m.Second.First, m.Second.Second)))
        {
            return new(axes == 1 ? x.ConvTranspose1d(weight, bias, w.Strides[0], w.Before[0], more[0], w.Dilations[0], groups)
                : x.ConvTranspose2d(weight, bias, (w.Strides[0], w.Strides[1]), (w.Before[0], w.Before[1]), (more[0], more[1]), dilation: (w.Dilations[0], w.Dilations[1]), groups: groups));
        }
        var y = axes == 1 ? x.ConvTranspose1d(weight, null, w.Strides[0], 0, 0, w.Dilations[0], groups)
            : x.ConvTranspose2d(weight, null, (w.Strides[0], w.Strides[1]), (0, 0), (0, 0), dilation: (w.Dilations[0], w.Dilations[1]), groups: groups);
        for (int i = 0; i < axes; i++)
        {
            if (more[i] > w.After[i])
            {
                var widths = new (int, int)[y.Rank];
                widths[i + 2] = (0, more[i] - w.After[i]);
                y = y.Pad(widths);
            }
            y = y.Narrow(i + 2, w.Before[i], y.Shape[i + 2] - w.Before[i] - Math.Max(0, w.After[i] - more[i]));
        }
        return new(bias is null ? y : y + bias.Reshape([-1, .. Enumerable.Repeat(1, axes)]));
    }

    private static OnnxCell MaxPool(OnnxCall c)
    {
        if (c.Node.Outputs.Length > 1 && c.Node.Outputs[1].Length > 0) { throw c.Lacks("the places of the maxima (output Indices)"); }
        var w = WindowOf(c, c.IntsOf("kernel_shape") ?? throw c.Wrong("no kernel_shape"));
        var x = c.X();
        bool ceil = c.Int("ceil_mode") == 1;
        int[] pads = w.Before;
        if (!w.IsEven || pads.Zip(w.Kernel).Any(p => p.First > p.Second / 2)) { (x, pads) = (Padded(x, w, float.NegativeInfinity), new int[pads.Length]); }
        return new(pads.Length == 1 ? x.MaxPool1d(w.Kernel[0], w.Strides[0], pads[0], w.Dilations[0], ceil)
            : x.MaxPool2d((w.Kernel[0], w.Kernel[1]), (w.Strides[0], w.Strides[1]), (pads[0], pads[1]), (w.Dilations[0], w.Dilations[1]), ceil));
    }

    private static OnnxCell AveragePool(OnnxCall c)
    {
        int[] kernel = c.IntsOf("kernel_shape") ?? throw c.Wrong("no kernel_shape");
        if (kernel is [_, 1, 1] && c[0].Rank == 5) { return AverageOfPlanes(c, kernel[0]); }
        var w = WindowOf(c, kernel);
        if (w.Dilations.Any(d => d != 1)) { throw c.Lacks("dilations"); }
        bool all = c.Int("count_include_pad") == 1, ceil = c.Int("ceil_mode") == 1;
        var x = c.X();
        if (w.IsEven && w.Before.Zip(w.Kernel).All(p => p.First <= p.Second / 2)) { return new(Pool(x, w.Before, all)); }
        if (ceil) { throw c.Lacks("ceil_mode with uneven pads"); }
        // means over windows of what was padded, and of ones, which count what was there
        var y = Pool(Padded(x, w, 0), new int[w.Kernel.Length], true);
        return new(all ? y : y / Pool(Padded(Tensor.Ones([1, 1, .. x.Shape.Sizes[2..]], c.Device), w, 0), new int[w.Kernel.Length], true));

        Tensor Pool(Tensor t, int[] pads, bool count) => pads.Length == 1 ? t.AvgPool1d(w.Kernel[0], w.Strides[0], pads[0], count, ceil)
            : t.AvgPool2d((w.Kernel[0], w.Kernel[1]), (w.Strides[0], w.Strides[1]), (pads[0], pads[1]), count, ceil);
    }

    // over [N, C, D, H, W] along D alone, as PyTorch writes its local response norm
    private static OnnxCell AverageOfPlanes(OnnxCall c, int kernel)
    {
        var x = c.X();
        int[] strides = c.IntsOf("strides") ?? [1, 1, 1], pads = c.IntsOf("pads") ?? new int[6];
        if (strides is not [_, 1, 1] || pads is not [_, 0, 0, _, 0, 0] || (pads is not [0, ..] && c.Int("count_include_pad") == 0) || c.Int("ceil_mode") == 1) { throw c.Lacks("a window of 3 axes"); }
        int n = x.Shape[0], channels = x.Shape[1], d = x.Shape[2], h = x.Shape[3], w = x.Shape[4];
        return new(x.Reshape(n, channels, d, h * w).Pad([(0, 0), (0, 0), (pads[0], pads[3]), (0, 0)]).AvgPool2d((kernel, 1), (strides[0], 1)).Reshape(n, channels, -1, h, w));
    }

    // Resize: x, roi, scales, sizes; before version 11, and as Upsample, x, scales
    private static OnnxCell Resize(OnnxCall c)
    {
        var x = c.X();
        int at = c.Node.Op == "Upsample" || c.Opset < 11 ? 1 : 2;
        float[]? scales = c.Has(at) && c[at].Shape.Size > 0 ? Array.ConvertAll(c[at].Host.Values, v => (float)v) : c.Node.Attributes.GetValueOrDefault("scales") as float[];
        int[]? sizes = at == 2 && c.Has(3) && c[3].Shape.Size > 0 ? c.Ints(3) : null;
        if (scales is null && sizes is null) { throw c.Wrong("neither scales nor sizes"); }
        if (c.IntsOf("axes") is not null || c.Text("keep_aspect_ratio_policy", "stretch") != "stretch" || c.Int("antialias") == 1) { throw c.Lacks("axes, keep_aspect_ratio_policy and antialias"); }
        string old = c.Opset < 11 ? "asymmetric" : "half_pixel", mode = c.Text("mode", "nearest"), place = c.Text("coordinate_transformation_mode", old), nearest = c.Text("nearest_mode", c.Opset < 11 ? "floor" : "round_prefer_floor");
        int[] all = sizes ?? [.. scales!.Select((s, i) => (int)Math.Floor((double)x.Shape[i] * s))];
        if (x.Rank is 3 or 4 && all[0] == x.Shape[0] && all[1] == x.Shape[1] && AsPyTorch(mode, place, nearest, all) is { } own)
        {
            return new(x.Rank == 3 ? x.Upsample1d(all[2], own.Mode, own.AlignCorners, scales?[2]) : x.Upsample2d((all[2], all[3]), own.Mode, own.AlignCorners, scales is null ? null : (scales[2], scales[3])));
        }
        for (int i = 0; i < x.Rank; i++)
        {
            int n = x.Shape[i], to = all[i];
            if (to == n && (scales is null || scales[i] == 1)) { continue; }
            var (indices, weights) = ResizeMatrix.Of(n, to, scales is null ? (double)to / n : scales[i], mode, place, nearest,
                c.Float("cubic_coeff_a", -0.75f), c.Int("exclude_outside") == 1) ?? throw c.Lacks($"mode {mode} with {place}");
            x = Along(x, i, to, indices, weights);
        }
        return new(x, c[0].Kind);
    }

    // the ways of counting places that the library's own resizing has
    private static (ResizeMode Mode, bool AlignCorners)? AsPyTorch(string mode, string place, string nearest, int[] sizes) => (mode, place) switch
    {
        ("nearest", "asymmetric") when nearest == "floor" => (ResizeMode.Nearest, false),
        ("linear", "half_pixel") => (ResizeMode.Linear, false),
        ("linear", "pytorch_half_pixel") when !sizes.AsSpan(2).Contains(1) => (ResizeMode.Linear, false),
        ("linear", "align_corners") => (ResizeMode.Linear, true),
        _ => null,
    };

    // each place of an axis as a sum of others, with weights
    private static Tensor Along(Tensor x, int axis, int to, int[][] indices, float[][] weights)
    {
        Tensor? sum = null;
        for (int k = 0; k < indices.Length; k++)
        {
            var part = x.IndexSelect(axis, indices[k]);
            if (weights[k].Any(v => v != 1))
            {
                int[] shape = [.. Enumerable.Repeat(1, x.Rank)];
                shape[axis] = to;
                part *= Tensor.Of([.. shape], weights[k], x.Device);
            }
            sum = sum is null ? part : sum + part;
        }
        return sum!;
    }
}
