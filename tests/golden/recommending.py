#!/usr/bin/env python3
"""Writes what networks that recommend the next item compute in PyTorch, so that the tests need no Python: GRU4Rec (Hidasi et al. 2016) and SASRec (Kang and McAuley 2018).

    python3 tests/golden/recommending.py

Everything is computed in double from float32 weights: the state after each item, each of the two losses with its gradients, and that loss before each of five steps of Adam. Weights are a hash of their place, as in
layers.py. SASRec stands here as it was published, padded in front to its window and with the padding hidden from every query, so that the tests see that ours, padded behind and counting places from the end, is the same;
the gradient of the table of places is given for the last rows, which are used."""
import json

import torch
from torch import nn
from torch.nn import functional as F

from layers import OUT, fill, pack

ITEMS, WINDOW = 7, 200
PASTS = [[2, 0, 3, 1, 4, 6], [1, 4], [0, 5, 5, 2]]
OTHERS = [[5, 5, 1, 0, 3], [0], [3, 6, 1]]


class Gru4Rec(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.items = nn.Embedding(ITEMS, width)
        self.gru = nn.GRU(width, width, batch_first=True)
        self.popularity = nn.Parameter(torch.zeros(ITEMS))

    def states(self):
        return [self.gru(self.items(torch.tensor([p[:-1]])))[0][0] for p in PASTS]

    def bias(self):
        return self.popularity


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, 1, batch_first=True)
        self.norm2 = nn.LayerNorm(width)
        self.linear1 = nn.Linear(width, width)
        self.linear2 = nn.Linear(width, width)

    def forward(self, x, real):
        n = x.shape[1]
        hidden = ~(torch.ones(n, n, dtype=torch.bool).tril()[None] & real[:, None, :])
        z = self.norm1(x)
        q, k, v = F.linear(z, self.attention.in_proj_weight, self.attention.in_proj_bias).chunk(3, 2)
        scores = (q @ k.transpose(1, 2) / z.shape[2] ** 0.5).masked_fill(hidden, -1e300)
        x = x + self.attention.out_proj(torch.softmax(scores, 2) @ v)
        return x + self.linear2(torch.relu(self.linear1(self.norm2(x))))


class SasRec(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.items = nn.Embedding(ITEMS, width)
        self.places = nn.Embedding(WINDOW, width)
        self.blocks = nn.ModuleList([Block(width), Block(width)])
        self.norm = nn.LayerNorm(width)

    def states(self):
        read = torch.tensor([[0] * (WINDOW - len(p) + 1) + p[:-1] for p in PASTS])
        real = torch.tensor([[False] * (WINDOW - len(p) + 1) + [True] * (len(p) - 1) for p in PASTS])
        x = (self.items(read) * self.items.embedding_dim ** 0.5 + self.places.weight) * real[:, :, None]
        for block in self.blocks:
            x = block(x, real) * real[:, :, None]
        x = self.norm(x)
        return [x[i, WINDOW - len(p) + 1:] for i, p in enumerate(PASTS)]

    def bias(self):
        return 0


def loss(module, kind):
    states = torch.cat(module.states())
    after = torch.tensor([i for p in PASTS for i in p[1:]])
    scores = states @ module.items.weight.T + module.bias()
    if kind == "softmax":
        return F.cross_entropy(scores, after)
    taken, other = (scores.gather(1, i[:, None])[:, 0] for i in (after, torch.tensor([i for o in OTHERS for i in o])))
    return -(F.logsigmoid(taken) + F.logsigmoid(-other)).mean()


def network(name, make, kind):
    module = make().double()
    out = {"parameters": fill(module, name), "states": pack(torch.cat(module.states()))}
    loss(module, kind).backward()
    steps = max(len(p) for p in PASTS) - 1
    out["gradients"] = {n: pack(p.grad[-steps:] if n == "places.weight" else p.grad) for n, p in module.named_parameters() if p.grad is not None}
    out["losses"], adam = [], torch.optim.Adam(module.parameters(), lr=0.01)
    for _ in range(6):
        adam.zero_grad()
        value = loss(module, kind)
        out["losses"].append(float(f"{value.item():.7g}"))
        value.backward()
        adam.step()
    return out


def main():
    networks = {"gru": lambda: Gru4Rec(6), "attention": lambda: SasRec(8)}
    out = {"data": {"items": ITEMS, "pasts": PASTS, "others": OTHERS}}
    out |= {f"{n}-{kind}": network(f"{n}-{kind}", make, kind) for n, make in networks.items() for kind in ("softmax", "bce")}
    (OUT / "recommending.json").write_text(json.dumps(out, separators=(",", ":")).replace('}},"', '}},\n"') + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
