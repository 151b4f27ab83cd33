"""Dense, embedding, convolution, pooling and norm layers, and a module made of others."""
import torch
from torch import nn

from layers import With


class Deep(nn.Module):
    """A list of layers and a residual around each."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(5, 5) for _ in range(3))
        self.norm = nn.LayerNorm(5)

    def forward(self, x):
        for layer in self.layers:
            x = x + torch.tanh(layer(x))
        return self.norm(x)


ROWS = {
    "dense": (lambda: nn.Linear(5, 3), (4, 5)),
    "dense-3d": (lambda: nn.Linear(5, 3, bias=False), (2, 4, 5)),
    "dense-relu": (lambda: nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 2)), (4, 5)),
    "embedding": (lambda: nn.Embedding(6, 3, padding_idx=2), [[0, 2, 5], [5, 1, 2]]),
    "conv1d": (lambda: nn.Conv1d(4, 6, 3, stride=2, padding=1, dilation=2, groups=2), (2, 4, 11)),
    "conv1d-same": (lambda: nn.Conv1d(2, 3, 4, padding="same"), (2, 2, 9)),
    "conv2d": (lambda: nn.Conv2d(3, 4, 3), (2, 3, 7, 6)),
    "conv2d-same": (lambda: nn.Conv2d(2, 3, 4, padding="same", dilation=2), (2, 2, 9, 8)),
    "conv2d-all": (lambda: nn.Conv2d(4, 6, (3, 2), stride=(2, 1), padding=(1, 2), dilation=(1, 2), groups=2, bias=False), (2, 4, 9, 8)),
    "conv-relu-pool": (lambda: nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 3)), (2, 1, 6, 7)),
    "max-pool": (lambda: nn.MaxPool2d(3, 2, 1), (2, 2, 7, 8)),
    "avg-pool": (lambda: nn.AvgPool2d(3, 2, 1), (2, 2, 7, 8)),
    "avg-pool-exclude": (lambda: nn.AvgPool2d(2, padding=1, count_include_pad=False), (2, 2, 7, 8)),
    "global-avg-pool": (lambda: With(nn.Identity(), lambda _, x: x.mean((2, 3))), (2, 3, 4, 5)),
    "layer-norm": (lambda: nn.LayerNorm(6), (3, 4, 6)),
    "layer-norm-2d": (lambda: nn.LayerNorm([4, 6], elementwise_affine=False), (3, 4, 6)),
    "batch-norm-1d": (lambda: nn.BatchNorm1d(5), (8, 5)),
    "batch-norm-2d": (lambda: nn.BatchNorm2d(3, momentum=0.3, eps=1e-3), (4, 3, 5, 2)),
    "batch-norm-eval": (lambda: nn.BatchNorm2d(3), (4, 3, 5, 2), "eval"),
    "deep": (Deep, (4, 5)),
}
