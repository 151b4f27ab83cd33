"""Models that PyTorch wrote as ONNX files, with inputs and outputs: what OnnxFile.Load must compute.

  python3 tests/golden/onnx_models.py        writes tests/DeepEdu.Tests/Golden/onnx.json (made with PyTorch 1.13 and the package onnx 1.12)
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
case("batch-norm-rows", nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, 1)), r(3, 4), again=(r(1, 4),), open_axes=B)
case("vectors", Fn(lambda x, v: (x @ v, v @ x.transpose(1, 2), v @ v)), r(2, 3, 4), r(4))
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



# operators that PyTorch does not write, or in versions that it does not: one each, with PyTorch's numbers
def node(name, op, inputs, outputs, opset=13, constants=(), **attributes):
    from onnx import TensorProto, helper, numpy_helper
    kinds = {torch.float32: TensorProto.FLOAT, torch.int64: TensorProto.INT64, torch.int32: TensorProto.INT32, torch.bool: TensorProto.BOOL, torch.uint8: TensorProto.UINT8, torch.int8: TensorProto.INT8}
    names = ["" if x is None else f"c{i}" if i in constants else f"x{i}" for i, x in enumerate(inputs)]
    free = [i for i, x in enumerate(inputs) if x is not None and i not in constants]
    ys = ["" if y is None else f"y{i}" for i, y in enumerate(outputs)]
    graph = helper.make_graph([helper.make_node(op, names, ys, **attributes)], "one",
                              [helper.make_tensor_value_info(f"x{i}", kinds[inputs[i].dtype], inputs[i].shape) for i in free],
                              [helper.make_tensor_value_info(n, kinds[y.dtype], y.shape) for n, y in zip(ys, outputs) if y is not None],
                              [numpy_helper.from_array(inputs[i].numpy(), f"c{i}") for i in constants if inputs[i] is not None])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    CASES[name] = {"file": base64.b64encode(model.SerializeToString()).decode(), "runs": [{"inputs": [array(inputs[i]) for i in free], "outputs": [array(y) for y in outputs if y is not None]}]}


L = torch.tensor
x = r(2, 3, 5, 6)
w = r(4, 3, 3, 2)
node("node-conv-same-upper", "Conv", [x, w], [F.conv2d(F.pad(x, (0, 1, 1, 1)), w)], constants=(1,), auto_pad="SAME_UPPER")
node("node-conv-same-lower-2", "Conv", [x, w], [F.conv2d(F.pad(x, (0, 0, 1, 1)), w, stride=2)], constants=(1,), auto_pad="SAME_LOWER", strides=[2, 2])
b = r(4)
node("node-conv-uneven", "Conv", [x, w, b], [F.conv2d(F.pad(x, (0, 2, 1, 0)), w, b)], constants=(1, 2), pads=[1, 0, 0, 2])
t = r(3, 2, 3, 3)
full = F.conv_transpose2d(x, t, stride=2)
node("node-conv-transpose-shape", "ConvTranspose", [x, t], [full[:, :, 0:10, 0:12]], constants=(1,), strides=[2, 2], auto_pad="SAME_UPPER")
node("node-conv-transpose-uneven", "ConvTranspose", [x, t], [full[:, :, 1:, :-1]], constants=(1,), strides=[2, 2], pads=[1, 0, 0, 1])
node("node-max-pool-same", "MaxPool", [x], [F.max_pool2d(F.pad(x, (0, 1, 0, 1), value=float("-inf")), 2, 1)], kernel_shape=[2, 2], auto_pad="SAME_UPPER")
node("node-average-pool-same", "AveragePool", [x], [F.avg_pool2d(F.pad(x, (0, 1, 0, 1)), 2, 1) / F.avg_pool2d(F.pad(torch.ones_like(x), (0, 1, 0, 1)), 2, 1)], kernel_shape=[2, 2], auto_pad="SAME_UPPER")
node("node-global-max-pool", "GlobalMaxPool", [x], [x.amax((2, 3), keepdim=True)])
node("node-lrn", "LRN", [x], [nn.LocalResponseNorm(3, 0.002, 0.6, 1.5)(x)], size=3, alpha=0.002, beta=0.6, bias=1.5)
node("node-lp", "LpNormalization", [x], [F.normalize(x, p=1, dim=1)], axis=1, p=1)
node("node-mean-variance", "MeanVarianceNormalization", [x], [(x - x.mean((0, 2, 3), True)) / x.var((0, 2, 3), unbiased=False, keepdim=True).sqrt()])
node("node-layer-norm-axis", "LayerNormalization", [x, t[0, 0, 0, 0] * torch.ones(5, 6), torch.ones(5, 6)], [F.layer_norm(x, (5, 6)) * t[0, 0, 0, 0] + 1], opset=17, constants=(1, 2), axis=-2)
node("node-gelu-softmax-9", "Softmax", [x], [x.flatten(1).softmax(1).reshape(x.shape)], opset=9)
d = r(1, 8, 2, 3)
node("node-depth-to-space", "DepthToSpace", [d], [d.reshape(1, 2, 2, 2, 2, 3).permute(0, 3, 4, 1, 5, 2).reshape(1, 2, 4, 6)], blocksize=2)
s = r(1, 2, 4, 6)
node("node-space-to-depth", "SpaceToDepth", [s], [s.reshape(1, 2, 2, 2, 3, 2).permute(0, 3, 5, 1, 2, 4).reshape(1, 8, 2, 3)], blocksize=2)
a1, b1 = r(2, 3), r(2, 4)
node("node-gemm", "Gemm", [a1, b1, b], [0.5 * (a1.t() @ b1) + 2 * b], constants=(2,), alpha=0.5, beta=2.0, transA=1)
node("node-einsum", "Einsum", [a1, b1], [torch.einsum("bi,bj->ij", a1, b1)], equation="bi,bj->ij")
# versions before 13, whose axes and the like are attributes
node("node-add-6", "Add", [x, L([1.0, 2.0, 3.0])], [x + L([1.0, 2.0, 3.0])[:, None, None]], opset=6, constants=(1,), broadcast=1, axis=1)
node("node-squeeze-9", "Squeeze", [x[:1, :1]], [x[0, 0]], opset=9, axes=[0, 1])
node("node-unsqueeze-9", "Unsqueeze", [a1], [a1[:, None, :, None]], opset=9, axes=[1, 3])
node("node-reduce-sum-9", "ReduceSum", [x], [x.sum((1, 3))], opset=9, axes=[1, -1], keepdims=0)
node("node-slice-9", "Slice", [x], [x[:, 1:, :-1]], opset=9, axes=[1, 2], starts=[1, 0], ends=[9223372036854775807, -1])
node("node-slice-back", "Slice", [x, L([-1]), L([-9223372036854775808]), L([3]), L([-2])], [x.flip(3)[..., ::2]], constants=(1, 2, 3, 4))
node("node-pad-9", "Pad", [a1], [F.pad(a1, (1, 2, 0, 1), value=0.5)], opset=9, pads=[0, 1, 1, 2], value=0.5)
node("node-pad-wrap", "Pad", [x, L([0, 0, 2, 1, 0, 0, 0, 3])], [F.pad(x, (1, 3, 2, 0), mode="circular")], opset=19, constants=(1,), mode="wrap")
node("node-pad-less", "Pad", [a1, L([0, -1, 0, 1])], [F.pad(a1, (-1, 1))], constants=(1,))
node("node-clip-9", "Clip", [a1], [a1.clamp(-0.3, 0.3)], opset=9, min=-0.3, max=0.3)
node("node-split-9", "Split", [x], [x[:, :1], x[:, 1:]], opset=9, axis=1, split=[1, 2])
node("node-upsample-7", "Upsample", [x], [F.interpolate(x, scale_factor=2)], opset=7, mode="nearest", scales=[1.0, 1.0, 2.0, 2.0])
node("node-resize-ceil", "Resize", [L([[[1.0, 2, 3, 4]]]), None, L([1.0, 1.0, 0.75])], [L([[[1.0, 3, 4]]])], constants=(2,), mode="nearest", nearest_mode="ceil", coordinate_transformation_mode="asymmetric")
node("node-gather-nd", "GatherND", [x, L([[0, 1], [1, -1]])], [torch.stack([x[0, 1], x[1, 2]])], constants=(1,))
node("node-scatter-nd", "ScatterND", [a1, L([[0, 2], [1, 0]]), L([7.0, 8.0])], [a1.clone().index_put((L([0, 1]), L([2, 0])), L([7.0, 8.0]))], constants=(1,))
node("node-scatter-nd-add", "ScatterND", [b1, L([[1], [1]]), b1], [b1 + torch.stack([torch.zeros(4), b1[0] + b1[1]])], opset=16, constants=(1,), reduction="add")
node("node-one-hot-axis", "OneHot", [L([[1, -1], [0, 2]]), L([3]), L([-1.0, 2.0])], [(F.one_hot(L([[1, 2], [0, 2]]), 3).permute(2, 0, 1) * 3 - 1).float()], constants=(1, 2), axis=0)
node("node-cumsum-reverse", "CumSum", [a1, L(1)], [a1.flip(1).cumsum(1).flip(1) - a1], constants=(1,), reverse=1, exclusive=1)
node("node-thresholded", "ThresholdedRelu", [a1], [F.threshold(a1, 0.4, 0)], alpha=0.4)
node("node-shrink", "Shrink", [a1], [F.softshrink(a1, 0.3)], lambd=0.3, bias=0.3)
node("node-prelu", "PRelu", [a1, L([0.1, 0.2, 0.3])], [torch.where(a1 > 0, a1, a1 * L([0.1, 0.2, 0.3]))], constants=(1,))
node("node-quantize", "QuantizeLinear", [a1 * 20, L(0.25), L(3, dtype=torch.int8)], [(a1 * 80).round().add(3).clamp(-128, 127).to(torch.int8)], constants=(1, 2))
node("node-dequantize-axis", "DequantizeLinear", [L([[0, 100], [128, 255]], dtype=torch.uint8), L([0.5, 0.25]), L([128, 0], dtype=torch.uint8)], [L([[-64.0, 25], [0, 63.75]])], constants=(1, 2), axis=1)
node("node-dequantize-constant", "DequantizeLinear", [L([[-5, 100]], dtype=torch.int8), L(0.5)], [L([[-2.5, 50.0]])], constants=(0, 1))
node("node-mod", "Mod", [L([-7, 7, -8]), L([3, -3, 4])], [L([2, -2, 0])])
node("node-fmod", "Mod", [L([-7.5, 7.5]), L([3.0, -3.0])], [L([-1.5, 1.5])], fmod=1)
node("node-divide-whole", "Div", [L([-7, 7]), L([2, 2])], [L([-3, 3])])
node("node-trilu", "Trilu", [a1, L(1)], [a1.triu(1)], opset=14, constants=(1,))
node("node-topk-lowest", "TopK", [a1, L([2])], list(a1.topk(2, 1, largest=False)), constants=(1,), largest=0)
node("node-mean-of-three", "Mean", [a1, a1 * 2, L([1.0])], [(a1 * 3 + 1) / 3])

# sequences: lengths, the batch first, the other GRU
xs = r(5, 3, 2)
lengths = torch.tensor([5, 2, 3])
for cell, gates, order in ((nn.LSTM, 4, [0, 3, 1, 2]), (nn.GRU, 3, [1, 0, 2])):
    m = cell(2, 3, bidirectional=True)
    blocks = lambda p: torch.cat([p.detach().chunk(gates)[i] for i in order])
    W = torch.stack([blocks(m.weight_ih_l0), blocks(m.weight_ih_l0_reverse)])
    R = torch.stack([blocks(m.weight_hh_l0), blocks(m.weight_hh_l0_reverse)])
    Bias = torch.stack([torch.cat([blocks(m.bias_ih_l0), blocks(m.bias_hh_l0)]), torch.cat([blocks(m.bias_ih_l0_reverse), blocks(m.bias_hh_l0_reverse)])])
    packed = nn.utils.rnn.pack_padded_sequence(xs, lengths, enforce_sorted=False)
    y, last = m(packed)
    y = nn.utils.rnn.pad_packed_sequence(y)[0].reshape(5, 3, 2, 3).permute(0, 2, 1, 3)
    last = last if isinstance(last, tuple) else (last,)
    more = {"linear_before_reset": 1} if gates == 3 else {}
    node(f"node-{cell.__name__.lower()}-lengths", cell.__name__, [xs, W, R, Bias, lengths.int()], [y, *last], opset=14, constants=(1, 2, 3), hidden_size=3, direction="bidirectional", **more)
    node(f"node-{cell.__name__.lower()}-layout", cell.__name__, [xs.transpose(0, 1).contiguous(), W, R, Bias, lengths.int()], [y.permute(2, 0, 1, 3), *(h.transpose(0, 1) for h in last)], opset=14, constants=(1, 2, 3), hidden_size=3,
         direction="bidirectional", layout=1, **more)
    node(f"node-{cell.__name__.lower()}-computed-weights", cell.__name__, [xs, W, R, Bias], [m(xs)[0].reshape(5, 3, 2, 3).permute(0, 2, 1, 3)], opset=14, hidden_size=3, direction="bidirectional", **more)

path = os.path.join(os.path.dirname(__file__), "..", "DeepEdu.Tests", "Golden", "onnx.json")
with open(path, "w") as f:
    json.dump(CASES, f, separators=(",", ":"))
    f.write("\n")
print(len(CASES), "cases,", os.path.getsize(path) // 1024, "KiB")
