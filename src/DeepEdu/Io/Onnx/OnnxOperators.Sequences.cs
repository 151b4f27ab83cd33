using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Io;

/// <content>LSTM, GRU and RNN: X [steps, batch, inputs], W [directions, gates·hidden, inputs], R, B [directions, 2·gates·hidden], lengths, initial h, initial c.</content>
internal static partial class OnnxOperators
{
    /// <summary>The blocks of rows of ONNX's gates in PyTorch's order: i o f c are i f g o, z r h are r z n; null for another operator.</summary>
    public static int[]? GateOrder(string op) => op switch { "LSTM" => [0, 2, 3, 1], "GRU" => [1, 0, 2], "RNN" => [0], _ => null };

    private static OnnxCell[] Lstm(OnnxCall c)
    {
        Check(c, ["Sigmoid", "Tanh", "Tanh"], 8);
        if (c.Int("input_forget") == 1 || c.Has(7)) { throw c.Lacks("input_forget and peepholes"); }
        return Directions(c, 4, states: 2, (d, reverse) =>
        {
            var y = d.X.Lstm(d.W, d.R, d.InputBias, d.StateBias, d.H, d.C, d.Lengths, batchFirst: false, reverse: reverse);
            return (y.Output, y.H, y.C);
        });
    }

    private static OnnxCell[] Gru(OnnxCall c)
    {
        Check(c, ["Sigmoid", "Tanh"], 6);
        bool after = c.Int("linear_before_reset") == 1;
        return Directions(c, 3, states: 1, (d, reverse) =>
        {
            var y = d.X.Gru(d.W, d.R, d.InputBias, d.StateBias, d.H, d.Lengths, batchFirst: false, reverse: reverse, resetBefore: !after);
            return (y.Output, y.H, null);
        });
    }

    private static OnnxCell[] Rnn(OnnxCall c)
    {
        bool relu = c.Node.Attributes.GetValueOrDefault("activations") is string[] names && names.All(n => n == "Relu");
        if (!relu) { Check(c, ["Tanh"], 6); }
        return Directions(c, 1, states: 1, (d, reverse) =>
        {
            var y = d.X.SimpleRnn(d.W, d.R, d.InputBias, d.StateBias, d.H, d.Lengths, batchFirst: false, reverse: reverse, relu: relu);
            return (y.Output, y.H, null);
        });
    }

    private static void Check(OnnxCall c, string[] usual, int most)
    {
        if (c.Node.Attributes.GetValueOrDefault("activations") is string[] names && names.Index().Any(n => n.Item != usual[n.Index % usual.Length])) { throw c.Lacks($"activations {string.Join(", ", names)}"); }
        if (c.Node.Attributes.ContainsKey("clip") || c.Count > most) { throw c.Lacks("clip"); }
    }

    /// <summary>What one direction takes.</summary>
    private readonly record struct Direction(Tensor X, Tensor W, Tensor R, Tensor? InputBias, Tensor? StateBias, Tensor? H, Tensor? C, Indices? Lengths);

    private static OnnxCell[] Directions(OnnxCall c, int gates, int states, Func<Direction, bool, (Tensor Output, Tensor H, Tensor? C)> run)
    {
        bool batchFirst = c.Int("layout") == 1;
        var x = batchFirst ? c.X().Transpose(0, 1) : c.X();
        Tensor w = c.X(1), r = c.X(2);
        string direction = c.Text("direction", "forward");
        int count = direction == "bidirectional" ? 2 : 1, rows = gates * r.Shape[^1];
        if (w.Rank != 3 || r.Rank != 3 || w.Shape[0] != count || w.Shape[1] != rows) { throw c.Wrong($"weights {w.Shape} and {r.Shape} for {count} directions of {gates} gates"); }
        int[] order = GateOrder(c.Node.Op)!;
        Tensor[] outputs = new Tensor[count], h = new Tensor[count], last = new Tensor[count];
        for (int d = 0; d < count; d++)
        {
            var bias = c.Maybe(3) is { } b ? Part(b, d) : null;
            (outputs[d], h[d], var cell) = run(new(x, Ordered(Part(w, d)), Ordered(Part(r, d)), bias is null ? null : Ordered(bias.Narrow(0, 0, rows)), bias is null ? null : Ordered(bias.Narrow(0, rows, rows)),
                State(5, d), states == 2 ? State(6, d) : null, c.Has(4) ? c[4].Indices : null), direction == "reverse" || d == 1);
            if (cell is not null) { last[d] = cell; }
        }
        // [steps, directions, batch, hidden], or with the batch first
        OnnxCell all = new(Tensor.Stack(outputs, 1)), ends = new(Tensor.Stack(h));
        if (batchFirst) { (all, ends) = (new(all.Tensor(c.Device).Permute(2, 0, 1, 3)), new(ends.Tensor(c.Device).Transpose(0, 1))); }
        return states == 1 ? [all, ends] : [all, ends, new(batchFirst ? Tensor.Stack(last).Transpose(0, 1) : Tensor.Stack(last))];

        static Tensor Part(Tensor t, int d) => t.Shape[0] == 1 ? t.Squeeze(0) : t.Narrow(0, d, 1).Squeeze(0);

        Tensor? State(int i, int d) => c.Maybe(i) is not { } s ? null : Part(batchFirst ? s.Transpose(0, 1) : s, d);

        Tensor Ordered(Tensor t) => order.Length == 1 || c.Node.InOrder ? t : Tensor.Concat([.. order.Select(g => t.Narrow(0, g * (rows / gates), rows / gates))]);
    }
}
