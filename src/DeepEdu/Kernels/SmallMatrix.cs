using System.Numerics;
using System.Numerics.Tensors;

namespace DeepEdu.Kernels;

/// <summary>Factors of one matrix, row-major, in double precision: Golub and Van Loan, Matrix Computations, 4th edition (numbers of algorithms beside each). Sizes are those of statistics, not of layers.</summary>
internal static class SmallMatrix
{
    private const int MostSweeps = 60;

    /// <summary>PA = LU with row exchanges (3.4.1), in place: L's part below its diagonal of ones, U above. Returns the sign of P; a pivot of 0 stays where it is.</summary>
    public static int Lu(Span<double> a, int n, Span<int> rows)
    {
        int sign = 1;
        for (int j = 0; j < n; j++)
        {
            int best = j;
            for (int i = j + 1; i < n; i++) { if (Math.Abs(a[(i * n) + j]) > Math.Abs(a[(best * n) + j])) { best = i; } }
            rows[j] = best;
            if (best != j)
            {
                for (int k = 0; k < n; k++) { (a[(j * n) + k], a[(best * n) + k]) = (a[(best * n) + k], a[(j * n) + k]); }
                sign = -sign;
            }
            double pivot = a[(j * n) + j];
            if (pivot == 0) { continue; }
            for (int i = j + 1; i < n; i++)
            {
                double l = a[(i * n) + j] /= pivot;
                Add(a.Slice((j * n) + j + 1, n - j - 1), -l, a.Slice((i * n) + j + 1, n - j - 1));
            }
        }
        return sign;
    }

    /// <summary>x of AX = B [n, k] from A's factors, in B's place. Returns the place of a pivot that is 0, or −1.</summary>
    public static int LuSolve(ReadOnlySpan<double> lu, int n, ReadOnlySpan<int> rows, Span<double> b, int k)
    {
        for (int i = 0; i < n; i++) { if (lu[(i * n) + i] == 0) { return i; } }
        for (int i = 0; i < n; i++)
        {
            int from = rows[i];
            if (from != i) { for (int c = 0; c < k; c++) { (b[(i * k) + c], b[(from * k) + c]) = (b[(from * k) + c], b[(i * k) + c]); } }
        }
        Substitute(lu, n, b, k, upper: false, unit: true);
        Substitute(lu, n, b, k, upper: true, unit: false);
        return -1;
    }

    /// <summary>X of TX = B for a triangle T, in B's place (3.1.1, 3.1.2, by rows of B). What stands on the other side of the diagonal is not read.</summary>
    public static void Substitute(ReadOnlySpan<double> t, int n, Span<double> b, int k, bool upper, bool unit)
    {
        for (int step = 0; step < n; step++)
        {
            int i = upper ? n - 1 - step : step, from = upper ? i + 1 : 0, to = upper ? n : i;
            var row = b.Slice(i * k, k);
            for (int j = from; j < to; j++) { Add(b.Slice(j * k, k), -t[(i * n) + j], row); }
            if (!unit) { TensorPrimitives.Divide(row, t[(i * n) + i], row); }
        }
    }

    /// <summary>A = LLᵀ (4.2.1), in place, from the lower triangle; the upper becomes 0. Returns the order of a leading minor that is not above 0, or 0.</summary>
    public static int Cholesky(Span<double> a, int n)
    {
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j < i; j++) { a[(i * n) + j] = (a[(i * n) + j] - TensorPrimitives.Dot<double>(a.Slice(i * n, j), a.Slice(j * n, j))) / a[(j * n) + j]; }
            var row = a.Slice(i * n, i);
            double rest = a[(i * n) + i] - TensorPrimitives.Dot<double>(row, row);
            if (!(rest > 0)) { return i + 1; }
            a[(i * n) + i] = Math.Sqrt(rest);
            a.Slice((i * n) + i + 1, n - i - 1).Clear();
        }
        return 0;
    }

    /// <summary>A = QR by Householder's reflections (5.2.1) with LAPACK's signs: A is handed over by columns, [n, m]; Q comes back by columns [k, m], R [k, n], k the smaller size.</summary>
    public static void Qr(Span<double> columns, int m, int n, Span<double> q, Span<double> r)
    {
        int k = Math.Min(m, n);
        double[] tau = new double[k];
        for (int j = 0; j < k; j++)
        {
            var x = columns.Slice((j * m) + j, m - j);
            double below = TensorPrimitives.Norm<double>(x[1..]), head = x[0];
            if (below == 0) { continue; }
            double beta = head < 0 ? double.Hypot(head, below) : -double.Hypot(head, below);
            tau[j] = (beta - head) / beta;
            TensorPrimitives.Divide(x[1..], head - beta, x[1..]);
            x[0] = 1;
            for (int c = j + 1; c < n; c++)
            {
                var y = columns.Slice((c * m) + j, m - j);
                Add(x, -tau[j] * TensorPrimitives.Dot<double>(x, y), y);
            }
            r[(j * n) + j] = beta;
        }
        for (int j = 0; j < k; j++)
        {
            r.Slice(j * n, j).Clear();
            if (tau[j] == 0) { r[(j * n) + j] = columns[(j * m) + j]; }
            for (int c = j + 1; c < n; c++) { r[(j * n) + c] = columns[(c * m) + j]; }
        }
        q[..(k * m)].Clear();
        for (int c = 0; c < k; c++)
        {
            var y = q.Slice(c * m, m);
            y[c] = 1;
            for (int j = k - 1; j >= 0; j--)
            {
                if (tau[j] == 0) { continue; }
                var v = columns.Slice((j * m) + j, m - j);
                Add(v, -tau[j] * TensorPrimitives.Dot<double>(v, y[j..]), y[j..]);
            }
        }
    }

    /// <summary>A = VΛVᵀ from the lower triangle, by reflections to three diagonals (8.3.1) and implicit QR steps with Wilkinson's shift (8.3.2, 8.3.3): values ascending, vectors as rows, the largest entry
    /// of each positive.</summary>
    public static void SymmetricEigen(Span<double> a, int n, Span<double> values, Span<double> vectors)
    {
        for (int i = 0; i < n; i++) { for (int j = i + 1; j < n; j++) { a[(i * n) + j] = a[(j * n) + i]; } }
        double[] beside = new double[n], tau = new double[n], work = new double[n];
        for (int k = 0; k < n - 1; k++)
        {
            int rest = n - k - 1;
            var v = a.Slice((k * n) + k + 1, rest); // the row is the column
            double below = TensorPrimitives.Norm<double>(v[1..]), head = v[0];
            beside[k] = head;
            if (below == 0) { continue; }
            double beta = head < 0 ? double.Hypot(head, below) : -double.Hypot(head, below);
            (beside[k], tau[k]) = (beta, (beta - head) / beta);
            TensorPrimitives.Divide(v[1..], head - beta, v[1..]);
            v[0] = 1;
            // A ← A − v·wᵀ − w·vᵀ, w = p − ½τ(pᵀv)·v, p = τ·A·v
            var w = work.AsSpan(0, rest);
            for (int i = 0; i < rest; i++) { w[i] = tau[k] * TensorPrimitives.Dot<double>(a.Slice(((k + 1 + i) * n) + k + 1, rest), v); }
            Add(v, -0.5 * tau[k] * TensorPrimitives.Dot<double>(w, v), w);
            for (int i = 0; i < rest; i++)
            {
                var row = a.Slice(((k + 1 + i) * n) + k + 1, rest);
                Add(w, -v[i], row);
                Add(v, -w[i], row);
            }
        }
        vectors[..(n * n)].Clear();
        for (int i = 0; i < n; i++) { (values[i], vectors[(i * n) + i]) = (a[(i * n) + i], 1); }
        for (int k = n - 3; k >= 0; k--)
        {
            if (tau[k] == 0) { continue; }
            var v = a.Slice((k * n) + k + 1, n - k - 1);
            for (int i = k + 1; i < n; i++)
            {
                var row = vectors.Slice((i * n) + k + 1, n - k - 1);
                Add(v, -tau[k] * TensorPrimitives.Dot<double>(v, row), row);
            }
        }
        Diagonalise(values, beside, vectors, n);
        int[] order = new int[n];
        for (int i = 0; i < n; i++) { order[i] = i; }
        values[..n].Sort(order.AsSpan());
        Arrange(vectors, n, n, order);
        for (int i = 0; i < n; i++) { if (Sign(vectors.Slice(i * n, n)) < 0) { TensorPrimitives.Negate<double>(vectors.Slice(i * n, n), vectors.Slice(i * n, n)); } }
    }

    private static void Diagonalise(Span<double> t, Span<double> e, Span<double> vectors, int n)
    {
        int q = n - 1;
        for (int left = MostSweeps * n; q > 0 && left > 0; left--)
        {
            for (int i = 0; i < q; i++) { if (Math.Abs(e[i]) <= 1e-16 * (Math.Abs(t[i]) + Math.Abs(t[i + 1]))) { e[i] = 0; } }
            if (e[q - 1] == 0) { q--; left++; continue; }
            int p = q - 1;
            while (p > 0 && e[p - 1] != 0) { p--; }
            double half = (t[q - 1] - t[q]) / 2, b = e[q - 1];
            double x = t[p] - (t[q] - (b * b / (half + (half < 0 ? -double.Hypot(half, b) : double.Hypot(half, b))))), z = e[p];
            for (int k = p; k < q; k++)
            {
                double r = double.Hypot(x, z), c = r == 0 ? 1 : x / r, s = r == 0 ? 0 : z / r;
                if (k > p) { e[k - 1] = r; }
                double first = t[k], between = e[k], second = t[k + 1];
                t[k] = (c * c * first) + (2 * c * s * between) + (s * s * second);
                t[k + 1] = (s * s * first) - (2 * c * s * between) + (c * c * second);
                e[k] = (c * s * (second - first)) + (((c * c) - (s * s)) * between);
                if (k < q - 1)
                {
                    (x, z) = (e[k], s * e[k + 1]);
                    e[k + 1] *= c;
                }
                Rotate(vectors.Slice(k * n, n), vectors.Slice((k + 1) * n, n), c, -s);
            }
        }
    }

    /// <summary>A = UΣVᵀ: A, m ≥ n, is handed over by columns [n, m], which become U's; singular values descending; V by columns [n, n]. The largest entry of each column of U is positive. One-sided rotations (8.6.3) make
    /// the columns orthogonal; the vectors of AᵀA, which are nearly V, leave them a sweep or two.</summary>
    public static void Svd(Span<double> u, int m, int n, Span<double> values, Span<double> v)
    {
        double[] square = new double[n * n], turned = new double[n * m];
        for (int i = 0; i < n; i++) { for (int j = 0; j <= i; j++) { square[(i * n) + j] = TensorPrimitives.Dot<double>(u.Slice(i * m, m), u.Slice(j * m, m)); } }
        SymmetricEigen(square, n, values, v);
        for (int i = 0; i < n; i++) { for (int j = 0; j < n; j++) { Add(u.Slice(j * m, m), v[(i * n) + j], turned.AsSpan(i * m, m)); } }
        turned.CopyTo(u);
        for (int sweep = 0; sweep < MostSweeps; sweep++)
        {
            bool again = false;
            for (int p = 0; p < n - 1; p++)
            {
                for (int q = p + 1; q < n; q++)
                {
                    Span<double> x = u.Slice(p * m, m), y = u.Slice(q * m, m);
                    double xx = TensorPrimitives.SumOfSquares<double>(x), yy = TensorPrimitives.SumOfSquares<double>(y), xy = TensorPrimitives.Dot<double>(x, y);
                    if (Math.Abs(xy) <= 1e-14 * Math.Sqrt(xx * yy)) { continue; }
                    again = true;
                    var (c, s) = Rotation((yy - xx) / (2 * xy));
                    Rotate(x, y, c, s);
                    Rotate(v.Slice(p * n, n), v.Slice(q * n, n), c, s);
                }
            }
            if (!again) { break; }
        }
        int[] order = new int[n];
        for (int i = 0; i < n; i++) { (order[i], values[i]) = (i, -TensorPrimitives.Norm<double>(u.Slice(i * m, m))); }
        values[..n].Sort(order.AsSpan());
        Arrange(u, n, m, order);
        Arrange(v, n, n, order);
        double largest = n > 0 ? -values[0] : 0;
        for (int i = 0; i < n; i++)
        {
            values[i] = -values[i];
            var column = u.Slice(i * m, m);
            if (values[i] <= 1e-15 * largest || values[i] == 0) { Complete(u, m, i); } else { TensorPrimitives.Divide(column, values[i], column); }
        }
        MakePositive(u, m, v, n, n);
    }

    /// <summary>Turns round each pair of vectors of which the first's largest entry is negative.</summary>
    public static void MakePositive(Span<double> u, int m, Span<double> v, int n, int count)
    {
        for (int i = 0; i < count; i++)
        {
            if (Sign(u.Slice(i * m, m)) >= 0) { continue; }
            TensorPrimitives.Negate<double>(u.Slice(i * m, m), u.Slice(i * m, m));
            TensorPrimitives.Negate<double>(v.Slice(i * n, n), v.Slice(i * n, n));
        }
    }

    // a column at right angles to those before it, in place of one that says nothing
    private static void Complete(Span<double> u, int m, int i)
    {
        var column = u.Slice(i * m, m);
        for (int axis = 0; axis < m; axis++)
        {
            column.Clear();
            column[axis] = 1;
            for (int twice = 0; twice < 2; twice++) { for (int k = 0; k < i; k++) { Add(u.Slice(k * m, m), -TensorPrimitives.Dot<double>(u.Slice(k * m, m), column), column); } }
            double norm = TensorPrimitives.Norm<double>(column);
            if (norm > 0.5 / Math.Sqrt(m)) { TensorPrimitives.Divide(column, norm, column); return; }
        }
    }

    // the smaller angle whose tangent solves t² + 2θt − 1 = 0
    private static (double C, double S) Rotation(double theta)
    {
        double t = (theta >= 0 ? 1 : -1) / (Math.Abs(theta) + Math.Sqrt((theta * theta) + 1)), c = 1 / Math.Sqrt((t * t) + 1);
        return (c, t * c);
    }

    private static void Rotate(Span<double> x, Span<double> y, double c, double s)
    {
        int k = 0;
        for (; k <= x.Length - Vector<double>.Count; k += Vector<double>.Count)
        {
            Vector<double> a = new(x[k..]), b = new(y[k..]);
            ((c * a) - (s * b)).CopyTo(x[k..]);
            ((s * a) + (c * b)).CopyTo(y[k..]);
        }
        for (; k < x.Length; k++) { (x[k], y[k]) = ((c * x[k]) - (s * y[k]), (s * x[k]) + (c * y[k])); }
    }

    private static void Arrange(Span<double> rows, int count, int width, int[] order)
    {
        double[] old = rows[..(count * width)].ToArray();
        for (int i = 0; i < count; i++) { old.AsSpan(order[i] * width, width).CopyTo(rows[(i * width)..]); }
    }

    private static int Sign(ReadOnlySpan<double> x) => x.IsEmpty ? 0 : Math.Sign(x[TensorPrimitives.IndexOfMaxMagnitude(x)]);

    private static void Add(ReadOnlySpan<double> x, double factor, Span<double> y) => TensorPrimitives.MultiplyAdd(x, factor, y, y);
}
