using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Io;

/// <content>Sums over axes, products of matrices, normalisation.</content>
internal static partial class OnnxOperators
{
    private static (string, Func<OnnxCall, OnnxCell>)[] Folds() =>
    [
        Over("ReduceSum", v => v.Sum(), (x, a, k) => x.Sum(a, k)),
        Over("ReduceMean", v => v.Average(), (x, a, k) => x.Mean(a, k)),
        Over("ReduceMax", v => v.Max(), (x, a, k) => x.Max(a, k)),
        Over("ReduceMin", v => v.Min(), (x, a, k) => x.Min(a, k)),
        Over("ReduceProd", v => v.Aggregate(1.0, (p, u) => p * u), (x, a, k) => x.Prod(a, k)),
        Over("ReduceL1", null, (x, a, k) => x.Abs().Sum(a, k)),
        Over("ReduceL2", null, (x, a, k) => x.Norm(2, a, k)),
        Over("ReduceSumSquare", null, (x, a, k) => x.Square().Sum(a, k)),
        Over("ReduceLogSum", null, (x, a, k) => x.Sum(a, k).Log()),
        Over("ReduceLogSumExp", null, (x, a, k) => x.LogSumExp(a, k)),
    ];

    private static (string, Func<OnnxCall, OnnxCell>) Over(string name, Func<IReadOnlyList<double>, double>? host, Func<Tensor, int[], bool, Tensor> f) => (name, c =>
    {
        int rank = c[0].Rank;
        int[]? given = c.IntsOf("axes", 1);
        if (given is not { Length: > 0 } && c.Int("noop_with_empty_axes") == 1)
        {
            // what is done to each number, such as its square, is done all the same: it is the sum over an axis of one
            return host is not null ? c[0] : new(f(c.X().Unsqueeze(rank), [rank], false), c[0].Kind);
        }
        int[] axes = given is { Length: > 0 } ? Array.ConvertAll(given, a => c.Place(a, rank)) : [.. Enumerable.Range(0, rank)];
        bool keep = c.Int("keepdims", 1) == 1;
        return host is not null && c[0].IsHost ? new(HostFold(c[0].Host, axes, keep, host)) : new(f(c.X(), axes, keep), c[0].Kind);
    }
    );

    private static OnnxHost HostFold(OnnxHost x, int[] axes, bool keep, Func<IReadOnlyList<double>, double> f)
    {
        int[] kept = [.. x.Shape.Select((n, i) => axes.Contains(i) ? 1 : n)];
        var all = new List<double>[OnnxHost.Count(kept)];
        for (int i = 0; i < all.Length; i++) { all[i] = []; }
        OnnxHost.Of(x.Shape, x.Kind, at =>
        {
            int to = 0;
            for (int i = 0; i < at.Length; i++) { to = (to * kept[i]) + (kept[i] == 1 ? 0 : at[i]); }
            all[to].Add(x[at]);
            return 0;
        });
        return new(keep ? kept : [.. kept.Where((_, i) => !axes.Contains(i))], [.. all.Select(f)], x.Kind);
    }

    private static (string, Func<OnnxCall, OnnxCell>)[] Products() =>
    [
        ("MatMul", c => c[0].IsHost && c[1].IsHost && c[0].Kind != OnnxKind.Real ? throw c.Lacks("a product of whole numbers") : new(c.X().MatMul(c.X(1)))),
        ("Gemm", Gemm),
        ("Einsum", c => new(Tensor.Einsum(c.Text("equation", ""), [.. Enumerable.Range(0, c.Count).Select(c.X)]))),
    ];

    // alpha·A·B + beta·C; a dense layer if B lies as its weight does
    private static OnnxCell Gemm(OnnxCall c)
    {
        bool transA = c.Int("transA") == 1, transB = c.Int("transB") == 1;
        float alpha = c.Float("alpha", 1), beta = c.Float("beta", 1);
        Tensor a = c.X(), b = c.X(1);
        if (!transA && transB && alpha == 1 && (!c.Has(2) || (beta == 1 && c[2].Rank == 1 && c[2].Shape[0] == b.Shape[0]))) { return new(a.Linear(b, c.Maybe(2))); }
        var y = a.MatMul(b, transA, transB);
        if (alpha != 1) { y *= alpha; }
        return new(!c.Has(2) || beta == 0 ? y : y + (beta == 1 ? c.X(2) : c.X(2) * beta));
    }

    private static (string, Func<OnnxCall, OnnxCell>)[] Norms() =>
    [
        ("LayerNormalization", LayerNorm),
        ("InstanceNormalization", InstanceNorm),
        ("GroupNormalization", GroupNorm),
        ("MeanVarianceNormalization", MeanVariance),
        ("LpNormalization", c => new(c.X().Normalize(c.Axis(c[0].Rank, -1), c.Int("p", 2)))),
        ("LRN", Lrn),
    ];

    private static OnnxCell LayerNorm(OnnxCall c)
    {
        var x = c.X();
        int axis = c.Axis(x.Rank, -1);
        Shape normalised = [.. x.Shape.Sizes[axis..]];
        Tensor weight = c.X(1);
        var bias = c.Maybe(2);
        float eps = c.Float("epsilon", 1e-5f);
        if (weight.Shape == normalised && (bias is null || bias.Shape == normalised)) { return new(x.LayerNorm(normalised, weight, bias, eps)); }
        var y = x.LayerNorm(normalised, eps: eps) * weight; // weights of other sizes are spread
        return new(bias is null ? y : y + bias);
    }

    // a channel of one value is its own mean, which leaves the bias
    private static OnnxCell InstanceNorm(OnnxCall c)
    {
        var x = c.X();
        float eps = c.Float("epsilon", 1e-5f);
        return new(x.Rank > 2 && x.Shape.Product(2, x.Rank) == 1 ? x.GroupNorm(x.Shape[1], c.X(1), c.X(2), eps) : x.InstanceNorm(weight: c.X(1), bias: c.X(2), eps: eps));
    }

    // the weights are one a channel since version 21, one a group before
    private static OnnxCell GroupNorm(OnnxCall c)
    {
        var x = c.X();
        int groups = (int)c.Int("num_groups", 1), each = x.Shape[1] / groups;
        return new(x.GroupNorm(groups, Wide(c.X(1)), Wide(c.X(2)), c.Float("epsilon", 1e-5f)));

        Tensor Wide(Tensor w) => w.Size == x.Shape[1] ? w : w.RepeatInterleave(each, 0);
    }

    private static OnnxCell MeanVariance(OnnxCall c)
    {
        var x = c.X();
        int[] axes = c.IntsOf("axes") ?? [0, 2, 3];
        var off = x - x.Mean(axes, true);
        return new(off / (off.Square().Mean(axes, true).Sqrt() + 1e-9f));
    }

    // x / (bias + alpha / size · Σ x² over neighbouring channels)^beta
    private static OnnxCell Lrn(OnnxCall c)
    {
        var x = c.X();
        int size = (int)c.Int("size", 1), n = x.Shape[0], channels = x.Shape[1];
        var squares = x.Square().Reshape(n, 1, channels, -1).Pad([(0, 0), (0, 0), ((size - 1) / 2, size / 2), (0, 0)]).AvgPool2d((size, 1), (1, 1)).Reshape(x.Shape);
        return new(x / ((squares * c.Float("alpha", 1e-4f)) + c.Float("bias", 1)).Pow(c.Float("beta", 0.75f)));
    }

    // as in use: by the statistics that the file holds
    private static OnnxCell[] BatchNorm(OnnxCall c)
    {
        if (c.Int("training_mode") == 1 || c.Int("spatial", 1) == 0) { throw c.Lacks("training_mode, or statistics for each place"); }
        return [new(c.X().BatchNorm(c.X(3), c.X(4), c.X(1), c.X(2), eps: c.Float("epsilon", 1e-5f), training: false))];
    }
}
