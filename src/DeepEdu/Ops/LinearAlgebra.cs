using System.Diagnostics.CodeAnalysis;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>A = QR.</summary>
/// <param name="Q">Columns at right angles to each other and of length 1: [.., m, k], k the smaller of m and n.</param>
/// <param name="R">0 below the diagonal: [.., k, n].</param>
public readonly record struct QrResult(Tensor Q, Tensor R);

/// <summary>A = V·diag(Values)·Vᵀ.</summary>
/// <param name="Values">Ascending: [.., n].</param>
/// <param name="Vectors">V [.., n, n], a vector a column.</param>
public readonly record struct EighResult(Tensor Values, Tensor Vectors);

/// <summary>A = U·diag(S)·Vh.</summary>
/// <param name="U">[.., m, k], k the smaller of m and n.</param>
/// <param name="S">Descending, none below 0: [.., k].</param>
/// <param name="Vh">[.., k, n], a vector a row.</param>
public readonly record struct SvdResult(Tensor U, Tensor S, Tensor Vh);

/// <summary>The sign of a determinant, and the logarithm of its size.</summary>
/// <param name="Sign">−1, 0 or 1: [..]. It has no gradient.</param>
/// <param name="LogAbs">ln |det A|, −∞ where it is 0: [..].</param>
public readonly record struct SlogDetResult(Tensor Sign, Tensor LogAbs);

/// <summary>Equations and factors of matrices, for batches of any rank [.., m, n]. Computed on the processor in double precision and rounded once; meant for the sizes of statistics (regressions, covariances, principal
/// components), up to some hundreds. PyTorch's <c>torch.linalg</c>. Gradients as derived by Giles 2008, "Collected matrix derivative results for forward and reverse mode algorithmic differentiation"; of QR by Walter and Lehmann 2018,
/// arXiv:1009.6112.</summary>
public static partial class LinearAlgebra
{
    extension(Tensor a)
    {
        /// <summary>X of AX = B, by LU factors with row exchanges. b is [.., n, k], or a vector [n], or a batch of vectors [.., n] of one rank less and the same leading sizes; leading sizes broadcast. dB = A⁻ᵀdX, dA = −dB·Xᵀ.</summary>
        /// <exception cref="ShapeException">a is not square, or b has other rows.</exception>
        /// <exception cref="ArithmeticException">A matrix is singular: which.</exception>
        public Tensor Solve(Tensor b)
        {
            ArgumentNullException.ThrowIfNull(a);
            ArgumentNullException.ThrowIfNull(b);
            int n = Square("solve", a.Shape);
            bool vector = b.Rank == 1 || (b.Rank == a.Rank - 1 && b.Shape == a.Shape.Without(a.Rank - 1));
            if (vector) { b = b.Unsqueeze(-1); }
            if (b.Shape[^2] != n) { ThrowRows("solve", a.Shape, b.Shape); }
            var (x, y) = Batched("solve", a, b);
            var solved = Solved(x, y, transposed: false);
            return vector ? solved.Squeeze(-1) : solved;
        }

        /// <summary>A⁻¹. Where it is only multiplied by something, <c>Solve</c> is quicker and more exact. dA = −A⁻ᵀ·dY·A⁻ᵀ.</summary>
        /// <exception cref="ShapeException">a is not square.</exception>
        /// <exception cref="ArithmeticException">A matrix is singular: which.</exception>
        public Tensor Inverse()
        {
            ArgumentNullException.ThrowIfNull(a);
            int n = Square("inverse", a.Shape);
            var y = Tensor.Empty(a.Shape, a.Device);
            a.Device.Launch(new SolveKernel(a.View, default, y.View, Count(a.Shape), n, n, Transposed: false, "inverse"));
            Tape.For(a)?.AddRecordable(y, (a, dy => -y.MatMul(dy, transA: true).MatMul(y, transB: true)));
            return y;
        }

        /// <summary>det A: [..]. Its gradient, the cofactors, is right for singular matrices too; a gradient of that needs A⁻¹.</summary>
        /// <exception cref="ShapeException">a is not square.</exception>
        public Tensor Det()
        {
            ArgumentNullException.ThrowIfNull(a);
            int n = Square("det", a.Shape), count = Count(a.Shape);
            var y = Tensor.Empty(Lead(a.Shape), a.Device);
            a.Device.Launch(new DetKernel(a.View, y.View, default, count, n));
            Tape.For(a)?.AddRecordable(y, (a, dy =>
            {
                if (Tape.Recording is not null) { return a.Inverse().Transpose(-1, -2) * (y * dy).Unsqueeze(-1).Unsqueeze(-1); }
                var cofactors = Tensor.Empty(a.Shape, a.Device);
                a.Device.Launch(new CofactorKernel(a.View, cofactors.View, count, n));
                return cofactors * dy.Unsqueeze(-1).Unsqueeze(-1);
            }
            ));
            return y;
        }

        /// <summary>The sign of det A and ln |det A|, which does not overflow. d = A⁻ᵀ.</summary>
        /// <exception cref="ShapeException">a is not square.</exception>
        /// <exception cref="ArithmeticException">On the way back: a matrix is singular.</exception>
        public SlogDetResult SlogDet()
        {
            ArgumentNullException.ThrowIfNull(a);
            int n = Square("slogdet", a.Shape);
            Tensor sign = Tensor.Empty(Lead(a.Shape), a.Device), log = Tensor.Empty(sign.Shape, a.Device);
            a.Device.Launch(new DetKernel(a.View, sign.View, log.View, Count(a.Shape), n));
            Tape.For(a)?.AddRecordable(log, (a, dy => a.Inverse().Transpose(-1, -2) * dy.Unsqueeze(-1).Unsqueeze(-1)));
            return new(sign, log);
        }

        /// <summary>L of A = LLᵀ, 0 above its diagonal, for a symmetric and positive definite A, whose lower triangle is read. The gradient is symmetric.</summary>
        /// <exception cref="ShapeException">a is not square.</exception>
        /// <exception cref="ArithmeticException">A matrix is not positive definite: which, and the order of the minor.</exception>
        public Tensor Cholesky()
        {
            ArgumentNullException.ThrowIfNull(a);
            int n = Square("cholesky", a.Shape);
            var l = Tensor.Empty(a.Shape, a.Device);
            a.Device.Launch(new CholeskyKernel(a.View, l.View, Count(a.Shape), n));
            Tape.For(a)?.AddRecordable(l, (a, dl =>
            {
                // S = L⁻ᵀ·Φ(Lᵀ·dL)·L⁻¹, Φ the lower triangle with half its diagonal
                var p = l.MatMul(dl, transA: true).Tril();
                p -= 0.5f * p.Diagonal().DiagEmbed();
                var lt = l.Transpose(-1, -2);
                var s = lt.SolveTriangular(lt.SolveTriangular(p.Transpose(-1, -2), upper: true).Transpose(-1, -2), upper: true);
                return 0.5f * (s + s.Transpose(-1, -2));
            }
            ));
            return l;
        }

        /// <summary>X of TX = B for a triangle T; what stands on its other side is not read. b as for <c>Solve</c>, but [n] alone is a vector.</summary>
        /// <param name="b">B.</param>
        /// <param name="upper">Whether T is the upper triangle.</param>
        /// <exception cref="ShapeException">a is not square, or b has other rows.</exception>
        public Tensor SolveTriangular(Tensor b, bool upper)
        {
            ArgumentNullException.ThrowIfNull(a);
            ArgumentNullException.ThrowIfNull(b);
            int n = Square("solve-triangular", a.Shape);
            bool vector = b.Rank == 1;
            if (vector) { b = b.Unsqueeze(-1); }
            if (b.Rank < 2 || b.Shape[^2] != n) { ThrowRows("solve-triangular", a.Shape, b.Shape); }
            var (x, y) = Batched("solve-triangular", a, b);
            var solved = Tensor.Empty(y.Shape, y.Device);
            y.Device.Launch(new TriangularKernel(x.View, y.View, solved.View, Count(x.Shape), n, y.Shape[^1], upper));
            Tape.For(x, y)?.AddRecordable(solved,
                (x, dy =>
                {
                    var all = Back(dy).MatMul(solved, transB: true);
                    return -(upper ? all.Triu() : all.Tril());
                }
            ), (y, Back));
            return vector ? solved.Squeeze(-1) : solved;

            Tensor Back(Tensor dy) => x.Transpose(-1, -2).SolveTriangular(dy, !upper);
        }

        /// <summary>A = QR by Householder's reflections, the reduced factors, with LAPACK's signs. The gradient needs the first k columns to be independent.</summary>
        /// <exception cref="ShapeException">a has fewer than two axes.</exception>
        public QrResult Qr()
        {
            ArgumentNullException.ThrowIfNull(a);
            var (m, n) = Sizes("qr", a.Shape);
            int k = Math.Min(m, n);
            var lead = Lead(a.Shape);
            Tensor q = Tensor.Empty([.. lead, m, k], a.Device), r = Tensor.Empty([.. lead, k, n], a.Device);
            a.Device.Launch(new QrKernel(a.View, q.View, r.View, Count(a.Shape), m, n));
            Tape.For(a)?.AddRecordable(q, (a, dq => QrPull(a, q, r, dq, null)));
            Tape.For(a)?.AddRecordable(r, (a, dr => QrPull(a, q, r, null, dr)));
            return new(q, r);
        }

        /// <summary>A = V·diag(λ)·Vᵀ of a symmetric A, whose lower triangle is read: λ ascending, the largest entry of each vector positive. The gradient is symmetric; that of the vectors needs values that
        /// differ.</summary>
        /// <exception cref="ShapeException">a is not square.</exception>
        /// <exception cref="ArithmeticException">A value is NaN or infinite.</exception>
        public EighResult Eigh()
        {
            ArgumentNullException.ThrowIfNull(a);
            int n = Square("eigh", a.Shape);
            Tensor values = Tensor.Empty(a.Shape.Without(a.Rank - 1), a.Device), vectors = Tensor.Empty(a.Shape, a.Device);
            a.Device.Launch(new EighKernel(a.View, values.View, vectors.View, Count(a.Shape), n));
            Tape.For(a)?.AddRecordable(values, (a, d => (vectors * d.Unsqueeze(-2)).MatMul(vectors, transB: true)));
            Tape.For(a)?.AddRecordable(vectors, (a, d =>
            {
                var inner = vectors.MatMul(d, transA: true) * Gaps(values);
                var g = vectors.MatMul(inner).MatMul(vectors, transB: true);
                return 0.5f * (g + g.Transpose(-1, -2));
            }
            ));
            return new(values, vectors);
        }

        /// <summary>A = U·diag(S)·Vh, the reduced factors: S descending, the largest entry of each column of U positive. The gradient of U and Vh needs singular values that differ and are not 0.</summary>
        /// <exception cref="ShapeException">a has fewer than two axes.</exception>
        /// <exception cref="ArithmeticException">A value is NaN or infinite.</exception>
        public SvdResult Svd()
        {
            ArgumentNullException.ThrowIfNull(a);
            var (m, n) = Sizes("svd", a.Shape);
            int k = Math.Min(m, n);
            var lead = Lead(a.Shape);
            Tensor u = Tensor.Empty([.. lead, m, k], a.Device), s = Tensor.Empty([.. lead, k], a.Device), v = Tensor.Empty([.. lead, k, n], a.Device);
            a.Device.Launch(new SvdKernel(a.View, u.View, s.View, v.View, Count(a.Shape), m, n));
            Tape.For(a)?.AddRecordable(s, (a, d => (u * d.Unsqueeze(-2)).MatMul(v)));
            Tape.For(a)?.AddRecordable(u, (a, d =>
            {
                // U·[F ∘ (UᵀdU − dUᵀU)]·S·Vh, and what leaves U's columns: (1 − UUᵀ)·dU·S⁻¹·Vh
                var inner = u.MatMul(d, transA: true);
                var g = u.MatMul((inner - inner.Transpose(-1, -2)) * Gaps(s.Square()) * s.Unsqueeze(-2)).MatMul(v);
                return m == k ? g : g + ((d - u.MatMul(inner)) / s.Unsqueeze(-2)).MatMul(v);
            }
            ));
            Tape.For(a)?.AddRecordable(v, (a, d =>
            {
                var inner = v.MatMul(d, transB: true);
                var g = u.MatMul(s.Unsqueeze(-1) * ((inner - inner.Transpose(-1, -2)) * Gaps(s.Square()))).MatMul(v);
                return n == k ? g : g + u.MatMul((d - inner.Transpose(-1, -2).MatMul(v)) / s.Unsqueeze(-1));
            }
            ));
            return new(u, s, v);
        }

        /// <summary>The x that makes ‖Ax − b‖ least, and of several the shortest, for an A of full rank: by QR. b is [.., m, k], or [m]. PyTorch's <c>linalg.lstsq</c>. Without full rank: <c>PseudoInverse</c>.</summary>
        /// <exception cref="ShapeException">b has other rows than a.</exception>
        /// <exception cref="ArithmeticException">A is not of full rank.</exception>
        public Tensor LeastSquares(Tensor b)
        {
            ArgumentNullException.ThrowIfNull(a);
            ArgumentNullException.ThrowIfNull(b);
            Elementwise.SameDevice("least-squares", a, b);
            var (m, n) = Sizes("least-squares", a.Shape);
            if (b.Rank == 1) { return a.LeastSquares(b.Unsqueeze(-1)).Squeeze(-1); }
            if (b.Rank < 2 || b.Shape[^2] != m) { ThrowRows("least-squares", a.Shape, b.Shape); }
            if (m >= n)
            {
                var (q, r) = a.Qr();
                return r.SolveTriangular(q.Transpose(-1, -2).MatMul(b), upper: true);
            }
            var (qt, rt) = a.Transpose(-1, -2).Qr();
            return qt.MatMul(rt.Transpose(-1, -2).SolveTriangular(b, upper: false));
        }

        /// <summary>The inverse of Moore and Penrose, by singular values: [.., n, m]. Those not above <paramref name="relative"/> times the largest count as 0.</summary>
        /// <exception cref="ShapeException">a has fewer than two axes.</exception>
        public Tensor PseudoInverse(float relative = 1e-6f)
        {
            ArgumentNullException.ThrowIfNull(a);
            var (u, s, v) = a.Svd();
            if (s.Shape[^1] == 0) { return a.Transpose(-1, -2); }
            var counts = s.Detach().Greater(s.Detach().Narrow(-1, 0, 1) * relative);
            var inverse = counts / (s + (1 - counts)); // no division by what counts as 0
            return (v.Transpose(-1, -2) * inverse.Unsqueeze(-2)).MatMul(u, transB: true);
        }
    }

    // A·X = B, or Aᵀ·X = B
    private static Tensor Solved(Tensor a, Tensor b, bool transposed)
    {
        var x = Tensor.Empty(b.Shape, b.Device);
        b.Device.Launch(new SolveKernel(a.View, b.View, x.View, Count(a.Shape), a.Shape[^1], b.Shape[^1], transposed, "solve"));
        Tape.For(a, b)?.AddRecordable(x,
            (a, dx => transposed ? -x.MatMul(Solved(a, dx, transposed: false), transB: true) : -Solved(a, dx, transposed: true).MatMul(x, transB: true)),
            (b, dx => Solved(a, dx, !transposed)));
        return x;
    }

    // Q·sym + dQ.., against Rᵀ: columns beyond the square part follow from it
    private static Tensor QrPull(Tensor a, Tensor q, Tensor r, Tensor? dq, Tensor? dr)
    {
        var (m, n) = Sizes("qr", a.Shape);
        if (m >= n) { return Pull(q, r, dq, dr); }
        var left = r.Narrow(-1, 0, m);
        var beyond = dr?.Narrow(-1, m, n - m);
        if (beyond is not null)
        {
            var more = a.Narrow(-1, m, n - m).MatMul(beyond, transB: true);
            dq = dq is null ? more : dq + more;
        }
        var first = Pull(q, left, dq, dr?.Narrow(-1, 0, m));
        return Tensor.Concat([first, beyond is null ? Tensor.Zeros([.. Lead(a.Shape), m, n - m], a.Device) : q.MatMul(beyond)], -1);

        static Tensor Pull(Tensor q, Tensor r, Tensor? dq, Tensor? dr)
        {
            Tensor? inner = dr is null ? null : r.MatMul(dr, transB: true);
            if (dq is not null) { inner = inner is null ? -dq.MatMul(q, transA: true) : inner - dq.MatMul(q, transA: true); }
            var sides = q.MatMul(inner!.Tril() + inner!.Tril(-1).Transpose(-1, -2));
            var g = dq is null ? sides : dq + sides;
            return r.SolveTriangular(g.Transpose(-1, -2), upper: true).Transpose(-1, -2); // g·R⁻ᵀ
        }
    }

    // 1 / (λⱼ − λᵢ), 0 on the diagonal
    private static Tensor Gaps(Tensor values)
    {
        int n = values.Shape[^1];
        var one = Tensor.Eye(n, values.Device);
        return (1 - one) / (values.Unsqueeze(-2) - values.Unsqueeze(-1) + one);
    }

    private static (Tensor A, Tensor B) Batched(string op, Tensor a, Tensor b)
    {
        Elementwise.SameDevice(op, a, b);
        var lead = Shape.Broadcast(op, Lead(a.Shape), Lead(b.Shape));
        return (a.BroadcastTo([.. lead, .. a.Shape.Sizes[^2..]]), b.BroadcastTo([.. lead, .. b.Shape.Sizes[^2..]]));
    }

    private static Shape Lead(Shape s) => [.. s.Sizes[..^2]];

    private static int Count(Shape s) => s.Product(0, s.Rank - 2);

    private static (int M, int N) Sizes(string op, Shape s) => s.Rank >= 2 ? (s[^2], s[^1]) : throw new ShapeException(op, $"{s} is no matrix [.., m, n]", s);

    private static int Square(string op, Shape s)
    {
        var (m, n) = Sizes(op, s);
        return m == n ? n : throw new ShapeException(op, $"{s} is not square; for equations of other shapes there is LeastSquares", s);
    }

    [DoesNotReturn]
    private static void ThrowRows(string op, Shape a, Shape b) => throw new ShapeException(op, $"{a} and {b}: b must have {a[^2]} rows, as a has, or be a vector of {a[^2]}", a, b);
}
