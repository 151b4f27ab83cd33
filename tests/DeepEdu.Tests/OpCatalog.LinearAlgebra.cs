using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests;

public static partial class OpCatalog
{
    private static Tensor Firm(Tensor a) => a + (5 * Tensor.Eye(a.Shape[^1], a.Device));

    private static Tensor Definite(Tensor a) => a.MatMul(a, transB: true) + Tensor.Eye(a.Shape[^2], a.Device);

    private static Tensor Spread(Tensor a) => (0.3f * (a + a.Transpose(-1, -2))) + (2 * Tensor.Arange(a.Shape[^1], a.Device)).DiagEmbed();

    private static Tensor Flat(params Tensor[] parts) => Tensor.Concat(Array.ConvertAll(parts, p => p.Flatten()));

    // factors are exact to a float's last bits; ways back are products in float32, and divide by distances between values
    private static OpRow[] LinearAlgebraRows =>
    [
        new("solve", x => Firm(x[0]).Solve(x[1])) { Big = [[40, 20, 20], [40, 20, 3]], Tolerance = 1e-4f },
        new("inverse", x => Firm(x[0]).Inverse()) { Big = [[40, 20, 20]], Tolerance = 1e-4f },
        new("det", x => x[0].Det()) { Big = [[40, 12, 12]], Tolerance = 1e-4f },
        new("slogdet", x => x[0].SlogDet() is var y ? Flat(y.Sign, y.LogAbs) : null!) { Big = [[40, 20, 20]], Tolerance = 2e-4f },
        new("cholesky", x => Definite(x[0]).Cholesky()) { Big = [[40, 20, 20]], Tolerance = 1e-4f },
        new("solve-triangular-lower", x => Firm(x[0]).SolveTriangular(x[1], upper: false)) { Big = [[40, 20, 20], [40, 20, 3]], Tolerance = 1e-4f },
        new("solve-triangular-upper", x => Firm(x[0]).SolveTriangular(x[1], upper: true)) { Big = [[40, 20, 20], [40, 20, 3]], Tolerance = 1e-4f },
        new("qr", x => x[0].Qr() is var y ? Flat(y.Q, y.R) : null!) { Big = [[40, 20, 12]], Tolerance = 5e-4f },
        new("eigh-values", x => Spread(x[0]).Eigh().Values) { Big = [[40, 16, 16]], Tolerance = 1e-4f },
        new("eigh-vectors", x => Spread(x[0]).Eigh().Vectors.Square()) { Big = [[40, 16, 16]], Tolerance = 5e-4f },
        new("svd-values", x => x[0].Svd().S) { Big = [[40, 16, 9]], Tolerance = 1e-4f },
        new("svd-left", x => x[0].Svd().U.Square()) { Big = [[40, 16, 9]], Tolerance = 1e-3f },
        new("svd-right", x => x[0].Svd().Vh.Square()) { Big = [[40, 9, 16]], Tolerance = 1e-3f },
        new("least-squares", x => x[0].LeastSquares(x[1])) { Big = [[40, 20, 6], [40, 20, 3]], Tolerance = 1e-3f },
        new("pseudo-inverse", x => x[0].PseudoInverse()) { Big = [[40, 12, 6]], Tolerance = 1e-3f },
    ];
}
