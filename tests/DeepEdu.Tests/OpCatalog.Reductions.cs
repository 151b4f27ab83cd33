using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests;

public static partial class OpCatalog
{
    private static OpRow[] Reductions =>
    [
        new("sum", x => x[0].Sum()) { Big = [[100_000]], Composed = (x, _) => (x[0] + x[0] * Tensor.Zeros([])).Sum() },
    ];
}
