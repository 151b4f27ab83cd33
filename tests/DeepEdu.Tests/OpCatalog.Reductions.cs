using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests;

public static partial class OpCatalog
{
    private static readonly Shape[] s_wide = [[70, 30, 40]];

    private static OpRow[] Reductions =>
    [
        new("sum", x => x[0].Sum()) { Big = [[100_000]] },
        new("sum 0", x => x[0].Sum(0)) { Big = s_wide },
        new("sum 1", x => x[0].Sum(1)) { Big = s_wide },
        new("sum -1 keep", x => x[0].Sum(-1, keepDims: true)) { Big = s_wide },
        new("sum 0 2", x => x[0].Sum([0, 2])) { Big = s_wide, Composed = (x, _) => x[0].Sum(0).Sum(1) },
        new("sum 0 1 keep", x => x[0].Sum([0, 1], keepDims: true)) { Big = s_wide },
        new("mean", x => x[0].Mean()) { Big = s_wide },
        new("mean of nothing", x => x[0].Mean()) { CheckTolerance = 0 }, // NaN
        new("mean 1", x => x[0].Mean(1)) { Big = s_wide },
        new("mean 0 2 keep", x => x[0].Mean([0, 2], keepDims: true)) { Big = s_wide },
        new("prod", x => x[0].Prod()) { Big = [[100_000]] },
        new("prod 1", x => x[0].Prod(1)) { Big = s_wide },
        new("prod with zeros", x => x[0].Prod(1)),
        new("any", x => x[0].Any()),
        new("any 1", x => x[0].Any(1)),
        new("all", x => x[0].All()),
        new("all 1", x => x[0].All(1)),
    ];

    private static OpRow[] Statistics =>
    [
        new("var", x => x[0].Var()) { Big = s_wide, Composed = (x, _) => (x[0] - x[0].Mean()).Square().Sum() / (x[0].Size - 1) },
        new("var 1", x => x[0].Var(1)) { Big = s_wide },
        new("var 0 2 biased keep", x => x[0].Var([0, 2], 0, true)) { Big = s_wide },
        new("var of one", x => x[0].Var(1)) { CheckTolerance = 0 }, // NaN
        new("var far from 0", x => x[0].Var()) { CheckTolerance = 5e-3, Tolerance = 5e-5f }, // float32 holds a mean near 1000 to 6e-5
        new("std", x => x[0].Std()) { Big = s_wide },
        new("std 2 biased", x => x[0].Std(2, 0)) { Big = s_wide },
        new("std of equals", x => x[0].Std()) { CheckTolerance = 0 }, // 0 is a kink
        new("norm", x => x[0].Norm()) { Big = s_wide },
        new("norm 2 keep", x => x[0].Norm(2, 1, keepDims: true)) { Big = s_wide, CheckTolerance = 1e-2 }, // the norm of one value is a kink at 0
        new("norm 1", x => x[0].Norm(1, 2)) { Big = s_wide },
        new("norm 3", x => x[0].Norm(3, 0)) { Big = s_wide },
        new("norm inf", x => x[0].Norm(float.PositiveInfinity, 1)) { Big = s_wide },
        new("norm 3 of zeros", x => x[0].Norm(3, 1)) { CheckTolerance = 0 }, // 0 is a kink
        new("norm .5 of zeros", x => x[0].Norm(0.5f, 1)) { CheckTolerance = 0 }, // 0 is a kink
        new("normalize", x => x[0].Normalize()) { Big = s_wide, CheckTolerance = 1e-2 }, // a vector of one value is a step at 0
        new("normalize 0 by 1", x => x[0].Normalize(0, p: 1)),
        new("normalize inf", x => x[0].Normalize(1, float.PositiveInfinity)),
        new("normalize of zeros", x => x[0].Normalize()) { CheckTolerance = 0 }, // 0 is a kink
        new("norm of zeros", x => x[0].Norm()) { CheckTolerance = 0 }, // 0 is a kink
        new("logsumexp", x => x[0].LogSumExp()) { Big = s_wide },
        new("logsumexp 1", x => x[0].LogSumExp(1)) { Big = s_wide, Composed = (x, _) => x[0].Exp().Sum(1).Log() },
        new("logsumexp 0 2 keep", x => x[0].LogSumExp([0, 2], keepDims: true)) { Big = s_wide },
        new("logsumexp, special", x => x[0].LogSumExp(1)) { Tolerance = 5e-5f }, // float32 holds a result near 1000 to 6e-5
    ];

    private static OpRow[] Extremes =>
    [
        new("max", x => x[0].Max()) { Big = s_wide },
        new("max 1", x => x[0].Max(1)) { Big = s_wide },
        new("max 0 2 keep", x => x[0].Max([0, 2], keepDims: true)) { Big = s_wide },
        new("max at ties", x => x[0].Max(1)) { CheckTolerance = 0 }, // ties are kinks
        new("max with nan", x => x[0].Detach().Max(1)), // the gradient at NaN is NaN
        new("min", x => x[0].Min()) { Big = s_wide },
        new("min -1", x => x[0].Min(-1)) { Big = s_wide },
        new("min at ties", x => x[0].Min(1)) { CheckTolerance = 0 }, // ties are kinks
        new("max with indices 1", x => x[0].MaxWithIndices(1).Values) { Big = s_wide },
        new("max with indices -1 keep", x => x[0].MaxWithIndices(-1, keepDims: true).Values) { Big = s_wide },
        new("min with indices 0", x => x[0].MinWithIndices(0).Values) { Big = s_wide },
        new("argmax 1", x => Floats(x[0].ArgMax(1))) { Big = s_wide },
        new("argmax 2", x => Floats(x[0].ArgMax(2))) { Big = s_wide },
        new("argmin 0 keep", x => Floats(x[0].ArgMin(0, keepDims: true))) { Big = s_wide },
        new("argmax of ties and nan", x => Floats(x[0].ArgMax(1))),
        new("argmin of ties and nan, columns", x => Floats(x[0].ArgMin(0))),
    ];

    private static OpRow[] Cumulative =>
    [
        new("cumprod", x => x[0].CumProd(1)) { Big = s_wide, Composed = (x, _) => Scans.ByDoubling(x[0], 1) },
        new("cumprod 0", x => x[0].CumProd(0)) { Big = s_wide, Composed = (x, _) => Scans.ByDoubling(x[0], 0) },
        new("cumprod -1", x => x[0].CumProd(-1)) { Big = [[300, 77]], Composed = (x, _) => Scans.ByDoubling(x[0], x[0].Rank - 1) },
        new("cumprod of zeros", x => x[0].CumProd(-1)) { Composed = (x, _) => Scans.ByDoubling(x[0], 1) },
        new("logcumsumexp", x => x[0].LogCumSumExp(1)) { Big = s_wide },
        new("logcumsumexp 0", x => x[0].LogCumSumExp(0)) { Big = s_wide },
        new("logcumsumexp large", x => x[0].LogCumSumExp(0)) { Tolerance = 1e-4f, CheckTolerance = 0 }, // near 1000 float32 has steps of 6e-5
        new("cumsum 0", x => x[0].CumSum(0)) { Big = s_wide },
        new("cumsum 1", x => x[0].CumSum(1)) { Big = s_wide },
        new("cumsum -1 reverse", x => x[0].CumSum(-1, reverse: true)) { Big = s_wide },
        new("cumsum 1 reverse", x => x[0].CumSum(1, reverse: true)) { Big = s_wide },
    ];
}
