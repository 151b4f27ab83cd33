using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests;

public static partial class OpCatalog
{
    private static OpRow[] Shapes =>
    [
        new("reshape", x => x[0].Reshape(4, -1)),
        new("reshape to a shape", x => x[0].Reshape(Shape.Create([3, 8]))),
        new("flatten", x => x[0].Flatten(1, -2)),
        new("flatten all", x => x[0].Flatten()),
        new("squeeze", x => x[0].Squeeze()),
        new("squeeze axis", x => x[0].Squeeze(-2)),
        new("unsqueeze", x => x[0].Unsqueeze(-1)),
        new("permute", x => x[0].Permute(2, 0, 3, 1)) { Big = [[9, 31, 70, 5]] },
        new("permute channels last", x => x[0].Permute(0, 2, 3, 1)) { Big = [[4, 3, 100, 91]] },
        new("transpose", x => x[0].Transpose(0, -1)) { Big = [[300, 3, 170]] },
        new("transpose heads", x => x[0].Transpose(1, 2)) { Big = [[4, 70, 8, 20]] },
        new("T", x => x[0].T) { Big = [[301, 203]] },
        new("expand", x => x[0].Expand(4, 2, 3)),
        new("broadcast to", x => x[0].BroadcastTo([4, 2, 3])),
        new("repeat", x => x[0].Repeat(2, 1, 3)) { Big = [[70, 200]] },
        new("repeat-interleave", x => x[0].RepeatInterleave(3, 1)) { Big = [[70, 200]] },
        new("flip", x => x[0].Flip(0, -1)) { Big = [[70, 700]] },
        new("flip all", x => x[0].Flip()),
        new("roll", x => x[0].Roll(-2, 1)),
        new("diagonal", x => x[0].Diagonal(1)),
        new("diagonal below", x => x[0].Diagonal(-2)),
        new("tril", x => x[0].Tril()) { Big = [[3, 150, 160]] },
        new("tril above", x => x[0].Tril(1)),
        new("triu", x => x[0].Triu()),
        new("triu below", x => x[0].Triu(-1)),
        new("concat", x => Tensor.Concat(x, 1)) { Big = [[70, 300], [70, 10], [70, 501]] },
        new("concat first", x => Tensor.Concat(x)) { Big = [[40_000], [1_000]] },
        new("concat itself", x => Tensor.Concat([x[0], x[0]], -1)),
        new("stack", x => Tensor.Stack(x, 1)),
        new("stack last", x => Tensor.Stack(x, -1)) { Big = [[40_000], [40_000]] },
        new("split", x => WeighedSum(x[0].Split([1, 3, 2], 1))),
        new("split one part", x => x[0].Split([2, 3], -1)[1]),
        new("split by size", x => Tensor.Concat([.. x[0].Split(2, 1).Reverse()], 1)),
        new("chunk", x => Tensor.Concat([.. x[0].Chunk(3).Reverse()])),
        new("narrow", x => x[0].Narrow(1, 1, 2)),
        new("slice", x => x[0][1..3, .., ^1]),
        new("slice first", x => x[0][1..3]),
        new("slice entry", x => x[0][2, 1]),
        new("slice ellipsis", x => x[0][1, Slice.Ellipsis, 2..^1]),
        new("slice new axis", x => x[0][Slice.NewAxis, .., Slice.NewAxis, 1]),
        new("slice step", x => x[0][Slice.Step(.., 2), Slice.Step(1..6, 3)]),
        new("slice nothing", x => x[0][.., 2..2]),
        new("pad", x => x[0].Pad([(0, 3), (2, 1)], value: 0.5f)) { Big = [[200, 170]] },
        new("pad reflect", x => x[0].Pad([(1, 0), (2, 1)], PadMode.Reflect)) { Big = [[1, 2, 100, 130]] },
        new("pad circular", x => x[0].Pad([(1, 0), (2, 3)], PadMode.Circular)) { Big = [[1, 2, 100, 130]] },
        new("pad replicate", x => x[0].Pad([(1, 0), (2, 3)], PadMode.Replicate)),
    ];

    // Σ over parts of (i + 1) · Σ over axis 1, one after the other through concatenated rows
    private static Tensor WeighedSum(Tensor[] parts)
    {
        Tensor? sum = null;
        for (int i = 0; i < parts.Length; i++)
        {
            for (int j = 0; j < parts[i].Shape[1]; j++)
            {
                var part = parts[i][.., j] * (i + 1);
                sum = sum is null ? part : sum + part;
            }
        }
        return sum!;
    }
}
