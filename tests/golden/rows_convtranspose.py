import torch.nn.functional as F
from ops import row


def spread(name, *shapes, one=False, **options):
    f = F.conv_transpose1d if one else F.conv_transpose2d
    row(name, lambda x, w, b: f(x, w, b, **options), *shapes, low=-1, high=1)


SMALL = [[(1, 1, 3, 4), (1, 2, 3, 3), (2,)], [(2, 3, 4, 3), (3, 4, 2, 3), (4,)]]
spread("conv-transpose2d", *SMALL, [(1, 8, 2, 3), (8, 17, 1, 1), (17,)])
spread("conv-transpose2d stride 2", *SMALL, stride=2)
spread("conv-transpose2d stride 2, padding 1, output padding 1", *SMALL, stride=2, padding=1, output_padding=1)
spread("conv-transpose2d stride 1, 3, padding 1, 0, output padding 0, 2, dilation 2, 1", *SMALL, stride=(1, 3), padding=(1, 0), output_padding=(0, 2), dilation=(2, 1))
spread("conv-transpose2d output padding of a dilation", *SMALL, stride=1, padding=1, output_padding=2, dilation=3)
spread("conv-transpose2d groups 2", [(2, 4, 3, 4), (4, 3, 3, 2), (6,)], groups=2, stride=2, padding=1)
spread("conv-transpose2d depthwise", [(2, 4, 3, 4), (4, 1, 3, 3), (4,)], groups=4, stride=2, padding=1, output_padding=1)
row("conv-transpose2d without bias", lambda x, w: F.conv_transpose2d(x, w), [(2, 3, 3, 4), (3, 2, 3, 3)], low=-1, high=1)
row("conv-transpose2d of data", lambda x, w: F.conv_transpose2d(x, w), [(2, 3, 3, 4), (3, 2, 3, 3)], low=-1, high=1, frozen=[0])
row("conv-transpose2d fixed weight", lambda x, w: F.conv_transpose2d(x, w), [(2, 3, 3, 4), (3, 2, 3, 3)], low=-1, high=1, frozen=[1])
spread("conv-transpose1d", [(2, 3, 5), (3, 4, 3), (4,)], [(1, 2, 1), (2, 1, 4), (1,)], one=True, stride=2, padding=1, output_padding=1, dilation=2)
spread("conv-transpose1d groups", [(2, 4, 5), (4, 3, 3), (6,)], one=True, groups=2)
