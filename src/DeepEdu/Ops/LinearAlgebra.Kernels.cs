using System.Buffers;
using System.Numerics.Tensors;
using DeepEdu.Devices;
using DeepEdu.Kernels;

namespace DeepEdu.Ops;

/// <content>The processor's kernels: a matrix at a time, several matrices on several threads.</content>
public static partial class LinearAlgebra
{
    // a matrix of n³ multiply-adds takes about as long as so many values of other operations
    private static int Grain(int n) => (int)Math.Max(1, 32768 / Math.Max(1, (long)n * n * n));

    // a session is recorded over zeros and tried with random numbers, which are no matrix that somebody asks about
    private static void Refuse(bool trial, Span<double> result, ArithmeticException why)
    {
        if (!trial) { throw why; }
        result.Fill(double.NaN);
    }

    internal static ArithmeticException NotDefinite(int matrix, int count, int minor) =>
        new($"cholesky: {Which(matrix, count)} is not positive definite (its leading minor of order {minor} is not above 0); add something to its diagonal?");

    internal static ArithmeticException Singular(string op, int matrix, int count, int pivot) =>
        new($"{op}: {Which(matrix, count)} is singular (pivot {pivot} is 0); LeastSquares or PseudoInverse may be what is wanted");

    internal static ArithmeticException NotFinite(string op, int matrix, int count) => new($"{op}: {Which(matrix, count)} has a value that is NaN or infinite");

    private static string Which(int matrix, int count) => count == 1 ? "the matrix" : $"matrix {matrix} of {count}";

    /// <summary>Double-precision working memory.</summary>
    private readonly ref struct Room : IDisposable
    {
        private readonly double[] _memory;
        private readonly int[] _rows;

        public Room(int doubles, int ints = 0) => (_memory, _rows) = (ArrayPool<double>.Shared.Rent(doubles), ArrayPool<int>.Shared.Rent(ints));

        public Span<double> Memory => _memory;

        public Span<int> Rows => _rows;

        public void Dispose()
        {
            ArrayPool<double>.Shared.Return(_memory);
            ArrayPool<int>.Shared.Return(_rows);
        }
    }

    private static void Load(ReadOnlySpan<float> from, Span<double> to) => TensorPrimitives.ConvertChecked(from, to[..from.Length]);

    private static void Store(ReadOnlySpan<double> from, Span<float> to) => TensorPrimitives.ConvertSaturating(from[..to.Length], to);

    // [m, n] to [n, m]
    private static void LoadColumns(ReadOnlySpan<float> from, int m, int n, Span<double> to)
    {
        for (int i = 0; i < m; i++) { for (int j = 0; j < n; j++) { to[(j * m) + i] = from[(i * n) + j]; } }
    }

    private static void StoreColumns(ReadOnlySpan<double> from, int m, int n, Span<float> to)
    {
        for (int i = 0; i < m; i++) { for (int j = 0; j < n; j++) { to[(i * n) + j] = (float)from[(j * m) + i]; } }
    }

    private static void CheckFinite(string op, ReadOnlySpan<double> a, int matrix, int count)
    {
        if (!double.IsFinite(TensorPrimitives.SumOfMagnitudes(a))) { throw NotFinite(op, matrix, count); }
    }

    /// <summary>X of op(A)·X = B [Count, N, K], op the transpose or nothing; without B, of A·X = 1.</summary>
    internal readonly record struct SolveKernel(View A, View B, View X, int Count, int N, int K, bool Transposed, string Op, bool Trial = false) : IKernel, IRange
    {
        /// <inheritdoc/>
        public static string Name => "solve";

        /// <inheritdoc/>
        public string Sizes => $"{Count} × [{N}, {N}] and [{N}, {K}]";

        /// <inheritdoc/>
        public void Run() => Work.For(Count, Grain(N), this with { Trial = Recording.IsTrial });

        /// <inheritdoc/>
        public void Run(int from, int to)
        {
            int square = N * N, right = N * K;
            using var room = new Room(square + right, N);
            Span<double> a = room.Memory[..square], x = room.Memory.Slice(square, right);
            for (int i = from; i < to; i++)
            {
                var given = CpuDevice.Of(A).Slice(i * square, square);
                if (Transposed) { LoadColumns(given, N, N, a); } else { Load(given, a); }
                if (B.IsNone)
                {
                    x.Clear();
                    for (int d = 0; d < N; d++) { x[(d * K) + d] = 1; }
                }
                else { Load(CpuDevice.Of(B).Slice(i * right, right), x); }
                SmallMatrix.Lu(a, N, room.Rows);
                int zero = SmallMatrix.LuSolve(a, N, room.Rows, x, K);
                if (zero >= 0) { Refuse(Trial, x, Singular(Op, i, Count, zero)); }
                Store(x, CpuDevice.Of(X).Slice(i * right, right));
            }
        }
    }

    /// <summary>Determinants, or with LogAbs their signs and logarithms.</summary>
    internal readonly record struct DetKernel(View A, View Y, View LogAbs, int Count, int N) : IKernel, IRange
    {
        /// <inheritdoc/>
        public static string Name => "det";

        /// <inheritdoc/>
        public string Sizes => $"{Count} × [{N}, {N}]";

        /// <inheritdoc/>
        public void Run() => Work.For(Count, Grain(N), this);

        /// <inheritdoc/>
        public void Run(int from, int to)
        {
            int square = N * N;
            using var room = new Room(square, N);
            var a = room.Memory[..square];
            for (int i = from; i < to; i++)
            {
                Load(CpuDevice.Of(A).Slice(i * square, square), a);
                double det = SmallMatrix.Lu(a, N, room.Rows), log = 0;
                bool logarithm = !LogAbs.IsNone;
                for (int d = 0; d < N; d++)
                {
                    double pivot = a[(d * N) + d];
                    det *= logarithm ? double.IsNaN(pivot) ? pivot : Math.Sign(pivot) : pivot;
                    log += Math.Log(Math.Abs(pivot));
                }
                CpuDevice.Of(Y)[i] = (float)det;
                if (logarithm) { CpuDevice.Of(LogAbs)[i] = (float)log; }
            }
        }
    }

    /// <summary>The derivatives of determinants by their matrices: det(U)·det(V)·U·diag(∏ of the other singular values)·Vᵀ.</summary>
    internal readonly record struct CofactorKernel(View A, View Y, int Count, int N) : IKernel, IRange
    {
        /// <inheritdoc/>
        public static string Name => "cofactors";

        /// <inheritdoc/>
        public string Sizes => $"{Count} × [{N}, {N}]";

        /// <inheritdoc/>
        public void Run() => Work.For(Count, Grain(N), this);

        /// <inheritdoc/>
        public void Run(int from, int to)
        {
            int square = N * N;
            using var room = new Room((3 * square) + N, N);
            Span<double> u = room.Memory[..square], v = room.Memory.Slice(square, square), copy = room.Memory.Slice(2 * square, square), s = room.Memory.Slice(3 * square, N);
            for (int i = from; i < to; i++)
            {
                LoadColumns(CpuDevice.Of(A).Slice(i * square, square), N, N, u);
                CheckFinite("det", u, i, Count);
                SmallMatrix.Svd(u, N, N, s, v);
                double sign = Turned(u, copy, room.Rows) * Turned(v, copy, room.Rows);
                copy.Clear();
                for (int k = 0; k < N; k++)
                {
                    double others = sign;
                    for (int o = 0; o < N; o++) { if (o != k) { others *= s[o]; } }
                    for (int r = 0; r < N; r++) { TensorPrimitives.MultiplyAdd(v.Slice(k * N, N), u[(k * N) + r] * others, copy.Slice(r * N, N), copy.Slice(r * N, N)); }
                }
                Store(copy, CpuDevice.Of(Y).Slice(i * square, square));
            }
        }

        // ±1: the determinant of a rotation, or of one with a reflection
        private int Turned(ReadOnlySpan<double> q, Span<double> copy, Span<int> rows)
        {
            q.CopyTo(copy);
            int sign = SmallMatrix.Lu(copy, N, rows);
            for (int d = 0; d < N; d++) { sign *= Math.Sign(copy[(d * N) + d]); }
            return sign;
        }
    }

    /// <summary>L of A = LLᵀ.</summary>
    internal readonly record struct CholeskyKernel(View A, View L, int Count, int N, bool Trial = false) : IKernel, IRange
    {
        /// <inheritdoc/>
        public static string Name => "cholesky";

        /// <inheritdoc/>
        public string Sizes => $"{Count} × [{N}, {N}]";

        /// <inheritdoc/>
        public void Run() => Work.For(Count, Grain(N), this with { Trial = Recording.IsTrial });

        /// <inheritdoc/>
        public void Run(int from, int to)
        {
            int square = N * N;
            using var room = new Room(square);
            var a = room.Memory[..square];
            for (int i = from; i < to; i++)
            {
                Load(CpuDevice.Of(A).Slice(i * square, square), a);
                int minor = SmallMatrix.Cholesky(a, N);
                if (minor > 0) { Refuse(Trial, a, NotDefinite(i, Count, minor)); }
                Store(a, CpuDevice.Of(L).Slice(i * square, square));
            }
        }
    }

    /// <summary>X of TX = B.</summary>
    internal readonly record struct TriangularKernel(View T, View B, View X, int Count, int N, int K, bool Upper, bool Trial = false) : IKernel, IRange
    {
        /// <inheritdoc/>
        public static string Name => "solve triangular";

        /// <inheritdoc/>
        public string Sizes => $"{Count} × [{N}, {N}] and [{N}, {K}]";

        /// <inheritdoc/>
        public void Run() => Work.For(Count, Grain(N), this with { Trial = Recording.IsTrial });

        /// <inheritdoc/>
        public void Run(int from, int to)
        {
            int square = N * N, right = N * K;
            using var room = new Room(square + right);
            Span<double> t = room.Memory[..square], x = room.Memory.Slice(square, right);
            for (int i = from; i < to; i++)
            {
                Load(CpuDevice.Of(T).Slice(i * square, square), t);
                Load(CpuDevice.Of(B).Slice(i * right, right), x);
                int zero = N - 1;
                while (zero >= 0 && t[(zero * N) + zero] != 0) { zero--; }
                if (zero >= 0) { Refuse(Trial, x, Singular("solve-triangular", i, Count, zero)); } else { SmallMatrix.Substitute(t, N, x, K, Upper, unit: false); }
                Store(x, CpuDevice.Of(X).Slice(i * right, right));
            }
        }
    }

    /// <summary>Q and R.</summary>
    internal readonly record struct QrKernel(View A, View Q, View R, int Count, int M, int N) : IKernel, IRange
    {
        /// <inheritdoc/>
        public static string Name => "qr";

        /// <inheritdoc/>
        public string Sizes => $"{Count} × [{M}, {N}]";

        /// <inheritdoc/>
        public void Run() => Work.For(Count, Grain(Math.Max(M, N)), this);

        /// <inheritdoc/>
        public void Run(int from, int to)
        {
            int all = M * N, k = Math.Min(M, N);
            using var room = new Room(all + (k * (M + N)));
            Span<double> a = room.Memory[..all], q = room.Memory.Slice(all, k * M), r = room.Memory.Slice(all + (k * M), k * N);
            for (int i = from; i < to; i++)
            {
                LoadColumns(CpuDevice.Of(A).Slice(i * all, all), M, N, a);
                SmallMatrix.Qr(a, M, N, q, r);
                StoreColumns(q, M, k, CpuDevice.Of(Q).Slice(i * k * M, k * M));
                Store(r, CpuDevice.Of(R).Slice(i * k * N, k * N));
            }
        }
    }

    /// <summary>Values and vectors of symmetric matrices.</summary>
    internal readonly record struct EighKernel(View A, View Values, View Vectors, int Count, int N) : IKernel, IRange
    {
        /// <inheritdoc/>
        public static string Name => "eigh";

        /// <inheritdoc/>
        public string Sizes => $"{Count} × [{N}, {N}]";

        /// <inheritdoc/>
        public void Run() => Work.For(Count, Grain(N), this);

        /// <inheritdoc/>
        public void Run(int from, int to)
        {
            int square = N * N;
            using var room = new Room((2 * square) + N);
            Span<double> a = room.Memory[..square], v = room.Memory.Slice(square, square), values = room.Memory.Slice(2 * square, N);
            for (int i = from; i < to; i++)
            {
                Load(CpuDevice.Of(A).Slice(i * square, square), a);
                CheckFinite("eigh", a, i, Count);
                SmallMatrix.SymmetricEigen(a, N, values, v);
                Store(values, CpuDevice.Of(Values).Slice(i * N, N));
                StoreColumns(v, N, N, CpuDevice.Of(Vectors).Slice(i * square, square));
            }
        }
    }

    /// <summary>U, S and Vᵀ; of a wide matrix by its transpose.</summary>
    internal readonly record struct SvdKernel(View A, View U, View S, View V, int Count, int M, int N) : IKernel, IRange
    {
        /// <inheritdoc/>
        public static string Name => "svd";

        /// <inheritdoc/>
        public string Sizes => $"{Count} × [{M}, {N}]";

        /// <inheritdoc/>
        public void Run() => Work.For(Count, Grain(Math.Max(M, N)), this);

        /// <inheritdoc/>
        public void Run(int from, int to)
        {
            int all = M * N, k = Math.Min(M, N);
            bool wide = N > M;
            using var room = new Room(all + (k * k) + k);
            Span<double> left = room.Memory[..all], right = room.Memory.Slice(all, k * k), s = room.Memory.Slice(all + (k * k), k);
            for (int i = from; i < to; i++)
            {
                var given = CpuDevice.Of(A).Slice(i * all, all);
                if (wide) { Load(given, left); } else { LoadColumns(given, M, N, left); }
                CheckFinite("svd", left, i, Count);
                SmallMatrix.Svd(left, Math.Max(M, N), k, s, right);
                Span<double> u = wide ? right : left, v = wide ? left : right;
                if (wide) { SmallMatrix.MakePositive(u, M, v, N, k); }
                StoreColumns(u, M, k, CpuDevice.Of(U).Slice(i * M * k, M * k));
                Store(v, CpuDevice.Of(V).Slice(i * k * N, k * N));
                Store(s, CpuDevice.Of(S).Slice(i * k, k));
            }
        }
    }
}
