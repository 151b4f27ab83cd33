using System.Runtime.CompilerServices;
using DeepEdu.Autograd;
using DeepEdu.Lanes;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>The loss of yes-or-no answers, from logits.</summary>
public static class BinaryCrossEntropyOp
{
    private const string Op = "binary-cross-entropy-with-logits";

    extension(Tensor x)
    {
        /// <summary>−p·t·ln σ(x) − (1 − t)·ln(1 − σ(x)), each times its weight, without overflow or cancellation:
        /// (1 − t)·x + (1 + (p − 1)·t)·(max(−x, 0) + ln(1 + e^−|x|)). Gradient for p = 1: σ(x) − t.</summary>
        /// <param name="targets">t in 0..1, of x's shape; constants.</param>
        /// <param name="posWeight">p: what a missed yes costs; broadcasts to x; a constant.</param>
        /// <param name="weight">Of each value, or a mask; broadcasts to x; a constant. The mean still divides by the number of values, as in PyTorch.</param>
        /// <param name="reduction">None gives x's shape.</param>
        /// <exception cref="ShapeException">Shapes that do not fit.</exception>
        public Tensor BinaryCrossEntropyWithLogits(Tensor targets, Tensor? posWeight = null, Tensor? weight = null, Reduction reduction = Reduction.Mean)
        {
            ArgumentNullException.ThrowIfNull(x);
            ArgumentNullException.ThrowIfNull(targets);
            if (targets.Shape != x.Shape)
            {
                throw new ShapeException(Op, $"logits {x.Shape} with targets {targets.Shape}: they must have one shape{(targets.Size == x.Size ? "; Reshape one of them?" : "")}", x.Shape, targets.Shape);
            }
            Tensor y;
            if (posWeight is null)
            {
                y = x.ZipConstant(targets, default(LossFormula), Op);
                Tape.For(x)?.AddRecordable(y, (x, dy => dy.Pulled(x, targets, default(LossPull), Op)));
            }
            else
            {
                Fits("positive weights", posWeight, x);
                y = x.Zip3Constant(targets, posWeight, default(WeightedFormula), Op);
                Tape.For(x)?.AddRecordable(y, (x, dy => dy * x.Pulled(targets, posWeight, default(WeightedSlope), Op)));
            }
            if (weight is not null)
            {
                Fits("weights", weight, x);
                y *= weight.Detach();
            }
            return reduction switch { Reduction.Mean => y.Mean(), Reduction.Sum => y.Sum(), _ => y };
        }
    }

    private static void Fits(string what, Tensor weight, Tensor x)
    {
        if (Shape.Broadcast(Op, weight.Shape, x.Shape) != x.Shape)
        {
            throw new ShapeException(Op, $"{what} {weight.Shape} do not broadcast to logits {x.Shape}", x.Shape, weight.Shape);
        }
    }

    internal readonly struct LossFormula : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x, L t) where L : struct, ILane<L> => ((1f - t) * x) + Activations.SoftplusOfMinus(x);
    }

    internal readonly struct LossPull : IZip3
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L dy, L x, L t) where L : struct, ILane<L> => dy * (L.Sigmoid(x) - t);
    }

    internal readonly struct WeightedFormula : IZip3
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x, L t, L p) where L : struct, ILane<L> => ((1f - t) * x) + ((1f + ((p - 1f) * t)) * Activations.SoftplusOfMinus(x));
    }

    internal readonly struct WeightedSlope : IZip3
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x, L t, L p) where L : struct, ILane<L> => 1f - t - ((1f + ((p - 1f) * t)) * L.Sigmoid(-x));
    }
}
