namespace DeepEdu.Tensors;

/// <summary>Shapes that do not fit an operation. The message names the operation, every shape it was given and, where there is one, the likely fix.</summary>
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
}
