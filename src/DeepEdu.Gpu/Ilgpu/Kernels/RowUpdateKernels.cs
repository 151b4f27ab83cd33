using DeepEdu.Lanes;
using DeepEdu.Memory;
using DeepEdu.Optim;
using ILGPU;
using ILGPU.Runtime;
using Floats = ILGPU.ArrayView<float>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>Optimiser steps of some rows, for every formula: a thread a value.</summary>
internal static class RowUpdateKernels
{
    public static void Register(GpuDevice device) => device.Register(typeof(RowUpdateKernel<>), typeof(Of<>));

    internal static class Of<F> where F : unmanaged, IUpdate
    {
        public static readonly DeviceKernel<RowUpdateKernel<F>> Launch = (GpuDevice d, in RowUpdateKernel<F> k) =>
        {
            using var arena = Arena.OfKernel();
            var w = GpuDevice.Of(k.W);
            d.Start((long)k.Rows.Size * k.Width, new Step<F>
            {
                Formula = k.Formula, W = w, G = GpuDevice.Of(k.G), S1 = F.States > 0 ? GpuDevice.Of(k.S1) : w, S2 = F.States > 1 ? GpuDevice.Of(k.S2) : w,
                S3 = F.States > 2 ? GpuDevice.Of(k.S3) : w, Rows = d.Upload(k.Rows.Span), Width = k.Width, States = F.States,
            });
        };
    }

    internal struct Step<F> : IGpuKernel where F : unmanaged, IUpdate
    {
        public F Formula;
        public Floats W, G, S1, S2, S3;
        public ArrayView<int> Rows;
        public int Width, States;

        public readonly void Run()
        {
            for (long at = Grid.GlobalLinearIndex; at < G.Length; at += (long)Grid.DimX * Group.DimX)
            {
                uint row = (uint)at / (uint)Width;
                long i = ((long)Rows[(int)row] * Width) + ((uint)at % (uint)Width);
                GpuLane a = default, b = default, c = default, v = new(W[i]);
                if (States > 0) { a = new(S1[i]); }
                if (States > 1) { b = new(S2[i]); }
                if (States > 2) { c = new(S3[i]); }
                Formula.Step(ref v, new GpuLane(G[at]), ref a, ref b, ref c);
                W[i] = v.V;
                if (States > 0) { S1[i] = a.V; }
                if (States > 1) { S2[i] = b.V; }
                if (States > 2) { S3[i] = c.V; }
            }
        }
    }
}
