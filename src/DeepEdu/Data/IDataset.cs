namespace DeepEdu.Data;

/// <summary>Samples by number. Reading must be safe from several threads at once, and a sample must be the same each time, or loaders are not deterministic.
/// See <see cref="Dataset"/> for how to make and combine them.</summary>
public interface IDataset<out T>
{
    /// <summary>How many samples there are.</summary>
    int Count { get; }

    /// <summary>Sample number <paramref name="index"/>, from 0.</summary>
    T this[int index] { get; }
}
