using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests;

public static partial class OpCatalog
{
    private static OpRow[] Comparisons =>
    [
        new("equal", x => x[0].Equal(x[1])) { Elementwise = true },
        new("equal 1", x => x[0].Equal(1)) { Elementwise = true },
        new("not equal", x => x[0].NotEqual(x[1])) { Elementwise = true },
        new("not equal 1", x => x[0].NotEqual(1)) { Elementwise = true },
        new("less", x => x[0].Less(x[1])) { Elementwise = true },
        new("less 1", x => x[0].Less(1)) { Elementwise = true },
        new("less or equal", x => x[0].LessOrEqual(x[1])) { Elementwise = true },
        new("less or equal 1", x => x[0].LessOrEqual(1)) { Elementwise = true },
        new("greater", x => x[0].Greater(x[1])) { Elementwise = true },
        new("greater 1", x => x[0].Greater(1)) { Elementwise = true },
        new("greater or equal", x => x[0].GreaterOrEqual(x[1])) { Elementwise = true },
        new("greater or equal 1", x => x[0].GreaterOrEqual(1)) { Elementwise = true },
        new("a > b", x => x[0] > x[1]) { Elementwise = true },
        new("a < b", x => x[0] < x[1]) { Elementwise = true },
        new("a >= b", x => x[0] >= x[1]) { Elementwise = true },
        new("a <= b", x => x[0] <= x[1]) { Elementwise = true },
        new("a > 1", x => x[0] > 1) { Elementwise = true },
        new("a < 1", x => x[0] < 1) { Elementwise = true },
        new("a >= 1", x => x[0] >= 1) { Elementwise = true },
        new("a <= 1", x => x[0] <= 1) { Elementwise = true },
        new("logical and", x => x[0].LogicalAnd(x[1])) { Elementwise = true },
        new("logical or", x => x[0].LogicalOr(x[1])) { Elementwise = true },
        new("logical xor", x => x[0].LogicalXor(x[1])) { Elementwise = true },
        new("logical not", x => x[0].LogicalNot()) { Elementwise = true },
        new("is nan", x => x[0].IsNaN()) { Elementwise = true },
        new("is finite", x => x[0].IsFinite()) { Elementwise = true },
        new("is inf", x => x[0].IsInf()) { Elementwise = true },
        new("nan to num", x => x[0].NanToNum(1, 2, 3)) { Elementwise = true },
        new("nan to num, special", x => x[0].NanToNum(0.5f)) { CheckTolerance = 0 }, // ∞ is replaced
        new("where", x => Tensor.Where(x[0].Greater(1), x[1], x[2])) { Elementwise = true },
        new("where or a number", x => Tensor.Where(x[0].Greater(1), x[1], -0.5f)) { Elementwise = true },
        new("where a number or", x => Tensor.Where(x[0].Greater(1), 2, x[1])) { Elementwise = true },
        new("where of numbers", x => Tensor.Where(x[0].Greater(1), 1, -1) * x[1]) { Elementwise = true },
        new("where of a mask", x => Tensor.Where(x[0], x[1], x[2])) { Elementwise = true },
        new("masked fill", x => x[0].MaskedFill(x[1], -5)) { Elementwise = true },
        new("multinomial", x => Floats(x[0].Multinomial(new Rng(1)))),
        new("multinomial, all of them", x => Floats(x[0].Multinomial(2, new Rng(1))).Sort().Values),
        new("bernoulli", x => x[0].Bernoulli(new Rng(1))),
    ];
}
