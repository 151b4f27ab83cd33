using System.Runtime.InteropServices;
using DeepEdu.Devices;
using ILGPU;

namespace DeepEdu.Gpu;

public sealed partial class GpuDevice
{
    internal ArrayView<T> Upload<T>(ReadOnlySpan<T> values) where T : unmanaged
    {
        var floats = MemoryMarshal.Cast<T, float>(values);
        var view = new View(Allocate(Math.Max(1, floats.Length)), 0, floats.Length);
        if (floats.Length > 0) { Write(floats, view); }
        return Of(view).Cast<T>();
    }
}
