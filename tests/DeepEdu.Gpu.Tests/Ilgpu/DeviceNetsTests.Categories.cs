using DeepEdu.Autograd;
using DeepEdu.Kernels;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Gpu.Tests;

/// <content>Recurrent layers over categories: a look-up in place of a product with one-hot vectors.</content>
public partial class DeviceNetsTests
{
    // 3 sequences of 4 steps over 6 categories: some often, one never
    private static readonly Indices s_categories = Indices.Of([3, 4], [5, 0, 0, 2, 5, 1, 0, 5, 5, 5, 3, 5]);

    private static Case[] Categories =>
    [
        new("lstm of categories", Weights(4, 6, 7), x => Look(CellKind.Lstm, x, s_categories)),
        new("lstm of categories, backwards", Weights(4, 6, 7), x => Look(CellKind.Lstm, x, s_categories, reverse: true)),
        new("lstm of categories, lengths", Weights(4, 6, 7), x => Look(CellKind.Lstm, x, s_categories, Indices.Of(2, 4, 0))),
        new("lstm of categories, padded left", Weights(4, 6, 7), x => Look(CellKind.Lstm, x, s_categories, Indices.Of(1, 0, 3), padLeft: true, reverse: true)),
        new("lstm of categories, mask", Weights(4, 6, 7), x => Look(CellKind.Lstm, x, s_categories, mask: Tensor.Of([3, 4], [1, 0, 1, 1, 0, 0, 0, 0, 1, 1, 0, 1], x[0].Device))),
        new("lstm of many categories, few of them read", Weights(4, 90, 3), x => Look(CellKind.Lstm, x, Indices.Of([1, 3], [89, 0, 89]))),
        new("lstm of categories without biases", Weights(4, 6, 7)[..2], x => Look(CellKind.Lstm, x, s_categories)),
        new("coupled lstm of categories", Weights(3, 6, 7), x => Look(CellKind.CoupledLstm, x, s_categories)),
        new("gru of categories", Weights(3, 6, 7), x => Look(CellKind.Gru, x, s_categories)),
        new("gru reset before of categories, lengths", Weights(3, 6, 7), x => Look(CellKind.GruResetBefore, x, s_categories, Indices.Of(4, 0, 2))),
        new("simple rnn of categories, time first", Weights(1, 6, 7), x => Look(CellKind.Tanh, x, s_categories.Reshape([4, 3]), batchFirst: false)),
        new("lstm of one category", Weights(4, 1, 5), x => Look(CellKind.Lstm, x, Indices.Full([3, 37], 0))),
        new("lstm of a table's rows", Turned(4, 6, 7), x => Look(CellKind.Lstm, x, s_categories, turned: true)),
        new("gru of a table's rows, lengths", Turned(3, 6, 7), x => Look(CellKind.Gru, x, s_categories, Indices.Of(4, 0, 2), turned: true)),
    ];

    /// <summary>One-hot vectors are not made: they would be the largest tensor by far.</summary>
    [Fact]
    public void CategoriesAreLookedUp()
    {
        const int Rows = 64, Many = 2000;
        using var device = TestDevice.New();
        device.Strict = true;
        using var tape = new Tape();
        Tensor[] x = [.. Weights(1, Many, 1).Select((s, i) => Numbers(s, i, device))];
        foreach (var w in x) { tape.Watch(w); }
        var y = Look(CellKind.Tanh, x, Indices.Of([2, Rows / 2], [.. Enumerable.Range(0, Rows).Select(i => i * i % Many)]));
        var dw = tape.Gradients(y[0].Sum())[x[0]].ToArray();
        Assert.Equal(Rows - dw.Count(g => g != 0), Rows - Enumerable.Range(0, Rows).Select(i => i * i % Many).Distinct().Count());
        Assert.True(device.PeakBytes < Rows * Many * sizeof(float) / 2, device.MemoryReport());
    }

    // Wᵢ, Wₕ, bᵢ, bₕ
    private static Shape[] Weights(int gates, int categories, int hidden) => [[gates * hidden, categories], [gates * hidden, hidden], [gates * hidden], [gates * hidden]];

    private static Shape[] Turned(int gates, int categories, int hidden) => [[categories, gates * hidden], .. Weights(gates, categories, hidden)[1..]];

    private static Tensor[] Look(CellKind kind, Tensor[] x, Indices categories, Indices? lengths = null, Tensor? mask = null, bool batchFirst = true, bool padLeft = false, bool reverse = false, bool turned = false)
    {
        var inputs = new RecurrentInputs(null, x[0], x[1], x.Length > 2 ? x[2] : null, x.Length > 2 ? x[3] : null, null) { Categories = categories, Turned = turned };
        var (output, h, c) = RecurrentCall.Run("recurrent", kind, inputs, lengths, mask, batchFirst, padLeft, reverse, null);
        return c is null ? [output, h] : [output, h, c];
    }
}
