using DeepEdu.Autograd;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Gpu.Tests;

/// <summary>Equations and factors of matrices on a device that hands nothing back: the processor's numbers, which both make in double precision and round once, and the processor's errors.</summary>
public class LinearAlgebraTests
{
    private static readonly Lazy<GpuDevice> s_device = new(() =>
    {
        var device = TestDevice.New();
        device.Strict = true;
        return device;
    });

    // a number a matrix; a panel and a bit, which the device works on by panels; a batch
    public static TheoryData<int, int> Squares => new() { { 1, 1 }, { 1, 2 }, { 3, 3 }, { 40, 7 }, { 2, 33 }, { 1, 64 }, { 2, 129 }, { 1, 161 } };

    [Theory, MemberData(nameof(Squares))]
    public void EquationsAreTheProcessors(int count, int n)
    {
        var a = Tensor.Normal([count, n, n], new Rng(1));
        Same(a, x => x.Inverse(), 1);
        Same(a, x => x.Det(), 1);
        var (sign, log) = a.SlogDet();
        var there = a.To(s_device.Value).SlogDet();
        Close(sign, there.Sign, 1);
        Close(log, there.LogAbs, 1);
        foreach (int k in (int[])[1, 3, 17])
        {
            var b = Tensor.Normal([count, n, k], new Rng(2));
            Same(a, x => x.Solve(b.To(x.Device)), 1);
            foreach (bool upper in (bool[])[false, true])
            {
                // random triangles have solutions that grow with every row
                var t = a + (n * Tensor.Eye(n));
                Same(t, x => x.SolveTriangular(b.To(x.Device), upper), 1);
            }
        }
    }

    [Theory, MemberData(nameof(Squares))]
    public void FactorsOfDefiniteMatricesAreTheProcessors(int count, int n)
    {
        var x = Tensor.Normal([count, n, n], new Rng(3));
        var a = x.MatMul(x, transB: true) + (0.1f * Tensor.Eye(n));
        Same(a, a => a.Cholesky(), 1);
        if (n > 64) { return; } // the values of larger random matrices are closer to each other than float32 knows
        var (values, vectors) = a.Eigh();
        var there = a.To(s_device.Value).Eigh();
        Close(values, there.Values, 1);
        Close(vectors, there.Vectors, 4);
    }

    [Theory, InlineData(1, 1, 1), InlineData(3, 5, 5), InlineData(2, 9, 4), InlineData(2, 4, 9), InlineData(1, 1, 6), InlineData(1, 6, 1), InlineData(20, 3, 2), InlineData(1, 70, 33), InlineData(1, 30, 41)]
    public void FactorsOfMatricesAreTheProcessors(int count, int m, int n)
    {
        var a = Tensor.Normal([count, m, n], new Rng(4));
        var (q, r) = a.Qr();
        var qr = a.To(s_device.Value).Qr();
        Close(q, qr.Q, 1);
        Close(r, qr.R, 1);
        var (u, s, v) = a.Svd();
        var svd = a.To(s_device.Value).Svd();
        Close(u, svd.U, 4);
        Close(s, svd.S, 1);
        Close(v, svd.Vh, 4);
        var b = Tensor.Normal([m, 2], new Rng(5));
        Same(a, x => x.LeastSquares(b.To(x.Device)), 4);
        Same(a, x => x.PseudoInverse(), 4);
    }

    /// <summary>Columns that depend on others, equal ones, zeros: factors are not one alone, but they are factors.</summary>
    [Theory, InlineData(6, 4, 2), InlineData(4, 6, 2), InlineData(5, 5, 0), InlineData(5, 5, 1), InlineData(40, 36, 5)]
    public void MatricesWithoutFullRank(int m, int n, int rank)
    {
        var a = rank == 0 ? Tensor.Zeros([2, m, n]) : Tensor.Normal([2, m, rank], new Rng(6)).MatMul(Tensor.Normal([2, rank, n], new Rng(7)));
        var there = a.To(s_device.Value);
        var (u, s, v) = there.Svd();
        int k = Math.Min(m, n);
        Near(Tensor.Eye(k).BroadcastTo([2, k, k]), u.MatMul(u, transA: true), 1e-5f);
        Near(Tensor.Eye(k).BroadcastTo([2, k, k]), v.MatMul(v, transB: true), 1e-5f);
        Near(a, (u * s.Unsqueeze(-2)).MatMul(v), 1e-4f);
        Assert.True(s.ToArray().Where((_, i) => i % k >= rank).All(value => value < 1e-4f));
        var (q, r) = there.Qr();
        Near(a, q.MatMul(r), 1e-4f);
        Near(Tensor.Eye(k).BroadcastTo([2, k, k]), q.MatMul(q, transA: true), 1e-5f);
        Near(a.PseudoInverse(1e-4f), there.PseudoInverse(1e-4f), 1e-4f);
        var gram = there.MatMul(there, transA: true);
        var (values, vectors) = gram.Eigh();
        Near(gram, (vectors * values.Unsqueeze(-2)).MatMul(vectors, transB: true), 1e-3f);
        Near(Tensor.Eye(n).BroadcastTo([2, n, n]), vectors.MatMul(vectors, transA: true), 1e-5f);
    }

    /// <summary>Singular values that are 0 and nothing else: what stands in U's columns for them is at right angles to the others.</summary>
    [Theory, InlineData(6, 4), InlineData(4, 6), InlineData(5, 5)]
    public void ColumnsAndRowsOfZeros(int m, int n)
    {
        float[] values = Tensor.Normal([3, m, n], new Rng(10)).ToArray();
        for (int i = 0; i < values.Length; i++)
        {
            if (i % n is 0 or 3 || i / n % m == 2) { values[i] = 0; }
        }
        var a = Tensor.Of([3, m, n], values);
        var (u, s, v) = a.To(s_device.Value).Svd();
        int k = Math.Min(m, n);
        Assert.True(s.ToArray().Count(value => value == 0) >= 3);
        Near(Tensor.Eye(k).BroadcastTo([3, k, k]), u.MatMul(u, transA: true), 1e-6f);
        Near(Tensor.Eye(k).BroadcastTo([3, k, k]), v.MatMul(v, transB: true), 1e-6f);
        Near(a, (u * s.Unsqueeze(-2)).MatMul(v), 1e-5f);
    }

    [Fact]
    public void DiagonalsAndZerosAreExact()
    {
        Tensor[] all = [Tensor.Eye(5), Tensor.Zeros([3, 3]), Tensor.Of([3, 3], [2, 0, 0, 0, -3, 0, 0, 0, 1]), Tensor.Of([2, 2], [0, 1, 1, 0])];
        foreach (var a in all)
        {
            Same(a, x => x.Det(), 0);
            Same(a, x => x.SlogDet().LogAbs, 1);
            Same(a, x => x.SlogDet().Sign, 0);
            Same(a, x => x.Eigh().Values, 1);
            Same(a, x => x.Svd().S, 1);
            Same(a, x => x.Qr().R, 1);
        }
        Same(Tensor.Of([3, 2, 2], [1e38f, 0, 0, 1e38f, float.NaN, 1, 1, 1, 1, 2, 2, 4]), x => x.SlogDet().LogAbs, 1);
        Same(Tensor.Of([3, 2, 2], [1e-38f, 0, 0, 1e-38f, 0, float.PositiveInfinity, 1, 0, -1, 2, 2, -4]), x => x.SlogDet().LogAbs, 1);
    }

    [Fact]
    public void NothingIsNothing()
    {
        var device = s_device.Value;
        Assert.Equal((int[])[0, 3, 3], (int[])[.. Tensor.Empty([0, 3, 3], device).Inverse().Shape.Sizes]);
        Assert.Equal((int[])[2, 0, 0], (int[])[.. Tensor.Empty([2, 0, 0], device).Cholesky().Shape.Sizes]);
        Assert.Equal([1, 1], Tensor.Empty([2, 0, 0], device).Det().ToArray());
        Assert.Equal([0, 0], Tensor.Empty([2, 0, 0], device).SlogDet().LogAbs.ToArray());
        Assert.Equal((int[])[3, 0], (int[])[.. Tensor.Eye(3, device).Solve(Tensor.Empty([3, 0], device)).Shape.Sizes]);
        Assert.Equal((int[])[0], (int[])[.. Tensor.Empty([0, 4], device).Svd().S.Shape.Sizes]);
        Assert.Equal((int[])[0, 4], (int[])[.. Tensor.Empty([0, 4], device).Qr().R.Shape.Sizes]);
    }

    /// <summary>Which matrix, and what of it.</summary>
    [Fact]
    public void ErrorsAreTheProcessors()
    {
        float[] good = [4, 1, 1, 3], singular = [1, 2, 2, 4], negative = [1, 0, 0, -1], odd = [1, float.NaN, float.NaN, 1];
        Tensor b = Tensor.Ones([3, 2, 1]);
        (Func<Tensor, Tensor> Op, float[] Wrong)[] all =
        [
            (x => x.Solve(b.To(x.Device)), singular), (x => x.Inverse(), singular), (x => x.SolveTriangular(b.To(x.Device), true), [1, 2, 5, 0]), (x => x.SolveTriangular(b.To(x.Device), false), [0, 2, 5, 0]), (x => x.Cholesky(), negative),
            (x => x.Cholesky(), odd), (x => x.Cholesky(), [-1, 0, 0, 1]), (x => x.Eigh().Values, odd), (x => x.Svd().S, odd), (x => x.Svd().S, [1, float.NegativeInfinity, 0, 1]),
        ];
        foreach (var (op, wrong) in all)
        {
            var a = Tensor.Of([3, 2, 2], [.. good, .. wrong, .. good]);
            string want = Assert.Throws<ArithmeticException>(() => op(a)).Message, got = Assert.Throws<ArithmeticException>(() => op(a.To(s_device.Value))).Message;
            Assert.Equal(want, got);
            Assert.Contains("matrix 1 of 3", got, StringComparison.Ordinal);
            // nothing is left behind
            Same(Tensor.Of([1, 2, 2], good), x => x.Inverse(), 1);
        }
    }

    /// <summary>The host waits once to know whether a matrix has what is asked of it, and not where every matrix has.</summary>
    [Fact]
    public void WaitsOnceOrNotAtAll()
    {
        var x = Tensor.Normal([3, 4, 4], new Rng(11));
        using var device = TestDevice.New();
        Tensor a = (x.MatMul(x, transB: true) + Tensor.Eye(4)).To(device), b = Tensor.Ones([3, 4, 1], device);
        (Action Op, int Waits)[] all =
        [
            (() => a.Solve(b), 1), (() => a.Inverse(), 1), (() => a.Cholesky(), 1), (() => a.SolveTriangular(b, true), 1), (() => a.Eigh(), 1), (() => a.Svd(), 1), (() => a.Det(), 0), (() => a.SlogDet(), 0), (() => a.Qr(), 0),
        ];
        foreach (var (op, waits) in all)
        {
            long before = device.HostWaits;
            op();
            Assert.Equal(waits, device.HostWaits - before);
        }
    }

    /// <summary>As many matrices at one time as there is room for.</summary>
    [Fact]
    public void MatricesAreWorkedOnInParts()
    {
        using var device = TestDevice.New();
        device.Strict = true;
        var x = Tensor.Normal([7, 6, 6], new Rng(8));
        var a = x.MatMul(x, transB: true) + (0.1f * Tensor.Eye(6));
        var whole = All(a.To(device));
        device.MatrixRoom = 200;
        var parts = All(a.To(device));
        for (int i = 0; i < whole.Length; i++) { Assert.Equal(whole[i], parts[i]); }
        var wrong = a.ToArray();
        wrong[(5 * 36) + 2] = float.NaN;
        Assert.Contains("matrix 5 of 7", Assert.Throws<ArithmeticException>(() => Tensor.Of([7, 6, 6], wrong, device).Eigh()).Message, StringComparison.Ordinal);

        static float[][] All(Tensor a)
        {
            var wide = a.Narrow(-2, 0, 4);
            using var tape = new Tape();
            tape.Watch(a);
            return
            [
                a.Inverse().ToArray(), a.Solve(a.Narrow(-1, 0, 2)).ToArray(), a.Det().ToArray(), a.Cholesky().ToArray(), a.SolveTriangular(a.Narrow(-1, 0, 2), true).ToArray(), a.Eigh().Vectors.ToArray(), wide.Svd().Vh.ToArray(),
                wide.Qr().Q.ToArray(), tape.Gradients(a.Det().Sum())[a].ToArray(),
            ];
        }
    }

    /// <summary>The gradients' own kernels are the processor's, singular matrices included.</summary>
    [Fact]
    public void GradientsOfDeterminants()
    {
        foreach (var a in (Tensor[])[Tensor.Normal([3, 5, 5], new Rng(9)), Tensor.Of([3, 3], [1, 2, 3, 2, 4, 6, 1, 0, 1]), Tensor.Zeros([4, 4]), Tensor.Of([1, 1], [0])])
        {
            float[] want = Gradient(a), got = Gradient(a.To(s_device.Value));
            float largest = want.Max(MathF.Abs);
            for (int i = 0; i < want.Length; i++) { Assert.True(MathF.Abs(want[i] - got[i]) <= 1e-6f * largest, $"{i}: {got[i]:g9}, expected {want[i]:g9}"); }
        }

        static float[] Gradient(Tensor a)
        {
            using var tape = new Tape();
            tape.Watch(a);
            return tape.Gradients(a.Det().Sum())[a].ToArray();
        }
    }

    private static void Same(Tensor a, Func<Tensor, Tensor> op, int steps) => Close(op(a), op(a.To(s_device.Value)), steps);

    // double precision is rounded to float32 once: where it lies between two, steps of the largest may part them
    private static void Close(Tensor want, Tensor got, int steps)
    {
        Assert.Same(s_device.Value, got.Device);
        Assert.Equal(want.Shape, got.Shape);
        float[] a = want.ToArray(), b = got.ToArray();
        float largest = a.Where(float.IsFinite).Select(MathF.Abs).DefaultIfEmpty().Max(), step = MathF.BitIncrement(largest) - largest;
        for (int i = 0; i < a.Length; i++) { Assert.True(a[i].Equals(b[i]) || MathF.Abs(a[i] - b[i]) <= steps * step, $"value {i} is {b[i]:g9}, expected {a[i]:g9}"); }
    }

    private static void Near(Tensor want, Tensor got, float tolerance)
    {
        float[] a = want.ToArray(), b = got.ToArray();
        Assert.Equal(a.Length, b.Length);
        for (int i = 0; i < a.Length; i++) { Assert.True(MathF.Abs(a[i] - b[i]) <= tolerance, $"value {i} is {b[i]:g9}, expected {a[i]:g9}"); }
    }
}
