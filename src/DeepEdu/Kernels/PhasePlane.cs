using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace DeepEdu.Kernels;

/// <summary>A plane with its border, split by the strides: phase (a, b) holds rows a, a + strideH, .. and columns b, b + strideW, .. of it. What one tap of a window reads for all outputs then lies in one
/// run of memory, whatever the stride, and whole planes are computed by loops over that run. Lines are <see cref="Pitch"/> floats apart; the places behind the last output of a line are computed too and
/// thrown away.</summary>
internal readonly unsafe struct PhasePlane
{
    private readonly int _h, _w, _strideH, _strideW, _padH, _padW, _dilationH, _dilationW;

    private const int MostOnStack = 1024; // phases

    /// <summary>Floats behind a plane that loops may read and write.</summary>
    public const int Slack = 64;

    public PhasePlane(in ConvShape s)
        : this((s.H, s.W), (s.OH, s.OW), (s.KH, s.KW), (s.StrideH, s.StrideW), (s.PadH, s.PadW), (s.DilationH, s.DilationW)) { }

    public PhasePlane(in PoolShape s)
        : this((s.H, s.W), (s.OH, s.OW), (s.KH, s.KW), (s.StrideH, s.StrideW), (s.PadH, s.PadW), (s.DilationH, s.DilationW)) { }

    private PhasePlane((int H, int W) size, (int H, int W) output, (int H, int W) kernel, (int H, int W) stride, (int H, int W) pad, (int H, int W) dilation)
    {
        ((_h, _w), (_strideH, _strideW), (_padH, _padW), (_dilationH, _dilationW)) = (size, stride, pad, dilation);
        (MoreRows, MoreColumns) = (dilation.H * (kernel.H - 1) / stride.H, dilation.W * (kernel.W - 1) / stride.W);
        (Rows, Pitch, Length) = (output.H + MoreRows, output.W + MoreColumns, ((output.H - 1) * (output.W + MoreColumns)) + output.W);
    }

    /// <summary>Lines of a phase that are there for the kernel's reach.</summary>
    public int MoreRows { get; }

    /// <summary>Columns of a phase that are there for the kernel's reach.</summary>
    public int MoreColumns { get; }

    /// <summary>Lines of a phase.</summary>
    public int Rows { get; }

    /// <summary>Floats of a line.</summary>
    public int Pitch { get; }

    /// <summary>From the first output to the last.</summary>
    public int Length { get; }

    /// <summary>Floats of all phases.</summary>
    public int Size => checked(_strideH * _strideW * Rows * Pitch);

    /// <summary>Where the values begin that a tap reads.</summary>
    public int Offset(int ky, int kx)
    {
        int y = ky * _dilationH, x = kx * _dilationW;
        return (((y % _strideH * _strideW) + (x % _strideW)) * Rows * Pitch) + (y / _strideH * Pitch) + (x / _strideW);
    }

    /// <summary>Writes what lies outside a plane, and something behind the end: once for many planes.</summary>
    public void Border(float value, float* to) => new Span<float>(to, Size + Slack).Fill(value);

    /// <summary>Lays out the inside of a plane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public void Split(float* x, float* to)
    {
        int stride = _strideW, phase = Rows * Pitch;
        Span<int> ends = stride <= MostOnStack ? stackalloc int[2 * stride] : new int[2 * stride];
        for (int b = 0; b < stride; b++) { (ends[2 * b], ends[(2 * b) + 1]) = Inside(b, Pitch); }
        // columns that lie inside the plane in every phase
        int first = ends[0], end = Math.Max(first, ends[(2 * stride) - 1]);
        bool ragged = ends[2 * (stride - 1)] < first || ends[1] > end;
        for (int a = 0; a < _strideH; a++)
        {
            for (int q = 0; q < Rows; q++)
            {
                int y = (q * _strideH) + a - _padH;
                if ((uint)y >= (uint)_h) { continue; }
                float* line = x + (y * _w) - _padW, t = to + (a * stride * phase) + (q * Pitch);
                if (stride == 1) { Lines.Copy(ref line[first], ref t[first], end - first); continue; }
                int done = Deal(line + (first * stride), t + first, phase, end - first) + first;
                for (int b = 0; b < stride && (ragged || done < end); b++, line++, t += phase)
                {
                    int before = Math.Min(first, ends[(2 * b) + 1]), upTo = ends[(2 * b) + 1];
                    for (int p = ends[2 * b]; p < before; p++) { t[p] = line[p * stride]; }
                    for (int p = done; p < upTo; p++) { t[p] = line[p * stride]; }
                }
            }
        }
    }

    // to[b·phase + p] = from[p·stride + b] for p < n and every b; up to which p it came. The last registers are made together with values of those before them
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int Deal(float* from, float* to, int phase, int n)
    {
        if (_strideW >= 4)
        {
            ConvLayout.ToLast(n, _strideW, from, _strideW, to, phase);
            return n;
        }
        if (_strideW == 2 && Avx512F.IsSupported && n >= 16)
        {
            Vector512<int> even = Vector512<int>.Indices * 2, odd = even + Vector512<int>.One;
            for (int p = 0; p < n; p += 16)
            {
                p = Math.Min(p, n - 16);
                Vector512<float> x = Vector512.Load(from + (2 * p)), y = Vector512.Load(from + (2 * p) + 16);
                Avx512F.PermuteVar16x32x2(x, even, y).Store(to + p);
                Avx512F.PermuteVar16x32x2(x, odd, y).Store(to + phase + p);
            }
            return n;
        }
        if (_strideW == 2 && Vector128.IsHardwareAccelerated && n >= 4)
        {
            for (int p = 0; p < n; p += 4)
            {
                p = Math.Min(p, n - 4);
                Vector128<float> x = Vector128.Load(from + (2 * p)), y = Vector128.Load(from + (2 * p) + 4);
                Pool2dQuarters.Even(x, y).Store(to + p);
                Pool2dQuarters.Odd(x, y).Store(to + phase + p);
            }
            return n;
        }
        if (_strideW == 3 && Avx512F.IsSupported && n >= 16)
        {
            for (int b = 0; b < 3; b++, to += phase)
            {
                // from the first two registers, then from the last
                Vector512<int> which = (Vector512<int>.Indices * 3) + Vector512.Create(b), last = Vector512.ConditionalSelect(Vector512.LessThan(which, Vector512.Create(32)), Vector512<int>.Indices, which - Vector512.Create(16));
                for (int p = 0; p < n; p += 16)
                {
                    p = Math.Min(p, n - 16);
                    float* x = from + (3 * p);
                    Avx512F.PermuteVar16x32x2(Avx512F.PermuteVar16x32x2(Vector512.Load(x), which, Vector512.Load(x + 16)), last, Vector512.Load(x + 32)).Store(to + p);
                }
            }
            return n;
        }
        return 0;
    }

    /// <summary>Adds one phase, whose lines are <paramref name="pitch"/> floats apart, to a plane; what lies outside is dropped.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public void Join(int a, int b, float* from, int pitch, float* x)
    {
        var (first, end) = Inside(b, Pitch);
        for (int q = 0; q < Rows; q++, from += pitch)
        {
            int y = (q * _strideH) + a - _padH;
            if ((uint)y >= (uint)_h || first >= end) { continue; }
            float* to = x + (y * _w) + (first * _strideW) + b - _padW;
            if (_strideW == 1)
            {
                var line = new Span<float>(to, end - first);
                TensorPrimitives.Add(new ReadOnlySpan<float>(from + first, end - first), line, line);
                continue;
            }
            int at = first;
            if (_strideW == 2 && Avx512F.IsSupported)
            {
                // each value is followed by a zero; behind the last of a line nothing is touched
                Vector512<int> low = Vector512.Create(0, 16, 1, 16, 2, 16, 3, 16, 4, 16, 5, 16, 6, 16, 7, 16), high = Vector512.Create(8, 16, 9, 16, 10, 16, 11, 16, 12, 16, 13, 16, 14, 16, 15, 16);
                for (; at + 16 < end; at += 16, to += 32)
                {
                    var v = Vector512.Load(from + at);
                    (Vector512.Load(to) + Avx512F.PermuteVar16x32x2(v, low, Vector512<float>.Zero)).Store(to);
                    (Vector512.Load(to + 16) + Avx512F.PermuteVar16x32x2(v, high, Vector512<float>.Zero)).Store(to + 16);
                }
            }
            for (; at < end; at++, to += _strideW) { *to += from[at]; }
        }
    }

    // the columns of a phase that lie inside the plane
    private (int First, int End) Inside(int b, int columns)
    {
        int at = _padW - b, first = at <= 0 ? 0 : (at + _strideW - 1) / _strideW, end = _w + at <= 0 ? 0 : ((_w + at - 1) / _strideW) + 1;
        return (Math.Min(first, columns), Math.Min(end, columns));
    }
}
