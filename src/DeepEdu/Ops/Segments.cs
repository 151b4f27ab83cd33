using System.Diagnostics.CodeAnalysis;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>Entries of the first axis that belong together, made one or weighed against each other: the messages that reach each node of a graph, the words of texts that stand one behind the other. Each
/// entry names its segment; they need no order.
/// <code>
/// Tensor share = scores.SegmentSoftmax(to, nodes);                                             // graph attention: of the edges that lead to one node
/// Tensor news = (messages.IndexSelect(0, from) * share.Unsqueeze(-1)).SegmentSum(to, nodes);
/// </code></summary>
public static class Segments
{
    extension(Tensor x)
    {
        /// <summary>The sum of each segment: y[s] = Σ x[i] over the i whose segment is s; 0 for a segment of none. Keras' <c>ops.segment_sum</c>.</summary>
        /// <param name="segments">[n], of each entry of x [n, ..].</param>
        /// <param name="count">How many segments there are.</param>
        /// <returns>[count, ..].</returns>
        /// <exception cref="ShapeException">Not one segment an entry.</exception>
        /// <exception cref="ArgumentOutOfRangeException">A segment is not one of 0 .. count − 1.</exception>
        public Tensor SegmentSum(Indices segments, int count)
        {
            Check("segment-sum", x, segments, count);
            return Tensor.Zeros(x.Shape.With(0, count), x.Device).IndexAdd(0, segments, x);
        }

        /// <summary>The mean of each segment; 0 for a segment of none.</summary>
        /// <param name="segments">[n], of each entry of x [n, ..].</param>
        /// <param name="count">How many segments there are.</param>
        /// <returns>[count, ..].</returns>
        /// <exception cref="ShapeException">Not one segment an entry.</exception>
        /// <exception cref="ArgumentOutOfRangeException">A segment is not one of 0 .. count − 1.</exception>
        public Tensor SegmentMean(Indices segments, int count)
        {
            Check("segment-mean", x, segments, count);
            int[] column = new int[x.Rank];
            column.AsSpan().Fill(1);
            column[0] = count;
            return x.SegmentSum(segments, count) / segments.BinCount(count, Tensor.Ones([segments.Size], x.Device)).Clamp(min: 1).Reshape(column);
        }

        /// <summary>The largest value of each place in a segment, of which the first of equals has the gradient; 0 for a segment of none. Keras' <c>ops.segment_max</c>, which has −∞ there.</summary>
        /// <param name="segments">[n], of each entry of x [n, ..].</param>
        /// <param name="count">How many segments there are.</param>
        /// <returns>[count, ..].</returns>
        /// <exception cref="ShapeException">Not one segment an entry.</exception>
        /// <exception cref="ArgumentOutOfRangeException">A segment is not one of 0 .. count − 1.</exception>
        public Tensor SegmentMax(Indices segments, int count)
        {
            Check("segment-max", x, segments, count);
            var starts = Indices.Made([count + 1], to => Starts(segments.Span, to));
            var order = Indices.Made([segments.Size], to => Order(segments.Span, starts.Span, to));
            return Bags.Fold(x.Reshape(segments.Size, x.Shape.Product(1, x.Rank)), order, starts.Values, BagMode.Max, -1).Reshape(x.Shape.With(0, count));
        }

        /// <summary>Softmax over the entries of each segment: eˣ / Σ eˣ, without overflow. PyTorch Geometric's <c>softmax(x, segments)</c>; the attention of Veličković et al. 2018,
        /// <see href="https://arxiv.org/abs/1710.10903">arXiv:1710.10903</see>, eq. 3.</summary>
        /// <param name="segments">[n], of each entry of x [n, ..].</param>
        /// <param name="count">How many segments there are.</param>
        /// <returns>x's shape.</returns>
        /// <exception cref="ShapeException">Not one segment an entry.</exception>
        /// <exception cref="ArgumentOutOfRangeException">A segment is not one of 0 .. count − 1.</exception>
        public Tensor SegmentSoftmax(Indices segments, int count)
        {
            Check("segment-softmax", x, segments, count);
            var e = (x - x.Detach().SegmentMax(segments, count).IndexSelect(0, segments)).Exp();   // the shift cancels out, of the gradient too
            return e / e.SegmentSum(segments, count).IndexSelect(0, segments);
        }
    }

    // where each segment begins, once its entries stand together, and the end of all
    private static void Starts(ReadOnlySpan<int> segments, int[] to)
    {
        to.AsSpan().Clear();
        foreach (int s in segments) { to[s + 1]++; }
        for (int s = 1; s < to.Length; s++) { to[s] += to[s - 1]; }
    }

    // the entries by segment, those of one as they stood
    private static void Order(ReadOnlySpan<int> segments, ReadOnlySpan<int> starts, int[] to)
    {
        int[] next = starts.ToArray();
        for (int i = 0; i < segments.Length; i++) { to[next[segments[i]]++] = i; }
    }

    private static void Check(string op, Tensor x, Indices segments, int count)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(segments);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        if (segments.Rank != 1 || x.Rank == 0 || segments.Size != x.Shape[0]) { ThrowShapes(op, x.Shape, segments.Shape); }
        segments.CheckBelow(op, count);
    }

    [DoesNotReturn]
    private static void ThrowShapes(string op, Shape x, Shape segments) =>
        throw new ShapeException(op, $"{x} with segments {segments}: there must be one of each entry of the first axis, [{(x.Rank > 0 ? x[0] : "n")}]", x, segments);
}
