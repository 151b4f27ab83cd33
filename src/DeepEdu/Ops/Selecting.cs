using System.Diagnostics.CodeAnalysis;
using DeepEdu.Devices;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>Values and places that are found by what the values are, windows along an axis, and values put in the place of others.</summary>
public static class Selecting
{
    extension(Tensor x)
    {
        /// <summary>The positions of all values but 0 in row order: [count, rank], a row each. PyTorch's <c>nonzero</c>.</summary>
        public Indices NonZero()
        {
            ArgumentNullException.ThrowIfNull(x);
            var s = x.Shape;
            int[] places = Places(x), at = new int[places.Length * s.Rank];
            for (int i = 0; i < places.Length; i++)
            {
                int rest = places[i];
                for (int axis = s.Rank - 1; axis >= 0; axis--) { (rest, at[(i * s.Rank) + axis]) = Math.DivRem(rest, s[axis]); }
            }
            return Indices.Wrap(at, [places.Length, s.Rank]);
        }

        /// <summary>The values where the mask is not 0, in row order: [count]. PyTorch's <c>x[mask]</c>; where a shape must stay, <c>MaskedFill</c> and <c>Tensor.Where</c>.</summary>
        /// <param name="mask">Of x's shape.</param>
        /// <exception cref="ShapeException">The mask has another shape.</exception>
        public Tensor MaskedSelect(Tensor mask)
        {
            ArgumentNullException.ThrowIfNull(x);
            ArgumentNullException.ThrowIfNull(mask);
            Elementwise.SameDevice("masked-select", x, mask);
            if (mask.Shape != x.Shape) { throw new ShapeException("masked-select", $"{x.Shape} with a mask {mask.Shape}: they must have one shape; Expand the mask?", x.Shape, mask.Shape); }
            return x.Flatten().IndexSelect(0, Places(mask));
        }

        /// <summary>Where each value would be put into these sorted ones [n] so that they stay sorted: the number of those below it, or not above it. PyTorch's <c>searchsorted</c>, and with the ends of
        /// classes as sorted values <c>bucketize</c>. No gradient.</summary>
        /// <param name="values">[..].</param>
        /// <param name="right">Whether a value goes behind its equals.</param>
        /// <exception cref="ShapeException">The sorted values do not stand in one row.</exception>
        /// <exception cref="ArgumentException">They are not sorted.</exception>
        public Indices SearchSorted(Tensor values, bool right = false)
        {
            ArgumentNullException.ThrowIfNull(x);
            ArgumentNullException.ThrowIfNull(values);
            Elementwise.SameDevice("search-sorted", x, values);
            if (x.Rank != 1) { throw new ShapeException("search-sorted", $"{x.Shape} is no row of sorted values [n]", x.Shape); }
            int[] places = new int[values.Size];
            if (places.Length > 0) { x.Device.Launch(new SearchKernel(x.View, values.View, places, right)); }
            return Indices.Changing(places, values.Shape);
        }

        /// <summary>All windows of an axis, which keeps their number ⌊(n − size)/step⌋ + 1; their values are a new last axis. PyTorch's <c>x.unfold(axis, size, step)</c>, but copied.</summary>
        /// <param name="axis">The axis.</param>
        /// <param name="size">Values of a window.</param>
        /// <param name="step">From one window to the next.</param>
        /// <exception cref="ShapeException">No such axis, or no window fits.</exception>
        public Tensor Unfold(int axis, int size, int step)
        {
            ArgumentNullException.ThrowIfNull(x);
            var s = x.Shape;
            int at = s.Axis("unfold", axis), n = s[at];
            if (size < 1 || step < 1 || size > n) { throw new ShapeException("unfold", $"windows of {size} in steps of {step} along axis {at} of {s}: both are at least 1, and a window at most {n}", s); }
            int windows = ((n - size) / step) + 1;
            var each = s.With(at, windows).Insert(at + 1, size);
            int[] places = new int[windows * size], order = new int[s.Rank + 1];
            for (int i = 0; i < places.Length; i++) { places[i] = (i / size * step) + (i % size); }
            for (int i = 0; i < s.Rank; i++) { order[i] = i <= at ? i : i + 1; }
            order[^1] = at + 1;
            return x.IndexSelect(at, places).Reshape(each).Permute(order);
        }

        /// <summary>x with the source's values at the places that an index names on one axis; where a place is named several times, their sum. PyTorch's <c>scatter</c>. The gradient goes to the source there, to x
        /// elsewhere.</summary>
        /// <param name="axis">The axis on which the index replaces the position.</param>
        /// <param name="index">Of the source's shape.</param>
        /// <param name="source">Of x's rank; its sizes on the other axes are x's.</param>
        /// <exception cref="ShapeException">The shapes do not fit.</exception>
        /// <exception cref="ArgumentOutOfRangeException">An index outside the axis.</exception>
        public Tensor Scatter(int axis, Indices index, Tensor source)
        {
            ArgumentNullException.ThrowIfNull(x);
            ArgumentNullException.ThrowIfNull(source);
            var hit = Tensor.Zeros(x.Shape, x.Device).ScatterAdd(axis, index, Tensor.Ones(source.Shape, x.Device));
            return x.MaskedFill(hit, 0).ScatterAdd(axis, index, source);
        }
    }

    extension(Indices labels)
    {
        /// <summary>How often each of the numbers 0 to classes − 1 occurs, or the sum of the weights where it does: [classes]. PyTorch's <c>bincount</c>.</summary>
        /// <param name="classes">How many numbers there are.</param>
        /// <param name="weights">Of the labels' shape; 1 for each unless given. Their gradient is that of their class.</param>
        /// <exception cref="ShapeException">Weights of another shape.</exception>
        /// <exception cref="ArgumentOutOfRangeException">A label outside 0..classes − 1.</exception>
        public Tensor BinCount(int classes, Tensor? weights = null)
        {
            ArgumentNullException.ThrowIfNull(labels);
            ArgumentOutOfRangeException.ThrowIfNegative(classes);
            labels.CheckBelow("bin-count", classes);
            if (weights is not null && weights.Shape != labels.Shape) { throw new ShapeException("bin-count", $"labels {labels.Shape} with weights {weights.Shape}: they must have one shape", labels.Shape, weights.Shape); }
            var ones = weights?.Flatten() ?? Tensor.Ones([labels.Size]);
            return Tensor.Zeros([classes], ones.Device).IndexAdd(0, labels.Reshape(labels.Size), ones);
        }
    }

    /// <summary>Where values are not 0, in row order.</summary>
    internal static int[] Places(Tensor mask)
    {
        if (mask.Device is CpuDevice) { return Places(mask.AsSpan()); } // no recording can make as many again
        if (mask.Size == 0) { return []; }
        Found found = new();
        mask.Device.Launch(new PlacesKernel(mask.View, found));
        return found.Places;
    }

    private static int[] Places(ReadOnlySpan<float> values)
    {
        List<int> places = [];
        for (int i = 0; i < values.Length; i++) { if (values[i] != 0) { places.Add(i); } }
        return [.. places];
    }

    // NaN stands behind everything, where Sort has it
    private static bool Below(float a, float b) => a < b || (float.IsNaN(b) && !float.IsNaN(a));

    private static int Place(ReadOnlySpan<float> sorted, float value, bool right)
    {
        int low = 0, high = sorted.Length;
        while (low < high)
        {
            int middle = (low + high) / 2;
            bool before = right ? !Below(value, sorted[middle]) : Below(sorted[middle], value);
            if (before) { low = middle + 1; } else { high = middle; }
        }
        return low;
    }

    [DoesNotReturn]
    internal static void ThrowUnsorted(float value, int at, float before) => throw new ArgumentException($"search-sorted: {value} at position {at} follows {before}; Sort the values first");

    /// <summary>As many places as a kernel finds.</summary>
    internal sealed class Found
    {
        /// <summary>The places.</summary>
        public int[] Places { get; set; } = [];
    }

    /// <summary>Where X is not 0, in row order.</summary>
    internal readonly record struct PlacesKernel(View X, Found Found) : IKernel
    {
        /// <inheritdoc/>
        public static string Name => "places";

        /// <inheritdoc/>
        public void Run() => Found.Places = Places(CpuDevice.Of(X));
    }

    /// <summary>How many of Sorted [N] stand below each of the values, or not above it (Right), into Where.</summary>
    internal readonly record struct SearchKernel(View Sorted, View Values, int[] Where, bool Right) : IKernel
    {
        /// <inheritdoc/>
        public static string Name => "search-sorted";

        /// <inheritdoc/>
        public void Run()
        {
            var sorted = CpuDevice.Of(Sorted);
            for (int i = 1; i < sorted.Length && !Recording.IsTrial; i++)
            {
                if (Below(sorted[i], sorted[i - 1])) { ThrowUnsorted(sorted[i], i, sorted[i - 1]); }
            }
            var values = CpuDevice.Of(Values);
            for (int i = 0; i < Where.Length; i++) { Where[i] = Place(sorted, values[i], Right); }
        }
    }
}
