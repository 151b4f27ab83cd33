using DeepEdu.Tensors;

namespace DeepEdu.Io;

/// <summary>A size as it is in two forward passes of batches of two sizes. Where it differs it is a multiple of the batch.</summary>
/// <param name="A">In the first.</param>
/// <param name="B">In the second.</param>
internal readonly record struct OnnxSize(int A, int B)
{
    /// <summary>The batches of the two passes: large enough not to be taken for an axis of one, and with no common factor.</summary>
    public const int BatchA = 3, BatchB = 5;

    /// <summary>Whether it does not depend on the batch.</summary>
    public bool IsFixed => A == B;

    /// <summary>Whether it is a whole number of batches.</summary>
    public bool IsBatches => !IsFixed && A % BatchA == 0 && (long)A * BatchB == (long)B * BatchA;

    /// <summary>How many times the batch.</summary>
    public int Times => A / BatchA;

    public bool Is(int a, int b) => A == a && B == b;

    public static implicit operator OnnxSize(int size) => new(size, size);

    public static OnnxSize operator *(OnnxSize a, OnnxSize b) => new(a.A * b.A, a.B * b.B);

    public static OnnxSize operator +(OnnxSize a, OnnxSize b) => new(a.A + b.A, a.B + b.B);

    public static OnnxSize operator -(OnnxSize a, OnnxSize b) => new(a.A - b.A, a.B - b.B);

    /// <summary>The whole part and whether there is no rest.</summary>
    public bool Divide(OnnxSize by, out OnnxSize quotient)
    {
        quotient = default;
        if (by.A == 0 || by.B == 0 || A % by.A != 0 || B % by.B != 0) { return false; }
        quotient = new(A / by.A, B / by.B);
        return true;
    }

    public static OnnxSize Product(ReadOnlySpan<OnnxSize> sizes)
    {
        OnnxSize n = 1;
        foreach (var s in sizes) { n *= s; }
        return n;
    }

    public static OnnxSize[] Of(Shape a, Shape b)
    {
        var sizes = new OnnxSize[a.Rank];
        for (int i = 0; i < sizes.Length; i++) { sizes[i] = new(a[i], b[i]); }
        return sizes;
    }

    public static Shape First(ReadOnlySpan<OnnxSize> sizes)
    {
        int[] all = new int[sizes.Length];
        for (int i = 0; i < all.Length; i++) { all[i] = sizes[i].A; }
        return Shape.Create(all);
    }

    public static Shape Second(ReadOnlySpan<OnnxSize> sizes)
    {
        int[] all = new int[sizes.Length];
        for (int i = 0; i < all.Length; i++) { all[i] = sizes[i].B; }
        return Shape.Create(all);
    }

    public override string ToString() => IsFixed ? $"{A}" : IsBatches ? Times == 1 ? OnnxGraph.Batch : $"{Times}*{OnnxGraph.Batch}" : $"{A} with a batch of {BatchA}, {B} with one of {BatchB}";
}
