using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using DeepEdu.Autograd;
using DeepEdu.Lanes;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>Small words of matrices and images, made of other operations.</summary>
public static class Matrices
{
    extension(Tensor x)
    {
        /// <summary>Σᵢ x[.., i, i], the sum of the diagonal of the last two axes.</summary>
        /// <exception cref="ShapeException">Fewer than two axes.</exception>
        public Tensor Trace() => x.Diagonal().Sum(-1);

        /// <summary>A matrix with the values of the last axis on its diagonal and 0 elsewhere: [.., n] to [.., n, n]. PyTorch's <c>diag_embed</c>.</summary>
        /// <exception cref="ShapeException">x has no axis.</exception>
        public Tensor DiagEmbed()
        {
            ArgumentNullException.ThrowIfNull(x);
            var s = x.Shape;
            if (s.Rank == 0) { throw new ShapeException("diag-embed", $"{s} has no axis to lay on a diagonal", s); }
            int n = s[^1];
            var y = Placed(x);
            Tape.For(x)?.AddRecordable(y, (x, dy => dy.Diagonal()));
            return y;

            Tensor Placed(Tensor x)
            {
                var y = Tensor.Zeros([.. s.Sizes, n], x.Device);
                Span<int> steps = stackalloc int[s.Rank + 1];
                Strides.RowMajor(y.Shape, steps);
                steps[^2] = n + 1;
                y.Put("diag-embed", x, steps[..^1], 0);
                return y;
            }
        }

        /// <summary>Each value of x times the whole of b: [m, n] and [p, q] to [m·p, n·q]. Of higher ranks, axis by axis.</summary>
        /// <exception cref="ShapeException">The ranks differ.</exception>
        public Tensor Kron(Tensor b)
        {
            ArgumentNullException.ThrowIfNull(x);
            ArgumentNullException.ThrowIfNull(b);
            if (x.Rank != b.Rank) { throw new ShapeException("kron", $"{x.Shape} and {b.Shape} must have as many axes; add some with Unsqueeze?", x.Shape, b.Shape); }
            int[] wide = new int[2 * x.Rank], each = new int[2 * x.Rank], to = new int[x.Rank];
            for (int i = 0; i < to.Length; i++)
            {
                (wide[2 * i], wide[(2 * i) + 1], each[2 * i], each[(2 * i) + 1]) = (x.Shape[i], 1, 1, b.Shape[i]);
                to[i] = x.Shape[i] * b.Shape[i];
            }
            return (x.Reshape(wide) * b.Reshape(each)).Reshape(to);
        }

        /// <summary>The Euclidean distance of each row of x to each of b: [.., m, d] and [.., n, d] to [.., m, n]. The differences themselves are squared, so near rows lose no digits. PyTorch's <c>cdist</c>.</summary>
        /// <exception cref="ShapeException">The last sizes differ, or an operand has fewer than two axes.</exception>
        public Tensor CDist(Tensor b)
        {
            ArgumentNullException.ThrowIfNull(x);
            ArgumentNullException.ThrowIfNull(b);
            if (x.Rank < 2 || b.Rank < 2 || x.Shape[^1] != b.Shape[^1]) { throw new ShapeException("cdist", $"rows of {x.Shape} and {b.Shape}: both must be [.., rows, width] of one width", x.Shape, b.Shape); }
            return (x.Unsqueeze(-2) - b.Unsqueeze(-3)).Norm(2, -1);
        }

        /// <summary>Channels in groups of r² become r × r blocks of pixels: [.., C·r², H, W] to [.., C, H·r, W·r]. Shi et al. 2016, arXiv:1609.05158, eq. 4.</summary>
        /// <exception cref="ShapeException">Fewer than three axes, or r² does not divide the channels.</exception>
        public Tensor PixelShuffle(int r)
        {
            ArgumentNullException.ThrowIfNull(x);
            var s = x.Shape;
            if (s.Rank < 3 || r < 1 || s[^3] % ((long)r * r) != 0) { ThrowPixels("pixel-shuffle", s, r, "r² must divide C"); }
            int n = s.Product(0, s.Rank - 3), c = s[^3] / (r * r), h = s[^2], w = s[^1];
            return x.Reshape(n, c, r, r, h, w).Permute(0, 1, 4, 2, 5, 3).Reshape([.. s.Sizes[..^3], c, h * r, w * r]);
        }

        /// <summary>The way back of <c>PixelShuffle</c>: [.., C, H·r, W·r] to [.., C·r², H, W].</summary>
        /// <exception cref="ShapeException">Fewer than three axes, or r does not divide height and width.</exception>
        public Tensor PixelUnshuffle(int r)
        {
            ArgumentNullException.ThrowIfNull(x);
            var s = x.Shape;
            if (s.Rank < 3 || r < 1 || s[^2] % r != 0 || s[^1] % r != 0) { ThrowPixels("pixel-unshuffle", s, r, "r must divide H and W"); }
            int n = s.Product(0, s.Rank - 3), c = s[^3], h = s[^2] / r, w = s[^1] / r;
            return x.Reshape(n, c, h, r, w, r).Permute(0, 1, 3, 5, 2, 4).Reshape([.. s.Sizes[..^3], c * r * r, h, w]);
        }

        /// <summary>Σ x over the axes, or all, leaving NaN out.</summary>
        /// <exception cref="ShapeException">No such axis, or one named twice.</exception>
        public Tensor NanSum(ReadOnlySpan<int> axes = default, bool keepDims = false) => x.MaskedFill(x.IsNaN(), 0).Sum(axes, keepDims);

        /// <summary>The mean over the axes, or all, of the values that are not NaN; NaN where none is left.</summary>
        /// <exception cref="ShapeException">No such axis, or one named twice.</exception>
        public Tensor NanMean(ReadOnlySpan<int> axes = default, bool keepDims = false) => x.NanSum(axes, keepDims) / x.Detach().IsNaN().LogicalNot().Sum(axes, keepDims);

        /// <summary>ln(eᵃ + eᵇ) of two tensors that broadcast, without overflow; −∞ adds nothing. Gradients σ(a − b) and σ(b − a).</summary>
        /// <exception cref="ShapeException">The shapes do not broadcast.</exception>
        public Tensor LogAddExp(Tensor b)
        {
            ArgumentNullException.ThrowIfNull(x);
            ArgumentNullException.ThrowIfNull(b);
            return x.Zip(b, default(LogAddExpFormula), default(LogAddExpPullA), default(LogAddExpPullB), "log-add-exp");
        }

        /// <summary>x + w·(b − x): x at w = 0, b at 1. PyTorch's <c>lerp</c>.</summary>
        /// <exception cref="ShapeException">The shapes do not broadcast.</exception>
        public Tensor Lerp(Tensor b, float w)
        {
            ArgumentNullException.ThrowIfNull(x);
            ArgumentNullException.ThrowIfNull(b);
            return w < 0.5f ? x + ((b - x) * w) : b - ((b - x) * (1 - w)); // exact at both ends
        }
    }

    internal readonly struct LogAddExpFormula : IZip
    {
        // of two equal infinities no difference can be made
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L a, L b) where L : struct, ILane<L> => L.Max(a, b) + Functions.Log1p(L.Exp(L.WhereEqual(a, b, 0f, -L.Abs(a - b))));
    }

    internal readonly struct LogAddExpPullA : IZip3
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L dy, L a, L b) where L : struct, ILane<L> => dy * L.Sigmoid(L.WhereEqual(a, b, 0f, a - b));
    }

    internal readonly struct LogAddExpPullB : IZip3
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L dy, L a, L b) where L : struct, ILane<L> => dy * L.Sigmoid(L.WhereEqual(a, b, 0f, b - a));
    }

    [DoesNotReturn]
    private static void ThrowPixels(string op, Shape x, int r, string why) => throw new ShapeException(op, $"{x} by {r}: x must be [.., C, H, W], and {why}", x);
}
