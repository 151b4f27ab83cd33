#!/usr/bin/env python3
"""PyTorch on a GPU: square matrix products at each float32 precision, a convolution and attention with their gradients in float32 and TF32, and value-by-value functions, each batch of calls timed from launch to completion.
python3 torch_gpu.py SIZE FLOATS SECONDS; JSON lines: {torch}, which version on which GPU, then {op, seconds}, the fastest fifth of the batches, or {op, error}."""
import sys, json, time, torch

if not torch.cuda.is_available():
    sys.exit(f"PyTorch {torch.__version__} (made for CUDA {torch.version.cuda}) sees no CUDA device")
print(json.dumps(dict(torch=f"{torch.__version__}, CUDA {torch.version.cuda}, {torch.cuda.get_device_name()}")), flush=True)
torch.backends.cuda.matmul.allow_tf32 = False

size, floats, budget = max(1, int(sys.argv[1])), max(1, int(sys.argv[2])), float(sys.argv[3])
a, b, c = (torch.randn(size, size, device="cuda") for _ in range(3))
x, z, y = (torch.rand(floats, device="cuda") for _ in range(3))


def product(precision):
    torch.set_float32_matmul_precision(precision)
    torch.mm(a, b, out=c)


def conv(tf32):
    torch.backends.cudnn.allow_tf32 = tf32
    torch.autograd.grad(torch.nn.functional.conv2d(image, weight, padding=1), (image, weight), pull)


def attention(tf32):
    # what PyTorch makes of matrix products follows their switch
    torch.backends.cuda.matmul.allow_tf32 = tf32
    torch.autograd.grad(torch.nn.functional.scaled_dot_product_attention(*heads), heads, drag)


channels, side = min(64, size), min(56, size)
image, weight = (torch.randn(*s, device="cuda", requires_grad=True) for s in ((min(32, size), channels, side, side), (channels, channels, 3, 3)))
pull = torch.randn(*image.shape, device="cuda")
heads = [torch.randn(min(8, size), min(8, size), min(512, size), min(64, size), device="cuda", requires_grad=True) for _ in range(3)]
drag = torch.randn(*heads[0].shape, device="cuda")
half = (a.bfloat16(), b.bfloat16(), c.bfloat16())
OPS = {
    "matmul highest": lambda: product("highest"),
    "matmul high": lambda: product("high"),
    "matmul medium": lambda: torch.mm(half[0], half[1], out=half[2]),  # factors already bfloat16: "medium" itself is TF32 on NVIDIA GPUs
    "conv highest": lambda: conv(False),
    "conv high": lambda: conv(True),
    "attention highest": lambda: attention(False),
    "attention high": lambda: attention(True),
    "copy": lambda: y.copy_(x),
    "add": lambda: torch.add(x, z, out=y),
    "relu": lambda: torch.clamp_min(x, 0, out=y),
    "exp": lambda: torch.exp(x, out=y),
    "sum": lambda: torch.sum(x),
}


def measure(op):
    times, end, calls = [], 0, 1
    for batch in range(1000):
        torch.cuda.synchronize()
        start = time.perf_counter()
        for _ in range(calls):
            op()
        torch.cuda.synchronize()
        took = time.perf_counter() - start
        if batch < 3:  # warm up, then batches of about 20 ms
            calls, end = max(1, int(calls * 0.02 / max(took, 1e-6))) if batch else 1, time.perf_counter() + budget
            continue
        times.append(took / calls)
        if time.perf_counter() > end and len(times) >= 5:
            break
    times.sort()
    return times[len(times) // 5]


for name, op in OPS.items():
    try:
        print(json.dumps(dict(op=name, seconds=measure(op))), flush=True)
    except RuntimeError as e:
        print(json.dumps(dict(op=name, error=str(e).splitlines()[0])), flush=True)
