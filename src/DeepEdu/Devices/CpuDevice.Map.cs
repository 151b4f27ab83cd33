using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using DeepEdu.Lanes;

namespace DeepEdu.Devices;

/// <content>The loop over one operand, and the optimiser's loop.</content>
public sealed partial class CpuDevice
{
    /// <inheritdoc/>
    public override void Map<F>(F f, View x, View y)
    {
        if (Recording.Current is { } recording) { recording.Run(new Recording.Map<F>(f, x, y)); return; }
        y.Block.Changes();
        int n = y.Length;
        using var watch = Profiler.Begin<F>(n);
        if (n <= Grain) { MapRange(f, ref At(x), ref At(y), n); }
        else { Work.Run(((n - 1) / Grain) + 1, new MapChunks<F> { Formula = f, X = x, Y = y, Streams = y.Block != x.Block && Streamed.Pays(2L * n) }); }
    }

    /// <inheritdoc/>
    public override void Update<F>(F f, View w, View g, View s1, View s2, View s3)
    {
        if (Recording.Current is not null) { Recording.ThrowUpdate(); }
        w.Block.Changes();
        int n = w.Length;
        using var watch = Profiler.Begin<F>(n);
        var body = new UpdateChunks<F> { Formula = f, W = w, G = g, S1 = s1, S2 = s2, S3 = s3 };
        if (n <= Grain) { body.Run(0); }
        else { Work.Run(((n - 1) / Grain) + 1, body); }
    }

    internal static ref float At(View v, int offset = 0) =>
        ref Unsafe.Add(ref MemoryMarshal.GetReference(Unsafe.As<CpuBlock>(v.Block).Span), v.Offset + offset);

    internal static void MapRange<F>(F f, ref float x, ref float y, nint n) where F : unmanaged, IMap => MapRange<F, Kept>(f, ref x, ref y, n);

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void MapRange<F, S>(F f, ref float x, ref float y, nint n) where F : unmanaged, IMap where S : struct, IStore
    {
        nint i = 0;
        if (F16.IsSupported) { i = Run<F16>(f, ref x, ref y, i, n); }
        if (F8.IsSupported) { i = Run<F8>(f, ref x, ref y, i, n); }
        if (F4.IsSupported) { i = Run<F4>(f, ref x, ref y, i, n); }
        Run<F1>(f, ref x, ref y, i, n);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static nint Run<L>(F f, ref float x, ref float y, nint i, nint n) where L : struct, IVectorLane<L>
        {
            for (; i <= n - L.Width; i += L.Width) { S.Store(f.Apply(L.Load(in x, i)), ref y, i); }
            return i;
        }
    }

    /// <summary>y ← f(a, b) for n values side by side; y may be a or b.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    internal static void ZipRange<F>(F f, ref float a, ref float b, ref float y, nint n) where F : unmanaged, IZip
    {
        nint i = 0;
        if (F16.IsSupported) { i = Run<F16>(f, ref a, ref b, ref y, i, n); }
        if (F8.IsSupported) { i = Run<F8>(f, ref a, ref b, ref y, i, n); }
        if (F4.IsSupported) { i = Run<F4>(f, ref a, ref b, ref y, i, n); }
        Run<F1>(f, ref a, ref b, ref y, i, n);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static nint Run<L>(F f, ref float a, ref float b, ref float y, nint i, nint n) where L : struct, IVectorLane<L>
        {
            for (; i <= n - L.Width; i += L.Width) { L.Store(f.Apply(L.Load(in a, i), L.Load(in b, i)), ref y, i); }
            return i;
        }
    }

    private struct MapChunks<F> : IChunks where F : unmanaged, IMap
    {
        public F Formula;
        public View X, Y;
        public bool Streams;

        public readonly unsafe void Run(int chunk)
        {
            int from = chunk * Grain, n = Math.Min(Grain, Y.Length - from);
            ref float x = ref At(X, from), y = ref At(Y, from);
            if (!Streams) { MapRange(Formula, ref x, ref y, n); return; }
            fixed (float* to = &y)
            {
                if (Streamed.Suits(to)) { MapRange<F, Streamed>(Formula, ref x, ref y, n); } else { MapRange(Formula, ref x, ref y, n); }
            }
            Streamed.End();
        }
    }

    internal struct UpdateChunks<F> : IChunks where F : unmanaged, IUpdate
    {
        public F Formula;
        public View W, G, S1, S2, S3;

        public readonly void Run(int chunk)
        {
            int from = chunk * Grain, n = Math.Min(Grain, W.Length - from);
            Step(from, from, n);
        }

        /// <summary>Steps n values from <paramref name="at"/> on by the gradient's from <paramref name="gradient"/> on.</summary>
        public readonly void Step(int at, int gradient, int n)
        {
            ref float w = ref At(W, at);
            Step(Formula, ref w, ref At(G, gradient),
                ref F.States > 0 ? ref At(S1, at) : ref w, ref F.States > 1 ? ref At(S2, at) : ref w, ref F.States > 2 ? ref At(S3, at) : ref w, n);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private static void Step(F f, ref float w, ref float g, ref float s1, ref float s2, ref float s3, nint n)
        {
            nint i = 0;
            if (F16.IsSupported) { i = Lanes<F16>(f, ref w, ref g, ref s1, ref s2, ref s3, i, n); }
            if (F8.IsSupported) { i = Lanes<F8>(f, ref w, ref g, ref s1, ref s2, ref s3, i, n); }
            if (F4.IsSupported) { i = Lanes<F4>(f, ref w, ref g, ref s1, ref s2, ref s3, i, n); }
            Lanes<F1>(f, ref w, ref g, ref s1, ref s2, ref s3, i, n);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static nint Lanes<L>(F f, ref float w, ref float g, ref float s1, ref float s2, ref float s3, nint i, nint n) where L : struct, IVectorLane<L>
        {
            for (; i <= n - L.Width; i += L.Width)
            {
                L lw = L.Load(in w, i), l1 = default, l2 = default, l3 = default;
                if (F.States > 0) { l1 = L.Load(in s1, i); }
                if (F.States > 1) { l2 = L.Load(in s2, i); }
                if (F.States > 2) { l3 = L.Load(in s3, i); }
                f.Step(ref lw, L.Load(in g, i), ref l1, ref l2, ref l3);
                L.Store(lw, ref w, i);
                if (F.States > 0) { L.Store(l1, ref s1, i); }
                if (F.States > 1) { L.Store(l2, ref s2, i); }
                if (F.States > 2) { L.Store(l3, ref s3, i); }
            }
            return i;
        }
    }
}
