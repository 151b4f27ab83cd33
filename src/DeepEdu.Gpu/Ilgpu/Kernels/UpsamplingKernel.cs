using DeepEdu.Kernels;
using DeepEdu.Memory;
using DeepEdu.Ops;
using ILGPU;
using Floats = ILGPU.ArrayView<float>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>Resized planes: a thread for each value of the result or, on the way back, for each value that results were made of.</summary>
internal static class UpsamplingKernel
{
    public static void Register(GpuDevice device) => device.Register((GpuDevice d, in Upsampling.InterpolateKernel k) =>
    {
        using var arena = new Arena();
        GpuAxis rows = new(d, k.Rows), columns = new(d, k.Columns);
        Floats inner = GpuDevice.Of(k.Inner), outer = GpuDevice.Of(k.Outer);
        if (k.Back) { d.Start(k.Inner.Length, new ResizeBack { Rows = rows, Columns = columns, Dy = outer, Dx = inner }); }
        else { d.Start(k.Outer.Length, new Resize { Rows = rows, Columns = columns, X = inner, Y = outer }); }
    });
}

/// <summary>A <see cref="ResizedAxis"/> on a device: [low, high] of each place of the result, then of each place before the first that it is part of, and behind the last.</summary>
internal struct GpuAxis
{
    private ArrayView<int> _places;
    private Floats _parts;

    public GpuAxis(GpuDevice d, ResizedAxis axis)
    {
        (N, Size) = (axis.N, axis.Size);
        int[] all = new int[2 * (N + Size)];
        axis.Low.CopyTo(all, 0);
        axis.High.CopyTo(all, Size);
        // low ends ascend, and a high end is at most one further
        for (int i = 0, from = 0, to = 0; i < N; i++)
        {
            while (from < Size && axis.Low[from] < i - 1) { from++; }
            while (to < Size && axis.Low[to] <= i) { to++; }
            (all[(2 * Size) + i], all[(2 * Size) + N + i]) = (from, to);
        }
        (_places, _parts) = (d.Upload<int>(all), d.Upload<float>(axis.Part));
    }

    /// <summary>Places before, and places of the result.</summary>
    public int N, Size;

    public readonly int Low(int place) => _places[place];

    public readonly int High(int place) => _places[Size + place];

    public readonly int From(int place) => _places[(2 * Size) + place];

    public readonly int To(int place) => _places[(2 * Size) + N + place];

    public readonly float Part(int place) => _parts[place];

    /// <summary>How much of a value is in a place of the result.</summary>
    public readonly float Weight(int place, int of)
    {
        float part = Part(place);
        return (Low(place) == of ? 1f - part : 0f) + (High(place) == of ? part : 0f);
    }

    /// <summary>The mixture; a part of 0 leaves the other value out, whatever it is.</summary>
    public static float Mix(float low, float high, float part) => part == 0f ? low : ((1f - part) * low) + (part * high);
}

/// <summary>The way forward.</summary>
internal struct Resize : IGpuKernel
{
    public GpuAxis Rows, Columns;
    public Floats X, Y;

    public readonly void Run()
    {
        for (long i = Grid.GlobalLinearIndex; i < Y.Length; i += (long)Grid.DimX * Group.DimX)
        {
            int x = (int)((uint)i % (uint)Columns.Size), y = (int)((uint)i / (uint)Columns.Size % (uint)Rows.Size);
            long plane = (long)((uint)i / (uint)(Columns.Size * Rows.Size)) * Rows.N * Columns.N;
            int left = Columns.Low(x), right = Columns.High(x);
            Y[i] = GpuAxis.Mix(Line(plane, y, left), Line(plane, y, right), Columns.Part(x));
        }
    }

    private readonly float Line(long plane, int y, int column) =>
        GpuAxis.Mix(X[plane + (Rows.Low(y) * Columns.N) + column], X[plane + (Rows.High(y) * Columns.N) + column], Rows.Part(y));
}

/// <summary>The way back.</summary>
internal struct ResizeBack : IGpuKernel
{
    public GpuAxis Rows, Columns;
    public Floats Dy, Dx;

    public readonly void Run()
    {
        for (long i = Grid.GlobalLinearIndex; i < Dx.Length; i += (long)Grid.DimX * Group.DimX)
        {
            int x = (int)((uint)i % (uint)Columns.N), y = (int)((uint)i / (uint)Columns.N % (uint)Rows.N);
            long plane = (long)((uint)i / (uint)(Columns.N * Rows.N)) * Rows.Size * Columns.Size;
            int last = Columns.To(x), end = Rows.To(y);
            float sum = 0f;
            for (int oy = Rows.From(y); oy < end; oy++)
            {
                float line = 0f;
                for (int ox = Columns.From(x); ox < last; ox++) { line += Columns.Weight(ox, x) * Dy[plane + (oy * Columns.Size) + ox]; }
                sum += Rows.Weight(oy, y) * line;
            }
            Dx[i] = sum;
        }
    }
}
