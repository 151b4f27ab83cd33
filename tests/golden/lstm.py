#!/usr/bin/env python3
"""Writes tests/DeepEdu.Tests/Golden/lstm.json: PyTorch's nn.LSTM over the option matrix, forward and every gradient.

    python3 tests/golden/lstm.py

PyTorch computes in double; results are rounded to float32. Variable lengths go through pack_padded_sequence; a sequence of
length 0, which that function refuses, is left out of its batch and its initial state put back."""
import itertools
import json
import pathlib

import numpy as np
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

rng = np.random.default_rng(7)
torch.set_default_dtype(torch.float64)


def draw(*shape, scale=1.0):
    return torch.tensor(rng.uniform(-scale, scale, shape).round(2).astype(np.float32).astype(np.float64))


def text(t):
    return " ".join(str(np.float32(v)) for v in t.detach().numpy().ravel())


def value(t):
    return {"shape": list(t.shape), "values": text(t)}


def case(name, steps, batch, inputs, hidden, layers=1, bidirectional=False, batch_first=True, bias=True, projection=0, state=False, lengths=None, pad_left=False):
    net = torch.nn.LSTM(inputs, hidden, layers, bias=bias, batch_first=batch_first, bidirectional=bidirectional, proj_size=projection)
    for p in net.parameters():
        p.data = draw(*p.shape, scale=0.7)
    x = draw(batch, steps, inputs)
    n, out = layers * (2 if bidirectional else 1), projection or hidden
    h0, c0 = draw(n, batch, out), draw(n, batch, hidden)
    leaves = [x, *net.parameters()] + ([h0, c0] if state else [])
    for t in leaves:
        t.requires_grad_()
    start = (h0, c0) if state else (torch.zeros_like(h0), torch.zeros_like(c0))
    if lengths is None:
        time = x if batch_first else x.transpose(0, 1)
        y, (h, c) = net(time, start)
        y = y if batch_first else y.transpose(0, 1)
    else:
        rows = [r for r in range(batch) if lengths[r] > 0]
        moved = torch.stack([torch.roll(x[r], lengths[r] - steps if pad_left else 0, 0) for r in rows])
        packed = pack_padded_sequence(moved if batch_first else moved.transpose(0, 1), [lengths[r] for r in rows], batch_first=batch_first, enforce_sorted=False)
        py, (ph, pc) = net(packed, (start[0][:, rows], start[1][:, rows]))
        py, _ = pad_packed_sequence(py, batch_first=True, total_length=steps)
        ys, hs, cs = [], [], []
        for r in range(batch):
            i = rows.index(r) if r in rows else None
            ys.append(torch.zeros(steps, py.shape[2]) if i is None else torch.roll(py[i], steps - lengths[r] if pad_left else 0, 0))
            hs.append(start[0][:, r] if i is None else ph[:, i])
            cs.append(start[1][:, r] if i is None else pc[:, i])
        y, h, c = torch.stack(ys), torch.stack(hs, 1), torch.stack(cs, 1)
    seeds = [draw(*t.shape) for t in (y, h, c)]
    grads = torch.autograd.grad(sum((t * s).sum() for t, s in zip((y, h, c), seeds)), leaves, allow_unused=True)
    named = ["x", *(k for k, _ in net.named_parameters())] + (["h0", "c0"] if state else [])
    return {"name": name, "steps": steps, "batch": batch, "inputs": inputs, "hidden": hidden, "layers": layers, "bidirectional": bidirectional, "batch_first": batch_first,
            "bias": bias, "projection": projection, "lengths": lengths, "pad_left": pad_left,
            "leaves": {k: value(t) for k, t in zip(named, leaves)},
            "y": value(y), "h": value(h), "c": value(c), "seeds": [text(s) for s in seeds],
            "gradients": {k: text(g if g is not None else torch.zeros_like(t)) for k, g, t in zip(named, grads, leaves)}}


cases = []
for layers, both, first, bias, ragged in itertools.product((1, 2), (False, True), (True, False), (True, False), (None, "right", "left")):
    state = (layers == 2) != bias  # either way for each option
    name = f"layers {layers}, {'both' if both else 'one'}, {'batch' if first else 'time'} first, {'bias' if bias else 'no bias'}, {'state' if state else 'no state'}, {ragged or 'whole'}"
    cases.append(case(name, 4, 3, 2, 3, layers, both, first, bias, 0, state, [2, 0, 4] if ragged else None, ragged == "left"))
for both, ragged in itertools.product((False, True), (None, "right")):
    cases.append(case(f"projection, {'both' if both else 'one'}, {ragged or 'whole'}", 4, 3, 2, 5, 2, both, True, True, 3, True, [4, 1, 2] if ragged else None))
cases.append(case("one step", 1, 2, 3, 4, state=True))
cases.append(case("wide", 5, 7, 6, 19, state=True, lengths=[5, 3, 0, 1, 5, 2, 4]))
cases.append(case("two vectors", 3, 9, 4, 33, state=True))
OUT = pathlib.Path(__file__).resolve().parent.parent / "DeepEdu.Tests" / "Golden" / "lstm.json"
OUT.write_text(json.dumps({"torch": torch.__version__, "cases": cases}, indent=0) + "\n")
print(OUT, len(cases), OUT.stat().st_size)
