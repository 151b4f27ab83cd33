"""Embeddings and what belongs to no other family. Keras' layers that PyTorch lacks are written out."""
import torch
import torch.nn.functional as F
from torch import nn

from layers import With


class Tied(nn.Module):
    """The table that reads tokens scores them too."""

    def __init__(self, bias):
        super().__init__()
        self.table = nn.Embedding(6, 3)
        self.head = nn.Linear(3, 6, bias=bias)
        self.head.weight = self.table.weight

    def forward(self, x):
        return self.head(torch.tanh(self.table(x)))


class Residual(nn.Module):
    def __init__(self, inner, shortcut=None):
        super().__init__()
        self.inner = inner
        self.shortcut = shortcut

    def forward(self, x):
        return self.inner(x) + (x if self.shortcut is None else self.shortcut(x))


class Branches(nn.ModuleList):
    def __init__(self, axis, *layers):
        super().__init__(layers)
        self.axis = axis

    def forward(self, x):
        return torch.cat([layer(x) for layer in self], self.axis)


def function(f):
    return lambda: With(nn.Identity(), lambda _, x: f(x))


def quarters(x):
    """1/4, 2/4, 3/4, .. as weights of indices."""
    return torch.arange(1, 1 + x.numel(), dtype=torch.double).reshape(x.shape) / 4


TOKENS = [[0, 2, 5], [5, 5, 1], [3, 3, 3]]
FLAT, OFFSETS = [0, 2, 5, 5, 1, 3], torch.tensor([0, 2, 2, 5])
IMAGE, LINE = (2, 3, 4, 5), (2, 3, 5)
ROWS = {
    "embedding-max-norm": (lambda: nn.Embedding(6, 3, max_norm=0.6), TOKENS),
    "embedding-max-norm-1": (lambda: nn.Embedding(6, 3, padding_idx=5, max_norm=0.8, norm_type=1.0), TOKENS),
    "embedding-max-norm-inf": (lambda: nn.Embedding(6, 3, max_norm=0.4, norm_type=float("inf")), TOKENS),
    "embedding-max-norm-3": (lambda: nn.Embedding(6, 3, max_norm=0.5, norm_type=3.0), TOKENS),
    "tied": (lambda: Tied(False), TOKENS),
    "tied-bias": (lambda: Tied(True), TOKENS),
    "embedding-bag": (lambda: nn.EmbeddingBag(6, 3), TOKENS),
    "embedding-bag-sum": (lambda: nn.EmbeddingBag(6, 3, mode="sum", padding_idx=3), TOKENS),
    "embedding-bag-max": (lambda: nn.EmbeddingBag(6, 3, mode="max", padding_idx=3), TOKENS),
    "embedding-bag-max-norm": (lambda: nn.EmbeddingBag(6, 3, mode="sum", max_norm=0.6), TOKENS),
    "embedding-bag-sum-offsets": (lambda: With(nn.EmbeddingBag(6, 3, mode="sum"), lambda m, x: m(x, OFFSETS)), FLAT),
    "embedding-bag-mean-offsets": (lambda: With(nn.EmbeddingBag(6, 3, mode="mean"), lambda m, x: m(x, OFFSETS)), FLAT),
    "embedding-bag-max-offsets": (lambda: With(nn.EmbeddingBag(6, 3, mode="max"), lambda m, x: m(x, OFFSETS)), FLAT),
    "embedding-bag-weights": (lambda: With(nn.EmbeddingBag(6, 3, mode="sum"), lambda m, x: m(x, per_sample_weights=quarters(x))), TOKENS),
    "embedding-bag-weights-offsets": (lambda: With(nn.EmbeddingBag(6, 3, mode="sum"), lambda m, x: m(x, OFFSETS, quarters(x))), FLAT),
    "dropout1d-eval": (lambda: nn.Dropout1d(0.5), LINE, "eval"),
    "dropout2d-eval": (lambda: nn.Dropout2d(0.5), IMAGE, "eval"),
    "dropout2d-nothing": (lambda: nn.Dropout2d(0.0), IMAGE),
    "dropout2d-everything": (lambda: nn.Dropout2d(1.0), IMAGE),
    "alpha-dropout-eval": (lambda: nn.AlphaDropout(0.5), LINE, "eval"),
    "alpha-dropout-everything": (lambda: nn.AlphaDropout(1.0), LINE),
    "gaussian-noise-eval": (nn.Identity, LINE, "eval"),
    "gaussian-dropout-eval": (nn.Identity, LINE, "eval"),
    "prelu": (lambda: nn.PReLU(), IMAGE),
    "prelu-channels": (lambda: nn.PReLU(3), IMAGE),
    "prelu-features": (lambda: nn.PReLU(5), (4, 5)),
    "upsample2d": (lambda: nn.Upsample(scale_factor=2), IMAGE),
    "upsample2d-size": (lambda: nn.Upsample(size=(7, 3)), IMAGE),
    "upsample2d-bilinear": (lambda: nn.Upsample(scale_factor=1.5, mode="bilinear"), IMAGE),
    "upsample2d-bilinear-corners": (lambda: nn.Upsample(size=(7, 9), mode="bilinear", align_corners=True), IMAGE),
    "upsample1d": (lambda: nn.Upsample(scale_factor=2.5), LINE),
    "upsample1d-linear": (lambda: nn.Upsample(size=8, mode="linear"), LINE),
    "upsample1d-linear-corners": (lambda: nn.Upsample(scale_factor=2, mode="linear", align_corners=True), LINE),
    "bilinear": (lambda: With(nn.Bilinear(3, 2, 4), lambda m, x: m(x[..., :3], x[..., 3:])), (4, 5)),
    "bilinear-3d": (lambda: With(nn.Bilinear(3, 2, 4, bias=False), lambda m, x: m(x[..., :3], x[..., 3:])), (2, 3, 5)),
    "cosine-similarity": (lambda: With(nn.CosineSimilarity(), lambda m, x: m(x[:, :3], x[:, 3:])), (4, 6)),
    "residual": (lambda: Residual(nn.Linear(5, 5)), (4, 5)),
    "residual-shortcut": (lambda: Residual(nn.Sequential(nn.Linear(5, 3), nn.Tanh()), nn.Linear(5, 3, bias=False)), (4, 5)),
    "concat": (lambda: Branches(1, nn.Linear(5, 3), nn.Sequential(nn.Linear(5, 2), nn.Tanh())), (4, 5)),
    "concat-last": (lambda: Branches(-1, nn.Conv1d(3, 2, 1), nn.Conv1d(3, 2, 3)), LINE),
    "merge-add": (function(lambda x: x[:, :2] + x[:, 2:4] + x[:, 4:]), (4, 6)),
    "merge-multiply": (function(lambda x: x[:, :2] * x[:, 2:4] * x[:, 4:]), (4, 6)),
    "merge-average": (function(lambda x: (x[:, :2] + x[:, 2:4] + x[:, 4:]) / 3), (4, 6)),
    "merge-maximum": (function(lambda x: torch.maximum(torch.maximum(x[:, :2], x[:, 2:4]), x[:, 4:])), (4, 6)),
    "merge-minimum": (function(lambda x: torch.minimum(torch.minimum(x[:, :2], x[:, 2:4]), x[:, 4:])), (4, 6)),
    "merge-subtract": (function(lambda x: x[:, :3] - x[:, 3:]), (4, 6)),
    "merge-concat": (function(lambda x: torch.cat([x[:, 3:], x[:, :3]], -1)), (4, 6)),
    "merge-dot": (function(lambda x: (x[:, :3] * x[:, 3:]).sum(1, keepdim=True)), (4, 6)),
    "merge-dot-normalized": (function(lambda x: F.cosine_similarity(x[:, :3], x[:, 3:])[:, None]), (4, 6)),
    "merge-dot-3d": (function(lambda x: x[:, :2] @ x[:, 2:].mT), (2, 5, 3)),
    "regularizers": (lambda: With(nn.Linear(5, 3), lambda m, x: m(x) + 0.1 * m.weight.abs().sum() + 0.05 * (m.weight**2).sum()), (4, 5)),
    "regularizer-l1l2": (lambda: With(nn.Linear(5, 3), lambda m, x: m(x) + 0.1 * m.weight.abs().sum() + 0.05 * (m.weight**2).sum() + 0.1 * m.bias.abs().sum() + 0.05 * (m.bias**2).sum()), (4, 5)),
}
