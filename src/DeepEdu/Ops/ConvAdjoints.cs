using DeepEdu.Autograd;
using DeepEdu.Kernels;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>The three products of a convolution, Σ y · (w ∗ x) by y, by x and by w: each is linear in its two operands, and its gradients are the two others.</summary>
/// <param name="S">The sizes.</param>
/// <param name="X">The input's shape.</param>
/// <param name="Weight">The weight's shape.</param>
/// <param name="Y">The output's shape.</param>
internal readonly record struct ConvAdjoints(ConvShape S, Shape X, Shape Weight, Shape Y)
{
    /// <summary>w ∗ x.</summary>
    public Tensor OfOutput(Tensor x, Tensor weight)
    {
        var all = this;
        var y = Tensor.Empty(Y, x.Device);
        x.Device.Launch(new Conv.Conv2dKernel(S, ConvEnd.None, x.View, weight.View, default, y.View, default));
        Tape.For(x, weight)?.AddRecordable(y, (x, dy => all.OfInput(dy, weight)), (weight, dy => all.OfWeight(x, dy)));
        return y;
    }

    /// <summary>The gradient of the input.</summary>
    public Tensor OfInput(Tensor dy, Tensor weight)
    {
        var all = this;
        var dx = Tensor.Empty(X, dy.Device);
        dy.Device.Launch(new Conv.Conv2dGradientKernel(S, ConvEnd.None, default, weight.View, default, default, dy.View, dx.View, default, default));
        Tape.For(dy, weight)?.AddRecordable(dx, (dy, d => all.OfOutput(d, weight)), (weight, d => all.OfWeight(d, dy)));
        return dx;
    }

    /// <summary>The gradient of the weight.</summary>
    public Tensor OfWeight(Tensor x, Tensor dy)
    {
        var all = this;
        var dWeight = Tensor.Empty(Weight, x.Device);
        x.Device.Launch(new Conv.Conv2dGradientKernel(S, ConvEnd.None, x.View, default, default, default, dy.View, default, dWeight.View, default));
        Tape.For(x, dy)?.AddRecordable(dWeight, (x, d => all.OfInput(dy, d)), (dy, d => all.OfOutput(x, d)));
        return dWeight;
    }
}
