using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using DeepEdu.Devices;
using DeepEdu.Lanes;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>How far predictions are from targets. <c>weight</c>, where there is one, multiplies the single values: a weight a sample, or 0 and 1 as a mask; it broadcasts to the
/// loss and is a constant. The mean divides by the number of values, weights or not, as in PyTorch. Cross-entropy and binary cross-entropy from logits are operations of the tensor:
/// <c>logits.CrossEntropy(labels)</c>, <c>logits.BinaryCrossEntropyWithLogits(targets)</c>.</summary>
public static partial class Losses
{
    /// <summary>(x − t)². <c>torch.nn.MSELoss</c>.</summary>
    /// <exception cref="ShapeException">x and t differ in shape.</exception>
    public static Tensor Mse(Tensor x, Tensor target, Tensor? weight = null, Reduction reduction = Reduction.Mean) => Pair("mse", x, target, default(SquaredFormula), weight, reduction);

    /// <summary>|x − t|. <c>torch.nn.L1Loss</c>, Keras' <c>MeanAbsoluteError</c>.</summary>
    /// <exception cref="ShapeException">x and t differ in shape.</exception>
    public static Tensor Mae(Tensor x, Tensor target, Tensor? weight = null, Reduction reduction = Reduction.Mean) => Pair("mae", x, target, default(AbsoluteFormula), weight, reduction);

    /// <summary>½d² for |d| ≤ δ, else δ(|d| − ½δ), with d = x − t: Huber 1964. <c>torch.nn.HuberLoss</c>.</summary>
    /// <exception cref="ShapeException">x and t differ in shape.</exception>
    /// <exception cref="ArgumentOutOfRangeException">δ is not above 0.</exception>
    public static Tensor Huber(Tensor x, Tensor target, float delta = 1, Tensor? weight = null, Reduction reduction = Reduction.Mean)
    {
        if (!(delta > 0)) { throw new ArgumentOutOfRangeException(nameof(delta), $"huber: delta {delta} must be above 0"); }
        return Pair("huber", x, target, new HuberFormula(delta, 1), weight, reduction);
    }

    /// <summary>½d²/β for |d| &lt; β, else |d| − ½β, with d = x − t: Girshick 2015, arXiv:1504.08083, eq. 3. <c>torch.nn.SmoothL1Loss</c>.</summary>
    /// <exception cref="ShapeException">x and t differ in shape.</exception>
    /// <exception cref="ArgumentOutOfRangeException">β is negative.</exception>
    public static Tensor SmoothL1(Tensor x, Tensor target, float beta = 1, Tensor? weight = null, Reduction reduction = Reduction.Mean)
    {
        if (!(beta >= 0)) { throw new ArgumentOutOfRangeException(nameof(beta), $"smooth-l1: beta {beta} must not be negative"); }
        return beta == 0 ? Mae(x, target, weight, reduction) : Pair("smooth-l1", x, target, new HuberFormula(beta, 1 / beta), weight, reduction);
    }

    /// <summary>−t ln p − (1 − t) ln(1 − p) of probabilities, both logarithms at least −100. <c>torch.nn.BCELoss</c>. From logits, <c>BinaryCrossEntropyWithLogits</c> is exact
    /// where this one saturates. No gradient reaches the targets.</summary>
    /// <exception cref="ShapeException">p and t differ in shape.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A p is below 0 or above 1 (looked at on the CPU).</exception>
    public static Tensor BinaryCrossEntropy(Tensor p, Tensor target, Tensor? weight = null, Reduction reduction = Reduction.Mean)
    {
        ArgumentNullException.ThrowIfNull(target);
        Same("binary-cross-entropy", p, target);
        if (p.Device is CpuDevice && p.Size > 0 && Recording.Current is null)
        {
            var values = CpuDevice.Of(p.View);
            float low = System.Numerics.Tensors.TensorPrimitives.Min<float>(values), high = System.Numerics.Tensors.TensorPrimitives.Max<float>(values);
            if (low < 0 || high > 1) { ThrowProbability(low < 0 ? low : high); } // NaN is left to the loss
        }
        return Reduce("binary-cross-entropy", p.Zip(target.Detach(), default(BinaryFormula), default(BinaryPull), default(NoPull), "binary-cross-entropy"), weight, reduction);
    }

    /// <summary>Σ t (ln t − x) with log-probabilities x: how far the distribution eˣ is from t; 0·ln 0 = 0. The mean divides by the size of the first axis, PyTorch's
    /// <c>reduction="batchmean"</c>. No gradient reaches the targets. Kullback and Leibler 1951.</summary>
    /// <exception cref="ShapeException">x and t differ in shape.</exception>
    public static Tensor KlDivergence(Tensor logProbabilities, Tensor target, Reduction reduction = Reduction.Mean)
    {
        ArgumentNullException.ThrowIfNull(target);
        Same("kl-divergence", logProbabilities, target);
        var y = logProbabilities.Zip(target.Detach(), default(KlFormula), default(KlPull), default(NoPull), "kl-divergence");
        return reduction switch
        {
            Reduction.Mean => y.Sum() / (y.Rank == 0 ? 1 : y.Shape[0]),
            Reduction.Sum => y.Sum(),
            _ => y,
        };
    }

    /// <summary>−w_y · x_y with log-probabilities x [N, C] and classes y [N]. <c>torch.nn.NLLLoss</c>: cross-entropy after <c>LogSoftmax</c>.</summary>
    /// <param name="logProbabilities">x.</param>
    /// <param name="labels">y.</param>
    /// <param name="classWeights">w [C], or 1 for each; constants. The mean is then Σ loss / Σ w_y.</param>
    /// <param name="ignoreIndex">A label that counts neither in loss nor in mean.</param>
    /// <param name="reduction">None gives [N].</param>
    /// <exception cref="ShapeException">Shapes that do not fit.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A label that is no class.</exception>
    /// <exception cref="InvalidOperationException">The weights live on another device.</exception>
    public static Tensor NegativeLogLikelihood(Tensor logProbabilities, Indices labels, Tensor? classWeights = null, int ignoreIndex = -100, Reduction reduction = Reduction.Mean)
    {
        ArgumentNullException.ThrowIfNull(logProbabilities);
        ArgumentNullException.ThrowIfNull(labels);
        var x = logProbabilities;
        if (x.Rank != 2 || labels.Shape != [x.Shape[0]]) { ThrowLabels(x.Shape, labels.Shape); }
        if (classWeights is not null && classWeights.Shape != [x.Shape[1]]) { ThrowWeights(x.Shape, classWeights.Shape); }
        if (classWeights is not null) { Elementwise.SameDevice("negative-log-likelihood", x, classWeights); }
        int[] rows = labels.ToArray();
        float[] skipped = new float[rows.Length];
        int count = rows.Length;
        for (int i = 0; i < rows.Length; i++)
        {
            if (rows[i] == ignoreIndex) { (rows[i], skipped[i], count) = (0, 1, count - 1); }
            else if ((uint)rows[i] >= (uint)x.Shape[1]) { ThrowLabel(rows[i], i, x.Shape[1], ignoreIndex); }
        }
        var picked = x.Gather(1, Indices.Wrap(rows, [rows.Length, 1])).Reshape([rows.Length]);
        var weights = classWeights?.Detach().IndexSelect(0, rows);
        if (count < rows.Length)
        {
            // not 0 times an ignored value, which may be −∞
            var skip = Tensor.Of([rows.Length], skipped, x.Device);
            (picked, weights) = (picked.MaskedFill(skip, 0), weights?.MaskedFill(skip, 0));
        }
        var y = 0 - (weights is null ? picked : picked * weights);
        return reduction switch { Reduction.Mean => weights is null ? y.Sum() / count : y.Sum() / weights.Sum(), Reduction.Sum => y.Sum(), _ => y };
    }

    private static Tensor Pair<F>(string op, Tensor x, Tensor target, F formula, Tensor? weight, Reduction reduction) where F : unmanaged, IZip
    {
        Same(op, x, target);
        return Reduce(op, x.Zip(target, formula, op), weight, reduction);
    }

    internal static Tensor Reduce(string op, Tensor y, Tensor? weight, Reduction reduction)
    {
        if (weight is not null)
        {
            if (Shape.Broadcast(op, weight.Shape, y.Shape) != y.Shape) { throw new ShapeException(op, $"weights {weight.Shape} do not broadcast to the losses {y.Shape}", y.Shape, weight.Shape); }
            y *= weight.Detach();
        }
        return reduction switch { Reduction.Mean => y.Mean(), Reduction.Sum => y.Sum(), _ => y };
    }

    // [N] and [N, 1] would broadcast to [N, N]: the most common silent mistake
    private static void Same(string op, Tensor x, Tensor target, [CallerArgumentExpression(nameof(x))] string? nameOfX = null, [CallerArgumentExpression(nameof(target))] string? nameOfTarget = null)
    {
        ArgumentNullException.ThrowIfNull(x, nameOfX);
        ArgumentNullException.ThrowIfNull(target, nameOfTarget);
        if (x.Shape != target.Shape)
        {
            throw new ShapeException(op, $"predictions {x.Shape} with targets {target.Shape}: they must have one shape{(x.Size == target.Size ? "; Reshape one of them?" : "")}", x.Shape, target.Shape);
        }
    }

    [DoesNotReturn]
    private static void ThrowProbability(float p) =>
        throw new ArgumentOutOfRangeException(null, $"binary-cross-entropy: {p} is no probability; take the Sigmoid of logits first or, better, BinaryCrossEntropyWithLogits of the logits");

    [DoesNotReturn]
    private static void ThrowLabels(Shape x, Shape labels) => throw new ShapeException("negative-log-likelihood", $"log-probabilities {x} with labels {labels}: expected [N,C] and [N]", x, labels);

    [DoesNotReturn]
    private static void ThrowWeights(Shape x, Shape weights) => throw new ShapeException("negative-log-likelihood", $"class weights {weights} for log-probabilities {x}: expected [{x[1]}]", x, weights);

    [DoesNotReturn]
    private static void ThrowLabel(int label, int at, int classes, int ignore) =>
        throw new ArgumentOutOfRangeException(null, $"negative-log-likelihood: label {label} at position {at} is outside 0..{classes - 1} and is not the ignored one, {ignore}");

    internal readonly struct SquaredFormula : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x, L t) where L : struct, ILane<L> => (x - t) * (x - t);
    }

    internal readonly struct AbsoluteFormula : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x, L t) where L : struct, ILane<L> => L.Abs(x - t);
    }

    internal readonly struct HuberFormula(float delta, float scale) : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x, L t) where L : struct, ILane<L>
        {
            var d = L.Abs(x - t);
            return scale * L.WhereGreater(d, delta, delta * (d - (0.5f * delta)), 0.5f * d * d);
        }
    }

    internal readonly struct BinaryFormula : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L p, L t) where L : struct, ILane<L> => -((t * L.Max(L.Log(p), -100f)) + ((1f - t) * L.Max(L.Log(1f - p), -100f)));
    }

    internal readonly struct BinaryPull : IZip3
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L dy, L p, L t) where L : struct, ILane<L> => dy * (p - t) / L.Max(p * (1f - p), 1e-12f);
    }

    internal readonly struct KlFormula : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x, L t) where L : struct, ILane<L> => L.WhereGreater(t, 0f, t * (L.Log(t) - x), 0f);
    }

    internal readonly struct KlPull : IZip3
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L dy, L x, L t) where L : struct, ILane<L> => -(dy * t);
    }

    // targets are detached: never asked for
    internal readonly struct NoPull : IZip3
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L dy, L a, L b) where L : struct, ILane<L> => 0f;
    }
}
