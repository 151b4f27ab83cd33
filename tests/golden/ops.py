#!/usr/bin/env python3
"""Writes what PyTorch computes for every row of the op catalogue, so that the tests need no Python.

    python3 tests/golden/ops.py              all families
    python3 tests/golden/ops.py softmax      only rows_softmax.py

Each rows_<family>.py beside this file calls row() and becomes tests/DeepEdu.Tests/Golden/ops-<family>.json.
Values are drawn as float32 from a seed made of the row's name, so one row never disturbs another. PyTorch computes in
double and the results are rounded to float32: the reference is then exact to the last bit or two, and a tolerance
measures DeepEdu alone."""
import json
import pathlib
import runpy
import sys
import zlib

import numpy as np
import torch

HERE = pathlib.Path(__file__).resolve().parent
OUT = HERE.parent / "DeepEdu.Tests" / "Golden"
sys.path.insert(0, str(HERE))
sys.modules["ops"] = sys.modules["__main__"]

rows = {}


def row(name, f, *shapes, low=-2.0, high=2.0, away=(), distinct=False, apart=False, ints=(), grad=True, frozen=(), values=None):
    """One row.

    name      the row's name in OpCatalog
    f         tensors (then int64 tensors), in order -> one tensor
    shapes    one shape per input, as tuples: one case; or lists of such tuples: several cases
    low, high the interval values are drawn from; a list gives one per input
    away      kinks: values closer than 0.1 are pushed out to 0.1, so that finite differences do not cross them
    distinct  values of an input differ by at least 0.1 (max, sort): low and high are then ignored
    apart     values of different inputs differ by at least 0.2 (minimum)
    ints      per integer input (shape, below) or an explicit nested list; shared by all cases
    grad      False: no gradient
    frozen    numbers of the inputs that have no gradient
    values    explicit inputs instead of drawn ones: a list with one nested list per input"""
    assert name not in rows, f"two rows named {name}"
    if values is not None:
        cases = [values]
    else:
        cases = shapes if shapes and isinstance(shapes[0], list) else [list(shapes)]
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    n = len(cases[0])
    lows = low if isinstance(low, (list, tuple)) else [low] * n
    highs = high if isinstance(high, (list, tuple)) else [high] * n
    made = []
    for case in cases:
        xs = [np.array(v, np.float32) if values is not None else draw(rng, s, lo, hi, away, distinct)
              for v, s, lo, hi in zip(case, case, lows, highs)]
        if apart:
            xs = [(np.round(x / 0.4) * 0.4 + 0.2 * k).astype(np.float32) for k, x in enumerate(xs)]
        whole = [np.array(rng.integers(0, i[1], i[0]) if isinstance(i, tuple) else i) for i in ints]
        made.append(run(name, f, xs, whole, rng, grad, frozen))
    rows[name] = {"low": lows, "high": highs, "cases": made}


def draw(rng, shape, low, high, away, distinct):
    size = int(np.prod(shape))
    if distinct:
        return (rng.permutation(size).reshape(shape) * 0.1 - 0.05 * size + 0.013).astype(np.float32)
    x = rng.uniform(low, high, shape)
    for kink in away:
        near = np.abs(x - kink) < 0.1
        x = np.where(near, kink + np.where(x < kink, -0.1, 0.1), x)
    return np.asarray(x, np.float32)


def run(name, f, xs, whole, rng, grad, frozen):
    ts = [torch.tensor(x, dtype=torch.float64, requires_grad=grad and k not in frozen) for k, x in enumerate(xs)]
    y = f(*ts, *[torch.tensor(i, dtype=torch.int64) for i in whole])
    case = {"x": [pack(x) for x in xs]}
    if whole:
        case["i"] = [{"shape": list(i.shape), "values": " ".join(map(str, i.ravel()))} for i in whole]
    case["y"] = pack(y.detach().to(torch.float64).numpy())
    if grad:
        seed = rng.uniform(-1, 1, tuple(y.shape)).astype(np.float32)
        y.backward(torch.tensor(seed, dtype=torch.float64))
        case["seed"] = text(seed)
        case["dx"] = [None if k in frozen else text(np.zeros_like(xs[k]) if t.grad is None else t.grad.numpy()) for k, t in enumerate(ts)]
    return case


def pack(x):
    return {"shape": list(np.shape(x)), "values": text(x)}


def text(x):
    # the shortest digits that read back as the same float32
    return " ".join(str(v) for v in np.asarray(x).astype(np.float32).ravel())


def main():
    OUT.mkdir(exist_ok=True)
    for path in sorted(HERE.glob("rows_*.py")):
        family = path.stem[len("rows_"):]
        if len(sys.argv) > 1 and family not in sys.argv[1:]:
            continue
        rows.clear()
        runpy.run_path(str(path))
        body = ",\n".join(json.dumps(k, ensure_ascii=False) + ": " + json.dumps(v, separators=(",", ":")) for k, v in rows.items())
        target = OUT / f"ops-{family}.json"
        target.write_text("{\n" + body + "\n}\n", encoding="utf-8")
        print(f"{target.name}: {len(rows)} rows, {target.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
