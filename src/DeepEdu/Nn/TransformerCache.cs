using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>The <see cref="KeyValueCache"/> of each layer of a stack.</summary>
public sealed class TransformerCache
{
    internal TransformerCache(KeyValueCache[] layers) => Layers = layers;

    /// <summary>Steps so far.</summary>
    public int Length => Layers is [var first, ..] ? first.Length : 0;

    internal KeyValueCache[] Layers { get; }

    /// <summary>What a step that fails goes back to: all layers have as many steps.</summary>
    internal (int Length, bool HasMemory) Now => Layers is [var first, ..] ? first.Now : default;

    /// <summary>As before steps that failed.</summary>
    internal void GoBack((int Length, bool HasMemory) to)
    {
        foreach (var layer in Layers) { layer.GoBack(to); }
    }

    /// <summary>Forgets the steps from <paramref name="length"/> on; from 0 on, the memory too.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not between 0 and <see cref="Length"/>.</exception>
    public void Reset(int length = 0)
    {
        foreach (var layer in Layers) { layer.Reset(length); }
    }

    /// <summary>Sequence i goes on from what sequence <c>rows[i]</c> was, as in <see cref="KeyValueCache.Reorder"/>.</summary>
    /// <param name="rows">[batch], the sequences as they were.</param>
    /// <exception cref="ShapeException">Not one row for each sequence.</exception>
    /// <exception cref="ArgumentOutOfRangeException">No such sequence.</exception>
    public void Reorder(Indices rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        foreach (var layer in Layers) { layer.Reorder(rows); }
    }

    internal void Check(int layers)
    {
        if (Layers.Length != layers) { throw new InvalidOperationException($"transformer-cache: a cache of {Layers.Length} layers for a stack of {layers}; it was made by another stack"); }
    }
}
