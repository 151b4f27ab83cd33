using DeepEdu.Ops;
using ILGPU;
using ILGPU.Runtime;
using Floats = ILGPU.ArrayView<float>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>One side of a diagonal kept: a thread a value.</summary>
internal static class TrianglesKernel
{
    public static void Register(GpuDevice device) => device.Register((GpuDevice d, in Triangles.TriangleKernel k) =>
    {
        if (k.Y.Length > 0) { d.Start(k.Y.Length, new Body { X = GpuDevice.Of(k.X), Y = GpuDevice.Of(k.Y), Rows = k.Rows, Columns = k.Columns, Diagonal = k.Diagonal, Lower = k.Lower ? 1 : 0 }); }
    });

    internal struct Body : IGpuKernel
    {
        public Floats X, Y;
        public int Rows, Columns, Diagonal, Lower;

        public readonly void Run()
        {
            for (long at = Grid.GlobalLinearIndex; at < Y.Length; at += (long)Grid.DimX * Group.DimX)
            {
                long column = (uint)at % (uint)Columns, diagonal = (((uint)at / (uint)Columns) % (uint)Rows) + (long)Diagonal;
                bool kept = Lower != 0 ? column <= diagonal : column >= diagonal;
                Y[at] = kept ? X[at] : 0f;
            }
        }
    }
}
