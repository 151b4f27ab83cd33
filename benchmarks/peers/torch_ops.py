#!/usr/bin/env python3
"""PyTorch's side of `benchmarks -- ops`: python3 torch_ops.py THREADS small|medium|large SECONDS [ONLY]; SECONDS for each operation; JSON lines {"op", "us"}.
The cases are those of OpCases.cs, by name. PyTorch gets its best: the OpenMP build of OpenBLAS, and an allocator that keeps large blocks instead of handing them back to the system after each call
(results of 16 MB would otherwise be mapped anew, page by page, each time). ATEN_CPU_CAPABILITY=avx512 for wide kernels."""
import json, os, sys, time

OPENMP_BLAS = "/usr/lib/x86_64-linux-gnu/openblas-openmp"
KEEP = dict(MALLOC_MMAP_THRESHOLD_=str(32 << 20), MALLOC_TRIM_THRESHOLD_=str(8 << 30), MALLOC_TOP_PAD_=str(256 << 20))
if any(k not in os.environ for k in KEEP):
    os.environ.update(KEEP)
    if os.path.isdir(OPENMP_BLAS):
        os.environ["LD_LIBRARY_PATH"] = OPENMP_BLAS + ":" + os.environ.get("LD_LIBRARY_PATH", "")
    os.execv(sys.executable, [sys.executable] + sys.argv)

import torch
import torch.nn as nn
import torch.nn.functional as F

threads, size, seconds = int(sys.argv[1]), sys.argv[2], float(sys.argv[3])
only = sys.argv[4] if len(sys.argv) > 4 else ""
torch.set_num_threads(threads)
torch.manual_seed(1)
(R, C), CUBE, IMAGES, SEQ = dict(
    small=((16, 64), (4, 16, 16), (1, 4, 16, 16), (2, 8, 16)),
    medium=((256, 512), (32, 64, 64), (8, 16, 32, 32), (16, 32, 64)),
    large=((4096, 1024), (64, 256, 256), (32, 32, 64, 64), (64, 128, 128)))[size]
u = lambda shape, low: (torch.rand(shape) * (3 - low) + low)
x, y, pos, row, col, cube, im, seq = u((R, C), -3), u((R, C), -3), u((R, C), .01), u(C, -1), u((R, 1), -1), u(CUBE, -3), u(IMAGES, -3), u(SEQ, -1)
lines, mask, targets = seq.reshape(SEQ[0], SEQ[2], SEQ[1]), x > 0, (x > 0).float()
rows, columns, labels = torch.randint(0, R, (R,)), torch.randint(0, C, (R, C)), torch.randint(0, C, (R,))
tiny, colours, H32 = im.reshape(4 * IMAGES[0], 4 * IMAGES[1], IMAGES[2] // 4, IMAGES[3] // 4).clone(), im[:, :3].clone(), (IMAGES[2] * 3 // 2, IMAGES[3] * 3 // 2)
query, values = u((SEQ[0], 1, SEQ[2]), -1), u(SEQ, -1)
graph = torch.sparse_coo_tensor(torch.randint(0, R, (2, 8 * R)), torch.rand(8 * R) * 3, (R, R)).coalesce()
factors = x * .01 + 1
logp = u((SEQ[1], SEQ[0], SEQ[2]), -3).log_softmax(-1)
spelled, steps, symbols = torch.randint(1, SEQ[2], (SEQ[0], SEQ[1] // 4)), torch.full((SEQ[0],), SEQ[1]), torch.full((SEQ[0],), SEQ[1] // 4)
CH, W, H2 = IMAGES[1], SEQ[2], (2 * IMAGES[2], 2 * IMAGES[3])
cases = []


def on(name, f):
    def run():
        with torch.no_grad():
            f()
    cases.append((name, lambda: run))


def back(name, f, *wanted):
    def make():
        for w in wanted:
            w.requires_grad_(True)
        out = f()
        seed = torch.ones_like(out)
        return lambda: torch.autograd.grad(f(), wanted, seed)
    cases.append((name + ", and back", make))


def both(name, f, *wanted):
    on(name, f)
    back(name, f, *wanted)


def layer(name, make, inp, pick=lambda out: out):
    m = []
    def forward():
        if not m:
            m.append(make())
        m[0].eval()
        with torch.no_grad():
            return pick(m[0](inp))
    cases.append((name, lambda: forward))
    def there_and_back():
        if not m:
            m.append(make())
        layer = m[0].train()
        inp.requires_grad_(True)
        wanted = [inp] + list(layer.parameters())
        seed = torch.ones_like(pick(layer(inp)))
        def run():
            layer.train()
            torch.autograd.grad(pick(layer(inp)), wanted, seed)
        return run
    cases.append((name + ", and back", there_and_back))


def penalty(name, make, inp, pick=lambda out: out):
    def build():
        layer = make().train()
        x = inp.detach().clone().requires_grad_(True)
        wanted = [x] + list(layer.parameters())
        def run():
            slope, = torch.autograd.grad(pick(layer(x)).sum(), x, create_graph=True)
            torch.autograd.grad(slope.square().mean(), wanted, allow_unused=True)
        return run
    cases.append(("gradient penalty of " + name, build))


def step(name, make):
    def build():
        w = nn.Parameter(x.detach().clone())
        opt = make([w])
        def run():
            opt.zero_grad(set_to_none=True)
            w.sum().backward()
            opt.step()
        return run
    cases.append((name, build))


both("mul", lambda: x * y, x, y); both("div", lambda: x / y, x, y); both("exp", lambda: x.exp(), x); both("tanh", lambda: x.tanh(), x); both("relu", lambda: F.relu(x), x)
both("gelu", lambda: F.gelu(x), x); both("silu", lambda: F.silu(x), x); both("pow 2.5", lambda: pos ** 2.5, pos); both("clamp", lambda: x.clamp(-1, 1), x); both("abs", lambda: x.abs(), x)
on("add", lambda: x + y); on("add scalar", lambda: x + 1.5); on("maximum", lambda: torch.maximum(x, y)); on("neg", lambda: -x); on("sqrt", lambda: pos.sqrt()); on("rsqrt", lambda: pos.rsqrt())
on("square", lambda: x.square()); on("reciprocal", lambda: x.reciprocal()); on("log", lambda: pos.log()); on("expm1", lambda: x.expm1()); on("log1p", lambda: pos.log1p()); on("sin", lambda: x.sin()); on("cos", lambda: x.cos())
on("erf", lambda: x.erf()); on("sigmoid", lambda: x.sigmoid()); on("pow tensor", lambda: pos ** y); on("sign", lambda: x.sign()); on("round", lambda: x.round()); on("floor", lambda: x.floor())
on("remainder", lambda: x.remainder(0.7)); on("leaky relu", lambda: F.leaky_relu(x)); on("elu", lambda: F.elu(x)); on("selu", lambda: F.selu(x)); on("mish", lambda: F.mish(x)); on("softplus", lambda: F.softplus(x))
on("hard sigmoid", lambda: F.hardsigmoid(x)); on("log sigmoid", lambda: F.logsigmoid(x))

on("greater", lambda: x > y); on("equal scalar", lambda: x == 1); on("logical and", lambda: x.logical_and(y)); on("is nan", lambda: x.isnan()); both("where", lambda: torch.where(mask, x, y), x, y)
on("masked fill", lambda: x.masked_fill(mask, 0))

both("column + row", lambda: col + row, col, row); both("matrix + row", lambda: x + row, x, row); both("matrix * column", lambda: x * col, x, col); on("cube + plane", lambda: cube + cube[0]); on("where row", lambda: torch.where(mask, x, row))
on("broadcast row", lambda: row.expand(R, C).contiguous()); on("broadcast column", lambda: col.expand(R, C).contiguous())

on("sum all", lambda: x.sum()); both("sum last", lambda: x.sum(-1), x); both("sum first", lambda: x.sum(0), x); on("sum middle", lambda: cube.sum(1)); on("sum of short rows", lambda: seq.sum(-1)); on("sum ends", lambda: cube.sum((0, 2))); on("mean last", lambda: x.mean(-1))
back("mean all", lambda: x.mean(), x); on("prod last", lambda: x.prod(-1)); on("any last", lambda: mask.any(-1)); on("max all", lambda: x.max()); both("max last", lambda: x.max(-1)[0], x); on("max first", lambda: x.amax(0))
on("max indices last", lambda: x.max(-1)); on("max indices middle", lambda: cube.max(1)); on("min last", lambda: x.amin(-1)); on("argmax last", lambda: x.argmax(-1)); on("argmax first", lambda: x.argmax(0)); on("argmax middle", lambda: cube.argmax(1))
both("var last", lambda: x.var(-1), x); on("var first", lambda: x.var(0)); on("std all", lambda: x.std()); both("norm last", lambda: x.norm(2, -1), x); on("norm all", lambda: x.norm()); both("logsumexp last", lambda: x.logsumexp(-1), x)
on("logsumexp first", lambda: x.logsumexp(0)); both("cumprod last", lambda: factors.cumprod(-1), factors); both("cumprod first", lambda: factors.cumprod(0), factors); both("logcumsumexp last", lambda: x.logcumsumexp(-1), x)
both("cumsum last", lambda: x.cumsum(-1), x); on("cumsum first", lambda: x.cumsum(0)); both("topk 8", lambda: x.topk(8)[0], x); on("sort last", lambda: x.sort()); on("argsort first", lambda: x.argsort(0))

both("softmax last", lambda: x.softmax(-1), x); both("softmax first", lambda: x.softmax(0), x); on("softmax middle", lambda: cube.softmax(1)); both("log softmax last", lambda: x.log_softmax(-1), x); both("cross entropy", lambda: F.cross_entropy(x, labels), x)
both("bce with logits", lambda: F.binary_cross_entropy_with_logits(x, targets), x); both("mse", lambda: F.mse_loss(x, y.detach()), x); both("ctc", lambda: F.ctc_loss(logp, spelled, steps, symbols), logp); back("huber", lambda: F.huber_loss(x, y.detach()), x)
back("kl divergence", lambda: F.kl_div(x, pos.detach(), reduction="batchmean"), x)

both("gather last", lambda: x.gather(-1, columns), x); on("index select rows", lambda: x.index_select(0, rows)); both("index select columns", lambda: x.index_select(1, labels), x); on("scatter add", lambda: x.scatter_add(1, columns, y))
both("embedding", lambda: F.embedding(rows, x), x); on("one hot", lambda: F.one_hot(labels, C).float())

on("concat first", lambda: torch.cat([x, y], 0)); both("concat last", lambda: torch.cat([x, y], 1), x, y); on("concat with a column", lambda: torch.cat([x, col], 1)); both("stack last", lambda: torch.stack([x, y], -1), x, y); both("narrow last", lambda: x.narrow(1, 3, C // 2).contiguous(), x)
on("split last", lambda: [p.contiguous() for p in x.split(C // 4, 1)]); both("transpose", lambda: x.t().contiguous(), x); on("transpose last of cube", lambda: cube.transpose(1, 2).contiguous()); on("transpose first of cube", lambda: cube.transpose(0, 1).contiguous())
on("channels last", lambda: im.permute(0, 2, 3, 1).contiguous()); on("flip last", lambda: x.flip(1)); on("roll last", lambda: x.roll(5, 1)); both("repeat", lambda: x.repeat(1, 2), x); on("repeat interleave", lambda: x.repeat_interleave(2, 1))
both("pad", lambda: F.pad(im, (1, 1, 1, 1)), im); on("pad reflect", lambda: F.pad(im, (1, 1, 1, 1), mode="reflect")); on("tril", lambda: x.tril()); on("diagonal", lambda: x.diagonal().contiguous())

on("dot", lambda: x.flatten().dot(y.flatten())); on("outer", lambda: col.flatten().outer(row)); on("matrix times vector", lambda: x.mv(row)); on("batched matmul", lambda: cube @ cube)


def faster(make):  # of two layouts of the matrix
    took = {}
    for a in (graph, graph.to_sparse_csr()):
        run = make(a)
        run()
        t = time.perf_counter()
        run()
        took[time.perf_counter() - t] = run
    return took[min(took)]


def product(a):
    def run():
        with torch.no_grad():
            torch.sparse.mm(a, x)
    return run


def product_and_back(a):
    x.requires_grad_(True)
    return lambda: torch.autograd.grad(torch.sparse.mm(a, x), x, torch.ones_like(x))


cases += [("sparse matmul", lambda: faster(product)), ("sparse matmul, and back", lambda: faster(product_and_back))]

both("max pool 2", lambda: F.max_pool2d(im, 2), im); both("max pool 3 stride 1", lambda: F.max_pool2d(im, 3, 1, 1), im); both("avg pool 2", lambda: F.avg_pool2d(im, 2), im); both("adaptive avg pool", lambda: F.adaptive_avg_pool2d(im, 5), im)
both("max pool 1d", lambda: F.max_pool1d(cube, 3), cube); both("max pool of whole lines", lambda: F.max_pool1d(cube, CUBE[2]), cube); both("global avg pool", lambda: F.adaptive_avg_pool2d(im, 1), im); both("global max pool", lambda: F.adaptive_max_pool2d(im, 1), im)
both("upsample nearest by half", lambda: F.interpolate(im, H32), im); both("upsample bilinear by half", lambda: F.interpolate(im, H32, mode="bilinear"), im); both("upsample nearest", lambda: F.interpolate(im, H2), im); both("upsample bilinear", lambda: F.interpolate(im, H2, mode="bilinear"), im)
layer("conv2d 3x3", lambda: nn.Conv2d(CH, CH, 3, padding=1), im); layer("conv2d 1x1", lambda: nn.Conv2d(CH, CH, 1), im); layer("conv2d 3x3 stride 2", lambda: nn.Conv2d(CH, CH, 3, 2, 1), im)
layer("conv2d 3x3 groups 4", lambda: nn.Conv2d(CH, CH, 3, padding=1, groups=4), im); layer("depthwise 3x3", lambda: nn.Conv2d(CH, CH, 3, padding=1, groups=CH), im)
layer("conv transpose 3x3 stride 2", lambda: nn.ConvTranspose2d(CH, CH, 3, 2), im); layer("conv2d 3x3 to one", lambda: nn.Conv2d(CH, 1, 3, padding=1), im); layer("conv2d 3x3 to three", lambda: nn.Conv2d(CH, 3, 3, padding=1), im)
layer("conv transpose 4x4 to one", lambda: nn.ConvTranspose2d(CH, 1, 4, 2, 1), im); layer("conv transpose 4x4 to three", lambda: nn.ConvTranspose2d(CH, 3, 4, 2, 1), im)
layer("conv2d 3x3 of small images", lambda: nn.Conv2d(4 * CH, 4 * CH, 3, padding=1), tiny); layer("conv2d 3x3 stride 2 of small images", lambda: nn.Conv2d(4 * CH, 4 * CH, 3, 2, 1), tiny)
layer("depthwise 3x3 of small images", lambda: nn.Conv2d(4 * CH, 4 * CH, 3, padding=1, groups=4 * CH), tiny); layer("conv2d 3x3 of three channels, relu", lambda: nn.Sequential(nn.Conv2d(3, CH, 3, padding=1), nn.ReLU()), colours)
layer("conv1d 3", lambda: nn.Conv1d(W, W, 3, padding=1), lines)

layer("batch norm", lambda: nn.BatchNorm2d(CH), im); layer("batch norm of rows", lambda: nn.BatchNorm1d(C), x); layer("batch norm of lines", lambda: nn.BatchNorm1d(W), lines); layer("layer norm", lambda: nn.LayerNorm(C), x); layer("group norm", lambda: nn.GroupNorm(2, CH), im)
layer("instance norm", lambda: nn.InstanceNorm2d(CH), im); layer("prelu", lambda: nn.PReLU(), x); back("dropout", lambda: F.dropout(x, 0.3), x)

first = lambda out: out[0]
layer("lstm", lambda: nn.LSTM(W, W, batch_first=True), seq, first); layer("gru", lambda: nn.GRU(W, W, batch_first=True), seq, first); layer("rnn", lambda: nn.RNN(W, W, batch_first=True), seq, first)
layer("encoder layer", lambda: nn.TransformerEncoderLayer(W, 4, 2 * W, 0, batch_first=True), seq); both("embedding bag", lambda: F.embedding_bag(rows.view(-1, 8), x), x)

penalty("dense", lambda: nn.Sequential(nn.Linear(C, C), nn.Tanh(), nn.Linear(C, 1)), x)
penalty("conv2d", lambda: nn.Sequential(nn.Conv2d(CH, CH, 3, padding=1), nn.LeakyReLU(), nn.Conv2d(CH, CH, 3, padding=1)), im)
penalty("lstm", lambda: nn.LSTM(W, W, batch_first=True), seq, first); penalty("encoder layer", lambda: nn.TransformerEncoderLayer(W, 4, 2 * W, 0, batch_first=True), seq)

def attend():
    q, k, v = (t.view(t.shape[0], t.shape[1], 4, W // 4).transpose(1, 2) for t in (query, seq, values))
    return ((q * (W // 4) ** -.5 @ k.transpose(-1, -2)).softmax(-1) @ v).transpose(1, 2).reshape(query.shape)
both("attention of one query", attend, query, seq, values)

o = torch.optim
step("sgd momentum", lambda p: o.SGD(p, 1e-3, momentum=.9)); step("adam", lambda p: o.Adam(p)); step("adamw", lambda p: o.AdamW(p)); step("rmsprop", lambda p: o.RMSprop(p)); step("adagrad", lambda p: o.Adagrad(p))
step("adadelta", lambda p: o.Adadelta(p)); step("adamax", lambda p: o.Adamax(p)); step("nadam", lambda p: o.NAdam(p)); step("radam", lambda p: o.RAdam(p))

BLOCK = .003
clk = time.perf_counter
runs = [(name, make()) for name, make in cases if only in name]
blocks = {name: [] for name, _ in runs}
end = clk() + seconds * len(runs)
while clk() < end or len(blocks[runs[0][0]]) < 5:
    for name, f in runs:
        t = clk()
        while True:
            f()
            if clk() - t > BLOCK * .1:
                break
        t, n = clk(), 0
        while True:
            f()
            n += 1
            e = clk() - t
            if e > BLOCK:
                break
        blocks[name].append(e / n)
for name, times in blocks.items():
    print(json.dumps(dict(op=name, us=round(sorted(times)[len(times) // 5] * 1e6, 3))), flush=True)
