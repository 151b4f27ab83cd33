using DeepEdu.Autograd;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Ops;

/// <summary>The recurrent layers step by step, which recorded gradients go back through, against the fused sequence: every kind of cell with every kind of padding.</summary>
public class RecurrentStepsTests
{
    private const int Batch = 3, Steps = 4, Inputs = 2, Hidden = 3;

    private static readonly string[] s_kinds = ["lstm", "coupled", "projected", "gru", "reset before", "tanh", "relu"];

    public static TheoryData<string, string, bool, bool> Cases()
    {
        TheoryData<string, string, bool, bool> data = [];
        foreach (string kind in s_kinds)
        {
            foreach (string padding in (string[])["whole", "right", "left", "mask"])
            {
                data.Add(kind, padding, true, false);
                data.Add(kind, padding, false, true);
            }
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void RecordedGradientsAreTheFusedOnes(string kind, string padding, bool batchFirst, bool reverse)
    {
        var rng = new Rng(11);
        int gates = kind switch { "lstm" or "projected" => 4, "tanh" or "relu" => 1, _ => 3 }, width = kind == "projected" ? 2 : Hidden;
        int[] lengths = [4, 0, 2];
        float[] counts = [1, 1, 1, 1, 0, 0, 0, 0, 0, 1, 0, 1]; // [batch, steps]
        var x = Tensor.Normal(batchFirst ? [Batch, Steps, Inputs] : [Steps, Batch, Inputs], rng);
        Tensor[] weights = [Tensor.Normal([gates * Hidden, Inputs], rng), Tensor.Normal([gates * Hidden, width], rng), Tensor.Normal([gates * Hidden], rng), Tensor.Normal([gates * Hidden], rng)];
        Tensor h0 = Tensor.Normal([Batch, width], rng), c0 = Tensor.Normal([Batch, Hidden], rng), wr = Tensor.Normal([width, Hidden], rng), seen = Tensor.Uniform([Batch, width], rng, 0, 2);
        bool Counts(int row, int step) => padding switch { "right" => step < lengths[row], "left" => step >= Steps - lengths[row], "mask" => counts[(row * Steps) + step] != 0, _ => true };
        for (int i = 0; i < x.Size; i++)
        {
            int at = i / Inputs;
            if (!(batchFirst ? Counts(at / Steps, at % Steps) : Counts(at % Batch, at / Batch))) { x.AsSpan()[i] = float.NaN; } // padding may hold anything
        }
        Indices? n = padding is "right" or "left" ? Indices.Of(lengths) : null;
        Tensor? mask = padding == "mask" ? Tensor.Of([Batch, Steps], counts) : null;
        if (mask is not null && !batchFirst) { mask = mask.Transpose(0, 1); }
        bool cell = kind is "lstm" or "coupled" or "projected";
        Tensor[] inputs = [x, .. weights, h0, .. cell ? (Tensor[])[c0] : [], .. kind == "projected" ? (Tensor[])[wr] : []];

        using var tape = new Tape();
        foreach (var t in inputs) { tape.Watch(t); }
        var parts = Parts();
        var loss = (parts[0] * Tensor.Normal(parts[0].Shape, rng)).Sum() + parts.Skip(1).Select(p => (p * Tensor.Normal(p.Shape, rng)).Sum()).Aggregate((a, b) => a + b);
        var plain = tape.Gradients(loss);
        var recorded = tape.RecordedGradients(loss, inputs);
        for (int i = 0; i < inputs.Length; i++) { OpCatalogTests.Near(plain[inputs[i]].ToArray(), recorded[i].ToArray(), 5e-5f, $"gradient {i}"); } // sums of a few dozen products in another order

        Tensor[] Parts()
        {
            if (cell)
            {
                var (output, h, c) = x.Lstm(weights[0], weights[1], weights[2], weights[3], h0, c0, n, batchFirst, padding == "left", reverse, kind == "projected" ? wr : null, seen, mask, kind == "coupled");
                return [output, h, c];
            }
            var r = kind is "tanh" or "relu" ? x.SimpleRnn(weights[0], weights[1], weights[2], weights[3], h0, n, batchFirst, padding == "left", reverse, seen, mask, kind == "relu")
                : x.Gru(weights[0], weights[1], weights[2], weights[3], h0, n, batchFirst, padding == "left", reverse, seen, mask, kind == "reset before");
            return [r.Output, r.H];
        }
    }

    [Fact]
    public void WithoutStepsOrBiasesTheyAreThereToo()
    {
        var rng = new Rng(2);
        Tensor w = Tensor.Normal([12, 2], rng), u = Tensor.Normal([12, 3], rng), h0 = Tensor.Normal([2, 3], rng);
        using var tape = new Tape();
        tape.Watch(h0);
        var none = Tensor.Zeros([2, 0, 2]).Lstm(w, u, h0: h0);
        Assert.Equal([1, 1, 1, 1, 1, 1], tape.RecordedGradients(none.H.Sum(), h0)[0].ToArray());
    }
}
