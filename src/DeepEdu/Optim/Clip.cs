using System.Runtime.CompilerServices;
using DeepEdu.Autograd;
using DeepEdu.Lanes;
using DeepEdu.Tensors;

namespace DeepEdu.Optim;

/// <summary>Keeps gradients from growing too large. Call between <c>tape.Gradients</c> and <c>Step</c>, while the tape is open. A gradient that is a few rows of a table counts and is clipped as
/// that of the whole table would be, and stays rows.</summary>
public static class Clip
{
    /// <summary>Bounds every value of every gradient to [−limit, limit]; NaN stays. <c>torch.nn.utils.clip_grad_value_</c>.</summary>
    public static void ByValue(Gradients gradients, float limit)
    {
        ArgumentNullException.ThrowIfNull(gradients);
        ThrowUnlessPositive(limit);
        MapAll(gradients, new Bound(limit));
    }

    /// <summary>Scales all gradients together so that their joint length √Σg² is at most <paramref name="limit"/>: Pascanu, Mikolov and Bengio 2013, arXiv:1211.5063,
    /// algorithm 1. <c>torch.nn.utils.clip_grad_norm_</c>.</summary>
    /// <returns>The length before. NaN or infinity means that some gradient is not finite; they are then left as they are.</returns>
    public static float ByNorm(Gradients gradients, float limit)
    {
        ArgumentNullException.ThrowIfNull(gradients);
        ThrowUnlessPositive(limit);
        float norm = Norm(gradients);
        float scale = limit / (norm + 1e-6f); // PyTorch's guard against 0/0
        if (scale < 1 && float.IsFinite(norm)) { MapAll(gradients, new Scale(scale)); }
        return norm;
    }

    /// <summary>√Σg² over all gradients.</summary>
    public static float Norm(Gradients gradients)
    {
        ArgumentNullException.ThrowIfNull(gradients);
        double total = 0;
        Tensor? sums = null;
        int n = 0, leaves = gradients.Leaves.Count();
        foreach (var leaf in gradients.Leaves)
        {
            var g = gradients.FindRows(leaf)?.Values ?? gradients[leaf];
            if (sums?.Device != g.Device)
            {
                total += Total(sums, n);
                (sums, n) = (Tensor.Empty([leaves], g.Device), 0);
            }
            g.Device.Fold(default(SumOfSquares), g.View, 1, g.Size, 1, sums!.Alias([], n++).View);
        }
        return (float)Math.Sqrt(total + Total(sums, n));
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

    // of a gradient that is a few rows, those rows: the others are 0 and stay it
    private static void MapAll<F>(Gradients gradients, F f) where F : unmanaged, IMap
    {
        foreach (var leaf in gradients.Leaves)
        {
            if (gradients.FindRows(leaf) is { } rows) { gradients.Replace(leaf, rows.With(Map(rows.Values, f))); }
            else { gradients.Replace(leaf, Map(gradients[leaf], f)); }
        }
    }

    // a gradient may share its memory with another one, so it is never changed in place
    private static Tensor Map<F>(Tensor g, F f) where F : unmanaged, IMap
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

    internal readonly struct SumOfSquares : IFold
    {
        public float Start => 0;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Step<L>(L acc, L x) where L : struct, ILane<L> => L.MultiplyAdd(x, x, acc);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Join<L>(L a, L b) where L : struct, ILane<L> => a + b;
    }
}
