using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Kernels;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>Normalisation of each channel over the batch. Ioffe, Szegedy 2015, arXiv:1502.03167, algorithms 1 and 2.</summary>
public static class BatchNorms
{
    extension(Tensor x)
    {
        /// <summary>y = (x − μ) / √(σ² + ε) · weight + bias, a channel at a time. While learning (<see cref="Tape.IsTraining"/>) μ and σ² are the batch's, and the running statistics
        /// move towards them: running += momentum · (batch − running), with the unbiased variance. In use, they are the running statistics.</summary>
        /// <param name="runningMean">[C], changed in place while learning; null: the batch's statistics are always used.</param>
        /// <param name="runningVariance">[C], together with the mean.</param>
        /// <param name="weight">[C]; none is 1.</param>
        /// <param name="bias">[C]; none is 0.</param>
        /// <param name="momentum">How far the running statistics move, as PyTorch counts it.</param>
        /// <param name="eps">ε.</param>
        /// <param name="training">Whether to act as while learning; the tape says so if null. A frozen layer in a model that learns is false.</param>
        /// <returns>x's shape: [N, C] or [N, C, ..].</returns>
        /// <exception cref="ShapeException">x has no axis 1, a channel has fewer than two values to learn from, or another input is not [C].</exception>
        public Tensor BatchNorm(Tensor? runningMean, Tensor? runningVariance, Tensor? weight = null, Tensor? bias = null, float momentum = 0.1f, float eps = 1e-5f, bool? training = null)
        {
            ArgumentNullException.ThrowIfNull(x);
            var s = x.Shape;
            if (s.Rank < 2) { ThrowRank(s); }
            int n = s[0], c = s[1], inner = s.Product(2, s.Rank);
            RowNorms.CheckAffine("batch-norm", x, [c], weight, bias);
            if ((runningMean is null) != (runningVariance is null)) { ThrowRunning(s); }
            RowNorms.CheckAffine("batch-norm", x, [c], runningMean, runningVariance, "running mean", "running variance");
            bool batch = (training ?? Tape.IsTraining) || runningMean is null;
            if (batch && n * inner < 2) { ThrowAlone(s); }
            if (Tape.IsReplaying) { momentum = 0; }
            var y = Tensor.Empty(s, x.Device);
            var statistics = Tensor.Empty([2, c], x.Device);
            x.Device.Launch(new BatchNormKernel(x.View, RowNorms.View(weight), RowNorms.View(bias), RowNorms.View(runningMean), RowNorms.View(runningVariance),
                y.View, statistics.View, n, c, inner, momentum, eps, batch));
            Tensor[] inputs = [x, .. weight is null ? [] : (Tensor[])[weight], .. bias is null ? [] : (Tensor[])[bias]];
            if (Tape.For(inputs) is { } tape)
            {
                tape.AddRecordable([y], inputs, (dOutputs, dInputs) =>
                {
                    if (Tape.Recording is not null)
                    {
                        tape.Through(() => [Composed(x, weight, bias, batch ? null : statistics, eps)], dOutputs, inputs, dInputs);
                        return;
                    }
                    for (int i = 0; i < inputs.Length; i++) { dInputs[i] = tape.Wants(inputs[i]) ? Tensor.Empty(inputs[i].Shape, x.Device) : null; }
                    x.Device.Launch(new BatchNormPullKernel(dOutputs[0]!.View, x.View, RowNorms.View(weight), statistics.View, RowNorms.View(dInputs[0]),
                        RowNorms.View(weight is null ? null : dInputs[1]), RowNorms.View(bias is null ? null : dInputs[^1]), n, c, inner, batch));
                });
            }
            return y;
        }
    }

    // the same in other operations; with statistics at hand they are constants
    private static Tensor Composed(Tensor x, Tensor? weight, Tensor? bias, Tensor? statistics, float eps)
    {
        Shape channels = [x.Shape[1], .. Enumerable.Repeat(1, x.Rank - 2)];
        var (w, b) = (weight?.Reshape(channels), bias?.Reshape(channels));
        if (statistics is null) { return RowNorms.Composed(x, [0, .. Enumerable.Range(2, x.Rank - 2)], w, b, eps, centre: true); }
        var y = (x - statistics[0].Reshape(channels)) * statistics[1].Reshape(channels);
        if (w is not null) { y *= w; }
        return b is null ? y : y + b;
    }

    // channels one after the other
    private static int ChannelsAChunk(int n, int inner) => Math.Max(1, CpuDevice.Grain / Math.Max(1, n * inner));

    [DoesNotReturn]
    private static void ThrowRank(Shape x) => throw new ShapeException("batch-norm", $"{x} is not [N, C] or [N, C, ..]; add the batch axis with Unsqueeze(0)?", x);

    [DoesNotReturn]
    private static void ThrowRunning(Shape x) => throw new ShapeException("batch-norm", $"{x}: give both running mean and running variance, or neither", x);

    [DoesNotReturn]
    private static void ThrowAlone(Shape x) => throw new ShapeException("batch-norm", $"{x}: a channel has fewer than two values, so the batch has no variance; use a larger batch, or a tape with training: false", x);

    /// <summary>Normalises each channel of X [n, c, inner]. Statistics [2, c] keeps what was subtracted and the factor.</summary>
    public readonly unsafe record struct BatchNormKernel(View X, View Weight, View Bias, View RunningMean, View RunningVariance, View Y, View Statistics,
        int N, int C, int Inner, float Momentum, float Eps, bool Batch) : IKernel
    {
        /// <inheritdoc/>
        public static string Name => "batch-norm";

        /// <inheritdoc/>
        public void Run()
        {
            if (Y.Length == 0) { return; }
            if (Inner > 1)
            {
                Work.For(C, Batch ? ChannelsAChunk(N, Inner) : C, new Channels(this));
                // with statistics at hand planes are gone through as they lie
                if (!Batch) { Work.For(N * C, Math.Max(1, CpuDevice.Grain / Inner), new Planes(this)); }
                return;
            }
            fixed (float* x = CpuDevice.Of(X), weight = CpuDevice.Of(Weight), bias = CpuDevice.Of(Bias), mean = CpuDevice.Of(RunningMean), variance = CpuDevice.Of(RunningVariance), y = CpuDevice.Of(Y),
                statistics = CpuDevice.Of(Statistics))
            {
                NormColumns.Forward(x, weight, bias, mean, variance, y, statistics, statistics + C, N, C, Momentum, Eps, Batch);
            }
        }

        private readonly struct Planes(BatchNormKernel k) : IRange
        {
            public void Run(int from, int to)
            {
                for (int plane = from; plane < to; plane++) { k.Normalise(plane); }
            }
        }

        private void Normalise(int plane)
        {
            int c = plane % C, at = plane * Inner;
            float mean = CpuDevice.At(Statistics, c), scale = CpuDevice.At(Statistics, C + c), factor = Weight.IsNone ? scale : scale * CpuDevice.At(Weight, c), offset = Bias.IsNone ? 0 : CpuDevice.At(Bias, c);
            NormRows.Normalise(ref CpuDevice.At(X, at), ref Unsafe.NullRef<float>(), ref Unsafe.NullRef<float>(), ref CpuDevice.At(Y, at), Inner, mean, factor, offset);
        }

        private readonly struct Channels(BatchNormKernel k) : IRange
        {
            public void Run(int from, int to)
            {
                for (int c = from; c < to; c++)
                {
                    var (mean, variance) = k.Batch ? OfBatch(c) : (CpuDevice.At(k.RunningMean, c), CpuDevice.At(k.RunningVariance, c));
                    CpuDevice.At(k.Statistics, c) = mean;
                    CpuDevice.At(k.Statistics, k.C + c) = 1 / MathF.Sqrt(variance + k.Eps);
                    for (int i = 0; k.Batch && i < k.N; i++) { k.Normalise((i * k.C) + c); }
                }
            }

            private (float Mean, float Variance) OfBatch(int c)
            {
                float count = k.N * k.Inner, mean = Moments(c, 0).Sum / count;
                var (rest, squares) = Moments(c, mean);
                // what rounding left in the mean is taken out
                float variance = (squares - (rest * rest / count)) / count;
                if (!k.RunningMean.IsNone)
                {
                    CpuDevice.At(k.RunningMean, c) += k.Momentum * (mean - CpuDevice.At(k.RunningMean, c));
                    CpuDevice.At(k.RunningVariance, c) += k.Momentum * ((variance * (count / (count - 1))) - CpuDevice.At(k.RunningVariance, c));
                }
                return (mean, variance);
            }

            private (float Sum, float Squares) Moments(int c, float shift)
            {
                float sum = 0, squares = 0;
                for (int i = 0; i < k.N; i++)
                {
                    var (s, q) = NormRows.Moments(ref CpuDevice.At(k.X, ((i * k.C) + c) * k.Inner), k.Inner, shift);
                    sum += s;
                    squares += q;
                }
                return (sum, squares);
            }
        }
    }

    /// <summary>The way back of <see cref="BatchNormKernel"/>: with x̂ the normalised values and means over a channel, dBias = Σ dy, dWeight = Σ dy ⊙ x̂,
    /// dx = weight · scale · (dy − mean(dy) − x̂ · mean(dy ⊙ x̂)); with running statistics, dx = weight · scale · dy.</summary>
    public readonly unsafe record struct BatchNormPullKernel(View Dy, View X, View Weight, View Statistics, View Dx, View DWeight, View DBias, int N, int C, int Inner, bool Batch) : IKernel
    {
        /// <inheritdoc/>
        public static string Name => "batch-norm-pull";

        /// <inheritdoc/>
        public void Run()
        {
            if (!DWeight.IsNone) { CpuDevice.Of(DWeight).Clear(); }
            if (!DBias.IsNone) { CpuDevice.Of(DBias).Clear(); }
            if (Dy.Length == 0) { return; }
            if (Inner > 1) { Work.For(C, ChannelsAChunk(N, Inner), new Range(this)); return; }
            fixed (float* dy = CpuDevice.Of(Dy), x = CpuDevice.Of(X), weight = CpuDevice.Of(Weight), statistics = CpuDevice.Of(Statistics), dx = CpuDevice.Of(Dx), dWeight = CpuDevice.Of(DWeight), dBias = CpuDevice.Of(DBias))
            {
                NormColumns.Backward(dy, x, weight, statistics, statistics + C, dx, dWeight, dBias, N, C, Batch);
            }
        }

        private readonly struct Range(BatchNormPullKernel k) : IRange
        {
            public void Run(int from, int to)
            {
                for (int c = from; c < to; c++) { Channel(c); }
            }

            private void Channel(int c)
            {
                float mean = CpuDevice.At(k.Statistics, c), scale = CpuDevice.At(k.Statistics, k.C + c), g = 0, gx = 0, count = k.N * k.Inner;
                ref float none = ref Unsafe.NullRef<float>();
                for (int i = 0; i < k.N; i++)
                {
                    int at = ((i * k.C) + c) * k.Inner;
                    var (s, sx) = NormRows.Sums(ref CpuDevice.At(k.Dy, at), ref CpuDevice.At(k.X, at), ref none, ref none, ref none, k.Inner, mean, scale);
                    g += s;
                    gx += sx;
                }
                if (!k.DWeight.IsNone) { CpuDevice.At(k.DWeight, c) = gx; }
                if (!k.DBias.IsNone) { CpuDevice.At(k.DBias, c) = g; }
                if (k.Dx.IsNone) { return; }
                float factor = k.Weight.IsNone ? scale : scale * CpuDevice.At(k.Weight, c);
                for (int i = 0; i < k.N; i++)
                {
                    int at = ((i * k.C) + c) * k.Inner;
                    NormRows.Pull(ref CpuDevice.At(k.Dy, at), ref CpuDevice.At(k.X, at), ref none, ref none, ref CpuDevice.At(k.Dx, at), k.Inner, mean, scale,
                        k.Batch ? g / count : 0, k.Batch ? gx / count : 0, factor);
                }
            }
        }
    }
}
