"""The layer of CORAL, the weights of two tasks by their uncertainty, an embedding whose gradient is rows, and a part that is run again on the way back: for PyTorch the plain layers."""
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


class Uncertainty(nn.Module):
    """Half the mean square of one task and the mean of another, weighted by learned log-variances: Kendall, Gal and Cipolla 2018, eq. 7 and 10."""

    def __init__(self):
        super().__init__()
        self.log_variances = nn.Parameter(torch.zeros(2))

    def forward(self, x):
        s, a, b = self.log_variances, x[0].square().mean(), x[1].exp().mean()
        return (a * torch.exp(-s[0]) / 2 + s[0] / 2 + b * torch.exp(-s[1]) + s[1] / 2).reshape(1)


ROWS = {
    "uncertainty": (lambda: With(Uncertainty(), lambda m, x: m(x)), (2, 4)),
    "coral": (lambda: Coral(5, 4), (4, 5)),
    "embedding-sparse": (lambda: nn.Embedding(6, 3, padding_idx=2), [[0, 2, 5], [5, 1, 2]]),
    "checkpoint": (lambda: With(nn.Sequential(nn.Linear(5, 7, bias=False), nn.BatchNorm1d(7), nn.ReLU(), nn.Linear(7, 2)), lambda m, x: m(x)), (6, 5)),
}
