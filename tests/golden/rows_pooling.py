import torch
import torch.nn.functional as F
from ops import row

IMAGES = [[(2, 3, 7, 5)], [(1, 1, 6, 8)], [(3, 5, 6)]]
row("adaptive-avg-pool2d", lambda x: F.adaptive_avg_pool2d(x, (3, 2)), *IMAGES)
row("adaptive-avg-pool2d larger", lambda x: F.adaptive_avg_pool2d(x, (5, 7)), (2, 3, 4, 3))
row("adaptive-max-pool2d", lambda x: F.adaptive_max_pool2d(x, (3, 2)), *IMAGES, distinct=True)
row("adaptive-max-pool2d of NaN", lambda x: F.adaptive_max_pool2d(x, 2), values=[[[[[float("nan"), 1., 0.], [1., 0., -float("inf")], [0., float("inf"), -float("inf")]]]]])
row("adaptive-avg-pool1d", lambda x: F.adaptive_avg_pool1d(x, 3), [(2, 3, 8)], [(1, 2, 9)])
row("adaptive-max-pool1d", lambda x: F.adaptive_max_pool1d(x, 3), [(2, 3, 8)], [(1, 2, 9)], distinct=True)


def mask(lengths, steps, left=False):
    at = torch.arange(steps)[None]
    return (at >= steps - lengths[:, None] if left else at < lengths[:, None])[..., None]


def mean(x, real):
    return torch.where(real, x, torch.zeros_like(x)).sum(1) / real.sum(1).clamp(min=1)


def largest(x, real):
    y = torch.where(real, x, torch.full_like(x, -float("inf"))).amax(1)
    return torch.where(real.any(1), y, torch.zeros_like(y))


ROWS = [(4, 5, 3)]
LENGTHS = [[3, 0, 5, 1]]
MASK = [[0., 1., 0., 2., 1.], [0., 0., 0., 0., 0.], [1., 1., 1., 1., 1.], [0., 0., 0., 0., 1.]]
row("mean-over-time", lambda x, n: mean(x, mask(n, 5)), ROWS, ints=LENGTHS)
row("mean-over-time left", lambda x, n: mean(x, mask(n, 5, True)), ROWS, ints=LENGTHS)
row("max-over-time", lambda x, n: largest(x, mask(n, 5)), ROWS, ints=LENGTHS, distinct=True)
row("max-over-time left", lambda x, n: largest(x, mask(n, 5, True)), ROWS, ints=LENGTHS, distinct=True)
SEEN = (torch.tensor(MASK) != 0)[..., None]
row("mean-over-time mask", lambda x: mean(x, SEEN), ROWS)
row("max-over-time mask", lambda x: largest(x, SEEN), ROWS, distinct=True)
