"""Attention, positions and transformer layers. PyTorch 1.13 has no sinusoidal, learned or rotary positions: they are written out from their papers."""
import math

import torch
from torch import nn
from torch.nn import functional as F

from layers import With

HIDE = torch.tensor([[False] * 5, [False] * 2 + [True] * 3])  # lengths 5, 2
SCORES = torch.tensor([[0.3 * math.sin(5 * i + j) for j in range(5)] for i in range(5)], dtype=torch.float64)


def past(n):
    return torch.ones(n, n).triu(1).bool()


def mha(run=None, **k):
    run = run or (lambda m, x: m(x, x, x, need_weights=False)[0])
    return lambda: With(nn.MultiheadAttention(8, k.pop("heads", 2), **{"batch_first": True, **k}), run)


def both(result):
    y, w = result
    return torch.cat([y.flatten(), w.flatten()])


def cross(m, x, **k):
    # queries are the first rows, keys and values the others
    return m(x[:, :3], x[:, 3:, :m.kdim], x[:, 3:, :m.vdim], need_weights=False, **k)[0]


class Sinusoidal(nn.Module):
    """Vaswani et al. 2017, section 3.5."""

    def forward(self, x):
        places, width = x.shape[-2:]
        angle = torch.arange(places, dtype=torch.float64)[:, None] / 10000 ** (torch.arange(width) // 2 * 2 / width).double()
        return x + torch.where(torch.arange(width) % 2 == 0, angle.sin(), angle.cos())


class Learned(nn.Module):
    def __init__(self, places, width):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(places, width))

    def forward(self, x):
        return x + self.weight[:x.shape[-2]]


class Rotary(nn.MultiheadAttention):
    """Causal attention with queries and keys turned: Su et al. 2021, eq. 34, or with pairs half a head apart."""

    def __init__(self, width, heads, halves):
        super().__init__(width, heads, batch_first=True)
        self.halves = halves

    def turn(self, x):
        pairs = x.shape[-1] // 2
        angle = torch.arange(x.shape[-2], dtype=torch.float64)[:, None] / 10000 ** (torch.arange(pairs) / pairs).double()
        c, s = angle.cos(), angle.sin()
        if self.halves:
            a, b = x.chunk(2, -1)
            return torch.cat([a * c - b * s, a * s + b * c], -1)
        a, b = x[..., 0::2], x[..., 1::2]
        return torch.stack([a * c - b * s, a * s + b * c], -1).flatten(-2)

    def forward(self, x):
        q, k, v = (p.unflatten(-1, (self.num_heads, -1)).transpose(1, 2) for p in F.linear(x, self.in_proj_weight, self.in_proj_bias).chunk(3, -1))
        s = self.turn(q) @ self.turn(k).transpose(-1, -2) / math.sqrt(q.shape[-1])
        y = s.masked_fill(past(x.shape[1]), -math.inf).softmax(-1) @ v
        return self.out_proj(y.transpose(1, 2).flatten(-2))


def encoder_layer(width=8, **k):
    return nn.TransformerEncoderLayer(width, 2, 6, **{"dropout": 0.0, "batch_first": True, **k})


def decoder_layer(width=8, **k):
    return nn.TransformerDecoderLayer(width, 2, 6, **{"dropout": 0.0, "batch_first": True, **k})


def decode(m, x, **k):
    # x is the first rows, the memory the others
    return m(x[:, :4], x[:, 4:], tgt_mask=past(4), **k)


X = (2, 5, 8)
ROWS = {
    "mha": (lambda: mha()(), X),
    "mha-heads": (lambda: mha(heads=4)(), X),
    "mha-no-bias": (lambda: mha(bias=False)(), X),
    "mha-time-major": (lambda: mha(batch_first=False)(), X),
    "mha-causal": (lambda: mha(lambda m, x: m(x, x, x, attn_mask=past(5), need_weights=False)[0])(), X),
    "mha-lengths": (lambda: mha(lambda m, x: m(x, x, x, key_padding_mask=HIDE, need_weights=False)[0])(), X),
    "mha-keys": (lambda: mha(lambda m, x: m(x, x, x, key_padding_mask=HIDE.flip(1), need_weights=False)[0])(), X),
    "mha-scores": (lambda: mha(lambda m, x: m(x, x, x, attn_mask=SCORES, need_weights=False)[0])(), X),
    "mha-weights": (lambda: mha(lambda m, x: both(m(x, x, x, attn_mask=past(5))))(), X),
    "mha-weights-all": (lambda: mha(lambda m, x: both(m(x, x, x, average_attn_weights=False)))(), X),
    "mha-cross": (lambda: mha(cross)(), X),
    "mha-cross-widths": (lambda: mha(cross, kdim=6, vdim=4)(), X),
    "mha-cross-lengths": (lambda: mha(lambda m, x: cross(m, x, key_padding_mask=HIDE[:, :2] | torch.tensor([[False, True], [False, False]])))(), X),
    "mha-eval": (lambda: mha(dropout=0.4)(), X, "eval"),
    "mha-rotary": (lambda: Rotary(8, 2, False), X),
    "mha-rotary-halves": (lambda: Rotary(8, 2, True), X),
    "sinusoidal-positions": (Sinusoidal, (2, 5, 7)),
    "learned-positions": (lambda: Learned(6, 8), X),
    "encoder-layer": (lambda: encoder_layer(), X),
    "encoder-layer-gelu": (lambda: encoder_layer(activation="gelu", layer_norm_eps=1e-3), X),
    "encoder-layer-norm-first": (lambda: encoder_layer(norm_first=True, activation="gelu"), X),
    "encoder-layer-causal": (lambda: With(encoder_layer(), lambda m, x: m(x, src_mask=past(5))), X),
    "encoder-layer-lengths": (lambda: With(encoder_layer(norm_first=True), lambda m, x: m(x, src_key_padding_mask=HIDE)), X),
    "encoder-layer-time-major": (lambda: encoder_layer(batch_first=False), X),
    "encoder-layer-eval": (lambda: encoder_layer(dropout=0.3), X, "eval"),
    "encoder": (lambda: With(nn.TransformerEncoder(encoder_layer(4, norm_first=True), 2, nn.LayerNorm(4)), lambda m, x: m(x, mask=past(5))), (2, 5, 4)),
    "decoder-layer": (lambda: With(decoder_layer(), decode), (2, 7, 8)),
    "decoder-layer-norm-first": (lambda: With(decoder_layer(norm_first=True, activation="gelu"), decode), (2, 7, 8)),
    "decoder-layer-lengths": (lambda: With(decoder_layer(), lambda m, x: decode(m, x, memory_key_padding_mask=HIDE[:, 1:4])), (2, 7, 8)),
    "decoder-layer-unmasked": (lambda: With(decoder_layer(), lambda m, x: m(x[:, :4], x[:, 4:])), (2, 7, 8)),
    "decoder-layer-time-major": (lambda: With(decoder_layer(batch_first=False), lambda m, x: m(x[:4], x[4:], tgt_mask=past(4))), (7, 2, 8)),
    "decoder": (lambda: With(nn.TransformerDecoder(decoder_layer(4, norm_first=True), 2, nn.LayerNorm(4)), decode), (2, 7, 4)),
}
