using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests;

public static partial class OpCatalog
{
    private static OpRow[] Arithmetic =>
    [
        new("add", x => x[0] + x[1]) { Elementwise = true },
        new("sub", x => x[0] - x[1]) { Elementwise = true },
        new("mul", x => x[0] * x[1]) { Elementwise = true },
        new("div", x => x[0] / x[1]) { Elementwise = true },
        new("neg", x => -x[0]) { Elementwise = true },
        new("x + 1.5", x => x[0] + 1.5f) { Elementwise = true },
        new("1.5 + x", x => 1.5f + x[0]) { Elementwise = true },
        new("x - 1.5", x => x[0] - 1.5f) { Elementwise = true },
        new("1.5 - x", x => 1.5f - x[0]) { Elementwise = true },
        new("x * 1.5", x => x[0] * 1.5f) { Elementwise = true },
        new("1.5 * x", x => 1.5f * x[0]) { Elementwise = true },
        new("x / 3", x => x[0] / 3) { Elementwise = true },
        new("3 / x", x => 3 / x[0]) { Elementwise = true },
        new("minimum", x => Tensor.Minimum(x[0], x[1])) { Elementwise = true },
        new("maximum", x => Tensor.Maximum(x[0], x[1])) { Elementwise = true },
        new("minimum at ties", x => Tensor.Minimum(x[0], x[1])) { CheckTolerance = 0 }, // a tie is a kink
        new("maximum at ties", x => Tensor.Maximum(x[0], x[1])) { CheckTolerance = 0 }, // a tie is a kink
        new("clamp", x => x[0].Clamp(-1, 1.5f)) { Elementwise = true },
        new("clamp at its bounds", x => x[0].Clamp(-1, 2)) { CheckTolerance = 0 }, // the bounds are kinks
        new("clamp from below", x => x[0].Clamp(min: 0.5f)) { Elementwise = true },
        new("remainder", x => x[0].Remainder(x[1])) { Elementwise = true },
        new("remainder, special", x => x[0].Remainder(x[1])) { CheckTolerance = 0 }, // whole multiples have no slope on one side, and ∞ has none
        // a product that is rounded by itself does not know the side: then the result may be off by a whole divisor
        new("remainder at a step", x => x[0].Remainder(x[1])) { CheckTolerance = 0, Tolerance = Fma.IsSupported || AdvSimd.IsSupported ? 1e-5f : 10.1f },
        new("remainder of large", x => x[0].Remainder(x[1])) { CheckTolerance = 0, Tolerance = Fma.IsSupported || AdvSimd.IsSupported ? 1e-5f : 10.1f }, // steps are closer than finite differences
        new("remainder of tiny", x => x[0].Remainder(x[1])) { CheckTolerance = 0 }, // a step of finite differences crosses whole multiples
        new("remainder by 1.5", x => x[0].Remainder(1.5f)) { Elementwise = true },
        new("pow 2", x => x[0].Pow(2)) { Elementwise = true },
        new("pow 3", x => x[0].Pow(3)) { Elementwise = true },
        new("pow -2", x => x[0].Pow(-2)) { Elementwise = true },
        new("pow 0", x => x[0].Pow(0)) { Elementwise = true },
        new("pow 0.5", x => x[0].Pow(0.5f)) { Elementwise = true },
        new("pow 2.7", x => x[0].Pow(2.7f)) { Elementwise = true },
        new("pow of tensors", x => x[0].Pow(x[1])) { Elementwise = true },
        new("pow of tensors, special", x => x[0].Pow(x[1])) { CheckTolerance = 0 }, // a negative base has powers at whole exponents only
        new("1.7 pow x", x => Tensor.Pow(1.7f, x[0])) { Elementwise = true },
    ];
}
