#!/usr/bin/env python3
"""Writes how small models train in PyTorch, so that the tests need no Python.

    python3 tests/golden/models.py

Everything is computed in double from float32 weights: the loss before each of five steps, and the parameters after them."""
import json
import pathlib

import numpy as np
import torch
from torch import nn

OUT = pathlib.Path(__file__).resolve().parent.parent / "DeepEdu.Tests" / "Golden" / "models.json"
rng = np.random.default_rng(5)


class Text(nn.Module):
    """Embedding, mean over time, dense."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(12, 6, padding_idx=0)
        self.head = nn.Linear(6, 3)

    def forward(self, x):
        return self.head(self.embedding(x).mean(1))


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
    return {n: pack(t) for n, t in pairs if t.dtype.is_floating_point or n.endswith("num_batches_tracked")}


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
    out = {n: model(*case) for n, case in MODELS.items()}
    OUT.write_text(json.dumps(out, separators=(",", ":")).replace('}},"', '}},\n"') + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
