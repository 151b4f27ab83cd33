using DeepEdu.Autograd;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>Ways back of operations that are linear in their input and whose two directions are kernels: each is the gradient of the other, as often as it is differentiated.</summary>
internal static class Adjoints
{
    /// <summary>run(dy), whose own gradient is adjoint(d).</summary>
    public static Tensor Linearly(this Tensor dy, Func<Tensor, Tensor> run, Func<Tensor, Tensor> adjoint)
    {
        var dx = run(dy);
        if (Tape.For(dy) is { } tape) { Remember(tape, dx, dy, run, adjoint); }
        return dx;
    }

    private static void Remember(Tape tape, Tensor dx, Tensor dy, Func<Tensor, Tensor> run, Func<Tensor, Tensor> adjoint) => tape.AddRecordable(dx, (dy, d => d.Linearly(adjoint, run)));
}
