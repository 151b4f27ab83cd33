using DeepEdu.Memory;
using ILGPU;
using ILGPU.Runtime;

namespace DeepEdu.Gpu;

/// <summary>Floats in an accelerator's memory.</summary>
internal sealed class GpuBlock(MemoryBuffer1D<float, Stride1D.Dense> memory) : Block((int)memory.Length)
{
    public MemoryBuffer1D<float, Stride1D.Dense> Memory => memory;
}
