import torch
from torch.nn import functional as F
from ops import row

ONE = [[(4, 8)], [(5,)]]


def special(name, f, x, **k):
    row(name + ", special", f, values=[x], **k)


row("exp", torch.exp, *ONE, low=-5, high=5)
row("expm1", torch.expm1, *ONE, low=-3, high=3)
special("expm1", torch.expm1, [0, 1e-4, -1e-4, 1e-8, 10, -20, 88])
row("log", torch.log, *ONE, low=0.3, high=20)
row("log1p", torch.log1p, *ONE, low=-0.7, high=4)
special("log1p", torch.log1p, [0, 1e-4, -1e-4, 1e-8, 1e3, 1e9, 1e30])
row("sqrt", torch.sqrt, *ONE, low=0.3, high=9)
row("rsqrt", torch.rsqrt, *ONE, low=0.3, high=9)
row("abs", torch.abs, *ONE, away=(0,))
special("abs", torch.abs, [0, -0.0, -1, 2])
row("square", torch.square, *ONE)
row("reciprocal", torch.reciprocal, *ONE, low=0.4, high=3)
row("sin", torch.sin, *ONE, low=-7, high=7)
row("cos", torch.cos, *ONE, low=-7, high=7)
row("tanh", torch.tanh, *ONE, low=-3, high=3)
row("sigmoid", torch.sigmoid, *ONE, low=-6, high=6)
row("erf", torch.erf, *ONE, low=-3, high=3)
row("sign", torch.sign, *ONE, grad=False)
row("floor", torch.floor, *ONE, low=-4, high=4, grad=False)
row("ceil", torch.ceil, *ONE, low=-4, high=4, grad=False)
row("round", torch.round, *ONE, low=-4, high=4, grad=False)
special("round", torch.round, [0.5, 1.5, 2.5, -0.5, -1.5, 3, -2, float("inf"), float("nan"), 8388609.0], grad=False)

row("relu", torch.relu, *ONE, away=(0,))
special("relu", torch.relu, [0, -1, 2, float("nan"), float("inf"), float("-inf")])
row("leaky relu", F.leaky_relu, *ONE, away=(0,))
row("leaky relu 0.3", lambda x: F.leaky_relu(x, 0.3), *ONE, away=(0,))
row("elu", F.elu, *ONE, low=-4, high=4, away=(0,))
row("elu 0.5", lambda x: F.elu(x, 0.5), *ONE, low=-4, high=4, away=(0,))
row("selu", F.selu, *ONE, low=-4, high=4, away=(0,))
row("gelu", F.gelu, *ONE, low=-4, high=4)
row("gelu tanh", lambda x: F.gelu(x, approximate="tanh"), *ONE, low=-4, high=4)
row("silu", F.silu, *ONE, low=-6, high=6)
special("silu", F.silu, [0, 100, -100, 30])
row("mish", F.mish, *ONE, low=-6, high=6)
special("mish", F.mish, [0, 100, -30, 25])
row("softplus", F.softplus, *ONE, low=-6, high=6)
row("softplus 2", lambda x: F.softplus(x, 2, 6), *ONE, low=-6, high=6, away=(3,))
special("softplus", F.softplus, [0, 100, -100, 21, 19, -30])
row("log sigmoid", F.logsigmoid, *ONE, low=-6, high=6)
special("log sigmoid", F.logsigmoid, [0, 100, -100, 30, -30])
row("hard sigmoid", F.hardsigmoid, *ONE, low=-5, high=5, away=(-3, 3))
special("hard sigmoid", F.hardsigmoid, [-3, 3, 0, -4, 4])
row("hard tanh", F.hardtanh, *ONE, away=(-1, 1))
row("hard tanh -2 0.5", lambda x: F.hardtanh(x, -2, 0.5), *ONE, low=-3, high=3, away=(-2, 0.5))
special("hard tanh", F.hardtanh, [-1, 1, 0, -4, 4])
row("softsign", F.softsign, *ONE, low=-4, high=4, away=(0,))
