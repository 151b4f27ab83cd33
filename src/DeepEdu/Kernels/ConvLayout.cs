using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using DeepEdu.Devices;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>Between the public layout, channels first, and the one in which convolutions compute, channels last: there the values that a patch takes from one line lie
/// side by side, and so do the outputs of all channels.</summary>
internal static unsafe class ConvLayout
{
    /// <summary>[channels, pixels] to [pixels, channels]; ld: floats from row to row. What is left over at an end is done together with what is there before it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void ToLast(int channels, int pixels, float* from, nint ldFrom, float* to, nint ldTo)
    {
        if (channels == 1 && ldTo == 1)
        {
            new Span<float>(from, pixels).CopyTo(new Span<float>(to, pixels));
            return;
        }
        if (channels == 3 && ldTo == 3 && Avx512F.IsSupported)
        {
            int done = Three(pixels, from, ldFrom, to);
            pixels -= done;
            from += done;
            to += 3 * done;
        }
        int c = 0;
        // rows 4 KiB apart would push each other out of the cache
        for (; Avx512F.IsSupported && c + 16 <= channels && (ldFrom & 1023) != 0; c += 16, from += 16 * ldFrom)
        {
            int p = 0;
            for (; p < pixels && pixels >= 4; p += 4)
            {
                p = Math.Min(p, pixels - 4);
                GemmPack.Transpose16(from + p, ldFrom, to + c + (p * ldTo), ldTo);
            }
            for (float* t = to + c + (p * ldTo); p < pixels; p++, t += ldTo)
            {
                for (int i = 0; i < 16; i++) { t[i] = from[(i * ldFrom) + p]; }
            }
        }
        for (; c < channels && channels >= 4; c += 4, from += 4 * ldFrom)
        {
            int back = Math.Max(0, c + 4 - channels);
            c -= back;
            from -= back * ldFrom;
            int p = 0;
            for (; p < pixels && pixels >= 4; p += 4)
            {
                p = Math.Min(p, pixels - 4);
                Transpose4(from + p, ldFrom, to + c + (p * ldTo), ldTo);
            }
            for (float* t = to + c + (p * ldTo); p < pixels; p++, t += ldTo)
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

    // colours: three registers of sixteen pixels become three of sixteen values; how many pixels
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Three(int pixels, float* from, nint ld, float* to)
    {
        // value i of all 48 is colour i % 3 of pixel i / 3: the first two colours, then the third among them
        Vector512<int> i0 = Vector512.Create(0, 16, 0, 1, 17, 0, 2, 18, 0, 3, 19, 0, 4, 20, 0, 5), j0 = Vector512.Create(0, 1, 16, 3, 4, 17, 6, 7, 18, 9, 10, 19, 12, 13, 20, 15);
        Vector512<int> i1 = Vector512.Create(21, 0, 6, 22, 0, 7, 23, 0, 8, 24, 0, 9, 25, 0, 10, 26), j1 = Vector512.Create(0, 21, 2, 3, 22, 5, 6, 23, 8, 9, 24, 11, 12, 25, 14, 15);
        Vector512<int> i2 = Vector512.Create(0, 11, 27, 0, 12, 28, 0, 13, 29, 0, 14, 30, 0, 15, 31, 0), j2 = Vector512.Create(26, 1, 2, 27, 4, 5, 28, 7, 8, 29, 10, 11, 30, 13, 14, 31);
        int p = 0;
        for (; p + 16 <= pixels; p += 16, to += 48)
        {
            Vector512<float> a = Vector512.Load(from + p), b = Vector512.Load(from + ld + p), c = Vector512.Load(from + (2 * ld) + p);
            Avx512F.PermuteVar16x32x2(Avx512F.PermuteVar16x32x2(a, i0, b), j0, c).Store(to);
            Avx512F.PermuteVar16x32x2(Avx512F.PermuteVar16x32x2(a, i1, b), j1, c).Store(to + 16);
            Avx512F.PermuteVar16x32x2(Avx512F.PermuteVar16x32x2(a, i2, b), j2, c).Store(to + 32);
        }
        return p;
    }

    /// <summary>[pixels, channels] to [channels, pixels]; ld: floats from row to row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void ToFirst(int channels, int pixels, float* from, nint ldFrom, float* to, nint ldTo)
    {
        int c = 0;
        for (; Avx512F.IsSupported && c + 16 <= channels && (ldTo & 1023) != 0; c += 16, to += 16 * ldTo)
        {
            int p = 0;
            for (; p < pixels && pixels >= 4; p += 4)
            {
                p = Math.Min(p, pixels - 4);
                GemmPack.Transpose16Back(from + c + (p * ldFrom), ldFrom, to + p, ldTo);
            }
            for (float* f = from + c + (p * ldFrom); p < pixels; p++, f += ldFrom)
            {
                for (int i = 0; i < 16; i++) { to[(i * ldTo) + p] = f[i]; }
            }
        }
        for (; c < channels && channels >= 4; c += 4, to += 4 * ldTo)
        {
            int back = Math.Max(0, c + 4 - channels);
            c -= back;
            to -= back * ldTo;
            int p = 0;
            for (; p < pixels && pixels >= 4; p += 4)
            {
                p = Math.Min(p, pixels - 4);
                Transpose4(from + c + (p * ldFrom), ldFrom, to + p, ldTo);
            }
            for (float* f = from + c + (p * ldFrom); p < pixels; p++, f += ldFrom)
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
    public static void PackForward(in ConvShape s, float* weight, int panel, float* to) =>
        Work.For((s.OutC + panel - 1) / panel, Math.Max(1, CpuDevice.Grain / Math.Max(1, s.K * panel)), new Outputs { S = s, Weight = weight, Panel = panel, To = to });

    /// <summary>The weight as panels of inputs: [panels, kh · kw, whole panels of out, panel], zeros in place of what does not exist.</summary>
    public static void PackBackward(in ConvShape s, float* weight, int panel, int outputs, float* to) =>
        Work.For((s.C + panel - 1) / panel, Math.Max(1, CpuDevice.Grain / Math.Max(1, s.KH * s.KW * outputs * panel)), new Inputs { S = s, Weight = weight, Panel = panel, Whole = outputs, To = to });

    private struct Outputs : IRange
    {
        public ConvShape S;
        public float* Weight, To;
        public int Panel;

        public readonly void Run(int from, int to)
        {
            int taps = S.KH * S.KW, block = S.BlockC, k = S.K, panel = Panel;
            float* rows = Scratch.Panels.Take(checked(k * panel));
            for (int part = from; part < to; part++)
            {
                int o = part * panel, real = Math.Min(panel, S.OutC - o);
                float* t = To + ((nint)o * k);
                if (real < panel) { new Span<float>(rows, k * panel).Clear(); }
                ToLast(real, k, Weight + ((nint)o * k), k, rows, panel);
                for (int c = 0, i = 0; c < S.C; c++)
                {
                    for (int tap = 0; tap < taps; tap++, i++) { Lines.Copy(ref rows[(nint)i * panel], ref t[(nint)Row(c, tap, block, taps) * panel], panel); }
                }
            }
        }
    }

    private struct Inputs : IRange
    {
        public ConvShape S;
        public float* Weight, To;
        public int Panel, Whole;

        public readonly void Run(int from, int to)
        {
            int taps = S.KH * S.KW, k = S.K;
            nint tap = (nint)Whole * Panel;
            for (int part = from; part < to; part++)
            {
                int c = part * Panel, real = Math.Min(Panel, S.C - c);
                float* t = To + (part * taps * tap);
                if (real < Panel || Whole > S.OutC) { new Span<float>(t, (int)(taps * tap)).Clear(); }
                for (int o = 0; o < S.OutC; o++) { ToLast(real, taps, Weight + ((nint)o * k) + ((nint)c * taps), taps, t + ((nint)o * Panel), tap); }
            }
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
