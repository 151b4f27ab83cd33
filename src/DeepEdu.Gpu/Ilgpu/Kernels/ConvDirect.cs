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
            var at = S.Out.Of((int)i);
            int image = (int)((uint)at.Outer / (uint)S.OutC), o = at.Outer - (image * S.OutC), w = o * S.K;
            var here = ConvTaps.Place(S.PlaneIn(image, (int)((uint)o / (uint)S.GroupOut)), (at.Y * S.StrideH) - S.PadH, (at.X * S.StrideW) - S.PadW, S.W);
            float sum = HasBias != 0 ? Bias[o] : 0f;
            for (int c = 0; c < S.GroupC; c++, here.At += S.H * S.W)
            {
                ConvPlace tap = default;
                for (int ky = 0; ky < S.KH; ky++, tap.Y += S.DilationH)
                {
                    (tap.At, tap.X) = (tap.Y * S.W, 0);
                    for (int kx = 0; kx < S.KW; kx++, w++, tap.X += S.DilationW, tap.At += S.DilationW) { sum += Weight[w] * ConvTaps.Read(X, tap, here, S.H, S.W); }
                }
            }
            if (Relu != 0) { sum = sum < 0f ? 0f : sum; }
            To[i] = sum;
        }
    }
}

/// <summary>dL/dx of such a convolution: a thread for each value.</summary>
internal struct ConvDirectInput<T> : IGpuKernel where T : struct, IConvStrides
{
    public ConvInputProduct<T> Product;

    public readonly void Run()
    {
        var s = Product.S;
        int taps = s.KH * s.KW;
        for (long i = Grid.GlobalLinearIndex; i < Product.Dx.Length; i += (long)Grid.DimX * Group.DimX)
        {
            var at = s.In.Of((int)i);
            int image = (int)((uint)at.Outer / (uint)s.C), c = at.Outer - (image * s.C), group = (int)((uint)c / (uint)s.GroupC), row = Product.RowA(group, c - (group * s.GroupC));
            var here = Product.Place(s.PlaneOut(image, group), at.Y + s.PadH, at.X + s.PadW);
            float sum = 0f;
            for (int o = 0; o < s.GroupOut; o++, here.At += s.OH * s.OW, row += (s.GroupC - 1) * taps)
            {
                for (int ky = 0; ky < s.KH; ky++)
                {
                    for (int kx = 0; kx < s.KW; kx++, row++) { sum += Product.Weight[row] * Product.B(Product.Place(0, -ky * s.DilationH, -kx * s.DilationW), here); }
                }
            }
            Product.Dx[i] = sum;
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
        for (int unit = Grid.IdxX; unit < Product.DWeight.IntLength; unit += Grid.DimX)
        {
            int o = (int)((uint)unit / (uint)s.K), group = (int)((uint)o / (uint)s.GroupOut);
            var tap = Product.Column(group, unit - (o * s.K));
            int row = Product.RowA(group, o - (group * s.GroupOut));
            float sum = 0f;
            for (int i = me; i < terms; i += Threads)
            {
                var at = Product.Along(i);
                sum += Product.Dy[row + at.OfA] * Product.B(at, tap);
            }
            parts[me] = sum;
            Group.Barrier();
            for (int half = Threads / 2; half > 0; half >>= 1)
            {
                if (me < half) { parts[me] += parts[me + half]; }
                Group.Barrier();
            }
            if (me == 0) { Product.DWeight[unit] = parts[0]; }
            Group.Barrier();
        }
    }
}
