using DeepEdu.Devices;
using DeepEdu.Lanes;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Io;

/// <summary>Makes the nodes of a graph from what a model calls: the formulas' part. What is made of constants alone is computed now.</summary>
internal sealed partial class OnnxTranslator(OnnxGraph graph, OnnxShapes shapes, OnnxMemory memory) : ICallReader
{
    /// <summary>What recordings that are not alike say.</summary>
    public const string Differs = "a forward pass that does other things with another batch; export it for one batch (OnnxOptions.BatchAxes)";

    /// <summary>What a call says whose sizes, numbers in the file, are not so many of the batch.</summary>
    public const string OverBatch = "an operation along the batch, such as a window over it; take another axis for the batch, or export it for one batch (OnnxOptions.BatchAxes)";

    private readonly Dictionary<int[], (string Name, OnnxSize[] Shape)> _whole = new(ReferenceEqualityComparer.Instance);
    private readonly HashSet<int[]> _made = new(ReferenceEqualityComparer.Instance);

    /// <summary>Whole numbers that are an input.</summary>
    public void AddWhole(int[] values, string name, OnnxSize[] shape) => _whole[values] = (name, shape);

    public void Map<F>(Recording.Map<F> a, Recording.Map<F> b) where F : unmanaged, IMap
    {
        OnnxView from = new(a.X, b.X), to = new(a.Y, b.Y);
        var x = memory.Read(from);
        if (Folds(to, x)) { return; }
        if (from == to && IsMean(a.Formula, b.Formula, x, to)) { return; }
        CheckFormula(a.Formula, b.Formula);
        memory.Write(to, OnnxValue.Named(Known(a.Formula, shapes.Name(x)) ?? a.Formula.Apply(new OnnxLane(graph, shapes.Name(x))).In(graph), x.Shape));
    }

    public void Zip<F>(Recording.Zip<F> a, Recording.Zip<F> b) where F : unmanaged, IZip3
    {
        OnnxView to = new(a.Y, b.Y);
        OnnxValue[] x = [Read(a.Operands.A, b.Operands.A), Read(a.Operands.B, b.Operands.B), Read(a.Operands.C, b.Operands.C)];
        if (Folds(to, x)) { return; }
        CheckFormula(a.Formula, b.Formula);
        if (a.How.Rank != b.How.Rank) { throw new NotSupportedException("operands that broadcast differently with another batch"); }
        var shape = Broadcasted(x, a.How, b.How, to.Length);
        // what repeats one number needs no shape
        OnnxSize[] real = [];
        OnnxLane[] lanes = [.. x.Select(v =>
        {
            if (v.Given is null && v.Uniform is { } c) { return OnnxLane.Of(c); }
            real = Joined(real, v.Shape);
            return new OnnxLane(graph, shapes.Name(v));
        })];
        string y = a.Formula.Apply(lanes[0], lanes[1], lanes[2]).In(graph);
        if (OnnxSize.Product(real) != to.Length) { y = graph.Add("Expand", [y, shapes.Sizes(shape)]); }
        else if (real.Length != shape.Length) { y = shapes.Reshape(y, shape); }
        memory.Write(to, OnnxValue.Named(y, shape));
    }

    public void Fold<F>(Recording.Fold<F> a, Recording.Fold<F> b) where F : unmanaged, IFold
    {
        OnnxView to = new(a.Y, b.Y);
        var x = Read(a.X, b.X);
        if (Folds(to, x)) { return; }
        OnnxSize outer = new(a.Sizes.Outer, b.Sizes.Outer), n = new(a.Sizes.N, b.Sizes.N), inner = new(a.Sizes.Inner, b.Sizes.Inner);
        var (from, axes) = Around(ref x, outer, n, inner);
        CheckFormula(a.Formula, b.Formula);
        int[] folded = [.. Enumerable.Range(from, axes)];
        string y = Reduce(a.Formula, shapes.Name(x), folded);
        _summands[y] = (n, folded);
        memory.Write(to, OnnxValue.Named(y, [.. x.Shape[..from], .. x.Shape[(from + axes)..]]));
    }

    public void Copy(Recording.Copy a, Recording.Copy b)
    {
        var to = new OnnxView(a.To, b.To);
        memory.Write(to, Read(a.From, b.From));
    }

    public void Fill(Recording.Fill a, Recording.Fill b)
    {
        var to = new OnnxView(a.To, b.To);
        if (a.Value != b.Value) { throw new NotSupportedException("a number that is computed from the size of the batch"); }
        memory.Write(to, OnnxValue.Constant([to.Length], CpuDevice.Of(a.To).ToArray(), CpuDevice.Of(b.To).ToArray()));
    }

    public void Write(Recording.Write a, Recording.Write b)
    {
        var to = new OnnxView(new View(a.Block, 0, a.Values.Length), new View(b.Block, 0, b.Values.Length));
        memory.Write(to, OnnxValue.Constant([to.Length], a.Values, b.Values));
    }

    public void Host(Recording.Call a, Recording.Call b)
    {
        switch (a, b)
        {
            case (Indices.Check, Indices.Check): return;
            case (Indices.Work x, Indices.Work): _made.Add(x.To); return;
            case (Indices.Conversion x, Indices.Conversion y): Convert(x, y); return;
            default: Differ(); return;
        }
    }

    public void Differ() => throw new NotSupportedException(Differs);

    private void Convert(Indices.Conversion a, Indices.Conversion b)
    {
        var to = new OnnxView(a.To, b.To);
        if (_whole.TryGetValue(a.From, out var w)) { memory.WriteOutside(to, OnnxValue.Named(graph.Add("Cast", [w.Name], ("to", 1)), w.Shape)); }
        else if (_made.Contains(a.From)) { ThrowMade(); }
    }

    private static void ThrowMade() => throw new NotSupportedException("whole numbers that are computed from others on the host; make them before the model and give them as an input of their own");

    private OnnxValue Read(View a, View b) => memory.Read(new(a, b));

    // a constant's numbers are those that the call has just computed
    private bool Folds(OnnxView to, params ReadOnlySpan<OnnxValue> inputs)
    {
        foreach (var x in inputs) { if (!x.IsConstant) { return false; } }
        OnnxSize[] shape = [to.Length];
        foreach (var x in inputs) { if (x.Size == to.Length) { shape = x.Shape; break; } }
        memory.Write(to, OnnxValue.Constant(shape, CpuDevice.Of(to.First).ToArray(), CpuDevice.Of(to.Second).ToArray()));
        return true;
    }

    // numbers inside a formula must be the same for every batch
    private static void CheckFormula<F>(F a, F b) where F : unmanaged
    {
        if (!HaveSameNumbers(a, b)) { throw new NotSupportedException("a number that is computed from the size of the batch"); }
    }

    /// <summary>Whether two formulas are the same. Field by field: the bytes of one without numbers, and those between fields, hold anything.</summary>
    internal static bool HaveSameNumbers<F>(F a, F b) where F : unmanaged => EqualityComparer<F>.Default.Equals(a, b);

    // Σ x / n, n being the number of summands, also where that is the batch
    private bool IsMean<F>(F a, F b, OnnxValue x, OnnxView to) where F : unmanaged
    {
        if (a is not Arithmetic.DivideFormula fa || b is not Arithmetic.DivideFormula fb || x.Name is null || graph.Last is not { Op: "ReduceSum" } sum || sum.Outputs[0] != x.Name || !_summands.TryGetValue(x.Name, out var s)) { return false; }
        if (fa.C != s.Count.A || fb.C != s.Count.B) { return false; }
        graph.ReplaceLast("ReduceMean", [sum.Inputs[0]], ("axes", s.Axes), ("keepdims", 0));
        memory.Write(to, x);
        return true;
    }

    // formulas that have an operator of their own, where the nodes of the formula itself would be many
    private string? Known<F>(F formula, string x) where F : unmanaged, IMap => (object)formula switch
    {
        Activations.LeakyReluFormula f => graph.Add("LeakyRelu", [x], ("alpha", f.Slope)),
        Activations.EluFormula { Scale: 1 } f => graph.Add("Elu", [x], ("alpha", f.Alpha)),
        Activations.EluFormula f => graph.Add("Selu", [x], ("alpha", f.Alpha), ("gamma", f.Scale)),
        Activations.SoftplusFormula { Threshold: >= 16 } f => Softplus(x, f.Beta), // from there on ln(1 + eᶻ) is z in float32
        Activations.LogSigmoidFormula => graph.Add("Neg", [graph.Add("Softplus", [graph.Add("Neg", [x])])]),
        Activations.HardSigmoidFormula => graph.Add("HardSigmoid", [x], ("alpha", 1f / 6), ("beta", 0.5f)),
        Activations.HardSwishFormula => graph.Add("HardSwish", [x]),
        Activations.SoftsignFormula => graph.Add("Softsign", [x]),
        Activations.GeluFormula => Gelu(x),
        _ => null,
    };

    private string Softplus(string x, float beta)
    {
        if (beta == 1) { return graph.Add("Softplus", [x]); }
        string scale = graph.Scalar(beta);
        return graph.Add("Div", [graph.Add("Softplus", [graph.Add("Mul", [x, scale])]), scale]);
    }

    private string Gelu(string x)
    {
        string normal = graph.Add("Add", [graph.Add("Erf", [graph.Add("Mul", [x, graph.Scalar(0.707106781f)])]), graph.Scalar(1)]);
        return graph.Add("Mul", [graph.Add("Mul", [x, normal]), graph.Scalar(0.5f)]);
    }

    private readonly Dictionary<string, (OnnxSize Count, int[] Axes)> _summands = new(StringComparer.Ordinal);

    // a fold takes values in one by one and joins partial results: the first becomes nodes, the second must be an operator's own
    private string Reduce<F>(F fold, string x, int[] axes) where F : unmanaged, IFold
    {
        string each = fold.Step(OnnxLane.Of(fold.Start), new OnnxLane(graph, x)).In(graph);
        var probe = new OnnxGraph();
        string joined = fold.Join(new OnnxLane(probe, "a"), new OnnxLane(probe, "b")).In(probe);
        switch (probe.Last is { } node && node.Outputs[0] == joined && node.Inputs is ["a", "b"] ? node.Op : "")
        {
            case "Add": return graph.Add("ReduceSum", [each, graph.Whole([.. axes.Select(i => (long)i)])], ("keepdims", 0));
            case "Mul": return graph.Add("ReduceProd", [each], ("axes", axes), ("keepdims", 0));
            case "Max": return graph.Add("ReduceMax", [each], ("axes", axes), ("keepdims", 0));
            case "Min": return graph.Add("ReduceMin", [each], ("axes", axes), ("keepdims", 0));
            default: throw new NotSupportedException($"the reduction {typeof(F).Name}");
        }
    }

    // the axes of x that are [outer, n, inner]: the first of those in the middle, and how many; x is reshaped if there are none
    private (int From, int Count) Around(ref OnnxValue x, OnnxSize outer, OnnxSize n, OnnxSize inner)
    {
        OnnxSize before = 1;
        for (int i = 0; i <= x.Shape.Length; i++)
        {
            if (before == outer)
            {
                OnnxSize middle = 1;
                for (int j = i; j < x.Shape.Length; j++)
                {
                    middle *= x.Shape[j];
                    if (middle == n && (n.A != 1 || j == i) && OnnxSize.Product(x.Shape.AsSpan(j + 1)) == inner) { return (i, j - i + 1); }
                }
            }
            if (i < x.Shape.Length) { before *= x.Shape[i]; }
        }
        x = shapes.As(x, outer, n, inner);
        return (1, 1);
    }

    // brings operands into shapes of which the plan is what broadcasting them means
    private OnnxSize[] Broadcasted(OnnxValue[] x, in Broadcast a, in Broadcast b, OnnxSize length)
    {
        var joined = x.Aggregate((OnnxSize[]?)[], (s, v) => s is null ? null : TryJoin(s, v.Shape));
        if (joined is not null && OnnxSize.Product(joined) == length && Means(a, OnnxSize.First(joined), OnnxSize.First(x[0].Shape), OnnxSize.First(x[1].Shape), OnnxSize.First(x[2].Shape))
            && Means(b, OnnxSize.Second(joined), OnnxSize.Second(x[0].Shape), OnnxSize.Second(x[1].Shape), OnnxSize.Second(x[2].Shape))) { return joined; }
        var sizes = new OnnxSize[a.Rank];
        var steps = new OnnxSize[3][];
        for (int k = 0; k < 3; k++) { steps[k] = new OnnxSize[a.Rank]; }
        for (int i = 0; i < a.Rank; i++)
        {
            sizes[i] = new(a.Sizes[i], b.Sizes[i]);
            (steps[0][i], steps[1][i], steps[2][i]) = (new(a.A[i], b.A[i]), new(a.B[i], b.B[i]), new(a.C[i], b.C[i]));
        }
        if (a.Rank == 1 && x.All(v => v.Size == length)) { sizes = x.OrderByDescending(v => v.Shape.Length).First(v => !v.IsConstant || x.All(o => o.IsConstant)).Shape; for (int k = 0; k < 3; k++) { x[k] = shapes.As(x[k], sizes); } return sizes; }
        for (int k = 0; k < 3; k++) { x[k] = shapes.As(x[k], [.. sizes.Select((n, i) => steps[k][i] == 0 ? 1 : n)]); }
        return sizes;
    }

    private static OnnxSize[] Joined(OnnxSize[] a, OnnxSize[] b) => TryJoin(a, b) ?? throw new NotSupportedException("operands that do not broadcast");

    // NumPy's rule
    private static OnnxSize[]? TryJoin(OnnxSize[] a, OnnxSize[] b)
    {
        var y = new OnnxSize[Math.Max(a.Length, b.Length)];
        for (int i = 1; i <= y.Length; i++)
        {
            OnnxSize n = i <= a.Length ? a[^i] : 1, m = i <= b.Length ? b[^i] : 1;
            if (n != m && n != 1 && m != 1) { return null; }
            y[^i] = n == 1 ? m : n;
        }
        return y;
    }

    private static bool Means(in Broadcast plan, Shape y, Shape a, Shape b, Shape c)
    {
        var other = Broadcasting.Plan("onnx-file", y, a, b, c);
        if (plan.Rank != other.Rank) { return false; }
        for (int i = 0; i < plan.Rank; i++)
        {
            if (plan.Sizes[i] != other.Sizes[i] || plan.A[i] != other.A[i] || plan.B[i] != other.B[i] || plan.C[i] != other.C[i]) { return false; }
        }
        return true;
    }
}
