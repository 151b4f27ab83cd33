using System.Runtime.CompilerServices;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Lanes;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Optim;

/// <summary>Keeps gradients from growing too large. Call between <c>tape.Gradients</c> and <c>Step</c>, while the tape is open. A gradient that is a few rows of a table counts and is clipped as
/// that of the whole table would be, and stays rows.</summary>
public static class Clip
{
    private const float Guard = 1e-6f; // PyTorch's against 0/0

    /// <summary>Bounds every value of every gradient to [−limit, limit]; NaN stays. <c>torch.nn.utils.clip_grad_value_</c>.</summary>
    public static void ByValue(Gradients gradients, float limit)
    {
        ArgumentNullException.ThrowIfNull(gradients);
        ThrowUnlessPositive(limit);
        MapAll(gradients, new Bound(limit));
    }

    /// <summary>Scales all gradients together so that their joint length √Σg² is at most <paramref name="limit"/>: Pascanu, Mikolov and Bengio 2013, arXiv:1211.5063,
    /// algorithm 1. <c>torch.nn.utils.clip_grad_norm_</c>.</summary>
    /// <returns>The length before, a single value; reading it (<c>Item</c>) waits for an accelerator. NaN or infinity means that some gradient is not finite; they are then left as they are.</returns>
    public static Tensor ByNorm(Gradients gradients, float limit)
    {
        ArgumentNullException.ThrowIfNull(gradients);
        ThrowUnlessPositive(limit);
        if (OneAccelerator(gradients) is { } device)
        {
            var length = Squares(gradients, device, gradients.Leaves.Count());
            device.Map(default(Functions.SqrtFormula), length.View, length.View);
            var factor = Map(length, new Factor(limit));
            ReplaceAll(gradients, g => g.ZipConstant(factor, default(Arithmetic.MulFormula), "clip"));
            return length;
        }
        double norm = Length(gradients), scale = limit / (norm + Guard);
        if (scale < 1 && double.IsFinite(norm)) { MapAll(gradients, new Scale((float)scale)); }
        return Tensor.Of([], [(float)norm]);
    }

    /// <summary>√Σg² over all gradients.</summary>
    public static float Norm(Gradients gradients)
    {
        ArgumentNullException.ThrowIfNull(gradients);
        return (float)Length(gradients);
    }

    private static double Length(Gradients gradients)
    {
        double total = 0;
        Tensor? sums = null;
        int n = 0, leaves = gradients.Leaves.Count();
        foreach (var leaf in gradients.Leaves)
        {
            var g = Of(gradients, leaf);
            if (sums?.Device != g.Device)
            {
                total += Total(sums, n);
                (sums, n) = (Tensor.Empty([leaves], g.Device), 0);
            }
            g.Device.Fold(default(SumOfSquares), g.View, 1, g.Size, 1, sums!.Alias([], n++).View);
        }
        total += Total(sums, n);
        return Math.Sqrt(double.IsFinite(total) ? total : Squares(gradients));
    }

    // of gradients whose squares are no floats any more
    private static double Squares(Gradients gradients)
    {
        double total = 0;
        foreach (var leaf in gradients.Leaves)
        {
            foreach (float g in Of(gradients, leaf).ToArray()) { total += (double)g * g; }
        }
        return total;
    }

    // read together: each reading waits for the device
    private static double Total(Tensor? sums, int n)
    {
        double total = 0;
        if (sums is not null)
        {
            foreach (float one in sums.Alias([n]).ToArray()) { total += one; }
        }
        return total;
    }

    // the same on a device, unread
    private static Tensor Squares(Gradients gradients, Device device, int leaves)
    {
        Tensor sums = Tensor.Empty([leaves], device), total = Tensor.Empty([], device);
        int n = 0;
        foreach (var leaf in gradients.Leaves)
        {
            var g = Of(gradients, leaf);
            device.Fold(default(SumOfSquares), g.View, 1, g.Size, 1, sums.Alias([], n++).View);
        }
        device.Fold(default(Reductions.SumFold), sums.View, 1, n, 1, total.View);
        return total;
    }

    // where no value needs to be read
    private static Device? OneAccelerator(Gradients gradients)
    {
        Device? one = null;
        foreach (var leaf in gradients.Leaves)
        {
            var device = Of(gradients, leaf).Device;
            if (device is CpuDevice || (one is not null && one != device)) { return null; }
            one = device;
        }
        return one;
    }

    private static Tensor Of(Gradients gradients, Tensor leaf) => gradients.FindRows(leaf)?.Values ?? gradients[leaf];

    // of a gradient that is a few rows, those rows: the others are 0 and stay it
    private static void MapAll<F>(Gradients gradients, F f) where F : unmanaged, IMap => ReplaceAll(gradients, g => Map(g, f));

    private static void ReplaceAll(Gradients gradients, Func<Tensor, Tensor> with)
    {
        foreach (var leaf in gradients.Leaves)
        {
            if (gradients.FindRows(leaf) is { } rows) { gradients.Replace(leaf, rows.With(with(rows.Values))); }
            else { gradients.Replace(leaf, with(gradients[leaf])); }
        }
    }

    // a gradient may share its memory with another one, so it is never changed in place
    internal static Tensor Map<F>(Tensor g, F f) where F : unmanaged, IMap
    {
        var y = Tensor.Empty(g.Shape, g.Device);
        g.Device.Map(f, g.View, y.View);
        return y;
    }

    private static void ThrowUnlessPositive(float limit)
    {
        if (!(limit > 0)) { throw new ArgumentOutOfRangeException(nameof(limit), $"clip: the limit {limit} must be above 0"); }
    }

    internal readonly struct Bound(float limit) : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => L.Max(-limit, L.Min(limit, x));
    }

    internal readonly struct Scale(float by) : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => by * x;
    }

    /// <summary>From the joint length to what gradients are multiplied with.</summary>
    internal readonly struct Factor(float limit) : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L>
        {
            L one = 1f, scale = (L)limit / (x + Guard);
            return L.WhereGreaterOrEqual(float.MaxValue, x, L.WhereGreater(one, scale, scale, one), one);
        }
    }

    internal readonly struct SumOfSquares : IFold
    {
        public float Start => 0;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Step<L>(L acc, L x) where L : struct, ILane<L> => L.MultiplyAdd(x, x, acc);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Join<L>(L a, L b) where L : struct, ILane<L> => a + b;
    }
}
