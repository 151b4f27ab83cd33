#!/usr/bin/env python3
"""Writes how PyTorch prints tensors: python3 tests/golden/printing.py"""
import json
import pathlib

import numpy as np
import torch

rng = np.random.default_rng(3)
inf, nan = float("inf"), float("nan")

cases = {
    "scalar": np.float32(1.5),
    "whole scalar": np.float32(-3),
    "row": [1, 2.5, -0.125],
    "whole row": [1, 20, -300],
    "zeros": np.zeros((2, 3)),
    "negative zero": [-0.0, 0.0, 1.5],
    "whole with special": [1, nan, inf, -inf],
    "special": [1.5, nan, inf, -inf, 0],
    "only special": [nan, inf],
    "ratio above 1000": [1000.5, 1, 0.25],
    "whole ratio above 1000": [1, 2000, -5],
    "small": [0.00005, 0.00007],
    "large": [2e8, 3e8],
    "subnormal": [1e-45, 3e-40],
    "extremes": [3.4028235e38, 1.17549435e-38],
    "halves to even": [0.03125, 0.09375, 2.00003125],
    "scientific halves to even": [100005, 100015, 1.5],
    "scientific carry": [99999.9, 0.5],
    "matrix": rng.uniform(-10, 10, (3, 4)),
    "long row": rng.uniform(-1, 1, 30),
    "long rows": rng.uniform(-100, 100, (2, 15)),
    "cube": rng.uniform(0, 1, (2, 3, 2)),
    "four axes": rng.uniform(0, 9, (2, 1, 2, 2)),
    "one thousand": np.arange(1000),
    "summarised row": np.arange(1001),
    "summarised matrix": rng.uniform(-1, 1, (40, 50)),
    "summarised thin": rng.uniform(-1, 1, (2, 600)),
    "summarised tall": rng.uniform(-1, 1, (600, 2)),
    "summarised cube": rng.uniform(-5000, 5000, (8, 9, 20)),
    "hidden outlier": np.where(np.arange(2000) == 1000, 1e9, 0.5),
    "empty": np.zeros(0),
    "empty matrix": np.zeros((2, 0)),
}

out = []
for name, values in cases.items():
    x = np.asarray(values, np.float32)
    out.append({"name": name, "shape": list(x.shape), "values": " ".join(str(v) for v in x.ravel()), "text": str(torch.tensor(x))})
target = pathlib.Path(__file__).resolve().parent.parent / "DeepEdu.Tests" / "Golden" / "printing.json"
target.write_text("[\n" + ",\n".join(json.dumps(c) for c in out) + "\n]\n", encoding="utf-8")
print(f"{target.name}: {len(out)} cases")
