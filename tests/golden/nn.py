#!/usr/bin/env python3
"""Writes what PyTorch's layers compute, and how small models train, so that the tests need no Python.

    python3 tests/golden/nn.py

Everything is computed in double from float32 weights. A layer: its parameters by name, output, gradients for a given dy, buffers after. A model: the loss before each of five
steps, and the parameters after them."""
import json
import pathlib

import numpy as np
import torch
from torch import nn

OUT = pathlib.Path(__file__).resolve().parent.parent / "DeepEdu.Tests" / "Golden" / "nn.json"
rng = np.random.default_rng(5)


class Pool(nn.Module):
    def __init__(self, f):
        super().__init__()
        self.f = f

    def forward(self, x):
        return self.f(x)


class Text(nn.Module):
    """Embedding, mean over time, dense."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(12, 6, padding_idx=0)
        self.head = nn.Linear(6, 3)

    def forward(self, x):
        return self.head(self.embedding(x).mean(1))


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


LAYERS = {
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
    "global-avg-pool": (lambda: Pool(lambda x: x.mean((2, 3))), (2, 3, 4, 5)),
    "layer-norm": (lambda: nn.LayerNorm(6), (3, 4, 6)),
    "layer-norm-2d": (lambda: nn.LayerNorm([4, 6], elementwise_affine=False), (3, 4, 6)),
    "batch-norm-1d": (lambda: nn.BatchNorm1d(5), (8, 5)),
    "batch-norm-2d": (lambda: nn.BatchNorm2d(3, momentum=0.3, eps=1e-3), (4, 3, 5, 2)),
    "batch-norm-eval": (lambda: nn.BatchNorm2d(3).eval(), (4, 3, 5, 2)),
    "deep": (Deep, (4, 5)),
}

MODELS = {
    "mlp": (lambda: nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 16), nn.Tanh(), nn.LayerNorm(16), nn.Linear(16, 3)), (12, 6),
            lambda p: torch.optim.Adam(p, lr=0.01)),
    "cnn": (lambda: nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.BatchNorm2d(4), nn.Conv2d(4, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(24, 3)),
            (6, 1, 8, 8), lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True)),
    "text": (Text, 12, lambda p: torch.optim.AdamW(p, lr=0.02, weight_decay=0.1)),
}


def f32(x):
    return [float(str(np.float32(v))) for v in np.asarray(x).ravel()]


def pack(x):
    return {"shape": list(x.shape), "values": f32(x.detach().numpy())}


def fill(module):
    """Every float parameter and buffer to float32 values that are told apart: running variances stay positive."""
    for name, t in module.state_dict().items():
        if t.dtype.is_floating_point:
            v = rng.uniform(0.5, 1.5, t.shape) if "var" in name else rng.uniform(-0.6, 0.6, t.shape)
            t.copy_(torch.tensor(np.asarray(v, np.float32).astype(np.float64)))
    return module


def floats(module, buffers=False):
    pairs = module.named_buffers() if buffers else module.named_parameters()
    return {n: pack(t) for n, t in pairs if t.dtype.is_floating_point}


def layer(make, x):
    torch.manual_seed(0)
    module = fill(make().double())
    out = {"parameters": floats(module), "buffers": floats(module, True)}
    if isinstance(x, list):
        x = torch.tensor(x)
        out["indices"] = {"shape": list(x.shape), "values": x.ravel().tolist()}
    else:
        x = torch.tensor(rng.uniform(-2, 2, x).astype(np.float32).astype(np.float64), requires_grad=True)
        out["x"] = pack(x)
    y = module(x)
    dy = torch.tensor(rng.uniform(-1, 1, tuple(y.shape)).astype(np.float32).astype(np.float64))
    y.backward(dy)
    out.update(y=pack(y), dy=pack(dy), gradients={n: pack(p.grad) for n, p in module.named_parameters()}, after=floats(module, True))
    if x.dtype.is_floating_point:
        out["dx"] = pack(x.grad)
    return out


def model(make, shape, optimizer):
    module = fill(make().double())
    out = {"parameters": floats(module), "buffers": floats(module, True)}
    if isinstance(shape, int):
        x = torch.tensor(rng.integers(0, shape, (10, 5)))
        out["indices"] = {"shape": list(x.shape), "values": x.ravel().tolist()}
    else:
        x = torch.tensor(rng.uniform(-2, 2, shape).astype(np.float32).astype(np.float64))
        out["x"] = pack(x)
    labels = torch.tensor(rng.integers(0, 3, x.shape[0]))
    out["labels"], out["losses"] = labels.tolist(), []
    step = optimizer(module.parameters())
    for _ in range(5):
        loss = nn.functional.cross_entropy(module(x), labels)
        out["losses"].append(float(np.float32(loss.item())))
        step.zero_grad()
        loss.backward()
        step.step()
    out["after"] = {**floats(module), **floats(module, True)}
    return out


def main():
    out = {"layers": {n: layer(*case) for n, case in LAYERS.items()}, "models": {n: model(*case) for n, case in MODELS.items()}}
    OUT.write_text(json.dumps(out, separators=(",", ":")).replace('}},"', '}},\n"') + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
