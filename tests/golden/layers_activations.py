"""Activations, and what changes only shapes."""
from torch import nn

X = (3, 7)

ROWS = {
    "relu": (nn.ReLU, X),
    "tanh": (nn.Tanh, X),
    "sigmoid": (nn.Sigmoid, X),
    "silu": (nn.SiLU, X),
    "mish": (nn.Mish, X),
    "selu": (nn.SELU, X),
    "log-sigmoid": (nn.LogSigmoid, X),
    "hard-sigmoid": (nn.Hardsigmoid, X),
    "hard-tanh": (nn.Hardtanh, X),
    "hard-swish": (nn.Hardswish, X),
    "relu6": (nn.ReLU6, X),
    "celu": (lambda: nn.CELU(0.5), X),
    "glu": (nn.GLU, (3, 8)),
    "softsign": (nn.Softsign, X),
    "gelu": (nn.GELU, X),
    "gelu-tanh": (lambda: nn.GELU(approximate="tanh"), X),
    "leaky-relu": (lambda: nn.LeakyReLU(0.2), X),
    "elu": (lambda: nn.ELU(0.7), X),
    "softplus": (lambda: nn.Softplus(2, 3), X),
    "softmax": (lambda: nn.Softmax(-1), X),
    "softmax-axis": (lambda: nn.Softmax(1), (2, 3, 2)),
    "log-softmax": (lambda: nn.LogSoftmax(-1), X),
    "log-softmax-axis": (lambda: nn.LogSoftmax(0), X),
    "flatten": (nn.Flatten, (2, 3, 2)),
    "flatten-from": (lambda: nn.Flatten(0, 1), (2, 3, 2)),
}
