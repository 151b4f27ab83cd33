using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Gpu.Tests;

/// <content>Pooling, resizing and attention.</content>
public partial class DeviceNetsTests
{
    private static readonly Shape[] s_plane = [[2, 3, 7, 9]];

    private static Case[] Images =>
    [
        new("max pool 2", s_plane, x => [x[0].MaxPool2d((2, 2))]),
        new("max pool 3, stride 2, 1, padding 1, dilation 1, 2, ceil", s_plane, x => [x[0].MaxPool2d((3, 3), (2, 1), (1, 1), (1, 2), true)]),
        new("avg pool 2×3", s_plane, x => [x[0].AvgPool2d((2, 3))]),
        new("avg pool 3, stride 2, padding 1, ceil", s_plane, x => [x[0].AvgPool2d((3, 3), (2, 2), (1, 1), ceilMode: true)]),
        new("avg pool 3, stride 1, padding not counted", s_plane, x => [x[0].AvgPool2d((3, 3), (1, 1), (1, 1), false)]),
        new("max pool 1d", [[2, 3, 11]], x => [x[0].MaxPool1d(3, 2, 1)]),
        new("adaptive avg pool", s_plane, x => [x[0].AdaptiveAvgPool2d((3, 4))]),
        new("adaptive max pool", s_plane, x => [x[0].AdaptiveMaxPool2d((5, 2))]),
        new("adaptive max pool larger", [[3, 4]], x => [x[0].AdaptiveMaxPool1d(7)]),
        new("max pool of −∞", s_plane, x => [Hidden(x[0]).MaxPool2d((3, 3), (2, 2), (1, 1), (2, 2))]),
        new("adaptive max pool of −∞", s_plane, x => [Hidden(x[0]).AdaptiveMaxPool2d((3, 4))]),
        new("upsample nearest", s_plane, x => [x[0].Upsample2d((10, 23))]),
        new("upsample linear", s_plane, x => [x[0].Upsample2d((15, 5), ResizeMode.Linear)]),
        new("upsample linear, aligned", s_plane, x => [x[0].Upsample2d((3, 17), ResizeMode.Linear, true)]),
        new("upsample 1d by a factor", [[2, 2, 5]], x => [x[0].Upsample1d(11, ResizeMode.Linear, scale: 2.3f)]),
    ];

    // most of the first plane −∞, the others as they are
    private static Tensor Hidden(Tensor x)
    {
        float[] minus = new float[x.Size];
        Array.Fill(minus, float.NegativeInfinity, 0, 50);
        return x + Tensor.Of(x.Shape, minus, x.Device);
    }

    private static readonly Shape[] s_heads = [[2, 3, 8], [2, 5, 8], [2, 5, 6]];

    private static Case[] Attentions =>
    [
        new("attention", s_heads, x => [x[0].Attention(x[1], x[2], 2)]),
        new("attention of several blocks", [[1, 67, 18], [1, 70, 18], [1, 70, 66]], x => [x[0].Attention(x[1], x[2], scale: 0.2f)]),
        new("attention causal, offset", s_heads, x => [x[0].Attention(x[1], x[2], 2, new() { Causal = true, Offset = 1 })]),
        new("attention causal, several blocks", [[1, 70, 4], [1, 66, 4], [1, 66, 4]], x => [x[0].Attention(x[1], x[2], 1, AttentionMask.Past)]),
        new("attention lengths", s_heads, x => [x[0].Attention(x[1], x[2], 2, new() { Lengths = Indices.Of(0, 4) })]),
        new("attention lengths, causal", s_heads, x => [x[0].Attention(x[1], x[2], 2, new() { Lengths = Indices.Of(3, 0), Causal = true })]),
        new("attention scores", [.. s_heads, [2, 2, 3, 5]], x => [x[0].Attention(x[1], x[2], 2, new() { Scores = x[3].Detach() })]),
        new("attention scores for all heads", [.. s_heads, [3, 5]], x => [x[0].Attention(x[1], x[2], 2, new() { Scores = x[3].Detach() })]),
        new("attention dropout", s_heads, x => [x[0].Attention(x[1], x[2], 2, dropout: 0.4f, rng: new(5))]),
        new("self-attention", [[2, 4, 18]], x => [x[0].SelfAttention(3)]),
        new("self-attention causal, dropout", [[2, 4, 12]], x => [x[0].SelfAttention(2, AttentionMask.Past, dropout: 0.3f, rng: new(6))]),
    ];
}
