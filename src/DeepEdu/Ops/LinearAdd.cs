using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Kernels;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>Y = X·Wᵀ + b + R: X [rows, inputs], W [outputs, inputs], b [outputs], R and Y [rows, outputs]. R is added to a block of rows while it is in the cache.</summary>
/// <param name="X">The inputs.</param>
/// <param name="W">The weight.</param>
/// <param name="Bias">The bias; none if it has no memory.</param>
/// <param name="Residual">What is added.</param>
/// <param name="Y">The outputs, overwritten.</param>
/// <param name="Rows">How many rows.</param>
/// <param name="Inputs">Inputs a row.</param>
/// <param name="Outputs">Outputs a row.</param>
internal readonly record struct LinearAdd(View X, View W, View Bias, View Residual, View Y, int Rows, int Inputs, int Outputs) : IKernel
{
    /// <inheritdoc/>
    public static string Name => "linear-add";

    /// <inheritdoc/>
    public string Sizes => $"{Rows} × {Inputs} → {Outputs}";

    /// <inheritdoc/>
    public unsafe void Run()
    {
        if (Y.Length == 0) { return; }
        var weight = LinearWeight.Of(W, Rows, Inputs, Outputs);
        fixed (float* x = CpuDevice.Of(X), bias = CpuDevice.Of(Bias), residual = CpuDevice.Of(Residual), y = CpuDevice.Of(Y))
        {
            weight.Product(Rows, Inputs, Outputs, x, y, bias, new End(residual, Outputs));
        }
    }

    private readonly unsafe struct End(float* residual, int outputs) : IRowsEnd
    {
        public void Run(int row, int rows, float* a, float* c) => CpuDevice.ZipRange(default(Arithmetic.AddFormula), ref *(residual + ((nint)row * outputs)), ref *c, ref *c, rows * outputs);
    }
}

/// <summary>A dense layer at the end of a residual path, as one operation.</summary>
internal static class LinearAddOps
{
    extension(Tensor x)
    {
        /// <summary>residual + x·Wᵀ + b: the bits of <c>residual + x.Linear(weight, bias)</c>.</summary>
        public Tensor LinearAdd(Tensor weight, Tensor? bias, Tensor residual)
        {
            ArgumentNullException.ThrowIfNull(x);
            var (inputs, outputs, rows) = LinearOps.Sizes(x, weight, bias);
            var shape = x.Shape.With(x.Rank - 1, outputs);
            if (residual.Shape != shape || residual.Device != x.Device || !x.Device.Has<LinearAdd>()) { return residual + x.Linear(weight, bias); }
            var y = Tensor.Empty(shape, x.Device);
            x.Device.Launch(new LinearAdd(x.View, weight.View, bias?.View ?? default, residual.View, y.View, rows, inputs, outputs));
            if (Tape.For(x, weight, bias ?? weight, residual) is { } tape) { LinearOps.Linear(tape, x, weight, bias, y, null, residual: residual); }
            return y;
        }
    }
}
