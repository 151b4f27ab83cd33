"""Writes tests/DeepEdu.Tests/Golden/privacy.json: what private steps cost, from numerical integration of the definitions, and clipped gradients of single samples from PyTorch.

Run:  python3 tests/golden/privacy.py   (needs mpmath, numpy, scipy, torch)
"""
import json
import pathlib

import mpmath
import numpy as np
import torch
from scipy import optimize, stats
from torch import nn

mpmath.mp.dps = 22
out = {"made_with": {"mpmath": mpmath.__version__, "numpy": np.__version__, "torch": torch.__version__}}


# ---- Renyi divergence of one step, in both directions, from the definition: D = log(integral of p^a q^(1 - a)) / (a - 1)

def divergence(order, noise, rate, reverse=False):
    order, noise, rate = mpmath.mpf(order), mpmath.mpf(noise), mpmath.mpf(rate)

    def without(z):
        return mpmath.npdf(z, 0, noise)

    def sampled(z):
        return (1 - rate) * mpmath.npdf(z, 0, noise) + rate * mpmath.npdf(z, 1, noise)

    p, q = (without, sampled) if reverse else (sampled, without)
    ends = np.linspace(-16 * float(noise), max(1, float(order)) + 16 * float(noise), 25).tolist()
    return float(mpmath.log(mpmath.quad(lambda z: p(z) ** order * q(z) ** (1 - order), ends, method="gauss-legendre", maxdegree=6)) / (order - 1))


cases = []
for noise in (0.5, 1.0, 1.7, 6.0):
    for rate in (1e-4, 0.02, 0.4, 1.0):
        for order in (1.1, 1.5, 2, 4.7, 10.9, 32):
            d = divergence(order, noise, rate)
            if order in (1.5, 10.9):  # the other direction is less, as the paper proves
                assert d >= divergence(order, noise, rate, True) * (1 - 1e-9), (order, noise, rate, d)
            cases.append([order, noise, rate, d])
out["divergence"] = cases


# ---- epsilon of many steps: the least that any order gives, and what is true (privacy loss distributions by FFT; for rate 1 in closed form)

def least(noise, rate, steps, delta):
    def epsilon(order):
        order = float(order)
        return steps * divergence(order, noise, rate) + np.log1p(-1 / order) - (np.log(delta) + np.log(order)) / (order - 1)

    rough = [1.05, 1.3, 1.7, 2.2, 3, 4, 5.5, 7, 9, 12, 16, 24, 36, 60, 100]
    values = [epsilon(o) for o in rough]
    i = int(np.argmin(values))
    found = optimize.minimize_scalar(epsilon, bounds=(rough[max(0, i - 1)], rough[min(len(rough) - 1, i + 1)]), method="bounded", options={"xatol": 1e-3})
    return float(found.fun)


def true_epsilon(noise, rate, steps, delta):
    if rate == 1:
        s = np.sqrt(steps) / noise
        return float(optimize.brentq(lambda e: stats.norm.cdf(s / 2 - e / s) - np.exp(e) * stats.norm.cdf(-s / 2 - e / s) - delta, 0, 200))
    return max(one_way(noise, rate, steps, delta, reverse) for reverse in (False, True))


def one_way(noise, rate, steps, delta, reverse):
    n, width = 1 << 21, 60.0
    grid = (np.arange(n) - n // 2) * (width / n)
    z = np.linspace(-14 * noise, 1 + 14 * noise, 4_000_001)
    z = (z[1:] + z[:-1]) / 2
    a, b = stats.norm.pdf(z, 0, noise), stats.norm.pdf(z, 1, noise)
    mixed = (1 - rate) * a + rate * b
    p, loss = (a, np.log(a / mixed)) if reverse else (mixed, np.log(mixed / a))
    p = p / p.sum()
    place = np.clip(np.rint(loss / (width / n)).astype(int) + n // 2, 0, n - 1)
    once = np.bincount(place, p, n)
    many = np.fft.irfft(np.fft.rfft(np.fft.ifftshift(once)) ** steps, n)
    many = np.maximum(np.fft.fftshift(many), 0)
    return float(optimize.brentq(lambda e: (many * np.maximum(0, -np.expm1(np.minimum(0, e - grid)))).sum() - delta, 0, width / 2 - 1))


out["epsilon"] = [[noise, rate, steps, delta, least(noise, rate, steps, delta), true_epsilon(noise, rate, steps, delta)]
                  for noise, rate, steps, delta in [(1.0, 0.01, 1000, 1e-5), (0.7, 0.05, 200, 1e-4), (1.3, 250 / 60000, 3600, 1e-5), (2.0, 0.2, 100, 1e-3), (4.0, 1.0, 10, 1e-5), (0.9, 0.1, 200, 1e-5)]]

# ---- gradients of single samples of an LSTM that reads sequences of unequal length

torch.manual_seed(3)
torch.set_default_dtype(torch.float64)


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(12, 4)
        self.lstm = nn.LSTM(4, 5, batch_first=True)
        self.head = nn.Linear(5, 3)

    def forward(self, tokens):
        return self.head(self.lstm(self.embedding(tokens))[1][0][0])


model = Reader()
for p in model.parameters():
    p.data = p.data.float().double()
rng = np.random.default_rng(8)
samples = [rng.integers(0, 12, n).tolist() for n in (7, 3, 1, 5, 9)]
labels = rng.integers(0, 3, len(samples)).tolist()
each = []
for tokens, label in zip(samples, labels):
    model.zero_grad()
    nn.functional.cross_entropy(model(torch.tensor([tokens])), torch.tensor([label])).backward()
    each.append(torch.cat([p.grad.flatten() for p in model.parameters()]).numpy().copy())
norms = [float(np.linalg.norm(g)) for g in each]
clip = float(np.float32(np.median(norms)))
out["samples"] = {"weights": {n: {"shape": list(p.shape), "values": p.detach().numpy().ravel().tolist()} for n, p in model.named_parameters()}, "tokens": samples, "labels": labels, "norms": norms,
                  "clip": clip, "sum": sum(g * min(1, clip / l) for g, l in zip(each, norms)).tolist()}

path = pathlib.Path(__file__).resolve().parents[1] / "DeepEdu.Tests" / "Golden" / "privacy.json"
path.write_text(json.dumps(out, indent=None, separators=(",", ":")) + "\n")
print(path, path.stat().st_size)
for row in out["epsilon"]:
    print(row)
