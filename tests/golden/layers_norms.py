"""Norm layers, option by option. PyTorch 1.13 has no RMSNorm: written out from arXiv:1910.07467, eq. 4."""
import torch
from torch import nn


class RmsNorm(nn.Module):
    def __init__(self, shape, eps=1.1920929e-7, affine=True):
        super().__init__()
        self.axes = tuple(range(-len(shape), 0))
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(shape)) if affine else None

    def forward(self, x):
        y = x / torch.sqrt((x * x).mean(self.axes, keepdim=True) + self.eps)
        return y if self.weight is None else y * self.weight


X, IMAGE, SEQUENCE = (6, 4), (3, 4, 3, 2), (3, 4, 5)
ROWS = {
    "batch-norm-cumulative": (lambda: nn.BatchNorm1d(4, momentum=None), X),
    "batch-norm-plain": (lambda: nn.BatchNorm2d(4, affine=False), IMAGE),
    "batch-norm-no-statistics": (lambda: nn.BatchNorm1d(4, track_running_stats=False), SEQUENCE),
    "batch-norm-no-statistics-eval": (lambda: nn.BatchNorm1d(4, track_running_stats=False), SEQUENCE, "eval"),
    "batch-norm-cumulative-eval": (lambda: nn.BatchNorm1d(4, momentum=None, affine=False), X, "eval"),
    "layer-norm-eps": (lambda: nn.LayerNorm([3, 2], eps=0.1), IMAGE),
    "group-norm": (lambda: nn.GroupNorm(2, 4), IMAGE),
    "group-norm-plain": (lambda: nn.GroupNorm(4, 4, eps=0.1, affine=False), SEQUENCE),
    "group-norm-1": (lambda: nn.GroupNorm(1, 4), X),
    "rms-norm": (lambda: RmsNorm([4]), X),
    "rms-norm-2d": (lambda: RmsNorm([3, 2], 0.1), IMAGE),
    "rms-norm-plain": (lambda: RmsNorm([4], 1e-5, False), X),
    "instance-norm": (lambda: nn.InstanceNorm2d(4), IMAGE),
    "instance-norm-affine": (lambda: nn.InstanceNorm1d(4, eps=0.1, affine=True), SEQUENCE),
    "instance-norm-statistics": (lambda: nn.InstanceNorm2d(4, momentum=0.3, affine=True, track_running_stats=True), IMAGE),
    "instance-norm-statistics-eval": (lambda: nn.InstanceNorm2d(4, affine=True, track_running_stats=True), IMAGE, "eval"),
    "instance-norm-eval": (lambda: nn.InstanceNorm1d(4, affine=True), SEQUENCE, "eval"),
}
