using DeepEdu.Kernels;
using DeepEdu.Ops;
using ILGPU;
using Floats = ILGPU.ArrayView<float>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>Pooling with windows of one size: a thread for each window or, on the way back, for each value, which goes through the windows it lies in. Nothing is added up by two threads.</summary>
internal static class PoolingKernel
{
    public static void Register(GpuDevice device)
    {
        device.Register((GpuDevice d, in Pooling.MaxPoolKernel k) =>
        {
            var y = GpuDevice.Of(k.Y);
            d.Start(k.Y.Length, new MaxPool<FixedWindows> { Windows = new(k.Shape), S = new(k.Shape), X = GpuDevice.Of(k.X), Y = y, At = GpuDevice.Of(k.At, y).Cast<int>(), HasAt = k.At.IsNone ? 0 : 1 });
        });
        device.Register((GpuDevice d, in Pooling.MaxPoolGradientKernel k) =>
        {
            // windows of one size, or of an adaptive pooling, whose shape has no kernel
            PoolSizes s = new(k.Shape);
            Floats dy = GpuDevice.Of(k.DY), dx = GpuDevice.Of(k.DX);
            var at = GpuDevice.Of(k.At).Cast<int>();
            if (k.Shape.KH > 0) { d.Start(k.DX.Length, new MaxPoolBack<FixedWindows> { Windows = new(k.Shape), S = s, Dy = dy, At = at, Dx = dx }); }
            else { d.Start(k.DX.Length, new MaxPoolBack<AdaptiveWindows> { Windows = new(k.Shape), S = s, Dy = dy, At = at, Dx = dx }); }
        });
        device.Register((GpuDevice d, in Pooling.AvgPoolKernel k) => Average<FixedWindows>(d, new(k.Shape, k.CountPad), k.Shape, k.From, k.To, k.Back));
        device.Register((GpuDevice d, in AdaptivePooling.AdaptiveMaxPoolKernel k) =>
        {
            var y = GpuDevice.Of(k.Y);
            d.Start(k.Y.Length, new MaxPool<AdaptiveWindows> { Windows = new(k.Shape), S = new(k.Shape), X = GpuDevice.Of(k.X), Y = y, At = GpuDevice.Of(k.At, y).Cast<int>(), HasAt = k.At.IsNone ? 0 : 1 });
        });
        device.Register((GpuDevice d, in AdaptivePooling.AdaptiveAvgPoolKernel k) => Average<AdaptiveWindows>(d, new(k.Shape), k.Shape, k.From, k.To, k.Back));
    }

    private static void Average<V>(GpuDevice d, V windows, in PoolShape s, Devices.View from, Devices.View to, bool back) where V : struct, IWindows
    {
        if (back) { d.Start(to.Length, new AvgPoolBack<V> { Windows = windows, S = new(s), Dy = GpuDevice.Of(from), Dx = GpuDevice.Of(to) }); }
        else { d.Start(to.Length, new AvgPool<V> { Windows = windows, S = new(s), X = GpuDevice.Of(from), Y = GpuDevice.Of(to) }); }
    }
}

/// <summary>Places along an axis: from, to and the step between them.</summary>
internal struct PoolSpan
{
    public int From, To, Step;
}

/// <summary>Which values a window takes, and which windows take a value.</summary>
internal interface IWindows
{
    /// <summary>Values of a window that exist.</summary>
    PoolSpan Down(int window);

    /// <inheritdoc cref="Down"/>
    PoolSpan Across(int window);

    /// <summary>Windows from the first to behind the last that may hold a value.</summary>
    PoolSpan WindowsDown(int place);

    /// <inheritdoc cref="WindowsDown"/>
    PoolSpan WindowsAcross(int place);

    /// <summary>What a mean over a window divides by.</summary>
    int Area(int down, int across);
}

/// <summary>Sizes of the planes.</summary>
internal struct PoolSizes(in PoolShape s)
{
    public int H = s.H, W = s.W, OH = s.OH, OW = s.OW;
}

/// <summary>Windows of one size, a stride apart.</summary>
internal struct FixedWindows(in PoolShape s, bool countPad = false) : IWindows
{
    private int _h = s.H, _w = s.W, _oh = s.OH, _ow = s.OW, _kh = s.KH, _kw = s.KW, _sh = s.StrideH, _sw = s.StrideW, _ph = s.PadH, _pw = s.PadW, _dh = s.DilationH, _dw = s.DilationW, _countPad = countPad ? 1 : 0;

    public readonly PoolSpan Down(int window) => Of(window, _h, _kh, _sh, _ph, _dh);

    public readonly PoolSpan Across(int window) => Of(window, _w, _kw, _sw, _pw, _dw);

    public readonly PoolSpan WindowsDown(int place) => Holding(place, _oh, _kh, _sh, _ph, _dh);

    public readonly PoolSpan WindowsAcross(int place) => Holding(place, _ow, _kw, _sw, _pw, _dw);

    public readonly int Area(int down, int across) => Length(down, _h, _kh, _sh, _ph) * Length(across, _w, _kw, _sw, _pw);

    // of a mean, whose taps stand side by side
    private readonly int Length(int window, int n, int kernel, int stride, int pad)
    {
        int from = (window * stride) - pad, to = IntrinsicMath.Min(from + kernel, n + pad);
        return _countPad != 0 ? to - from : IntrinsicMath.Min(to, n) - IntrinsicMath.Max(from, 0);
    }

    private static PoolSpan Of(int window, int n, int kernel, int stride, int pad, int dilation)
    {
        PoolSpan span = default;
        int from = (window * stride) - pad, missing = from < 0 ? (int)((uint)(-from + dilation - 1) / (uint)dilation) : 0;
        span.From = from + (missing * dilation);
        span.To = IntrinsicMath.Min(n, from + ((kernel - 1) * dilation) + 1);
        span.Step = dilation;
        return span;
    }

    // the first window that reaches the place, and behind the last that begins before it
    private static PoolSpan Holding(int place, int windows, int kernel, int stride, int pad, int dilation)
    {
        PoolSpan span = default;
        int last = place + pad, first = last - ((kernel - 1) * dilation);
        span.From = first > 0 ? (int)((uint)(first + stride - 1) / (uint)stride) : 0;
        span.To = IntrinsicMath.Min(windows, (int)((uint)last / (uint)stride) + 1);
        span.Step = 1;
        return span;
    }
}

/// <summary>A given number of windows: window i of m over n values is [⌊i·n/m⌋, ⌈(i + 1)·n/m⌉).</summary>
internal struct AdaptiveWindows(in PoolShape s) : IWindows
{
    private int _h = s.H, _w = s.W, _oh = s.OH, _ow = s.OW;

    public readonly PoolSpan Down(int window) => Of(window, _h, _oh);

    public readonly PoolSpan Across(int window) => Of(window, _w, _ow);

    public readonly PoolSpan WindowsDown(int place) => Of(place, _oh, _h);

    public readonly PoolSpan WindowsAcross(int place) => Of(place, _ow, _w);

    public readonly int Area(int down, int across)
    {
        PoolSpan y = Down(down), x = Across(across);
        return (y.To - y.From) * (x.To - x.From);
    }

    // the same both ways: window i meets value j where i·n < (j + 1)·m and j·m < (i + 1)·n
    private static PoolSpan Of(int i, int n, int m)
    {
        PoolSpan span = default;
        span.From = (int)((long)i * n / m);
        span.To = (int)((((long)i + 1) * n + m - 1) / m);
        span.Step = 1;
        return span;
    }
}

/// <summary>The largest of a window, and where in its plane it stands; −1 where the window sees nothing but padding. The first of equals wins, also of −∞, and so does the last NaN.</summary>
internal struct MaxPool<V> : IGpuKernel where V : struct, IWindows
{
    public V Windows;
    public PoolSizes S;
    public Floats X, Y;
    public ArrayView<int> At;
    public int HasAt;

    public readonly void Run()
    {
        for (long i = Grid.GlobalLinearIndex; i < Y.Length; i += (long)Grid.DimX * Group.DimX)
        {
            PoolSpan across = Windows.Across((int)((uint)i % (uint)S.OW)), down = Windows.Down((int)((uint)i / (uint)S.OW % (uint)S.OH));
            long plane = (long)((uint)i / (uint)(S.OW * S.OH)) * S.H * S.W;
            float best = float.NegativeInfinity;
            int where = down.From < down.To && across.From < across.To ? (down.From * S.W) + across.From : -1;
            for (int y = down.From; y < down.To; y += down.Step)
            {
                for (int x = across.From; x < across.To; x += across.Step)
                {
                    float v = X[plane + (y * S.W) + x];
                    if (v > best || float.IsNaN(v))
                    {
                        best = v;
                        where = (y * S.W) + x;
                    }
                }
            }
            Y[i] = best;
            if (HasAt != 0) { At[i] = where; }
        }
    }
}

/// <summary>dL/dx of a largest value: the sum over the windows that it came from.</summary>
internal struct MaxPoolBack<V> : IGpuKernel where V : struct, IWindows
{
    public V Windows;
    public PoolSizes S;
    public Floats Dy, Dx;
    public ArrayView<int> At;

    public readonly void Run()
    {
        for (long i = Grid.GlobalLinearIndex; i < Dx.Length; i += (long)Grid.DimX * Group.DimX)
        {
            int x = (int)((uint)i % (uint)S.W), y = (int)((uint)i / (uint)S.W % (uint)S.H), here = (y * S.W) + x;
            long plane = (long)((uint)i / (uint)(S.W * S.H)) * S.OH * S.OW;
            PoolSpan across = Windows.WindowsAcross(x), down = Windows.WindowsDown(y);
            float sum = 0f;
            for (int oy = down.From; oy < down.To; oy++)
            {
                for (int ox = across.From; ox < across.To; ox++)
                {
                    long o = plane + (oy * S.OW) + ox;
                    if (At[o] == here) { sum += Dy[o]; }
                }
            }
            Dx[i] = sum;
        }
    }
}

/// <summary>The mean of a window.</summary>
internal struct AvgPool<V> : IGpuKernel where V : struct, IWindows
{
    public V Windows;
    public PoolSizes S;
    public Floats X, Y;

    public readonly void Run()
    {
        for (long i = Grid.GlobalLinearIndex; i < Y.Length; i += (long)Grid.DimX * Group.DimX)
        {
            int ox = (int)((uint)i % (uint)S.OW), oy = (int)((uint)i / (uint)S.OW % (uint)S.OH);
            PoolSpan across = Windows.Across(ox), down = Windows.Down(oy);
            long plane = (long)((uint)i / (uint)(S.OW * S.OH)) * S.H * S.W;
            float sum = 0f;
            for (int y = down.From; y < down.To; y++)
            {
                for (int x = across.From; x < across.To; x++) { sum += X[plane + (y * S.W) + x]; }
            }
            Y[i] = sum * (1f / Windows.Area(oy, ox));
        }
    }
}

/// <summary>dL/dx of a mean: its share of each window that it lies in.</summary>
internal struct AvgPoolBack<V> : IGpuKernel where V : struct, IWindows
{
    public V Windows;
    public PoolSizes S;
    public Floats Dy, Dx;

    public readonly void Run()
    {
        for (long i = Grid.GlobalLinearIndex; i < Dx.Length; i += (long)Grid.DimX * Group.DimX)
        {
            PoolSpan across = Windows.WindowsAcross((int)((uint)i % (uint)S.W)), down = Windows.WindowsDown((int)((uint)i / (uint)S.W % (uint)S.H));
            long plane = (long)((uint)i / (uint)(S.W * S.H)) * S.OH * S.OW;
            float sum = 0f;
            for (int oy = down.From; oy < down.To; oy++)
            {
                for (int ox = across.From; ox < across.To; ox++) { sum += Dy[plane + (oy * S.OW) + ox] * (1f / Windows.Area(oy, ox)); }
            }
            Dx[i] = sum;
        }
    }
}
