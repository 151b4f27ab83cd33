using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>Several results made one, under the names of Keras' merging layers: <c>Add()([a, b])</c> is <c>Merge.Add(a, b)</c>. Shapes broadcast.</summary>
public static class Merge
{
    /// <summary>a + b + ... Keras' <c>Add</c>.</summary>
    public static Tensor Add(params ReadOnlySpan<Tensor> parts) => Fold("add", parts, static (a, b) => a + b);

    /// <summary>a · b · ..., value by value. Keras' <c>Multiply</c>.</summary>
    public static Tensor Multiply(params ReadOnlySpan<Tensor> parts) => Fold("multiply", parts, static (a, b) => a * b);

    /// <summary>The mean of the parts. Keras' <c>Average</c>.</summary>
    public static Tensor Average(params ReadOnlySpan<Tensor> parts) => Fold("average", parts, static (a, b) => a + b) / parts.Length;

    /// <summary>The largest of the parts, value by value. Keras' <c>Maximum</c>.</summary>
    public static Tensor Maximum(params ReadOnlySpan<Tensor> parts) => Fold("maximum", parts, static (a, b) => Tensor.Maximum(a, b));

    /// <summary>The smallest of the parts, value by value. Keras' <c>Minimum</c>.</summary>
    public static Tensor Minimum(params ReadOnlySpan<Tensor> parts) => Fold("minimum", parts, static (a, b) => Tensor.Minimum(a, b));

    /// <summary>a − b. Keras' <c>Subtract</c>.</summary>
    public static Tensor Subtract(Tensor a, Tensor b) => a - b;

    /// <summary>The parts side by side along the last axis. Keras' <c>Concatenate</c>; another axis: <c>Tensor.Concat</c>.</summary>
    /// <exception cref="ShapeException">No part, or sizes differ on another axis.</exception>
    public static Tensor Concat(params ReadOnlySpan<Tensor> parts) => Tensor.Concat(parts, -1);

    /// <summary>Dot products over the last axis. Keras' <c>Dot(axes=-1)</c>.</summary>
    /// <param name="a">[N, d], or [N, T, d].</param>
    /// <param name="b">[N, d], or [N, S, d].</param>
    /// <param name="normalize">Whether both are divided by their lengths first: the cosine.</param>
    /// <returns>[N, 1], or [N, T, S].</returns>
    /// <exception cref="ShapeException">The inputs have other shapes.</exception>
    public static Tensor Dot(Tensor a, Tensor b, bool normalize = false)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        if (a.Rank is not (2 or 3) || a.Rank != b.Rank || a.Shape[0] != b.Shape[0] || a.Shape[^1] != b.Shape[^1] || (a.Rank == 2 && a.Shape != b.Shape))
        {
            throw new ShapeException("dot", $"{a.Shape} and {b.Shape} must be [N, d] and [N, d], or [N, T, d] and [N, S, d]", a.Shape, b.Shape);
        }
        if (normalize) { (a, b) = (Unit(a), Unit(b)); }
        return a.Rank == 2 ? (a * b).Sum(1, keepDims: true) : a.MatMul(b, transB: true);
    }

    private static Tensor Unit(Tensor x) => x / x.Norm(2, -1, keepDims: true).Clamp(min: 1e-6f);

    private static Tensor Fold(string name, ReadOnlySpan<Tensor> parts, Func<Tensor, Tensor, Tensor> join)
    {
        NullItems.ThrowIfAny(parts);
        if (parts.IsEmpty) { throw new ArgumentException($"merge {name}: there is nothing to merge", nameof(parts)); }
        var y = parts[0];
        foreach (var part in parts[1..]) { y = join(y, part); }
        return y;
    }
}
