using System.Text;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>How saved weights and a module's parts fit each other.</summary>
/// <param name="Missing">Parameters and buffers that the module has and the saved weights lack.</param>
/// <param name="Unexpected">Names that the saved weights have and the module lacks.</param>
/// <param name="Misshaped">Names both have with different shapes, with both shapes.</param>
public sealed record LoadReport(IReadOnlyList<string> Missing, IReadOnlyList<string> Unexpected, IReadOnlyList<string> Misshaped)
{
    /// <summary>Whether every name is there on both sides in the same shape.</summary>
    public bool IsExact => Missing.Count + Unexpected.Count + Misshaped.Count == 0;

    /// <summary>The three lists, a line each.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        Line("missing from the file", Missing);
        Line("not in the model", Unexpected);
        Line("of other shapes", Misshaped);
        return text.Length == 0 ? "all names and shapes fit" : text.ToString().TrimEnd('\n');

        void Line(string what, IReadOnlyList<string> names)
        {
            if (names.Count > 0) { text.Append($"{what} ({names.Count}): {string.Join(", ", names)}\n"); }
        }
    }

    /// <summary>Where all names differ by one prefix alone, what to do about it; else "".</summary>
    internal string Hint() =>
        Prefix(Unexpected, Missing) is { } saved ? $"\nthe saved names begin with \"{saved}.\"; take that part of them, such as TorchFile.Read(path).Part(\"{saved}\")"
        : Prefix(Missing, Unexpected) is { } own ? $"\nthe model's names begin with \"{own}.\"; load into that part of it" : "";

    private static string? Prefix(IReadOnlyList<string> longer, IReadOnlyList<string> shorter)
    {
        if (shorter.Count == 0 || longer.FirstOrDefault(n => n.EndsWith($".{shorter[0]}", StringComparison.Ordinal)) is not { } one) { return null; }
        string prefix = one[..^shorter[0].Length];
        return shorter.All(n => longer.Contains(prefix + n)) ? prefix[..^1] : null;
    }

    internal static LoadReport Of(Parts parts, ISavedTensors from)
    {
        List<string> missing = [], misshaped = [];
        var left = new HashSet<string>(from.TensorNames, StringComparer.Ordinal);
        foreach (var (name, value) in parts.Tensors)
        {
            string there = parts.NameIn(from, name);
            if (!left.Remove(there)) { missing.Add(name); }
            else if (from.ShapeOf(there) is var saved && saved != value.Shape) { misshaped.Add($"{name} {saved} in the file, {value.Shape} in the model{(saved.Rank == 2 && value.Rank == 2 && saved == Shape.Create([value.Shape[^1], value.Shape[0]]) ? ", transposed: Keras and JAX store [inputs, outputs]" : "")}"); }
        }
        // a shared weight stands in PyTorch's files under each of its names
        foreach (var (name, first) in parts.Again)
        {
            if (left.Contains(name) && from.Tensor(name) is var again && from.Tensor(parts.NameIn(from, first)) is var one && again.Shape == one.Shape
                && again.ToArray().AsSpan().SequenceEqual(one.ToArray()))
            {
                left.Remove(name);
            }
        }
        return new(missing, [.. from.TensorNames.Where(left.Contains)], misshaped);
    }
}
