using System.Runtime.CompilerServices;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Kernels;
using DeepEdu.Lanes;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>Y = GELU(X·Wᵀ + b) and the slope there: X [rows, inputs], W [outputs, inputs], b [outputs], Y and slope [rows, outputs]. Value and slope share what is dear in both.</summary>
/// <param name="X">The inputs.</param>
/// <param name="W">The weight.</param>
/// <param name="Bias">The bias; none if it has no memory.</param>
/// <param name="Y">The outputs, overwritten.</param>
/// <param name="Slope">The derivative of GELU at each sum, overwritten; not made if it has no memory.</param>
/// <param name="Rows">How many rows.</param>
/// <param name="Inputs">Inputs a row.</param>
/// <param name="Outputs">Outputs a row.</param>
internal readonly record struct LinearGelu(View X, View W, View Bias, View Y, View Slope, int Rows, int Inputs, int Outputs) : IKernel
{
    /// <inheritdoc/>
    public static string Name => "linear-gelu";

    /// <inheritdoc/>
    public string Sizes => $"{Rows} × {Inputs} → {Outputs}";

    /// <inheritdoc/>
    public unsafe void Run()
    {
        if (Y.Length == 0) { return; }
        var weight = LinearWeight.Of(W, Rows, Inputs, Outputs);
        fixed (float* x = CpuDevice.Of(X), bias = CpuDevice.Of(Bias), y = CpuDevice.Of(Y), slope = CpuDevice.Of(Slope))
        {
            weight.Product(Rows, Inputs, Outputs, x, y, bias, new End(slope, Outputs));
        }
    }

    /// <summary>GELU of a sum and, if asked, its slope.</summary>
    internal readonly unsafe struct End(float* slope, int outputs) : IRowsEnd
    {
        public void Run(int row, int rows, float* a, float* c)
        {
            if (slope is null) { CpuDevice.MapRange(default(Activations.GeluFormula), ref *c, ref *c, rows * outputs); }
            else { WithSlope(c, slope + ((nint)row * outputs), rows * outputs); }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private static void WithSlope(float* y, float* slope, int n)
        {
            int i = 0;
            if (F16.IsSupported) { i = Each<F16>(y, slope, i, n); }
            if (F8.IsSupported) { i = Each<F8>(y, slope, i, n); }
            if (F4.IsSupported) { i = Each<F4>(y, slope, i, n); }
            Each<F1>(y, slope, i, n);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static int Each<L>(float* y, float* slope, int i, int n) where L : struct, IVectorLane<L>, ILane<L>
        {
            for (; i <= n - L.Width; i += L.Width)
            {
                L x = L.Load(in *y, i), tail = L.NormalTail(x);
                L.Store(Activations.GeluFormula.Of(x, tail), ref *y, i);
                L.Store(Activations.GeluPull.Slope(x, tail), ref *slope, i);
            }
            return i;
        }
    }
}

/// <summary>A dense layer and GELU as one operation.</summary>
internal static class LinearGeluOps
{
    extension(Tensor x)
    {
        /// <summary>GELU(x·Wᵀ + b): the bits of <c>x.Linear(weight, bias).Gelu()</c>.</summary>
        public Tensor LinearGelu(Tensor weight, Tensor? bias)
        {
            ArgumentNullException.ThrowIfNull(x);
            var (inputs, outputs, rows) = LinearOps.Sizes(x, weight, bias);
            var tape = Tape.For(x, weight, bias ?? weight);
            var y = Tensor.Empty(x.Shape.With(x.Rank - 1, outputs), x.Device);
            var slope = tape is null ? null : Tensor.Empty(y.Shape, x.Device);
            x.Device.Launch(new LinearGelu(x.View, weight.View, bias?.View ?? default, y.View, slope?.View ?? default, rows, inputs, outputs));
            if (tape is not null) { LinearOps.Linear(tape, x, weight, bias, y, slope); }
            return y;
        }
    }
}
