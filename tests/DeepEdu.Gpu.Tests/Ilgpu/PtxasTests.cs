using System.Collections.Concurrent;
using DeepEdu.Gpu.Tests.Cuda;
using Xunit.Abstractions;

namespace DeepEdu.Gpu.Tests;

/// <summary>Every kernel through CUDA's own assembler, for the two architectures that it is made for.</summary>
public class PtxasTests(ITestOutputHelper log)
{
    // the same text for both
    private static readonly ConcurrentDictionary<Type, string> s_texts = new();

    [PtxasTheory, InlineData("sm_80"), InlineData("sm_90")]
    public void EveryKernelIsAssembledIntoRegisters(string architecture)
    {
        Assert.True(GpuKernels.All.Count > 1000); // formulas times loops
        ConcurrentBag<string> table = [], wrong = [];
        // the kernels are cut for the newer one; for the older the assembler spreads some over more registers
        int most = architecture == "sm_90" ? int.MaxValue : 512;
        // without a bound the pool takes waiting for an assembler as a reason to start another: a hundred at once
        Parallel.ForEach(GpuKernels.All, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, kernel =>
        {
            var said = Ptxas.Run(s_texts.GetOrAdd(kernel.Kernel, Ptx.Of), architecture);
            int threads = GpuKernels.Threads(kernel.Kernel), groups = said.Registers == 0 ? 0 : Multiprocessor.Blocks(threads, said.Registers, said.SharedBytes);
            table.Add($"{said.Registers,4} registers {said.SharedBytes,6} bytes shared {groups * threads,5} threads at once  {kernel.Name}");
            if (said.ExitCode != 0 || said.Said.Contains("warning", StringComparison.OrdinalIgnoreCase)) { wrong.Add($"{kernel.Name}: {said.Said}"); }
            else if (said.LocalBytes > 0) { wrong.Add($"{kernel.Name}: {said.LocalBytes} bytes of local memory"); }
            else if (groups * threads < Math.Min(most, GpuKernels.ThreadsAtOnce(kernel.Kernel))) { wrong.Add($"{kernel.Name}: {groups} groups of {threads} threads at once with {said.Registers} registers and {said.SharedBytes} bytes of shared memory"); }
        });
        foreach (string line in table.Order(StringComparer.Ordinal)) { log.WriteLine(line); }
        Assert.Empty(wrong);
    }
}
