#!/usr/bin/env python3
"""Writes tests/DeepEdu.Tests/Golden/lstm.json, gru.json and rnn.json: PyTorch's nn.LSTM, nn.GRU and nn.RNN over the option matrix, forward and every gradient; and keras.json: Keras'
recurrent layers, by their formulas.

    python3 tests/golden/recurrent.py

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


def case(name, steps, batch, inputs, hidden, layers=1, bidirectional=False, batch_first=True, bias=True, projection=0, state=False, lengths=None, pad_left=False, kind="lstm", relu=False):
    options = {"bias": bias, "batch_first": batch_first, "bidirectional": bidirectional}
    net = {"lstm": lambda: torch.nn.LSTM(inputs, hidden, layers, proj_size=projection, **options), "gru": lambda: torch.nn.GRU(inputs, hidden, layers, **options),
           "rnn": lambda: torch.nn.RNN(inputs, hidden, layers, nonlinearity="relu" if relu else "tanh", **options)}[kind]()
    for p in net.parameters():
        p.data = draw(*p.shape, scale=0.7)
    x = draw(batch, steps, inputs)
    n, out = layers * (2 if bidirectional else 1), projection or hidden
    initial = [draw(n, batch, out), draw(n, batch, hidden)][:2 if kind == "lstm" else 1]
    leaves = [x, *net.parameters()] + (initial if state else [])
    for t in leaves:
        t.requires_grad_()
    start = initial if state else [torch.zeros_like(t) for t in initial]

    def run(x, start):
        y, last = net(x, tuple(start) if kind == "lstm" else start[0])
        return y, list(last) if kind == "lstm" else [last]

    if lengths is None:
        time = x if batch_first else x.transpose(0, 1)
        y, last = run(time, start)
        y = y if batch_first else y.transpose(0, 1)
    else:
        rows = [r for r in range(batch) if lengths[r] > 0]
        moved = torch.stack([torch.roll(x[r], lengths[r] - steps if pad_left else 0, 0) for r in rows])
        packed = pack_padded_sequence(moved if batch_first else moved.transpose(0, 1), [lengths[r] for r in rows], batch_first=batch_first, enforce_sorted=False)
        py, ended = run(packed, [t[:, rows] for t in start])
        py, _ = pad_packed_sequence(py, batch_first=True, total_length=steps)
        ys, states = [], [[] for _ in start]
        for r in range(batch):
            i = rows.index(r) if r in rows else None
            ys.append(torch.zeros(steps, py.shape[2]) if i is None else torch.roll(py[i], steps - lengths[r] if pad_left else 0, 0))
            for state_of, before, after in zip(states, start, ended):
                state_of.append(before[:, r] if i is None else after[:, i])
        y, last = torch.stack(ys), [torch.stack(t, 1) for t in states]
    seeds = [draw(*t.shape) for t in (y, *last)]
    grads = torch.autograd.grad(sum((t * s).sum() for t, s in zip((y, *last), seeds)), leaves, allow_unused=True)
    named = ["x", *(k for k, _ in net.named_parameters())] + (["h0", "c0"][:len(initial)] if state else [])
    return {"name": name, "steps": steps, "batch": batch, "inputs": inputs, "hidden": hidden, "layers": layers, "bidirectional": bidirectional, "batch_first": batch_first,
            "bias": bias, "projection": projection, "lengths": lengths, "pad_left": pad_left, **({"relu": relu} if kind == "rnn" else {}),
            "leaves": {k: value(t) for k, t in zip(named, leaves)},
            "y": value(y), **dict(zip("hc", map(value, last))), "seeds": [text(s) for s in seeds],
            "gradients": {k: text(g if g is not None else torch.zeros_like(t)) for k, g, t in zip(named, grads, leaves)}}


def matrix(kind):
    cases = []
    for layers, both, first, bias, ragged in itertools.product((1, 2), (False, True), (True, False), (True, False), (None, "right", "left")):
        state = (layers == 2) != bias  # either way for each option
        relu = kind == "rnn" and (both != first) != (ragged == "right")  # likewise
        name = f"layers {layers}, {'both' if both else 'one'}, {'batch' if first else 'time'} first, {'bias' if bias else 'no bias'}, {'state' if state else 'no state'}, {ragged or 'whole'}{', relu' if relu else ''}"
        cases.append(case(name, 4, 3, 2, 3, layers, both, first, bias, 0, state, [2, 0, 4] if ragged else None, ragged == "left", kind, relu))
    if kind == "lstm":
        for both, ragged in itertools.product((False, True), (None, "right")):
            cases.append(case(f"projection, {'both' if both else 'one'}, {ragged or 'whole'}", 4, 3, 2, 5, 2, both, True, True, 3, True, [4, 1, 2] if ragged else None))
    cases.append(case("one step", 1, 2, 3, 4, state=True, kind=kind))
    cases.append(case("wide", 5, 7, 6, 19, state=True, lengths=[5, 3, 0, 1, 5, 2, 4], kind=kind))
    cases.append(case("two vectors", 3, 9, 4, 33, state=True, kind=kind))
    return {"torch": torch.__version__, "cases": cases}


def keras(kind, inputs=3, hidden=2, steps=4):
    """One sequence through a Keras layer, kernel [inputs, gates * hidden], gates in Keras' order: LSTM i f c o, GRU z r h."""
    gates = {"lstm": 4, "gru": 3, "gru-before": 3, "rnn": 1}[kind]
    x, kernel, recurrent = (draw(*s).numpy() for s in ((steps, inputs), (inputs, gates * hidden), (hidden, gates * hidden)))
    bias = draw(*((2, gates * hidden) if kind == "gru" else (gates * hidden,))).numpy()
    h, c = np.zeros(hidden), np.zeros(hidden)
    sigmoid = lambda v: 1 / (1 + np.exp(-v))
    ys = []
    for t in range(steps):
        if kind in ("lstm", "rnn"):
            z = np.split(x[t] @ kernel + h @ recurrent + bias, gates)
            if kind == "lstm":
                c = sigmoid(z[1]) * c + sigmoid(z[0]) * np.tanh(z[2])
                h = sigmoid(z[3]) * np.tanh(c)
            else:
                h = np.tanh(z[0])
        else:
            own = np.split(x[t] @ kernel + (bias[0] if kind == "gru" else bias), 3)
            past = np.split(h @ recurrent + (bias[1] if kind == "gru" else 0), 3)
            z, r = sigmoid(own[0] + past[0]), sigmoid(own[1] + past[1])
            candidate = np.tanh(own[2] + (r * past[2] if kind == "gru" else (r * h) @ recurrent[:, 2 * hidden:]))
            h = z * h + (1 - z) * candidate
        ys.append(h)
    return {k: text(torch.tensor(np.asarray(v))) for k, v in {"x": x, "kernel": kernel, "recurrent": recurrent, "bias": bias, "y": ys}.items()}


OUT = pathlib.Path(__file__).resolve().parent.parent / "DeepEdu.Tests" / "Golden"
for name, content in {"lstm": matrix("lstm"), "gru": matrix("gru"), "keras": {k: keras(k) for k in ("lstm", "gru", "gru-before", "rnn")}, "rnn": matrix("rnn")}.items():
    (OUT / f"{name}.json").write_text(json.dumps(content, indent=0) + "\n")
