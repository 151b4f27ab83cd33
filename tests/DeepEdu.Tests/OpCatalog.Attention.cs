using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests;

public static partial class OpCatalog
{
    private static readonly Shape[] s_big = [[3, 130, 48], [3, 200, 48], [3, 200, 48]];

    private static OpRow[] Attention =>
    [
        Attend("attention", 1, null, new AttentionMask()) with { Big = s_big },
        Attend("attention of heads", 4, null, new AttentionMask()) with { Big = s_big },
        Attend("attention scaled", 2, 0.3f, new AttentionMask()) with { Big = s_big },
        Attend("attention causal", 2, null, AttentionMask.Past) with { Big = s_big },
        Attend("attention causal, offset", 2, null, new AttentionMask { Causal = true, Offset = 2 }) with { Big = s_big },
        Attend("attention lengths", 2, null, (_, i) => new() { Lengths = i[0] }) with { Big = s_big, BigIndices = [Indices.Of(200, 0, 99)] },
        Attend("attention lengths, causal", 2, null, (_, i) => new() { Lengths = i[0], Causal = true }),
        Attend("attention keys", 2, null, (x, i) => new() { Keys = i[0].ToTensor().To(x[0].Device) }) with { IndicesArePositions = false },
        Attend("attention scores", 2, null, (x, _) => new() { Scores = x[3] }) with { Big = [.. s_big, [3, 2, 130, 200]] },
        new("attention scores, learned", x => x[0].Attention(x[1], x[2], 2, new() { Scores = x[3] })),
        Attend("attention scores, keys", 2, null, (x, i) => new() { Scores = x[3], Keys = i[0].ToTensor().To(x[0].Device) }) with { IndicesArePositions = false },
        new("self-attention", x => x[0].SelfAttention(2)) { Big = [[3, 130, 96]], Composed = (x, _) => new AttentionCall(x[0], null, null, 2, default, null, 0, null).Composed(out var _) },
        new("self-attention causal", x => x[0].SelfAttention(2, AttentionMask.Past))
        {
            Big = [[3, 130, 96]], Composed = (x, _) => new AttentionCall(x[0], null, null, 2, AttentionMask.Past, null, 0, null).Composed(out var _),
        },
        new("attention dropout", x => x[0].Attention(x[1], x[2], 2, AttentionMask.Past, dropout: 0.4f, rng: new Rng(5)))
        {
            // PyTorch draws other numbers
            OwnCases = [[[2, 70, 8], [2, 101, 8], [2, 101, 12]]], Big = s_big,
            Composed = (x, _) => new AttentionCall(x[0], x[1], x[2], 2, AttentionMask.Past, null, 0.4f, new Rng(5)).Composed(out var _),
        },
        // several blocks of keys, not whole ones, and rows that are no whole vectors: too long for golden values
        Few("attention of a few queries", (_, _) => default, 0) with { OwnCases = [[[2, 1, 40], [2, 150, 40], [2, 150, 22]], [[3, 5, 12], [3, 131, 12], [3, 131, 34]]] },
        Few("attention of a few queries, causal, dropout", (_, _) => new() { Causal = true, Offset = 126 }, 0.4f) with { OwnCases = [[[2, 4, 12], [2, 133, 12], [2, 133, 34]]] },
        Few("attention of a few queries, scores, lengths", (x, i) => new() { Scores = x[3], Lengths = i[0] }, 0) with
        {
            OwnCases = [[[2, 3, 12], [2, 133, 12], [2, 133, 34], [2, 2, 3, 133]]], OwnIndices = [Indices.Of(133, 70)], Big = [[2, 3, 96], [2, 300, 96], [2, 300, 96], [2, 2, 3, 300]],
        },
        new("rotary", x => x[0].Rotary(x[1], x[2], 2, 1)) { Big = [[9, 120, 40], [121, 8], [121, 8]] },
        new("rotary halves", x => x[0].Rotary(x[1], x[2], 2, 1, halves: true)) { Big = [[9, 120, 80], [121, 20], [121, 20]] },
    ];

    private static OpRow Few(string name, Func<Tensor[], Indices[], AttentionMask> mask, float dropout) =>
        new(name, (x, i) => x[0].Attention(x[1], x[2], 2, mask(x, i), null, dropout, new Rng(5)))
        {
            Composed = (x, i) => new AttentionCall(x[0], x[1], x[2], 2, mask(x, i), null, dropout, new Rng(5)).Composed(out var _), Big = [[2, 3, 96], [2, 300, 96], [2, 300, 96]],
        };

    private static OpRow Attend(string name, int heads, float? scale, AttentionMask mask) => Attend(name, heads, scale, (_, _) => mask);

    private static OpRow Attend(string name, int heads, float? scale, Func<Tensor[], Indices[], AttentionMask> mask) => new(name, (x, i) => x[0].Attention(x[1], x[2], heads, mask(x, i), scale))
    {
        Composed = (x, i) => new AttentionCall(x[0], x[1], x[2], heads, mask(x, i), scale, 0, null).Composed(out var _),
    };
}
