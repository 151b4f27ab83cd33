"""Writes tests/DeepEdu.Tests/Golden/metrics.json: metric values from scikit-learn and scipy for MetricsTests.

Run:  python3 tests/golden/metrics.py   (needs numpy, scipy, scikit-learn)
"""
import collections
import json
import math
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

# ---- top-k, precision-recall area, correlations by weight, lists, catalogue, texts, tests of significance

scores = rng.standard_normal((80, 6)).astype(np.float32)
y = rng.integers(0, 6, 80)
w = rng.random(80).round(3)
out["top_k"] = {"scores": scores.astype(float).ravel().tolist(), "target": y.tolist(), "weight": w.tolist(),
                "value": [m.top_k_accuracy_score(y, scores, k=k, labels=range(6)) for k in (1, 2, 5)],
                "weighted": [m.top_k_accuracy_score(y, scores, k=k, labels=range(6), sample_weight=w) for k in (1, 2, 5)]}

for case in out["binary"]:
    y, p, w = (np.array(case[k]) for k in ("target", "probability", "weight"))
    case["pr_auc"] = m.average_precision_score(y, p)
    case["pr_auc_weighted"] = m.average_precision_score(y, p, sample_weight=w)

for case in out["regression"]:
    y, p = np.array(case["target"]), np.array(case["predicted"])
    times = rng.integers(0, 4, len(y))
    case["times"] = times.tolist()
    yy, pp = np.repeat(y, times), np.repeat(p, times)
    case["pearson_times"] = float(scipy.stats.pearsonr(yy, pp)[0])
    case["spearman_times"] = float(scipy.stats.spearmanr(yy, pp)[0])
    case["kendall_times"] = float(scipy.stats.kendalltau(yy, pp)[0])

lists, k = [], 5
sums = dict.fromkeys(("hr", "recall", "precision", "map", "mrr", "ndcg"), 0.0)
for _ in range(30):
    s = rng.standard_normal(12).astype(np.float32)
    relevance = rng.integers(0, 4, 12) * (rng.random(12) < 0.4)
    if relevance.sum() == 0:
        relevance[3] = 1
    lists.append({"scores": s.astype(float).tolist(), "relevance": relevance.tolist()})
    hit = (relevance[np.argsort(-s)] > 0).astype(float)
    r = hit.sum()
    sums["hr"] += hit[:k].any()
    sums["recall"] += hit[:k].sum() / r
    sums["precision"] += hit[:k].sum() / k
    sums["map"] += (hit[:k] * np.cumsum(hit)[:k] / np.arange(1, k + 1)).sum() / min(k, r)
    sums["mrr"] += 1 / (1 + np.argmax(hit))
    sums["ndcg"] += m.ndcg_score([relevance], [s], k=k)
full = float(np.mean([m.average_precision_score(np.array(l["relevance"]) > 0, l["scores"]) for l in lists]))
out["lists"] = {"k": k, "lists": lists, "map_full": full} | {name: v / len(lists) for name, v in sums.items()}

popularity = rng.integers(0, 40, 25)
shown = [rng.choice(25, 5, replace=False, p=None).tolist() for _ in range(9)] + [[0, 1, 2, 3, 4]] * 6
counts = np.bincount(np.concatenate(shown), minlength=25)
differences = np.abs(counts[:, None] - counts[None, :]).sum()
out["catalogue"] = {"popularity": popularity.tolist(), "users": 50, "shown": shown, "coverage": float((counts > 0).mean()),
                    "gini": float(differences / (2 * 25 * counts.sum())),
                    "novelty": float(-(np.log2(np.maximum(popularity, 0.5) / 50) * counts).sum() / counts.sum())}


def grams(tokens, n):
    return collections.Counter(tuple(tokens[i:i + n]) for i in range(len(tokens) - n + 1))


def bleu(pairs, order, smooth):
    match, total, length, reference = [0] * order, [0] * order, 0, 0
    for candidate, references in pairs:
        length += len(candidate)
        reference += min((abs(len(r) - len(candidate)), len(r)) for r in references)[1]
        for n in range(order):
            allowed = collections.Counter()
            for r in references:
                allowed |= grams(r, n + 1)
            given = grams(candidate, n + 1)
            match[n] += (given & allowed).total()
            total[n] += given.total()
    p = [(a + 1) / (b + 1) if smooth and n else a / b for n, (a, b) in enumerate(zip(match, total))]
    if min(p) == 0:
        return 0.0
    return min(1.0, math.exp(1 - reference / length)) * math.exp(sum(map(math.log, p)) / order)


def common(a, b):
    table = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, x in enumerate(a):
        for j, z in enumerate(b):
            table[i + 1][j + 1] = table[i][j] + 1 if x == z else max(table[i][j + 1], table[i + 1][j])
    return table[-1][-1]


def rouge(a, b, beta):
    c = common(a, b)
    if c == 0:
        return 0.0
    p, r = c / len(a), c / len(b)
    return (1 + beta ** 2) * p * r / (r + beta ** 2 * p)


words = "the a cat dog sat ran on mat fast here".split()
texts = []
for _ in range(25):
    right = [rng.choice(words, rng.integers(4, 9)).tolist() for _ in range(rng.integers(1, 4))]
    given = [t if rng.random() < 0.8 else str(rng.choice(words)) for t in right[0]]
    texts.append((given[:rng.integers(3, len(given) + 1)] if rng.random() < 0.3 else given, right))
f1 = [max(2 * (grams(g, 1) & grams(r, 1)).total() / (len(g) + len(r)) for r in right) for g, right in texts]
out["texts"] = {"given": [g for g, _ in texts], "right": [r for _, r in texts],
                "bleu4": bleu(texts, 4, False), "bleu2": bleu(texts, 2, False), "bleu4_smooth": bleu(texts[:2], 4, True),
                "exact": float(np.mean([g in r for g, r in texts])), "f1": float(np.mean(f1)),
                "rouge1": float(np.mean([max(rouge(g, r, 1.0) for r in right) for g, right in texts])),
                "rouge12": float(np.mean([max(rouge(g, r, 1.2) for r in right) for g, right in texts])),
                "distinct": [len(set().union(*(grams(g, n) for g, _ in texts))) / sum(grams(g, n).total() for g, _ in texts) for n in (1, 2, 3)]}

nll = rng.exponential(1.5, 50)
w = rng.integers(0, 3, 50)
out["perplexity"] = {"nll": nll.tolist(), "weight": w.tolist(), "value": float(np.exp((nll * w).sum() / w.sum()))}


def mcnemar(a, b):
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    chi = max(0, abs(only_a - only_b) - 1) ** 2 / (only_a + only_b)
    exact = scipy.stats.binomtest(min(only_a, only_b), only_a + only_b, 0.5).pvalue
    return {"first": a.astype(int).tolist(), "second": b.astype(int).tolist(), "chi": chi, "p": float(scipy.stats.chi2.sf(chi, 1)), "exact": float(min(1, exact))}


out["mcnemar"] = [mcnemar(rng.random(60) < 0.7, rng.random(60) < 0.5), mcnemar(rng.random(40) < 0.5, rng.random(40) < 0.5)]
a, b = rng.random(2500) < 0.5, rng.random(2500) < 0.55
out["mcnemar"].append(mcnemar(a, b))


def placements(y, s):
    above = (s[y == 1][:, None] > s[y == 0][None, :]) + 0.5 * (s[y == 1][:, None] == s[y == 0][None, :])
    return above.mean(), above.mean(1), above.mean(0)


def delong(n, decimals):
    y = rng.integers(0, 2, n)
    first = (0.5 * y + rng.standard_normal(n)).round(decimals)
    second = (first + 0.6 * rng.standard_normal(n)).round(decimals)
    (a, v1, w1), (b, v2, w2) = placements(y, first), placements(y, second)
    se = float(np.sqrt(np.var(v1 - v2, ddof=1) / len(v1) + np.var(w1 - w2, ddof=1) / len(w1)))
    one = float(np.sqrt(np.var(v1, ddof=1) / len(v1) + np.var(w1, ddof=1) / len(w1))) * scipy.stats.norm.ppf(0.95)
    return {"target": y.tolist(), "first": first.tolist(), "second": second.tolist(), "areas": [m.roc_auc_score(y, first), m.roc_auc_score(y, second)],
            "se": se, "p": float(2 * scipy.stats.norm.sf(abs(a - b) / se)), "interval90": [max(0, a - one), min(1, a + one)]}


out["delong"] = [delong(90, 6), delong(60, 1)]
z = [0.0, 0.1, 0.5, 1.0, 1.5, 1.96, 2.5, 2.8284, 3.0, 4.0, 6.0, 10.0, 30.0]
out["normal"] = {"z": z, "two_sided": [float(2 * scipy.stats.norm.sf(v)) for v in z], "p": [0.5, 0.9, 0.975, 0.999], "quantile": [float(scipy.stats.norm.ppf(v)) for v in (0.5, 0.9, 0.975, 0.999)]}
values = np.sort(rng.standard_normal(37))
out["quantile"] = {"sorted": values.tolist(), "share": [0.0, 0.025, 0.31, 0.975, 1.0], "value": np.quantile(values, [0.0, 0.025, 0.31, 0.975, 1.0]).tolist()}


def agreement(learners, items, skills):
    """All pairs of learners, as the definition has them."""
    q = rng.random((items, skills)) < 0.4
    mastery = rng.standard_normal((learners, skills)).round(1)
    answers = rng.choice([0, 0.5, 1], (learners, items), p=[0.4, 0.2, 0.4])
    given = rng.random((learners, items)) < 0.7
    values = []
    for k in range(skills):
        agree = differ = 0
        for a in range(learners):
            for b in range(learners):
                if mastery[a, k] > mastery[b, k]:
                    both = given[a] & given[b] & q[:, k]
                    agree += int((both & (answers[a] > answers[b])).sum())
                    differ += int((both & (answers[a] != answers[b])).sum())
        values.append([agree / differ, differ])
    return {"q": q.astype(int).tolist(), "mastery": mastery.tolist(), "answers": np.where(given, answers, -1).tolist(), "skills": values}


out["agreement"] = agreement(40, 12, 3)

path = pathlib.Path(__file__).resolve().parents[1] / "DeepEdu.Tests" / "Golden" / "metrics.json"
path.write_text(json.dumps(out, indent=None, separators=(",", ":")) + "\n")
print(path, path.stat().st_size)
