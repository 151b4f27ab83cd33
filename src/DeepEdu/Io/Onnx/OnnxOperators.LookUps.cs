using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Io;

/// <content>What is found by its place, and places that are found.</content>
internal static partial class OnnxOperators
{
    private static (string, Func<OnnxCall, OnnxCell>)[] LookUps() =>
    [
        ("Gather", Gather),
        ("GatherElements", GatherElements),
        ("GatherND", GatherNd),
        ("ScatterElements", c => Scatter(c)),
        ("Scatter", c => Scatter(c)),
        ("ScatterND", ScatterNd),
        ("OneHot", OneHot),
        ("NonZero", NonZero),
        ("ArgMax", c => Extreme(c, largest: true)),
        ("ArgMin", c => Extreme(c, largest: false)),
    ];

    // places from the end are negative; those that were given are checked by the look-up itself
    private static Indices Positive(OnnxCell index, int n)
    {
        var given = index.Indices;
        if ((index.IsGiven && Devices.Recording.Current is not null) || given.Span.IndexOfAnyExceptInRange(0, int.MaxValue) < 0) { return given; }
        return Indices.Wrap(Array.ConvertAll(given.ToArray(), i => i < 0 ? i + n : i), given.Shape);
    }

    private static OnnxCell Gather(OnnxCall c)
    {
        OnnxCell x = c[0], index = c[1];
        int axis = c.Axis(x.Rank, 0), n = x.Shape[axis];
        Shape shape = [.. x.Shape.Sizes[..axis], .. index.Shape, .. x.Shape.Sizes[(axis + 1)..]];
        if (x.IsHost && x.Kind != OnnxKind.Real)
        {
            OnnxHost h = x.Host, at = index.Host;
            int rank = at.Shape.Length;
            return new(OnnxHost.Of([.. shape], h.Kind, place =>
            {
                int i = (int)at[place.AsSpan(axis, rank)];
                if (i < -n || i >= n) { throw c.Wrong($"place {i} of {n}"); }
                return h[[.. place[..axis], i < 0 ? i + n : i, .. place[(axis + rank)..]]];
            }));
        }
        var rows = Positive(index, n);
        return axis == 0 && x.Rank == 2 && index.Rank > 0 ? new(c.X().Embedding(rows), x.Kind) : new(c.X().IndexSelect(axis, rows.Flatten()).Reshape(shape), x.Kind);
    }

    private static OnnxCell GatherElements(OnnxCall c)
    {
        int axis = c.Axis(c[0].Rank, 0);
        return new(c.X().Gather(axis, Positive(c[1], c[0].Shape[axis])), c[0].Kind);
    }

    // rows of the leading axes that the last axis of the places counts
    private static (Indices Rows, int Count, Shape Each) Rows(OnnxCall c, OnnxCell x, OnnxHost places)
    {
        int depth = places.Shape[^1], lead = x.Shape.Product(0, depth);
        int[] rows = new int[places.Size / Math.Max(1, depth)];
        for (int i = 0; i < rows.Length; i++)
        {
            for (int k = 0; k < depth; k++)
            {
                int at = (int)places.Values[(i * depth) + k], n = x.Shape[k];
                if (at < -n || at >= n) { throw c.Wrong($"place {at} of {n}"); }
                rows[i] = (rows[i] * n) + (at < 0 ? at + n : at);
            }
        }
        return (rows, lead, [.. x.Shape.Sizes[depth..]]);
    }

    private static OnnxCell GatherNd(OnnxCall c)
    {
        if (c.Int("batch_dims") != 0) { throw c.Lacks("batch_dims"); }
        var places = c[1].Host;
        var (rows, count, rest) = Rows(c, c[0], places);
        return new(c.X().Reshape([count, rest.Size]).IndexSelect(0, rows).Reshape([.. places.Shape[..^1], .. rest]), c[0].Kind);
    }

    private static OnnxCell Scatter(OnnxCall c)
    {
        int axis = c.Axis(c[0].Rank, 0);
        var places = Positive(c[1], c[0].Shape[axis]);
        string reduction = c.Text("reduction", "none");
        if (reduction is not ("none" or "add")) { throw c.Lacks($"reduction {reduction}"); }
        return new(Within(c.X(), 0), c[0].Kind);

        // the places may be fewer than x has on the other axes: what lies behind them there stays
        Tensor Within(Tensor x, int on)
        {
            if (on == x.Rank) { return reduction == "add" ? x.ScatterAdd(axis, places, c.X(2)) : x.Scatter(axis, places, c.X(2)); }
            int n = x.Shape[on], m = places.Rank == x.Rank && on != axis ? places.Shape[on] : n;
            return m >= n ? Within(x, on + 1) : Tensor.Concat([Within(x.Narrow(on, 0, m), on + 1), x.Narrow(on, m, n - m)], on);
        }
    }

    private static OnnxCell ScatterNd(OnnxCall c)
    {
        var (rows, count, rest) = Rows(c, c[0], c[1].Host);
        var x = c.X().Reshape([count, rest.Size]);
        var values = c.X(2).Reshape([rows.Size, rest.Size]);
        return c.Text("reduction", "none") switch
        {
            "none" => new(x.Scatter(0, Spread(), values).Reshape(c[0].Shape), c[0].Kind),
            "add" => new(x.IndexAdd(0, rows, values).Reshape(c[0].Shape), c[0].Kind),
            var r => throw c.Lacks($"reduction {r}"),
        };

        Indices Spread()
        {
            int[] all = new int[rows.Size * rest.Size];
            for (int i = 0; i < all.Length; i++) { all[i] = rows[i / rest.Size]; }
            return Indices.Wrap(all, [rows.Size, rest.Size]);
        }
    }

    // depth, and the values for no and yes; a place from the end is negative, and one outside is equal to none. As numbers: a session's places are known only when it runs
    private static OnnxCell OneHot(OnnxCall c)
    {
        int depth = (int)c[1].Host.Values[0], rank = c[0].Rank + 1, axis = c.Axis(rank, -1);
        double[] values = c[2].Host.Values;
        var places = To(c, c[0], OnnxKind.Whole).Tensor(c.Device);
        var own = (places + ((places < 0) * depth)).Unsqueeze(axis);
        var hit = own.Equal(Tensor.Arange(depth, c.Device).Reshape([depth, .. Enumerable.Repeat(1, rank - 1 - axis)]));
        return new(values is [0, 1] ? hit : Comparisons.Where(hit, (float)values[1], (float)values[0]), c[2].Kind);
    }

    private static OnnxCell NonZero(OnnxCall c)
    {
        var x = c[0].Host;
        List<int[]> found = [];
        OnnxHost.Of(x.Shape, x.Kind, at =>
        {
            if (x[at] != 0) { found.Add([.. at]); }
            return 0;
        });
        return new(OnnxHost.Of([x.Shape.Length, found.Count], OnnxKind.Whole, at => found[at[1]][at[0]]));
    }

    private static OnnxCell Extreme(OnnxCall c, bool largest)
    {
        if (c.Int("select_last_index") == 1) { throw c.Lacks("select_last_index"); }
        int axis = c.Axis(c[0].Rank, 0);
        bool keep = c.Int("keepdims", 1) == 1;
        return new(largest ? c.X().ArgMax(axis, keep) : c.X().ArgMin(axis, keep));
    }

    private static OnnxCell[] TopK(OnnxCall c)
    {
        int k = c.Has(1) ? (int)c[1].Host.Values[0] : (int)c.Int("k");
        var (values, places) = c.X().TopK(k, c.Axis(c[0].Rank, -1), c.Int("largest", 1) == 1);
        return [new(values, c[0].Kind), new(places)];
    }
}
