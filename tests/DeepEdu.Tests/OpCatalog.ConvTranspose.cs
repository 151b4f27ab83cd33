using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests;

public static partial class OpCatalog
{
    private static readonly Shape[] s_bigTranspose = [[21, 16, 9, 8], [16, 24, 3, 3], [24]];

    private static OpRow[] TransposedConvolution =>
    [
        new("conv-transpose2d", x => x[0].ConvTranspose2d(x[1], x[2])) { Big = s_bigTranspose },
        new("conv-transpose2d stride 2", x => x[0].ConvTranspose2d(x[1], x[2], (2, 2))) { Big = s_bigTranspose },
        new("conv-transpose2d stride 2, padding 1, output padding 1", x => x[0].ConvTranspose2d(x[1], x[2], (2, 2), (1, 1), (1, 1))) { Big = s_bigTranspose },
        new("conv-transpose2d stride 1, 3, padding 1, 0, output padding 0, 2, dilation 2, 1", x => x[0].ConvTranspose2d(x[1], x[2], (1, 3), (1, 0), (0, 2), (2, 1))),
        new("conv-transpose2d output padding of a dilation", x => x[0].ConvTranspose2d(x[1], x[2], null, (1, 1), (2, 2), (3, 3))),
        new("conv-transpose2d groups 2", x => x[0].ConvTranspose2d(x[1], x[2], (2, 2), (1, 1), groups: 2)),
        new("conv-transpose2d depthwise", x => x[0].ConvTranspose2d(x[1], x[2], (2, 2), (1, 1), (1, 1), groups: 4)) { Big = [[21, 4, 30, 31], [4, 1, 3, 3], [4]] },
        new("conv-transpose2d without bias", x => x[0].ConvTranspose2d(x[1])),
        new("conv-transpose2d of data", x => x[0].ConvTranspose2d(x[1])),
        new("conv-transpose2d fixed weight", x => x[0].ConvTranspose2d(x[1])),
        new("conv-transpose1d", x => x[0].ConvTranspose1d(x[1], x[2], 2, 1, 1, 2)),
        new("conv-transpose1d groups", x => x[0].ConvTranspose1d(x[1], x[2], groups: 2)),
    ];
}
