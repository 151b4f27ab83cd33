"""Pooling layers, option by option."""
import torch
from torch import nn

from layers import With


def function(f):
    return lambda: With(nn.Identity(), lambda _, x: f(x))


def seen(x):
    """Sequences of 3, 0 and 5 steps."""
    return (torch.arange(x.shape[1])[None] < torch.tensor([3, 0, 5])[:, None])[..., None]


def holes(x):
    return torch.tensor([[1, 0, 1, 1, 0], [0, 0, 0, 0, 0], [0, 1, 1, 0, 1]], dtype=torch.bool)[..., None]


def mean(counts):
    return function(lambda x: (x * counts(x)).sum(1) / counts(x).sum(1).clamp(min=1))


def largest(counts):
    def run(x):
        y = torch.where(counts(x), x, torch.full_like(x, -float("inf"))).amax(1)
        return torch.where(counts(x).any(1), y, torch.zeros_like(y))
    return function(run)


IMAGE, LINE, SEQUENCE = (2, 2, 7, 8), (2, 3, 9), (3, 5, 2)
ROWS = {
    "max-pool2d-all": (lambda: nn.MaxPool2d((3, 2), (2, 1), (1, 0), (1, 2), ceil_mode=True), IMAGE),
    "max-pool2d-dilation": (lambda: nn.MaxPool2d(2, 2, 1, 2), IMAGE),
    "max-pool1d": (lambda: nn.MaxPool1d(3), LINE),
    "max-pool1d-all": (lambda: nn.MaxPool1d(2, 3, 1, 2, ceil_mode=True), LINE),
    "avg-pool2d-all": (lambda: nn.AvgPool2d((3, 2), (2, 3), (1, 1), ceil_mode=True, count_include_pad=False), IMAGE),
    "avg-pool2d-ceil": (lambda: nn.AvgPool2d(3, 2, ceil_mode=True), IMAGE),
    "avg-pool1d": (lambda: nn.AvgPool1d(3), LINE),
    "avg-pool1d-all": (lambda: nn.AvgPool1d(4, 3, 2, ceil_mode=True, count_include_pad=False), LINE),
    "global-avg-pool1d": (function(lambda x: x.mean(2)), LINE),
    "global-max-pool": (function(lambda x: x.flatten(2).amax(2)), IMAGE),
    "adaptive-avg-pool2d": (lambda: nn.AdaptiveAvgPool2d((3, 4)), IMAGE),
    "adaptive-avg-pool2d-1": (lambda: nn.AdaptiveAvgPool2d(1), IMAGE),
    "adaptive-avg-pool1d": (lambda: nn.AdaptiveAvgPool1d(4), LINE),
    "adaptive-max-pool2d": (lambda: nn.AdaptiveMaxPool2d((3, 4)), IMAGE),
    "adaptive-max-pool2d-5": (lambda: nn.AdaptiveMaxPool2d(5), IMAGE),
    "adaptive-max-pool1d": (lambda: nn.AdaptiveMaxPool1d(4), LINE),
    "mean-over-time": (function(lambda x: x.mean(1)), SEQUENCE),
    "mean-over-time-lengths": (mean(seen), SEQUENCE),
    "mean-over-time-mask": (mean(holes), SEQUENCE),
    "max-over-time": (function(lambda x: x.amax(1)), SEQUENCE),
    "max-over-time-lengths": (largest(seen), SEQUENCE),
    "max-over-time-mask": (largest(holes), SEQUENCE),
}
