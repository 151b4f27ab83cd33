using DeepEdu.Devices;
using ILGPU;
using Doubles = ILGPU.ArrayView<double>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>Memory for matrices in double precision.</summary>
internal static class Room
{
    /// <summary>How many matrices of so many doubles are worked on at one time; places of their values are below 2³¹, which kernels rely on.</summary>
    public static int Matrices(GpuDevice device, int count, long doubles) => (int)Math.Clamp(device.MatrixRoom / Math.Max(1, doubles), 1, Math.Max(1, count));

    public static Doubles Of(GpuDevice device, long doubles)
    {
        if (doubles > int.MaxValue / 2) { throw new NotSupportedException($"linear algebra: a matrix of {doubles} values has no room in one block of {device.Name}; move it with To(CpuDevice.Instance)"); }
        int floats = 2 * (int)Math.Max(1, doubles);
        return GpuDevice.DoublesOf(new(device.Allocate(floats), 0, floats));
    }

    public static ArrayView<int> Ints(GpuDevice device, int n, out View view)
    {
        view = new(device.Allocate(Math.Max(1, n)), 0, Math.Max(1, n));
        return GpuDevice.Of(view).Cast<int>();
    }
}
