using DeepEdu.Ops;

namespace DeepEdu.Tests;

public static partial class OpCatalog
{
    private static OpRow[] Functions =>
    [
        new("exp", x => x[0].Exp()) { Elementwise = true },
        new("expm1", x => x[0].Expm1()) { Elementwise = true },
        new("expm1, special", x => x[0].Expm1()) { CheckTolerance = 0 }, // values up to e⁸⁸
        new("log", x => x[0].Log()) { Elementwise = true },
        new("log1p", x => x[0].Log1p()) { Elementwise = true },
        new("log1p, special", x => x[0].Log1p()) { CheckTolerance = 0 }, // values up to 1e30
        new("sqrt", x => x[0].Sqrt()) { Elementwise = true },
        new("rsqrt", x => x[0].Rsqrt()) { Elementwise = true },
        new("abs", x => x[0].Abs()) { Elementwise = true },
        new("abs, special", x => x[0].Abs()) { CheckTolerance = 0 }, // 0 is a kink
        new("square", x => x[0].Square()) { Elementwise = true },
        new("reciprocal", x => x[0].Reciprocal()) { Elementwise = true },
        new("sin", x => x[0].Sin()) { Elementwise = true },
        new("cos", x => x[0].Cos()) { Elementwise = true },
        new("tanh", x => x[0].Tanh()) { Elementwise = true },
        new("sigmoid", x => x[0].Sigmoid()) { Elementwise = true },
        new("erf", x => x[0].Erf()) { Elementwise = true },
        new("sign", x => x[0].Sign()) { Elementwise = true },
        new("floor", x => x[0].Floor()) { Elementwise = true },
        new("ceil", x => x[0].Ceil()) { Elementwise = true },
        new("round", x => x[0].Round()) { Elementwise = true },
        new("round, special", x => x[0].Round()),
        new("log2", x => x[0].Log2()) { Elementwise = true },
        new("log10", x => x[0].Log10()) { Elementwise = true },
        new("exp2", x => x[0].Exp2()) { Elementwise = true },
        new("trunc", x => x[0].Trunc()) { Elementwise = true },
        new("trunc, special", x => x[0].Trunc()),
        new("tan", x => x[0].Tan()) { Elementwise = true },
        new("asin", x => x[0].Asin()) { Elementwise = true },
        new("asin, special", x => x[0].Asin()) { CheckTolerance = 0 }, // its ends
        new("acos", x => x[0].Acos()) { Elementwise = true },
        new("acos, special", x => x[0].Acos()) { CheckTolerance = 0 }, // its ends
        new("atan", x => x[0].Atan()) { Elementwise = true },
        new("atan, special", x => x[0].Atan()) { CheckTolerance = 0 }, // values up to ∞
        new("atan2", x => x[0].Atan2(x[1])) { Elementwise = true },
        new("atan2, special", x => x[0].Atan2(x[1]).Detach()), // zeros and infinities
        new("sinh", x => x[0].Sinh()) { Elementwise = true },
        new("sinh, special", x => x[0].Sinh()) { CheckTolerance = 0 }, // values up to e⁸⁹
        new("cosh", x => x[0].Cosh()) { Elementwise = true },
        new("cosh, special", x => x[0].Cosh()) { CheckTolerance = 0 }, // values up to e⁸⁹
        new("asinh", x => x[0].Asinh()) { Elementwise = true },
        new("asinh, special", x => x[0].Asinh()) { CheckTolerance = 0 }, // values up to 1e30
        new("acosh", x => x[0].Acosh()) { Elementwise = true },
        new("acosh, special", x => x[0].Acosh()) { CheckTolerance = 0 }, // its end, and values up to 1e30
        new("acosh below", x => x[0].Acosh().Detach()),
        new("atanh", x => x[0].Atanh()) { Elementwise = true },
        new("atanh, special", x => x[0].Atanh()) { CheckTolerance = 0 }, // its ends
    ];

    private static OpRow[] Activations =>
    [
        new("relu", x => x[0].Relu()) { Elementwise = true },
        new("relu, special", x => x[0].Relu()),
        new("leaky relu", x => x[0].LeakyRelu()) { Elementwise = true },
        new("leaky relu 0.3", x => x[0].LeakyRelu(0.3f)) { Elementwise = true },
        new("elu", x => x[0].Elu()) { Elementwise = true },
        new("elu 0.5", x => x[0].Elu(0.5f)) { Elementwise = true },
        new("selu", x => x[0].Selu()) { Elementwise = true },
        new("gelu", x => x[0].Gelu()) { Elementwise = true },
        new("gelu tanh", x => x[0].Gelu(approximate: true)) { Elementwise = true },
        new("silu", x => x[0].Silu()) { Elementwise = true },
        new("silu, special", x => x[0].Silu()),
        new("mish", x => x[0].Mish()) { Elementwise = true },
        new("mish, special", x => x[0].Mish()),
        new("softplus", x => x[0].Softplus()) { Elementwise = true },
        new("softplus 2", x => x[0].Softplus(2, 6)) { Elementwise = true },
        new("softplus, special", x => x[0].Softplus()),
        new("log sigmoid", x => x[0].LogSigmoid()) { Elementwise = true },
        new("log sigmoid, special", x => x[0].LogSigmoid()),
        new("hard sigmoid", x => x[0].HardSigmoid()) { Elementwise = true },
        new("hard sigmoid, special", x => x[0].HardSigmoid()) { CheckTolerance = 0 }, // at its kinks
        new("hard tanh", x => x[0].HardTanh()) { Elementwise = true },
        new("hard tanh -2 0.5", x => x[0].HardTanh(-2, 0.5f)) { Elementwise = true },
        new("hard tanh, special", x => x[0].HardTanh()) { CheckTolerance = 0 }, // at its kinks
        new("softsign", x => x[0].Softsign()) { Elementwise = true },
        new("hard swish", x => x[0].HardSwish()) { Elementwise = true },
        new("hard swish, special", x => x[0].HardSwish()) { CheckTolerance = 0 }, // values up to 1e30
        new("relu6", x => x[0].Relu6()) { Elementwise = true },
        new("celu", x => x[0].Celu()) { Elementwise = true },
        new("celu 0.5", x => x[0].Celu(0.5f)) { Elementwise = true },
        new("glu", x => x[0].Glu()),
        new("glu 1", x => x[0].Glu(1)),
    ];
}
