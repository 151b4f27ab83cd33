namespace DeepEdu.Kernels;

/// <summary>The sizes of a two-dimensional convolution: x [N, C, H, W], weight [OutC, C / Groups, KH, KW], y [N, OutC, OH, OW].</summary>
internal readonly record struct ConvShape(int N, int C, int H, int W, int OutC, int KH, int KW, int StrideH, int StrideW, int PadH, int PadW, int DilationH, int DilationW, int Groups)
{
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

    /// <summary>Output channels of one group.</summary>
    public int GroupOut => OutC / Groups;

    /// <summary>Products of one output value.</summary>
    public int K => GroupC * KH * KW;

    /// <summary>Floats of one image of x.</summary>
    public int InSize => C * H * W;

    /// <summary>Floats of one image of y.</summary>
    public int OutSize => OutC * OH * OW;

    /// <summary>Multiply-adds of one image.</summary>
    public long Work => (long)OutSize * K;
}
