using System.Numerics.Tensors;
using DeepEdu.Devices;

namespace DeepEdu.Kernels;

/// <summary>Convolution of small images with many channels, several images at a time: their patches stand side by side as columns [c·kh·kw, images·oh·ow], so that each weight that is fetched is used for all of them. By the image, the
/// weight, which fills more than a cache, would be fetched for a handful of pixels.</summary>
internal static unsafe class ConvBatches
{
    // floats of columns: they stay in the cache between being laid out and being multiplied
    private const int MostColumns = 1 << 20;

    /// <summary>y = x ∗ weight + bias.</summary>
    public static void Forward(in ConvShape s, float* x, float* weight, float* bias, float* y)
    {
        int images = Images(s);
        float* columns = Scratch.Layer.Take(checked((s.K + s.OutC) * images * s.OH * s.OW)), outputs = columns + ((nint)s.K * images * s.OH * s.OW);
        for (int n = 0; n < s.N; n += images)
        {
            int count = Math.Min(images, s.N - n), width = count * s.OH * s.OW;
            Work.For(s.K, Grain(width), new Lay { S = s, Count = count, X = x + ((nint)n * s.InSize), Columns = columns });
            Gemm.Run(false, false, s.OutC, width, s.K, weight, s.K, columns, width, outputs, width);
            Work.For(s.OutC, Grain(width), new Part { S = s, Count = count, Outputs = outputs, Bias = bias, Y = y + ((nint)n * s.OutSize) });
        }
    }

    /// <summary>dX where dx is not null, dW where dw is not null, dB where db is not null.</summary>
    public static void Backward(in ConvShape s, float* x, float* weight, float* dy, float* dx, float* dw, float* db)
    {
        int images = Images(s);
        float* columns = Scratch.Layer.Take(checked((s.K + s.OutC) * images * s.OH * s.OW)), outputs = columns + ((nint)s.K * images * s.OH * s.OW);
        if (db is not null) { new Span<float>(db, s.OutC).Clear(); }
        for (int n = 0; n < s.N; n += images)
        {
            int count = Math.Min(images, s.N - n), width = count * s.OH * s.OW;
            Work.For(s.OutC, Grain(width), new Join { S = s, Count = count, DY = dy + ((nint)n * s.OutSize), Outputs = outputs, DB = db });
            if (dw is not null)
            {
                Work.For(s.K, Grain(width), new Lay { S = s, Count = count, X = x + ((nint)n * s.InSize), Columns = columns });
                Gemm.Run(false, true, s.OutC, s.K, width, outputs, width, columns, width, dw, s.K, accumulate: n > 0);
            }
            if (dx is null) { continue; }
            Gemm.Run(true, false, s.K, width, s.OutC, weight, s.K, outputs, width, columns, width);
            Work.For(s.C, Grain(width * s.KH * s.KW), new Fetch { S = s, Count = count, Columns = columns, DX = dx + ((nint)n * s.InSize) });
        }
    }

    private static int Images(in ConvShape s) => (int)Math.Clamp(MostColumns / Math.Max(1, (long)s.K * s.OH * s.OW), 1, Math.Max(1, s.N));

    private static int Grain(int width) => Math.Max(1, CpuDevice.Grain / Math.Max(1, width));

    private struct Lay : IRange
    {
        public ConvShape S;
        public int Count;
        public float* X, Columns;

        public readonly void Run(int from, int to)
        {
            int pixels = S.OH * S.OW, taps = S.KH * S.KW, plane = S.H * S.W;
            for (int k = from; k < to; k++)
            {
                for (int n = 0; n < Count; n++) { ConvColumns.Read(in S, k % taps, X + ((nint)n * S.InSize) + (k / taps * plane), Columns + ((((nint)k * Count) + n) * pixels)); }
            }
        }
    }

    private struct Fetch : IRange
    {
        public ConvShape S;
        public int Count;
        public float* Columns, DX;

        public readonly void Run(int from, int to)
        {
            int pixels = S.OH * S.OW, taps = S.KH * S.KW, plane = S.H * S.W;
            for (int c = from; c < to; c++)
            {
                for (int n = 0; n < Count; n++)
                {
                    float* dx = DX + ((nint)n * S.InSize) + (c * plane);
                    new Span<float>(dx, plane).Clear();
                    for (int t = 0; t < taps; t++) { ConvColumns.Add(in S, t, Columns + (((((nint)c * taps) + t) * Count) + n) * pixels, dx); }
                }
            }
        }
    }

    private struct Part : IRange
    {
        public ConvShape S;
        public int Count;
        public float* Outputs, Bias, Y;

        public readonly void Run(int from, int to)
        {
            int pixels = S.OH * S.OW;
            for (int o = from; o < to; o++)
            {
                for (int n = 0; n < Count; n++)
                {
                    var values = new ReadOnlySpan<float>(Outputs + ((((nint)o * Count) + n) * pixels), pixels);
                    var y = new Span<float>(Y + ((nint)n * S.OutSize) + (o * pixels), pixels);
                    if (Bias is null) { values.CopyTo(y); } else { TensorPrimitives.Add(values, Bias[o], y); }
                }
            }
        }
    }

    private struct Join : IRange
    {
        public ConvShape S;
        public int Count;
        public float* DY, Outputs, DB;

        public readonly void Run(int from, int to)
        {
            int pixels = S.OH * S.OW;
            for (int o = from; o < to; o++)
            {
                float* all = Outputs + ((nint)o * Count * pixels);
                for (int n = 0; n < Count; n++) { new ReadOnlySpan<float>(DY + ((nint)n * S.OutSize) + (o * pixels), pixels).CopyTo(new(all + (n * pixels), pixels)); }
                if (DB is not null) { DB[o] += TensorPrimitives.Sum(new ReadOnlySpan<float>(all, Count * pixels)); }
            }
        }
    }
}
