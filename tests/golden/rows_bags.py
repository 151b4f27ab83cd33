import torch
import torch.nn.functional as F
from ops import row

TABLE = [(6, 3)]
ROWS = [[[0, 2, 5], [5, 5, 1], [3, 3, 3], [4, 0, 2]]]
FLAT = [[0, 2, 5, 5, 1, 3], [0, 2, 2, 5]]
for mode in ("sum", "mean", "max"):
    row(f"embedding-bag {mode}", lambda x, i, mode=mode: F.embedding_bag(i, x, mode=mode), TABLE, ints=ROWS, distinct=mode == "max")
    row(f"embedding-bag {mode} offsets", lambda x, i, o, mode=mode: F.embedding_bag(i, x, o, mode=mode), TABLE, ints=FLAT, distinct=mode == "max")
    row(f"embedding-bag {mode} padding", lambda x, i, mode=mode: F.embedding_bag(i, x, mode=mode, padding_idx=3), TABLE, ints=ROWS, distinct=mode == "max")
TABLE_AND_WEIGHTS, TABLE_AND_FLAT = [(6, 3), (4, 3)], [(6, 3), (6,)]
row("embedding-bag weights", lambda x, w, i: F.embedding_bag(i, x, mode="sum", per_sample_weights=w), TABLE_AND_WEIGHTS, ints=ROWS)
row("embedding-bag weights offsets", lambda x, w, i, o: F.embedding_bag(i, x, o, mode="sum", per_sample_weights=w), TABLE_AND_FLAT, ints=FLAT)
row("embedding-bag weights padding", lambda x, w, i: F.embedding_bag(i, x, mode="sum", per_sample_weights=w, padding_idx=3), TABLE_AND_WEIGHTS, ints=ROWS)

SEGMENTS = [[4, 0, 0, 2, 4, 0, 4]]   # none in 1 and 3


def fold(x, i, how):
    """What torch.scatter_reduce makes of each segment, 0 where there is none."""
    at = i.reshape(-1, *[1] * (x.dim() - 1)).expand_as(x)
    return torch.zeros(5, *x.shape[1:], dtype=x.dtype).scatter_reduce(0, at, x, how, include_self=False)


def share(x, i):
    """Softmax among the rows of a segment, one segment after the other."""
    y = torch.zeros_like(x)
    for s in range(5):
        y = torch.where((i == s).reshape(-1, *[1] * (x.dim() - 1)), x.masked_fill((i != s).reshape(-1, *[1] * (x.dim() - 1)), float("-inf")).softmax(0) if (i == s).any() else y, y)
    return y


row("segment-sum", lambda x, i: fold(x, i, "sum"), [(7, 3)], [(7,)], [(7, 2, 2)], ints=SEGMENTS)
row("segment-mean", lambda x, i: fold(x, i, "mean"), [(7, 3)], [(7, 2, 2)], ints=SEGMENTS)
row("segment-mean of numbers", lambda x, i: fold(x, i, "mean"), [(7,)], ints=SEGMENTS)
row("segment-max", lambda x, i: fold(x, i, "amax"), [(7, 3)], [(7,)], ints=SEGMENTS, distinct=True)
row("segment-max of matrices", lambda x, i: fold(x, i, "amax"), [(7, 2, 2)], ints=SEGMENTS, distinct=True)
row("segment-softmax", share, [(7, 3)], [(7, 2, 2)], ints=SEGMENTS)
row("segment-softmax of numbers", share, [(7,)], ints=SEGMENTS)
row("segment-softmax of large scores", share, values=[[1000, 3, -1000, -800, 1001, 4, 990]], ints=SEGMENTS)

row("prelu", F.prelu, [(4, 5), (1,)], [(2, 3, 4), (3,)], [(5, 3), (3,)], low=[-2, 0.1], high=[2, 0.5], away=[0])
IMAGES = [[(2, 3, 4, 3)], [(1, 1, 5, 7)], [(1, 2, 1, 1)]]
row("upsample2d nearest", lambda x: F.interpolate(x, (7, 6)), *IMAGES)
row("upsample2d nearest smaller", lambda x: F.interpolate(x, (2, 3)), *IMAGES)
row("upsample2d linear", lambda x: F.interpolate(x, (7, 6), mode="bilinear"), *IMAGES)
row("upsample2d linear, corners", lambda x: F.interpolate(x, (7, 6), mode="bilinear", align_corners=True), *IMAGES)
row("upsample2d linear smaller", lambda x: F.interpolate(x, (2, 1), mode="bilinear", align_corners=True), *IMAGES)
row("upsample2d linear, scale", lambda x: F.interpolate(x, scale_factor=(1.5, 2.2), mode="bilinear"), (2, 3, 5, 3))
row("upsample1d nearest", lambda x: F.interpolate(x, 7), [(2, 3, 4)], [(1, 2, 9)])
row("upsample1d linear", lambda x: F.interpolate(x, 7, mode="linear"), [(2, 3, 4)], [(1, 2, 9)])
row("upsample1d linear, corners", lambda x: F.interpolate(x, 7, mode="linear", align_corners=True), [(2, 3, 4)], [(1, 2, 9)])
