using DeepEdu.Numerics;
using DeepEdu.Ops;
using ILGPU;
using ILGPU.Runtime;
using Floats = ILGPU.ArrayView<float>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>Dropout: a thread draws four numbers at once, the same bits as the processor's.</summary>
internal static class DropoutsKernel
{
    public static void Register(GpuDevice device) => device.Register((GpuDevice d, in Dropouts.DropoutKernel k) =>
    {
        if (k.Y.Length == 0) { return; }
        Floats x = GpuDevice.Of(k.X), y = GpuDevice.Of(k.Y);
        float scale = k.P == 1 ? 0 : 1 / (1 - k.P);
        if (k.Start % 4 == 0 && k.Y.Length % 4 == 0 && (k.X.Offset | k.Y.Offset) % 4 == 0)
        {
            d.Start(k.Y.Length / 4, new Fours { X = x.Cast<Float4>(), Y = y.Cast<Float4>(), P = k.P, Scale = scale, Seed = k.Seed, Stream = k.Stream, Block = k.Start >> 2 });
        }
        else
        {
            int shift = (int)(k.Start & 3);
            long blocks = ((long)shift + k.Y.Length + 3) / 4;
            d.Start(blocks, new Each { X = x, Y = y, P = k.P, Scale = scale, Seed = k.Seed, Stream = k.Stream, Block = k.Start >> 2, Shift = shift, Blocks = blocks });
        }
    });

    /// <summary>A number in [0, 1): a multiple of 2⁻²⁴. A whole number without a sign would become a float by way of double precision.</summary>
    internal static float Unit(uint word) => (int)(word >> 8) * 5.9604644775390625e-8f;

    /// <summary>The values begin and end with whole blocks of numbers.</summary>
    internal struct Fours : IGpuKernel
    {
        public ArrayView<Float4> X, Y;
        public float P, Scale;
        public ulong Seed, Stream, Block;

        public readonly void Run()
        {
            for (long b = Grid.GlobalLinearIndex; b < Y.Length; b += (long)Grid.DimX * Group.DimX)
            {
                var (w0, w1, w2, w3) = Philox.Block(Block + (ulong)b, Stream, Seed);
                var v = X[b];
                v.X = Unit(w0) >= P ? v.X * Scale : 0f;
                v.Y = Unit(w1) >= P ? v.Y * Scale : 0f;
                v.Z = Unit(w2) >= P ? v.Z * Scale : 0f;
                v.W = Unit(w3) >= P ? v.W * Scale : 0f;
                Y[b] = v;
            }
        }
    }

    internal struct Each : IGpuKernel
    {
        public Floats X, Y;
        public float P, Scale;
        public ulong Seed, Stream, Block;
        public int Shift;
        public long Blocks;

        public readonly void Run()
        {
            for (long b = Grid.GlobalLinearIndex; b < Blocks; b += (long)Grid.DimX * Group.DimX)
            {
                var (w0, w1, w2, w3) = Philox.Block(Block + (ulong)b, Stream, Seed);
                long at = (b * 4) - Shift;
                Put(at, w0);
                Put(at + 1, w1);
                Put(at + 2, w2);
                Put(at + 3, w3);
            }
        }

        private readonly void Put(long at, uint word)
        {
            if (at >= 0 && at < Y.Length) { Y[at] = Unit(word) >= P ? X[at] * Scale : 0f; }
        }
    }
}
