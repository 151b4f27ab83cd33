"""Writes tests/DeepEdu.Tests/Golden/metrics.json: metric values from scikit-learn and scipy for MetricsTests.

Run:  python3 tests/golden/metrics.py   (needs numpy, scipy, scikit-learn)
"""
import json
import pathlib

import numpy as np
import scipy.stats
import sklearn
import sklearn.metrics as m
from sklearn.calibration import calibration_curve

rng = np.random.default_rng(20240607)
out = {"made_with": {"sklearn": sklearn.__version__, "scipy": scipy.__version__, "numpy": np.__version__}}


def classification(n, k, missing=None):
    y = rng.integers(0, k, n)
    p = np.where(rng.random(n) < 0.6, y, rng.integers(0, k, n))
    if missing is not None:
        p = np.where(p == missing, (missing + 1) % k, p)
    w = rng.random(n).round(3)
    labels = list(range(k))
    case = {"classes": k, "target": y.tolist(), "predicted": p.tolist(), "weight": w.tolist(),
            "accuracy": m.accuracy_score(y, p), "accuracy_weighted": m.accuracy_score(y, p, sample_weight=w)}
    for average in ("micro", "macro", "weighted"):
        r = m.precision_recall_fscore_support(y, p, labels=labels, average=average, zero_division=0)
        case[average] = [float(v) for v in r[:3]]
        r = m.precision_recall_fscore_support(y, p, labels=labels, average=average, zero_division=0, sample_weight=w)
        case[average + "_sample_weight"] = [float(v) for v in r[:3]]
    r = m.precision_recall_fscore_support(y, p, labels=labels, zero_division=0)
    case["per_class"] = [r[i].tolist() for i in range(3)]
    return case


out["classification"] = [classification(200, 5), classification(50, 3, missing=2), classification(17, 2)]


def binary(n, decimals):
    y = rng.integers(0, 2, n)
    p = np.clip(0.5 + 0.25 * (y - 0.5) + 0.3 * rng.standard_normal(n), 0, 1).round(decimals)
    w = rng.random(n).round(3)
    edges = np.arange(1, 10) / 10
    # the documented bins (k/10, (k+1)/10]
    index = np.searchsorted(edges, p)
    ece = sum(abs((y[index == b] - p[index == b]).sum()) for b in range(10)) / n
    freq, conf = calibration_curve(y, p, n_bins=10)
    return {"target": y.tolist(), "probability": p.tolist(), "weight": w.tolist(),
            "auc": m.roc_auc_score(y, p), "auc_weighted": m.roc_auc_score(y, p, sample_weight=w),
            "log_loss": m.log_loss(y, p), "log_loss_weighted": m.log_loss(y, p, sample_weight=w),
            "brier": m.brier_score_loss(y, p), "brier_weighted": m.brier_score_loss(y, p, sample_weight=w),
            "ece": float(ece), "frequency": freq.tolist(), "confidence": conf.tolist()}


out["binary"] = [binary(300, 6), binary(120, 2)]

probabilities = rng.dirichlet(np.ones(4), 60).astype(np.float32)
target = rng.integers(0, 4, 60)
chosen = probabilities[np.arange(60), target].astype(np.float64)
out["multiclass_log_loss"] = {"probability": probabilities.astype(float).tolist(), "target": target.tolist(),
                              "value": float(-np.log(chosen).mean())}


def regression(n, decimals):
    y = (10 + 3 * rng.standard_normal(n)).round(decimals)
    p = (y + 2 * rng.standard_normal(n)).round(decimals)
    w = rng.random(n).round(3)
    return {"target": y.tolist(), "predicted": p.tolist(), "weight": w.tolist(),
            "mae": m.mean_absolute_error(y, p), "rmse": m.mean_squared_error(y, p, squared=False), "r2": m.r2_score(y, p),
            "mae_weighted": m.mean_absolute_error(y, p, sample_weight=w),
            "rmse_weighted": m.mean_squared_error(y, p, sample_weight=w, squared=False),
            "r2_weighted": m.r2_score(y, p, sample_weight=w),
            "pearson": float(scipy.stats.pearsonr(y, p)[0]), "spearman": float(scipy.stats.spearmanr(y, p)[0]),
            "kendall": float(scipy.stats.kendalltau(y, p)[0])}


out["regression"] = [regression(150, 6), regression(80, 0)]


def kappa(n, low, high, spread):
    y = rng.integers(low, high + 1 - spread, n)
    p = np.clip(y + rng.integers(-2, 3, n), low, high)
    labels = list(range(low, high + 1))
    return {"min": low, "max": high, "target": y.tolist(), "predicted": p.tolist(),
            "quadratic": m.cohen_kappa_score(y, p, labels=labels, weights="quadratic"),
            "linear": m.cohen_kappa_score(y, p, labels=labels, weights="linear")}


out["kappa"] = [kappa(200, 2, 12, 0), kappa(60, 0, 3, 0), kappa(90, 0, 30, 12)]

users = []
for _ in range(40):
    scores = rng.standard_normal(100).astype(np.float32)
    scores[0] += np.float32(1.2)
    users.append(scores)
relevance = np.zeros((40, 100))
relevance[:, 0] = 1
ranks = np.array([(s[1:] > s[0]).sum() for s in users])
out["ranking"] = {"scores": [s.astype(float).tolist() for s in users], "hr": float((ranks < 10).mean()),
                  "ndcg": m.ndcg_score(relevance, np.array(users), k=10), "mrr": float((1 / (ranks + 1)).mean())}

path = pathlib.Path(__file__).resolve().parents[1] / "DeepEdu.Tests" / "Golden" / "metrics.json"
path.write_text(json.dumps(out, indent=None, separators=(",", ":")) + "\n")
print(path, path.stat().st_size)
