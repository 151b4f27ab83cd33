using DeepEdu.Devices;
using DeepEdu.Lanes;
using DeepEdu.Ops;
using ILGPU;
using ILGPU.Runtime;
using Floats = ILGPU.ArrayView<float>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>A dense layer with GELU: the product, then values and slopes at once; and the way back through both.</summary>
internal static class LinearGeluKernels
{
    public static void Register(GpuDevice device)
    {
        device.Register((GpuDevice d, in LinearGelu k) =>
        {
            if (k.Y.Length == 0) { return; }
            d.Launch(new Linear(k.X, k.W, k.Bias, k.Y, k.Rows, k.Inputs, k.Outputs, false));
            if (k.Slope.IsNone) { d.Map(default(Activations.GeluFormula), k.Y, k.Y); }
            else { d.Start(k.Y.Length, new Values { Y = GpuDevice.Of(k.Y), Slope = GpuDevice.Of(k.Slope) }); }
        });
        device.Register((GpuDevice d, in LinearPull k) =>
        {
            if (k.Dx.Length > 0) { d.Launch(new MatMul(k.Dy, k.W, k.Dx, k.Rows, k.Outputs, k.Inputs, false, false, Broadcast.Flat(1))); }
            if (!k.Slope.IsNone) { d.Zip(default(Arithmetic.MulFormula), k.Dx, k.Slope, k.Dx, Broadcast.Flat(k.Dx.Length)); }
            if (!k.DW.IsNone && k.DW.Length > 0) { d.Launch(new MatMul(k.Dy, k.X, k.DW, k.Outputs, k.Rows, k.Inputs, true, false, Broadcast.Flat(1))); }
            if (!k.DBias.IsNone) { d.Fold(default(Reductions.SumFold), k.Dy, 1, k.Rows, k.Outputs, k.DBias); }
        });
    }

    internal struct Values : IGpuKernel
    {
        public Floats Y, Slope;

        public readonly void Run()
        {
            for (long i = Grid.GlobalLinearIndex; i < Y.Length; i += (long)Grid.DimX * Group.DimX)
            {
                GpuLane x = Y[i], tail = GpuLane.NormalTail(x);
                Y[i] = Activations.GeluFormula.Of(x, tail).V;
                Slope[i] = Activations.GeluPull.Slope(x, tail).V;
            }
        }
    }
}
