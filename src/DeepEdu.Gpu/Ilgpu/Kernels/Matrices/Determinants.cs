using ILGPU;
using Doubles = ILGPU.ArrayView<double>;
using Floats = ILGPU.ArrayView<float>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>Determinants of factored matrices, or their signs and logarithms: a thread a matrix.</summary>
internal struct Determinants : IGpuKernel
{
    public Doubles A;
    public ArrayView<int> Rows;
    public Floats Y, LogAbs;
    public int N, HasLog;

    public readonly void Run()
    {
        for (long i = Grid.GlobalLinearIndex; i < Y.Length; i += Loops.Stride)
        {
            double det = 1, mantissa = 1, odd = 0;
            int exponent = 0;
            for (int k = 0; k < N; k++)
            {
                if (Rows[(i * N) + k] != k) { det = -det; }
                double pivot = A[(((i * N) + k) * N) + k];
                if (HasLog == 0)
                {
                    det *= pivot;
                    continue;
                }
                long bits = BitConverter.DoubleToInt64Bits(pivot);
                if (Side.IsZero(pivot)) { (det, odd) = (det * 0, odd - double.PositiveInfinity); }
                else if (!Side.IsFinite(pivot))
                {
                    // ∞ has a sign, NaN none
                    det *= (bits & 0xFFFFFFFFFFFFF) != 0 ? pivot : bits < 0 ? -1.0 : 1.0;
                    odd += Math.Abs(pivot);
                }
                else
                {
                    if (bits < 0) { det = -det; }
                    // products of mantissas from 1 to 2, whose powers of two are counted
                    (mantissa, exponent) = (mantissa * Mantissa(pivot), exponent + Exponent(pivot));
                    (mantissa, exponent) = (Mantissa(mantissa), exponent + Exponent(mantissa));
                }
            }
            Y[i] = (float)det;
            if (HasLog != 0) { LogAbs[i] = (float)((exponent * 0.6931471805599453) + Log(mantissa) + odd); }
        }
    }

    // numbers below the smallest normal one come from no floats
    private static double Mantissa(double x) => BitConverter.Int64BitsToDouble((BitConverter.DoubleToInt64Bits(x) & 0xFFFFFFFFFFFFF) | 0x3FF0000000000000);

    private static int Exponent(double x) => (int)((BitConverter.DoubleToInt64Bits(x) >> 52) & 0x7FF) - 1023;

    /// <summary>ln x for x from 1 to 2, as 2·artanh((x − 1)/(x + 1)): z is at most 1/3, of half of x 1/7, and so are z's powers that are left out below 1e-16.</summary>
    private static double Log(double x)
    {
        double half = 0;
        if (x > 1.4142135623730951) { (x, half) = (x * 0.5, 0.6931471805599453); }
        double z = (x - 1) / (x + 1), s = z * z, sum = 0;
        for (int k = 19; k > 0; k -= 2) { sum = (sum * s) + (1.0 / k); }
        return half + (2 * z * sum);
    }
}

/// <summary>±1 for each matrix: the determinant of a rotation, or of one with a reflection, from its factors; a thread a matrix.</summary>
internal struct TurnSigns : IGpuKernel
{
    public Doubles A;
    public ArrayView<int> Rows, Signs;
    public int N;

    public readonly void Run()
    {
        for (long i = Grid.GlobalLinearIndex; i < Signs.Length; i += Loops.Stride)
        {
            int sign = 1;
            for (int k = 0; k < N; k++)
            {
                if (Rows[(i * N) + k] != k) { sign = -sign; }
                if (A[(((i * N) + k) * N) + k] < 0) { sign = -sign; }
            }
            Signs[i] = sign;
        }
    }
}

/// <summary>The products of all singular values but each one: a thread a value.</summary>
internal struct OtherValues : IGpuKernel
{
    public Doubles S, Others;
    public int N;

    public readonly void Run()
    {
        for (long i = Grid.GlobalLinearIndex; i < S.Length; i += Loops.Stride)
        {
            long begin = (long)((uint)i / (uint)N) * N;
            double product = 1;
            for (int k = 0; k < N; k++)
            {
                if (begin + k != i) { product *= S[begin + k]; }
            }
            Others[i] = product;
        }
    }
}

/// <summary>det(U)·det(V)·U·diag(Others)·Vᵀ, of columns; a thread a value.</summary>
internal struct Cofactors : IGpuKernel
{
    public Doubles U, V, Others;
    public ArrayView<int> Left, Right;
    public Floats Y;
    public int N;

    public readonly void Run()
    {
        uint n = (uint)N, square = n * n;
        for (long i = Grid.GlobalLinearIndex; i < Y.Length; i += Loops.Stride)
        {
            long matrix = (uint)i / square, begin = matrix * square;
            uint at = (uint)(i - begin), row = at / n, column = at - (row * n);
            double sum = 0;
            for (int k = 0; k < N; k++) { sum += U[begin + ((long)k * N) + row] * V[begin + ((long)k * N) + column] * Others[(matrix * N) + k]; }
            Y[i] = (float)(sum * Left[matrix] * Right[matrix]);
        }
    }
}
