using System.Collections;
using System.Runtime.CompilerServices;
using DeepEdu.Data;
using DeepEdu.Tensors;

namespace DeepEdu.Training;

/// <summary>How many rows a batch has.</summary>
internal static class BatchRows
{
    // of tensors the first axis, of lists the length, of tuples and dictionaries what their first part has of these; a batch of any other kind counts as one
    public static int Of(object? batch) => Find(batch) ?? 1;

    private static int? Find(object? batch)
    {
        switch (batch)
        {
            case Tensor t: return t.Rank > 0 ? t.Shape[0] : null;
            case Indices i: return i.Shape.Rank > 0 ? i.Shape[0] : null;
            case PaddedTokens p: return p.Lengths.Length;
            case PaddedSteps p: return p.Lengths.Length;
            case IDictionary d: return First(d.Values);
            case ICollection c: return c.Count;
            case ITuple t:
                for (int part = 0; part < t.Length; part++)
                {
                    if (Find(t[part]) is { } rows) { return rows; }
                }
                return null;
            default: return null;
        }
    }

    private static int? First(ICollection values)
    {
        foreach (object? value in values)
        {
            if (Find(value) is { } rows) { return rows; }
        }
        return null;
    }
}
