import torch
import torch.nn.functional as F
from ops import row


def conv(name, *shapes, **options):
    row(name, lambda x, w, b: F.conv2d(x, w, b, **options), *shapes, low=-1, high=1)


conv("conv2d", [(1, 1, 5, 6), (2, 1, 3, 3), (2,)], [(3, 3, 8, 7), (4, 3, 5, 3), (4,)], [(1, 8, 3, 4), (17, 8, 1, 1), (17,)], [(2, 1, 3, 3), (33, 1, 2, 2), (33,)], [(1, 2, 1, 9), (3, 2, 1, 2), (3,)])
conv("conv2d padding 1", [(1, 1, 5, 6), (2, 1, 3, 3), (2,)], [(3, 3, 8, 7), (4, 3, 5, 3), (4,)], [(2, 8, 4, 4), (16, 8, 1, 1), (16,)], padding=1)
conv("conv2d padding 2, 1", [(1, 1, 5, 6), (2, 1, 3, 3), (2,)], [(3, 3, 2, 7), (4, 3, 5, 3), (4,)], padding=(2, 1))
conv("conv2d stride 2", [(1, 1, 5, 6), (2, 1, 3, 3), (2,)], [(3, 3, 8, 7), (4, 3, 5, 3), (4,)], [(2, 8, 4, 4), (16, 8, 1, 1), (16,)], stride=2)
conv("conv2d stride 2, padding 1", [(1, 1, 5, 6), (2, 1, 3, 3), (2,)], [(3, 3, 8, 7), (4, 3, 5, 3), (4,)], stride=2, padding=1)
conv("conv2d stride 1, 3, padding 0, 2", [(1, 1, 5, 6), (2, 1, 3, 3), (2,)], [(2, 3, 8, 7), (4, 3, 2, 2), (4,)], stride=(1, 3), padding=(0, 2))
conv("conv2d dilation 2", [(1, 1, 5, 6), (2, 1, 3, 3), (2,)], [(3, 3, 9, 7), (4, 3, 5, 3), (4,)], [(2, 8, 5, 5), (16, 8, 2, 2), (16,)], dilation=2)
conv("conv2d dilation 1, 2, stride 2, 1, padding 1", [(1, 2, 5, 6), (2, 2, 3, 3), (2,)], [(3, 3, 9, 7), (4, 3, 5, 3), (4,)], dilation=(1, 2), stride=(2, 1), padding=1)
conv("conv2d groups 2", [(1, 2, 5, 6), (2, 1, 3, 3), (2,)], [(3, 8, 4, 5), (6, 4, 2, 3), (6,)], groups=2)
conv("conv2d groups 2, stride 2, padding 1", [(3, 8, 4, 5), (6, 4, 2, 3), (6,)], groups=2, stride=2, padding=1)
conv("conv2d depthwise", [(1, 8, 5, 6), (8, 1, 3, 3), (8,)], [(2, 8, 4, 3), (16, 1, 3, 2), (16,)], groups=8, padding=1)
row("conv2d without bias", lambda x, w: F.conv2d(x, w), [(2, 3, 5, 6), (2, 3, 3, 3)], low=-1, high=1)
row("conv2d of data", lambda x, w, b: F.conv2d(x, w, b), [(2, 3, 5, 6), (2, 3, 3, 3), (2,)], low=-1, high=1, frozen=[0])
row("conv2d fixed weight", lambda x, w, b: F.conv2d(x, w, b), [(2, 3, 5, 6), (2, 3, 3, 3), (2,)], low=-1, high=1, frozen=[1, 2])
row("conv1d", lambda x, w, b: F.conv1d(x, w, b, stride=2, padding=2, dilation=2), [(2, 3, 9), (4, 3, 3), (4,)], [(1, 1, 5), (1, 1, 1), (1,)], low=-1, high=1)
row("conv1d groups", lambda x, w, b: F.conv1d(x, w, b, groups=2), [(2, 4, 9), (6, 2, 3), (6,)], low=-1, high=1)
row("conv2d relu", lambda x, w, b: F.relu(F.conv2d(x, w, b, padding=1)), [(2, 3, 5, 6), (4, 3, 3, 3), (4,)], [(1, 1, 4, 3), (17, 1, 2, 2), (17,)], low=-1, high=1)
row("conv2d relu max pool", lambda x, w, b: F.max_pool2d(F.relu(F.conv2d(x, w, b)), 2), [(2, 3, 6, 7), (4, 3, 3, 3), (4,)], [(1, 1, 5, 9), (35, 1, 2, 2), (35,)], [(3, 2, 4, 4), (3, 2, 3, 3), (3,)], low=-1, high=1)
row("conv2d relu max pool, stride 2, padding 1", lambda x, w: F.max_pool2d(F.relu(F.conv2d(x, w, None, 2, 1, (1, 2))), 2), [(2, 3, 9, 11), (4, 3, 3, 3)], low=-1, high=1)

POOLS = [[(1, 1, 4, 4)], [(2, 3, 7, 5)], [(3, 5, 6)], [(1, 1, 9, 37)]]
row("max pool 2", lambda x: F.max_pool2d(x, 2), *POOLS, distinct=True)
row("max pool 3, stride 2, padding 1", lambda x: F.max_pool2d(x, 3, 2, 1), *POOLS, distinct=True)
row("max pool 2×3, stride 1×2, dilation 2×1", lambda x: F.max_pool2d(x, (2, 3), (1, 2), dilation=(2, 1)), *POOLS, distinct=True)
row("max pool 3, stride 2, ceil", lambda x: F.max_pool2d(x, 3, 2, ceil_mode=True), *POOLS, distinct=True)
row("max pool 3, padding 1, dilation 2, ceil", lambda x: F.max_pool2d(x, 3, 2, 1, 2, True), [(2, 3, 7, 5)], distinct=True)
row("max pool of equals", lambda x: F.max_pool2d(x, 2, 1), values=[[[[[1., 1., 0.], [1., 0., 0.], [0., 0., 0.]]]]])
row("max pool of NaN", lambda x: F.max_pool2d(x, 2, 1), values=[[[[[float("nan"), 1., 0.], [1., float("nan"), -float("inf")], [0., float("inf"), -float("inf")]]]]])
row("max pool 1d", lambda x: F.max_pool1d(x, 3, 2, 1), [(2, 3, 8)], [(3, 7)], distinct=True)
row("avg pool 2", lambda x: F.avg_pool2d(x, 2), *POOLS)
row("avg pool 3, stride 2, padding 1", lambda x: F.avg_pool2d(x, 3, 2, 1), *POOLS)
row("avg pool 3, padding 1 not counted", lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False), *POOLS)
row("avg pool 2×3, ceil, padding 1", lambda x: F.avg_pool2d(x, (2, 3), (2, 2), (1, 1), ceil_mode=True), *POOLS)
row("avg pool 2, ceil, padding 1 not counted", lambda x: F.avg_pool2d(x, 2, 2, 1, ceil_mode=True, count_include_pad=False), *POOLS)
row("avg pool 1d", lambda x: F.avg_pool1d(x, 3, 2, 1), [(2, 3, 8)], [(3, 7)])
