using DeepEdu.Ops;
using ILGPU;
using ILGPU.Runtime;
using Floats = ILGPU.ArrayView<float>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>Rotary positions: a thread a value.</summary>
internal static class RotaryKernels
{
    public static void Register(GpuDevice device) => device.Register((GpuDevice d, in RotaryOps.RotaryKernel k) =>
    {
        if (k.Y.Length == 0) { return; }
        var x = GpuDevice.Of(k.X);
        bool turns = k.Cos.Length > 0;
        d.Start(k.Y.Length, new Body
        {
            X = x, Cos = turns ? GpuDevice.Of(k.Cos) : x, Sin = turns ? GpuDevice.Of(k.Sin) : x, Y = GpuDevice.Of(k.Y), Steps = k.Steps, Row = k.Row, Turned = 2 * k.Heads * k.Pairs,
            Pairs = k.Pairs, Past = k.Past, Halves = k.Halves ? 1 : 0, Sign = k.Back ? -1 : 1,
        });
    });

    internal struct Body : IGpuKernel
    {
        public Floats X, Cos, Sin, Y;
        public int Steps, Row, Turned, Pairs, Past, Halves;
        public float Sign;

        public readonly void Run()
        {
            for (long at = Grid.GlobalLinearIndex; at < Y.Length; at += (long)Grid.DimX * Group.DimX)
            {
                uint row = (uint)at / (uint)Row, column = (uint)at % (uint)Row;
                if (column >= (uint)Turned)
                {
                    Y[at] = X[at];
                    continue;
                }
                // which pair of its head, whether first or second in it, and how far the other is
                uint within = column % (uint)(2 * Pairs), pair = Halves != 0 ? within % (uint)Pairs : within >> 1, second = Halves != 0 ? within / (uint)Pairs : within & 1;
                int other = Halves != 0 ? Pairs : 1;
                long place = (((long)(row % (uint)Steps) + Past) * Pairs) + pair;
                float c = Cos[place], s = Sin[place] * Sign;
                Y[at] = second == 0 ? (X[at] * c) - (X[at + other] * s) : (X[at - other] * s) + (X[at] * c);
            }
        }
    }
}
