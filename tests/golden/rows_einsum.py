import torch
import torch.nn.functional as F

from ops import row


def einsum(name, equation, *shapes):
    row(f"einsum {name}", lambda *x: torch.einsum(equation, *x), *shapes)


einsum("matmul", "ij,jk->ik", (3, 4), (4, 5))
einsum("matmul transposed", "ji,kj->ik", (4, 3), (5, 4))
einsum("batched", "bij,bkj->bik", (2, 3, 4), (2, 5, 4))
einsum("heads", "bqhd,bkhd->bhqk", (2, 3, 2, 4), (2, 5, 2, 4))
einsum("trace", "ii->", (4, 4))
einsum("diagonal", "ii->i", (4, 4))
einsum("diagonal of a batch", "...ii->...i", [(3, 3)], [(2, 2, 3, 3)])
einsum("sum", "ijk->j", (2, 3, 4))
einsum("permute", "ijk->kij", (2, 3, 4))
einsum("outer", "i,j->ij", (3,), (4,))
einsum("dot", "i,i->", (5,), (5,))
einsum("value by value", "ij,ij->ij", (3, 4), (3, 4))
einsum("ellipsis", "...ij,...jk->...ik", [(2, 3, 4), (4, 5)], [(2, 1, 3, 4), (3, 4, 2)])
einsum("ellipsis summed", "i...,i...->i", (3, 2, 4), (3, 2, 4))
einsum("implicit", "ij,jk", (3, 4), (4, 2))
einsum("implicit alphabetical", "ba", (3, 4))
einsum("implicit ellipsis", "...i,i", (2, 3, 4), (4,))
einsum("bilinear", "bi,kij,bj->bk", (3, 2), (4, 2, 5), (3, 5))
einsum("chain", "ij,jk,kl->il", (2, 3), (3, 4), (4, 2))
einsum("repeats one", "ij,jk->ik", (3, 1), (4, 2))
einsum("alone summed", "ij,kl->i", (3, 4), (2, 5))
einsum("spaces", "i j , j -> i", (3, 4), (4,))

nan = float("nan")
row("kth-value", lambda x: x.kthvalue(3)[0], [(3, 7)], [(2, 40)], distinct=True)
row("kth-value positions", lambda x: x.kthvalue(2, 0, keepdim=True)[1], [(5, 2)], distinct=True, grad=False)
row("median", lambda x: x.median(1)[0], [(3, 7)], [(2, 4, 3)], distinct=True)
row("median positions", lambda x: x.median(-1, keepdim=True)[1], [(3, 6)], distinct=True, grad=False)
row("median all", lambda x: x.median(), [(3, 4)], [(7,)], distinct=True)
row("median of equals", lambda x: x.median(), values=[[[1.0, -2.0, 3.0], [1.0, 0.0, 1.0]]])
row("median special", lambda x: x.median(1)[0], values=[[[0.0, nan, 1.5], [-float("inf"), 2.0, float("inf")]]], grad=False)
row("quantile", lambda x: x.quantile(0.3, 1), [(3, 7)], [(2, 5, 3)], distinct=True)
row("quantile keeping", lambda x: x.quantile(0.75, 0, keepdim=True), (6, 2), distinct=True)
row("quantile ends", lambda x: x.quantile(0.0, -1) + x.quantile(1.0, -1), (3, 5), distinct=True)
row("quantile all", lambda x: x.flatten().quantile(0.6), (3, 4), distinct=True)
row("quantile special", lambda x: x.quantile(0.25, 1), values=[[[0.0, nan, 1.5], [-1.0, 2.0, 3.0]]], grad=False)

row("trace", lambda x: x.diagonal(0, -2, -1).sum(-1), [(4, 4)], [(2, 3, 4)])
row("diag-embed", lambda x: torch.diag_embed(x), [(4,)], [(2, 3)])
row("kron", lambda a, b: torch.kron(a, b), [(2, 3), (4, 2)], [(3,), (2,)])
row("cdist", lambda a, b: torch.cdist(a, b), [(3, 4), (5, 4)], [(2, 3, 2), (2, 4, 2)], low=[-2, 3], high=[2, 6])
row("pixel-shuffle", lambda x: F.pixel_shuffle(x, 2), [(2, 8, 3, 2)], [(4, 2, 2)])
row("pixel-unshuffle", lambda x: F.pixel_unshuffle(x, 3), (2, 2, 6, 3))
row("nan-sum", lambda x: x.nansum(1), values=[[[1.0, nan, 2.5], [nan, nan, nan]]], grad=False)
row("nan-mean", lambda x: x.nanmean(1), values=[[[1.0, nan, 2.5], [0.5, 1.0, -4.0]]], grad=False)
row("log-add-exp", lambda a, b: torch.logaddexp(a, b), [(3, 4), (4,)], low=-30, high=30)
row("lerp", lambda a, b: torch.lerp(a, b, 0.3), [(3, 4), (4,)])
