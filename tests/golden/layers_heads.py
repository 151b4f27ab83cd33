"""The layer of CORAL, an embedding whose gradient is rows, and a part that is run again on the way back: for PyTorch the plain layers."""
import torch
from torch import nn

from layers import With


class Coral(nn.Module):
    """One score for all thresholds and a bias for each: Cao, Mirjalili and Raschka 2020, section 3.2."""

    def __init__(self, size, grades):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1, size))
        self.bias = nn.Parameter(torch.zeros(grades - 1))

    def forward(self, x):
        return x @ self.weight.T + self.bias


ROWS = {
    "coral": (lambda: Coral(5, 4), (4, 5)),
    "embedding-sparse": (lambda: nn.Embedding(6, 3, padding_idx=2), [[0, 2, 5], [5, 1, 2]]),
    "checkpoint": (lambda: With(nn.Sequential(nn.Linear(5, 7, bias=False), nn.BatchNorm1d(7), nn.ReLU(), nn.Linear(7, 2)), lambda m, x: m(x)), (6, 5)),
}
