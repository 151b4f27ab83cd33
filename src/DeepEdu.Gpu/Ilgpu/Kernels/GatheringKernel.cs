using System.Buffers;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Memory;
using DeepEdu.Ops;
using ILGPU;
using ILGPU.Runtime;
using Floats = ILGPU.ArrayView<float>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>Values picked by index: a thread a value. Values added by index: the host, which knows the indices, lists for each target what is added to it, and a thread adds that up in the
/// order of the source, as the processor does: the same bits.</summary>
internal static class GatheringKernel
{
    // owners below which an addition is listed by target even where each value has an index of its own, and steps from which on it is worth it
    private const int FewOwners = 4096, ManySteps = 64;

    public static void Register(GpuDevice device)
    {
        device.Register((GpuDevice d, in Gathering.GatherKernel k) =>
        {
            if (k.Y.Length == 0) { return; }
            using var arena = Arena.OfKernel();
            d.Start(k.Y.Length, new Take { X = GpuDevice.Of(k.X), Y = GpuDevice.Of(k.Y), Index = d.Upload(k.Index.Span), N = k.N, M = k.M, Inner = k.Inner });
        });
        device.Register((GpuDevice d, in Gathering.ScatterAddKernel k) =>
        {
            if (k.Source.Length == 0) { return; }
            using var arena = Arena.OfKernel();
            Floats source = GpuDevice.Of(k.Source), y = GpuDevice.Of(k.Y);
            if ((long)k.Outer * k.Inner < FewOwners && k.M >= ManySteps) { AddListed(d, source, y, Flat(k), -1, 1, 0, 1); }
            else { d.Start(k.Outer * k.Inner, new Add { Source = source, Y = y, Index = d.Upload(k.Index.Span), Owners = k.Outer * k.Inner, N = k.N, M = k.M, Inner = k.Inner }); }
        });
        device.Register((GpuDevice d, in Gathering.SelectKernel k) =>
        {
            if (k.Y.Length == 0) { return; }
            using var arena = Arena.OfKernel();
            var index = d.Upload(k.Index.Span);
            if (k.Inner % 4 == 0 && k.X.Offset % 4 == 0 && k.Y.Offset % 4 == 0)
            {
                d.Start(k.Y.Length / 4, new TakeRows<Float4> { X = GpuDevice.Of(k.X).Cast<Float4>(), Y = GpuDevice.Of(k.Y).Cast<Float4>(), Index = index, N = k.N, Inner = k.Inner / 4 });
            }
            else { d.Start(k.Y.Length, new TakeRows<float> { X = GpuDevice.Of(k.X), Y = GpuDevice.Of(k.Y), Index = index, N = k.N, Inner = k.Inner }); }
        });
        device.Register((GpuDevice d, in Gathering.SelectAddKernel k) =>
        {
            if (k.Source.Length == 0) { return; }
            using var arena = Arena.OfKernel();
            AddListed(d, GpuDevice.Of(k.Source), GpuDevice.Of(k.Y), k.Index.Span, k.Skip, k.Outer, k.N, k.Inner);
        });
        device.Register((GpuDevice d, in RowGradient.AddKernel k) =>
        {
            if (k.Source.Length == 0 || k.Y.Length == 0) { return; }
            using var arena = Arena.OfKernel();
            AddListed(d, GpuDevice.Of(k.Source), GpuDevice.Of(k.Y), k.Index.Span, -1, 1, 0, k.Width);
        });
    }

    /// <summary>y[o, index[j], ·] += source[o, j, ·] for every j whose index is not <paramref name="skip"/>.</summary>
    internal static void AddListed(GpuDevice d, Floats source, Floats y, ReadOnlySpan<int> index, int skip, int outer, int n, int inner)
    {
        // both are copied before they go back
        int[] places = ArrayPool<int>.Shared.Rent(index.Length), plans = ArrayPool<int>.Shared.Rent((3 * index.Length) + 1);
        var place = places.AsSpan(0, index.Length);
        var targets = RowGradient.FindDistinct(index, place, skip);
        if (targets.Length > 0)
        {
            // targets, where the list of each begins, the lists
            var plan = plans.AsSpan(0, (2 * targets.Length) + 1 + index.Length);
            targets.CopyTo(plan);
            Span<int> begins = plan.Slice(targets.Length, targets.Length + 1), lists = plan[((2 * targets.Length) + 1)..];
            plan[targets.Length..].Clear();
            foreach (int p in place) { if (p >= 0) { begins[p + 1]++; } }
            for (int i = 1; i < begins.Length; i++) { begins[i] += begins[i - 1]; }
            for (int j = index.Length - 1; j >= 0; j--) { if (place[j] >= 0) { lists[--begins[place[j] + 1]] = j; } }
            // every end has become its list's beginning
            begins[1..].CopyTo(begins);
            begins[^1] = index.Length - place.Count(-1);
            d.Start((long)outer * targets.Length * inner, new AddLists { Source = source, Y = y, Plan = d.Upload<int>(plan), Outer = outer, Targets = targets.Length, M = index.Length, N = n, Inner = inner });
        }
        ArrayPool<int>.Shared.Return(plans);
        ArrayPool<int>.Shared.Return(places);
    }

    // where each value goes in y as a whole
    private static int[] Flat(in Gathering.ScatterAddKernel k)
    {
        var index = k.Index.Span;
        int[] flat = new int[index.Length];
        int at = 0;
        for (int o = 0; o < k.Outer; o++)
        {
            for (int j = 0; j < k.M; j++)
            {
                for (int i = 0; i < k.Inner; i++, at++) { flat[at] = (((o * k.N) + index[at]) * k.Inner) + i; }
            }
        }
        return flat;
    }

    /// <summary>y[o, j, i] = x[o, index[o, j, i], i].</summary>
    internal struct Take : IGpuKernel
    {
        public Floats X, Y;
        public ArrayView<int> Index;
        public int N, M, Inner;

        public readonly void Run()
        {
            for (long at = Grid.GlobalLinearIndex; at < Y.Length; at += (long)Grid.DimX * Group.DimX)
            {
                uint row = (uint)at / (uint)Inner, i = (uint)at % (uint)Inner, o = row / (uint)M;
                Y[at] = X[((((long)o * N) + Index[at]) * Inner) + i];
            }
        }
    }

    /// <summary>y[o, j, ·] = x[o, index[j], ·].</summary>
    internal struct TakeRows<T> : IGpuKernel where T : unmanaged
    {
        public ArrayView<T> X, Y;
        public ArrayView<int> Index;
        public int N, Inner;

        public readonly void Run()
        {
            for (long at = Grid.GlobalLinearIndex; at < Y.Length; at += (long)Grid.DimX * Group.DimX)
            {
                uint row = (uint)at / (uint)Inner, i = (uint)at % (uint)Inner, m = (uint)Index.Length, o = row / m;
                Y[at] = X[((((long)o * N) + Index[(int)(row - (o * m))]) * Inner) + i];
            }
        }
    }

    /// <summary>y[o, index[o, j, i], i] += source[o, j, i]: a thread for each (o, i).</summary>
    internal struct Add : IGpuKernel
    {
        public Floats Source, Y;
        public ArrayView<int> Index;
        public int Owners, N, M, Inner;

        public readonly void Run()
        {
            for (long owner = Grid.GlobalLinearIndex; owner < Owners; owner += (long)Grid.DimX * Group.DimX)
            {
                uint o = (uint)owner / (uint)Inner, i = (uint)owner % (uint)Inner;
                long from = ((long)o * M * Inner) + i, to = ((long)o * N * Inner) + i;
                for (int j = 0; j < M; j++, from += Inner) { Y[to + ((long)Index[from] * Inner)] += Source[from]; }
            }
        }
    }

    /// <summary>y[o, target, ·] += Σ source[o, j, ·] over the target's list.</summary>
    internal struct AddLists : IGpuKernel
    {
        public Floats Source, Y;
        public ArrayView<int> Plan;
        public int Outer, Targets, M, N, Inner;

        public readonly void Run()
        {
            long work = (long)Outer * Targets * Inner;
            for (long at = Grid.GlobalLinearIndex; at < work; at += (long)Grid.DimX * Group.DimX)
            {
                uint row = (uint)at / (uint)Inner, i = (uint)at % (uint)Inner, o = row / (uint)Targets;
                int t = (int)(row - (o * (uint)Targets)), end = Plan[Targets + t + 1], lists = (2 * Targets) + 1;
                long to = ((((long)o * N) + Plan[t]) * Inner) + i;
                float sum = Y[to];
                long from = (long)o * M;
                int p = Plan[Targets + t];
                // four are on their way at a time, and added in their order
                for (; p + 3 < end; p += 4)
                {
                    int at0 = Plan[lists + p], at1 = Plan[lists + p + 1], at2 = Plan[lists + p + 2], at3 = Plan[lists + p + 3];
                    float v0 = Source[((from + at0) * Inner) + i], v1 = Source[((from + at1) * Inner) + i], v2 = Source[((from + at2) * Inner) + i], v3 = Source[((from + at3) * Inner) + i];
                    sum = sum + v0 + v1 + v2 + v3;
                }
                for (; p < end; p++) { sum += Source[((from + Plan[lists + p]) * Inner) + i]; }
                Y[to] = sum;
            }
        }
    }
}
