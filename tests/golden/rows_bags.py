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
