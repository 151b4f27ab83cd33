import torch
import torch.nn.functional as F

from ops import row


def batch_norm(training):
    # the statistics that move are copies: a golden value has no side effects
    return lambda x, w, b, m, v: F.batch_norm(x, m.clone(), v.clone(), w, b, training=training)


BATCH = [[(6, 5), (5,), (5,), (5,), (5,)], [(7, 19), (19,), (19,), (19,), (19,)], [(3, 2, 7), (2,), (2,), (2,), (2,)], [(2, 3, 4, 5), (3,), (3,), (3,), (3,)]]
WIDTHS = dict(low=[-2, 0.5, -1, -1, 0.5], high=[2, 1.5, 1, 1, 1.5], frozen=(3, 4))

row("layer-norm", lambda x, w, b: F.layer_norm(x, x.shape[-1:], w, b), [(3, 7), (7,), (7,)], [(2, 3, 40), (40,), (40,)], [(1, 67), (67,), (67,)])
row("layer-norm two axes", lambda x, w, b: F.layer_norm(x, x.shape[-2:], w, b), (3, 4, 5), (4, 5), (4, 5))
row("layer-norm plain", lambda x: F.layer_norm(x, x.shape[-1:], eps=0.1), [(5, 6)], [(9,)])
row("layer-norm far from 0", lambda x: F.layer_norm(x, x.shape[-1:]), (3, 50), low=999, high=1001)
row("rms-norm", lambda x, w: x / (x.square().mean(-1, keepdim=True) + 1e-5).sqrt() * w, [(3, 7), (7,)], [(2, 2, 33), (33,)])
row("group-norm", lambda x, w, b: F.group_norm(x, 2, w, b), [(3, 8), (8,), (8,)], [(2, 6, 3, 2), (6,), (6,)])
row("group-norm of images", lambda x, w, b: F.group_norm(x, 2, w, b), [(2, 4, 5, 4), (4,), (4,)])
row("batch-norm training", batch_norm(True), *BATCH, **WIDTHS)
row("batch-norm in use", batch_norm(False), *BATCH, **WIDTHS)
row("batch-norm plain", lambda x: F.batch_norm(x, None, None, training=True), [(5, 18)], [(2, 3, 9)])


def instance_norm(training):
    return lambda x, w, b, mean, variance: F.instance_norm(x, mean.detach().clone(), variance.detach().clone(), w, b, use_input_stats=training)


INSTANCES = [(3, 4, 7), (4,), (4,), (4,), (4,)], [(2, 3, 3, 2), (3,), (3,), (3,), (3,)]
row("instance-norm training", instance_norm(True), *INSTANCES, **WIDTHS)
row("instance-norm in use", instance_norm(False), *INSTANCES, **WIDTHS)
row("instance-norm plain", lambda x: F.instance_norm(x), [(3, 4, 7)], [(2, 3, 3, 2)])
