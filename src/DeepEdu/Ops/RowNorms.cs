using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Kernels;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>Normalisations of each sample by itself: the same while learning and in use.</summary>
public static class RowNorms
{
    extension(Tensor x)
    {
        /// <summary>y = (x − E[x]) / √(Var[x] + ε) ⊙ weight + bias over the last axes. Ba, Kiros, Hinton 2016, arXiv:1607.06450, eq. 3.</summary>
        /// <param name="normalized">The sizes of the axes that are normalised together: x's last ones.</param>
        /// <param name="weight">Of that shape; none is 1.</param>
        /// <param name="bias">Of that shape; none is 0.</param>
        /// <param name="eps">ε.</param>
        /// <returns>x's shape.</returns>
        /// <exception cref="ShapeException">x does not end in those sizes, or weight or bias has another shape.</exception>
        public Tensor LayerNorm(Shape normalized, Tensor? weight = null, Tensor? bias = null, float eps = 1e-5f) =>
            x.RowNorm("layer-norm", normalized, weight, bias, eps, centre: true);

        /// <summary>y = x / √(mean of x² + ε) ⊙ weight over the last axes. Zhang, Sennrich 2019, arXiv:1910.07467, eq. 4.</summary>
        /// <param name="normalized">The sizes of the axes that are normalised together: x's last ones.</param>
        /// <param name="weight">Of that shape; none is 1.</param>
        /// <param name="eps">ε.</param>
        /// <returns>x's shape.</returns>
        /// <exception cref="ShapeException">x does not end in those sizes, or the weight has another shape.</exception>
        public Tensor RmsNorm(Shape normalized, Tensor? weight = null, float eps = 1e-5f) =>
            x.RowNorm("rms-norm", normalized, weight, null, eps, centre: false);
    }

    private static Tensor RowNorm(this Tensor x, string op, Shape normalized, Tensor? weight, Tensor? bias, float eps, bool centre)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.Rank < normalized.Rank || normalized.Rank == 0 || !x.Shape.Sizes[^normalized.Rank..].SequenceEqual(normalized.Sizes)) { ThrowNormalized(op, x.Shape, normalized); }
        CheckAffine(op, x, normalized, weight, bias);
        int n = normalized.Size, rows = n == 0 ? 0 : x.Size / n;
        var y = Tensor.Empty(x.Shape, x.Device);
        var statistics = Tensor.Empty([2, rows], x.Device);
        x.Device.Launch(new RowNormKernel(x.View, View(weight), View(bias), y.View, statistics.View, rows, n, eps, centre));
        Tensor[] inputs = [x, .. weight is null ? [] : (Tensor[])[weight], .. bias is null ? [] : (Tensor[])[bias]];
        if (Tape.For(inputs) is { } tape)
        {
            tape.AddRecordable([y], inputs, (dOutputs, dInputs) =>
            {
                if (Tape.Recording is not null)
                {
                    tape.Through(() => [Composed(x, [.. Enumerable.Range(x.Rank - normalized.Rank, normalized.Rank)], weight, bias, eps, centre)], dOutputs, inputs, dInputs);
                    return;
                }
                for (int i = 0; i < inputs.Length; i++) { dInputs[i] = i == 0 || tape.Wants(inputs[i]) ? Tensor.Empty(inputs[i].Shape, x.Device) : null; }
                var dWeight = weight is null ? null : dInputs[1];
                var dBias = bias is null ? null : dInputs[^1];
                x.Device.Launch(new RowNormPullKernel(dOutputs[0]!.View, x.View, View(weight), statistics.View, View(tape.TakeGradient(x)), dInputs[0]!.View, View(dWeight), View(dBias), rows, n, centre));
            });
        }
        return y;
    }

    /// <summary>The same in other operations.</summary>
    /// <param name="x">The values.</param>
    /// <param name="axes">Those that are normalised together.</param>
    /// <param name="weight">Broadcasts to x; none is 1.</param>
    /// <param name="bias">Broadcasts to x; none is 0.</param>
    /// <param name="eps">ε.</param>
    /// <param name="centre">Whether the mean is taken off.</param>
    internal static Tensor Composed(Tensor x, int[] axes, Tensor? weight, Tensor? bias, float eps, bool centre)
    {
        if (centre) { x -= x.Mean(axes, keepDims: true); }
        var y = x * (x.Square().Mean(axes, keepDims: true) + eps).Rsqrt();
        if (weight is not null) { y *= weight; }
        return bias is null ? y : y + bias;
    }

    internal static View View(Tensor? t) => t?.View ?? default;

    internal static ref float At(View v, int offset = 0) => ref v.IsNone ? ref Unsafe.NullRef<float>() : ref CpuDevice.At(v, offset);

    internal static void CheckAffine(string op, Tensor x, Shape wanted, Tensor? weight, Tensor? bias, string weightName = "weight", string biasName = "bias")
    {
        Check(weight, weightName);
        Check(bias, biasName);

        void Check(Tensor? t, string name)
        {
            if (t is null) { return; }
            if (t.Shape != wanted) { ThrowAffine(op, x.Shape, name, t.Shape, wanted); }
            Elementwise.SameDevice(op, x, t);
        }
    }

    [DoesNotReturn]
    private static void ThrowNormalized(string op, Shape x, Shape normalized) =>
        throw new ShapeException(op, $"{x} does not end in {normalized}, the axes to normalise{(normalized.Rank == 0 ? "; name at least one" : "")}", x, normalized);

    [DoesNotReturn]
    private static void ThrowAffine(string op, Shape x, string name, Shape got, Shape wanted) =>
        throw new ShapeException(op, $"{name} {got} for {x}: it must be {wanted}", x, got);

    /// <summary>Normalises each row of X [rows, n]. Statistics [2, rows] keeps what was subtracted and the factor. Without Centre nothing is subtracted.</summary>
    public readonly record struct RowNormKernel(View X, View Weight, View Bias, View Y, View Statistics, int Rows, int N, float Eps, bool Centre) : IKernel
    {
        /// <inheritdoc/>
        public static string Name => "row-norm";

        /// <inheritdoc/>
        public void Run()
        {
            if (Y.Length > 0) { Work.For(Rows, Math.Max(1, CpuDevice.Grain / 4 / N), new Range(this)); } // a row is gone through three times
        }

        private readonly struct Range(RowNormKernel k) : IRange
        {
            public void Run(int from, int to)
            {
                nint n = k.N;
                ref float x = ref CpuDevice.At(k.X), y = ref CpuDevice.At(k.Y), weight = ref At(k.Weight), bias = ref At(k.Bias), means = ref CpuDevice.At(k.Statistics), scales = ref CpuDevice.At(k.Statistics, k.Rows);
                int rows = RowsAtOnce(k.N);
                Span<(float Left, float Squares)> sums = stackalloc (float, float)[rows];
                for (int first = from; first < to; first += rows)
                {
                    int last = Math.Min(first + rows, to);
                    for (int row = first; row < last; row++) { Unsafe.Add(ref means, row) = k.Centre ? NormRows.Sum(ref Unsafe.Add(ref x, row * n), n) / n : 0; }
                    for (int row = first; row < last; row++) { sums[row - first] = NormRows.Moments(ref Unsafe.Add(ref x, row * n), n, Unsafe.Add(ref means, row)); }
                    for (int row = first; row < last; row++)
                    {
                        // what rounding left in the mean is taken out
                        var (rest, squares) = sums[row - first];
                        float variance = (squares - (k.Centre ? rest * rest / n : 0)) / n;
                        if (k.Centre) { Unsafe.Add(ref means, row) += rest / n; }
                        Unsafe.Add(ref scales, row) = 1 / MathF.Sqrt(variance + k.Eps);
                    }
                    for (int row = first; row < last; row++)
                    {
                        NormRows.Normalise(ref Unsafe.Add(ref x, row * n), ref weight, ref bias, ref Unsafe.Add(ref y, row * n), n, Unsafe.Add(ref means, row), Unsafe.Add(ref scales, row));
                    }
                }
            }
        }
    }

    // one stage after the other over some rows, so that one row's sums hide the latency of another's; what they hold stays in the first-level cache
    private static int RowsAtOnce(int n) => Math.Clamp(2048 / n, 1, 16);

    /// <summary>The way back of <see cref="RowNormKernel"/>: with g = dy ⊙ weight, x̂ the normalised row and means over the row, dx = scale · (g − mean(g) − x̂ · mean(g ⊙ x̂)),
    /// dWeight = Σ over rows of dy ⊙ x̂, dBias = Σ over rows of dy. What other operations gave for dx before, if there is something, is added.</summary>
    public readonly record struct RowNormPullKernel(View Dy, View X, View Weight, View Statistics, View Before, View Dx, View DWeight, View DBias, int Rows, int N, bool Centre) : IKernel
    {
        private const int Gap = 32; // two cache lines, which the processor fetches in pairs

        /// <inheritdoc/>
        public static string Name => "row-norm-pull";

        /// <inheritdoc/>
        public void Run()
        {
            if (!DWeight.IsNone) { CpuDevice.Of(DWeight).Clear(); }
            if (!DBias.IsNone) { CpuDevice.Of(DBias).Clear(); }
            if (Dx.Length == 0) { return; }
            // each chunk of rows adds up its own weight gradient, well apart from its neighbours', whose threads would wait for the cache line between; they are joined in order
            int rows = Math.Max(8, CpuDevice.Grain / N), chunks = (Rows + rows - 1) / rows, each = ((DWeight.IsNone ? 0 : 1) + (DBias.IsNone ? 0 : 1)) * N, step = each + Gap;
            float[] partial = ArrayPool<float>.Shared.Rent(chunks * step);
            partial.AsSpan(0, chunks * step).Clear();
            Work.Run(chunks, new Chunks(this, rows, each, partial));
            for (int c = 0; c < chunks; c++)
            {
                if (!DWeight.IsNone) { Add(DWeight, partial.AsSpan(c * step, N)); }
                if (!DBias.IsNone) { Add(DBias, partial.AsSpan((c * step) + each - N, N)); }
            }
            ArrayPool<float>.Shared.Return(partial);
        }

        private static void Add(View to, ReadOnlySpan<float> part) => System.Numerics.Tensors.TensorPrimitives.Add(CpuDevice.Of(to), part, CpuDevice.Of(to));

        private readonly struct Chunks(RowNormPullKernel k, int rows, int each, float[] partial) : IChunks
        {
            public void Run(int chunk)
            {
                int n = k.N, end = Math.Min(k.Rows, (chunk + 1) * rows);
                ref float dWeight = ref k.DWeight.IsNone ? ref Unsafe.NullRef<float>() : ref partial[chunk * (each + Gap)];
                ref float dBias = ref k.DBias.IsNone ? ref Unsafe.NullRef<float>() : ref partial[(chunk * (each + Gap)) + each - n];
                ref float dys = ref CpuDevice.At(k.Dy), xs = ref CpuDevice.At(k.X), dxs = ref CpuDevice.At(k.Dx), weight = ref At(k.Weight), means = ref CpuDevice.At(k.Statistics), scales = ref CpuDevice.At(k.Statistics, k.Rows);
                for (int row = chunk * rows; row < end; row++)
                {
                    ref float dy = ref Unsafe.Add(ref dys, (nint)row * n), x = ref Unsafe.Add(ref xs, (nint)row * n);
                    float mean = Unsafe.Add(ref means, row), scale = Unsafe.Add(ref scales, row);
                    var (g, gx) = NormRows.Sums(ref dy, ref x, ref weight, ref dWeight, ref dBias, n, mean, scale);
                    ref float before = ref k.Before.IsNone ? ref Unsafe.NullRef<float>() : ref CpuDevice.At(k.Before, row * n);
                    NormRows.Pull(ref dy, ref x, ref weight, ref before, ref Unsafe.Add(ref dxs, (nint)row * n), n, mean, scale, k.Centre ? g / n : 0, gx / n, scale);
                }
            }
        }
    }
}
