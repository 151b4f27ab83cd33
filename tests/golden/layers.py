#!/usr/bin/env python3
"""Writes what PyTorch's layers compute, so that the tests need no Python: one file per layers_*.py beside this one.

    python3 tests/golden/layers.py [family...]

A family is a module with ROWS: name -> (make, input) or (make, input, mode). make gives the module; input is a shape, or nested lists of indices; mode "eval" asks for evaluation.
Everything is computed in double from float32 weights: output, the gradients for a given dy, buffers after; and, where there are parameters, the losses mean((y - dy)^2) before each of five
steps of SGD(0.05), and parameters and buffers after them. Numbers of a row depend on its name alone. Weights are a hash of their place, which the tests compute too, so only the key is written;
results have six digits."""
import copy
import importlib
import json
import pathlib
import sys
import zlib

import numpy as np
import torch
from torch import nn

HERE = pathlib.Path(__file__).resolve().parent
OUT = HERE.parent / "DeepEdu.Tests" / "Golden"
sys.path.insert(0, str(HERE))


class With(nn.Module):
    """A module called in a way of its own; its parameters are named "of.*"."""

    def __init__(self, of, run):
        super().__init__()
        self.of = of
        self.run = run

    def forward(self, x):
        return self.run(self.of, x)


def pack(x):
    return {"shape": list(x.shape), "values": [float(f"{v:.6g}") for v in x.detach().numpy().ravel()]}


def given(rng, low, high, shape):
    """Float32 values of four decimals."""
    return torch.tensor(np.asarray(rng.uniform(low, high, shape).round(4), np.float32).astype(np.float64))


def hashed(key, low, high, shape):
    """The same lines stand in GoldenLayers.Hashed."""
    z = np.arange(np.prod(shape, dtype=int), dtype=np.uint64) * 0x9E3779B9 + key & 0xFFFFFFFF
    z = (z ^ z >> 16) * 0x85EBCA6B & 0xFFFFFFFF
    z = (z ^ z >> 13) * 0xC2B2AE35 & 0xFFFFFFFF
    u = (z >> 16).astype(np.float64) / 65536
    return torch.tensor((low + (high - low) * u).astype(np.float32).astype(np.float64).reshape(shape))


def fill(module, row):
    """Every float parameter and buffer to float32 values that are told apart: running variances stay positive."""
    made, shared = {}, set()
    with torch.no_grad():
        for name, t in module.state_dict().items():
            if t.numel() and t.data_ptr() in shared:
                continue
            shared.add(t.data_ptr())
            made[name] = {"shape": list(t.shape)}
            if t.dtype.is_floating_point:
                how = {"key": zlib.crc32(f"{row}/{name}".encode()), "low": 0.5 if "var" in name else -0.6, "high": 1.5 if "var" in name else 0.6}
                t.copy_(hashed(**how, shape=tuple(t.shape)))
                made[name] |= how
            else:
                made[name]["values"] = t.ravel().tolist()
    return made


def kept(t, name):
    return t.dtype.is_floating_point or name.endswith("num_batches_tracked")


def floats(module, buffers=False):
    pairs = module.named_buffers() if buffers else module.named_parameters()
    return {n: pack(t) for n, t in pairs if kept(t, n)}


def steps(module, x, target):
    optimizer = torch.optim.SGD(module.parameters(), lr=0.05)
    losses = []
    for _ in range(5):
        loss = ((module(x.detach()) - target) ** 2).mean()
        losses.append(float(np.float32(loss.item())))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return {"losses": losses, "after": {**floats(module), **floats(module, True)}}


def row(name, make, x, mode="train"):
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    torch.manual_seed(0)
    module = make().double()
    made = fill(module, name)
    module.train(mode == "train")
    out = {"mode": mode, "parameters": {n: made[n] for n, _ in module.named_parameters()}, "buffers": {n: made[n] for n, t in module.named_buffers() if kept(t, n)}}
    if isinstance(x, list):
        x = torch.tensor(x)
        out["indices"] = {"shape": list(x.shape), "values": x.ravel().tolist()}
    else:
        x = given(rng, -2, 2, x).requires_grad_()
        out["x"] = pack(x)
    trained = copy.deepcopy(module)
    y = module(x)
    dy = given(rng, -1, 1, tuple(y.shape))
    y.backward(dy)
    out.update(y=pack(y), dy=pack(dy), gradients={n: pack(p.grad) for n, p in module.named_parameters() if p.grad is not None}, after=floats(module, True))
    if x.dtype.is_floating_point:
        out["dx"] = pack(x.grad)
    if mode == "train" and out["parameters"]:
        out["steps"] = steps(trained, x, dy)
    return out


def main():
    for file in sorted(HERE.glob("layers_*.py")):
        family = file.stem.removeprefix("layers_")
        if len(sys.argv) > 1 and family not in sys.argv[1:]:
            continue
        rows = importlib.import_module(file.stem).ROWS
        out = {name: row(name, *case) for name, case in rows.items()}
        (OUT / f"layers-{family}.json").write_text(json.dumps(out, separators=(",", ":")).replace('}},"', '}},\n"') + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
