using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Lanes;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>Softmax and negative log-likelihood in one kernel, which writes the gradient in the same pass when one is wanted.</summary>
public static class CrossEntropyOp
{
    extension(Tensor x)
    {
        /// <summary>−w_y · ln softmax(x)_y, mixed with the mean over all classes when smoothed (Szegedy et al. 2016, arXiv:1512.00567, section 7):
        /// (1 − ε)·(−w_y ln p_y) + ε/C · Σ_c (−w_c ln p_c). Gradient for w = 1: p − (1 − ε)·onehot(y) − ε/C.</summary>
        /// <param name="labels">The right classes, of the shape of x without its class axis.</param>
        /// <param name="classWeights">w [C], or 1 for each; constants. The mean is then Σ loss / Σ w_y.</param>
        /// <param name="ignoreIndex">A label that counts neither in loss nor in mean. Nothing but ignored labels gives NaN as mean.</param>
        /// <param name="labelSmoothing">ε in [0, 1].</param>
        /// <param name="reduction">None gives the labels' shape.</param>
        /// <returns>x is [C], [N, C] or [N, C, d₁, ..]: the class axis is the second, as in PyTorch.</returns>
        /// <exception cref="ShapeException">Shapes that do not fit.</exception>
        /// <exception cref="ArgumentOutOfRangeException">A label that is no class, or ε outside [0, 1].</exception>
        public Tensor CrossEntropy(Indices labels, Tensor? classWeights = null, int ignoreIndex = -100, float labelSmoothing = 0, Reduction reduction = Reduction.Mean)
        {
            ArgumentNullException.ThrowIfNull(x);
            ArgumentNullException.ThrowIfNull(labels);
            int axis = Check(x, labels, classWeights, labelSmoothing), classes = x.Shape[axis];
            // weights that lie on another device are added up there: reading them would wait for it
            bool there = reduction == Reduction.Mean && classWeights is not null && classWeights.Device is not CpuDevice;
            float total = TotalWeight(labels.Span, there ? null : classWeights, classes, ignoreIndex);
            var weight = there ? WeightOf(labels.Span, classWeights!, ignoreIndex) : null;
            var losses = Tensor.Empty(labels.Shape, x.Device);
            var tape = Tape.For(x);
            var gradient = tape is null ? null : Tensor.Empty(x.Shape, x.Device);
            float scale = reduction == Reduction.Mean && !there ? 1 / total : 1;
            x.Device.Launch(new Kernel(x.View, labels, classWeights?.View ?? default, losses.View, gradient?.View ?? default,
                classes, x.Shape.Product(axis + 1, x.Rank), ignoreIndex, labelSmoothing, scale));
            var y = losses;
            if (reduction != Reduction.None)
            {
                y = Tensor.Empty([], x.Device);
                x.Device.Fold(default(Reductions.SumFold), losses.View, 1, losses.Size, 1, y.View);
                if (there) { y = y.ZipConstant(weight!, default(Arithmetic.DivFormula), "cross-entropy"); }
                else if (reduction == Reduction.Mean) { y.Device.Map(new Arithmetic.DivideFormula(total), y.View, y.View); }
            }
            tape?.AddRecordable(y, (x, dy =>
            {
                if (Tape.Recording is not null) { return tape.Through(() => Composed(x, labels, classWeights, ignoreIndex, labelSmoothing, reduction), dy, x); }
                if (there) { dy = dy.ZipConstant(weight!, default(Arithmetic.DivFormula), "cross-entropy"); }
                return gradient!.ZipConstant(reduction == Reduction.None ? dy.Alias(dy.Shape.Insert(axis, 1)) : dy, default(Arithmetic.MulFormula), "cross-entropy");
            }
            ));
            return y;
        }
    }

    // the same in other operations: −Σ_c q_c · ln softmax(x)_c, q what each class counts
    private static Tensor Composed(Tensor x, Indices labels, Tensor? classWeights, int ignore, float smoothing, Reduction reduction)
    {
        int axis = x.Rank == 1 ? 0 : 1, classes = x.Shape[axis], inner = x.Shape.Product(axis + 1, x.Rank);
        float[] weights = classWeights?.ToArray() ?? [.. Enumerable.Repeat(1f, classes)], counts = new float[x.Size];
        double total = 0;
        for (int i = 0; i < labels.Size; i++)
        {
            int label = labels.Span[i], at = (i / Math.Max(1, inner) * classes * inner) + (i % Math.Max(1, inner));
            if (label == ignore) { continue; }
            for (int c = 0; c < classes; c++) { counts[at + (c * inner)] = (smoothing / classes * weights[c]) + (c == label ? (1 - smoothing) * weights[c] : 0); }
            total += weights[label];
        }
        var losses = -(Tensor.Of(x.Shape, counts, x.Device) * x.LogSoftmax(axis)).Sum(axis);
        return reduction switch { Reduction.Mean => losses.Sum() / (float)total, Reduction.Sum => losses.Sum(), _ => losses };
    }

    private static int Check(Tensor x, Indices labels, Tensor? weights, float smoothing)
    {
        if (x.Rank == 0) { throw new ShapeException("cross-entropy", "a single value has no class axis; expected [C], [N,C] or [N,C,..]", x.Shape); }
        int axis = x.Rank == 1 ? 0 : 1;
        if (labels.Shape != x.Shape.Without(axis)) { ThrowLabels(x.Shape, labels.Shape, axis); }
        return CheckClasses(x, weights, smoothing);
    }

    /// <summary>The class axis.</summary>
    internal static int CheckClasses(Tensor x, Tensor? weights, float smoothing)
    {
        int axis = x.Rank == 1 ? 0 : 1;
        if (x.Shape[axis] == 0) { throw new ShapeException("cross-entropy", $"logits {x.Shape} have no classes", x.Shape); }
        if (weights is not null)
        {
            if (weights.Rank != 1 || weights.Size != x.Shape[axis])
            {
                throw new ShapeException("cross-entropy", $"class weights {weights.Shape} for logits {x.Shape}: expected [{x.Shape[axis]}]", x.Shape, weights.Shape);
            }
            Elementwise.SameDevice("cross-entropy", x, weights);
        }
        if (!(smoothing is >= 0 and <= 1)) { throw new ArgumentOutOfRangeException(nameof(smoothing), smoothing, "cross-entropy: label smoothing must lie in 0..1"); }
        return axis;
    }

    private static float TotalWeight(ReadOnlySpan<int> labels, Tensor? weights, int classes, int ignore)
    {
        var w = weights is { Device: CpuDevice } ? weights.AsSpan() : default;
        double total = 0;
        for (int i = 0; i < labels.Length; i++)
        {
            int label = labels[i];
            if (label == ignore) { continue; }
            if ((uint)label >= (uint)classes) { ThrowLabel(label, i, classes, ignore); }
            total += w.IsEmpty ? 1 : w[label];
        }
        return (float)total;
    }

    // Σ w_y, on the weights' device
    private static Tensor WeightOf(ReadOnlySpan<int> labels, Tensor weights, int ignore)
    {
        int[] counted = new int[labels.Length];
        int n = 0;
        foreach (int label in labels) { if (label != ignore) { counted[n++] = label; } }
        return weights.Detach().IndexSelect(0, counted.AsSpan(0, n).ToArray()).Sum();
    }

    [DoesNotReturn]
    private static void ThrowLabels(Shape x, Shape labels, int axis) => throw new ShapeException("cross-entropy",
        $"logits {x} with labels {labels}: expected labels {x.Without(axis)}{(labels == x ? "; these are one-hot? Give class numbers (ArgMax), or probabilities as a Tensor" : x.Rank > 2 && axis == 1 && labels == x.Without(x.Rank - 1) ? "; are the classes the last axis? Here it is axis 1: x.Flatten(0, -2).CrossEntropy(labels.Flatten())" : "")}", x, labels);

    [DoesNotReturn]
    private static void ThrowLabel(int label, int at, int classes, int ignore) =>
        throw new ArgumentOutOfRangeException(null, $"cross-entropy: label {label} at position {at} is outside 0..{classes - 1} and is not the ignored one, {ignore}{(classes == 1 ? "; where one score says yes or no, use BinaryCrossEntropyWithLogits" : "")}");

    /// <summary>Losses [outer, Inner] and, if wanted, Scale times their gradients, of X [outer, Classes, Inner].</summary>
    public readonly record struct Kernel(View X, Indices Labels, View Weights, View Losses, View Gradient, int Classes, int Inner, int Ignore, float Smoothing, float Scale)
        : IKernel, IRange
    {
        /// <inheritdoc/>
        public static string Name => "cross-entropy";

        /// <inheritdoc/>
        public void Run() => Work.For(Labels.Size, Math.Max(1, CpuDevice.Grain / 4 / Classes), this);

        /// <inheritdoc/>
        public void Run(int from, int to)
        {
            var losses = CpuDevice.Of(Losses);
            if (Inner == 1)
            {
                for (int i = from; i < to; i++)
                {
                    var gradient = Gradient.IsNone ? default : CpuDevice.Of(Gradient).Slice(i * Classes, Classes);
                    losses[i] = Row(CpuDevice.Of(X).Slice(i * Classes, Classes), gradient, Labels.Span[i]);
                }
                return;
            }
            // the classes of one label lie Inner apart: gathered into a row, and its gradient scattered back
            float[] rented = ArrayPool<float>.Shared.Rent(2 * Classes);
            for (int i = from; i < to; i++)
            {
                int at = (i / Inner * Classes * Inner) + (i % Inner);
                Span<float> row = rented.AsSpan(0, Classes), gradient = Gradient.IsNone ? default : rented.AsSpan(Classes, Classes);
                for (int c = 0; c < Classes; c++) { row[c] = CpuDevice.At(X, at + (c * Inner)); }
                losses[i] = Row(row, gradient, Labels.Span[i]);
                for (int c = 0; c < gradient.Length; c++) { CpuDevice.At(Gradient, at + (c * Inner)) = gradient[c]; }
            }
            ArrayPool<float>.Shared.Return(rented);
        }

        private float Row(ReadOnlySpan<float> row, Span<float> gradient, int label)
        {
            if (label == Ignore)
            {
                gradient.Clear();
                return 0;
            }
            ref float x = ref Unsafe.AsRef(in row[0]);
            float max = CpuDevice.FoldRun(default(Extremes.MaxFold), ref x, Classes), sum;
            if (gradient.IsEmpty) { sum = SoftmaxOp.ExpSum(max, ref x, Classes); }
            else
            {
                CpuDevice.MapRange(new SoftmaxOp.ExpFormula(max), ref x, ref gradient[0], Classes);
                sum = CpuDevice.FoldRun(default(Reductions.SumFold), ref gradient[0], Classes);
            }
            float log = MathF.Log(sum), each = Smoothing / Classes;
            var weights = CpuDevice.Of(Weights);
            float right = (1 - Smoothing) * (Weights.IsNone ? 1 : weights[label]), loss = right * (log - (row[label] - max)), all = 0;
            if (Smoothing > 0)
            {
                // Σ w_c (−ln p_c) = Σ w_c · ln Σ e^(x − max) − Σ w_c (x_c − max)
                double shifted = 0;
                for (int c = 0; c < Classes; c++) { shifted += (Weights.IsNone ? 1.0 : weights[c]) * (row[c] - max); }
                all = Weights.IsNone ? Classes : CpuDevice.FoldRun(default(Reductions.SumFold), ref weights[0], Classes);
                loss += each * (float)(((double)all * log) - shifted);
            }
            if (gradient.IsEmpty) { return loss; }
            CpuDevice.MapRange(new GradientFormula(Scale * ((right + (each * all)) / sum), Weights.IsNone ? Scale * each : 0), ref gradient[0], ref gradient[0], Classes);
            gradient[label] -= Scale * right;
            if (Smoothing > 0 && !Weights.IsNone)
            {
                for (int c = 0; c < Classes; c++) { gradient[c] -= Scale * each * weights[c]; }
            }
            return loss;
        }
    }

    internal readonly struct GradientFormula(float scale, float minus) : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L e) where L : struct, ILane<L> => (scale * e) - minus;
    }
}
