using System.Diagnostics.CodeAnalysis;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>Values by their rank along an axis. The gradient goes to the values that were taken.</summary>
public static class Quantiles
{
    extension(Tensor x)
    {
        /// <summary>The k-th smallest value along an axis and where it stands. NaN counts as larger than every number. PyTorch's <c>kthvalue</c>.</summary>
        /// <param name="k">1 for the smallest, up to the axis' size.</param>
        /// <param name="axis">The axis; negative counts from the end.</param>
        /// <param name="keepDims">Whether the axis stays, of size 1.</param>
        /// <exception cref="ShapeException">No such axis, or it holds fewer than k values.</exception>
        public (Tensor Values, Indices Indices) KthValue(int k, int axis = -1, bool keepDims = false)
        {
            ArgumentNullException.ThrowIfNull(x);
            int at = x.Shape.Axis("kth-value", axis);
            if (k < 1 || k > x.Shape[at]) { ThrowRank(x.Shape, at, k); }
            return Taken(x, at, Places(x, at, k - 1)[0], keepDims);
        }

        /// <summary>The middle value along an axis and where it stands; of an even number the lower of the two in the middle. NaN if any value is. PyTorch's <c>median(dim)</c>.</summary>
        /// <exception cref="ShapeException">No such axis, or it is empty.</exception>
        public (Tensor Values, Indices Indices) Median(int axis, bool keepDims = false)
        {
            ArgumentNullException.ThrowIfNull(x);
            int at = x.Shape.Axis("median", axis), n = x.Shape[at];
            if (n == 0) { ThrowEmpty("median", x.Shape); }
            return Taken(x, at, OrNaN(x, at, Places(x, at, (n - 1) / 2))[0], keepDims);
        }

        /// <summary>The middle of all values; of an even number the lower of the two in the middle. NaN if any value is. Equals share the gradient, as in PyTorch.</summary>
        /// <exception cref="ShapeException">There is no value.</exception>
        public Tensor Median()
        {
            ArgumentNullException.ThrowIfNull(x);
            var y = x.Detach().Flatten().Median(0).Values;
            Tape.For(x)?.AddRecordable(y, (x, dy =>
            {
                var equal = float.IsNaN(y.Item()) ? x.IsNaN() : x.Equal(y);
                return equal * (dy / equal.Sum());
            }
            ));
            return y;
        }

        /// <summary>The value below which a part <paramref name="q"/> of an axis lies: the value of rank q·(n − 1), between two ranks a mixture of both. NaN if any value is.
        /// PyTorch's and NumPy's <c>quantile</c>.</summary>
        /// <param name="q">0 for the smallest, ½ for the middle, 1 for the largest.</param>
        /// <param name="axis">The axis; negative counts from the end.</param>
        /// <param name="keepDims">Whether the axis stays, of size 1.</param>
        /// <exception cref="ShapeException">No such axis, or it is empty.</exception>
        /// <exception cref="ArgumentOutOfRangeException">q is not between 0 and 1.</exception>
        public Tensor Quantile(float q, int axis, bool keepDims = false)
        {
            ArgumentNullException.ThrowIfNull(x);
            return Mixed(x, x.Shape.Axis("quantile", axis), [q], keepDims)[0];
        }

        /// <summary>Several quantiles along an axis, one behind the other on a new first axis: [q, ..]. The axis is sorted once; each is what <c>Quantile</c> of it alone is. PyTorch's <c>quantile</c> of a vector q.</summary>
        /// <param name="q">Each between 0 and 1, in any order: <c>[0.25f, 0.5f, 0.75f]</c>.</param>
        /// <param name="axis">The axis; negative counts from the end.</param>
        /// <param name="keepDims">Whether the axis stays, of size 1, behind the new one.</param>
        /// <exception cref="ShapeException">No such axis, or it is empty, or no quantile is asked for.</exception>
        /// <exception cref="ArgumentOutOfRangeException">A q is not between 0 and 1.</exception>
        public Tensor Quantile(ReadOnlySpan<float> q, int axis, bool keepDims = false)
        {
            ArgumentNullException.ThrowIfNull(x);
            if (q.IsEmpty) { throw new ShapeException("quantile", $"{x.Shape}: no quantile is asked for", x.Shape); }
            return Tensor.Stack(Mixed(x, x.Shape.Axis("quantile", axis), q, keepDims), 0);
        }

        /// <summary>Several quantiles of all values: [q].</summary>
        /// <exception cref="ShapeException">There is no value, or no quantile is asked for.</exception>
        /// <exception cref="ArgumentOutOfRangeException">A q is not between 0 and 1.</exception>
        public Tensor Quantile(ReadOnlySpan<float> q) => x.Flatten().Quantile(q, 0);

        /// <summary>The quantile of all values.</summary>
        /// <exception cref="ShapeException">There is no value.</exception>
        /// <exception cref="ArgumentOutOfRangeException">q is not between 0 and 1.</exception>
        public Tensor Quantile(float q) => x.Flatten().Quantile(q, 0);
    }

    // each quantile between two ranks; the values of all their ranks are sought at once
    private static Tensor[] Mixed(Tensor x, int axis, ReadOnlySpan<float> q, bool keepDims)
    {
        int n = x.Shape[axis];
        var ends = new (int Low, float Part)[q.Length];
        SortedSet<int> ranks = [];
        for (int i = 0; i < q.Length; i++)
        {
            if (!(q[i] >= 0 && q[i] <= 1)) { ThrowPart(q[i]); }
            if (n == 0) { ThrowEmpty("quantile", x.Shape); }
            double rank = (double)q[i] * (n - 1);
            int low = (int)rank;
            ends[i] = (low, (float)(rank - low));
            ranks.Add(low);
            if (ends[i].Part > 0) { ranks.Add(low + 1); }
        }
        int[] sought = [.. ranks];
        Tensor[] values = Array.ConvertAll(OrNaN(x, axis, Places(x, axis, sought)), places => Taken(x, axis, places, keepDims).Values);
        return Array.ConvertAll(ends, e =>
        {
            var low = values[Array.IndexOf(sought, e.Low)];
            return e.Part == 0 ? low : low + ((values[Array.IndexOf(sought, e.Low + 1)] - low) * e.Part);
        });
    }

    private static (Tensor Values, Indices Indices) Taken(Tensor x, int axis, Indices places, bool keepDims)
    {
        var values = x.Gather(axis, places);
        return keepDims ? (values, places) : (values.Squeeze(axis), places.Squeeze(axis));
    }

    // where the values of ranks from 0, upwards, stand, each as an axis of size 1; sought from the nearer end
    private static Indices[] Places(Tensor x, int axis, params int[] ranks)
    {
        int n = x.Shape[axis], inner = x.Shape.Product(axis + 1, x.Rank);
        bool fromAbove = ranks[0] > n / 2;
        int count = fromAbove ? n - ranks[0] : ranks[^1] + 1;
        var order = Sorting.Order(x, axis, count, fromAbove);
        return Array.ConvertAll(ranks, rank =>
        {
            int place = fromAbove ? n - 1 - rank : rank;
            return Indices.Made(x.Shape.With(axis, 1), to =>
            {
                for (int i = 0; i < to.Length; i++) { to[i] = order.Values[(((i / inner * count) + place) * inner) + (i % inner)]; }
            });
        });
    }

    // a NaN where there is one
    private static Indices[] OrNaN(Tensor x, int axis, Indices[] places)
    {
        var (largest, at) = x.Detach().MaxWithIndices(axis, keepDims: true);
        float[]? read = x.Device is CpuDevice ? null : largest.ToArray();
        var view = largest.View;
        return Array.ConvertAll(places, one => Indices.Made(one.Shape, to =>
        {
            var values = read ?? CpuDevice.Of(view);
            for (int i = 0; i < to.Length; i++) { to[i] = float.IsNaN(values[i]) ? at.Values[i] : one.Values[i]; }
        }));
    }

    [DoesNotReturn]
    private static void ThrowRank(Shape x, int axis, int k) => throw new ShapeException("kth-value", $"value {k} of axis {axis} of {x}, which has values 1 to {x[axis]}", x);

    [DoesNotReturn]
    private static void ThrowEmpty(string op, Shape x) => throw new ShapeException(op, $"{x} holds no value to choose from; is the batch empty?", x);

    [DoesNotReturn]
    private static void ThrowPart(float q) => throw new ArgumentOutOfRangeException(nameof(q), $"quantile: {q} is not between 0 and 1");
}
