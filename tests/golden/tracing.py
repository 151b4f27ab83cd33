#!/usr/bin/env python3
"""Writes what knowledge-tracing networks compute in PyTorch, so that the tests need no Python: DKT with the terms of DKT+ (Piech et al. 2015; Yeung and Yeung 2018), DKVMN (Zhang et al. 2017) and SAKT (Pandey and Karypis 2019).

    python3 tests/golden/tracing.py

Everything is computed in double from float32 weights: the logits of each next answer, the loss and its gradients, and the loss before each of five steps of Adam. Weights are a hash of their place, as in layers.py; the
gradient of a table of places is given for the rows that are used."""
import json

import torch
from torch import nn
from torch.nn import functional as F

from layers import OUT, fill, pack

SKILLS = 4
SKILL = [[0, 2, 2, 1, 0, 3, 2], [3, 3, 1, 0, 1, 2, 0], [1, 0, 2, 0, 0, 0, 0]]
RIGHT = [[1, 0, 1, 1, 0, 1, 1], [0, 0, 1, 1, 1, 0, 1], [1, 1, 0, 1, 0, 0, 0]]
LENGTHS = [7, 7, 4]


class Dkt(nn.Module):
    """reconstruct, wave1 and wave2 are the weights of what DKT+ adds."""

    def __init__(self, hidden, reconstruct, wave1, wave2):
        super().__init__()
        self.lstm = nn.LSTM(2 * SKILLS, hidden, batch_first=True)
        self.output = nn.Linear(hidden, SKILLS)
        self.weights = reconstruct, wave1, wave2

    def every(self, read):
        return self.output(self.lstm(F.one_hot(read, 2 * SKILLS).double())[0])

    def forward(self, read, asked):
        return self.every(read).gather(2, asked[:, :, None])[:, :, 0]

    def added(self, read):
        logits = self.every(read)
        given = logits.gather(2, (read % SKILLS)[:, :, None])[:, :, 0]
        r = F.binary_cross_entropy_with_logits(given, (read // SKILLS).double(), reduction="none")
        y = logits.sigmoid()
        change = F.pad(y[:, 1:] - y[:, :-1], (0, 0, 1, 0))
        return self.weights[0] * r + self.weights[1] * change.abs().mean(2) + self.weights[2] * change.square().mean(2)


class Dkvmn(nn.Module):
    """A memory of concepts; equations 1 to 7, the answer's own skill as the address of what is written."""

    def __init__(self, concepts, key, value):
        super().__init__()
        self.skills = nn.Embedding(SKILLS, key)
        self.answers = nn.Embedding(2 * SKILLS, value)
        self.keys = nn.Parameter(torch.zeros(concepts, key))
        self.values = nn.Parameter(torch.zeros(concepts, value))
        self.erase = nn.Linear(value, value)
        self.add = nn.Linear(value, value)
        self.summary = nn.Linear(value + key, key)
        self.output = nn.Linear(key, 1)

    def forward(self, read, asked):
        told = []
        memory = self.values[None].repeat(len(read), 1, 1)
        for t in range(read.shape[1]):
            w = torch.softmax(self.skills(read[:, t] % SKILLS) @ self.keys.T, 1)
            v = self.answers(read[:, t])
            e, a = torch.sigmoid(self.erase(v)), torch.tanh(self.add(v))
            memory = memory * (1 - w[:, :, None] * e[:, None]) + w[:, :, None] * a[:, None]
            k = self.skills(asked[:, t])
            found = (torch.softmax(k @ self.keys.T, 1)[:, :, None] * memory).sum(1)
            told.append(self.output(torch.tanh(self.summary(torch.cat([found, k], 1))))[:, 0])
        return torch.stack(told, 1)


class Sakt(nn.Module):
    def __init__(self, width, heads, places):
        super().__init__()
        self.answers = nn.Embedding(2 * SKILLS, width)
        self.asked = nn.Embedding(SKILLS, width)
        self.places = nn.Embedding(places, width)
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.norm1 = nn.LayerNorm(width)
        self.linear1 = nn.Linear(width, width)
        self.linear2 = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.output = nn.Linear(width, 1)

    def forward(self, read, asked):
        steps = read.shape[1]
        seen = self.answers(read) + self.places.weight[:steps]
        q = self.asked(asked)
        later = torch.ones(steps, steps, dtype=torch.bool).triu(1)
        x = self.norm1(q + self.attention(q, seen, seen, attn_mask=later, need_weights=False)[0])
        return self.output(self.norm2(x + self.linear2(torch.relu(self.linear1(x)))))[:, :, 0]


NETWORKS = {
    "lstm": lambda: Dkt(6, 0, 0, 0),
    "lstm-plus": lambda: Dkt(6, 0.1, 0.03, 3.0),
    "memory": lambda: Dkvmn(2, 5, 20),
    "attention": lambda: Sakt(10, 5, 200),
}


def network(name, make):
    module = make().double()
    out = {"parameters": fill(module, name)}
    skill, right, lengths = torch.tensor(SKILL), torch.tensor(RIGHT), torch.tensor(LENGTHS)
    read, asked, target = (skill + SKILLS * right)[:, :-1], skill[:, 1:], right[:, 1:].double()
    counts = (torch.arange(read.shape[1])[None] < (lengths - 1)[:, None]).double()

    def loss():
        each = F.binary_cross_entropy_with_logits(module(read, asked), target, reduction="none")
        if isinstance(module, Dkt) and any(module.weights):
            each = each + module.added(read)
        return (each * counts).sum() / counts.sum()

    out["logits"] = pack(module(read, asked) * counts)
    loss().backward()
    out["gradients"] = {n: pack(p.grad[: read.shape[1]] if n == "places.weight" else p.grad) for n, p in module.named_parameters()}
    out["losses"], adam = [], torch.optim.Adam(module.parameters(), lr=0.01)
    for _ in range(6):
        adam.zero_grad()
        value = loss()
        out["losses"].append(float(f"{value.item():.7g}"))
        value.backward()
        adam.step()
    return out


def main():
    data = {"skills": SKILLS, "skill": SKILL, "right": RIGHT, "lengths": LENGTHS}
    out = {"data": data} | {n: network(n, make) for n, make in NETWORKS.items()}
    (OUT / "tracing.json").write_text(json.dumps(out, separators=(",", ":")).replace('}},"', '}},\n"') + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
