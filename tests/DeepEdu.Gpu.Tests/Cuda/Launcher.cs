namespace DeepEdu.Gpu.Tests.Cuda;

/// <summary>Runs launches, block by block in their order.</summary>
internal static class Launcher
{
    /// <summary>Instructions of warps since the start, and launches.</summary>
    public static long Steps => Interlocked.Read(ref s_steps);

    /// <inheritdoc cref="Steps"/>
    public static long Launches => Interlocked.Read(ref s_launches);

    /// <summary>Launches of this thread whose blocks waited for each other.</summary>
    [field: ThreadStatic]
    public static long Cooperative { get; private set; }

    private static long s_steps, s_launches;

    public static void Run(DriverKernel kernel, Launched launch)
    {
        var code = kernel.Code ??= KernelCode.Of(kernel.Module.Ptx, kernel.Name);
        int threads = launch.Block.X * launch.Block.Y * launch.Block.Z;
        if (threads > code.MostThreads) { throw new KernelFault(1, $"{code.Name}: {threads} threads a block, at most {code.MostThreads} by its directives"); }
        const int SharedLimit = 48 << 10;
        if (code.SharedBytes + launch.SharedBytes > SharedLimit) { throw new KernelFault(1, $"{code.Name}: {code.SharedBytes} + {launch.SharedBytes} bytes of shared memory, more than {SharedLimit}"); }
        Traffic? traffic = Traffic.Launches is null ? null : new() { Function = launch.Function };
        Traffic.Launches?.Add(traffic!);
        if (launch.IsTogether)
        {
            RunTogether(code, launch, kernel.Module.Context.Owner, traffic);
            return;
        }
        using BlockRun run = new(code, launch, kernel.Module.Context.Owner) { Traffic = traffic };
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
            Interlocked.Add(ref s_steps, run.Steps);
            Interlocked.Increment(ref s_launches);
        }
    }

    // all blocks at once, each until it looks at what others write
    private static void RunTogether(KernelCode code, Launched launch, int owner, Traffic? traffic)
    {
        var (gx, gy, gz) = launch.Grid;
        GridRun grid = new(gx * gy * gz, BlockRun.NewNumber());
        List<BlockRun> blocks = [];
        Cooperative++;
        try
        {
            for (int at = 0; at < grid.Blocks - EmulatedDriver.Missed; at++)
            {
                blocks.Add(new(code, launch, owner, grid) { Traffic = traffic });
                blocks[^1].Begin(at % gx, at / gx % gy, at / gx / gy);
            }
            for (var on = blocks.ToList(); on.Count > 0;) { on.RemoveAll(b => b.GoOn()); }
        }
        finally
        {
            foreach (var block in blocks)
            {
                Interlocked.Add(ref s_steps, block.Steps);
                block.Dispose();
            }
            Interlocked.Increment(ref s_launches);
        }
    }
}
