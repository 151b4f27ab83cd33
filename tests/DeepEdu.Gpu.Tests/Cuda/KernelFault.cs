namespace DeepEdu.Gpu.Tests.Cuda;

/// <summary>What a kernel, or a copy, did wrong.</summary>
/// <param name="error">The driver's number for it.</param>
/// <param name="message">Kernel, line, block, thread, address.</param>
internal sealed class KernelFault(int error, string message) : Exception(message)
{
    /// <summary>The driver's numbers.</summary>
    public const int IllegalAddress = 700, IllegalInstruction = 715, Misaligned = 716, LaunchFailed = 719;

    public int Error => error;
}
