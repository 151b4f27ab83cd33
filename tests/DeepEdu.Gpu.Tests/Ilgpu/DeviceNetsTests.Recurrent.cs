using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Gpu.Tests;

/// <content>Recurrent layers: more sequences and units than a tile has, and fewer.</content>
public partial class DeviceNetsTests
{
    private static readonly Shape[] s_lstm = Sizes(4, 3, 4, 5, 7, state: 2), s_wide = Sizes(4, 18, 3, 35, 17, state: 2), s_gru = Sizes(3, 3, 4, 5, 7, state: 1), s_simple = Sizes(1, 3, 4, 5, 7, state: 1);

    private static Case[] Recurrent =>
    [
        new("lstm", s_lstm, x => All(x[0].Lstm(x[1], x[2], x[3], x[4], x[5], x[6]))),
        new("lstm without biases and states", s_lstm[..3], x => All(x[0].Lstm(x[1], x[2]))),
        new("lstm wide", s_wide, x => All(x[0].Lstm(x[1], x[2], x[3], x[4], x[5], x[6]))),
        new("lstm backwards, time first", s_lstm, x => All(x[0].Reshape([4, 3, 5]).Lstm(x[1], x[2], x[3], x[4], x[5], x[6], batchFirst: false, reverse: true))),
        new("lstm recurrent dropout", [.. s_lstm, [3, 7]], x => All(x[0].Lstm(x[1], x[2], x[3], x[4], x[5], x[6], recurrentMask: x[7].Detach()))),
        new("lstm projected", Projected, x => All(x[0].Lstm(x[1], x[2], x[3], x[4], x[5], x[6], weightHr: x[7]))),
        new("lstm projected, recurrent dropout", [.. Projected, [3, 4]], x => All(x[0].Lstm(x[1], x[2], x[3], x[4], x[5], x[6], weightHr: x[7], recurrentMask: x[8].Detach()))),
        new("lstm coupled", Sizes(3, 3, 4, 5, 7, state: 2), x => All(x[0].Lstm(x[1], x[2], x[3], x[4], x[5], x[6], coupled: true))),
        new("gru", s_gru, x => All(x[0].Gru(x[1], x[2], x[3], x[4], x[5]))),
        new("gru recurrent dropout", [.. s_gru, [3, 7]], x => All(x[0].Gru(x[1], x[2], x[3], x[4], x[5], recurrentMask: x[6].Detach()))),
        new("gru reset before", s_gru, x => All(x[0].Gru(x[1], x[2], x[3], x[4], x[5], resetBefore: true))),
        new("gru reset before, recurrent dropout", [.. s_gru, [3, 7]], x => All(x[0].Gru(x[1], x[2], x[3], x[4], x[5], recurrentMask: x[6].Detach(), resetBefore: true))),
        new("gru reset before, wide", Sizes(3, 18, 2, 3, 17, state: 1), x => All(x[0].Gru(x[1], x[2], x[3], x[4], x[5], resetBefore: true))),
        new("simple rnn", s_simple, x => All(x[0].SimpleRnn(x[1], x[2], x[3], x[4], x[5]))),
        new("simple rnn relu", s_simple, x => All(x[0].SimpleRnn(x[1], x[2], x[3], x[4], x[5], relu: true))),
    ];

    private static Case[] Padded =>
    [
        new("lstm lengths", s_lstm, x => All(x[0].Lstm(x[1], x[2], x[3], x[4], x[5], x[6], Indices.Of(2, 4, 0)))),
        new("lstm lengths, padded left, backwards", s_lstm, x => All(x[0].Lstm(x[1], x[2], x[3], x[4], x[5], x[6], Indices.Of(1, 0, 3), padLeft: true, reverse: true))),
        new("lstm lengths, many", Sizes(4, 18, 3, 2, 3, state: 2), x => All(x[0].Lstm(x[1], x[2], x[3], x[4], x[5], x[6], Indices.Of(1, 0, 3, 2, 2, 1, 3, 3, 0, 1, 2, 3, 1, 2, 3, 2, 1, 3)))),
        new("lstm mask", s_lstm, x => All(x[0].Lstm(x[1], x[2], x[3], x[4], x[5], x[6], mask: Tensor.Of([3, 4], [1, 0, 1, 1, 0, 0, 0, 0, 1, 1, 0, 1], x[0].Device)))),
        new("gru lengths", s_gru, x => All(x[0].Gru(x[1], x[2], x[3], x[4], x[5], Indices.Of(4, 1, 2)))),
        new("gru reset before, lengths", s_gru, x => All(x[0].Gru(x[1], x[2], x[3], x[4], x[5], Indices.Of(4, 0, 2), resetBefore: true))),
        new("lstm projected, lengths", Projected, x => All(x[0].Lstm(x[1], x[2], x[3], x[4], x[5], x[6], Indices.Of(0, 2, 4), weightHr: x[7]))),
        new("simple rnn lengths, time first", s_simple, x => All(x[0].Reshape([4, 3, 5]).SimpleRnn(x[1], x[2], x[3], x[4], x[5], Indices.Of(2, 4, 1), batchFirst: false))),
    ];

    private static Shape[] Projected => [[3, 4, 5], [28, 5], [28, 4], [28], [28], [3, 4], [3, 7], [4, 7]];

    private static Shape[] Sizes(int gates, int batch, int steps, int inputs, int hidden, int state) =>
    [
        [batch, steps, inputs], [gates * hidden, inputs], [gates * hidden, hidden], [gates * hidden], [gates * hidden], .. Enumerable.Repeat<Shape>([batch, hidden], state),
    ];

    private static Tensor[] All(LstmResult r) => [r.Output, r.H, r.C];

    private static Tensor[] All(RecurrentResult r) => [r.Output, r.H];
}
