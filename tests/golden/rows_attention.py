import math

import torch
from ops import row


def parts(x, heads):
    # [.., T, heads*d] -> [.., heads, T, d]
    return x.reshape(*x.shape[:-1], heads, -1).transpose(-2, -3)


def attention(q, k, v, heads=1, mask=None, scale=None):
    """Vaswani et al. 2017, eq. 1; a row without keys is 0."""
    q, k, v = parts(q, heads), parts(k, heads), parts(v, heads)
    s = q @ k.transpose(-1, -2) * (scale or 1 / math.sqrt(q.shape[-1]))
    if mask is not None:
        s = s + mask
    none = (s == -math.inf).all(-1, keepdim=True)
    p = s.masked_fill(none, 0).softmax(-1).masked_fill(none, 0)
    y = (p @ v).transpose(-2, -3)
    return y.reshape(*y.shape[:-2], -1)


def past(queries, keys, offset=0):
    return torch.full((queries, keys), -math.inf, dtype=torch.float64).triu(1 + offset)


def lengths(n, keys):
    # [batch, 1, 1, keys]
    return torch.zeros(len(n), keys, dtype=torch.float64).masked_fill(torch.arange(keys) >= n[:, None], -math.inf)[:, None, None]


def packed(x, heads, **k):
    return attention(*x.chunk(3, -1), heads, **k)


QKV = [(2, 5, 8), (2, 7, 8), (2, 7, 12)]
# long enough for several blocks of 64 queries and 96 keys, with tails
LONG = [(1, 70, 4), (1, 101, 4), (1, 101, 4)]

row("attention", attention, [(4, 3), (6, 3), (6, 5)], [(2, 2, 3, 4), (2, 2, 3, 4), (2, 2, 3, 4)], LONG, low=-1, high=1)
row("attention of heads", lambda *x: attention(*x, heads=4), QKV, low=-1, high=1)
row("attention scaled", lambda *x: attention(*x, heads=2, scale=0.3), QKV, low=-1, high=1)
row("attention causal", lambda *x: attention(*x, heads=2, mask=past(x[0].shape[-2], x[1].shape[-2])), QKV, [(1, 70, 4), (1, 70, 4), (1, 70, 4)], low=-1, high=1)
row("attention causal, offset", lambda *x: attention(*x, heads=2, mask=past(5, 7, 2)), QKV, low=-1, high=1)
row("attention lengths", lambda q, k, v, n: attention(q, k, v, 2, lengths(n, k.shape[-2])), [(3, 5, 8), (3, 7, 8), (3, 7, 12)], ints=[[7, 0, 3]], low=-1, high=1)
row("attention lengths, causal", lambda q, k, v, n: attention(q, k, v, 2, lengths(n, 7) + past(7, 7)), [(3, 7, 8), (3, 7, 8), (3, 7, 12)], ints=[[7, 0, 3]], low=-1, high=1)
row("attention keys", lambda q, k, v, n: attention(q, k, v, 2, torch.zeros(2, 1, 1, 7).double().masked_fill(n[:, None, None] == 0, -math.inf)), QKV,
    ints=[[[1, 0, 1, 1, 0, 0, 1], [0, 0, 0, 0, 0, 0, 0]]], low=-1, high=1)
row("attention scores", lambda q, k, v, m: attention(q, k, v, 2, m), [*QKV, (2, 2, 5, 7)], [*QKV, (2, 1, 5, 7)], [*QKV, (5, 7)], [*QKV, (2, 1, 1)], low=-1, high=1, frozen=(3,))
row("attention scores, learned", lambda q, k, v, m: attention(q, k, v, 2, m), [*QKV, (2, 2, 5, 7)], [*QKV, (5, 7)], low=-1, high=1)
row("attention scores, keys", lambda q, k, v, m, n: attention(q, k, v, 2, m + torch.zeros(2, 1, 1, 7).double().masked_fill(n[:, None, None] == 0, -math.inf)), [*QKV, (5, 7)],
    ints=[[[1, 0, 1, 1, 0, 0, 1], [0, 1, 1, 1, 1, 1, 1]]], low=-1, high=1, frozen=(3,))
row("self-attention", lambda x: packed(x, 2), [(2, 5, 24)], [(7, 6)], low=-1, high=1)
row("self-attention causal", lambda x: packed(x, 2, mask=past(x.shape[-2], x.shape[-2])), [(2, 5, 24)], [(1, 98, 6)], low=-1, high=1)


def rotary(x, c, s, heads, past, halves):
    """Su et al. 2021, eq. 34; what stands behind the heads stays."""
    d = 2 * c.shape[1]
    turned, rest = x[..., :heads * d].unflatten(-1, (heads, d)), x[..., heads * d:]
    c, s = (t[past:past + x.shape[-2], None] for t in (c, s))
    if halves:
        a, b = turned.chunk(2, -1)
        turned = torch.cat([a * c - b * s, a * s + b * c], -1)
    else:
        a, b = turned[..., 0::2], turned[..., 1::2]
        turned = torch.stack([a * c - b * s, a * s + b * c], -1).flatten(-2)
    return torch.cat([turned.flatten(-2), rest], -1)


TABLES = [(6, 3), (6, 3)]
row("rotary", lambda *x: rotary(*x, 2, 1, False), [(2, 5, 15), *TABLES], [(4, 12), *TABLES], frozen=(1, 2))
row("rotary halves", lambda *x: rotary(*x, 2, 1, True), [(2, 5, 15), *TABLES], [(2, 70), (6, 17), (6, 17)], frozen=(1, 2))
