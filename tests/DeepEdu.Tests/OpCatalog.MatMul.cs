using DeepEdu.Ops;

namespace DeepEdu.Tests;

public static partial class OpCatalog
{
    // sums of 70 products of values to ±2 round in float32: the error grows with the terms, not with the result
    private static OpRow[] MatMul =>
    [
        new("matmul", x => x[0].MatMul(x[1])) { Big = [[300, 90], [90, 200]], Tolerance = 1e-4f },
        new("matmul-tn", x => x[0].MatMul(x[1], transA: true)) { Big = [[9, 40, 30], [40, 50]], Tolerance = 1e-4f },
        new("matmul-nt", x => x[0].MatMul(x[1], transB: true)) { Big = [[9, 40, 30], [9, 50, 30]], Tolerance = 1e-4f },
        new("matmul-tt", x => x[0].MatMul(x[1], transA: true, transB: true)) { Big = [[90, 300], [200, 90]], Tolerance = 1e-4f },
        new("dot", x => x[0].Dot(x[1])) { Tolerance = 1e-4f },
        new("outer", x => x[0].Outer(x[1])),
        new("linear", x => x[0].Linear(x[1], x[2])) { Big = [[300, 90], [200, 90], [200]], Tolerance = 1e-4f, Composed = (x, _) => x[0].MatMul(x[1], transB: true) + x[2] },
        new("linear-no-bias", x => x[0].Linear(x[1])) { Tolerance = 1e-4f },
        // finite differences cross the kinks inside; the golden gradients and the composed form do not
        new("linear-relu", x => x[0].Linear(x[1], x[2], relu: true)) { Big = [[300, 90], [200, 90], [200]], Tolerance = 1e-4f, CheckTolerance = 0 },
    ];
}
