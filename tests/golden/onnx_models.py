"""Models that PyTorch wrote as ONNX files, with inputs and outputs: what OnnxFile.Load must compute.

  python3 tests/golden/onnx_models.py        writes tests/DeepEdu.Tests/Golden/onnx.json (made with PyTorch 1.13)
"""
import base64
import io
import json
import os
import warnings

import torch
import torch.nn.functional as F
from torch import nn

warnings.filterwarnings("ignore")
torch.manual_seed(7)
CASES = {}


def case(name, module, *inputs, again=None, opset=13, open_axes=None, gradients=False):
    """again: other inputs for the same file; open_axes: {input: {axis: name}}."""
    module.eval()
    for p in module.parameters():
        p.data = (p.data * 64).round() / 64  # few digits
    names = [f"x{i}" for i in range(len(inputs))]
    out = module(*inputs)
    results = [f"y{i}" for i in range(len(out))] if isinstance(out, (tuple, list)) else ["y0"]
    f = io.BytesIO()
    torch.onnx.export(module, inputs, f, opset_version=opset, input_names=names, output_names=results, dynamic_axes=open_axes or {})
    runs = []
    for given in [inputs] + ([again] if again else []):
        out = module(*given)
        out = out if isinstance(out, (tuple, list)) else (out,)
        run = {"inputs": [array(x) for x in given], "outputs": [array(y) for y in out]}
        if gradients:
            module.zero_grad()
            sum((y * torch.cos(torch.arange(y.numel(), dtype=y.dtype).reshape(y.shape))).sum() for y in out).backward()
            run["gradients"] = {n: array(p.grad) for n, p in module.named_parameters() if p.grad is not None}
        runs.append(run)
    CASES[name] = {"file": base64.b64encode(f.getvalue()).decode(), "runs": runs}


def array(x):
    return {"shape": list(x.shape), "values": [float(f"{v:.8g}") if x.is_floating_point() else int(v) for v in x.detach().reshape(-1).tolist()]}


class Fn(nn.Module):
    """A function, with modules that it uses."""
    def __init__(self, f, *parts):
        super().__init__()
        self.f, self.parts = f, nn.ModuleList(parts)

    def forward(self, *x):
        return self.f(*x, *self.parts)


B = {"x0": {0: "batch"}}
r = torch.randn

case("mlp", nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3), nn.Softmax(-1)), r(2, 4), again=(r(5, 4),), open_axes=B, gradients=True)
case("mlp-3d", nn.Sequential(nn.Linear(4, 6), nn.GELU(), nn.Linear(6, 2, bias=False)), r(2, 3, 4), again=(r(4, 1, 4),), open_axes={"x0": {0: "b", 1: "t"}})
for opset in (9, 11, 13, 16):
    case(f"cnn-{opset}", nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3, groups=2, stride=2), nn.LeakyReLU(0.2),
         nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3), nn.LogSoftmax(-1)), r(2, 1, 10, 10), again=(r(3, 1, 10, 10),), opset=opset, open_axes=B, gradients=opset == 13)
case("cnn-1d", nn.Sequential(nn.Conv1d(3, 4, 3, dilation=2), nn.ELU(), nn.AvgPool1d(2), nn.MaxPool1d(3, 2, padding=1), nn.ConvTranspose1d(4, 2, 3, stride=2, output_padding=1)), r(2, 3, 17), gradients=False)
case("autoencoder", nn.Sequential(nn.Conv2d(1, 3, 3, stride=2, padding=1), nn.SiLU(), nn.ConvTranspose2d(3, 1, 4, stride=2, padding=1), nn.Sigmoid()), r(2, 1, 8, 8), open_axes=B)
case("norms", nn.Sequential(nn.Conv2d(2, 6, 1), nn.GroupNorm(3, 6), nn.InstanceNorm2d(6, affine=True), nn.PReLU(6), nn.Softplus(), nn.Hardswish()), r(2, 2, 5, 4))
case("layer-norm", nn.Sequential(nn.LayerNorm(6), nn.Linear(6, 6), nn.Tanh(), nn.LayerNorm((4, 6), elementwise_affine=False)), r(3, 4, 6), gradients=True)
case("layer-norm-17", nn.Sequential(nn.LayerNorm(6), nn.Hardsigmoid(), nn.Mish()), r(3, 4, 6), opset=16)
for name, mode, corners in (("nearest", "nearest", None), ("bilinear", "bilinear", False), ("bilinear-corners", "bilinear", True), ("bicubic", "bicubic", False)):
    case(f"resize-{name}", Fn(lambda x, m=mode, c=corners: F.interpolate(x, scale_factor=2, mode=m, align_corners=c)), r(1, 2, 4, 5))
    case(f"resize-{name}-down", Fn(lambda x, m=mode, c=corners: F.interpolate(x, size=(3, 7), mode=m, align_corners=c)), r(1, 2, 6, 5))
case("pixel-shuffle", nn.Sequential(nn.Conv2d(1, 8, 1), nn.PixelShuffle(2), nn.ZeroPad2d((1, 2, 0, 1)), nn.ReflectionPad2d(1), nn.ReplicationPad2d(1)), r(1, 1, 4, 4))
case("pool-uneven", Fn(lambda x: F.avg_pool2d(F.pad(x, (0, 1, 1, 0)), 3, 2, 1, count_include_pad=False)), r(1, 2, 7, 6))
case("pool-ceil", Fn(lambda x: F.max_pool2d(x, 3, 2, 1, ceil_mode=True)), r(1, 2, 8, 7), opset=11)
case("lrn", nn.LocalResponseNorm(3), r(2, 5, 3, 3))


class Tagger(nn.Module):
    def __init__(self, cell, **more):
        super().__init__()
        self.e, self.r = nn.Embedding(11, 5), cell(5, 4, batch_first=True, bidirectional=True, num_layers=2, **more)
        self.d = nn.Linear(8, 3)

    def forward(self, tokens):
        return self.d(self.r(self.e(tokens))[0])


tokens = torch.randint(0, 11, (3, 6))
for cell in (nn.LSTM, nn.GRU, nn.RNN):
    case(f"tagger-{cell.__name__.lower()}", Tagger(cell), tokens, again=(torch.randint(0, 11, (2, 4)),), open_axes={"x0": {0: "batch", 1: "time"}})
case("lstm-states", Fn(lambda x, h, c, l: (lambda y, s: (y, s[0], s[1]))(*l(x, (h, c))), nn.LSTM(3, 4)), r(5, 2, 3), r(1, 2, 4), r(1, 2, 4))
case("rnn-relu", Fn(lambda x, l: l(x)[1], nn.RNN(3, 4, nonlinearity="relu", bias=False)), r(5, 2, 3))


class Encoder(nn.Module):
    """A transformer encoder over tokens with a mask of padding, written as most people write it."""
    def __init__(self, vocabulary=13, width=8, heads=2, most=10):
        super().__init__()
        self.t, self.p = nn.Embedding(vocabulary, width), nn.Embedding(most, width)
        self.n1, self.n2, self.qkv, self.o = nn.LayerNorm(width), nn.LayerNorm(width), nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.f1, self.f2, self.heads = nn.Linear(width, 16), nn.Linear(16, width), heads
        self.out = nn.Linear(width, 2)

    def forward(self, tokens):
        b, t = tokens.shape
        mask = (tokens == 0)[:, None, None, :]
        x = self.t(tokens) + self.p(torch.arange(t)[None])
        q, k, v = self.qkv(self.n1(x)).view(b, t, 3, self.heads, -1).permute(2, 0, 3, 1, 4).unbind(0)
        a = (q @ k.transpose(-2, -1)) / q.shape[-1] ** 0.5
        a = a.masked_fill(mask, -1e9).softmax(-1)
        x = x + self.o((a @ v).transpose(1, 2).reshape(b, t, -1))
        x = x + self.f2(F.gelu(self.f1(self.n2(x))))
        keep = (tokens != 0).float().unsqueeze(-1)
        return self.out((x * keep).sum(1) / keep.sum(1).clamp(min=1))


padded = torch.tensor([[4, 5, 6, 0, 0], [1, 2, 3, 4, 12]])
case("encoder", Encoder(), padded, again=(torch.tensor([[3, 3, 9, 2, 0, 0, 0], [8, 0, 0, 0, 0, 0, 0], [1, 1, 1, 1, 1, 1, 1]]),), open_axes={"x0": {0: "batch", 1: "time"}})
case("transformer-layer", nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=True).train(False), r(2, 5, 8).requires_grad_())
case("causal", Fn(lambda x: (x @ x.transpose(1, 2)).masked_fill(torch.ones(x.shape[1], x.shape[1]).triu(1).bool(), float("-inf")).softmax(-1) @ x), r(2, 4, 3), opset=14)

case("functions", Fn(lambda x: torch.stack([x.abs(), -x, x.ceil(), x.floor(), x.round(), x.sign(), x.abs().sqrt(), 1 / (x.abs() + 1), x.exp(), (x.abs() + 1).log(), x.sin(), x.cos(), x.tan(), x.tanh(),
     torch.erf(x), x.sigmoid(), x.clamp(-0.5, 0.7), x ** 2, x ** 3, F.selu(x), F.celu(x), F.softsign(x), F.hardsigmoid(x), F.hardtanh(x), x.atan(), F.logsigmoid(x), F.relu6(x)])), r(3, 4))
case("reductions", Fn(lambda x: (x.sum(1), x.mean((0, 2), keepdim=True), x.amax(1), x.amin(-1), x.prod(1), x.norm(dim=1), x.logsumexp(2), x.std(1), x.argmax(1), x.argmin(2, keepdim=True), x.cumsum(1), x.sum())), r(2, 3, 4))
case("pieces", Fn(lambda x: (x[:, 1:], x[..., ::2], x[:, -1], x.flip(1), torch.cat([x, x], 2), x.split([1, 2], 1)[1], x.chunk(2, 2)[0], x.transpose(0, 2), x.unsqueeze(1).squeeze(0), x.expand(3, 2, 3, 4),
     x.repeat(1, 2, 1), x.roll(1, 2), x.tril(), x.flatten(1), x.reshape(-1, 6))), r(2, 3, 4), opset=14)
case("look-ups", Fn(lambda x, i: (x.gather(1, i), x.index_select(1, torch.tensor([2, 0])), x.scatter(1, i, x), x.scatter_add(1, i, x), x.topk(2, 1)[0], x.topk(2, 1)[1], F.one_hot(i, 3), x[:, i[0]], torch.where(x > 0, x, -x))),
     r(2, 3), torch.tensor([[2, 0, 1], [0, 1, 2]]), opset=16)
case("compared", Fn(lambda a, b: ((a > b).float(), (a <= b) & (a > 0), a.max(b), a.min(b), a.fmod(b), torch.remainder(a, b), a.abs().pow(b), torch.isnan(a), (a == a) ^ (b > 0))), r(2, 3), r(3) + 2)
case("einsum", Fn(lambda a, b: (torch.einsum("bij,bkj->bik", a, b), torch.baddbmm(a @ b.transpose(1, 2), a, b.transpose(1, 2), beta=0.5, alpha=2))), r(2, 3, 4), r(2, 3, 4))
case("whole", Fn(lambda i: (i + 2, i // 2, i * i - 1, i.float().mean(), (i > 2).long().sum(), i.clamp(1, 3), torch.arange(i.shape[0]) + i[:, 0], i.cumsum(1))), torch.randint(0, 6, (3, 4)), again=(torch.randint(0, 6, (5, 2)),),
     open_axes={"x0": {0: "a", 1: "b"}})


class Branches(nn.Module):
    def forward(self, x):
        if bool(x.sum() > 0):
            y = x * 2
        else:
            y = x - 1
        return y + 1


case("branches", torch.jit.script(Branches()), torch.ones(3), again=(-torch.ones(3),))
case("unet", Fn(lambda x, a, b, c: c(torch.cat([F.interpolate(b(F.max_pool2d(a(x), 2)), size=x.shape[2:]), a(x)], 1)), nn.Conv2d(1, 3, 3, padding=1), nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(7, 1, 1)), r(1, 1, 6, 8), open_axes={"x0": {0: "batch", 2: "h", 3: "w"}},
     again=(r(2, 1, 8, 4),))

path = os.path.join(os.path.dirname(__file__), "..", "DeepEdu.Tests", "Golden", "onnx.json")
with open(path, "w") as f:
    json.dump(CASES, f, separators=(",", ":"))
    f.write("\n")
print(len(CASES), "cases,", os.path.getsize(path) // 1024, "KiB")
