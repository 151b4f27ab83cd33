"""Convolution layers: causal, depthwise, separable, transposed, weight norm."""
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import weight_norm

from layers import With


class Causal(nn.Conv1d):
    """Left padding of (k - 1) * dilation zeros."""

    def forward(self, x):
        return super().forward(F.pad(x, ((self.kernel_size[0] - 1) * self.dilation[0], 0)))


class Held(nn.Conv1d):
    """Left padding with the first step."""

    def forward(self, x):
        return super().forward(F.pad(x, ((self.kernel_size[0] - 1) * self.dilation[0], 0), mode="replicate"))


class Separable(nn.Module):
    """Keras' convention: no bias between the two, one at the end."""

    def __init__(self, conv, channels, outputs, kernel, multiplier, **options):
        super().__init__()
        self.depthwise = conv(channels, channels * multiplier, kernel, groups=channels, bias=False, **options)
        self.pointwise = conv(channels * multiplier, outputs, 1)

    def forward(self, x):
        return self.pointwise(self.depthwise(x))


def normed(module, dim=0):
    module = weight_norm(module, dim=dim)
    del module.weight  # recomputed before each forward; a copy of the module must not carry it
    return module


ROWS = {
    "conv1d-causal": (lambda: Causal(2, 3, 3, dilation=2), (2, 2, 7)),
    "conv1d-causal-stride": (lambda: Causal(2, 3, 2, stride=2), (2, 2, 7)),
    "conv1d-padding": (lambda: nn.Conv1d(2, 3, 3, padding=2, bias=False), (2, 2, 5)),
    "conv1d-circular": (lambda: nn.Conv1d(2, 3, 3, padding=2, padding_mode="circular"), (2, 2, 5)),
    "conv1d-causal-replicate": (lambda: Held(2, 3, 3, dilation=2), (2, 2, 7)),
    "conv2d-circular": (lambda: nn.Conv2d(2, 3, 3, stride=2, padding=(2, 1), padding_mode="circular"), (2, 2, 5, 6)),
    "conv2d-reflect": (lambda: nn.Conv2d(2, 3, 3, padding=1, padding_mode="reflect"), (2, 2, 5, 6)),
    "conv2d-same-replicate": (lambda: nn.Conv2d(2, 3, (4, 3), padding="same", padding_mode="replicate", dilation=(1, 2)), (2, 2, 5, 6)),
    "depthwise2d-reflect": (lambda: nn.Conv2d(3, 3, 3, padding=1, padding_mode="reflect", groups=3), (2, 3, 5, 6)),
    "pad": (lambda: nn.ConstantPad2d((0, 2, 1, 0), 0.5), (2, 3, 4, 5)),
    "pad-reflect": (lambda: nn.ReflectionPad2d((1, 1, 2, 1)), (2, 3, 4, 5)),
    "pad-circular": (lambda: With(nn.Identity(), lambda _, x: F.pad(x, (1, 1, 2, 1), mode="circular")), (2, 3, 4, 5)),
    "pad-replicate": (lambda: nn.ReplicationPad1d((3, 2)), (2, 3, 5)),
    "conv2d-padding": (lambda: nn.Conv2d(2, 3, 3, padding=(2, 1), stride=2), (2, 2, 5, 6)),
    "conv2d-groups": (lambda: nn.Conv2d(4, 6, 3, padding=1, groups=2), (2, 4, 4, 5)),
    "conv2d-same-even": (lambda: nn.Conv2d(2, 3, (4, 3), padding="same", dilation=(1, 2)), (2, 2, 5, 6)),
    "depthwise2d": (lambda: nn.Conv2d(3, 3, 3, padding=1, groups=3), (2, 3, 5, 6)),
    "depthwise2d-multiplier": (lambda: nn.Conv2d(3, 6, (3, 2), stride=(2, 1), dilation=(1, 2), groups=3, bias=False), (2, 3, 7, 6)),
    "depthwise1d": (lambda: nn.Conv1d(3, 6, 3, stride=2, padding=1, groups=3), (2, 3, 8)),
    "separable2d": (lambda: Separable(nn.Conv2d, 3, 4, 3, 2, stride=2, padding=1), (2, 3, 6, 5)),
    "separable2d-same": (lambda: Separable(nn.Conv2d, 2, 3, 3, 1, padding="same"), (2, 2, 5, 5)),
    "separable1d": (lambda: Separable(nn.Conv1d, 3, 4, 3, 1, dilation=2), (2, 3, 8)),
    "conv-transpose2d": (lambda: nn.ConvTranspose2d(3, 4, 3), (2, 3, 3, 4)),
    "conv-transpose2d-all": (lambda: nn.ConvTranspose2d(4, 6, (3, 2), stride=(2, 3), padding=(1, 0), output_padding=(1, 2), dilation=(2, 1), groups=2, bias=False), (2, 4, 3, 4)),
    "conv-transpose1d": (lambda: nn.ConvTranspose1d(3, 4, 4, stride=2, padding=1, output_padding=1), (2, 3, 5)),
    "weight-norm-dense": (lambda: normed(nn.Linear(5, 3)), (4, 5)),
    "weight-norm-dense-1": (lambda: normed(nn.Linear(5, 3), 1), (4, 5)),
    "weight-norm-conv1d": (lambda: normed(nn.Conv1d(2, 3, 3, padding=1)), (2, 2, 6)),
    "weight-norm-conv2d": (lambda: normed(nn.Conv2d(2, 3, 3, stride=2, bias=False)), (2, 2, 6, 5)),
    "weight-norm-conv-transpose1d": (lambda: normed(nn.ConvTranspose1d(3, 2, 3)), (2, 3, 4)),
    "weight-norm-conv-transpose2d": (lambda: normed(nn.ConvTranspose2d(3, 2, 3, stride=2)), (2, 3, 3, 2)),
}
