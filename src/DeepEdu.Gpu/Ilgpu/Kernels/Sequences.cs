using DeepEdu.Devices;
using DeepEdu.Kernels;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using Floats = ILGPU.ArrayView<float>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>All steps of a recurrent layer as one launch, where that is possible.</summary>
internal readonly struct Sequences(GpuDevice device, RecurrentData data, RecurrentSteps steps)
{
    /// <summary>Launches it; false if each step must be a launch.</summary>
    /// <param name="cell">What follows the sums.</param>
    /// <param name="w">The recurrent weight.</param>
    /// <param name="a">What is multiplied with it: rows that the steps themselves write.</param>
    /// <param name="first">h₀, if the first step is multiplied with it.</param>
    public bool Run<S>(S cell, Floats w, Floats a, View first) where S : struct, ISequenceCell
    {
        // OpenCL does not say how many threads a warp has; assemblers for GPUs before compute capability 7.0 refuse the barrier
        if (device.Accelerator is CudaAccelerator cuda && cuda.Architecture < CudaArchitecture.SM_70) { return false; }
        if (!device.PersistentRecurrence || steps.Count == 0 || device.Accelerator is { WarpSize: not 32 } or { AcceleratorType: AcceleratorType.OpenCL }) { return false; }
        return data.Hidden switch
        {
            <= 128 => Run<S, Depth1>(cell, w, a, first),
            <= 256 => Run<S, Depth2>(cell, w, a, first),
            <= 384 => Run<S, Depth3>(cell, w, a, first),
            <= 512 => Run<S, Depth4>(cell, w, a, first),
            _ => false,
        };
    }

    private bool Run<S, N>(S cell, Floats w, Floats a, View first) where S : struct, ISequenceCell where N : struct, IDepth
    {
        var (d, h, rows) = (device, data.Hidden, steps.Rows);
        if (d.Shape<S, N>(h, rows.Batch) is not { } shape) { return TakeSteps<S, N>(); }
        bool masks = !S.Back && !data.Mask.IsNone, inFours = h % 4 == 0 && !masks && a.LoadEffectiveAddressAsPtr() % (4 * sizeof(float)) == 0;
        // a group that is alone waits for nobody
        int words = shape.Groups > 1 ? shape.Shares * SequencePlan.Between / sizeof(float) : SequencePlan.Between / sizeof(float);
        View counters = new(d.Allocate(words), 0, words);
        if (shape.Groups > 1) { d.Fill(counters, 0); }
        SequenceKernel<S, N> kernel = new()
        {
            Cell = cell, W = w, A = a, First = GpuDevice.Of(first, a), Mask = steps.Memory.Mask, A4 = (inFours ? a.SubView(0, a.Length & ~3L) : GpuDevice.Of(counters)).Cast<Float4>(), Table = steps.Table, Rows = rows,
            Plan = new()
            {
                Hidden = h, Units = shape.Units, Share = shape.Share, InFours = inFours ? 1 : 0, HasFirst = first.IsNone ? 0 : 1, Masks = masks ? 1 : 0, Patience = d.Patience,
                Counters = GpuDevice.Of(counters).LoadEffectiveAddressAsPtr(),
            },
        };
        KernelConfig how = new(new Index3D(shape.Shares, shape.Groups, 1), new Index3D(shape.Threads, 1, 1));
        if (shape.Groups > 1) { return d.StartTogether(how, kernel) || TakeSteps<S, N>(); }
        d.Start(how, kernel);
        return true;
    }

    private bool TakeSteps<S, N>() where S : struct, ISequenceCell where N : struct, IDepth
    {
        device.TakeSteps<S, N>(data.Kind, data.Hidden, steps.Rows.Batch);
        return false;
    }
}

/// <summary>How groups divide units and sequences among themselves.</summary>
/// <param name="Units">Of a group.</param>
/// <param name="Share">Sequences of a group.</param>
/// <param name="Groups">With the same sequences.</param>
/// <param name="Shares">Of the sequences.</param>
/// <param name="Threads">Of a group.</param>
internal readonly record struct SequenceShape(int Units, int Share, int Groups, int Shares, int Threads)
{
    /// <summary>The division of the least work for the multiprocessor that has most, or null if there is none whose groups are all there at once.</summary>
    /// <param name="hidden">Units.</param>
    /// <param name="batch">Sequences.</param>
    /// <param name="multiprocessors">Of the accelerator.</param>
    /// <param name="together">How many groups of some threads it holds at once, for each number of warps up to 16.</param>
    /// <param name="mostGroups">At once, whatever fits.</param>
    /// <param name="mostThreads">Of a group.</param>
    public static SequenceShape? Of<S, N>(int hidden, int batch, int multiprocessors, ReadOnlySpan<int> together, int mostGroups, int mostThreads) where S : struct, ISequenceCell where N : struct, IDepth
    {
        SequenceShape? best = null;
        long least = long.MaxValue;
        int rowFours = S.Planes * (((hidden + 3) / 4) + 1), most = Math.Min(mostThreads, SequenceLoop.MostThreads) / (32 * S.Planes);
        for (int teams = 1; teams <= most; teams++)
        {
            int units = S.Back ? 4 * teams : teams, groups = (hidden + units - 1) / units, threads = 32 * S.Planes * teams;
            for (int share = Math.Min(batch, SequenceLoop.MostShare); share > 0; share--)
            {
                int shares = (batch + share - 1) / share, rounds = (share + SequenceLoop.AtOnce - 1) / SequenceLoop.AtOnce;
                // what as many groups of fewer sequences do is less
                if ((batch + shares - 1) / shares != share || rounds * SequenceLoop.AtOnce * rowFours > SequenceLoop.Room || share * units > threads) { continue; }
                long all = (long)groups * shares;
                if (groups > 1 && all > Math.Min(mostGroups, together[threads / 32])) { break; }
                // cycles: what the busiest multiprocessor issues, what it reads of rows at 64 bytes a cycle, and what all read from the cache that they share
                long busy = (all + multiprocessors - 1) / multiprocessors, warps = ((busy * threads / 32) + 3) / 4;
                long issued = warps * rounds * ((SequenceLoop.AtOnce * N.Fours * ((4 * S.Columns) + 1)) + 72), bytes = (long)share * S.Planes * hidden * sizeof(float);
                long cost = issued + (busy * bytes / 64) + (all * bytes / 2500) + (groups > 1 ? 2000 : 0);
                if (cost < least) { (least, best) = (cost, new(units, share, groups, shares, threads)); }
            }
        }
        return best;
    }
}
