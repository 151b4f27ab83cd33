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
        float* t = to;
        for (int a = 0; a < _strideH; a++)
        {
            for (int b = 0; b < _strideW; b++)
            {
                var (first, end) = Inside(b, Pitch);
                for (int q = 0; q < Rows; q++, t += Pitch)
                {
                    int y = (q * _strideH) + a - _padH;
                    if ((uint)y >= (uint)_h || first >= end) { continue; }
                    float* from = x + (y * _w) + (first * _strideW) + b - _padW;
                    if (_strideW == 1) { new Span<float>(from, end - first).CopyTo(new Span<float>(t + first, end - first)); continue; }
                    int p = _strideW is >= 2 and <= 4 && Avx512F.IsSupported && end - first >= 16 ? Picked(x + (y * _w), b, first, end, t) : first;
                    from += (p - first) * _strideW;
                    if (_strideW == 2 && Vector128.IsHardwareAccelerated)
                    {
                        // one more is left for the end, behind which nothing may be read
                        for (; p + 4 < end; p += 4, from += 8) { Pool2dQuarters.Even(Vector128.Load(from), Vector128.Load(from + 4)).Store(t + p); }
                    }
                    for (; p < end; p++, from += _strideW) { t[p] = *from; }
                }
            }
        }
    }

    // every second, third or fourth value of a line, sixteen at a time, the last ones together with some of those before them; up to which it came
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int Picked(float* line, int b, int first, int end, float* to)
    {
        var places = Vector512<int>.Indices * _strideW;
        int p = first;
        while (p < end)
        {
            int at = Math.Min(p, end - 16), column = (_strideW * at) + b - _padW, before = Math.Max(0, column + (16 * _strideW) - _w); // nothing is read behind the line
            if (column < before) { break; }
            float* from = line + column - before;
            var which = places + Vector512.Create(before);
            var x = Avx512F.PermuteVar16x32x2(Vector512.Load(from), which, Vector512.Load(from + 16));
            // of 48 values every third: from the first two registers, then from the last
            if (_strideW == 3) { x = Avx512F.PermuteVar16x32x2(x, Vector512.ConditionalSelect(Vector512.LessThan(which, Vector512.Create(32)), Vector512<int>.Indices, which - Vector512.Create(16)), Vector512.Load(from + 32)); }
            if (_strideW == 4) { x = Vector512.Create(x.GetLower(), Avx512F.PermuteVar16x32x2(Vector512.Load(from + 32), which, Vector512.Load(from + 48)).GetLower()); }
            x.Store(to + at);
            p = at + 16;
        }
        return p;
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
            for (int p = first; p < end; p++, to += _strideW) { *to += from[p]; }
        }
    }

    // the columns of a phase that lie inside the plane
    private (int First, int End) Inside(int b, int columns)
    {
        int at = _padW - b, first = at <= 0 ? 0 : (at + _strideW - 1) / _strideW, end = _w + at <= 0 ? 0 : ((_w + at - 1) / _strideW) + 1;
        return (Math.Min(first, columns), Math.Min(end, columns));
    }
}
