using DeepEdu.Devices;
using DeepEdu.Kernels;
using DeepEdu.Ops;

namespace DeepEdu.Io;

/// <content>Recurrent layers and attention.</content>
internal sealed partial class OnnxTranslator
{
    private void Recurrent(in RecurrentForward k, in RecurrentForward l)
    {
        RecurrentData d = k.Data, e = l.Data;
        OnnxValue weightIh = Read(d.WeightIh, e.WeightIh), weightHh = Read(d.WeightHh, e.WeightHh);
        if (Lacking(d) is { } what) { throw new NotSupportedException(what); }
        OnnxSize batch = new(d.Rows.Batch, e.Rows.Batch), count = new(d.Rows.Count, e.Rows.Count);
        if (!count.Divide(batch, out var steps)) { throw new NotSupportedException("sequences of no steps"); }
        bool back = d.Rows.Step < 0, batchFirst = Math.Abs(d.Rows.Step) == 1 && Math.Abs(e.Rows.Step) == 1;
        int hidden = d.Hidden;
        // ONNX knows time first alone
        OnnxSize[] own = batchFirst ? [batch, steps, d.Inputs] : [steps, batch, d.Inputs];
        OnnxValue x;
        if (d.Categories is not null)
        {
            string ones = shapes.Name(OnnxValue.Constant([2], new float[] { 0, 1 }, new float[] { 0, 1 }));
            x = OnnxValue.Named(graph.Add("OneHot", [Whole(d.Categories, e.Categories!, own[..2]), graph.Whole([d.Inputs]), ones], ("axis", -1)), own);
        }
        else { x = shapes.As(Read(d.X, e.X), own); }
        if (batchFirst) { x = shapes.Transpose(x, 1, 0, 2); }
        // PyTorch's gates i f g o are ONNX's i o f c; r z n are z r h
        bool lstm = d.Kind == CellKind.Lstm, gru = d.Kind is CellKind.Gru or CellKind.GruResetBefore;
        int[] order = lstm ? [0, 3, 1, 2] : gru ? [1, 0, 2] : [0];
        string w = Gates(weightIh, order, hidden, d.Inputs), r = Gates(weightHh, order, hidden, d.Recurrent);
        string bias = d.BiasIh.IsNone ? "" : graph.Add("Concat", [Gates(Read(d.BiasIh, e.BiasIh), order, hidden, 0), Gates(Read(d.BiasHh, e.BiasHh), order, hidden, 0)], ("axis", 1));
        string lengths = d.Rows.Given is null ? "" : graph.Add("Cast", [Whole(d.Rows.Given.Lengths!, e.Rows.Given!.Lengths!, batch)], ("to", 6));
        string State(View a, View b) => a.IsNone ? "" : shapes.Name(shapes.As(Read(a, b), 1, batch, hidden));
        List<string> inputs = [shapes.Name(x), w, r, bias, lengths, State(d.H0, e.H0)];
        if (lstm) { inputs.Add(State(d.C0, e.C0)); }
        while (inputs[^1].Length == 0) { inputs.RemoveAt(inputs.Count - 1); }
        OnnxAttribute[] options = [("hidden_size", hidden), ("direction", back ? "reverse" : "forward")];
        if (gru) { options = [.. options, ("linear_before_reset", d.Kind == CellKind.Gru ? 1 : 0)]; }
        if (d.Kind == CellKind.Relu) { options = [.. options, ("activations", (string[])["Relu"])]; }
        string[] y = graph.AddMany(lstm ? "LSTM" : gru ? "GRU" : "RNN", [.. inputs], lstm ? 3 : 2, options);
        var all = shapes.As(OnnxValue.Named(y[0], steps, 1, batch, hidden), steps, batch, hidden); // [steps, directions, batch, hidden]
        memory.Write(new(d.Output, e.Output), batchFirst ? shapes.Transpose(all, 1, 0, 2) : all);
        memory.Write(new(k.LastH, l.LastH), OnnxValue.Named(y[1], 1, batch, hidden));
        if (lstm) { memory.Write(new(k.LastC, l.LastC), OnnxValue.Named(y[2], 1, batch, hidden)); }
    }

    // what ONNX's operators of sequences do not know
    private static string? Lacking(RecurrentData d) =>
        d.Kind == CellKind.CoupledLstm ? "an LSTM with coupled gates; ONNX has the one with four gates"
        : !d.WeightHr.IsNone ? "an LSTM with a projection; project its output by a Dense"
        : !d.Mask.IsNone ? "recurrent dropout"
        : d.Rows.Given is { Lengths: null } ? "a mask of steps; give the sequences' lengths instead"
        : d.Rows.Given is { Left: true } ? "padding on the left of sequences; pad them on the right"
        : null;

    // the gates' rows in another order, and an axis for the directions in front; columns 0: a bias
    private string Gates(OnnxValue weights, int[] order, int hidden, int columns)
    {
        OnnxSize[] one = columns == 0 ? [1, order.Length * hidden] : [1, order.Length * hidden, columns];
        if (order.Length == 1) { return shapes.Name(shapes.As(weights, one)); }
        string[] gates = graph.AddMany("Split", [shapes.Name(shapes.As(weights, one)), graph.Whole([.. order.Select(_ => (long)hidden)])], order.Length, ("axis", 1));
        return graph.Add("Concat", [.. order.Select(i => gates[i])], ("axis", 1));
    }

    private void Attention(in AttentionOps.AttentionKernel k, in AttentionOps.AttentionKernel l)
    {
        AttentionPlan p = k.Plan, o = l.Plan;
        if (p.Dropout > 0) { throw new NotSupportedException("attention with dropout"); }
        if (p.KeyRows != p.Keys || (p.Queries, p.Keys) != (o.Queries, o.Keys)) { throw new NotSupportedException("attention through a cache, or over the batch"); }
        OnnxSize batch = new(p.Batch, o.Batch);
        int heads = p.Heads;
        OnnxValue q, key, value;
        if (k.K.IsNone && p.Keys > 0)
        {
            // queries, keys and values side by side
            var all = shapes.As(Read(k.Q, l.Q), batch, p.Queries, 3, heads, p.Width);
            OnnxValue Third(int i) => shapes.As(shapes.Slice(all, 2, i, 1), batch, p.Queries, heads, p.Width);
            (q, key, value) = (Third(0), Third(1), Third(2));
        }
        else
        {
            q = shapes.As(Read(k.Q, l.Q), batch, p.Queries, heads, p.Width);
            (key, value) = (shapes.As(Read(k.K, l.K), batch, p.Keys, heads, p.Width), shapes.As(Read(k.V, l.V), batch, p.Keys, heads, p.ValueWidth));
        }
        string scores = graph.Add("MatMul", [shapes.Name(shapes.Transpose(q, 0, 2, 1, 3)), shapes.Name(shapes.Transpose(key, 0, 2, 3, 1))]);
        scores = graph.Add("Mul", [scores, graph.Scalar(p.Scale)]);
        if (!k.Mask.IsNone)
        {
            OnnxSize[] mask = [p.MaskBatch == 0 ? 1 : batch, p.MaskHead == 0 ? 1 : heads, p.MaskRow == 0 ? 1 : p.Queries, p.Keys];
            scores = graph.Add("Add", [scores, shapes.Name(shapes.As(Read(k.Mask, l.Mask), mask))]);
        }
        if (p.Causal)
        {
            float[] hidden = new float[p.Queries * p.Keys];
            for (int i = 0; i < hidden.Length; i++) { hidden[i] = i % p.Keys > (long)(i / p.Keys) + p.Past ? float.NegativeInfinity : 0; }
            scores = graph.Add("Add", [scores, shapes.Name(OnnxValue.Constant([p.Queries, p.Keys], hidden, hidden))]);
        }
        if (p.Lengths is not null)
        {
            string seen = graph.Add("Less", [graph.Whole([.. Enumerable.Range(0, p.Keys).Select(i => (long)i)]), Whole(p.Lengths, o.Lengths!, batch, 1, 1, 1)]);
            scores = graph.Add("Where", [seen, scores, graph.Scalar(float.NegativeInfinity)]);
        }
        string weights;
        if (k.Mask.IsNone && p.Lengths is null) { weights = graph.Add("Softmax", [scores], ("axis", -1)); }
        else
        {
            // a query that sees no key has weights 0
            string none = graph.Add("Equal", [graph.Add("ReduceMax", [scores], ("axes", (int[])[3]), ("keepdims", 1)), graph.Scalar(float.NegativeInfinity)]), zero = graph.Scalar(0);
            weights = graph.Add("Where", [none, zero, graph.Add("Softmax", [graph.Add("Where", [none, zero, scores])], ("axis", -1))]);
        }
        var y = OnnxValue.Named(graph.Add("MatMul", [weights, shapes.Name(shapes.Transpose(value, 0, 2, 1, 3))]), batch, heads, p.Queries, p.ValueWidth);
        memory.Write(new(k.Y, l.Y), shapes.As(shapes.Transpose(y, 0, 2, 1, 3), batch, p.Queries, heads * p.ValueWidth));
    }

    private void Rotary(in RotaryOps.RotaryKernel k, in RotaryOps.RotaryKernel l)
    {
        int turned = 2 * k.Heads * k.Pairs;
        if (!new OnnxSize(k.X.Length, l.X.Length).Divide(k.Steps * k.Row, out var batch) || k.Steps != l.Steps) { throw new NotSupportedException("rotary positions over the batch"); }
        var x = shapes.As(Read(k.X, l.X), batch, k.Steps, k.Row);
        var head = shapes.As(turned == k.Row ? x : shapes.Slice(x, 2, 0, turned), k.Halves ? [batch, k.Steps, k.Heads, 2, k.Pairs] : [batch, k.Steps, k.Heads, k.Pairs, 2]);
        int axis = k.Halves ? 3 : 4, columns = k.Pairs, from = k.Past * columns, count = k.Steps * columns;
        OnnxSize[] place = k.Halves ? [k.Steps, 1, 1, columns] : [k.Steps, 1, columns, 1];
        string Table(View a, View b) => shapes.Name(shapes.As(memory.Read(new OnnxView(a with { Offset = a.Offset + from, Length = count }, b with { Offset = b.Offset + from, Length = count })), place));
        string cos = Table(k.Cos, l.Cos), sin = Table(k.Sin, l.Sin), first = shapes.Name(shapes.Slice(head, axis, 0, 1)), second = shapes.Name(shapes.Slice(head, axis, 1, 1));
        string Product(string a, string b) => graph.Add("Mul", [a, b]);
        OnnxSize[] half = [.. head.Shape];
        half[axis] = 1;
        var y = shapes.As(shapes.Concat(
        [
            OnnxValue.Named(graph.Add("Sub", [Product(first, cos), Product(second, sin)]), half), OnnxValue.Named(graph.Add("Add", [Product(first, sin), Product(second, cos)]), half),
        ], axis), batch, k.Steps, turned);
        memory.Write(new(k.Y, l.Y), turned == k.Row ? y : shapes.Concat([y, shapes.Slice(x, 2, turned, k.Row - turned)], 2));
    }
}
