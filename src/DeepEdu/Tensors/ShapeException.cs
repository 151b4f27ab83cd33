namespace DeepEdu.Tensors;

/// <summary>Shapes that do not fit an operation. The message names the layer, as far as it is known, the operation, every shape it was given and, where there is one, the likely fix:
/// <c>encoder.layers.2.linear1: linear: x [8,5] has ..</c>.</summary>
public sealed class ShapeException : ArgumentException
{
    /// <summary>An error of operation <paramref name="op"/>.</summary>
    /// <param name="op">The operation's public name, its words with hyphens between: "matmul", "max-pool2d".</param>
    /// <param name="why">What does not fit, and what to do.</param>
    /// <param name="shapes">Every shape the operation was given.</param>
    public ShapeException(string op, string why, params Shape[] shapes) : base($"{op}: {why}") => (Op, Shapes) = (op, shapes);

    /// <summary>The operation.</summary>
    public string Op { get; }

    /// <summary>The shapes it was given.</summary>
    public IReadOnlyList<Shape> Shapes { get; }

    /// <summary>The layer in which it arose, as its parameters are named: "encoder.layers.2.linear1". Null outside layers, and in a model that was never asked for its parameters and is not
    /// part of a <c>Sequential</c> or the like.</summary>
    public string? Layer { get; internal set; }

    /// <inheritdoc/>
    public override string Message => Layer is null ? base.Message : $"{Layer}: {base.Message}";

    /// <summary>The modules that it has passed, from the inside.</summary>
    internal List<object> Passed { get; } = [];
}
