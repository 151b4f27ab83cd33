using DeepEdu.Lanes;
using DeepEdu.Memory;
using DeepEdu.Optim;
using ILGPU;
using ILGPU.Runtime;

namespace DeepEdu.Gpu.Kernels;

/// <summary>Optimiser steps of some rows, for every formula: a thread a value, or four.</summary>
internal static class RowUpdateKernels
{
    public static void Register(GpuDevice device) => device.Register(typeof(RowUpdateKernel<>), typeof(Of<>));

    internal static class Of<F> where F : unmanaged, IUpdate
    {
        public static readonly DeviceKernel<RowUpdateKernel<F>> Launch = (GpuDevice d, in RowUpdateKernel<F> k) =>
        {
            using var arena = Arena.OfKernel();
            var target = GpuDevice.Target<F>(k.W, k.G, k.S1, k.S2, k.S3);
            if (k.Width % 4 != 0) { target.Fours = 0; }
            int width = target.Fours != 0 ? k.Width / 4 : k.Width;
            d.Start((long)k.Rows.Size * width, new Step<F> { Formula = k.Formula, Target = target, Rows = d.Upload(k.Rows.Span), Width = width, States = F.States });
        };
    }

    internal struct Step<F> : IGpuKernel where F : unmanaged, IUpdate
    {
        public F Formula;
        public UpdateTarget Target;
        public ArrayView<int> Rows;

        /// <summary>Values of a row, or fours.</summary>
        public int Width;
        public int States;

        public readonly void Run()
        {
            long all = (long)Rows.IntLength * Width;
            for (long at = Grid.GlobalLinearIndex; at < all; at += Loops.Stride)
            {
                uint row = (uint)at / (uint)Width;
                long i = ((long)Rows[(int)row] * Width) + ((uint)at - (row * (uint)Width));
                if (Target.Fours != 0) { Target.Four(Formula, States, i, at); }
                else { Target.One(Formula, States, i, at); }
            }
        }
    }
}
