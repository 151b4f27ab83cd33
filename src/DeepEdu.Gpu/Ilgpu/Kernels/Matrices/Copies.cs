using ILGPU;
using Doubles = ILGPU.ArrayView<double>;
using Floats = ILGPU.ArrayView<float>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>How the values of a matrix are taken.</summary>
internal enum Taken
{
    /// <summary>In the order in which they stand.</summary>
    Straight,

    /// <summary>By columns.</summary>
    Columns,

    /// <summary>By columns, the lower triangle on both sides of the diagonal.</summary>
    Symmetric,

    /// <summary>By columns, the lower triangle alone, and 0 above the diagonal.</summary>
    Lower,

    /// <summary>1 on the diagonal and 0 elsewhere.</summary>
    One,
}

/// <summary>Matrices [M, N] of floats, row by row, as doubles; by columns they are [N, M].</summary>
internal struct LoadMatrices : IGpuKernel
{
    public Floats From;
    public Doubles To;
    public int M, N, How;

    public readonly void Run()
    {
        uint all = (uint)M * (uint)N, rows = (uint)M;
        for (long i = Grid.GlobalLinearIndex; i < To.Length; i += Loops.Stride)
        {
            if (How == (int)Taken.Straight)
            {
                To[i] = From[i];
                continue;
            }
            long matrix = (uint)i / all;
            uint at = (uint)(i - (matrix * all)), column = at / rows, row = at - (column * rows);
            if (How == (int)Taken.One)
            {
                To[i] = row == column ? 1.0 : 0.0;
                continue;
            }
            if (How == (int)Taken.Symmetric && column > row) { (row, column) = (column, row); }
            To[i] = From[(matrix * all) + ((long)row * N) + column];
        }
    }
}

/// <summary>The way back, of whole matrices or of their lower triangles.</summary>
internal struct StoreMatrices : IGpuKernel
{
    public Doubles From;
    public Floats To;
    public int M, N, How;

    public readonly void Run()
    {
        uint all = (uint)M * (uint)N, columns = (uint)N;
        for (long i = Grid.GlobalLinearIndex; i < To.Length; i += Loops.Stride)
        {
            long matrix = (uint)i / all;
            uint at = (uint)(i - (matrix * all)), row = at / columns, column = at - (row * columns);
            if (How == (int)Taken.Lower && column > row) { To[i] = 0; }
            else { To[i] = (float)From[(matrix * all) + ((long)column * M) + row]; }
        }
    }
}

/// <summary>The way back of columns that stand in another order, some of them turned round: column <c>Order[k]</c> times <c>Signs[k]</c> becomes column k, or row k.</summary>
internal struct StoreOrdered : IGpuKernel
{
    public Doubles From;
    public Floats To;
    public ArrayView<int> Order, Signs;
    public int Length, Count, AsRows;

    public readonly void Run()
    {
        uint all = (uint)Length * (uint)Count;
        for (long i = Grid.GlobalLinearIndex; i < To.Length; i += Loops.Stride)
        {
            long matrix = (uint)i / all;
            uint at = (uint)(i - (matrix * all)), k, r;
            if (AsRows != 0)
            {
                k = at / (uint)Length;
                r = at - (k * (uint)Length);
            }
            else
            {
                r = at / (uint)Count;
                k = at - (r * (uint)Count);
            }
            long own = (matrix * Count) + k;
            To[i] = (float)(From[(((matrix * Count) + Order[own]) * Length) + r] * Signs[own]);
        }
    }
}

/// <summary>Whether all values of each matrix are numbers: 0, or 1 if not. A group a matrix.</summary>
internal struct FindNonFinite : IGpuKernel
{
    public Doubles From;
    public ArrayView<int> Found;
    public int Size;

    public readonly void Run()
    {
        var shared = SharedMemory.Allocate<double>(Side.Most);
        long begin = (long)Grid.IdxX * Size;
        double sum = 0;
        for (int i = Group.IdxX; i < Size; i += Group.DimX) { sum += Math.Abs(From[begin + i]); }
        sum = GroupFolds.Sum(shared, sum);
        if (Group.IdxX == 0) { Found[Grid.IdxX] = Side.IsFinite(sum) ? 0 : 1; }
    }
}

/// <summary>Doubles as they are.</summary>
internal struct CopyDoubles : IGpuKernel
{
    public Doubles From, To;

    public readonly void Run()
    {
        for (long i = Grid.GlobalLinearIndex; i < To.Length; i += Loops.Stride) { To[i] = From[i]; }
    }
}
