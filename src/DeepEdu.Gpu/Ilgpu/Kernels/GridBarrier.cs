using ILGPU.Runtime.Cuda;

namespace DeepEdu.Gpu.Kernels;

/// <summary>Where groups of one launch wait for each other: a counter in the accelerator's memory, which is 0 when the launch begins. All groups must be there at once, which a cooperative launch sees to.</summary>
internal static class GridBarrier
{
    /// <summary>One thread of a group says that it has come here, with everything that the group wrote before its last barrier.</summary>
    public static void Arrive(long counter)
    {
        if (CudaAsm.IsSupported) { CudaAsm.Emit("fence.acq_rel.gpu; red.relaxed.gpu.global.add.u32 [%0], 1;", counter); }
    }

    /// <summary>One thread waits until so many have come; behind the group's next barrier all see what they wrote. It looks so many times at most: a kernel that gives up is an error, one that hangs is none.</summary>
    public static void Wait(long counter, int arrivals, int patience)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit("{ .reg .b32 arrived, looks; .reg .pred enough; mov.u32 looks, %2; LOOK: ld.acquire.gpu.global.u32 arrived, [%0]; setp.ge.u32 enough, arrived, %1; @enough bra SEEN; " +
                "sub.u32 looks, looks, 1; setp.eq.u32 enough, looks, 0; @!enough bra LOOK; trap; SEEN: }", counter, arrivals, patience);
        }
    }
}
