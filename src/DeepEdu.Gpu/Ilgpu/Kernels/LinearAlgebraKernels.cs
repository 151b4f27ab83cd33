using System.Runtime.InteropServices;
using DeepEdu.Devices;
using DeepEdu.Memory;
using DeepEdu.Ops;
using ILGPU;
using ILGPU.Runtime;
using Doubles = ILGPU.ArrayView<double>;
using Floats = ILGPU.ArrayView<float>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>Equations and factors of matrices, in double precision, as on the processor. What is wrong with a matrix is found on the device; the host reads a number a matrix.</summary>
internal static class LinearAlgebraKernels
{
    public static void Register(GpuDevice device)
    {
        device.Register((GpuDevice d, in LinearAlgebra.SolveKernel k) => Solve(d, k));
        device.Register((GpuDevice d, in LinearAlgebra.DetKernel k) => Det(d, k));
        device.Register((GpuDevice d, in LinearAlgebra.CofactorKernel k) => Cofactor(d, k));
        device.Register((GpuDevice d, in LinearAlgebra.CholeskyKernel k) => Cholesky(d, k));
        device.Register((GpuDevice d, in LinearAlgebra.TriangularKernel k) => Triangular(d, k));
        device.Register((GpuDevice d, in LinearAlgebra.QrKernel k) => Qr(d, k));
        device.Register((GpuDevice d, in LinearAlgebra.EighKernel k) => Eigh(d, k));
        device.Register((GpuDevice d, in LinearAlgebra.SvdKernel k) => Svd(d, k));
    }

    private static void Solve(GpuDevice d, in LinearAlgebra.SolveKernel k)
    {
        if (k.Count == 0 || k.N == 0) { return; }
        using var arena = Arena.OfKernel();
        int square = k.N * k.N, right = k.N * k.K, together = Room.Matrices(d, k.Count, (long)square + right);
        Doubles factors = Room.Of(d, (long)together * square), x = Room.Of(d, (long)together * right);
        var rows = Room.Ints(d, together * k.N, out _);
        var zeros = Room.Ints(d, k.Count, out var found);
        Floats a = GpuDevice.Of(k.A), b = GpuDevice.Of(k.B, a), y = GpuDevice.Of(k.X, a);
        for (int from = 0; from < k.Count; from += together)
        {
            int some = Math.Min(together, k.Count - from);
            Doubles lu = factors.SubView(0, (long)some * square), own = x.SubView(0, (long)some * right);
            var exchanged = rows.SubView(0, (long)some * k.N);
            Load(d, a, from, lu, k.N, k.N, k.Transposed ? Taken.Straight : Taken.Columns);
            LuKernels.Run(d, lu, exchanged, some, k.N);
            d.Start(some, new FindZeroPivot { A = lu, Found = zeros.SubView(from, some), N = k.N, Last = 0 });
            if (right == 0) { continue; }
            Load(d, b, from, own, k.N, k.K, k.B.IsNone ? Taken.One : Taken.Columns);
            Substitute.Start(d, lu, own, exchanged, some, k.N, k.K, upper: false, unit: true, exchange: true);
            Substitute.Start(d, lu, own, exchanged, some, k.N, k.K, upper: true, unit: false, exchange: false);
            Store(d, own, y, from, k.N, k.K, Taken.Columns);
        }
        if (First(d, found, k.Count, -1) is var (matrix, pivot)) { throw LinearAlgebra.Singular(k.Op, matrix, k.Count, pivot); }
    }

    private static void Triangular(GpuDevice d, in LinearAlgebra.TriangularKernel k)
    {
        if (k.Count == 0 || k.N == 0) { return; }
        using var arena = Arena.OfKernel();
        int square = k.N * k.N, right = k.N * k.K, together = Room.Matrices(d, k.Count, (long)square + right);
        Doubles triangles = Room.Of(d, (long)together * square), x = Room.Of(d, (long)together * right);
        var zeros = Room.Ints(d, k.Count, out var found);
        Floats t = GpuDevice.Of(k.T), b = GpuDevice.Of(k.B, t), y = GpuDevice.Of(k.X, t);
        for (int from = 0; from < k.Count; from += together)
        {
            int some = Math.Min(together, k.Count - from);
            Doubles triangle = triangles.SubView(0, (long)some * square), own = x.SubView(0, (long)some * right);
            Load(d, t, from, triangle, k.N, k.N, Taken.Columns);
            d.Start(some, new FindZeroPivot { A = triangle, Found = zeros.SubView(from, some), N = k.N, Last = 1 });
            if (right == 0) { continue; }
            Load(d, b, from, own, k.N, k.K, Taken.Columns);
            Substitute.Start(d, triangle, own, zeros, some, k.N, k.K, k.Upper, unit: false, exchange: false);
            Store(d, own, y, from, k.N, k.K, Taken.Columns);
        }
        if (First(d, found, k.Count, -1) is var (matrix, pivot)) { throw LinearAlgebra.Singular("solve-triangular", matrix, k.Count, pivot); }
    }

    private static void Det(GpuDevice d, in LinearAlgebra.DetKernel k)
    {
        if (k.Count == 0) { return; }
        if (k.N == 0)
        {
            d.Fill(k.Y, 1);
            if (!k.LogAbs.IsNone) { d.Fill(k.LogAbs, 0); }
            return;
        }
        using var arena = Arena.OfKernel();
        int square = k.N * k.N, together = Room.Matrices(d, k.Count, square);
        Doubles factors = Room.Of(d, (long)together * square);
        var rows = Room.Ints(d, together * k.N, out _);
        Floats a = GpuDevice.Of(k.A), y = GpuDevice.Of(k.Y), log = GpuDevice.Of(k.LogAbs, y);
        for (int from = 0; from < k.Count; from += together)
        {
            int some = Math.Min(together, k.Count - from);
            var lu = factors.SubView(0, (long)some * square);
            Load(d, a, from, lu, k.N, k.N, Taken.Columns);
            LuKernels.Run(d, lu, rows, some, k.N);
            d.Start(some, new Determinants { A = lu, Rows = rows, Y = y.SubView(from, some), LogAbs = log.SubView(from, some), N = k.N, HasLog = k.LogAbs.IsNone ? 0 : 1 });
        }
    }

    private static void Cofactor(GpuDevice d, in LinearAlgebra.CofactorKernel k)
    {
        if (k.Count == 0 || k.N == 0) { return; }
        using var arena = Arena.OfKernel();
        int square = k.N * k.N, together = Room.Matrices(d, k.Count, 5L * square);
        Doubles left = Room.Of(d, (long)together * square), right = Room.Of(d, (long)together * square), copy = Room.Of(d, (long)together * square), values = Room.Of(d, (long)together * k.N), others = Room.Of(d, (long)together * k.N);
        var rows = Room.Ints(d, together * k.N, out _);
        ArrayView<int> leftSigns = Room.Ints(d, together, out _), rightSigns = Room.Ints(d, together, out _);
        var odd = Room.Ints(d, together, out var found);
        Floats a = GpuDevice.Of(k.A), y = GpuDevice.Of(k.Y);
        for (int from = 0; from < k.Count; from += together)
        {
            int some = Math.Min(together, k.Count - from);
            Doubles u = left.SubView(0, (long)some * square), v = right.SubView(0, (long)some * square), s = values.SubView(0, (long)some * k.N), o = others.SubView(0, (long)some * k.N);
            Load(d, a, from, u, k.N, k.N, Taken.Columns);
            CheckFinite(d, "det", u, odd, found, from, some, k.Count);
            SvdKernels.Run(d, u, s, v, some, k.N, k.N);
            d.Start(s.Length, new OtherValues { S = s, Others = o, N = k.N });
            Turned(d, u, copy, rows, leftSigns, some, k.N);
            Turned(d, v, copy, rows, rightSigns, some, k.N);
            d.Start((long)some * square, new Cofactors { U = u, V = v, Others = o, Left = leftSigns, Right = rightSigns, Y = y.SubView((long)from * square, (long)some * square), N = k.N });
        }
    }

    private static void Turned(GpuDevice d, Doubles of, Doubles copy, ArrayView<int> rows, ArrayView<int> signs, int count, int n)
    {
        var lu = copy.SubView(0, of.Length);
        d.Start(of.Length, new CopyDoubles { From = of, To = lu });
        LuKernels.Run(d, lu, rows, count, n);
        d.Start(count, new TurnSigns { A = lu, Rows = rows, Signs = signs.SubView(0, count), N = n });
    }

    private static void Cholesky(GpuDevice d, in LinearAlgebra.CholeskyKernel k)
    {
        if (k.Count == 0 || k.N == 0) { return; }
        using var arena = Arena.OfKernel();
        int square = k.N * k.N, together = Room.Matrices(d, k.Count, square);
        Doubles factors = Room.Of(d, (long)together * square);
        var minors = Room.Ints(d, k.Count, out var found);
        Floats a = GpuDevice.Of(k.A), y = GpuDevice.Of(k.L);
        for (int from = 0; from < k.Count; from += together)
        {
            int some = Math.Min(together, k.Count - from);
            var l = factors.SubView(0, (long)some * square);
            Load(d, a, from, l, k.N, k.N, Taken.Columns);
            CholeskyKernels.Run(d, l, minors.SubView(from, some), some, k.N);
            Store(d, l, y, from, k.N, k.N, Taken.Lower);
        }
        if (First(d, found, k.Count, 0) is var (matrix, minor)) { throw LinearAlgebra.NotDefinite(matrix, k.Count, minor); }
    }

    private static void Qr(GpuDevice d, in LinearAlgebra.QrKernel k)
    {
        int least = Math.Min(k.M, k.N), all = k.M * k.N;
        if (k.Count == 0 || least == 0) { return; }
        using var arena = Arena.OfKernel();
        int together = Room.Matrices(d, k.Count, all + ((long)least * (k.M + 2)));
        Doubles columns = Room.Of(d, (long)together * all), left = Room.Of(d, (long)together * least * k.M), diagonals = Room.Of(d, (long)together * least);
        Floats a = GpuDevice.Of(k.A), q = GpuDevice.Of(k.Q), r = GpuDevice.Of(k.R);
        for (int from = 0; from < k.Count; from += together)
        {
            int some = Math.Min(together, k.Count - from);
            Doubles x = columns.SubView(0, (long)some * all), own = left.SubView(0, (long)some * least * k.M);
            Load(d, a, from, x, k.M, k.N, Taken.Columns);
            QrKernels.Run(d, x, diagonals, own, some, k.M, k.N);
            var upper = r.SubView((long)from * least * k.N, (long)some * least * k.N);
            d.Start(upper.Length, new StoreUpper { A = x, Diagonals = diagonals, To = upper, M = k.M, N = k.N });
            Store(d, own, q, from, k.M, least, Taken.Columns);
        }
    }

    private static void Eigh(GpuDevice d, in LinearAlgebra.EighKernel k)
    {
        if (k.Count == 0 || k.N == 0) { return; }
        using var arena = Arena.OfKernel();
        int square = k.N * k.N, together = Room.Matrices(d, k.Count, (2L * square) + (5 * k.N));
        Doubles matrices = Room.Of(d, (long)together * square), vectors = Room.Of(d, (long)together * square), values = Room.Of(d, (long)together * k.N);
        ArrayView<int> order = Room.Ints(d, together * k.N, out _), signs = Room.Ints(d, together * k.N, out _), odd = Room.Ints(d, together, out var found);
        Floats a = GpuDevice.Of(k.A), y = GpuDevice.Of(k.Values), v = GpuDevice.Of(k.Vectors);
        for (int from = 0; from < k.Count; from += together)
        {
            int some = Math.Min(together, k.Count - from);
            Doubles m = matrices.SubView(0, (long)some * square), w = vectors.SubView(0, (long)some * square), s = values.SubView(0, (long)some * k.N);
            Load(d, a, from, m, k.N, k.N, Taken.Straight);
            CheckFinite(d, "eigh", m, odd, found, from, some, k.Count);
            Load(d, a, from, m, k.N, k.N, Taken.Symmetric);
            EighKernels.Run(d, m, s, w, some, k.N);
            var side = Sides.Of(d, some, k.N, k.N, out var how);
            d.Start(how, new OrderVectors { Side = side, Values = s, Vectors = w, To = y.SubView((long)from * k.N, s.Length), Order = order, Signs = signs, N = k.N, Length = k.N, Descending = 0 });
            d.Start(w.Length, new StoreOrdered { From = w, To = v.SubView((long)from * square, w.Length), Order = order, Signs = signs, Length = k.N, Count = k.N, AsRows = 0 });
        }
    }

    // of a wide matrix by its transpose, whose columns are its rows
    private static void Svd(GpuDevice d, in LinearAlgebra.SvdKernel k)
    {
        int least = Math.Min(k.M, k.N), most = Math.Max(k.M, k.N), all = k.M * k.N, square = least * least;
        if (k.Count == 0 || least == 0) { return; }
        using var arena = Arena.OfKernel();
        bool wide = k.N > k.M;
        int together = Room.Matrices(d, k.Count, (2L * all) + (3L * square));
        Doubles tall = Room.Of(d, (long)together * all), right = Room.Of(d, (long)together * square), values = Room.Of(d, (long)together * least);
        ArrayView<int> order = Room.Ints(d, together * least, out _), signs = Room.Ints(d, together * least, out _), odd = Room.Ints(d, together, out var found);
        Floats a = GpuDevice.Of(k.A), u = GpuDevice.Of(k.U), s = GpuDevice.Of(k.S), v = GpuDevice.Of(k.V);
        for (int from = 0; from < k.Count; from += together)
        {
            int some = Math.Min(together, k.Count - from);
            Doubles x = tall.SubView(0, (long)some * all), z = right.SubView(0, (long)some * square), w = values.SubView(0, (long)some * least);
            Load(d, a, from, x, k.M, k.N, wide ? Taken.Straight : Taken.Columns);
            CheckFinite(d, "svd", x, odd, found, from, some, k.Count);
            SvdKernels.Run(d, x, w, z, some, most, least);
            Doubles left = wide ? z : x, back = wide ? x : z;
            var side = Sides.Of(d, some, k.M, least, out var how);
            d.Start(how, new OrderVectors { Side = side, Values = w, Vectors = left, To = s.SubView((long)from * least, w.Length), Order = order, Signs = signs, N = least, Length = k.M, Descending = 1 });
            d.Start(left.Length, new StoreOrdered { From = left, To = u.SubView((long)from * k.M * least, left.Length), Order = order, Signs = signs, Length = k.M, Count = least, AsRows = 0 });
            d.Start(back.Length, new StoreOrdered { From = back, To = v.SubView((long)from * k.N * least, back.Length), Order = order, Signs = signs, Length = k.N, Count = least, AsRows = 1 });
        }
    }

    private static void Load(GpuDevice d, Floats from, int first, Doubles to, int m, int n, Taken how) =>
        d.Start(to.Length, new LoadMatrices { From = how == Taken.One ? from : from.SubView((long)first * m * n, to.Length), To = to, M = m, N = n, How = (int)how });

    private static void Store(GpuDevice d, Doubles from, Floats to, int first, int m, int n, Taken how) =>
        d.Start(from.Length, new StoreMatrices { From = from, To = to.SubView((long)first * m * n, from.Length), M = m, N = n, How = (int)how });

    private static void CheckFinite(GpuDevice d, string op, Doubles a, ArrayView<int> odd, View found, int from, int some, int count)
    {
        int size = (int)(a.Length / some);
        _ = Sides.Of(d, some, size, 1, out var how);
        d.Start(how, new FindNonFinite { From = a, Found = odd, Size = size });
        if (First(d, found, some, 0) is var (matrix, _)) { throw LinearAlgebra.NotFinite(op, from + matrix, count); }
    }

    // the first matrix of which something else than nothing was found, and what
    private static (int Matrix, int Found)? First(GpuDevice d, View found, int count, int nothing)
    {
        int[] read = new int[count];
        d.Read(new(found.Block, found.Offset, count), MemoryMarshal.Cast<int, float>(read.AsSpan()));
        return read.AsSpan().IndexOfAnyExcept(nothing) is var at and >= 0 ? (at, read[at]) : null;
    }
}
