#!/usr/bin/env python3
"""Writes what cognitive diagnosis computes in PyTorch, so that the tests need no Python: NeuralCDM (Wang et al. 2020), and the items of IRT with one, two and three parameters where marginal likelihood and priors are highest.

    python3 tests/golden/diagnosis.py

Everything is computed in double. NeuralCDM from float32 weights: the logits, the gradients of the mean log loss, and the loss before each of six steps of Adam, after each of which negative weights of the three dense
layers become 0. IRT: L-BFGS over all parameters at once, on the same grid of abilities as the sample's."""
import json

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from layers import OUT, fill, pack

LEARNER = [0, 0, 0, 1, 1, 2, 2, 2, 3]
ITEM = [0, 1, 3, 1, 2, 0, 2, 3, 3]
RIGHT = [1, 0, 1, 1, 0, 0, 0, 1, 1]
ASKS = [[0], [1, 2], [2], [0, 2]]
SKILLS, LEARNERS, HIDDEN = 3, 4, 6


class Items(nn.Module):
    def __init__(self):
        super().__init__()
        self.difficulty = nn.Embedding(len(ASKS), SKILLS)
        self.discrimination = nn.Embedding(len(ASKS), 1)
        self.dense1 = nn.Linear(SKILLS, HIDDEN)
        self.dense2 = nn.Linear(HIDDEN, HIDDEN // 2)
        self.dense3 = nn.Linear(HIDDEN // 2, 1)

    def forward(self, known, item, asks):
        x = torch.sigmoid(self.discrimination(item)) * (torch.sigmoid(known) - torch.sigmoid(self.difficulty(item))) * asks
        return self.dense3(torch.sigmoid(self.dense2(torch.sigmoid(self.dense1(x)))))[:, 0]


class NeuralCd(nn.Module):
    def __init__(self):
        super().__init__()
        self.learners = nn.Embedding(LEARNERS, SKILLS)
        self.items = Items()

    def forward(self, learner, item, asks):
        return self.items(self.learners(learner), item, asks)


def neural():
    module = NeuralCd().double()
    out = {"parameters": fill(module, "neuralcd")}
    learner, item, right = torch.tensor(LEARNER), torch.tensor(ITEM), torch.tensor(RIGHT).double()
    asks = torch.tensor([[1.0 if k in ASKS[i] else 0.0 for k in range(SKILLS)] for i in ITEM]).double()

    def loss():
        return F.binary_cross_entropy_with_logits(module(learner, item, asks), right)

    out["logits"] = pack(module(learner, item, asks))
    loss().backward()
    out["gradients"] = {n: pack(p.grad) for n, p in module.named_parameters()}
    out["losses"], adam = [], torch.optim.Adam(module.parameters(), lr=0.05)
    for _ in range(6):
        adam.zero_grad()
        value = loss()
        out["losses"].append(float(f"{value.item():.7g}"))
        value.backward()
        adam.step()
        with torch.no_grad():
            for dense in (module.items.dense1, module.items.dense2, module.items.dense3):
                dense.weight.clamp_(min=0)
    out["after"] = {n: pack(p) for n, p in module.named_parameters()}
    return out


def responses():
    rng = np.random.default_rng(3)
    theta, a, d, c = rng.standard_normal(250), np.exp(0.3 * rng.standard_normal(7)), rng.standard_normal(7), 0.15
    p = c + (1 - c) / (1 + np.exp(-(theta[:, None] * a + d)))
    answers = (rng.random(p.shape) < p).astype(int)
    answers[rng.random(p.shape) < 0.2] = -1
    return answers


def irt(answers, parameters):
    grid = torch.linspace(-6, 6, 61).double()
    prior = torch.log_softmax(-grid ** 2 / 2, 0)
    items = answers.shape[1]
    right, given = torch.tensor(answers == 1).double(), torch.tensor(answers >= 0).double()
    alpha = torch.zeros(1 if parameters == 1 else items).double().requires_grad_()
    d, gamma = torch.zeros(items).double().requires_grad_(), torch.full((items,), -1.4).double().requires_grad_()
    free = [alpha, d] + ([gamma] if parameters == 3 else [])

    def objective():
        c = torch.sigmoid(gamma)[:, None] if parameters == 3 else torch.zeros(items, 1).double()
        p = c + (1 - c) * torch.sigmoid(torch.exp(alpha)[:, None] * grid + d[:, None])
        likely = right @ torch.log(p) + (given - right) @ torch.log(1 - p)
        value = torch.logsumexp(likely + prior, 1).sum() - (alpha ** 2).sum() / (2 * 0.5 ** 2) - (d ** 2).sum() / (2 * 3.0 ** 2)
        return value - ((gamma + 1.4) ** 2).sum() / (2 * 0.5 ** 2) if parameters == 3 else value

    search = torch.optim.LBFGS(free, max_iter=2000, tolerance_grad=1e-11, tolerance_change=1e-15, history_size=50, line_search_fn="strong_wolfe")

    def closure():
        search.zero_grad()
        value = -objective()
        value.backward()
        return value

    for _ in range(5):
        search.step(closure)
    theta = []
    with torch.no_grad():
        c = torch.sigmoid(gamma)[:, None] if parameters == 3 else torch.zeros(items, 1).double()
        p = c + (1 - c) * torch.sigmoid(torch.exp(alpha)[:, None] * grid + d[:, None])
        w = torch.softmax(right @ torch.log(p) + (given - right) @ torch.log(1 - p) + prior, 1)
        mean = (w * grid).sum(1)
        theta = [mean.tolist()[:20], ((w * grid ** 2).sum(1) - mean ** 2).sqrt().tolist()[:20]]
    return {"a": torch.exp(alpha).expand(items).tolist(), "d": d.tolist(), "c": (torch.sigmoid(gamma).tolist() if parameters == 3 else [0.0] * items), "log_posterior": objective().item(), "mean": theta[0], "error": theta[1]}


def main():
    answers = responses()
    out = {"data": {"learner": LEARNER, "item": ITEM, "right": RIGHT, "asks": ASKS}, "neuralcd": neural(), "answers": answers.tolist(), "irt": [irt(answers, n) for n in (1, 2, 3)]}
    (OUT / "diagnosis.json").write_text(json.dumps(out, separators=(",", ":")).replace('}},"', '}},\n"') + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
