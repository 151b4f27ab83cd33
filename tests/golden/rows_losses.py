import math

import torch
import torch.nn.functional as F

from ops import row

P = [(3, 4), (3, 4)]
row("mse", F.mse_loss, P, [(5,), (5,)])
row("mse-weighted", lambda x, t, w: ((x - t) ** 2 * w).mean(), [(3, 4), (3, 4), (3, 1)], frozen=(2,))
row("mse-sum", lambda x, t: F.mse_loss(x, t, reduction="sum"), P)
row("mse-none", lambda x, t: F.mse_loss(x, t, reduction="none"), P)
row("mae", F.l1_loss, P, low=[-2, 2], high=[0, 3])
row("huber", lambda x, t: F.huber_loss(x, t, delta=0.7), P, low=[-2, 0], high=[-1, 0.2])
row("huber-inside", lambda x, t: F.huber_loss(x, t, delta=5), P)
row("smooth-l1", lambda x, t: F.smooth_l1_loss(x, t, beta=5), P)
row("smooth-l1-outside", lambda x, t: F.smooth_l1_loss(x, t, beta=0.5), P, low=[-2, 1], high=[-1, 2])
row("bce-probabilities", F.binary_cross_entropy, P, low=[0.1, 0], high=[0.9, 1], frozen=(1,))
row("bce-probabilities-saturated", F.binary_cross_entropy, values=[[0.0, 1.0, 0.0, 1.0], [0.0, 1.0, 1.0, 0.0]], low=[0, 0], high=[1, 1], frozen=(1,))
row("kl", lambda x, t: F.kl_div(x.log_softmax(-1), t, reduction="batchmean"), P, low=[-2, 0], high=[2, 1], frozen=(1,))
row("kl-sum", lambda x, t: F.kl_div(x.log_softmax(-1), t, reduction="sum"), P, low=[-2, 0], high=[2, 1], frozen=(1,))
row("kl-none", lambda x, t: F.kl_div(x, t, reduction="none"), values=[[[-1.0, -2.0], [-0.5, -3.0]], [[0.0, 0.4], [1.0, 0.2]]], frozen=(1,))
row("nll", lambda x, w, y: F.nll_loss(x.log_softmax(-1), y, weight=w), [(5, 3), (3,)], low=[-2, 0.5], high=[2, 2], frozen=(1,), ints=[[2, 0, 1, 1, 2]])
row("nll-ignored", lambda x, y: F.nll_loss(x, y, ignore_index=1), [(5, 3)], ints=[[2, 0, 1, 1, 2]])
row("nll-none", lambda x, y: F.nll_loss(x, y, reduction="none"), [(5, 3)], ints=[[2, 0, 1, 1, 2]])
row("cosine-similarity", lambda a, b: F.cosine_similarity(a, b, dim=-1), [(3, 4), (3, 4)])
row("cosine-embedding", lambda a, b, y: F.cosine_embedding_loss(a, b, y, margin=-0.9),
    values=[[[1.0, 2.0, 0.5], [0.3, -1.0, 2.0]], [[0.5, -1.0, 2.0], [1.0, 1.0, 0.7]], [1.0, -1.0]], frozen=(2,))
row("hinge", lambda x, t: F.relu(1 - t * x).mean(), values=[[0.5, -2.0, 3.0, -0.4], [1.0, 1.0, 1.0, -1.0]], frozen=(1,))
row("margin-ranking", lambda a, b, y: F.margin_ranking_loss(a, b, y, margin=0.5),
    values=[[0.5, 2.0, -1.0], [1.0, -1.0, 0.2], [1.0, 1.0, -1.0]], frozen=(2,))
row("triplet", lambda a, p, n: F.triplet_margin_loss(a, p, n, margin=5.0), [(3, 4), (3, 4), (3, 4)])
row("bpr", lambda a, b: -F.logsigmoid(a - b).mean(), [(6,), (6,)])


T = [(3, 4), (3, 4), (3, 4)]
row("triplet-swap", lambda a, p, n: F.triplet_margin_loss(a, p, n, margin=5.0, p=1, swap=True), T, low=[-2, 0, 1], high=[-1, 1, 2])
row("triplet-p3", lambda a, p, n: F.triplet_margin_loss(a, p, n, margin=5.0, p=3, reduction="none"), T, low=[-2, 0, 1], high=[-1, 0.8, 2])
row("hinge-squared", lambda x, t: (F.relu(1 - t * x) ** 2).mean(), values=[[0.5, -2.0, 3.0, -0.4], [1.0, 1.0, 1.0, -1.0]], frozen=(1,))
row("hinge-embedding", lambda x, y: F.hinge_embedding_loss(x, y, margin=2.0), values=[[0.5, 1.0, 3.0, 1.4], [1.0, -1.0, -1.0, -1.0]], frozen=(1,))
row("margin-ranking-weighted", lambda a, b, y, w: (F.margin_ranking_loss(a, b, y, margin=0.5, reduction="none") * w).sum(),
    values=[[0.5, 2.0, -1.0], [1.0, -1.0, 0.2], [1.0, 1.0, -1.0], [2.0, 0.5, 3.0]], frozen=(2, 3))
row("poisson", F.poisson_nll_loss, P, low=[-1, 0], high=[1, 5], frozen=(1,))
row("poisson-full", lambda x, t: F.poisson_nll_loss(x, t, full=True, reduction="sum"), P, low=[-1, 0], high=[1, 5], frozen=(1,))
row("poisson-rate", lambda x, t, w: F.poisson_nll_loss(x, t, log_input=False, full=True, eps=1e-2, reduction="none") * w, [(3, 4), (3, 4), (3, 1)], low=[0.5, 0, 0], high=[2, 5, 2], frozen=(1, 2))
row("gaussian", lambda x, t, v: F.gaussian_nll_loss(x, t, v), T, low=[-2, -2, 0.3], high=[2, 2, 2])
row("gaussian-row", lambda x, t, v: F.gaussian_nll_loss(x, t, v, full=True, reduction="sum"), [(3, 4), (3, 4), (3, 1)], low=[-2, -2, 0.3], high=[2, 2, 2])
row("gaussian-least", lambda x, t, v: F.gaussian_nll_loss(x, t, v, eps=0.5), T, low=[-2, -2, 0.1], high=[2, 2, 1])


def focal(x, t, alpha, gamma):
    """Lin et al. 2017, eq. 5, in the form of torchvision.ops.sigmoid_focal_loss."""
    p = x.sigmoid()
    p = p * t + (1 - p) * (1 - t)
    loss = F.binary_cross_entropy_with_logits(x, t, reduction="none") * (1 - p) ** gamma
    return loss if alpha is None else loss * (alpha * t + (1 - alpha) * (1 - t))


def focal_classes(x, y, gamma, alpha=None, ignore=-100):
    own = x.log_softmax(-1)[torch.arange(len(y)), y.clamp(0)]
    loss = -own * (1 - own.exp()) ** gamma
    if alpha is not None:
        loss = loss * alpha[y.clamp(0)]
    keep = y != ignore
    return (loss * keep).sum() / keep.sum()


row("focal-binary", lambda x, t: focal(x, t, 0.25, 2).mean(), values=[[[0.5, -2.0], [3.0, -0.4]], [[1.0, 1.0], [0.0, 0.0]]], frozen=(1,))
row("focal-binary-plain", lambda x, t, w: focal(x, t, None, 0.5) * w, [(3, 4), (3, 4), (3, 1)], low=[-3, 0, 0], high=[3, 1, 2], frozen=(1, 2))
row("focal-binary-entropy", lambda x, t: focal(x, t, 0.7, 0).sum(), P, low=[-3, 0], high=[3, 1], frozen=(1,))
row("focal", lambda x, y: focal_classes(x, y, 2), [(5, 3)], ints=[[2, 0, 1, 1, 2]])
row("focal-weighted", lambda x, a, y: focal_classes(x, y, 1.5, a, 1), [(5, 3), (3,)], low=[-2, 0.5], high=[2, 2], frozen=(1,), ints=[[2, 0, 1, 1, 2]])
row("focal-entropy", lambda x, y: focal_classes(x, y, 0), [(5, 3)], ints=[[2, 0, 1, 1, 2]])


def infonce(q, k, t, normalize=True, reduction="mean"):
    if normalize:
        q, k = F.normalize(q), F.normalize(k)
    return F.cross_entropy(q @ k.T / t, torch.arange(len(q)), reduction=reduction)


row("infonce", lambda q, k: infonce(q, k, 0.5), [(4, 3), (4, 3)])
row("infonce-symmetric", lambda q, k, w: ((infonce(q, k, 0.5, reduction="none") + infonce(k, q, 0.5, reduction="none")) / 2 * w).mean(), [(4, 3), (4, 3), (4,)], frozen=(2,))
row("infonce-negatives", lambda q, k, n: infonce(q, torch.cat([k, n]), 2, False, "none"), [(4, 3), (4, 3), (2, 3)])


def sampled_softmax(x, w, y, s, q, bias=None, hits=True, reduction="mean"):
    """Cross-entropy over the right class and the sampled ones, each logit less ln(S Q)."""
    b = torch.zeros(len(w), dtype=w.dtype) if bias is None else bias
    expected = (q * len(s)).log()
    own = (x * w[y]).sum(1) + b[y] - expected[y]
    others = x @ w[s].T + b[s] - expected[s]
    if hits:
        others = others.masked_fill(s[None] == y[:, None], -torch.inf)
    return F.cross_entropy(torch.cat([own[:, None], others], 1), torch.zeros(len(y), dtype=torch.int64), reduction=reduction)


EVEN, ZIPF = torch.full((7,), 1 / 7, dtype=torch.float64), (torch.arange(2.0, 9, dtype=torch.float64) / torch.arange(1.0, 8, dtype=torch.float64)).log() / math.log(8)
S = [[2, 0, 6, 2], [0, 3, 2, 5, 3]]
row("sampled-softmax", lambda x, w, y, s: sampled_softmax(x, w, y, s, EVEN), [(4, 3), (7, 3)], ints=S)
row("sampled-softmax-log", lambda x, w, b, y, s: sampled_softmax(x, w, y, s, ZIPF, b, reduction="none"), [(4, 3), (7, 3), (7,)], ints=S)
row("sampled-softmax-hits", lambda x, w, y, s: sampled_softmax(x, w, y, s, ZIPF, hits=False, reduction="sum"), [(4, 3), (7, 3)], ints=S)


def coral(x, y, importance=1, weight=1):
    levels = (y[:, None] > torch.arange(x.shape[1])).double()
    return -((F.logsigmoid(x) * levels + (F.logsigmoid(x) - x) * (1 - levels)) * importance).sum(1) * weight


def corn(x, y):
    """Per row the sum over the tasks k with y >= k; and how many there are."""
    total, count = torch.zeros(len(y), dtype=x.dtype), 0
    for k in range(x.shape[1]):
        asked, passed = y >= k, (y > k).double()
        total = total - asked * (F.logsigmoid(x[:, k]) * passed + (F.logsigmoid(x[:, k]) - x[:, k]) * (1 - passed))
        count += asked.sum()
    return total, count


def soft_kappa(x, y):
    k, p = x.shape[1], x.softmax(1)
    w = (torch.arange(k)[:, None] - torch.arange(k)).double() ** 2 / (k - 1) ** 2
    observed = F.one_hot(y, k).double().T @ p
    chance = torch.outer(F.one_hot(y, k).double().sum(0), p.sum(0)) / len(y)
    return ((w * observed).sum() + 1e-7 * len(y)) / ((w * chance).sum() + 1e-7 * len(y))


G = [[3, 0, 1, 2, 0]]
row("coral", lambda x, y: coral(x, y).mean(), [(5, 3)], ints=G)
row("coral-weighted", lambda x, i, w, y: coral(x, y, i, w).sum(), [(5, 3), (3,), (5,)], low=[-2, 0, 0], high=[2, 2, 2], frozen=(1, 2), ints=G)
row("corn", lambda x, y: corn(x, y)[0].sum() / corn(x, y)[1], [(5, 3)], ints=G)
row("corn-none", lambda x, w, y: corn(x, y)[0] * w, [(5, 3), (5,)], frozen=(1,), ints=G)
row("soft-kappa", lambda x, y: soft_kappa(x, y).log(), [(5, 4)], ints=G)
row("soft-kappa-plain", soft_kappa, [(5, 4)], ints=G)
row("weighted-sum", lambda a, b: 0.3 * (a ** 2).mean() + 2 * b.sum(), [(3, 2), (4,)])


def ctc(**k):
    # columns: targets, then steps and symbols of each
    return lambda x, t, steps, symbols: F.ctc_loss(x.log_softmax(-1), t, steps, symbols, **k)


CTC = dict(ints=[[[1, 2, 2], [3, 3, 1], [2, 1, 3], [0, 0, 0]], [6, 7, 3, 4], [3, 2, 3, 0]])
row("ctc", ctc(), (7, 4, 4), **CTC)
row("ctc sum", ctc(reduction="sum"), (7, 4, 4), **CTC)
row("ctc none", ctc(reduction="none"), (7, 4, 4), **CTC)
row("ctc last blank", ctc(blank=3), (5, 2, 4), ints=[[[1, 0], [2, 2]], [5, 4], [2, 2]])
row("ctc impossible", ctc(zero_infinity=True, reduction="none"), (3, 2, 3), ints=[[[1, 1], [1, 2]], [2, 3], [2, 2]])
