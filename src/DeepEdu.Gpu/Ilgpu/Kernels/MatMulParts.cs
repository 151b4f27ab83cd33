using ILGPU;
using Floats = ILGPU.ArrayView<float>;
using Fours = ILGPU.ArrayView<DeepEdu.Gpu.Float4>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>What one thread of a matrix product keeps in registers: everything is written out, because ILGPU unrolls no loop and keeps arrays in memory.</summary>
internal interface IPart
{
    /// <summary>Adds a column of A times a row of B; both in shared memory, four values at <paramref name="at"/> and, half a tile further, four more.</summary>
    void Add(Fours a, Fours b, int at, int half);

    /// <summary>Stores the products from a row and column on and, half a tile further, the others.</summary>
    void Store(PartEnd end, int row, int column, int half);
}

/// <summary>4 × 4 products.</summary>
internal struct Part4 : IPart
{
    private Quad _q;

    public void Add(Fours a, Fours b, int at, int half) => _q.Add(a[at], b[at]);

    public readonly void Store(PartEnd end, int row, int column, int half) => _q.Store(end, row, column);
}

/// <summary>8 × 8 products, in quarters half a tile apart: neighbours in a group then read neighbours in shared memory.</summary>
internal struct Part8 : IPart
{
    private Quad _00, _01, _10, _11;

    public void Add(Fours a, Fours b, int at, int half)
    {
        Float4 a0 = a[at], a1 = a[at + half], b0 = b[at], b1 = b[at + half];
        _00.Add(a0, b0);
        _01.Add(a0, b1);
        _10.Add(a1, b0);
        _11.Add(a1, b1);
    }

    public readonly void Store(PartEnd end, int row, int column, int half)
    {
        _00.Store(end, row, column);
        _01.Store(end, row, column + half);
        _10.Store(end, row + half, column);
        _11.Store(end, row + half, column + half);
    }
}

/// <summary>4 × 4 products, a field a row.</summary>
internal struct Quad
{
    public Float4 R0, R1, R2, R3;

    public void Add(Float4 a, Float4 b)
    {
        Add(ref R0, a.X, b);
        Add(ref R1, a.Y, b);
        Add(ref R2, a.Z, b);
        Add(ref R3, a.W, b);
    }

    public readonly void Store(PartEnd end, int row, int column)
    {
        end.Store(R0, row, column);
        end.Store(R1, row + 1, column);
        end.Store(R2, row + 2, column);
        end.Store(R3, row + 3, column);
    }

    private static void Add(ref Float4 to, float a, Float4 b)
    {
        to.X += a * b.X;
        to.Y += a * b.Y;
        to.Z += a * b.Z;
        to.W += a * b.W;
    }
}

/// <summary>Where products go, and what happens to them before.</summary>
internal readonly struct PartEnd(Floats c, Floats bias, long at, MatMulKernel.Plan plan)
{
    private readonly Floats _c = c, _bias = bias;
    private readonly long _at = at;
    private readonly int _m = plan.M, _n = plan.N, _hasBias = plan.HasBias, _relu = plan.Relu, _fours = plan.FoursC;

    public void Store(Float4 v, int row, int column)
    {
        if (row >= _m || column >= _n) { return; }
        long to = _at + ((long)row * _n) + column;
        v.X = End(v.X, column);
        v.Y = End(v.Y, column + 1);
        v.Z = End(v.Z, column + 2);
        v.W = End(v.W, column + 3);
        if (_fours != 0) { _c.Cast<Float4>()[to >> 2] = v; return; }
        _c[to] = v.X;
        if (column + 1 < _n) { _c[to + 1] = v.Y; }
        if (column + 2 < _n) { _c[to + 2] = v.Z; }
        if (column + 3 < _n) { _c[to + 3] = v.W; }
    }

    private float End(float v, int column)
    {
        if (_hasBias != 0 && column < _n) { v += _bias[column]; }
        if (_relu != 0) { v = v < 0f ? 0f : v; }
        return v;
    }
}

/// <summary>The end of products whose sums were cut: pieces [pieces, length] added up in their order, then bias [n], each for <see cref="Inner"/> neighbours, and ReLU. A thread a value.</summary>
internal struct JoinPieces : IGpuKernel
{
    public Floats Parts, Bias, To;
    public int Length, Pieces, N, Inner, HasBias, Relu;

    public readonly void Run()
    {
        for (long i = Grid.GlobalLinearIndex; i < Length; i += (long)Grid.DimX * Group.DimX)
        {
            float sum = Parts[i];
            int p = 1;
            // four are on their way at a time
            for (; p + 3 < Pieces; p += 4)
            {
                long at = i + ((long)p * Length);
                float v0 = Parts[at], v1 = Parts[at + Length], v2 = Parts[at + (2L * Length)], v3 = Parts[at + (3L * Length)];
                sum = sum + v0 + v1 + v2 + v3;
            }
            for (; p < Pieces; p++) { sum += Parts[i + ((long)p * Length)]; }
            if (HasBias != 0) { sum += Bias[(int)((uint)i / (uint)Inner % (uint)N)]; }
            To[i] = Relu != 0 && sum < 0f ? 0f : sum;
        }
    }
}
