#!/usr/bin/env python3
"""Writes what PyTorch's optimisers, clipping and schedules do, so that the tests need no Python.

    python3 tests/golden/optim.py

Optimisers: a parameter of 7 values and 50 given gradients; the parameter after 5 and after 50 steps, computed in double."""
import json
import math
import pathlib

import numpy as np
import torch


class Lion(torch.optim.Optimizer):
    """Chen et al. 2023, algorithm 2: PyTorch has none."""

    def __init__(self, params, lr, betas, decay):
        super().__init__(params, dict(lr=lr, betas=betas, decay=decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            b1, b2 = group["betas"]
            for p in group["params"]:
                m = self.state[p].setdefault("exp_avg", torch.zeros_like(p))
                c = b1 * m + (1 - b1) * p.grad
                p -= group["lr"] * (c.sign() + group["decay"] * p)
                m.mul_(b2).add_((1 - b2) * p.grad)


class NAdam(torch.optim.Optimizer):
    """As in Dozat's paper and PyTorch 2: 1.13 multiplies the product of the momenta by the last one twice."""

    def __init__(self, params, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, momentum_decay=4e-3):
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, psi=momentum_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            b1, b2 = group["betas"]
            for p in group["params"]:
                s = self.state[p]
                t = s["t"] = s.get("t", 0) + 1
                m, v = s.setdefault("m", torch.zeros_like(p)), s.setdefault("v", torch.zeros_like(p))
                g = p.grad + group["weight_decay"] * p
                mu, ahead = (b1 * (1 - 0.5 * 0.96 ** (k * group["psi"])) for k in (t, t + 1))
                product = s["product"] = s.get("product", 1) * mu
                m.mul_(b1).add_((1 - b1) * g)
                v.mul_(b2).add_((1 - b2) * g * g)
                p -= group["lr"] * (ahead * m / (1 - product * ahead) + (1 - mu) * g / (1 - product)) / ((v / (1 - b2 ** t)).sqrt() + group["eps"])


class Decoupled:
    """What PyTorch 2's decoupled_weight_decay does: the parameter shrinks before the step."""

    def __init__(self, optimizer, decay):
        self.optimizer, self.decay = optimizer, decay

    def step(self):
        for group in self.optimizer.param_groups:
            for p in group["params"]:
                p.data.mul_(1 - group["lr"] * self.decay)
        self.optimizer.step()


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
    "nadam": lambda p: NAdam(p, lr=0.01),
    "nadam-all": lambda p: NAdam(p, lr=0.02, betas=(0.8, 0.95), eps=1e-4, weight_decay=0.1, momentum_decay=0.02),
    "nadam-decoupled": lambda p: Decoupled(NAdam(p, lr=0.01), 0.3),
    "radam": lambda p: O.RAdam(p, lr=0.01),
    "radam-all": lambda p: O.RAdam(p, lr=0.02, betas=(0.8, 0.9), eps=1e-4, weight_decay=0.1),
    "radam-decoupled": lambda p: Decoupled(O.RAdam(p, lr=0.01), 0.3),
    "adamax": lambda p: O.Adamax(p),
    "adamax-all": lambda p: O.Adamax(p, lr=0.02, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.1),
    "adadelta": lambda p: O.Adadelta(p),
    "adadelta-all": lambda p: O.Adadelta(p, lr=0.5, rho=0.95, eps=1e-4, weight_decay=0.1),
    "lion": lambda p: Lion(p, 0.01, (0.9, 0.99), 0),
    "lion-all": lambda p: Lion(p, 0.02, (0.95, 0.98), 0.3),
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


def sparse(rng):
    """A table of which each step uses few rows, some twice: PyTorch's sparse gradients."""
    start = floats(rng.normal(size=18))
    uses = [[1, 4, 1], [0], [5, 5, 5, 2], [4, 3], [1, 0], [2, 2], [3], [4, 1, 4, 1], [0, 5], [2], [1, 1], [3, 4, 5]]
    given = [{"index": u, "gradient": floats(rng.normal(size=3 * len(u)))} for u in uses]
    cases = {
        "sparse-adam": lambda p: O.SparseAdam(p, lr=0.05),
        "sparse-adam-all": lambda p: O.SparseAdam(p, lr=0.02, betas=(0.8, 0.95), eps=1e-2),
        "sparse-sgd": lambda p: O.SGD(p, lr=0.1),
        "sparse-adagrad": lambda p: O.Adagrad(p, lr=0.1, lr_decay=0.05, initial_accumulator_value=0.3),
    }
    after = {}
    for name, make in cases.items():
        table = torch.nn.Embedding(6, 3, sparse=True).double()
        table.weight.data.copy_(torch.tensor(start).reshape(6, 3))
        optimizer = make(list(table.parameters()))
        for step in given:
            optimizer.zero_grad()
            table(torch.tensor(step["index"])).backward(torch.tensor(step["gradient"], dtype=torch.float64).reshape(-1, 3))
            optimizer.step()
        after[name] = floats(table.weight.detach())
    return {"start": start, "steps": given, "after": after}


def gradnorm(rng):
    """Chen et al. 2018, algorithm 1: losses c_i mean((W a_i - b_i)^2), the weights after each update; W takes an SGD step between."""
    a, b, c = floats(rng.normal(size=9)), floats(rng.normal(size=3)), [1.0, 4.0, 0.2]
    start, alpha, rate = floats(rng.normal(size=3)), 1.5, 0.1
    w = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    weights = torch.ones(3, dtype=torch.float64, requires_grad=True)
    first, out = None, []
    for _ in range(5):
        losses = [c[i] * (w @ torch.tensor(a[3 * i:3 * i + 3], dtype=torch.float64) - b[i]) ** 2 for i in range(3)]
        lengths = torch.stack([torch.autograd.grad(weights[i] * losses[i], w, create_graph=True)[0].norm() for i in range(3)])
        now = torch.stack(losses).detach()
        first = now if first is None else first
        rates = now / first / (now / first).mean()
        balance = (lengths - (lengths.mean() * rates ** alpha).detach()).abs().sum()
        slope = torch.autograd.grad(balance, weights, retain_graph=True)[0]
        step = torch.autograd.grad(sum(weights[i] * losses[i] for i in range(3)), w)[0]
        with torch.no_grad():
            weights -= rate * slope
            weights *= 3 / weights.sum()
            w -= 0.05 * step
        out.append({"weights": floats(weights.detach()), "w": floats(w.detach())})
    return {"a": a, "b": b, "c": c, "start": start, "steps": out}


def lbfgs(x, t, start, calls, **options):
    """Calls of step on mean((tanh(xw) - t)^2) + 0.01 |w|^2: the loss that each returns and the parameter after it."""
    w = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    optimizer, out = O.LBFGS([w], **options), []

    def closure():
        optimizer.zero_grad()
        loss = ((torch.tanh(x @ w) - t) ** 2).mean() + 0.01 * (w ** 2).sum()
        loss.backward()
        return loss

    for _ in range(calls):
        loss = optimizer.step(closure)
        out.append({"loss": float(np.float32(loss.item())), "w": floats(w.detach()), "evaluations": optimizer.state[w]["func_evals"]})
    return out


def least(rng):
    x, t, start = floats(rng.normal(size=60)), floats(rng.uniform(-0.9, 0.9, size=12)), floats(rng.normal(size=5))
    a, b = torch.tensor(x, dtype=torch.float64).reshape(12, 5), torch.tensor(t, dtype=torch.float64)
    return {"x": x, "t": t, "start": start, "cases": {
        "wolfe": lbfgs(a, b, [0.3 * v for v in start], 2, lr=1, max_iter=4, line_search_fn="strong_wolfe"),
        "wolfe-far": lbfgs(a, b, [8 * v for v in start], 3, lr=5, max_iter=3, history_size=2, line_search_fn="strong_wolfe"),
        "fixed": lbfgs(a, b, [0.3 * v for v in start], 3, lr=0.5, max_iter=4, history_size=3),
    }}


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
            "cyclic": rates(lambda o: S.CyclicLR(o, 0.1, 0.8, 4, cycle_momentum=False), 19),
            "cyclic-halved": rates(lambda o: S.CyclicLR(o, 0.1, 0.8, 3, 5, mode="triangular2", cycle_momentum=False), 26),
            "cyclic-fading": rates(lambda o: S.CyclicLR(o, 0.1, 0.8, 4, mode="exp_range", gamma=0.97, cycle_momentum=False), 19),
            "linear": rates(lambda o: S.LinearLR(o, 1.0, 0.2, 5), 9),
            "polynomial": rates(lambda o: S.PolynomialLR(o, 6, 2.0), 9),
            "restarts": rates(lambda o: S.CosineAnnealingWarmRestarts(o, 4, 2, 0.01), 30),
            "restarts-even": rates(lambda o: S.CosineAnnealingWarmRestarts(o, 5), 17),
            "one-cycle-linear": rates(lambda o: S.OneCycleLR(o, max_lr=0.8, total_steps=20, anneal_strategy="linear"), 20),
            "one-cycle-three": rates(lambda o: S.OneCycleLR(o, max_lr=0.8, total_steps=20, pct_start=0.4, three_phase=True), 20),
            "one-cycle-three-linear": rates(lambda o: S.OneCycleLR(o, max_lr=0.8, total_steps=21, pct_start=0.35, three_phase=True, anneal_strategy="linear"), 21),
            "warm-up": rates(lambda o: S.LinearLR(o, 0.1, 1.0, 5), 9),
            "constant-factor": rates(lambda o: S.ConstantLR(o, 0.25, 3), 6),
            "chained": rates(lambda o: S.ChainedScheduler([S.LinearLR(o, 0.1, 1.0, 4), S.ExponentialLR(o, 0.9), S.StepLR(o, 5, 0.5)]), 14),
            "sequential": rates(lambda o: S.SequentialLR(o, [S.ConstantLR(o, 1.0, 1), S.ExponentialLR(o, 0.5)], [4]), 9),
        },
        "plateau": {
            "plain": plateau(worse, patience=2, factor=0.5),
            "cooldown": plateau(worse, patience=1, factor=0.5, cooldown=2, min_lr=0.1),
            "max": plateau([-m for m in worse], mode="max", patience=2, threshold=0.01, threshold_mode="abs"),
        },
        "sparse": sparse(np.random.default_rng(6)),
        "gradnorm": gradnorm(np.random.default_rng(7)),
        "lbfgs": least(np.random.default_rng(5)),
        "clip": [clipped(1.0), clipped(100.0)],
    }
    OUT.write_text(json.dumps(out, indent=None, separators=(",", ":")).replace('},"', '},\n"') + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
