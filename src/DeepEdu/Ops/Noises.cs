using System.Diagnostics.CodeAnalysis;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>Other kinds of noise than dropout of single values. All act only while learning (<see cref="Tape.IsTraining"/>) and give x itself in use.</summary>
public static class Noises
{
    extension(Tensor x)
    {
        /// <summary>Whole channels left out: x[n, c, ..] is 0 for all positions with probability p, else scaled by 1 / (1 − p). Tompson et al. 2015, arXiv:1411.4280, §3.2.
        /// PyTorch's <c>dropout1d</c> and <c>dropout2d</c>.</summary>
        /// <param name="p">The probability, in [0, 1].</param>
        /// <param name="rng">Random numbers; moves on by N · C, only while learning.</param>
        /// <returns>x's shape: [N, C, ..].</returns>
        /// <exception cref="ShapeException">x has no axis 1.</exception>
        /// <exception cref="ArgumentOutOfRangeException">p is not in [0, 1].</exception>
        public Tensor ChannelDropout(float p, Rng rng)
        {
            ArgumentNullException.ThrowIfNull(x);
            ArgumentNullException.ThrowIfNull(rng);
            if (x.Rank < 2) { ThrowRank(x.Shape); }
            if (Probability("channel-dropout", p) == 0 || !Tape.IsTraining) { return x; }
            var mask = Tensor.Ones([x.Shape[0], x.Shape[1]], x.Device).Dropout(p, rng);
            return x * mask.Reshape([x.Shape[0], x.Shape[1], .. Enumerable.Repeat(1, x.Rank - 2)]);
        }

        /// <summary>x + N(0, std²). Keras' <c>GaussianNoise</c>; Bishop 1995.</summary>
        /// <param name="std">The standard deviation.</param>
        /// <param name="rng">Random numbers; moves on by as many as x has values, only while learning.</param>
        /// <exception cref="ArgumentOutOfRangeException">The deviation is negative or no number.</exception>
        public Tensor GaussianNoise(float std, Rng rng)
        {
            ArgumentNullException.ThrowIfNull(x);
            ArgumentNullException.ThrowIfNull(rng);
            return Deviation(std) == 0 || !Tape.IsTraining ? x : x + Draw(x, 0, std, rng);
        }

        /// <summary>x · N(1, p / (1 − p)): as much noise as dropout with probability p, but nothing is left out. Srivastava et al. 2014, JMLR 15, §10. Keras' <c>GaussianDropout</c>.</summary>
        /// <param name="p">The probability, in [0, 1).</param>
        /// <param name="rng">Random numbers; moves on by as many as x has values, only while learning.</param>
        /// <exception cref="ArgumentOutOfRangeException">p is not in [0, 1).</exception>
        public Tensor GaussianDropout(float p, Rng rng)
        {
            ArgumentNullException.ThrowIfNull(x);
            ArgumentNullException.ThrowIfNull(rng);
            return Probability("gaussian-dropout", p, below: true) == 0 || !Tape.IsTraining ? x : x * Draw(x, 1, MathF.Sqrt(p / (1 - p)), rng);
        }

        /// <summary>Dropout that keeps mean 0 and variance 1, for SELU: values left out become α′ = −λα = −1.7580993, and the result a·y + b with a = ((1 − p)(1 + p·α′²))^(−½), b = −a·p·α′.
        /// Klambauer et al. 2017, arXiv:1706.02515, §3. PyTorch's <c>alpha_dropout</c>, Keras' <c>AlphaDropout</c>.</summary>
        /// <param name="p">The probability, in [0, 1].</param>
        /// <param name="rng">Random numbers; moves on by as many as x has values, only while learning.</param>
        /// <exception cref="ArgumentOutOfRangeException">p is not in [0, 1].</exception>
        public Tensor AlphaDropout(float p, Rng rng)
        {
            ArgumentNullException.ThrowIfNull(x);
            ArgumentNullException.ThrowIfNull(rng);
            if (Probability("alpha-dropout", p) == 0 || !Tape.IsTraining) { return x; }
            if (p == 1) { return x * 0; }
            const float Low = -1.7580993408473766f;
            float a = 1 / MathF.Sqrt((1 - p) * (1 + (p * Low * Low)));
            var kept = Tensor.Ones(x.Shape, x.Device).Dropout(p, rng).Greater(0);
            return (x * (kept * a)) + ((1 - kept - p) * (a * Low));
        }
    }

    /// <summary>p, if it lies in [0, 1], or below 1 where no value may be left out for certain.</summary>
    internal static float Probability(string op, float p, bool below = false)
    {
        if (!(p >= 0 && p <= 1) || (below && p == 1)) { ThrowProbability(op, p, below ? ")" : "]"); }
        return p;
    }

    /// <summary>The deviation, if it is one.</summary>
    internal static float Deviation(float std)
    {
        if (!(std >= 0)) { ThrowDeviation(std); }
        return std;
    }

    private static Tensor Draw(Tensor x, float mean, float std, Rng rng)
    {
        var noise = Tensor.Empty(x.Shape, x.Device);
        x.Device.Launch(new NormalKernel(noise.View, mean, std, rng.Seed, rng.Stream, rng.Reserve(x.Size)));
        return noise;
    }

    [DoesNotReturn]
    private static void ThrowRank(Shape x) => throw new ShapeException("channel-dropout", $"{x} is not [N, C, ..]; add the batch axis with Unsqueeze(0)?", x);

    [DoesNotReturn]
    private static void ThrowProbability(string op, float p, string end) => throw new ArgumentOutOfRangeException(nameof(p), $"{op}: probability {p} is not in [0, 1{end}");

    [DoesNotReturn]
    private static void ThrowDeviation(float std) => throw new ArgumentOutOfRangeException(nameof(std), $"gaussian-noise: the deviation {std} must not be negative");

    /// <summary>y[i] = mean + std · normal(seed, stream, start + i).</summary>
    public readonly record struct NormalKernel(View Y, float Mean, float Std, ulong Seed, ulong Stream, ulong Start) : IKernel, IRange
    {
        /// <inheritdoc/>
        public static string Name => "normal";

        /// <inheritdoc/>
        public void Run() => Work.For(Y.Length, CpuDevice.Grain, this);

        /// <inheritdoc/>
        public void Run(int from, int to)
        {
            var y = CpuDevice.Of(Y)[from..to];
            Rng.NormalAt(Seed, Stream, Start + (ulong)from, y);
            System.Numerics.Tensors.TensorPrimitives.Multiply(y, Std, y);
            System.Numerics.Tensors.TensorPrimitives.Add(y, Mean, y);
        }
    }
}
