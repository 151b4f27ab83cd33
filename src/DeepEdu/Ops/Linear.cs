using System.Diagnostics.CodeAnalysis;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Kernels;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>Y = X·Wᵀ + b, then max(·, 0) if asked: X [rows, inputs], W [outputs, inputs], b [outputs], Y [rows, outputs].</summary>
/// <param name="X">The inputs.</param>
/// <param name="W">The weight.</param>
/// <param name="Bias">The bias; none if it has no memory.</param>
/// <param name="Y">The outputs, overwritten.</param>
/// <param name="Rows">How many rows.</param>
/// <param name="Inputs">Inputs a row.</param>
/// <param name="Outputs">Outputs a row.</param>
/// <param name="Relu">Whether negative outputs become 0.</param>
public readonly record struct Linear(View X, View W, View Bias, View Y, int Rows, int Inputs, int Outputs, bool Relu) : IKernel
{
    /// <inheritdoc/>
    public static string Name => "linear";

    /// <inheritdoc/>
    public string Sizes => $"{Rows} × {Inputs} → {Outputs}";

    /// <inheritdoc/>
    public unsafe void Run()
    {
        if (Y.Length == 0) { return; }
        var weight = LinearWeight.Of(W, Rows, Inputs, Outputs);
        fixed (float* x = CpuDevice.Of(X), bias = CpuDevice.Of(Bias), y = CpuDevice.Of(Y)) { weight.Product(Rows, Inputs, Outputs, x, y, new(bias, Relu)); }
    }
}

/// <summary>The affine map of a dense layer as one operation.</summary>
public static class LinearOps
{
    extension(Tensor x)
    {
        /// <summary>y = x·Wᵀ + b over the last axis: x [.., inputs], W [outputs, inputs], b [outputs] → [.., outputs]. <c>torch.nn.functional.linear</c>.</summary>
        /// <param name="weight">W, a row an output.</param>
        /// <param name="bias">b, or none.</param>
        /// <param name="relu">Applies max(·, 0) in the same pass; its gradient is taken from the output.</param>
        /// <exception cref="ShapeException">The shapes do not fit.</exception>
        public Tensor Linear(Tensor weight, Tensor? bias = null, bool relu = false)
        {
            ArgumentNullException.ThrowIfNull(x);
            var (inputs, outputs, rows) = Sizes(x, weight, bias);
            var y = Tensor.Empty(x.Shape.With(x.Rank - 1, outputs), x.Device);
            x.Device.Launch(new Linear(x.View, weight.View, bias?.View ?? default, y.View, rows, inputs, outputs, relu));
            if (Tape.For(x, weight, bias ?? weight) is { } tape) { Linear(tape, x, weight, bias, y, null, relu); }
            return y;
        }
    }

    /// <summary>Inputs and outputs of a row, and how many rows; throws where they do not fit.</summary>
    internal static (int Inputs, int Outputs, int Rows) Sizes(Tensor x, Tensor weight, Tensor? bias)
    {
        ArgumentNullException.ThrowIfNull(weight);
        if (x.Rank == 0 || weight.Rank != 2 || x.Shape[^1] != weight.Shape[1]) { ThrowWeight(x.Shape, weight.Shape); }
        Elementwise.SameDevice("linear", x, weight);
        int inputs = weight.Shape[1], outputs = weight.Shape[0];
        if (bias is not null)
        {
            if (bias.Shape != [outputs]) { ThrowBias(weight.Shape, bias.Shape); }
            Elementwise.SameDevice("linear", x, bias);
        }
        return (inputs, outputs, x.Shape.Product(0, x.Rank - 1));
    }

    /// <summary>Remembers y = f(x·Wᵀ + b) [+ residual], f GELU with the given slope, or ReLU, or nothing. Named after the operation, which is what a diagnosis calls it.</summary>
    internal static void Linear(Tape tape, Tensor x, Tensor weight, Tensor? bias, Tensor y, Tensor? slope, bool relu = false, Tensor? residual = null)
    {
        int inputs = weight.Shape[1], outputs = weight.Shape[0], rows = x.Shape.Product(0, x.Rank - 1);
        Tensor[] inputsOf = bias is null ? [x, weight] : [x, weight, bias];
        if (residual is not null) { inputsOf = [.. inputsOf, residual]; }
        tape.AddRecordable([y], inputsOf, slope, (dys, into) =>
        {
            if (Tape.Recording is not null)
            {
                tape.Through(() => [Composed()], dys, inputsOf, into);
                return;
            }
            var dy = dys[0]!;
            if (residual is not null && tape.Wants(residual)) { into[^1] = dy; }
            if (relu) { dy = dy.ZipConstant(y, default(Activations.ReluPull), "linear"); }
            dy = dy.Alias([rows, outputs]);
            var dBias = bias is not null && tape.Wants(bias) ? Tensor.Empty(bias.Shape, dy.Device) : null;
            if (tape.Wants(x))
            {
                var dx = Tensor.Empty(x.Shape, dy.Device);
                var dWeight = tape.Wants(weight) ? Tensor.Empty(weight.Shape, dy.Device) : null;
                dy.Device.Launch(new LinearPull(dy.View, weight.View, x.View, tape.TakeSlope(x)?.View ?? default, dx.View, dWeight?.View ?? default, dBias?.View ?? default, rows, inputs, outputs));
                (into[0], into[1]) = (dx, dWeight);
            }
            else
            {
                if (dBias is not null) { dy.Device.Fold(default(Reductions.SumFold), dy.View, 1, rows, outputs, dBias.View); }
                if (tape.Wants(weight)) { into[1] = MatMulOps.Product(dy, x.Alias([rows, inputs]), true, false, null); }
            }
            if (dBias is not null) { into[2] = dBias; }
        });

        Tensor Composed()
        {
            var sum = x.MatMul(weight, transB: true);
            if (bias is not null) { sum += bias; }
            return residual is not null ? residual + sum : slope is not null ? sum.Gelu() : relu ? sum.Relu() : sum;
        }
    }

    [DoesNotReturn]
    private static void ThrowWeight(Shape x, Shape weight)
    {
        string hint = x.Rank > 0 && weight.Rank == 2 && x[^1] == weight[0] ? "; is the weight stored [inputs, outputs]? Transpose it"
            : x.Rank > 0 ? $"; make the layer with {x[^1]} inputs, or is an axis of x in another's place?" : "";
        throw new ShapeException("linear", weight.Rank == 2 && x.Rank > 0
            ? $"x {x} has {x[^1]} inputs on its last axis, the weight {weight} takes {weight[1]}{hint}"
            : $"x {x} with weight {weight}: x needs a last axis of inputs, the weight must be [outputs, inputs]", x, weight);
    }

    [DoesNotReturn]
    private static void ThrowBias(Shape weight, Shape bias) =>
        throw new ShapeException("linear", $"bias {bias} for a weight {weight}: it must be [{weight[0]}]", weight, bias);
}
