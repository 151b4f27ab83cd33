using DeepEdu.Gpu.Kernels;

namespace DeepEdu.Gpu;

/// <content>Recurrent layers as one launch.</content>
public sealed partial class GpuDevice
{
    private readonly Dictionary<(Type Kernel, int Hidden, int Batch), SequenceShape?> _shapes = [];

    /// <summary>Whether all steps of a recurrent layer go to the accelerator as one launch, where it can hold as many groups at once as share them: LSTM and GRU layers (without a projection, and not of
    /// the kind that resets first) of 512 units at most, on CUDA. True unless set. The groups keep the recurrent weight in registers and wait for each other at each step; one that waits for too long is an error of the accelerator,
    /// and none that hangs. Otherwise, and where it is false, each step is a launch. Sums are made in another order: results agree to rounding.</summary>
    public bool PersistentRecurrence { get; set; } = true;

    /// <summary>How often a group looks whether the others have come before it gives up. A look takes most of a microsecond: some ten seconds.</summary>
    internal int Patience { get; set; } = 1 << 24;

    /// <summary>How many groups at most may share a recurrent layer's steps, besides what the accelerator says.</summary>
    internal int MostGroups { get; set; } = int.MaxValue;

    /// <summary>How groups share a recurrent layer's steps; null if they cannot.</summary>
    internal SequenceShape? Shape<S, N>(int hidden, int batch) where S : struct, ISequenceCell where N : struct, IDepth
    {
        lock (_shapes)
        {
            var key = (typeof(SequenceKernel<S, N>), hidden, batch);
            if (_shapes.TryGetValue(key, out var known)) { return known; }
            Span<int> together = stackalloc int[(SequenceLoop.MostThreads / 32) + 1];
            for (int warps = 1; warps < together.Length; warps++) { together[warps] = Math.Min(MostGroups, Launcher<SequenceKernel<S, N>>().Together(32 * warps)); }
            return _shapes[key] = SequenceShape.Of<S, N>(hidden, batch, _accelerator.NumMultiprocessors, together, _accelerator.MaxNumThreadsPerGroup);
        }
    }
}
