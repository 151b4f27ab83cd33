namespace DeepEdu.Numerics;

/// <summary>FNV-1a (Fowler, Noll and Vo 1991), a word at a time: the same number for the same words in the same order. To see whether processes hold the same, not to keep secrets.</summary>
internal static class Fnv
{
    /// <summary>The hash of nothing.</summary>
    public const ulong Start = 14695981039346656037;

    /// <summary>Goes on with more words.</summary>
    public static ulong Add(ulong hash, ReadOnlySpan<uint> words)
    {
        foreach (uint word in words) { hash = (hash ^ word) * 1099511628211; }
        return hash;
    }
}
