using DeepEdu.Devices;
using DeepEdu.Kernels;
using DeepEdu.Ops;

namespace DeepEdu.Io;

/// <content>Kernels: products, look-ups, norms, softmax.</content>
internal sealed partial class OnnxTranslator
{
    public void Launch<K>(Recording.Launch<K> a, Recording.Launch<K> b) where K : struct, IKernel
    {
        switch (((object)a.Kernel, (object)b.Kernel))
        {
            case (Linear k, Linear l): Product(new(k.X, l.X), new(k.W, l.W), new(k.Bias, l.Bias), new(k.Y, l.Y), new(k.Rows, l.Rows), k.Inputs, k.Outputs, y => k.Relu ? graph.Add("Relu", [y]) : y); break;
            case (LinearAdd k, LinearAdd l):
                Product(new(k.X, l.X), new(k.W, l.W), new(k.Bias, l.Bias), new(k.Y, l.Y), new(k.Rows, l.Rows), k.Inputs, k.Outputs, null, new(k.Residual, l.Residual));
                break;
            case (LinearGelu k, LinearGelu l): Product(new(k.X, l.X), new(k.W, l.W), new(k.Bias, l.Bias), new(k.Y, l.Y), new(k.Rows, l.Rows), k.Inputs, k.Outputs, Gelu); break;
            case (MatMul k, MatMul l): Product(k, l); break;
            case (StridedCopy k, StridedCopy l): Move(k, l); break;
            case (Gathering.SelectKernel k, Gathering.SelectKernel l): Select(k, l); break;
            case (Gathering.GatherKernel k, Gathering.GatherKernel l): Gather(k, l); break;
            case (Gathering.ScatterAddKernel k, Gathering.ScatterAddKernel l): ScatterAdd(k, l); break;
            case (Gathering.SelectAddKernel { Skip: < 0 } k, Gathering.SelectAddKernel l): IndexAdd(k, l); break;
            case (Bags.ShortenKernel k, Bags.ShortenKernel l):
                Read(k.Table, l.Table);
                throw new NotSupportedException("an embedding with a greatest norm, which changes its weights where it looks them up; shorten the rows once, and export an embedding without");
            case (Bags.BagKernel k, Bags.BagKernel l): Bag(k, l); break;
            case (SoftmaxOp.Forward k, SoftmaxOp.Forward l): Softmax(k, l); break;
            case (RowNorms.RowNormKernel k, RowNorms.RowNormKernel l): RowNorm(k, l); break;
            case (GroupNorms.GroupNormKernel k, GroupNorms.GroupNormKernel l): GroupNorm(k, l); break;
            case (BatchNorms.BatchNormKernel k, BatchNorms.BatchNormKernel l): BatchNorm(k, l); break;
            case (Cumulative.RunningSum k, Cumulative.RunningSum l): RunningSum(k, l); break;
            case (Extremes.LocateExtreme k, Extremes.LocateExtreme l): Extreme(k, l); break;
            case (Sorting.OrderKernel k, Sorting.OrderKernel l): Order(k, l); break;
            case (Triangles.TriangleKernel k, Triangles.TriangleKernel l): Triangle(k, l); break;
            case (Conv.Conv2dKernel k, Conv.Conv2dKernel l): Convolution(k, l); break;
            case (Conv.Conv2dGradientKernel k, Conv.Conv2dGradientKernel l): Transposed(k, l); break;
            case (Pooling.MaxPoolKernel k, Pooling.MaxPoolKernel l): MaxPool(k, l); break;
            case (Pooling.AvgPoolKernel k, Pooling.AvgPoolKernel l): AvgPool(k, l); break;
            case (AdaptivePooling.AdaptiveAvgPoolKernel k, AdaptivePooling.AdaptiveAvgPoolKernel l): AdaptiveAvg(k, l); break;
            case (AdaptivePooling.AdaptiveMaxPoolKernel k, AdaptivePooling.AdaptiveMaxPoolKernel l): AdaptiveMax(k, l); break;
            case (Upsampling.InterpolateKernel k, Upsampling.InterpolateKernel l): Resize(k, l); break;
            case (AttentionOps.AttentionKernel k, AttentionOps.AttentionKernel l): Attention(k, l); break;
            case (RotaryOps.RotaryKernel k, RotaryOps.RotaryKernel l): Rotary(k, l); break;
            case (RecurrentForward k, RecurrentForward l): Recurrent(k, l); break;
            default: throw new NotSupportedException($"the operation \"{K.Name}\"; take operations that have ONNX operators (docs/files.md names them), or export the parts around it one by one");
        }
    }

    // the rows of x, as they lie in its axes if the last one has the width
    private OnnxValue Rows(OnnxView view, OnnxSize rows, int width)
    {
        var x = memory.Read(view);
        return x.Shape.Length > 0 && x.Shape[^1].Is(width, width) && (x.Shape.Length > 1 || rows == 1) ? x : shapes.As(x, rows, width);
    }

    private void Product(OnnxView from, OnnxView weight, OnnxView bias, OnnxView to, OnnxSize rows, int inputs, int outputs, Func<string, string>? then, OnnxView residual = default)
    {
        var x = Rows(from, rows, inputs);
        string w = shapes.Name(shapes.As(memory.Read(weight), outputs, inputs));
        string? b = bias.IsNone ? null : shapes.Name(shapes.As(memory.Read(bias), outputs));
        OnnxSize[] shape = [.. x.Shape[..^1], outputs];
        string y;
        if (x.Shape.Length == 2) { y = graph.Add("Gemm", b is null ? [shapes.Name(x), w] : [shapes.Name(x), w, b], ("transB", 1)); }
        else
        {
            y = graph.Add("MatMul", [shapes.Name(x), graph.Add("Transpose", [w], ("perm", (int[])[1, 0]))]);
            if (b is not null) { y = graph.Add("Add", [y, b]); }
        }
        if (!residual.IsNone) { y = graph.Add("Add", [y, shapes.Name(shapes.As(memory.Read(residual), shape))]); }
        memory.Write(to, OnnxValue.Named(then?.Invoke(y) ?? y, shape));
    }

    private void Product(in MatMul k, in MatMul l)
    {
        OnnxSize m = new(k.M, l.M), inner = new(k.K, l.K), n = new(k.N, l.N);
        OnnxView to = new(k.C, l.C);
        OnnxValue a = Read(k.A, l.A), b = Read(k.B, l.B);
        if (Folds(to, a, b)) { return; }
        if (k.Batch.Rank != l.Batch.Rank) { throw new NotSupportedException("matrices that broadcast differently with another batch"); }
        var (rank, plan, other) = (k.Batch.Rank, k.Batch, l.Batch);
        OnnxSize[] batch = [.. Enumerable.Range(0, rank).Select(i => new OnnxSize(plan.Sizes[i], other.Sizes[i]))];
        bool single = rank == 1 && batch[0] == 1;
        OnnxSize[] Lead(Func<int, bool> still) => single ? [] : [.. batch.Select((s, i) => still(i) ? 1 : s)];
        string x = Matrix(a, Lead(i => plan.A[i] == 0), m, inner, k.TransA), y = Matrix(b, Lead(i => plan.B[i] == 0), inner, n, k.TransB);
        memory.Write(to, OnnxValue.Named(graph.Add("MatMul", [x, y]), [.. single ? [] : batch, m, n]));
    }

    private string Matrix(OnnxValue x, OnnxSize[] lead, OnnxSize rows, OnnxSize columns, bool turned)
    {
        var y = shapes.As(x, turned ? [.. lead, columns, rows] : [.. lead, rows, columns]);
        return shapes.Name(turned ? shapes.Transpose(y, [.. Enumerable.Range(0, lead.Length), lead.Length + 1, lead.Length]) : y);
    }

    // whole numbers: an input, or the same ones each time
    private string Whole(int[] a, int[] b, out OnnxSize[] shape)
    {
        if (_whole.TryGetValue(a, out var input))
        {
            shape = input.Shape;
            return input.Name;
        }
        if (_made.Contains(a) && _whole.Count > 0) { ThrowMade(); }
        shape = [a.Length];
        if (!a.AsSpan().SequenceEqual(b)) { throw new NotSupportedException("whole numbers that are computed on the host from the size of the batch"); }
        return graph.Whole([.. a.Select(i => (long)i)]);
    }

    private string Whole(int[] a, int[] b, params OnnxSize[] shape)
    {
        string name = Whole(a, b, out var own);
        if (OnnxSize.Product(own) != OnnxSize.Product(shape)) { throw new NotSupportedException(OverBatch); }
        return own.AsSpan().SequenceEqual(shape) ? name : shapes.Reshape(name, shape);
    }

    private void Select(in Gathering.SelectKernel k, in Gathering.SelectKernel l)
    {
        OnnxSize outer = new(k.Outer, l.Outer), n = new(k.N, l.N), inner = new(k.Inner, l.Inner);
        var x = Read(k.X, l.X);
        int axis = 0;
        if (x.Shape.Length == 2 && outer == 1 && x.Shape[0] == n) { }
        else if (outer == 1 && x.Shape.Length > 0 && x.Shape[0] == n) { x = shapes.As(x, n, inner); }
        else { (axis, int count) = Around(ref x, outer, n, inner); if (count != 1) { x = shapes.As(x, outer, n, inner); axis = 1; } }
        string index = Whole(k.Index.Values, l.Index.Values, out var shape);
        memory.Write(new(k.Y, l.Y), OnnxValue.Named(graph.Add("Gather", [shapes.Name(x), index], ("axis", axis)), [.. x.Shape[..axis], .. shape, .. x.Shape[(axis + 1)..]]));
    }

    private void Gather(in Gathering.GatherKernel k, in Gathering.GatherKernel l)
    {
        OnnxSize outer = new(k.Outer, l.Outer), n = new(k.N, l.N), m = new(k.M, l.M), inner = new(k.Inner, l.Inner);
        var x = shapes.As(Read(k.X, l.X), outer, n, inner);
        memory.Write(new(k.Y, l.Y), OnnxValue.Named(graph.Add("GatherElements", [shapes.Name(x), Whole(k.Index.Values, l.Index.Values, outer, m, inner)], ("axis", 1)), outer, m, inner));
    }

    private void ScatterAdd(in Gathering.ScatterAddKernel k, in Gathering.ScatterAddKernel l)
    {
        OnnxSize outer = new(k.Outer, l.Outer), n = new(k.N, l.N), m = new(k.M, l.M), inner = new(k.Inner, l.Inner);
        Add(new(k.Y, l.Y), [outer, n, inner], Whole(k.Index.Values, l.Index.Values, outer, m, inner), Read(k.Source, l.Source), [outer, m, inner]);
    }

    private void IndexAdd(in Gathering.SelectAddKernel k, in Gathering.SelectAddKernel l)
    {
        OnnxSize outer = new(k.Outer, l.Outer), n = new(k.N, l.N), m = new(k.Index.Size, l.Index.Size), inner = new(k.Inner, l.Inner);
        Add(new(k.Y, l.Y), [outer, n, inner], graph.Add("Expand", [Whole(k.Index.Values, l.Index.Values, 1, m, 1), shapes.Sizes(outer, m, inner)]), Read(k.Source, l.Source), [outer, m, inner]);
    }

    // values of the source, each at its place on the middle axis
    private void Add(OnnxView to, OnnxSize[] shape, string index, OnnxValue source, OnnxSize[] sizes)
    {
        string y = graph.Add("ScatterElements", [shapes.Name(shapes.As(memory.Read(to), shape)), index, shapes.Name(shapes.As(source, sizes))], ("axis", 1), ("reduction", "add"));
        memory.Write(to, OnnxValue.Named(y, shape));
    }

    // bags of one length: [bags, length] indices
    private void Bag(in Bags.BagKernel k, in Bags.BagKernel l)
    {
        OnnxSize bags = new(k.Starts.Length - 1, l.Starts.Length - 1), all = new(k.Index.Size, l.Index.Size);
        if (!all.Divide(bags, out var length) || !Even(k.Starts, length.A) || !Even(l.Starts, length.B)) { throw new NotSupportedException("an embedding bag with offsets; give it bags of one length, [batch, length], with a padding index"); }
        var table = Read(k.X, l.X);
        string index = Whole(k.Index.Values, l.Index.Values, bags, length), rows = graph.Add("Gather", [shapes.Name(shapes.As(table, new OnnxSize(k.X.Length / k.Dim, l.X.Length / l.Dim), k.Dim)), index], ("axis", 0));
        string y;
        string axes = graph.Whole([1]);
        if (k.Skip >= 0)
        {
            string counts = graph.Add("Unsqueeze", [graph.Add("Not", [graph.Add("Equal", [index, graph.Whole([k.Skip], isScalar: true)])]), graph.Whole([2])]);
            string ones = graph.Add("Cast", [counts], ("to", 1)), n = graph.Add("ReduceSum", [ones, axes], ("keepdims", 0));
            if (k.Mode == BagMode.Max)
            {
                string most = graph.Add("ReduceMax", [graph.Add("Where", [counts, rows, graph.Scalar(float.NegativeInfinity)])], ("axes", (int[])[1]), ("keepdims", 0));
                y = graph.Add("Where", [graph.Add("Greater", [n, graph.Scalar(0)]), most, graph.Scalar(0)]);
            }
            else
            {
                y = graph.Add("ReduceSum", [graph.Add("Where", [counts, rows, graph.Scalar(0)]), axes], ("keepdims", 0));
                if (k.Mode == BagMode.Mean) { y = graph.Add("Div", [y, graph.Add("Max", [n, graph.Scalar(1)])]); }
            }
        }
        else if (k.Mode == BagMode.Sum) { y = graph.Add("ReduceSum", [rows, axes], ("keepdims", 0)); }
        else { y = graph.Add(k.Mode == BagMode.Max ? "ReduceMax" : "ReduceMean", [rows], ("axes", (int[])[1]), ("keepdims", 0)); }
        memory.Write(new(k.Y, l.Y), OnnxValue.Named(y, bags, k.Dim));

        static bool Even(int[] starts, int length)
        {
            for (int i = 0; i < starts.Length; i++) { if (starts[i] != i * length) { return false; } }
            return length > 0;
        }
    }

    private void Softmax(in SoftmaxOp.Forward k, in SoftmaxOp.Forward l)
    {
        OnnxSize outer = new(k.Outer, l.Outer), n = new(k.N, l.N), inner = new(k.Inner, l.Inner);
        var x = Read(k.X, l.X);
        var (axis, count) = Around(ref x, outer, n, inner);
        if (count != 1) { (x, axis) = (shapes.As(x, outer, n, inner), 1); }
        memory.Write(new(k.Y, l.Y), OnnxValue.Named(graph.Add(k.Log ? "LogSoftmax" : "Softmax", [shapes.Name(x)], ("axis", axis)), x.Shape));
    }

    private void RowNorm(in RowNorms.RowNormKernel k, in RowNorms.RowNormKernel l)
    {
        OnnxSize n = new(k.N, l.N);
        var x = Read(k.X, l.X);
        int axis = x.Shape.Length;
        for (OnnxSize tail = 1; axis > 0 && tail != n;) { tail *= x.Shape[--axis]; }
        if (axis == x.Shape.Length || OnnxSize.Product(x.Shape.AsSpan(axis)) != n) { (x, axis) = (shapes.As(x, new OnnxSize(k.Rows, l.Rows), n), 1); }
        var own = x.Shape[axis..];
        string? Affine(Devices.View a, Devices.View b) => a.IsNone ? null : shapes.Name(shapes.As(Read(a, b), own));
        string name = shapes.Name(x), y;
        if (k.Centre)
        {
            string scale = Affine(k.Weight, l.Weight) ?? shapes.Name(Constant(own, 1));
            string[] inputs = Affine(k.Bias, l.Bias) is { } bias ? [name, scale, bias] : [name, scale];
            y = graph.Add("LayerNormalization", inputs, ("axis", axis), ("epsilon", k.Eps));
        }
        else
        {
            string mean = graph.Add("ReduceMean", [graph.Add("Mul", [name, name])], ("axes", (int[])[.. Enumerable.Range(axis, own.Length)]), ("keepdims", 1));
            y = graph.Add("Div", [name, graph.Add("Sqrt", [graph.Add("Add", [mean, graph.Scalar(k.Eps)])])]);
            if (Affine(k.Weight, l.Weight) is { } weight) { y = graph.Add("Mul", [y, weight]); }
        }
        memory.Write(new(k.Y, l.Y), OnnxValue.Named(y, x.Shape));
    }

    private static OnnxValue Constant(OnnxSize[] shape, float value)
    {
        float[] all = new float[OnnxSize.First(shape).Size];
        all.AsSpan().Fill(value);
        return OnnxValue.Constant(shape, all, all);
    }

    // every group is a channel that is normalised over its positions
    private void GroupNorm(in GroupNorms.GroupNormKernel k, in GroupNorms.GroupNormKernel l)
    {
        OnnxSize n = new(k.N, l.N), inner = new(k.Inner, l.Inner);
        var x = Read(k.X, l.X);
        var grouped = shapes.As(x, n, k.Groups, (OnnxSize)(k.C / k.Groups) * inner);
        string y = graph.Add("InstanceNormalization", [shapes.Name(grouped), shapes.Name(Constant([k.Groups], 1)), shapes.Name(Constant([k.Groups], 0))], ("epsilon", k.Eps));
        OnnxSize[] channels = [n, k.C, inner];
        y = shapes.Reshape(y, channels);
        if (!k.Weight.IsNone) { y = graph.Add("Mul", [y, shapes.Name(shapes.As(Read(k.Weight, l.Weight), k.C, 1))]); }
        if (!k.Bias.IsNone) { y = graph.Add("Add", [y, shapes.Name(shapes.As(Read(k.Bias, l.Bias), k.C, 1))]); }
        memory.Write(new(k.Y, l.Y), shapes.As(OnnxValue.Named(y, channels), x.Shape));
    }

    private void BatchNorm(in BatchNorms.BatchNormKernel k, in BatchNorms.BatchNormKernel l)
    {
        OnnxSize n = new(k.N, l.N), c = new(k.C, l.C), inner = new(k.Inner, l.Inner);
        var x = Read(k.X, l.X);
        OnnxView to = new(k.Y, l.Y);
        if (x.Shape.Length < 2 || x.Shape[0] != n || x.Shape[1] != c) { x = shapes.As(x, n, c, inner); }
        if (!k.Batch)
        {
            string Channels(Devices.View a, Devices.View b, float none) => shapes.Name(a.IsNone ? Constant([c], none) : shapes.As(Read(a, b), c));
            memory.Write(to, OnnxValue.Named(graph.Add("BatchNormalization",
                [shapes.Name(x), Channels(k.Weight, l.Weight, 1), Channels(k.Bias, l.Bias, 0), Channels(k.RunningMean, l.RunningMean, 0), Channels(k.RunningVariance, l.RunningVariance, 1)], ("epsilon", k.Eps)), x.Shape));
            return;
        }
        // the statistics of the batch itself
        OnnxSize[] shape = [n, c, inner];
        string name = shapes.Name(shapes.As(x, shape));
        string Mean(string of) => graph.Add("ReduceMean", [of], ("axes", (int[])[0, 2]), ("keepdims", 1));
        string centred = graph.Add("Sub", [name, Mean(name)]), variance = Mean(graph.Add("Mul", [centred, centred]));
        string y = graph.Add("Div", [centred, graph.Add("Sqrt", [graph.Add("Add", [variance, graph.Scalar(k.Eps)])])]);
        if (!k.Weight.IsNone) { y = graph.Add("Mul", [y, shapes.Name(shapes.As(Read(k.Weight, l.Weight), c, 1))]); }
        if (!k.Bias.IsNone) { y = graph.Add("Add", [y, shapes.Name(shapes.As(Read(k.Bias, l.Bias), c, 1))]); }
        memory.Write(to, shapes.As(OnnxValue.Named(y, shape), x.Shape));
    }

    private void RunningSum(in Cumulative.RunningSum k, in Cumulative.RunningSum l)
    {
        var x = shapes.As(Read(k.X, l.X), new OnnxSize(k.Outer, l.Outer), new OnnxSize(k.N, l.N), new OnnxSize(k.Inner, l.Inner));
        memory.Write(new(k.Y, l.Y), OnnxValue.Named(graph.Add("CumSum", [shapes.Name(x), graph.Whole([1], isScalar: true)], ("reverse", k.Reverse ? 1 : 0)), x.Shape));
    }

    private void Extreme(in Extremes.LocateExtreme k, in Extremes.LocateExtreme l)
    {
        OnnxSize outer = new(k.Outer, l.Outer), n = new(k.N, l.N), inner = new(k.Inner, l.Inner);
        string x = shapes.Name(shapes.As(Read(k.X, l.X), outer, n, inner));
        memory.Write(new(k.Values, l.Values), OnnxValue.Named(graph.Add(k.Largest ? "ReduceMax" : "ReduceMin", [x], ("axes", (int[])[1]), ("keepdims", 0)), outer, inner));
        _whole[k.Where] = (graph.Add(k.Largest ? "ArgMax" : "ArgMin", [x], ("axis", 1), ("keepdims", 0)), [outer, inner]);
    }

    // equal values keep their order there too
    private void Order(in Sorting.OrderKernel k, in Sorting.OrderKernel l)
    {
        OnnxSize outer = new(k.Outer, l.Outer), n = new(k.N, l.N), inner = new(k.Inner, l.Inner), first = new(k.K, l.K);
        string x = shapes.Name(shapes.As(Read(k.X, l.X), outer, n, inner));
        _whole[k.Where] = (graph.AddMany("TopK", [x, shapes.Sizes(first)], 2, ("axis", 1), ("largest", k.Descending ? 1 : 0), ("sorted", 1))[1], [outer, first, inner]);
    }

    private void Triangle(in Triangles.TriangleKernel k, in Triangles.TriangleKernel l)
    {
        if (k.Rows != l.Rows || k.Columns != l.Columns || k.Diagonal != l.Diagonal) { throw new NotSupportedException("a triangle whose size is the batch's"); }
        int matrix = k.Rows * k.Columns;
        var x = shapes.As(Read(k.X, l.X), new OnnxSize(k.X.Length / matrix, l.X.Length / matrix), k.Rows, k.Columns);
        float[] kept = new float[matrix];
        for (int i = 0; i < matrix; i++)
        {
            int beyond = (i % k.Columns) - (i / k.Columns) - k.Diagonal;
            kept[i] = (k.Lower ? beyond <= 0 : beyond >= 0) ? 1 : 0;
        }
        var keep = new OnnxLane(graph, shapes.Name(OnnxValue.Constant([k.Rows, k.Columns], kept, kept)));
        memory.Write(new(k.Y, l.Y), OnnxValue.Named(OnnxLane.WhereEqual(keep, 0, 0, new OnnxLane(graph, shapes.Name(x))).In(graph), x.Shape));
    }
}
