"""Recurrent layers: PyTorch's, and written out in torch operations what PyTorch has not: coupled gates (Greff et al. 2017), layer normalisation (Ba et al. 2016), a reset gate before the
product (Cho et al. 2014), masks with holes."""
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from layers import With

LENGTHS = [2, 4, 1]
MASK = [[1, 0, 1, 1], [0, 1, 0, 0], [0, 0, 0, 0]]


def whole(net, x):
    return net(x)[0]


def packed(net, x):
    y, _ = net(pack_padded_sequence(x, LENGTHS, batch_first=True, enforce_sorted=False))
    return pad_packed_sequence(y, batch_first=True, total_length=x.shape[1])[0]


def left(net, x):
    """Padding before the sequences."""
    moved = torch.stack([torch.roll(row, n, 0) for row, n in zip(x, LENGTHS)])
    y = packed(net, moved)
    return torch.stack([torch.roll(row, -n, 0) for row, n in zip(y, LENGTHS)])


def final(net, x):
    """The last states of padded sequences."""
    _, state = net(pack_padded_sequence(x, LENGTHS, batch_first=True, enforce_sorted=False))
    return torch.cat(state, 2) if isinstance(state, tuple) else state


def masked(net, x):
    """Each row's counting steps as a sequence of its own."""
    rows = []
    for r, mask in enumerate(MASK):
        at = [t for t, counts in enumerate(mask) if counts]
        y = net(x[r:r + 1, at])[0] if at else None
        steps = [y[:, at.index(t)] if t in at else x.new_zeros(1, net.hidden_size) for t in range(len(mask))]
        rows.append(torch.stack(steps, 1))
    return torch.cat(rows)


def merged(scale):
    def run(net, x):
        a, b = net(x)[0].chunk(2, 2)
        return (a + b) * scale
    return run


def pieces(net, x):
    """Truncated backpropagation: the second half starts from the first one's state, detached."""
    a, state = net(x[:, :2])
    state = tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()
    return torch.cat([a, net(x[:, 2:], state)[0]], 1)


def unrolled(cell, x):
    h, ys = None, []
    for t in range(x.shape[1]):
        h = cell(x[:, t], h)
        ys.append(h[0] if isinstance(h, tuple) else h)
    return torch.stack(ys, 1)


class Written(nn.Module):
    """One layer, in one direction or both, with step(name suffix, x [E], h [R], c [H]) -> h, c for one row at a time."""

    def __init__(self, gates, inputs, hidden, both=False, projection=0, norm=False):
        super().__init__()
        self.hidden_size, self.out = hidden, projection or hidden
        self.suffixes = ["_l0", "_l0_reverse"] if both else ["_l0"]
        for s in self.suffixes:
            for name, shape in {"weight_ih": (gates * hidden, inputs), "weight_hh": (gates * hidden, self.out), "bias_ih": (gates * hidden,), "bias_hh": (gates * hidden,)}.items():
                self.register_parameter(name + s, nn.Parameter(torch.zeros(shape)))
            if projection:
                self.register_parameter("weight_hr" + s, nn.Parameter(torch.zeros(projection, hidden)))
            if norm:
                self.add_module("norm_ih" + s, nn.LayerNorm(gates * hidden))
                self.add_module("norm_hh" + s, nn.LayerNorm(gates * hidden))
                self.add_module("norm_c" + s, nn.LayerNorm(hidden))

    def get(self, name, s):
        return getattr(self, name + s)

    def run(self, x, at, s):
        h, c = x.new_zeros(self.out), x.new_zeros(self.hidden_size)
        ys = [x.new_zeros(self.out)] * x.shape[0]
        for t in at if s == "_l0" else at[::-1]:
            h, c = self.step(s, x[t], h, c)
            ys[t] = h
        return torch.stack(ys)

    def forward(self, x, counts=None):
        rows = []
        for r in range(x.shape[0]):
            at = list(range(x.shape[1])) if counts is None else [t for t in range(x.shape[1]) if counts[r][t]]
            rows.append(torch.cat([self.run(x[r], at, s) for s in self.suffixes], 1))
        return torch.stack(rows), None


class CoupledLstm(Written):
    def __init__(self, inputs, hidden, **kw):
        super().__init__(3, inputs, hidden, **kw)

    def step(self, s, x, h, c):
        f, g, o = (self.get("weight_ih", s) @ x + self.get("bias_ih", s) + self.get("weight_hh", s) @ h + self.get("bias_hh", s)).chunk(3)
        f = torch.sigmoid(f)
        c = f * c + (1 - f) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        return (self.get("weight_hr", s) @ h if self.out != self.hidden_size else h), c


class NormLstm(Written):
    def __init__(self, inputs, hidden, coupled=False, **kw):
        super().__init__(3 if coupled else 4, inputs, hidden, norm=True, **kw)
        self.coupled = coupled

    def step(self, s, x, h, c):
        sums = self.get("norm_ih", s)(self.get("weight_ih", s) @ x) + self.get("norm_hh", s)(self.get("weight_hh", s) @ h) + self.get("bias_ih", s) + self.get("bias_hh", s)
        if self.coupled:
            f, g, o = sums.chunk(3)
            i = 1 - torch.sigmoid(f)
        else:
            i, f, g, o = sums.chunk(4)
            i = torch.sigmoid(i)
        c = torch.sigmoid(f) * c + i * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(self.get("norm_c", s)(c))
        return (self.get("weight_hr", s) @ h if self.out != self.hidden_size else h), c


class GruBefore(Written):
    def __init__(self, inputs, hidden, **kw):
        super().__init__(3, inputs, hidden, **kw)

    def step(self, s, x, h, c):
        i = (self.get("weight_ih", s) @ x + self.get("bias_ih", s)).chunk(3)
        w, b = self.get("weight_hh", s).chunk(3), self.get("bias_hh", s).chunk(3)
        r, z = torch.sigmoid(i[0] + w[0] @ h + b[0]), torch.sigmoid(i[1] + w[1] @ h + b[1])
        n = torch.tanh(i[2] + w[2] @ (r * h) + b[2])
        return (1 - z) * n + z * h, c


def counts(kind):
    """Lengths, padding on the left, or the mask, for what is written out."""
    table = {"lengths": [[t < n for t in range(4)] for n in LENGTHS], "left": [[t >= 4 - n for t in range(4)] for n in LENGTHS], "mask": MASK}[kind]
    return lambda net, x: net(x, table)[0]


def hot(run):
    """One-hot vectors of five categories."""
    return lambda net, x: run(net, nn.functional.one_hot(x, 5).to(next(net.parameters()).dtype))


X = (3, 4, 3)
CATEGORIES = [[0, 2, 4, 2], [3, 3, 0, 4], [4, 0, 2, 0]]


def rows(name, make):
    return {
        name: (lambda: With(make(3, 4, batch_first=True), whole), X),
        f"{name}-stack": (lambda: With(make(3, 4, num_layers=2, bidirectional=True), whole), X),
        f"{name}-no-bias": (lambda: With(make(3, 17, bias=False, batch_first=True), whole), X),
        f"{name}-sum": (lambda: With(make(3, 4, batch_first=True, bidirectional=True), merged(1)), X),
        f"{name}-average": (lambda: With(make(3, 4, batch_first=True, bidirectional=True), merged(0.5)), X),
        f"{name}-lengths": (lambda: With(make(3, 4, num_layers=2, bidirectional=True, batch_first=True), packed), X),
        f"{name}-left": (lambda: With(make(3, 4, batch_first=True), left), X),
        f"{name}-final": (lambda: With(make(3, 4, num_layers=2, batch_first=True), final), X),
        f"{name}-mask": (lambda: With(make(3, 4, batch_first=True), masked), X),
        f"{name}-pieces": (lambda: With(make(3, 4, batch_first=True), pieces), X),
    }


ROWS = {
    **rows("lstm", nn.LSTM),
    **rows("gru", nn.GRU),
    **rows("rnn", nn.RNN),
    "rnn-relu": (lambda: With(nn.RNN(3, 4, nonlinearity="relu", batch_first=True), whole), X),
    "lstm-projection": (lambda: With(nn.LSTM(3, 5, 2, proj_size=2, batch_first=True), whole), X),
    "lstm-coupled": (lambda: With(CoupledLstm(3, 4, both=True), counts("mask")), X),
    "lstm-coupled-projection": (lambda: With(CoupledLstm(3, 5, projection=2), whole), X),
    "lstm-norm": (lambda: With(NormLstm(3, 4), whole), X),
    "lstm-norm-lengths": (lambda: With(NormLstm(3, 4, both=True), counts("lengths")), X),
    "lstm-norm-mask": (lambda: With(NormLstm(3, 5, projection=2), counts("mask")), X),
    "lstm-norm-coupled": (lambda: With(NormLstm(3, 4, coupled=True), counts("left")), X),
    "gru-before": (lambda: With(GruBefore(3, 4, both=True), whole), X),
    "gru-before-lengths": (lambda: With(GruBefore(3, 17), counts("lengths")), X),
    "gru-before-mask": (lambda: With(GruBefore(3, 4, both=True), counts("mask")), X),
    "lstm-categories": (lambda: With(nn.LSTM(5, 4, 2, bidirectional=True, batch_first=True), hot(packed)), CATEGORIES),
    "lstm-projection-categories": (lambda: With(nn.LSTM(5, 5, proj_size=2, batch_first=True), hot(whole)), CATEGORIES),
    "lstm-norm-categories": (lambda: With(NormLstm(5, 4, both=True), hot(counts("lengths"))), CATEGORIES),
    "gru-categories": (lambda: With(nn.GRU(5, 17, batch_first=True), hot(left)), CATEGORIES),
    "gru-before-categories": (lambda: With(GruBefore(5, 4, both=True), hot(whole)), CATEGORIES),
    "rnn-categories": (lambda: With(nn.RNN(5, 4, batch_first=True), hot(masked)), CATEGORIES),
    "lstm-cell": (lambda: With(nn.LSTMCell(3, 4), unrolled), X),
    "gru-cell": (lambda: With(nn.GRUCell(3, 4, bias=False), unrolled), X),
    "rnn-cell": (lambda: With(nn.RNNCell(3, 4, nonlinearity="relu"), unrolled), X),
}
