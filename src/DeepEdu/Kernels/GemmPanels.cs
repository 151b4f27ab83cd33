using DeepEdu.Devices;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>A whole factor B in the order in which the tile reads it: columns in panels as wide as a tile, k rows each.</summary>
internal static unsafe class GemmPanels
{
    private const int Part = 128; // rows of a panel that are packed as one piece of work: a narrow factor has few panels

    /// <summary>Columns of a panel.</summary>
    public static int Wide<L>() where L : struct, IVectorLane<L>, ILane<L> => GemmTile.Vectors<L>() * L.Width;

    /// <summary>Floats of a packed B.</summary>
    public static int Length(int n, int k)
    {
        int wide = F16.IsSupported ? Wide<F16>() : F8.IsSupported ? Wide<F8>() : F4.IsSupported ? Wide<F4>() : Wide<F1>();
        return checked((n + wide - 1) / wide * wide * k);
    }

    /// <summary>Packs B [k, n], or [n, k] if <paramref name="transB"/>.</summary>
    public static void Pack(bool transB, int n, int k, float* b, nint ldb, float* to)
    {
        if (F16.IsSupported) { Pack<F16>(transB, n, k, b, ldb, to); }
        else if (F8.IsSupported) { Pack<F8>(transB, n, k, b, ldb, to); }
        else if (F4.IsSupported) { Pack<F4>(transB, n, k, b, ldb, to); }
        else { Pack<F1>(transB, n, k, b, ldb, to); }
    }

    /// <inheritdoc cref="Pack"/>
    public static void Pack<L>(bool transB, int n, int k, float* b, nint ldb, float* to) where L : struct, IVectorLane<L>, ILane<L>
    {
        int wide = Wide<L>(), parts = Math.Max(1, (k + Part - 1) / Part);
        Work.For((n + wide - 1) / wide * parts, Math.Max(1, CpuDevice.Grain / 4 / wide / Math.Clamp(k, 1, Part)), new Parts<L>(transB, n, k, b, ldb, to, parts));
    }

    private readonly struct Parts<L>(bool transB, int n, int k, float* b, nint ldb, float* to, int parts) : IRange where L : struct, IVectorLane<L>, ILane<L>
    {
        public void Run(int from, int end)
        {
            int wide = Wide<L>();
            for (int i = from; i < end; i++)
            {
                var (panel, part) = Math.DivRem(i, parts);
                int j = panel * wide, columns = Math.Min(wide, n - j), p = part * Part, rows = Math.Min(Part, k - p);
                float* at = to + ((nint)j * k) + ((nint)p * wide);
                if (transB) { GemmPack.Columns(rows, columns, b + (j * ldb) + p, ldb, at, wide); }
                else { GemmPack.Rows<L>(rows, columns, b + j + (p * ldb), ldb, at, wide); }
            }
        }
    }
}
