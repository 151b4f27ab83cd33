#!/usr/bin/env python3
"""Writes what PyTorch's optimisers, clipping and schedules do, so that the tests need no Python.

    python3 tests/golden/optim.py

Optimisers: a parameter of 7 values and 50 given gradients; the parameter after 5 and after 50 steps, computed in double."""
import json
import math
import pathlib

import numpy as np
import torch

OUT = pathlib.Path(__file__).resolve().parent.parent / "DeepEdu.Tests" / "Golden" / "optim.json"
O = torch.optim
CASES = {
    "sgd": lambda p: O.SGD(p, lr=0.1),
    "sgd-decay": lambda p: O.SGD(p, lr=0.1, weight_decay=0.05),
    "sgd-momentum": lambda p: O.SGD(p, lr=0.05, momentum=0.9),
    "sgd-dampening": lambda p: O.SGD(p, lr=0.05, momentum=0.9, dampening=0.3, weight_decay=0.01),
    "sgd-nesterov": lambda p: O.SGD(p, lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.01),
    "adam": lambda p: O.Adam(p, lr=0.01),
    "adam-all": lambda p: O.Adam(p, lr=0.02, betas=(0.8, 0.95), eps=1e-4, weight_decay=0.1, amsgrad=True),
    "adamw": lambda p: O.AdamW(p, lr=0.01),
    "adamw-amsgrad": lambda p: O.AdamW(p, lr=0.01, weight_decay=0.2, amsgrad=True),
    "rmsprop": lambda p: O.RMSprop(p, lr=0.01),
    "rmsprop-centered": lambda p: O.RMSprop(p, lr=0.01, alpha=0.9, centered=True, weight_decay=0.01),
    "rmsprop-momentum": lambda p: O.RMSprop(p, lr=0.01, alpha=0.9, momentum=0.8),
    "rmsprop-all": lambda p: O.RMSprop(p, lr=0.01, alpha=0.9, momentum=0.8, centered=True, eps=1e-5),
    "adagrad": lambda p: O.Adagrad(p, lr=0.1),
    "adagrad-all": lambda p: O.Adagrad(p, lr=0.1, lr_decay=0.05, weight_decay=0.01, initial_accumulator_value=0.3, eps=1e-6),
}


def steps(make, start, gradients):
    w = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    optimizer, after = make([w]), {}
    for i, g in enumerate(gradients, 1):
        w.grad = torch.tensor(g, dtype=torch.float64)
        optimizer.step()
        if i in (5, 50):
            after[str(i)] = floats(w.detach())
    return after


def rates(make, n):
    optimizer = O.SGD([torch.zeros(1)], lr=0.5)
    schedule, out = make(optimizer), []
    for _ in range(n):
        out.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return out


def plateau(metrics, **options):
    optimizer = O.SGD([torch.zeros(1)], lr=0.5)
    schedule, out = O.lr_scheduler.ReduceLROnPlateau(optimizer, **options), []
    for m in metrics:
        schedule.step(m)
        out.append(optimizer.param_groups[0]["lr"])
    return {"metrics": metrics, "rates": out}


def clipped(limit):
    rng = np.random.default_rng(3)
    ps = [torch.zeros(s, requires_grad=True) for s in (5, 3)]
    before = [floats(rng.normal(size=p.shape)) for p in ps]
    for p, g in zip(ps, before):
        p.grad = torch.tensor(g)
    norm = torch.nn.utils.clip_grad_norm_(ps, limit).item()
    return {"limit": limit, "before": before, "norm": norm, "after": [floats(p.grad) for p in ps]}


def floats(x):
    return [float(str(np.float32(v))) for v in np.asarray(x).ravel()]


def main():
    rng = np.random.default_rng(1)
    start = floats(rng.normal(size=7))
    gradients = [floats(rng.normal(size=7) * (1 + i % 3)) for i in range(50)]
    S = O.lr_scheduler
    worse = [5.0, 4.0, 4.0, 4.0, 4.0, 3.9999, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0]
    out = {
        "start": start, "gradients": gradients,
        "steps": {name: steps(make, start, gradients) for name, make in CASES.items()},
        "schedules": {
            "step": rates(lambda o: S.StepLR(o, 3, 0.5), 12),
            "multi-step": rates(lambda o: S.MultiStepLR(o, [2, 5, 6], 0.3), 12),
            "exponential": rates(lambda o: S.ExponentialLR(o, 0.9), 12),
            "cosine": rates(lambda o: S.CosineAnnealingLR(o, 10, 0.01), 11),
            "one-cycle": rates(lambda o: S.OneCycleLR(o, max_lr=0.8, total_steps=20), 20),
            "one-cycle-own": rates(lambda o: S.OneCycleLR(o, max_lr=0.8, total_steps=15, pct_start=0.4, div_factor=10, final_div_factor=100), 15),
            "linear": rates(lambda o: S.LinearLR(o, 1.0, 0.2, 5), 9),
            "polynomial": rates(lambda o: S.PolynomialLR(o, 6, 2.0), 9),
            "sequential": rates(lambda o: S.SequentialLR(o, [S.ConstantLR(o, 1.0, 1), S.ExponentialLR(o, 0.5)], [4]), 9),
        },
        "plateau": {
            "plain": plateau(worse, patience=2, factor=0.5),
            "cooldown": plateau(worse, patience=1, factor=0.5, cooldown=2, min_lr=0.1),
            "max": plateau([-m for m in worse], mode="max", patience=2, threshold=0.01, threshold_mode="abs"),
        },
        "clip": [clipped(1.0), clipped(100.0)],
    }
    OUT.write_text(json.dumps(out, indent=None, separators=(",", ":")).replace('},"', '},\n"') + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
