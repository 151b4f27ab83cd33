using DeepEdu.Lanes;
using D = DeepEdu.Lanes.Dual<DeepEdu.Lanes.F1>;

namespace DeepEdu.Tests.Lanes;

public class DualTests
{
    public static TheoryData<string> Names => [.. _cases.Keys];

    // a word, the same in double precision, and points where it is smooth
    private static readonly Dictionary<string, (Func<D, D> Lane, Func<double, double> Real, double[] At)> _cases = new()
    {
        ["x² + x"] = (x => (x * x) + x, x => (x * x) + x, [-2, 0.3, 5]),
        ["(x − 2)/(1 + x²)"] = (x => (x - 2f) / (1f + (x * x)), x => (x - 2) / (1 + (x * x)), [-1.5, 0, 4]),
        ["−x"] = (x => -x, x => -x, [-1, 2]),
        ["multiply-add"] = (x => D.MultiplyAdd(x, x * x, 3f * x), x => (x * x * x) + (3 * x), [-1.2, 0.7]),
        ["min"] = (x => D.Min(x * x, 2f * x), x => Math.Min(x * x, 2 * x), [-1, 0.5, 3]),
        ["max"] = (x => D.Max(x * x, 2f * x), x => Math.Max(x * x, 2 * x), [-1, 0.5, 3]),
        ["abs"] = (x => D.Abs(x), Math.Abs, [-3, 0.25]),
        ["floor"] = (x => x * D.Floor(x), x => x * Math.Floor(x), [-1.5, 2.5]),
        ["sqrt"] = (x => D.Sqrt(x), Math.Sqrt, [0.01, 1, 9]),
        ["exp"] = (x => D.Exp(2f * x), x => Math.Exp(2 * x), [-3, 0, 2]),
        ["log"] = (x => D.Log(x), Math.Log, [0.1, 1, 7]),
        ["tanh"] = (x => D.Tanh(x), Math.Tanh, [-1.5, 0, 0.4]),
        ["sigmoid"] = (x => D.Sigmoid(x), x => 1 / (1 + Math.Exp(-x)), [-3, 0, 2]),
        ["erf"] = (x => D.Erf(x), Numerics.ErfOf.Expected, [-1.2, 0, 0.6, 2]),
        ["sin"] = (x => D.Sin(3f * x), x => Math.Sin(3 * x), [-2, 0, 1.1]),
        ["cos"] = (x => D.Cos(3f * x), x => Math.Cos(3 * x), [-2, 0.2, 1.1]),
        ["where >"] = (x => D.WhereGreater(x, 0f, x * x, -x), x => x > 0 ? x * x : -x, [-2, 3]),
        ["where ≥"] = (x => D.WhereGreaterOrEqual(x, 0f, x * x, -x), x => x >= 0 ? x * x : -x, [-2, 3]),
        ["where ="] = (x => D.WhereEqual(x, 7f, x * x, -x), x => -x, [-2, 3]),
    };

    [Theory]
    [MemberData(nameof(Names))]
    public void DerivativeAgreesWithCentralDifferences(string name)
    {
        var (lane, real, at) = _cases[name];
        foreach (double x in at)
        {
            float rounded = (float)x;
            D y = lane(new D(rounded, 1f));
            // the difference quotient is right to about 1e-9; a few float roundings remain
            double h = 1e-5, slope = (real(rounded + h) - real(rounded - h)) / (2 * h);
            Assert.Equal(real(rounded), y.X.V, 1e-6 * (1 + Math.Abs(real(rounded))));
            Assert.Equal(slope, y.D.V, 2e-6 * (1 + Math.Abs(slope)));
        }
    }

    [Fact]
    public void TiesShareTheDerivativeAndCornersHaveNone()
    {
        D a = new(2f, 1f), b = new(2f, 0f), zero = new(0f, 1f);
        Assert.Equal(0.5f, D.Max(a, b).D.V);
        Assert.Equal(0.5f, D.Min(a, b).D.V);
        Assert.Equal(0f, D.Abs(zero).D.V);
        Assert.Equal(0f, D.Abs(-zero).D.V);
        Assert.True(float.IsNaN(D.Max(a, float.NaN).X.V));
        Assert.True(float.IsNaN(D.Min(float.NaN, a).X.V));
    }

    [Fact]
    public void ConstantsHaveDerivativeZero() => Assert.Equal(0f, (D.Of(3) * D.Of(4)).D.V);

    [Fact]
    public void EveryLaneCarriesItsOwnDerivative()
    {
        float[] x = new float[16];
        for (int i = 0; i < x.Length; i++) { x[i] = i; }
        var dual = new Dual<F16>(F16.Load(in x[0], 0), 1f);
        for (int i = 0; i < x.Length; i++) { Assert.Equal(2f * i, F16.Get((dual * dual).D, i)); }
    }
}
