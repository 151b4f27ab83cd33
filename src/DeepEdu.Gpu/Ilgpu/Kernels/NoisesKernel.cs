using DeepEdu.Numerics;
using DeepEdu.Ops;
using ILGPU;
using ILGPU.Runtime;
using Floats = ILGPU.ArrayView<float>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>Normal numbers: a thread draws four at once, from the same bits as the processor and through the same polynomials.</summary>
internal static class NoisesKernel
{
    public static void Register(GpuDevice device) => device.Register((GpuDevice d, in Noises.NormalKernel k) =>
    {
        if (k.Y.Length == 0) { return; }
        int shift = (int)(k.Start & 3);
        long blocks = ((long)shift + k.Y.Length + 3) / 4;
        d.Start(blocks, new Normals { Y = GpuDevice.Of(k.Y), Mean = k.Mean, Std = k.Std, Seed = k.Seed, Stream = k.Stream, Block = Rng.NormalBlocks + (k.Start >> 2), Shift = shift, Blocks = blocks });
    });

    internal struct Normals : IGpuKernel
    {
        public Floats Y;
        public float Mean, Std;
        public ulong Seed, Stream, Block;
        public int Shift;
        public long Blocks;

        public readonly void Run()
        {
            for (long b = Grid.GlobalLinearIndex; b < Blocks; b += (long)Grid.DimX * Group.DimX)
            {
                var (w0, w1, w2, w3) = Philox.Block(Block + (ulong)b, Stream, Seed);
                long at = (b * 4) - Shift;
                Pair(at, w0, w1);
                Pair(at + 2, w2, w3);
            }
        }

        // Box and Muller, as Rng has it
        private readonly void Pair(long at, uint first, uint second)
        {
            float radius = MathF.Sqrt(-2f * GpuLane.Log(1f - DropoutsKernel.Unit(first)).V);
            GpuLane sine = VectorMath.SinCos(new GpuLane(6.28318531f * (DropoutsKernel.Unit(second) - 0.5f)), out GpuLane cosine);
            Put(at, radius * cosine.V);
            Put(at + 1, radius * sine.V);
        }

        private readonly void Put(long at, float v)
        {
            if (at >= 0 && at < Y.Length) { Y[at] = (v * Std) + Mean; }
        }
    }
}
