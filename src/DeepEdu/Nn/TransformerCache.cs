namespace DeepEdu.Nn;

/// <summary>The <see cref="KeyValueCache"/> of each layer of a stack.</summary>
public sealed class TransformerCache
{
    internal TransformerCache(KeyValueCache[] layers) => Layers = layers;

    /// <summary>Steps so far.</summary>
    public int Length => Layers is [var first, ..] ? first.Length : 0;

    internal KeyValueCache[] Layers { get; }

    /// <summary>Forgets the steps from <paramref name="length"/> on; from 0 on, the memory too.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not between 0 and <see cref="Length"/>.</exception>
    public void Reset(int length = 0)
    {
        foreach (var layer in Layers) { layer.Reset(length); }
    }

    internal void Check(int layers)
    {
        if (Layers.Length != layers) { throw new InvalidOperationException($"transformer-cache: a cache of {Layers.Length} layers for a stack of {layers}; it was made by another stack"); }
    }
}
