using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>Between the public layout, channels first, and the one in which convolutions compute, channels last: there the values that a patch takes from one line lie
/// side by side, and so do the outputs of all channels.</summary>
internal static unsafe class ConvLayout
{
    /// <summary>[channels, pixels] to [pixels, channels]; ld: floats from row to row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void ToLast(int channels, int pixels, float* from, nint ldFrom, float* to, nint ldTo)
    {
        if (channels == 1 && ldTo == 1)
        {
            new Span<float>(from, pixels).CopyTo(new Span<float>(to, pixels));
            return;
        }
        int c = 0;
        // rows 4 KiB apart would push each other out of the cache
        for (; Avx512F.IsSupported && c + 16 <= channels && (ldFrom & 1023) != 0; c += 16, from += 16 * ldFrom)
        {
            float* t = to + c;
            int p = 0;
            for (; p + 4 <= pixels; p += 4, t += 4 * ldTo) { GemmPack.Transpose16(from + p, ldFrom, t, ldTo); }
            for (; p < pixels; p++, t += ldTo)
            {
                for (int i = 0; i < 16; i++) { t[i] = from[(i * ldFrom) + p]; }
            }
        }
        for (; c + 4 <= channels; c += 4, from += 4 * ldFrom)
        {
            float* t = to + c;
            int p = 0;
            for (; p + 4 <= pixels; p += 4, t += 4 * ldTo) { Transpose4(from + p, ldFrom, t, ldTo); }
            for (; p < pixels; p++, t += ldTo)
            {
                for (int i = 0; i < 4; i++) { t[i] = from[(i * ldFrom) + p]; }
            }
        }
        for (; c < channels; c++, from += ldFrom)
        {
            float* t = to + c;
            for (int p = 0; p < pixels; p++, t += ldTo) { *t = from[p]; }
        }
    }

    /// <summary>[pixels, channels] to [channels, pixels]; ld: floats from row to row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void ToFirst(int channels, int pixels, float* from, nint ldFrom, float* to, nint ldTo)
    {
        int c = 0;
        for (; Avx512F.IsSupported && c + 16 <= channels && (ldTo & 1023) != 0; c += 16, to += 16 * ldTo)
        {
            float* f = from + c;
            int p = 0;
            for (; p + 4 <= pixels; p += 4, f += 4 * ldFrom) { GemmPack.Transpose16Back(f, ldFrom, to + p, ldTo); }
            for (; p < pixels; p++, f += ldFrom)
            {
                for (int i = 0; i < 16; i++) { to[(i * ldTo) + p] = f[i]; }
            }
        }
        for (; c + 4 <= channels; c += 4, to += 4 * ldTo)
        {
            float* f = from + c;
            int p = 0;
            for (; p + 4 <= pixels; p += 4, f += 4 * ldFrom) { Transpose4(f, ldFrom, to + p, ldTo); }
            for (; p < pixels; p++, f += ldFrom)
            {
                for (int i = 0; i < 4; i++) { to[(i * ldTo) + p] = f[i]; }
            }
        }
        for (; c < channels; c++, to += ldTo)
        {
            float* f = from + c;
            for (int p = 0; p < pixels; p++, f += ldFrom) { to[p] = *f; }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Transpose4(float* from, nint ldFrom, float* to, nint ldTo) =>
        GemmPack.Transpose4(from, from + ldFrom, from + (2 * ldFrom), from + (3 * ldFrom), to, ldTo);

    /// <summary>Lines [first, first + lines) of the zero-padded image x: [C / block, room, W + 2·PadW, block].</summary>
    public static void Pad(in ConvShape s, float* x, int first, int lines, int room, float* to)
    {
        int block = s.BlockC, plane = s.H * s.W, line = s.PaddedW * block, side = s.PadW * block;
        for (int c = 0; c < s.C; c += block, x += (nint)block * plane, to += (nint)room * line)
        {
            if (s.PadW == 0 && first >= s.PadH && first + lines <= s.PadH + s.H)
            {
                ToLast(block, lines * s.W, x + ((first - s.PadH) * s.W), plane, to, block);
                continue;
            }
            float* t = to;
            for (int i = 0; i < lines; i++, t += line)
            {
                int y = first + i - s.PadH;
                if ((uint)y >= (uint)s.H) { new Span<float>(t, line).Clear(); continue; }
                new Span<float>(t, side).Clear();
                ToLast(block, s.W, x + (y * s.W), plane, t + side, block);
                new Span<float>(t + line - side, side).Clear();
            }
        }
    }

    /// <summary>The inside of the padded image [panels, H + 2·PadH, W + 2·PadW, panel] to channels first.</summary>
    public static void Unpad(in ConvShape s, float* from, int panel, float* x)
    {
        int plane = s.H * s.W, line = s.PaddedW * panel;
        from += ((s.PadH * s.PaddedW) + s.PadW) * panel;
        for (int c = 0; c < s.C; c += panel, from += (s.H + (2 * s.PadH)) * line)
        {
            int real = Math.Min(panel, s.C - c);
            if (s.PadW == 0)
            {
                ToFirst(real, plane, from, panel, x, plane);
                x += (nint)real * plane;
                continue;
            }
            for (int i = 0; i < s.H; i++) { ToFirst(real, s.W, from + (i * line), panel, x + (i * s.W), plane); }
            x += (nint)real * plane;
        }
    }

    /// <summary>The weight [out, c, kh, kw] as panels of outputs: [panels, c / block, kh, kw, block, panel], zeros in place of outputs that do not exist.</summary>
    /// <param name="s">The sizes.</param>
    /// <param name="weight">The weight.</param>
    /// <param name="panel">Outputs of a panel.</param>
    /// <param name="to">The panels.</param>
    /// <param name="rows">Room for one panel.</param>
    public static void PackForward(in ConvShape s, float* weight, int panel, float* to, float* rows)
    {
        int taps = s.KH * s.KW, block = s.BlockC, k = s.K;
        for (int o = 0; o < s.OutC; o += panel)
        {
            int real = Math.Min(panel, s.OutC - o);
            if (real < panel) { new Span<float>(rows, k * panel).Clear(); }
            ToLast(real, k, weight + ((nint)o * k), k, rows, panel);
            for (int c = 0, i = 0; c < s.C; c++)
            {
                for (int t = 0; t < taps; t++, i++)
                {
                    new Span<float>(rows + ((nint)i * panel), panel).CopyTo(new Span<float>(to + ((nint)Row(c, t, block, taps) * panel), panel));
                }
            }
            to += (nint)k * panel;
        }
    }

    /// <summary>The weight as panels of inputs: [panels, kh · kw, whole panels of out, panel], zeros in place of what does not exist.</summary>
    public static void PackBackward(in ConvShape s, float* weight, int panel, int outputs, float* to)
    {
        int taps = s.KH * s.KW, k = s.K;
        nint tap = (nint)outputs * panel;
        for (int c = 0; c < s.C; c += panel, to += taps * tap)
        {
            int real = Math.Min(panel, s.C - c);
            if (real < panel || outputs > s.OutC) { new Span<float>(to, (int)(taps * tap)).Clear(); }
            for (int o = 0; o < s.OutC; o++) { ToLast(real, taps, weight + ((nint)o * k) + ((nint)c * taps), taps, to + ((nint)o * panel), tap); }
        }
    }

    /// <summary>Where channel c and tap t stand in a patch.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Row(int c, int t, int block, int taps) => (c / block * block * taps) + (t * block) + (c % block);

    /// <summary>Channels of a panel: what a tile holds side by side, or one vector where that is enough.</summary>
    public static int Panel<L>(int channels) where L : struct, IVectorLane<L>, ILane<L> => channels > L.Width ? ConvTile.Vectors * L.Width : L.Width;

    /// <summary>Channels in whole panels.</summary>
    public static int Whole<L>(int channels) where L : struct, IVectorLane<L>, ILane<L>
    {
        int panel = Panel<L>(channels);
        return (channels + panel - 1) / panel * panel;
    }

    /// <summary>Where the segments of a patch begin in an image of that many lines, in bytes: its lines, or its taps where they lie apart.</summary>
    public static void Segments(in ConvShape s, int lines, nint* starts)
    {
        int block = s.BlockC;
        for (int c = 0; c < s.C; c += block)
        {
            for (int ky = 0; ky < s.KH; ky++)
            {
                for (int kx = 0; kx < s.RunsW; kx++)
                {
                    *starts++ = (nint)sizeof(float) * (((nint)c * lines * s.PaddedW) + (block * ((ky * s.DilationH * s.PaddedW) + (kx * s.DilationW))));
                }
            }
        }
    }
}
