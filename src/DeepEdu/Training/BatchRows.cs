using System.Collections;
using System.Runtime.CompilerServices;
using DeepEdu.Tensors;

namespace DeepEdu.Training;

/// <summary>How many rows a batch has.</summary>
internal static class BatchRows
{
    // of tensors the first axis, of lists the length, of tuples what their first part has; a batch of any other kind counts as one
    public static int Of(object? batch) => batch switch
    {
        Tensor { Rank: > 0 } t => t.Shape[0],
        Indices { Shape.Rank: > 0 } i => i.Shape[0],
        ICollection c => c.Count,
        ITuple { Length: > 0 } t => Of(t[0]),
        _ => 1,
    };
}
