#!/usr/bin/env python3
"""Writes what PyTorch says of gradients of gradients, for every row of layers_*.py: one small file.

    python3 tests/golden/second.py

With s = sum(y * dy) and g its gradients by x and by every parameter, the gradients h of phi = sum(g * g) / 2 by the same tensors. Of each h there is its length and its sum along a direction, a hash of its
place, which the tests compute too. Rows that PyTorch can differentiate only once are left out. The fused weight norm of
PyTorch 1.13 says for weight_v what finite differences do not: here it is written in other operations."""
import importlib
import json
import sys
import zlib

import numpy as np
import torch

from layers import HERE, OUT, fill, given, hashed

sys.modules["torch.nn.utils.weight_norm"]._weight_norm = lambda v, g, dim: v * (g / v.square().sum([d for d in range(v.dim()) if d != dim], keepdim=True).sqrt())


def second(name, make, x, mode="train"):
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    torch.manual_seed(0)
    module = make().double()
    fill(module, name)
    module.train(mode == "train")
    x = torch.tensor(x) if isinstance(x, list) else given(rng, -2, 2, x).requires_grad_()
    y = module(x)
    dy = given(rng, -1, 1, tuple(y.shape))
    inputs = dict(module.named_parameters())
    if x.dtype.is_floating_point:
        inputs = {"": x, **inputs}
    if not inputs:
        return {}
    g = torch.autograd.grad((y * dy).sum(), list(inputs.values()), create_graph=True, allow_unused=True)
    phi = sum((v * v).sum() for v in g if v is not None) / 2
    h = torch.autograd.grad(phi, list(inputs.values()), allow_unused=True) if phi.requires_grad else [None] * len(inputs)
    out = {}
    for (part, t), v in zip(inputs.items(), h):
        v = torch.zeros_like(t) if v is None else v
        key = zlib.crc32(f"{name}/{part}/second".encode())
        out[part] = {"key": key, "along": float(f"{(v * hashed(key, -1, 1, tuple(v.shape))).sum():.7g}"), "length": float(f"{v.norm():.7g}")}
    return out


def main():
    out = {}
    for file in sorted(HERE.glob("layers_*.py")):
        for name, case in importlib.import_module(file.stem).ROWS.items():
            try:
                out[name] = second(name, *case)
            except RuntimeError as e:
                print(f"{name}: {e}", file=sys.stderr)
    (OUT / "second.json").write_text("{" + ",\n".join(f"{json.dumps(k)}:{json.dumps(v, separators=(',', ':'))}" for k, v in out.items()) + "}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
