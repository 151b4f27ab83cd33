import torch
from torch.nn import functional as F
from ops import row

CASES = [[(4, 10)], [(3, 37)], [(2, 3, 4)], [(7,)]]
LOW = dict(low=-4, high=4)

row("softmax", lambda x: x.softmax(-1), *CASES, **LOW)
row("softmax of one class", lambda x: x.softmax(-1), [(5, 1)], **LOW)
row("softmax 0", lambda x: x.softmax(0), [(4, 3)], [(5, 33)], [(3, 2, 70)], **LOW)
row("softmax 1", lambda x: x.softmax(1), [(2, 4, 3)], [(3, 2, 21)], **LOW)
row("softmax, special", lambda x: x.softmax(1), values=[[[1000, 1001, 999], [-1000, -1000, -1001], [0, -float("inf"), 1]]])
row("log softmax", lambda x: x.log_softmax(-1), *CASES, **LOW)
row("log softmax 1", lambda x: x.log_softmax(1), [(2, 4, 3)], [(3, 2, 70)], **LOW)
row("log softmax, special", lambda x: x.log_softmax(1), values=[[[1000, 1001, 999], [-1000, -1000, -1001], [0, -50, 100]]])


def ce(**k):
    return lambda x, y: F.cross_entropy(x, y, **k)


def ce_weighted(**k):
    return lambda x, w, y: F.cross_entropy(x, y, weight=w, **k)


Y = [[1, 0, 4, 2, 2, 3]]
IGNORED = [[1, -100, 4, 2, -100, 3]]
row("cross-entropy", ce(), (6, 5), ints=Y, **LOW)
row("cross-entropy of 40 classes", ce(), (3, 40), ints=[[0, 39, 17]], **LOW)
row("cross-entropy sum", ce(reduction="sum"), (6, 5), ints=Y, **LOW)
row("cross-entropy none", ce(reduction="none"), (6, 5), ints=Y, **LOW)
row("cross-entropy ignoring", ce(), (6, 5), ints=IGNORED, **LOW)
row("cross-entropy ignoring 4, none", ce(ignore_index=4, reduction="none"), (6, 5), ints=Y, **LOW)
row("cross-entropy smoothed", ce(label_smoothing=0.1), (6, 5), ints=Y, **LOW)
row("cross-entropy weighted", ce_weighted(), (6, 5), (5,), low=[-4, 0.5], high=[4, 2], frozen=(1,), ints=IGNORED)
row("cross-entropy weighted smoothed", ce_weighted(label_smoothing=0.2), (6, 5), (5,), low=[-4, 0.5], high=[4, 2], frozen=(1,), ints=IGNORED)
row("cross-entropy weighted smoothed sum", ce_weighted(label_smoothing=0.2, reduction="sum"), (6, 5), (5,), low=[-4, 0.5], high=[4, 2], frozen=(1,), ints=Y)
row("cross-entropy of one", ce(), (5,), ints=[3], **LOW)
row("cross-entropy of images", ce(), (2, 3, 2, 2), ints=[[[[0, 1], [2, 0]], [[1, 1], [-100, 2]]]], **LOW)
row("cross-entropy of images, none", ce(reduction="none"), (2, 3, 4), ints=[[[0, 1, 2, 0], [1, 1, 0, 2]]], **LOW)
row("cross-entropy, special", ce(reduction="none"), values=[[[1000, 0, -1000], [1000, 0, -1000], [5, 5, 5]]], ints=[[0, 2, 1]])

bce = F.binary_cross_entropy_with_logits
PAIR = dict(low=[-5, 0], high=[5, 1], frozen=(1,))
row("bce", lambda x, t: bce(x, t), [(4, 7), (4, 7)], [(3,), (3,)], **PAIR)
row("bce none", lambda x, t: bce(x, t, reduction="none"), [(4, 7), (4, 7)], **PAIR)
row("bce weighted sum", lambda x, t, w: bce(x, t, weight=w, reduction="sum"), [(4, 7), (4, 7), (4, 1)], low=[-5, 0, 0], high=[5, 1, 2], frozen=(1, 2))
row("bce positive weights", lambda x, t, p: bce(x, t, pos_weight=p), [(4, 7), (4, 7), (7,)], low=[-5, 0, 0.5], high=[5, 1, 4], frozen=(1, 2))
row("bce positive weights, none", lambda x, t, p: bce(x, t, pos_weight=p, reduction="none"), [(9,), (9,), (9,)], low=[-5, 0, 0.5], high=[5, 1, 4], frozen=(1, 2))
row("bce, special", lambda x, t: bce(x, t, reduction="none"), values=[[100, -100, 100, -100, 0, 30], [1, 1, 0, 0, 0.5, 1]], frozen=(1,))

P = ([[0.5, 0.25, 0.25], [1, 0, 0], [0.1, 0.2, 0.7]], [0.5, 1, 2])
X = [[1, -2, 0.5], [3, 0, -1], [0.2, 0.1, 2]]
row("cross-entropy of probabilities", lambda x, t: F.cross_entropy(x, t), values=[X, P[0]])
row("cross-entropy of probabilities weighted smoothed", lambda x, t, w: F.cross_entropy(x, t, w, label_smoothing=0.2), values=[X, *P], frozen=(2,))
row("cross-entropy of probabilities sum", lambda x, t: F.cross_entropy(x, t, reduction="sum"), [(3, 4, 5), (3, 4, 5)], low=[-4, 0], high=[4, 1])
row("cross-entropy of probabilities none", lambda x, t, w: F.cross_entropy(x, t, w, reduction="none"), [(3, 4, 2), (3, 4, 2), (4,)], low=[-4, 0, 0.5], high=[4, 1, 2], frozen=(2,))
row("cross-entropy of one row of probabilities", lambda x, t: F.cross_entropy(x, t), [(4,), (4,)], low=[-4, 0], high=[4, 1])
