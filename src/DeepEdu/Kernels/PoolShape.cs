namespace DeepEdu.Kernels;

/// <summary>The sizes of a two-dimensional pooling: each of Planes images [H, W] becomes [OH, OW].</summary>
internal readonly record struct PoolShape(int Planes, int H, int W, int OH, int OW, int KH, int KW, int StrideH, int StrideW, int PadH, int PadW, int DilationH, int DilationW)
{
    /// <summary>Whether windows are 2 × 2, side by side and whole.</summary>
    public bool IsQuarters => this is { KH: 2, KW: 2, StrideH: 2, StrideW: 2, PadH: 0, PadW: 0, DilationH: 1, DilationW: 1 } && 2 * OH <= H && 2 * OW <= W;

    /// <summary>Whether windows are runs of memory one behind the other, long enough for vectors: whole planes, whole lines, or pieces of them.</summary>
    public bool IsRuns => KH * KW >= 16 && (PadH, PadW, DilationH, DilationW) == (0, 0, 1, 1) && OH * KH == H && OW * KW == W && (StrideH == KH || OH == 1) && (StrideW == KW || OW == 1) && (OW == 1 || KH == 1);

    /// <summary>How many windows there are along an axis. With ceil a last window may reach beyond the padding, but must begin before its end.</summary>
    public static int Windows(int size, int kernel, int stride, int pad, int dilation, bool ceil)
    {
        int room = size + (2 * pad) - (dilation * (kernel - 1)) - 1;
        if (room < 0 && !(ceil && room > -stride)) { return 0; }
        int n = ((room + (ceil ? stride - 1 : 0)) / stride) + 1;
        return ceil && (n - 1) * stride >= size + pad ? n - 1 : n;
    }
}
