using System.Runtime.CompilerServices;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Lanes;
using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>Values left out at random. Hinton et al. 2012, arXiv:1207.0580; Srivastava et al. 2014, JMLR 15.</summary>
public static class Dropouts
{
    extension(Tensor x)
    {
        /// <summary>While learning (<see cref="Tape.IsTraining"/>): 0 with probability p, else x / (1 − p), so that the mean stays. In use: x itself.
        /// Whether value i is left out is number i of the stream, whatever the number of threads; no mask is stored, the way back draws the same numbers.</summary>
        /// <param name="p">The probability, in [0, 1].</param>
        /// <param name="rng">Random numbers; moves on by as many as x has values, only while learning.</param>
        /// <exception cref="ArgumentOutOfRangeException">p is not in [0, 1].</exception>
        public Tensor Dropout(float p, Rng rng)
        {
            ArgumentNullException.ThrowIfNull(x);
            ArgumentNullException.ThrowIfNull(rng);
            if (Noises.Probability("dropout", p) == 0 || !Tape.IsTraining) { return x; }
            ulong start = rng.Reserve(x.Size);
            var y = Dropped(x, p, rng.Seed, rng.Stream, start);
            Tape.For(x)?.AddRecordable(y, (x, dy => dy.Linearly(d => Dropped(d, p, rng.Seed, rng.Stream, start), d => Dropped(d, p, rng.Seed, rng.Stream, start))));
            return y;
        }
    }

    private static Tensor Dropped(Tensor x, float p, ulong seed, ulong stream, ulong start)
    {
        var y = Tensor.Empty(x.Shape, x.Device);
        x.Device.Launch(new DropoutKernel(x.View, y.View, p, seed, stream, start));
        return y;
    }

    /// <summary>y = uniform(seed, stream, start + i) &lt; p ? 0 : x / (1 − p).</summary>
    public readonly record struct DropoutKernel(View X, View Y, float P, ulong Seed, ulong Stream, ulong Start) : IKernel
    {
        /// <inheritdoc/>
        public static string Name => "dropout";

        /// <inheritdoc/>
        public void Run() => Work.For(Y.Length, CpuDevice.Grain, new Range(this));

        private readonly struct Range(DropoutKernel k) : IRange
        {
            [SkipLocalsInit]
            public void Run(int from, int to)
            {
                // as many numbers at a time as stay in the first-level cache
                Span<float> random = stackalloc float[2048];
                for (int n; from < to; from += n)
                {
                    n = Math.Min(random.Length, to - from);
                    Rng.UniformAt(k.Seed, k.Stream, k.Start + (ulong)from, random[..n]);
                    Mask(ref random[0], ref CpuDevice.At(k.X, from), ref CpuDevice.At(k.Y, from), n, k.P, k.P == 1 ? 0 : 1 / (1 - k.P));
                }
            }

            [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
            private static void Mask(ref float random, ref float x, ref float y, nint n, float p, float scale)
            {
                nint i = 0;
                if (F16.IsSupported) { i = Lanes<F16>(ref random, ref x, ref y, i, n, p, scale); }
                if (F8.IsSupported) { i = Lanes<F8>(ref random, ref x, ref y, i, n, p, scale); }
                if (F4.IsSupported) { i = Lanes<F4>(ref random, ref x, ref y, i, n, p, scale); }
                Lanes<F1>(ref random, ref x, ref y, i, n, p, scale);
            }

            [MethodImpl(MethodImplOptions.AggressiveInlining)]
            private static nint Lanes<L>(ref float random, ref float x, ref float y, nint i, nint n, L p, L scale) where L : struct, IVectorLane<L>, ILane<L>
            {
                for (; i <= n - L.Width; i += L.Width) { L.Store(L.WhereGreaterOrEqual(L.Load(in random, i), p, L.Load(in x, i) * scale, 0f), ref y, i); }
                return i;
            }
        }
    }
}
