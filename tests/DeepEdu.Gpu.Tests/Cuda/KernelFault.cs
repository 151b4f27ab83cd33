namespace DeepEdu.Gpu.Tests.Cuda;

/// <summary>What a kernel, or a copy, did wrong.</summary>
/// <param name="error">The driver's number for it.</param>
/// <param name="message">Kernel, line, block, thread, address.</param>
internal sealed class KernelFault(int error, string message) : Exception(message)
{
    public int Error => error;
}

/// <summary>A kernel in instructions.</summary>
internal sealed class KernelCode
{
    public static KernelCode Of(string ptx, string entry) => new();
}

/// <summary>Runs launches.</summary>
internal static class Launcher
{
    public static void Run(DriverKernel kernel, Launched launched) => throw new KernelFault(719, "no interpreter yet");
}
