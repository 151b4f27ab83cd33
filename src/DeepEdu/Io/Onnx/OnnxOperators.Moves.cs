using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Io;

/// <content>Shapes, pieces, places, look-ups.</content>
internal static partial class OnnxOperators
{
    private static (string, Func<OnnxCall, OnnxCell>)[] Moves() =>
    [
        ("Shape", ShapeOf),
        ("Size", c => new(OnnxHost.Whole([], [c[0].Shape.Size]))),
        ("Reshape", Reshape),
        ("Flatten", Flatten),
        ("Squeeze", Squeeze),
        ("Unsqueeze", Unsqueeze),
        ("Transpose", Transpose),
        ("Concat", Concat),
        ("Slice", Slice),
        ("Expand", c => Spread(c, [.. Shape.Broadcast("onnx-model", c[0].Shape, [.. c.Ints(1)])])),
        ("Tile", Tile),
        ("Pad", Pad),
        ("Trilu", Trilu),
        ("DepthToSpace", DepthToSpace),
        ("SpaceToDepth", SpaceToDepth),
        ("Range", Range),
        ("ConstantOfShape", ConstantOfShape),
        ("EyeLike", EyeLike),
    ];

    private static OnnxCell ShapeOf(OnnxCall c)
    {
        var shape = c[0].Shape;
        int from = At(c.Int("start"), shape.Rank), to = At(c.Int("end", shape.Rank), shape.Rank);
        double[] sizes = [.. shape.Sizes.ToArray()[from..Math.Max(from, to)].Select(n => (double)n)];
        return new(OnnxHost.Whole([sizes.Length], sizes));

        static int At(long i, int rank) => (int)Math.Clamp(i < 0 ? i + rank : i, 0, rank);
    }

    // 0 is the size that was there, -1 what is left
    private static OnnxCell Reshape(OnnxCall c)
    {
        var shape = c[0].Shape;
        int[] to = c.IntsOf("shape", 1) ?? throw c.Wrong("no shape");
        if (c.Int("allowzero") == 0) { for (int i = 0; i < to.Length; i++) { if (to[i] == 0 && i < shape.Rank) { to[i] = shape[i]; } } }
        return c[0].Reshape(shape.Reshaped(to));
    }

    // two axes: those before the given one, which may be one behind the last, and the others
    private static OnnxCell Flatten(OnnxCall c)
    {
        var shape = c[0].Shape;
        int axis = (int)c.Int("axis", 1), at = axis < 0 ? axis + shape.Rank : axis;
        return at >= 0 && at <= shape.Rank ? c[0].Reshape([shape.Product(0, at), shape.Product(at, shape.Rank)]) : throw c.Wrong($"axis {axis} of {shape.Rank}");
    }

    private static OnnxCell Squeeze(OnnxCall c)
    {
        var shape = c[0].Shape;
        int[]? axes = c.IntsOf("axes", 1);
        bool[] gone = new bool[shape.Rank];
        for (int i = 0; i < shape.Rank; i++) { gone[i] = axes is null && shape[i] == 1; }
        foreach (int a in axes ?? [])
        {
            int at = c.Place(a, shape.Rank);
            gone[at] = shape[at] == 1 ? true : throw c.Wrong($"axis {a} of {shape} is not 1");
        }
        return c[0].Reshape([.. shape.Sizes.ToArray().Where((_, i) => !gone[i])]);
    }

    private static OnnxCell Unsqueeze(OnnxCall c)
    {
        int[] axes = c.IntsOf("axes", 1) ?? throw c.Wrong("no axes");
        int rank = c[0].Rank + axes.Length;
        bool[] added = new bool[rank];
        foreach (int a in axes) { added[c.Place(a, rank)] = true; }
        int[] to = new int[rank];
        for (int i = 0, from = 0; i < rank; i++) { to[i] = added[i] ? 1 : c[0].Shape[from++]; }
        return c[0].Reshape([.. to]);
    }

    private static OnnxCell Transpose(OnnxCall c)
    {
        int rank = c[0].Rank;
        int[] order = c.IntsOf("perm") ?? [.. Enumerable.Range(0, rank).Reverse()];
        if (!c[0].IsHost) { return rank < 2 ? c[0] : new(c.X().Permute(order), c[0].Kind); }
        var x = c[0].Host;
        int[] from = new int[rank];
        return new(OnnxHost.Of([.. order.Select(a => x.Shape[a])], x.Kind, at =>
        {
            for (int i = 0; i < rank; i++) { from[order[i]] = at[i]; }
            return x[from];
        }));
    }

    private static OnnxCell Concat(OnnxCall c)
    {
        int axis = c.Axis(c[0].Rank, 1);
        bool host = true;
        for (int i = 0; i < c.Count; i++) { host &= c[i].IsHost; }
        if (!host) { return new(Joined([.. Enumerable.Range(0, c.Count).Select(c.X)]), c[0].Kind); }
        OnnxHost[] all = [.. Enumerable.Range(0, c.Count).Select(i => c[i].Host)];
        int[] shape = [.. all[0].Shape];
        shape[axis] = all.Sum(p => p.Shape[axis]);
        return new(OnnxHost.Of(shape, all[0].Kind, at =>
        {
            int[] own = [.. at];
            int k = 0;
            while (own[axis] >= all[k].Shape[axis]) { own[axis] -= all[k++].Shape[axis]; }
            return all[k][own];
        }));

        Tensor Joined(Tensor[] parts) => parts.Length == 1 ? parts[0] : Tensor.Concat(parts, axis);
    }

    // starts, ends, axes, steps: attributes before version 10
    private static OnnxCell Slice(OnnxCall c)
    {
        int[] starts = c.IntsOf("starts", 1) ?? throw c.Wrong("no starts"), ends = c.IntsOf("ends", 2) ?? throw c.Wrong("no ends");
        int[] axes = c.IntsOf("axes", 3) ?? [.. Enumerable.Range(0, starts.Length)], steps = c.Has(4) ? c.Ints(4) : [.. starts.Select(_ => 1)];
        var y = c[0];
        for (int i = 0; i < axes.Length; i++)
        {
            int axis = c.Place(axes[i], y.Rank), n = y.Shape[axis], step = steps[i] == 0 ? throw c.Wrong("a step of 0") : steps[i];
            int from = Clamp(starts[i], 0, step > 0 ? n : n - 1), to = Clamp(ends[i], step > 0 ? 0 : -1, step > 0 ? n : n - 1);
            int count = (int)Math.Max(0, ((long)to - from + step - Math.Sign(step)) / step);
            y = Picked(c, y, axis, from, count, step);

            int Clamp(long v, int low, int high) => (int)Math.Clamp(v < 0 ? v + n : v, low, Math.Max(low, high));
        }
        return y;
    }

    private static OnnxCell Picked(OnnxCall c, OnnxCell x, int axis, int from, int count, int step)
    {
        if (count == x.Shape[axis] && step == 1) { return x; }
        if (!x.IsHost)
        {
            var t = x.Tensor(c.Device);
            return new(step == 1 ? t.Narrow(axis, from, count) : t.IndexSelect(axis, Enumerable.Range(0, count).Select(i => from + (i * step)).ToArray()), x.Kind);
        }
        var h = x.Host;
        int[] shape = [.. h.Shape];
        shape[axis] = count;
        return new(OnnxHost.Of(shape, h.Kind, at =>
        {
            int[] own = [.. at];
            own[axis] = from + (at[axis] * step);
            return h[own];
        }));
    }

    private static OnnxCell[] Split(OnnxCall c)
    {
        var x = c[0];
        int axis = c.Axis(x.Rank, 0), n = x.Shape[axis], parts = Math.Max(1, c.Node.Outputs.Length), each = (n + parts - 1) / parts;
        int[] sizes = c.IntsOf("split", 1) ?? [.. Enumerable.Range(0, parts).Select(i => Math.Clamp(n - (i * each), 0, each))];
        if (sizes.Sum() != n) { throw c.Wrong($"parts of {string.Join(", ", sizes)} of an axis of {n}"); }
        return [.. sizes.Select((s, i) => Picked(c, x, axis, sizes[..i].Sum(), s, 1))];
    }

    private static OnnxCell Spread(OnnxCall c, int[] shape)
    {
        if (!c[0].IsHost) { return new(c.X().BroadcastTo([.. shape]), c[0].Kind); }
        var x = c[0].Host;
        return new(OnnxHost.Of(shape, x.Kind, x.Spread));
    }

    private static OnnxCell Tile(OnnxCall c)
    {
        int[] times = c.Ints(1);
        if (!c[0].IsHost) { return new(c.X().Repeat(times), c[0].Kind); }
        var x = c[0].Host;
        return new(OnnxHost.Of([.. x.Shape.Select((n, i) => n * times[i])], x.Kind, at => x[[.. at.Select((a, i) => a % x.Shape[i])]]));
    }

    private static OnnxCell Pad(OnnxCall c)
    {
        int rank = c[0].Rank;
        int[] pads = c.IntsOf("pads", 1) ?? throw c.Wrong("no pads"), axes = c.Has(3) ? c.Ints(3) : [.. Enumerable.Range(0, rank)];
        if (pads.Length != 2 * axes.Length) { throw c.Wrong($"{pads.Length} pads for {axes.Length} axes"); }
        float value = c.Has(2) ? (float)c[2].Host.Values[0] : c.Float("value");
        var widths = new (int Before, int After)[rank];
        for (int i = 0; i < axes.Length; i++) { widths[c.Place(axes[i], rank)] = (pads[i], pads[i + axes.Length]); }
        var x = c.X();
        for (int i = 0; i < rank; i++) // a negative one takes away
        {
            var (before, after) = widths[i];
            if (before < 0 || after < 0) { x = x.Narrow(i, Math.Max(0, -before), x.Shape[i] + Math.Min(0, before) + Math.Min(0, after)); }
            widths[i] = (Math.Max(0, before), Math.Max(0, after));
        }
        var mode = c.Text("mode", "constant") switch { "constant" => PadMode.Constant, "reflect" => PadMode.Reflect, "edge" => PadMode.Replicate, "wrap" => PadMode.Circular, var m => throw c.Lacks($"mode {m}") };
        return new(x.Pad(widths, mode, value), c[0].Kind);
    }

    private static OnnxCell Trilu(OnnxCall c)
    {
        int k = c.Has(1) ? (int)c[1].Host.Values[0] : 0;
        bool upper = c.Int("upper", 1) == 1;
        if (!c[0].IsHost) { return new(upper ? c.X().Triu(k) : c.X().Tril(k), c[0].Kind); }
        var x = c[0].Host;
        return new(OnnxHost.Of(x.Shape, x.Kind, at => upper ? at[^1] - at[^2] >= k ? x[at] : 0 : at[^1] - at[^2] <= k ? x[at] : 0));
    }

    private static OnnxCell DepthToSpace(OnnxCall c)
    {
        var x = c.X();
        int r = (int)c.Int("blocksize", 1), n = x.Shape[0], d = x.Shape[1] / (r * r), h = x.Shape[2], w = x.Shape[3];
        return new(c.Text("mode", "DCR") == "CRD" ? x.PixelShuffle(r) : x.Reshape(n, r, r, d, h, w).Permute(0, 3, 4, 1, 5, 2).Reshape(n, d, h * r, w * r));
    }

    private static OnnxCell SpaceToDepth(OnnxCall c)
    {
        var x = c.X();
        int r = (int)c.Int("blocksize", 1), n = x.Shape[0], d = x.Shape[1], h = x.Shape[2] / r, w = x.Shape[3] / r;
        return new(x.Reshape(n, d, h, r, w, r).Permute(0, 3, 5, 1, 2, 4).Reshape(n, d * r * r, h, w));
    }

    private static OnnxCell Range(OnnxCall c)
    {
        double start = c[0].Host.Values[0], end = c[1].Host.Values[0], step = c[2].Host.Values[0];
        int n = (int)Math.Max(0, Math.Ceiling((end - start) / step));
        return new(new OnnxHost([n], [.. Enumerable.Range(0, n).Select(i => start + (i * step))], c[0].Kind));
    }

    private static OnnxCell ConstantOfShape(OnnxCall c)
    {
        var one = c.Node.Attributes.TryGetValue("value", out object? v) && v is OnnxProtoTensor t ? t.Values(null) : new([1], [0], OnnxKind.Real);
        var shape = Shape.Create(c.Ints(0));
        return one.Kind == OnnxKind.Real && shape.Size > 64 ? new(Tensor.Full(shape, (float)one.Values[0], c.Device)) : new(Ones(shape, one.Kind).Map(_ => one.Values[0]));
    }

    private static OnnxCell EyeLike(OnnxCall c)
    {
        int k = (int)c.Int("k");
        var kind = c.Int("dtype") is > 0 and var type ? OnnxProtoTensor.KindOf((int)type) ?? throw c.Lacks($"type {type}") : c[0].Kind;
        return new(OnnxHost.Of([.. c[0].Shape], kind, at => at[1] - at[0] == k ? 1 : 0));
    }
}
