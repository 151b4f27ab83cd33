"""Writes tests/DeepEdu.Tests/Golden/trust.json: attributions from PyTorch in double precision, calibration from scikit-learn and scipy, conformal quantiles and fairness from NumPy.

Run:  python3 tests/golden/trust.py   (needs torch, numpy, scipy, scikit-learn)
"""
import json
import pathlib

import numpy as np
import scipy.optimize
import sklearn
import torch
from sklearn.calibration import _SigmoidCalibration
from sklearn.inspection import permutation_importance
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LinearRegression, LogisticRegression

rng = np.random.default_rng(20261122)
torch.manual_seed(5)
torch.set_default_dtype(torch.float64)
out = {"made_with": {"torch": torch.__version__, "sklearn": sklearn.__version__, "scipy": scipy.__version__, "numpy": np.__version__}}


def flat(t):
    return np.asarray(t.detach() if torch.is_tensor(t) else t, dtype=float).ravel().tolist()


def weights(module):
    for p in module.parameters():  # as a float32 model holds them
        p.data = p.data.float().double()
    return [flat(p) for p in module.parameters()]


def gradient(f, x):
    x = x.detach().requires_grad_()
    return torch.autograd.grad(f(x).sum(), x)[0]


def integrated(f, x, base, steps):
    node, weight = np.polynomial.legendre.leggauss(steps)
    sums = sum(0.5 * w * gradient(f, base + (1 + a) / 2 * (x - base)) for a, w in zip(node, weight))
    parts = sums * (x - base)
    return parts, parts.flatten(1).sum(1) - (f(x) - f(base))


def occlude(f, x, window, stride, value):
    sums, times = torch.zeros_like(x), torch.zeros_like(x)
    counts = [max(0, -(-(n - w) // s)) + 1 for n, w, s in zip(x.shape[1:], window, stride)]
    for at in np.ndindex(*counts):
        places = (slice(None), *(slice(a * s, a * s + w) for a, s, w in zip(at, stride, window)))
        covered = x.clone()
        covered[places] = value
        lost = (f(x) - f(covered)).detach()
        sums[places] += lost.reshape(-1, *[1] * (x.dim() - 1))
        times[places] += 1
    return sums / times


# ---- attribution: a dense network of three classes, an LSTM over words

dense = torch.nn.Sequential(torch.nn.Linear(6, 5), torch.nn.Tanh(), torch.nn.Linear(5, 3))
case = {"weights": weights(dense)}
x = torch.tensor(rng.standard_normal((4, 6)).astype(np.float32).astype(float))
base = torch.tensor(rng.standard_normal((4, 6)).astype(np.float32).astype(float))


def score(v):
    return dense(v)[:, 2]


case |= {"x": flat(x), "baseline": flat(base), "gradient": flat(gradient(score, x)), "input_x_gradient": flat(gradient(score, x) * x)}
for steps in (3, 50):
    parts, delta = integrated(score, x, base, steps)
    case |= {f"integrated_{steps}": flat(parts), f"delta_{steps}": flat(delta)}
case["occlusion"] = flat(occlude(score, x, (2,), (2,), 0.25))
grid = torch.nn.Sequential(torch.nn.Flatten(), dense)
case["occlusion_grid"] = flat(occlude(lambda v: grid(v)[:, 2], x.reshape(4, 2, 3), (1, 2), (1, 1), 0.0))
case["occlusion_overhang"] = flat(occlude(score, x, (4,), (3,), -1.0))
out["dense"] = case

embedding, lstm, head = torch.nn.Embedding(7, 3), torch.nn.LSTM(3, 4, batch_first=True), torch.nn.Linear(4, 1)
case = {"embedding": weights(embedding), "lstm": weights(lstm), "head": weights(head)}
tokens = torch.tensor(rng.integers(1, 7, (3, 5)))


def rest(v):
    return head(lstm(v)[0].mean(1)).squeeze(1)


parts, delta = integrated(rest, embedding(tokens).detach(), embedding(torch.zeros_like(tokens)).detach(), 20)
case |= {"tokens": tokens.ravel().tolist(), "words": flat(parts.sum(2)), "delta": flat(delta)}
out["lstm"] = case

n = 300
x = rng.standard_normal((n, 4)).astype(np.float32).astype(float)
y = (2 * x[:, 0] - x[:, 1] + 0.3 * rng.standard_normal(n)).astype(np.float32).astype(float)
linear = LinearRegression().fit(x, y)
found = permutation_importance(linear, x, y, scoring="neg_mean_squared_error", n_repeats=400, random_state=1)
out["permutation"] = {"x": flat(x), "y": flat(y), "coefficients": flat(linear.coef_), "intercept": float(linear.intercept_),
                      "mean": flat(found.importances_mean), "deviation": flat(found.importances_std)}

# ---- calibration


def temperature(z, y):
    def loss(log_t):
        s = z / np.exp(log_t)
        return -(s[np.arange(len(y)), y] - scipy.special.logsumexp(s, axis=1)).mean()
    best = scipy.optimize.minimize_scalar(loss, bounds=(-4, 4), method="bounded", options={"xatol": 1e-12})
    return float(np.exp(best.x)), float(loss(0)), float(best.fun)


z = (3 * rng.standard_normal((200, 4))).astype(np.float32).astype(float)
y = np.where(rng.random(200) < 0.6, z.argmax(1), rng.integers(0, 4, 200))
t, before, after = temperature(z, y)
out["temperature"] = {"logits": flat(z), "labels": y.tolist(), "temperature": t, "before": before, "after": after}

s = rng.standard_normal(150) * 2
yes = rng.random(150) < 1 / (1 + np.exp(-(0.4 * s - 0.5)))
t, _, _ = temperature(np.stack([np.zeros(150), s], 1), yes.astype(int))
plain = LogisticRegression(penalty=None, tol=1e-12, max_iter=10000).fit(s[:, None], yes)
platt = _SigmoidCalibration().fit(s, yes)
prior0, prior1 = (~yes).sum(), yes.sum()
targets = np.where(yes, (prior1 + 1) / (prior1 + 2), 1 / (prior0 + 2))
smooth = scipy.optimize.minimize(lambda ab: (np.logaddexp(0, ab[0] * s + ab[1]) - targets * (ab[0] * s + ab[1])).sum(), [1.0, 0.0], method="BFGS", options={"gtol": 1e-12})
out["yes_no"] = {"scores": flat(s), "yes": yes.astype(int).tolist(), "temperature": t, "plain": [float(plain.coef_[0, 0]), float(plain.intercept_[0])],
                 "smooth": flat(smooth.x), "sklearn_sigmoid": [float(-platt.a_), float(-platt.b_)]}

x = rng.integers(0, 40, 120) / 4.0
y = np.clip(x / 10 + 0.4 * rng.standard_normal(120), 0, 1).round(3)
w = rng.random(120).round(3)
at = np.linspace(-1, 11, 37)
case = {"x": flat(x), "y": flat(y), "weight": flat(w), "at": flat(at)}
for name, weight in (("plain", None), ("weighted", w)):
    case[name] = flat(IsotonicRegression(out_of_bounds="clip").fit(x, y, sample_weight=weight).predict(at))
case["chances"] = flat(IsotonicRegression(out_of_bounds="clip").fit(s, yes.astype(float)).predict(s))
out["isotonic"] = case

# ---- conformal: the ceil((n + 1)(1 - alpha)) smallest score


def quantile(scores, alpha):
    return float(np.sort(scores)[int(np.ceil(round((len(scores) + 1) * (1 - alpha), 9))) - 1])


predicted, hard = rng.standard_normal(99) * 3, rng.random(99) + 0.5
actual = predicted + hard * rng.standard_normal(99)
chances = rng.dirichlet(np.ones(5) * 0.4, 79).astype(np.float32)
labels = np.array([rng.choice(5, p=c.astype(float) / c.astype(float).sum()) for c in chances])
scores = 1 - chances[np.arange(79), labels].astype(float)
out["conformal"] = {"predicted": flat(predicted), "actual": flat(actual), "difficulty": flat(hard), "alpha": [0.05, 0.1, 0.25],
                    "radius": [quantile(np.abs(actual - predicted), a) for a in (0.05, 0.1, 0.25)],
                    "radius_by_difficulty": [quantile(np.abs(actual - predicted) / hard, a) for a in (0.05, 0.1, 0.25)],
                    "chances": flat(chances), "labels": labels.tolist(), "threshold": [quantile(scores, a) for a in (0.05, 0.1, 0.25)],
                    "sizes": [[int((1 - c.astype(float) <= quantile(scores, a)).sum()) for c in chances] for a in (0.05, 0.1, 0.25)]}

# ---- fairness: rates of three groups

group = rng.choice(["a", "b", "c"], 240, p=[0.5, 0.3, 0.2])
actual = rng.random(240) < np.where(group == "a", 0.3, 0.5)
decided = np.where(rng.random(240) < 0.7, actual, rng.random(240) < 0.4)
rates = {name: np.array([f(decided[group == g], actual[group == g]) for g in "abc"]) for name, f in
         {"selection": lambda d, a: d.mean(), "true_positive": lambda d, a: d[a].mean(), "false_positive": lambda d, a: d[~a].mean(), "accuracy": lambda d, a: (d == a).mean()}.items()}
tpr, fpr, sel = rates["true_positive"], rates["false_positive"], rates["selection"]
out["fairness"] = {"group": group.tolist(), "actual": actual.astype(int).tolist(), "decided": decided.astype(int).tolist()} | {k: flat(v) for k, v in rates.items()} | {
    "demographic_parity_difference": float(np.ptp(sel)), "demographic_parity_ratio": float(sel.min() / sel.max()), "equal_opportunity_difference": float(np.ptp(tpr)),
    "equalized_odds_difference": float(max(np.ptp(tpr), np.ptp(fpr))), "equalized_odds_ratio": float(min(tpr.min() / tpr.max(), fpr.min() / fpr.max()))}

path = pathlib.Path(__file__).resolve().parents[1] / "DeepEdu.Tests" / "Golden" / "trust.json"
path.write_text(json.dumps(out, indent=None, separators=(",", ":")) + "\n")
print(path, path.stat().st_size)
