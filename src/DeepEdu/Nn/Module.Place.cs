using DeepEdu.Tensors;

namespace DeepEdu.Nn;

public abstract partial class Module
{
    // where the model that was last asked for its parts has this one: "encoder.layers.2"
    private string? _place;

    /// <summary>Remembers the place, unless it is the same seen from further inside: an inner module may be asked for its parts too.</summary>
    internal void StandsAt(string path)
    {
        if (path.Length == 0 || (_place is { } known && known.EndsWith(path, StringComparison.Ordinal) && (known.Length == path.Length || known[^(path.Length + 1)] == '.'))) { return; }
        _place = path;
    }

    /// <summary>Writes the place of the innermost module that it has passed, and that has one, into a shape error. For exception filters, and never true: nothing is caught, the stack stays as it
    /// is, and a call without an error costs nothing.</summary>
    internal bool Places(ShapeException e)
    {
        Collect(); // names what is inside, and the outermost names it last
        e.Passed.Add(this);
        e.Layer = e.Passed.OfType<Module>().FirstOrDefault(m => m._place is not null)?._place;
        return false;
    }
}
