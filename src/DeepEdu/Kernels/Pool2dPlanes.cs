using System.Runtime.CompilerServices;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>Max pooling by any window: the largest over its taps, for a whole plane (<see cref="PhasePlane"/>) at a time, and which tap it was.</summary>
internal static unsafe class Pool2dPlanes
{
    private const int MostTogether = 2048; // floats

    /// <summary>y: the largest of each window of some planes; at: where in its plane it lies, or −1, if not null. The first of equals wins; a NaN beats everything.</summary>
    public static void Max(in PoolShape s, int planes, float* x, float* y, int* at)
    {
        if (s.H > 1 || s.OH > 1 || s.KH > 1)
        {
            Max(s, s, planes, x, y, at);
            return;
        }
        // lines: as many as stay in the first-level cache make a plane
        int together = Math.Clamp(MostTogether / s.W, 1, planes), whole = planes - (planes % together);
        Max(s, s with { H = together, OH = together, StrideH = 1, PadH = 0 }, whole / together, x, y, at);
        int rest = planes - whole;
        if (rest > 0) { Max(s, s with { H = rest, OH = rest, StrideH = 1, PadH = 0 }, 1, x + ((nint)whole * s.W), y + ((nint)whole * s.OW), at is null ? null : at + ((nint)whole * s.OW)); }
    }

    // what lies together is a plane of its own; places are told within the planes of the caller
    private static void Max(in PoolShape of, in PoolShape s, int planes, float* x, float* y, int* at)
    {
        if (F16.IsSupported) { Max<F16>(of, s, planes, x, y, at); }
        else if (F8.IsSupported) { Max<F8>(of, s, planes, x, y, at); }
        else if (F4.IsSupported) { Max<F4>(of, s, planes, x, y, at); }
        else { Max<F1>(of, s, planes, x, y, at); }
    }

    private static void Max<L>(in PoolShape of, in PoolShape s, int planes, float* x, float* y, int* at) where L : struct, IVectorLane<L>, ILane<L>
    {
        // lines of whole windows, none of which reaches into the next, are one line
        bool straight = s is { KH: 1, StrideH: 1, PadH: 0, PadW: 0 } && s.W == s.OW * s.StrideW && s.DilationW * (s.KW - 1) < s.StrideW;
        var plane = new PhasePlane(straight ? s with { H = 1, W = s.H * s.W, OH = 1, OW = s.OH * s.OW } : s);
        int pitch = straight ? s.OW : plane.Pitch, taps = s.KH * s.KW, size = plane.Size + PhasePlane.Slack, room = (s.OH * pitch) + PhasePlane.Slack;
        float* split = Scratch.Images.Take(checked(size + (2 * room) + (2 * taps))), best = split + size, which = best + room;
        int* offsets = (int*)(which + room), steps = offsets + taps;
        for (int t = 0; t < taps; t++)
        {
            int ky = t / s.KW, kx = t % s.KW;
            (offsets[t], steps[t]) = (plane.Offset(ky, kx), (ky * s.DilationH * s.W) + (kx * s.DilationW));
        }
        plane.Border(float.NegativeInfinity, split);
        for (int p = 0; p < planes; p++, x += (nint)s.H * s.W)
        {
            plane.Split(x, split);
            if (at is null) { Largest<L>(split, offsets, taps, best, plane.Length); }
            else { Largest<L>(split, offsets, taps, best, which, plane.Length); }
            bool gapless = pitch == s.OW;
            if (gapless) { new Span<float>(best, s.OH * s.OW).CopyTo(new Span<float>(y, s.OH * s.OW)); }
            for (int i = 0; i < s.OH && !(gapless && at is null); i++)
            {
                int line = i * pitch;
                if (!gapless) { Lines.Copy(ref best[line], ref y[i * s.OW], s.OW); }
                if (at is null) { continue; }
                Places(of, of.OH == 1 ? 0 : i, (int*)which + line, steps, at);
                at += s.OW;
            }
            y += s.OH * s.OW;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Largest<L>(float* from, int* offsets, int taps, float* best, int length) where L : struct, IVectorLane<L>, ILane<L>
    {
        for (nint i = 0; i < length; i += 2 * L.Width)
        {
            L a = float.NegativeInfinity, b = a;
            for (int t = 0; t < taps; t++)
            {
                float* x = from + offsets[t] + i;
                L v = L.Load(in *x, 0), w = L.Load(in *x, L.Width);
                a = L.WhereEqual(v, v, L.WhereGreater(v, a, v, a), v);
                b = L.WhereEqual(w, w, L.WhereGreater(w, b, w, b), w);
            }
            L.Store(a, ref *best, i);
            L.Store(b, ref *best, i + L.Width);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Largest<L>(float* from, int* offsets, int taps, float* best, float* which, int length) where L : struct, IVectorLane<L>, ILane<L>
    {
        for (nint i = 0; i < length; i += 2 * L.Width)
        {
            L a = float.NegativeInfinity, b = a, ta = BitConverter.Int32BitsToSingle(-1), tb = ta; // int32 bits, which are only chosen from
            for (int t = 0; t < taps; t++)
            {
                float* x = from + offsets[t] + i;
                L v = L.Load(in *x, 0), w = L.Load(in *x, L.Width), tap = BitConverter.Int32BitsToSingle(t);
                ta = L.WhereEqual(v, v, L.WhereGreater(v, a, tap, ta), tap);
                tb = L.WhereEqual(w, w, L.WhereGreater(w, b, tap, tb), tap);
                a = L.WhereEqual(v, v, L.WhereGreater(v, a, v, a), v);
                b = L.WhereEqual(w, w, L.WhereGreater(w, b, w, b), w);
            }
            L.Store(a, ref *best, i);
            L.Store(b, ref *best, i + L.Width);
            L.Store(ta, ref *which, i);
            L.Store(tb, ref *which, i + L.Width);
        }
    }

    // from taps to places in the plane
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Places(in PoolShape s, int line, int* which, int* steps, int* at)
    {
        int start = (((line * s.StrideH) - s.PadH) * s.W) - s.PadW, stride = s.StrideW;
        for (int j = 0; j < s.OW; j++, start += stride)
        {
            int tap = which[j];
            at[j] = tap >= 0 ? start + steps[tap] : First(s, line, j);
        }
    }

    // a window of −∞: its first place; a dilated window may see nothing but padding, then it came from nowhere
    private static int First(in PoolShape s, int line, int column)
    {
        int y = (line * s.StrideH) - s.PadH, x = (column * s.StrideW) - s.PadW, y1 = Math.Min(s.H, y + (s.DilationH * (s.KH - 1)) + 1), x1 = Math.Min(s.W, x + (s.DilationW * (s.KW - 1)) + 1);
        while (y < 0) { y += s.DilationH; }
        while (x < 0) { x += s.DilationW; }
        return y < y1 && x < x1 ? (y * s.W) + x : -1;
    }
}
