using System.Runtime.CompilerServices;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>Between the public layout, channels first, and the one in which convolutions compute, channels last: there the values that a patch takes from one line lie
/// side by side, and so do the outputs of all channels.</summary>
internal static unsafe class ConvLayout
{
    /// <summary>[channels, pixels] to [pixels, channels]; ld: floats from row to row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ToLast(int channels, int pixels, float* from, nint ldFrom, float* to, nint ldTo)
    {
        int c = 0;
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
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ToFirst(int channels, int pixels, float* from, nint ldFrom, float* to, nint ldTo)
    {
        int c = 0;
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

    /// <summary>Lines [first, first + lines) of the zero-padded image x, channels last: [lines, W + 2·PadW, C].</summary>
    public static void Pad(in ConvShape s, float* x, int first, int lines, float* to)
    {
        int plane = s.H * s.W, line = s.PaddedW * s.C, side = s.PadW * s.C;
        if (s.PadW == 0 && first >= s.PadH && first + lines <= s.PadH + s.H)
        {
            ToLast(s.C, lines * s.W, x + ((first - s.PadH) * s.W), plane, to, s.C);
            return;
        }
        for (int i = first - s.PadH; lines > 0; i++, lines--, to += line)
        {
            if ((uint)i >= (uint)s.H) { new Span<float>(to, line).Clear(); continue; }
            new Span<float>(to, side).Clear();
            ToLast(s.C, s.W, x + (i * s.W), plane, to + side, s.C);
            new Span<float>(to + line - side, side).Clear();
        }
    }

    /// <summary>The inside of the padded image, channels last with ld floats a pixel, back to channels first.</summary>
    public static void Unpad(in ConvShape s, float* from, nint ld, float* x)
    {
        int plane = s.H * s.W;
        from += ((s.PadH * s.PaddedW) + s.PadW) * ld;
        if (s.PadW == 0)
        {
            ToFirst(s.C, plane, from, ld, x, plane);
            return;
        }
        for (int i = 0; i < s.H; i++, from += s.PaddedW * ld, x += s.W) { ToFirst(s.C, s.W, from, ld, x, plane); }
    }

    /// <summary>The weight [out, c, kh, kw] as panels of 2 vectors of outputs: [out / 32, kh · kw · c, 32], zeros in place of outputs that do not exist.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackForward<L>(in ConvShape s, float* weight, float* to) where L : struct, IVectorLane<L>, ILane<L>
    {
        int taps = s.KH * s.KW, channels = s.C, k = s.K, outputs = s.OutC;
        for (int o = 0; o < outputs; o += ConvTile.Vectors * L.Width)
        {
            int wide = Panel<L>(outputs - o), real = Math.Min(wide, outputs - o);
            float* from = weight + ((nint)o * k);
            for (int c = 0; c < channels; c++)
            {
                for (int t = 0; t < taps; t++, from++)
                {
                    float* row = to + ((nint)((t * channels) + c) * wide);
                    for (int j = 0; j < real; j++) { row[j] = from[(nint)j * k]; }
                    for (int j = real; j < wide; j++) { row[j] = 0; }
                }
            }
            to += (nint)k * wide;
        }
    }

    /// <summary>The weight as panels of 2 vectors of inputs: [c / 32, kh · kw, out, 32].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackBackward<L>(in ConvShape s, float* weight, float* to) where L : struct, IVectorLane<L>, ILane<L>
    {
        int taps = s.KH * s.KW, channels = s.C, k = s.K, outputs = s.OutC;
        for (int c = 0; c < channels; c += ConvTile.Vectors * L.Width)
        {
            int wide = Panel<L>(channels - c), real = Math.Min(wide, channels - c);
            for (int t = 0; t < taps; t++)
            {
                float* from = weight + ((nint)c * taps) + t;
                for (int o = 0; o < outputs; o++, from += k, to += wide)
                {
                    for (int j = 0; j < real; j++) { to[j] = from[(nint)j * taps]; }
                    for (int j = real; j < wide; j++) { to[j] = 0; }
                }
            }
        }
    }

    /// <summary>Columns of the next panel when <paramref name="left"/> remain: whole vectors, two at most.</summary>
    public static int Panel<L>(int left) where L : struct, IVectorLane<L>, ILane<L> => left > L.Width ? ConvTile.Vectors * L.Width : L.Width;

    /// <summary>Channels in whole vectors.</summary>
    public static int Whole<L>(int channels) where L : struct, IVectorLane<L>, ILane<L> => (channels + L.Width - 1) / L.Width * L.Width;

    /// <summary>Where the segments of a patch begin, in bytes: its lines, or its taps where they lie apart. Returns their number.</summary>
    public static int Segments(in ConvShape s, nint* starts)
    {
        int n = 0;
        for (int ky = 0; ky < s.KH; ky++)
        {
            for (int kx = 0; kx < (s.DilationW == 1 ? 1 : s.KW); kx++)
            {
                starts[n++] = (nint)sizeof(float) * s.C * ((ky * s.DilationH * s.PaddedW) + (kx * s.DilationW));
            }
        }
        return n;
    }
}
