namespace DeepEdu.Gpu.Tests.Cuda;

/// <summary>Runs launches, block by block in their order.</summary>
internal static class Launcher
{
    /// <summary>Instructions of warps since the start, and launches.</summary>
    public static long Steps { get; private set; }

    /// <inheritdoc cref="Steps"/>
    public static long Launches { get; private set; }

    public static void Run(DriverKernel kernel, Launched launch)
    {
        var code = kernel.Code ??= KernelCode.Of(kernel.Module.Ptx, kernel.Name);
        int threads = launch.Block.X * launch.Block.Y * launch.Block.Z;
        if (threads > code.MostThreads) { throw new KernelFault(1, $"{code.Name}: {threads} threads a block, at most {code.MostThreads} by its directives"); }
        const int SharedLimit = 48 << 10;
        if (code.SharedBytes + launch.SharedBytes > SharedLimit) { throw new KernelFault(1, $"{code.Name}: {code.SharedBytes} + {launch.SharedBytes} bytes of shared memory, more than {SharedLimit}"); }
        using BlockRun run = new(code, launch, kernel.Module.Context.Owner);
        var (gx, gy, gz) = launch.Grid;
        try
        {
            for (int z = 0; z < gz; z++)
            {
                for (int y = 0; y < gy; y++)
                {
                    for (int x = 0; x < gx; x++) { run.Run(x, y, z); }
                }
            }
        }
        finally
        {
            Steps += run.Steps;
            Launches++;
        }
    }
}
