using ILGPU;
using Floats = ILGPU.ArrayView<float>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>A convolution of so few channels that tiles of products would be nearly empty: a thread for each output.</summary>
internal struct ConvDirect : IGpuKernel
{
    public ConvSizes S;
    public Floats X, Weight, Bias, To;
    public int HasBias, Relu;

    public readonly void Run()
    {
        for (long i = Grid.GlobalLinearIndex; i < To.Length; i += (long)Grid.DimX * Group.DimX)
        {
            ConvPlace at = new((int)i, S.OH, S.OW);
            int image = (int)((uint)at.Outer / (uint)S.OutC), o = at.Outer - (image * S.OutC), c0 = (int)((uint)o / (uint)S.GroupOut) * S.GroupC, y0 = (at.Y * S.StrideH) - S.PadH, x0 = (at.X * S.StrideW) - S.PadW;
            long w = (long)o * S.K;
            float sum = HasBias != 0 ? Bias[o] : 0f;
            for (int c = 0; c < S.GroupC; c++)
            {
                for (int ky = 0; ky < S.KH; ky++)
                {
                    for (int kx = 0; kx < S.KW; kx++, w++) { sum += Weight[w] * S.Input(X, image, c0 + c, y0 + (ky * S.DilationH), x0 + (kx * S.DilationW)); }
                }
            }
            if (Relu != 0) { sum = sum < 0f ? 0f : sum; }
            To[i] = sum;
        }
    }
}

/// <summary>dL/dx of such a convolution: a thread for each value.</summary>
internal struct ConvDirectInput : IGpuKernel
{
    public ConvInputProduct Product;

    public readonly void Run()
    {
        var s = Product.S;
        for (long i = Grid.GlobalLinearIndex; i < Product.To.Length; i += (long)Grid.DimX * Group.DimX)
        {
            ConvPlace at = new((int)i, s.H, s.W), tap = default;
            int image = (int)((uint)at.Outer / (uint)s.C), c = at.Outer - (image * s.C), group = (int)((uint)c / (uint)s.GroupC);
            at.Outer = image;
            float sum = 0f;
            for (tap.Outer = 0; tap.Outer < s.GroupOut; tap.Outer++)
            {
                for (tap.Y = 0; tap.Y < s.KH; tap.Y++)
                {
                    for (tap.X = 0; tap.X < s.KW; tap.X++) { sum += Product.A(group, c - (group * s.GroupC), tap) * Product.B(group, tap, at); }
                }
            }
            Product.To[i] = sum;
        }
    }
}

/// <summary>dL/dweight of such a convolution: a group of threads for each weight, joined as a tree.</summary>
internal struct ConvDirectWeight : IGpuKernel
{
    /// <summary>Threads of a group.</summary>
    public const int Threads = 256;

    public ConvWeightProduct Product;

    public readonly void Run()
    {
        var parts = SharedMemory.Allocate<float>(Threads);
        var s = Product.S;
        int me = Group.IdxX, terms = s.Images * s.OH * s.OW;
        for (int unit = Grid.IdxX; unit < Product.To.IntLength; unit += Grid.DimX)
        {
            int o = (int)((uint)unit / (uint)s.K), group = (int)((uint)o / (uint)s.GroupOut);
            var tap = Product.Column(unit - (o * s.K));
            float sum = 0f;
            for (int i = me; i < terms; i += Threads)
            {
                var at = Product.Along(i);
                sum += Product.A(group, o - (group * s.GroupOut), at) * Product.B(group, at, tap);
            }
            parts[me] = sum;
            Group.Barrier();
            for (int half = Threads / 2; half > 0; half >>= 1)
            {
                if (me < half) { parts[me] += parts[me + half]; }
                Group.Barrier();
            }
            if (me == 0) { Product.To[unit] = parts[0]; }
            Group.Barrier();
        }
    }
}
