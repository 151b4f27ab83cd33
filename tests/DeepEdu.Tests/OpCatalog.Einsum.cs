using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests;

public static partial class OpCatalog
{
    private static OpRow[] Einsum =>
    [
        Sum("matmul", "ij,jk->ik") with { Big = [[70, 300], [300, 90]] },
        Sum("matmul transposed", "ji,kj->ik"),
        Sum("batched", "bij,bkj->bik"),
        Sum("heads", "bqhd,bkhd->bhqk"),
        Sum("trace", "ii->"),
        Sum("diagonal", "ii->i"),
        Sum("diagonal of a batch", "...ii->...i"),
        Sum("sum", "ijk->j"),
        Sum("permute", "ijk->kij"),
        Sum("outer", "i,j->ij"),
        Sum("dot", "i,i->"),
        Sum("value by value", "ij,ij->ij"),
        Sum("ellipsis", "...ij,...jk->...ik"),
        Sum("ellipsis summed", "i...,i...->i"),
        Sum("implicit", "ij,jk"),
        Sum("implicit alphabetical", "ba"),
        Sum("implicit ellipsis", "...i,i"),
        Sum("bilinear", "bi,kij,bj->bk"),
        Sum("chain", "ij,jk,kl->il"),
        Sum("repeats one", "ij,jk->ik"),
        Sum("alone summed", "ij,kl->i"),
        Sum("spaces", " i j , j -> i "),

        new("kth-value", x => x[0].KthValue(3).Values) { Big = [[70, 300]] },
        new("kth-value positions", x => Floats(x[0].KthValue(2, 0, keepDims: true).Indices)),
        new("median", x => x[0].Median(1).Values) { Big = [[70, 301]] },
        new("median positions", x => Floats(x[0].Median(-1, keepDims: true).Indices)),
        new("median all", x => x[0].Median()),
        new("median of equals", x => x[0].Median()) { CheckTolerance = 0 }, // moved one by one, each has a slope of its own
        new("median special", x => x[0].Median(1).Values.Detach()),
        new("quantile", x => x[0].Quantile(0.3f, 1)) { Big = [[70, 300]] },
        new("quantile keeping", x => x[0].Quantile(0.75f, 0, keepDims: true)),
        new("quantile ends", x => x[0].Quantile(0, -1) + x[0].Quantile(1, -1)),
        new("quantile all", x => x[0].Quantile(0.6f)),
        new("quantiles", x => x[0].Quantile([0.75f, 0, 0.3f, 0.3f, 1], 1)) { Big = [[70, 300]] },
        new("quantiles keeping", x => x[0].Quantile([0.9f, 0.95f], 0, keepDims: true)),
        new("quantiles all", x => x[0].Quantile([0.25f, 0.5f])),
        new("quantile special", x => x[0].Quantile(0.25f, 1).Detach()),

        new("trace", x => x[0].Trace()),
        new("diag-embed", x => x[0].DiagEmbed()),
        new("kron", x => x[0].Kron(x[1])),
        new("cdist", x => x[0].CDist(x[1])) { Big = [[70, 40], [90, 40]] },
        new("pixel-shuffle", x => x[0].PixelShuffle(2)) { Big = [[3, 16, 30, 31]] },
        new("pixel-unshuffle", x => x[0].PixelUnshuffle(3)),
        new("nan-sum", x => x[0].NanSum([1]).Detach()),
        new("nan-mean", x => x[0].NanMean([1]).Detach()),
        new("log-add-exp", x => x[0].LogAddExp(x[1])),
        new("lerp", x => x[0].Lerp(x[1], 0.3f)),
    ];

    private static OpRow Sum(string name, string equation) => new($"einsum {name}", x => Tensor.Einsum(equation, x));
}
