using System.Diagnostics.CodeAnalysis;
using DeepEdu.Devices;
using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>Draws from distributions that a tensor states. No gradient flows through a draw; that of its logarithm is REINFORCE (Williams 1992): <c>-(logits.LogSoftmax().Gather(1, drawn) * reward).Mean()</c>.</summary>
public static class Sampling
{
    extension(Tensor probabilities)
    {
        /// <summary>One class a row, [.., K] → [..], each in proportion to its weight. PyTorch's <c>Categorical(probs).sample()</c>.</summary>
        /// <param name="rng">Gives one number a row.</param>
        /// <exception cref="ShapeException">There is no axis, or no class.</exception>
        /// <exception cref="ArgumentException">A weight is negative, infinite or NaN, or all of a row are 0.</exception>
        public Indices Multinomial(Rng rng) => probabilities.Multinomial(1, rng, replacement: true).Squeeze(-1);

        /// <summary><paramref name="count"/> classes a row, [.., K] → [.., count], each in proportion to its weight. PyTorch's <c>multinomial</c>.</summary>
        /// <param name="count">How many.</param>
        /// <param name="rng">Gives one number a draw; without replacement one a class, by which Efraimidis and Spirakis 2006 draw all at once.</param>
        /// <param name="replacement">Whether a class may be drawn again.</param>
        /// <exception cref="ShapeException">There is no axis, or no class.</exception>
        /// <exception cref="ArgumentException">A weight is negative, infinite or NaN; or a row has fewer classes with a weight above 0 than are to be drawn. Then <paramref name="rng"/> stays where it was.</exception>
        public Indices Multinomial(int count, Rng rng, bool replacement = false)
        {
            ArgumentNullException.ThrowIfNull(probabilities);
            ArgumentNullException.ThrowIfNull(rng);
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
            var s = probabilities.Shape;
            if (s[s.Axis("multinomial", -1)] == 0) { throw new ShapeException("multinomial", $"{s} holds no class to draw", s); }
            var to = s.With(s.Rank - 1, count);
            if (to.Size == 0) { return Indices.Wrap([], to); }
            int[] drawn = new int[to.Size];
            ulong before = rng.Position;
            try
            {
                if (probabilities.Device is CpuDevice) { Draw(probabilities.ToArray(), s, drawn, count, replacement, rng); }
                else if (replacement)
                {
                    double[] shares = new double[drawn.Length];
                    foreach (ref double share in shares.AsSpan()) { share = rng.NextDouble(); }
                    probabilities.Device.Launch(new DrawKernel(probabilities.View, shares, drawn, s));
                }
                else
                {
                    double[] times = new double[s.Size];
                    Ticks(times, rng);
                    probabilities.Device.Launch(new OnceKernel(probabilities.View, times, drawn, s));
                }
            }
            catch
            {
                rng.Position = before; // rows in front of a wrong one, or on a device all, had taken theirs
                throw;
            }
            return Indices.Wrap(drawn, to);
        }

        /// <summary>1 with the probability that stands there, else 0. PyTorch's <c>bernoulli</c>.</summary>
        /// <param name="rng">Gives one number a value.</param>
        /// <exception cref="ArgumentException">A probability is not between 0 and 1.</exception>
        public Tensor Bernoulli(Rng rng)
        {
            ArgumentNullException.ThrowIfNull(probabilities);
            var drawn = Tensor.Uniform(probabilities.Shape, rng, device: probabilities.Device);
            if (probabilities.Device is CpuDevice || !AreProbabilities(probabilities.Detach()))
            {
                float[] all = probabilities.ToArray();
                for (int i = 0; i < all.Length; i++)
                {
                    if (!(all[i] >= 0 && all[i] <= 1)) { ThrowProbability(all[i], i, probabilities.Shape); }
                }
            }
            return drawn.Less(probabilities);
        }
    }

    // one number is read
    private static bool AreProbabilities(Tensor p) => p.GreaterOrEqual(0).LogicalAnd(p.LessOrEqual(1)).NotEqual(1).Sum().Item() == 0;

    /// <summary>Checks the weights of a row, of which so many are to be drawn.</summary>
    internal static void CheckRow(ReadOnlySpan<float> weights, Shape s, int row, int count)
    {
        int possible = 0;
        for (int i = 0; i < weights.Length; i++)
        {
            if (!(weights[i] >= 0 && weights[i] < float.PositiveInfinity)) { ThrowWeight(weights[i], row, i); }
            possible += weights[i] > 0 ? 1 : 0;
        }
        if (possible < count) { ThrowFew(s, row, possible, count); }
    }

    private static void Draw(float[] weights, Shape s, int[] drawn, int count, bool replacement, Rng rng)
    {
        int k = s[s.Rank - 1];
        double[] times = replacement ? [] : new double[k];
        int[] classes = new int[times.Length];
        for (int row = 0; row < s.Size / k; row++)
        {
            var own = weights.AsSpan(row * k, k);
            CheckRow(own, s, row, replacement ? 1 : count);
            var places = drawn.AsSpan(row * count, count);
            if (replacement)
            {
                double[] sums = Sums(own);
                foreach (ref int place in places) { place = Pick(sums, rng.NextDouble()); }
            }
            else
            {
                Ticks(times, rng);
                Once(own, times, classes, places);
            }
        }
    }

    private static double[] Sums(ReadOnlySpan<float> weights)
    {
        double[] sums = new double[weights.Length];
        double sum = 0;
        for (int i = 0; i < sums.Length; i++) { sums[i] = sum += weights[i]; }
        return sums;
    }

    // the class at which the running sum passes a part of the whole
    private static int Pick(double[] sums, double part)
    {
        double share = Math.Min(part * sums[^1], Math.BitDecrement(sums[^1]));
        int at = Array.BinarySearch(sums, share);
        if (at < 0) { at = ~at; }
        while (sums[at] <= share) { at++; }
        return at;
    }

    // when exponential clocks tick first that go at speed 1; logarithms are the host's, so that all devices draw the same
    private static void Ticks(Span<double> times, Rng rng)
    {
        foreach (ref double time in times) { time = -Math.Log(1 - rng.NextDouble()); }
    }

    // the first of clocks that go at the speed of the weights; of equals those of the first classes
    private static void Once(ReadOnlySpan<float> weights, Span<double> times, Span<int> classes, Span<int> to)
    {
        for (int i = 0; i < times.Length; i++) { (times[i], classes[i]) = (weights[i] > 0 ? times[i] / weights[i] : double.PositiveInfinity, i); }
        times.Sort(classes);
        for (int i = 0, end; i < to.Length; i = end)
        {
            for (end = i + 1; end < times.Length && times[end] <= times[i]; end++) { }
            if (end > i + 1) { classes[i..end].Sort(); } // which the sort left in any order
        }
        classes[..to.Length].CopyTo(to);
    }

    [DoesNotReturn]
    private static void ThrowWeight(float weight, int row, int at) =>
        throw new ArgumentException($"multinomial: the weight {weight} of class {at} in row {row} must be a number of at least 0; Softmax makes probabilities of logits");

    [DoesNotReturn]
    private static void ThrowProbability(float p, int at, Shape s) =>
        throw new ArgumentException($"bernoulli: {p} at position {at} of {s} is no probability from 0 to 1; Sigmoid makes probabilities of logits");

    [DoesNotReturn]
    private static void ThrowFew(Shape s, int row, int possible, int count) =>
        throw new ArgumentException($"multinomial: row {row} of {s} has {possible} classes with a weight above 0, but {count} are to be drawn{(possible > 0 ? "; with replacement?" : "")}");

    /// <summary>Classes of each row of Weights [.., K] = Of, into Drawn [.., count]: those at which the running sum of the weights passes these parts, from 0 on but less than 1, of their whole.</summary>
    internal readonly record struct DrawKernel(View Weights, double[] Parts, int[] Drawn, Shape Of) : IKernel
    {
        /// <inheritdoc/>
        public static string Name => "multinomial";

        /// <inheritdoc/>
        public void Run()
        {
            int k = Of[Of.Rank - 1], rows = Of.Size / k, count = Drawn.Length / rows;
            for (int row = 0; row < rows; row++)
            {
                var weights = CpuDevice.Of(Weights).Slice(row * k, k);
                CheckRow(weights, Of, row, 1);
                double[] sums = Sums(weights);
                for (int i = row * count; i < (row + 1) * count; i++) { Drawn[i] = Pick(sums, Parts[i]); }
            }
        }
    }

    /// <summary>The classes of each row of Weights [.., K] = Of whose Times [.., K], divided by their weights, are least, in that order and of equals the first, into Drawn [.., count].</summary>
    internal readonly record struct OnceKernel(View Weights, double[] Times, int[] Drawn, Shape Of) : IKernel
    {
        /// <inheritdoc/>
        public static string Name => "multinomial without replacement";

        /// <inheritdoc/>
        public void Run()
        {
            int k = Of[Of.Rank - 1], rows = Of.Size / k, count = Drawn.Length / rows;
            double[] times = new double[k];
            int[] classes = new int[k];
            for (int row = 0; row < rows; row++)
            {
                var weights = CpuDevice.Of(Weights).Slice(row * k, k);
                CheckRow(weights, Of, row, count);
                Times.AsSpan(row * k, k).CopyTo(times);
                Once(weights, times, classes, Drawn.AsSpan(row * count, count));
            }
        }
    }
}
