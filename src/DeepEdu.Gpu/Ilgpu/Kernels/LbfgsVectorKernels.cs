using DeepEdu.Devices;
using DeepEdu.Optim;
using ILGPU;
using ILGPU.Runtime;
using Doubles = ILGPU.ArrayView<double>;
using Floats = ILGPU.ArrayView<float>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>The vectors of L-BFGS. A slot has a part of its sum for each group of the launch that makes it; the groups of the next each add them up as the same tree, so the host need not know them.</summary>
internal static class LbfgsVectorKernels
{
    // a thread of a group has a part of a slot
    private const int Threads = LbfgsKernels.MostParts;

    public static void Register(GpuDevice device)
    {
        device.Register((GpuDevice d, in LbfgsKernels.Measure k) =>
        {
            Floats g = GpuDevice.Of(k.G);
            var into = GpuDevice.DoublesOf(k.Into);
            int parts = into.IntLength / LbfgsKernels.Measure.Slots;
            d.Start(new KernelConfig(parts, Threads), new Measured
            {
                G = g, Before = GpuDevice.Of(k.Before, g), D = GpuDevice.Of(k.D, g), Into = into, Length = k.Length, N = k.G.Length, Parts = parts, HasDirection = k.D.IsNone ? 0 : 1,
            });
        });
        device.Register((GpuDevice d, in LbfgsKernels.Remember k) => d.Start(k.Y.Length, new Remembered
        {
            G = GpuDevice.Of(k.G), Before = GpuDevice.Of(k.Before), D = GpuDevice.Of(k.D), Y = GpuDevice.Of(k.Y), S = GpuDevice.Of(k.S), Length = k.Length, N = k.Y.Length,
        }));
        device.Register((GpuDevice d, in LbfgsKernels.Turn k) =>
        {
            var into = GpuDevice.DoublesOf(k.Into);
            int parts = into.IntLength / k.Slots;
            Floats x = GpuDevice.Of(k.What.IsNone ? k.From : k.What);
            d.Start(new KernelConfig(parts, Threads), new Turned
            {
                D = GpuDevice.Of(k.D), X = x, Next = GpuDevice.Of(k.Next), A = k.By.A.IsNone ? into : GpuDevice.DoublesOf(k.By.A), B = k.By.B.IsNone ? into : GpuDevice.DoublesOf(k.By.B), Into = into,
                TimesA = k.By.TimesA, TimesB = k.By.TimesB, Scale = k.Scale, N = k.D.Length, Parts = parts, Begins = k.What.IsNone ? 1 : 0, HasB = k.By.B.IsNone ? 0 : 1, WithLargest = k.Slots - 1,
            });
        });
        device.Register((GpuDevice d, in LbfgsKernels.Move k) => d.Start(k.W.Length, new Moved { Start = GpuDevice.Of(k.Start), D = GpuDevice.Of(k.D), W = GpuDevice.Of(k.W), Length = k.Length, N = k.W.Length }));
    }

    // magnitudes in the order of their bits, in which NaN is the largest
    private static int Magnitude(float v) => BitConverter.SingleToInt32Bits(v) & int.MaxValue;

    internal struct Measured : IGpuKernel
    {
        public Floats G, Before, D;
        public Doubles Into;
        public double Length;
        public int N, Parts, HasDirection;

        public readonly void Run()
        {
            var sums = SharedMemory.Allocate<double>(Threads);
            var sizes = SharedMemory.Allocate<int>(Threads);
            double along = 0, ys = 0, yy = 0;
            int largest = 0, part = Grid.IdxX;
            for (long i = Grid.GlobalLinearIndex; i < N; i += Loops.Stride)
            {
                float g = G[i];
                int size = Magnitude(g);
                largest = IntrinsicMath.Max(largest, size);
                if (HasDirection == 0) { along += BitConverter.Int32BitsToSingle(size); }
                else
                {
                    float d = D[i], y = g - Before[i], s = (float)(Length * d);
                    along += (double)g * d;
                    ys += (double)y * s;
                    yy += (double)y * y;
                }
            }
            double size0 = BitConverter.Int32BitsToSingle(GroupFolds.Max(sizes, largest)), sum = GroupFolds.Sum(sums, along), first = GroupFolds.Sum(sums, ys), second = GroupFolds.Sum(sums, yy);
            if (Group.IdxX == 0)
            {
                Into[part] = size0;
                Into[part + Parts] = sum;
                Into[part + (2 * Parts)] = first;
                Into[part + (3 * Parts)] = second;
            }
        }
    }

    internal struct Remembered : IGpuKernel
    {
        public Floats G, Before, D, Y, S;
        public double Length;
        public int N;

        public readonly void Run()
        {
            for (long i = Grid.GlobalLinearIndex; i < N; i += Loops.Stride)
            {
                Y[i] = G[i] - Before[i];
                S[i] = (float)(Length * D[i]);
            }
        }
    }

    internal struct Turned : IGpuKernel
    {
        public Floats D, X, Next;
        public Doubles A, B, Into;
        public double TimesA, TimesB, Scale;
        public int N, Parts, Begins, HasB, WithLargest;

        public readonly void Run()
        {
            var sums = SharedMemory.Allocate<double>(Threads);
            var sizes = SharedMemory.Allocate<int>(Threads);
            int me = Group.IdxX, largest = 0;
            double by = 0, along = 0;
            if (Begins == 0)
            {
                by = GroupFolds.Sum(sums, me < Parts ? A[me] : 0) * TimesA;
                if (HasB != 0) { by -= GroupFolds.Sum(sums, me < Parts ? B[me] : 0) * TimesB; }
            }
            for (long i = Grid.GlobalLinearIndex; i < N; i += Loops.Stride)
            {
                float v = X[i];
                v = Begins != 0 ? -v : (float)(D[i] + (by * v));
                v = (float)(Scale * v);
                D[i] = v;
                along += (double)Next[i] * v;
                largest = IntrinsicMath.Max(largest, Magnitude(v));
            }
            double sum = GroupFolds.Sum(sums, along);
            if (me == 0) { Into[Grid.IdxX] = sum; }
            if (WithLargest == 0) { return; }
            int all = GroupFolds.Max(sizes, largest);
            if (me == 0) { Into[Parts + Grid.IdxX] = BitConverter.Int32BitsToSingle(all); }
        }
    }

    internal struct Moved : IGpuKernel
    {
        public Floats Start, D, W;
        public double Length;
        public int N;

        public readonly void Run()
        {
            for (long i = Grid.GlobalLinearIndex; i < N; i += Loops.Stride) { W[i] = (float)(Start[i] + (Length * D[i])); }
        }
    }
}
