using DeepEdu.Gpu.Kernels;
using DeepEdu.Kernels;

namespace DeepEdu.Gpu;

/// <content>Recurrent layers as one launch.</content>
public sealed partial class GpuDevice
{
    private readonly Dictionary<(Type Kernel, int Hidden, int Batch), SequenceShape?> _shapes = [];
    private readonly Dictionary<Type, int[]> _together = [];
    private readonly HashSet<(Type Kernel, int Hidden)> _stepped = [];

    /// <summary>Whether all steps of a recurrent layer go to the accelerator as one launch, where it can hold as many groups at once as share them: LSTM and GRU layers (without a projection, and not of
    /// the kind that resets first) of 512 units at most, on CUDA. True unless set. The groups keep the recurrent weight in registers and wait for each other at each step; one that waits for too long is an error of the accelerator,
    /// and none that hangs. Otherwise, and where it is false, each step is a launch; where that is for want of room, <see cref="Log"/> is told once for each size of layer and way. Sums are made in another order: results agree to
    /// rounding.</summary>
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
            return _shapes[key] = SequenceShape.Of<S, N>(hidden, batch, _accelerator.NumMultiprocessors, Together<SequenceKernel<S, N>>(), MostGroups, _accelerator.MaxNumThreadsPerGroup);
        }
    }

    /// <summary>There is no room for such a layer's groups: from now on its steps are launches, which is told once for each number of units and way.</summary>
    internal void TakeSteps<S, N>(CellKind kind, int hidden, int batch) where S : struct, ISequenceCell where N : struct, IDepth
    {
        lock (_shapes)
        {
            _shapes[(typeof(SequenceKernel<S, N>), hidden, batch)] = null;
            if (!_stepped.Add((typeof(SequenceKernel<S, N>), hidden))) { return; }
        }
        Log($"{(kind == CellKind.Gru ? "gru" : "lstm")}: {Name} has no room at once for the groups that take {batch} sequences of {hidden} units {(S.Back ? "back" : "forward")} in one launch; each step is a launch. Fewer sequences at a time may have room, and {nameof(PersistentRecurrence)} = false says that steps are meant");
    }

    // how many groups of so many warps the accelerator holds at once: of the kernel alone, whatever it works on
    private int[] Together<K>() where K : struct, IGpuKernel
    {
        if (_together.TryGetValue(typeof(K), out var known)) { return known; }
        int[] together = new int[(SequenceLoop.MostThreads / 32) + 1];
        for (int warps = 1; warps < together.Length; warps++) { together[warps] = Launcher<K>().Together(32 * warps); }
        return _together[typeof(K)] = together;
    }
}
