using DeepEdu.Autograd;
using DeepEdu.Memory;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Attribution;

/// <summary>What attributions ask of a model: one number a row of its input, and the way back from it.</summary>
internal static class RowScores
{
    /// <summary>The score of each row, as in use: nothing is dropped.</summary>
    public static float[] Of(string op, Func<Tensor, Tensor> f, Tensor x)
    {
        using Arena arena = new Tape(training: false);
        return Checked(op, f, x).ToArray();
    }

    /// <summary>∂f(xₙ)/∂xₙ of every row n at once, for no row's score depends on another's values.</summary>
    public static float[] Gradient(string op, Func<Tensor, Tensor> f, Shape shape, float[] values, Tensor like)
    {
        using Tape tape = new(training: false);
        Tensor x = tape.Watch(Tensor.Of(shape, values, like.Device)), y = Checked(op, f, x);
        Tensor? gradient = tape.Wants(y) ? tape.Gradients(y.Sum()).Find(x) : null;
        return gradient?.ToArray()
            ?? throw new InvalidOperationException($"{op}: no gradient reaches the input {shape}: the function must compute with the tensor that it is given. What is rounded or made Indices has none; attribute to the layer behind it");
    }

    /// <summary>The values of an input of one row or more.</summary>
    public static float[] Values(string op, Func<Tensor, Tensor> f, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(f);
        ArgumentNullException.ThrowIfNull(x);
        if (x.Rank < 2 || x.Size == 0) { throw new ShapeException(op, $"the input {x.Shape} is not [rows, ..] with values in it; one example is [1, ..]: Unsqueeze(0)?", x.Shape); }
        return x.ToArray();
    }

    private static Tensor Checked(string op, Func<Tensor, Tensor> f, Tensor x)
    {
        Tensor y = f(x) ?? throw new ArgumentException($"{op}: the function gave null, not one number a row");
        if (y.Size != x.Shape[0]) { throw new ShapeException(op, $"the function gave {y.Shape} for {x.Shape}, not one number a row; choose an output, such as that of class 2: x => model.Forward(x)[.., 2]", y.Shape, x.Shape); }
        float[] scores = y.ToArray();
        if (Array.FindIndex(scores, s => !float.IsFinite(s)) is var bad and >= 0) { throw new ArgumentException($"{op}: the score of row {bad} is {scores[bad]}; only finite scores can be explained"); }
        return y;
    }
}
