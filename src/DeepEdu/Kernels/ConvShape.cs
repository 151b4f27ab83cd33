namespace DeepEdu.Kernels;

/// <summary>The sizes of a two-dimensional convolution: x [N, C, H, W], weight [OutC, C / Groups, KH, KW], y [N, OutC, OH, OW].</summary>
internal readonly record struct ConvShape(int N, int C, int H, int W, int OutC, int KH, int KW, int StrideH, int StrideW, int PadH, int PadW, int DilationH, int DilationW, int Groups)
{
    /// <summary>For the profiler.</summary>
    public string Sizes => $"{N} × {C} × {H} × {W} → {OutC}, {KH} × {KW}";

    /// <summary>Input rows that a kernel covers.</summary>
    public int SpanH => (DilationH * (KH - 1)) + 1;

    /// <summary>Input columns that a kernel covers.</summary>
    public int SpanW => (DilationW * (KW - 1)) + 1;

    /// <summary>Rows of the output.</summary>
    public int OH => ((H + (2 * PadH) - SpanH) / StrideH) + 1;

    /// <summary>Columns of the output.</summary>
    public int OW => ((W + (2 * PadW) - SpanW) / StrideW) + 1;

    /// <summary>Columns of the input with its padding.</summary>
    public int PaddedW => W + (2 * PadW);

    /// <summary>Input channels that one output sees.</summary>
    public int GroupC => C / Groups;

    /// <summary>Whether patches are laid out as columns: each group's, or where there is no channel to read or to write; those of single pixels lie so already, and in rows long enough.</summary>
    public bool IsByColumns => Groups > 1 || C == 0 || OutC == 0 || (IsPointwise && H * W >= 128);

    /// <summary>Whether a patch is one pixel, and every pixel is one: a group's channels are its columns.</summary>
    public bool IsPointwise => (KH, KW, StrideH, StrideW, PadH, PadW) == (1, 1, 1, 1, 0, 0);

    /// <summary>Whether taps run over planes of channels, which a thread keeps side by side, as pixels fill the lanes that channels would not: groups of few channels, and few outputs of many pixels.</summary>
    public bool IsByPlanes => C > 0 && KH * (long)KW <= 1024 && (Groups > 1 ? GroupC <= 16 && GroupOut <= 16 && (Groups == C || !IsPointwise)
        : OutC > 0 && !IsPointwise && StrideH == 1 && StrideW == 1 && (long)OH * OW >= 192 && (OutC <= 4 || (OutC <= 8 && C <= 16)));

    /// <summary>Whether planes are so small that a depthwise convolution's lanes run along the channels.</summary>
    public bool IsByLanes => Groups == C && OutC == C && C >= 16 && PaddedW * (long)(H + (2 * PadH)) <= (KH * (long)KW >= 25 ? 4096 : 1280) && KH * (long)KW <= 64;

    /// <summary>Whether images are so small, and so many, that the rows of a tile are images.</summary>
    public bool IsByImages => Groups == 1 && N >= 4 && C >= 16 && OutC >= 16 && KH * KW > 1 && OH * OW > 0 && OH * OW <= 64 && H * (long)W <= 256 && KH * (long)KW <= 64 && !IsByPlanes;

    /// <summary>Whether an image has so few pixels for so large a weight that several images are convolved together.</summary>
    public bool IsByBatches => Groups == 1 && C >= 32 && OutC >= 32 && !IsByPlanes && !IsByImages && (long)K * OutC >= (IsPointwise ? 2048L : 16384L) * OH * OW;

    /// <summary>Whether outputs fill the lanes of a vector, patches are read in place, and what follows the convolution is done in the same pass.</summary>
    public bool IsByTiles => !IsByPlanes && !IsByColumns && !IsByBatches && !IsByImages;

    /// <summary>Whether the input has so few channels that its gradient would leave most lanes of a vector empty.</summary>
    public bool HasFewInputs => IsByTiles && C <= 6 && KH * (long)KW <= 1024;

    /// <summary>Output channels of one group.</summary>
    public int GroupOut => OutC / Groups;

    /// <summary>Channels that lie side by side in a channels-last image: all, or runs of 32, so that neighbouring pixels share cache lines.</summary>
    public int BlockC => C % 32 == 0 ? 32 : C;

    /// <summary>Segments of a line of a patch: one, or one a tap where taps lie apart.</summary>
    public int RunsW => DilationW == 1 ? 1 : KW;

    /// <summary>Segments of a patch.</summary>
    public int Runs => C / BlockC * KH * RunsW;

    /// <summary>Products of one output value.</summary>
    public int K => GroupC * KH * KW;

    /// <summary>Floats of one image of x.</summary>
    public int InSize => C * H * W;

    /// <summary>Floats of one image of y.</summary>
    public int OutSize => OutC * OH * OW;

    /// <summary>Multiply-adds of one image.</summary>
    public long Work => (long)OutSize * K;
}
