using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Nn;

public class InitTests
{
    // a weight [300, 200]: fan-in 200, fan-out 300
    private static readonly Dictionary<string, (Initializer Init, double Std, double Bound)> s_kinds = new()
    {
        ["uniform"] = (Init.Uniform(-0.5f, 0.5f), 1 / Math.Sqrt(12), 0.5),
        ["normal"] = (Init.Normal(0, 0.3f), 0.3, 2),
        ["xavier-uniform"] = (Init.XavierUniform(), Math.Sqrt(2.0 / 500), Math.Sqrt(6.0 / 500)),
        ["xavier-normal"] = (Init.XavierNormal(2), 2 * Math.Sqrt(2.0 / 500), 1),
        ["kaiming-uniform"] = (Init.KaimingUniform(), Math.Sqrt(2.0 / 200), Math.Sqrt(6.0 / 200)),
        ["kaiming-normal"] = (Init.KaimingNormal(fanOut: true), Math.Sqrt(2.0 / 300), 1),
        ["lecun-uniform"] = (Init.LeCunUniform(), Math.Sqrt(1.0 / 200), Math.Sqrt(3.0 / 200)),
        ["lecun-normal"] = (Init.LeCunNormal(), Math.Sqrt(1.0 / 200), 1),
        // the deviation of a normal distribution cut off at ±2: √(1 − 2·2φ(2)/(2Φ(2) − 1)) = 0.8796
        ["truncated-normal"] = (Init.TruncatedNormal(), 0.8796, 2),
    };

    public static TheoryData<string> Kinds => [.. s_kinds.Keys];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void MomentsAndBoundsAreTheStatedOnes(string kind)
    {
        var (init, std, bound) = s_kinds[kind];
        var w = new Parameter([300, 200]);
        init(w, new Rng(11));
        // 60,000 values: the mean strays by std/245, the deviation by about 0.3 % of it; four of those are allowed
        Assert.Equal(0, w.ToArray().Average(), 4 * std / 245);
        Assert.Equal(std, Math.Sqrt(w.ToArray().Average(v => (double)v * v)), 0.012 * std);
        Assert.All(w.ToArray(), v => Assert.InRange(v, -bound * 1.000001, bound * 1.000001));
    }

    [Fact]
    public void LayersStartAsPyTorchs()
    {
        var rng = new Rng(2);
        Uniform(new Dense(200, 300, rng).Weight, 1 / Math.Sqrt(200));
        Uniform(new Dense(200, 30000, rng).Bias!, 1 / Math.Sqrt(200));
        Uniform(new Conv2d(8, 64, 5, rng, groups: 2).Weight, 1 / Math.Sqrt(4 * 25));
        float[] table = new Embedding(300, 200, rng, padding: 3).Weight.ToArray();
        Assert.Equal(1, Math.Sqrt(table.Average(v => (double)v * v)), 0.02);
        Assert.All(table[600..800], v => Assert.Equal(0, v));

        static void Uniform(Parameter p, double bound)
        {
            float[] values = p.ToArray();
            double std = bound / Math.Sqrt(3);
            Assert.Equal(std, Math.Sqrt(values.Average(v => (double)v * v)), 4 * std / Math.Sqrt(values.Length));
            Assert.InRange(values.Max(MathF.Abs), 0.99 * bound, 1.000001 * bound);
        }
    }

    [Theory]
    [InlineData(7, 7)]
    [InlineData(5, 40)]
    [InlineData(40, 5)]
    public void OrthogonalRowsOrColumnsAre(int rows, int columns)
    {
        var w = new Parameter([rows, columns]);
        Init.Orthogonal(1.5f)(w, new Rng(4));
        float[] v = w.ToArray();
        int count = Math.Min(rows, columns), length = Math.Max(rows, columns);
        float At(int i, int k) => rows <= columns ? v[(i * columns) + k] : v[(k * columns) + i];
        for (int i = 0; i < count; i++)
        {
            for (int j = 0; j < count; j++) { Assert.Equal(i == j ? 2.25 : 0, Enumerable.Range(0, length).Sum(k => (double)At(i, k) * At(j, k)), 1e-5); }
        }
    }

    [Fact]
    public void ConstantsFillEveryValue()
    {
        var w = new Parameter([2, 3]);
        foreach (var (init, value) in new[] { (Init.Zeros(), 0f), (Init.Ones(), 1), (Init.Constant(-2.5f), -2.5f) })
        {
            init(w, new Rng(1));
            Assert.Equal(Enumerable.Repeat(value, 6), w.ToArray());
        }
    }

    [Fact]
    public void AVectorHasNoFan() =>
        Assert.Contains("[3]", Assert.Throws<ShapeException>(() => Init.XavierUniform()(new Parameter([3]), new Rng(1))).Message, StringComparison.Ordinal);
}
