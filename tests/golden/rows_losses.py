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
row("bce-probabilities-saturated", F.binary_cross_entropy, values=[[0.0, 1.0, 0.0, 1.0], [0.0, 1.0, 1.0, 0.0]], frozen=(1,))
row("kl", lambda x, t: F.kl_div(x.log_softmax(-1), t, reduction="batchmean"), P, low=[-2, 0], high=[2, 1], frozen=(1,))
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
