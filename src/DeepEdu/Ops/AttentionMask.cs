using System.Diagnostics.CodeAnalysis;
using DeepEdu.Devices;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>Which keys a query sees in attention. All parts hold together: a key is seen if none of them hides it. A query that sees no key gets the output 0 and gives no gradient.
/// <code>q.Attention(k, v, mask: new() { Causal = true, Lengths = lengths })</code></summary>
public readonly record struct AttentionMask
{
    /// <summary>Every key up to the query's own place.</summary>
    public static AttentionMask Past => new() { Causal = true };

    /// <summary>Whether query i sees only the keys 0 .. i + <see cref="Offset"/>.</summary>
    public bool Causal { get; init; }

    /// <summary>With <see cref="Causal"/>, how many keys come before the first query: those of earlier steps.</summary>
    public int Offset { get; init; }

    /// <summary>How many keys of each sequence count, the first ones, each 0 to Tₖ; q's leading axes. The others are not read, whatever they hold.</summary>
    public Indices? Lengths { get; init; }

    /// <summary>1 (any number but 0) for a key that counts, 0 for padding: [.., Tₖ], with q's leading axes. PyTorch's <c>key_padding_mask</c> with true and false exchanged.</summary>
    public Tensor? Keys { get; init; }

    /// <summary>Added to the scores; −∞ hides a key. It broadcasts to [.., heads, T, Tₖ], q's leading axes first; with one head that axis may be missing. It may have a gradient.</summary>
    public Tensor? Scores { get; init; }

    /// <summary>Lengths, checked; null if there are none. The array itself: a recorded call reads it anew each time.</summary>
    internal int[]? LengthsOf(Shape leading, int keys)
    {
        if (Lengths is null) { return null; }
        if (Lengths.Shape != leading) { ThrowPart("lengths", Lengths.Shape, leading, "one for each sequence"); }
        Lengths.CheckBelow("attention: lengths", keys + 1);
        return Lengths.Values;
    }

    /// <summary>What is added to the scores: <see cref="Scores"/> and <see cref="Keys"/> as one tensor [batch or 1, heads or 1, T or 1, Tₖ]; null if there is nothing.</summary>
    internal Tensor? Added(Shape leading, int heads, int queries, int keys)
    {
        if (Offset < 0) { throw new ArgumentOutOfRangeException(null, $"attention: {Offset} keys before the first query; 0 or more are needed"); }
        Tensor? keep = null, scores = null;
        if (Keys is { } k)
        {
            Shape wanted = [.. leading.Sizes, keys];
            if (k.Shape != wanted) { ThrowPart("keys", k.Shape, wanted, "one for each key"); }
            keep = Tensor.Zeros(wanted, k.Device).MaskedFill(k.Equal(0f), float.NegativeInfinity).Alias([leading.Size, 1, 1, keys]);
        }
        if (Scores is { } s) { scores = Four(s, leading, heads, queries, keys); }
        return keep is null ? scores : scores is null ? keep : scores + keep;
    }

    private static Tensor Four(Tensor s, Shape leading, int heads, int queries, int keys)
    {
        Shape all = [.. leading.Sizes, heads, queries, keys];
        var shape = s.Shape;
        if (heads == 1 && shape.Rank == leading.Rank + 2 && shape.Rank > 2) { shape = [.. shape.Sizes[..^2], 1, shape[^2], shape[^1]]; }
        if (shape.Rank > all.Rank) { ThrowScores(s.Shape, all); }
        shape = [.. Enumerable.Repeat(1, all.Rank - shape.Rank), .. shape.Sizes];
        for (int i = 0; i < all.Rank; i++) { if (shape[i] != all[i] && shape[i] != 1) { ThrowScores(s.Shape, all); } }
        if (shape != s.Shape) { s = s.Reshape(shape); }
        // the leading axes become one, and keys are there one by one
        bool expand = shape.Product(0, leading.Rank) is var n && n != 1 && n != leading.Size;
        if (expand || shape[^1] != keys) { s = s.BroadcastTo([.. expand ? leading.Sizes : shape.Sizes[..leading.Rank], .. shape.Sizes[leading.Rank..^1], keys]); }
        return s.Reshape([s.Shape.Product(0, leading.Rank), .. s.Shape.Sizes[leading.Rank..]]);
    }

    [DoesNotReturn]
    private static void ThrowPart(string name, Shape got, Shape wanted, string why) =>
        throw new ShapeException("attention", $"mask {name} {got}, but {wanted} is needed, {why}", got, wanted);

    [DoesNotReturn]
    private static void ThrowScores(Shape got, Shape wanted) =>
        throw new ShapeException("attention", $"mask scores {got} do not broadcast to the scores {wanted}, [.., heads, queries, keys]", got, wanted);
}
