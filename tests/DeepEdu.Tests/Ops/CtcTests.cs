using DeepEdu.Autograd;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Ops;

/// <summary>The kernel of connectionist temporal classification beside the recursion written out in double precision.</summary>
public class CtcTests
{
    private const int Blank = 1;

    [Theory, Trait("Width", "yes")]
    [InlineData(1, 0, 3)]
    [InlineData(5, 0, 4)]
    [InlineData(1, 1, 3)]
    [InlineData(40, 13, 5)] // two vectors are full with fourteen symbols
    [InlineData(40, 14, 3)]
    [InlineData(70, 15, 9)]
    [InlineData(90, 31, 3)]
    [InlineData(3000, 60, 30)] // sums of −10,000 and more
    public void LossesAndGradientsAreThoseOfTheRecursion(int steps, int symbols, int classes)
    {
        const int N = 3;
        var rng = new Rng(5);
        var x = Tensor.Normal([steps, N, classes], rng, 0, 3).LogSoftmax();
        int[] targets = Draw(rng, [N, symbols], classes - 1), lengths = [symbols, symbols / 2, symbols], each = [steps, Math.Max(steps - 3, 1), steps];
        for (int i = 0; i < targets.Length; i++) { if (targets[i] >= Blank) { targets[i]++; } }
        using var tape = new Tape();
        tape.Watch(x);
        var y = CtcOp.Loss(x, Indices.Of([N, symbols], targets), each, lengths, Blank, zeroInfinity: false);
        float[] dx = tape.Gradients(y, Tensor.Of([N], [1, -2, 0.5f]))[x].ToArray(), values = x.ToArray();
        for (int n = 0; n < N; n++)
        {
            double[,] logs = new double[each[n], classes];
            for (int t = 0; t < each[n]; t++) { for (int c = 0; c < classes; c++) { logs[t, c] = values[(((t * N) + n) * classes) + c]; } }
            var (loss, gradient) = Recursion(logs, targets.AsSpan(n * symbols, lengths[n]));
            Assert.Equal(loss, y.ToArray()[n], 1e-6 * (1 + Math.Abs(loss))); // sums are shortened every sixteen steps: what is left are some ulp
            double factor = n switch { 0 => 1, 1 => -2, _ => 0.5 };
            for (int t = 0; t < steps; t++)
            {
                for (int c = 0; c < classes; c++)
                {
                    double want = t < each[n] ? factor * gradient[t, c] : 0;
                    Assert.True(Math.Abs(want - dx[(((t * N) + n) * classes) + c]) <= 4e-4, $"sequence {n}, step {t}, class {c}: {dx[(((t * N) + n) * classes) + c]}, expected {want}");
                }
            }
        }
    }

    [Fact]
    public void ATargetThatDoesNotFitIsInfinityWithoutANumberAsGradientOrNothing()
    {
        var x = Tensor.Ones([3, 2, 4]).LogSoftmax();
        Indices targets = Indices.Of([2, 2], [2, 2, 2, 3]), two = Indices.Of(2, 2);
        foreach (bool zero in (bool[])[false, true])
        {
            using var tape = new Tape();
            tape.Watch(x);
            var y = CtcOp.Loss(x, targets, two, two, Blank, zero);
            float[] dx = tape.Gradients(y.Sum())[x].ToArray();
            Assert.Equal(zero ? 0 : float.PositiveInfinity, y.ToArray()[0]);
            Assert.Equal(2 * MathF.Log(4), y.ToArray()[1], 1e-6);
            Assert.Equal(!zero, float.IsNaN(dx[Blank]));
            Assert.Equal([0f, 0, -1, 0], dx[4..8]); // the second target has one way only
            Assert.All(dx[16..], v => Assert.Equal(0, v)); // behind both sequences
        }
    }

    private static int[] Draw(Rng rng, Shape shape, int below) => Indices.Uniform(shape, rng, 0, below).ToArray();

    // Graves et al. 2006, eq. 6 to 16, over the target with blanks around its symbols
    private static (double Loss, double[,] Gradient) Recursion(double[,] x, ReadOnlySpan<int> target)
    {
        int steps = x.GetLength(0), width = (2 * target.Length) + 1;
        int[] spelled = new int[width];
        for (int i = 0; i < width; i++) { spelled[i] = i % 2 == 0 ? Blank : target[i / 2]; }
        double[,] alpha = new double[steps, width], beta = new double[steps, width], gradient = new double[steps, x.GetLength(1)];
        for (int t = 0; t < steps; t++)
        {
            int back = steps - 1 - t;
            for (int s = 0; s < width; s++)
            {
                alpha[t, s] = x[t, spelled[s]] + (t == 0 ? (s < 2 ? 0 : double.NegativeInfinity) : Sum(alpha[t - 1, s], At(alpha, t - 1, s - 1), Skips(s) ? At(alpha, t - 1, s - 2) : double.NegativeInfinity));
                beta[back, s] = t == 0 ? (s >= width - 2 ? 0 : double.NegativeInfinity) : Sum(Later(s), s + 1 < width ? Later(s + 1) : double.NegativeInfinity, s + 2 < width && Skips(s + 2) ? Later(s + 2) : double.NegativeInfinity);
                double Later(int at) => beta[back + 1, at] + x[back + 1, spelled[at]];
            }
        }
        double all = Sum(alpha[steps - 1, width - 1], At(alpha, steps - 1, width - 2), double.NegativeInfinity);
        for (int t = 0; t < steps; t++) { for (int s = 0; s < width; s++) { gradient[t, spelled[s]] -= Math.Exp(alpha[t, s] + beta[t, s] - all); } }
        return (-all, gradient);

        bool Skips(int s) => s > 1 && spelled[s] != Blank && spelled[s] != spelled[s - 2];
    }

    private static double At(double[,] a, int t, int s) => s < 0 ? double.NegativeInfinity : a[t, s];

    private static double Sum(double a, double b, double c)
    {
        double most = Math.Max(a, Math.Max(b, c));
        return double.IsNegativeInfinity(most) ? most : most + Math.Log(Math.Exp(a - most) + Math.Exp(b - most) + Math.Exp(c - most));
    }
}
