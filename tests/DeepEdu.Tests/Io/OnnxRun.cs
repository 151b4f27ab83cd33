namespace DeepEdu.Tests.Io;

/// <summary>Runs a graph in double precision, naively, as the operator's text says (ONNX operators, version 17). An operator that is not here is an error.</summary>
internal static partial class OnnxRun
{
    public static OnnxArray[] Run(OnnxReader model, Dictionary<string, OnnxArray> inputs)
    {
        foreach (var (name, _, shape) in model.Inputs)
        {
            Assert.Equal(shape.Length, inputs[name].Shape.Length);
            for (int i = 0; i < shape.Length; i++) { if (int.TryParse(shape[i], out int n)) { Assert.Equal(n, inputs[name].Shape[i]); } else { Assert.Equal("batch", shape[i]); } }
        }
        int batch = model.Inputs.Select(i => (i.Name, Axis: Array.IndexOf(i.Shape, "batch"))).Where(i => i.Axis >= 0).Select(i => inputs[i.Name].Shape[i.Axis]).FirstOrDefault();
        var values = new Dictionary<string, OnnxArray>(model.Constants);
        foreach (var (name, value) in inputs) { values.Add(name, value); }
        foreach (var node in model.Nodes)
        {
            var y = Run(node, [.. node.Inputs.Select(i => i.Length == 0 ? null : values[i])]);
            for (int i = 0; i < node.Outputs.Length; i++) { values.Add(node.Outputs[i], y[i]); }
        }
        foreach (var (name, _, shape) in model.Outputs)
        {
            Assert.Equal(shape.Length, values[name].Shape.Length);
            for (int i = 0; i < shape.Length; i++)
            {
                // a number, "batch", "2*batch", or nothing
                string[] factors = shape[i].Split('*');
                if (shape[i].Length > 0) { Assert.Equal(factors.Aggregate(1, (n, f) => n * (f == "batch" ? batch : int.Parse(f, System.Globalization.CultureInfo.InvariantCulture))), values[name].Shape[i]); }
            }
        }
        return [.. model.Outputs.Select(o => values[o.Name])];
    }

    private static OnnxArray[] Run(OnnxReader.Node n, OnnxArray?[] x) => n.Op switch
    {
        "Split" => Split(x[0]!, Axis(n, x[0]!, 0), [.. x[1]!.Values.Select(v => (int)v)]),
        "TopK" => TopK(n, x[0]!, (int)x[1]!.Values[0]),
        "LSTM" => Sequence(n, x, 4),
        "GRU" => Sequence(n, x, 3),
        "RNN" => Sequence(n, x, 1),
        _ => [One(n, x!)],
    };

    private static OnnxArray One(OnnxReader.Node n, OnnxArray[] x) => n.Op switch
    {
        "Identity" => x[0],
        "Add" => Zip(x[0], x[1], (a, b) => a + b),
        "Sub" => Zip(x[0], x[1], (a, b) => a - b),
        "Mul" => Zip(x[0], x[1], (a, b) => a * b),
        "Div" => Zip(x[0], x[1], (a, b) => a / b),
        "Min" => Zip(x[0], x[1], Math.Min),
        "Max" => Zip(x[0], x[1], Math.Max),
        "Greater" => Zip(x[0], x[1], (a, b) => a > b ? 1 : 0),
        "GreaterOrEqual" => Zip(x[0], x[1], (a, b) => a >= b ? 1 : 0),
        "Less" => Zip(x[0], x[1], (a, b) => a < b ? 1 : 0),
        "Equal" => Zip(x[0], x[1], (a, b) => a == b ? 1 : 0),
        "Where" => Where(x[0], x[1], x[2]),
        "Not" => Map(x[0], v => v == 0 ? 1 : 0),
        "Cast" => x[0],
        "Neg" => Map(x[0], v => -v),
        "Abs" => Map(x[0], Math.Abs),
        "Floor" => Map(x[0], Math.Floor),
        "Sqrt" => Map(x[0], Math.Sqrt),
        "Exp" => Map(x[0], Math.Exp),
        "Log" => Map(x[0], Math.Log),
        "Sin" => Map(x[0], Math.Sin),
        "Cos" => Map(x[0], Math.Cos),
        "Tanh" => Map(x[0], Math.Tanh),
        "Sigmoid" => Map(x[0], Sigmoid),
        "Erf" => Map(x[0], Erf),
        "Relu" => Map(x[0], v => Math.Max(v, 0)),
        "LeakyRelu" => Map(x[0], v => v >= 0 ? v : n.Float("alpha", 0.01f) * v),
        "Elu" => Map(x[0], v => v >= 0 ? v : n.Float("alpha", 1) * (Math.Exp(v) - 1)),
        "Selu" => Map(x[0], v => n.Float("gamma", 1.05070098f) * (v > 0 ? v : n.Float("alpha", 1.67326319f) * (Math.Exp(v) - 1))),
        "Softplus" => Map(x[0], v => Math.Max(v, 0) + Math.Log(1 + Math.Exp(-Math.Abs(v)))),
        "Softsign" => Map(x[0], v => v / (1 + Math.Abs(v))),
        "HardSigmoid" => Map(x[0], v => Math.Clamp((n.Float("alpha", 0.2f) * v) + n.Float("beta", 0.5f), 0, 1)),
        "HardSwish" => Map(x[0], v => v * Math.Clamp((v / 6) + 0.5, 0, 1)),
        "Gemm" => Gemm(n, x),
        "MatMul" => MatMul(x[0], x[1]),
        "Reshape" => Reshape(x[0], x[1], n.Int("allowzero") == 1),
        "Unsqueeze" => Unsqueeze(x[0], x[1]),
        "Transpose" => Transpose(x[0], n.Ints("perm", [])),
        "Concat" => Concat(x, Axis(n, x[0], 0)),
        "Slice" => Slice(x),
        "Expand" => Where(OnnxArray.Of([.. x[1].Values.Select(v => (int)v)], _ => 1), x[0], x[0]),
        "Shape" => OnnxArray.Of([(int)(n.Int("end") - n.Int("start"))], i => x[0].Shape[i + (int)n.Int("start")]),
        "Gather" => Gather(x[0], x[1], Axis(n, x[0], 0)),
        "GatherElements" => OnnxArray.Of(x[1].Shape, i => { int[] at = OnnxArray.At(x[1].Shape, i); at[Axis(n, x[0], 0)] = (int)x[1].Values[i]; return x[0][at]; }),
        "ScatterElements" => Scatter(n, x),
        "OneHot" => OnnxArray.Of([.. x[0].Shape, (int)x[1].Values[0]], i => x[2].Values[(int)x[0].Values[i / (int)x[1].Values[0]] == i % (int)x[1].Values[0] ? 1 : 0]),
        "Pad" => Pad(x),
        "ReduceSum" => Reduce(x[0], [.. x[1].Values.Select(v => (int)v)], n, v => v.Sum()),
        "ReduceMean" => Reduce(x[0], n.Ints("axes", []), n, v => v.Average()),
        "ReduceMax" => Reduce(x[0], n.Ints("axes", []), n, v => v.Max()),
        "ReduceMin" => Reduce(x[0], n.Ints("axes", []), n, v => v.Min()),
        "ReduceProd" => Reduce(x[0], n.Ints("axes", []), n, v => v.Aggregate(1.0, (a, b) => a * b)),
        "ArgMax" => Reduce(x[0], [Axis(n, x[0], 0)], n, v => v.Index().MaxBy(p => p.Item).Index),
        "ArgMin" => Reduce(x[0], [Axis(n, x[0], 0)], n, v => v.Index().MinBy(p => p.Item).Index),
        "Softmax" => Along(x[0], Axis(n, x[0], -1), v => { double m = v.Max(), s = v.Sum(u => Math.Exp(u - m)); return [.. v.Select(u => Math.Exp(u - m) / s)]; }),
        "LogSoftmax" => Along(x[0], Axis(n, x[0], -1), v => { double m = v.Max(), s = Math.Log(v.Sum(u => Math.Exp(u - m))); return [.. v.Select(u => u - m - s)]; }),
        "CumSum" => Along(x[0], (int)x[1].Values[0], v => CumSum(v, n.Int("reverse") == 1)),
        "LayerNormalization" => LayerNorm(n, x),
        "InstanceNormalization" => InstanceNorm(n, x),
        "BatchNormalization" => OnnxArray.Of(x[0].Shape, i =>
        {
            int c = OnnxArray.At(x[0].Shape, i)[1];
            return ((x[0].Values[i] - x[3].Values[c]) / Math.Sqrt(x[4].Values[c] + n.Float("epsilon", 1e-5f)) * x[1].Values[c]) + x[2].Values[c];
        }),
        "Conv" => Conv(n, x),
        "ConvTranspose" => ConvTranspose(n, x),
        "MaxPool" => Pool(n, x[0], (v, _) => v.Max()),
        "AveragePool" => Pool(n, x[0], (v, cells) => v.Sum() / (n.Int("count_include_pad") == 1 ? cells : v.Count)),
        _ => throw new NotSupportedException($"the operator {n.Op}"),
    };

    private static int Axis(OnnxReader.Node n, OnnxArray x, int otherwise) => (int)n.Int("axis", otherwise) is var a && a < 0 ? a + x.Shape.Length : (int)n.Int("axis", otherwise);

    private static OnnxArray Map(OnnxArray x, Func<double, double> f) => new(x.Shape, [.. x.Values.Select(f)]);

    private static double Sigmoid(double v) => 1 / (1 + Math.Exp(-v));

    // its series, and beyond 3 its continued fraction: Abramowitz and Stegun 7.1.6 and 7.1.14
    private static double Erf(double x)
    {
        double t = Math.Abs(x);
        if (t < 3)
        {
            double term = t, sum = t;
            for (int i = 1; i < 100; i++) { term *= 2 * t * t / ((2 * i) + 1); sum += term; }
            return Math.CopySign(2 / Math.Sqrt(Math.PI) * Math.Exp(-t * t) * sum, x);
        }
        double f = t;
        for (int i = 60; i > 0; i--) { f = t + (i / 2.0 / f); }
        return Math.CopySign(1 - (Math.Exp(-t * t) / (f * Math.Sqrt(Math.PI))), x);
    }

    private static int[] Join(params int[][] shapes)
    {
        int rank = shapes.Max(s => s.Length);
        int[] y = new int[rank];
        for (int i = 1; i <= rank; i++)
        {
            int[] sizes = [.. shapes.Select(s => i <= s.Length ? s[^i] : 1).Where(n => n != 1).Distinct()];
            Assert.True(sizes.Length <= 1, $"{string.Join(" with ", shapes.Select(s => $"[{string.Join(',', s)}]"))}");
            y[^i] = sizes.Length == 0 ? 1 : sizes[0];
        }
        return y;
    }

    private static double Spread(OnnxArray x, int[] shape, int flat)
    {
        int[] at = OnnxArray.At(shape, flat), own = new int[x.Shape.Length];
        for (int i = 1; i <= own.Length; i++) { own[^i] = x.Shape[^i] == 1 ? 0 : at[^i]; }
        return x[own];
    }

    private static OnnxArray Zip(OnnxArray a, OnnxArray b, Func<double, double, double> f)
    {
        int[] shape = Join(a.Shape, b.Shape);
        return OnnxArray.Of(shape, i => f(Spread(a, shape, i), Spread(b, shape, i)));
    }

    private static OnnxArray Where(OnnxArray c, OnnxArray a, OnnxArray b)
    {
        int[] shape = Join(c.Shape, a.Shape, b.Shape);
        return OnnxArray.Of(shape, i => Spread(c, shape, i) != 0 ? Spread(a, shape, i) : Spread(b, shape, i));
    }

    private static OnnxArray Gemm(OnnxReader.Node n, OnnxArray[] x)
    {
        Assert.Equal((1L, 2), (n.Int("transB"), x[0].Shape.Length));
        var y = MatMul(x[0], Transpose(x[1], [1, 0]));
        return x.Length == 3 ? Zip(y, x[2], (a, b) => a + b) : y;
    }

    private static OnnxArray MatMul(OnnxArray a, OnnxArray b)
    {
        Assert.Equal(a.Shape[^1], b.Shape[^2]);
        int[] lead = Join([.. a.Shape[..^2], 1], [.. b.Shape[..^2], 1])[..^1], shape = [.. lead, a.Shape[^2], b.Shape[^1]];
        return OnnxArray.Of(shape, i =>
        {
            int[] at = OnnxArray.At(shape, i);
            double sum = 0;
            for (int k = 0; k < a.Shape[^1]; k++) { sum += a[Own(a, at, at[^2], k)] * b[Own(b, at, k, at[^1])]; }
            return sum;
        });

        static int[] Own(OnnxArray x, int[] at, int row, int column)
        {
            int[] own = new int[x.Shape.Length];
            for (int i = 3; i <= own.Length; i++) { own[^i] = x.Shape[^i] == 1 ? 0 : at[^i]; }
            (own[^2], own[^1]) = (row, column);
            return own;
        }
    }

    private static OnnxArray Reshape(OnnxArray x, OnnxArray to, bool zeros)
    {
        int[] shape = [.. to.Values.Select((v, i) => v == 0 && !zeros ? x.Shape[i] : (int)v)];
        int open = Array.IndexOf(shape, -1);
        if (open >= 0) { shape[open] = x.Size / shape.Where(n => n != -1).Aggregate(1, (a, b) => a * b); }
        Assert.Equal(x.Size, shape.Aggregate(1, (a, b) => a * b));
        return new(shape, x.Values);
    }

    private static OnnxArray Unsqueeze(OnnxArray x, OnnxArray axes)
    {
        List<int> shape = [.. x.Shape];
        foreach (double a in axes.Values.Order()) { shape.Insert((int)a, 1); }
        return new([.. shape], x.Values);
    }

    private static OnnxArray Transpose(OnnxArray x, int[] perm)
    {
        int[] shape = [.. perm.Select(p => x.Shape[p])];
        return OnnxArray.Of(shape, i =>
        {
            int[] at = OnnxArray.At(shape, i), own = new int[perm.Length];
            for (int k = 0; k < perm.Length; k++) { own[perm[k]] = at[k]; }
            return x[own];
        });
    }

    private static OnnxArray Concat(OnnxArray[] x, int axis)
    {
        int[] shape = [.. x[0].Shape];
        shape[axis] = x.Sum(p => p.Shape[axis]);
        foreach (var p in x) { for (int i = 0; i < shape.Length; i++) { if (i != axis) { Assert.Equal(shape[i], p.Shape[i]); } } }
        return OnnxArray.Of(shape, i =>
        {
            int[] at = OnnxArray.At(shape, i);
            int k = 0;
            while (at[axis] >= x[k].Shape[axis]) { at[axis] -= x[k++].Shape[axis]; }
            return x[k][at];
        });
    }

    private static OnnxArray[] Split(OnnxArray x, int axis, int[] sizes)
    {
        Assert.Equal(x.Shape[axis], sizes.Sum());
        return [.. sizes.Select((n, k) => Slice([x, new([1], [sizes[..k].Sum()]), new([1], [sizes[..k].Sum() + n]), new([1], [axis]), new([1], [1])]))];
    }

    // values and places; of equal values the first
    private static OnnxArray[] TopK(OnnxReader.Node n, OnnxArray x, int k)
    {
        int axis = Axis(n, x, -1);
        var order = Along(x, axis, v => [.. Enumerable.Range(0, v.Length).OrderBy(i => n.Int("largest", 1) == 1 ? -v[i] : v[i]).Select(i => (double)i)]);
        var first = Slice([order, new([1], [0]), new([1], [k]), new([1], [axis]), new([1], [1])]);
        return [OnnxArray.Of(first.Shape, i => { int[] at = OnnxArray.At(first.Shape, i); at[axis] = (int)first.Values[i]; return x[at]; }), first];
    }

    // data, starts, ends, axes, steps; one axis at a time is all that is written
    private static OnnxArray Slice(OnnxArray[] x)
    {
        Assert.Equal(1, x[3].Size);
        int axis = (int)x[3].Values[0], n = x[0].Shape[axis], step = (int)x[4].Values[0];
        int Clamp(double v, int low, int high) => (int)Math.Clamp(v < 0 ? v + n : v, low, high);
        int start = Clamp(x[1].Values[0], 0, step > 0 ? n : n - 1), end = Clamp(x[2].Values[0], step > 0 ? 0 : -1, n);
        int[] shape = [.. x[0].Shape];
        shape[axis] = Math.Max(0, (end - start + step - Math.Sign(step)) / step);
        return OnnxArray.Of(shape, i =>
        {
            int[] at = OnnxArray.At(shape, i);
            at[axis] = start + (at[axis] * step);
            return x[0][at];
        });
    }

    private static OnnxArray Gather(OnnxArray x, OnnxArray index, int axis)
    {
        int[] shape = [.. x.Shape[..axis], .. index.Shape, .. x.Shape[(axis + 1)..]];
        return OnnxArray.Of(shape, i =>
        {
            int[] at = OnnxArray.At(shape, i);
            int of = (int)index[at[axis..(axis + index.Shape.Length)]];
            return x[[.. at[..axis], of, .. at[(axis + index.Shape.Length)..]]];
        });
    }

    private static OnnxArray Scatter(OnnxReader.Node n, OnnxArray[] x)
    {
        Assert.Equal("add", n.Text("reduction", "none"));
        var y = new OnnxArray(x[0].Shape, [.. x[0].Values]);
        int[] steps = y.Strides();
        for (int i = 0; i < x[1].Size; i++)
        {
            int[] at = OnnxArray.At(x[1].Shape, i);
            at[Axis(n, x[0], 0)] = (int)x[1].Values[i];
            y.Values[at.Index().Sum(p => p.Item * steps[p.Index])] += x[2].Values[i];
        }
        return y;
    }

    private static OnnxArray Pad(OnnxArray[] x)
    {
        int rank = x[0].Shape.Length;
        int[] before = [.. x[1].Values.Take(rank).Select(v => (int)v)], shape = [.. x[0].Shape.Select((n, i) => n + (int)(x[1].Values[i] + x[1].Values[i + rank]))];
        return OnnxArray.Of(shape, i =>
        {
            int[] at = [.. OnnxArray.At(shape, i).Select((a, k) => a - before[k])];
            return at.Index().Any(p => p.Item < 0 || p.Item >= x[0].Shape[p.Index]) ? x[2].Values[0] : x[0][at];
        });
    }

    private static OnnxArray Reduce(OnnxArray x, int[] axes, OnnxReader.Node n, Func<List<double>, double> f)
    {
        axes = axes.Length == 0 ? [.. Enumerable.Range(0, x.Shape.Length)] : [.. axes.Select(a => a < 0 ? a + x.Shape.Length : a)]; // none named: all
        int[] kept = [.. x.Shape.Select((s, i) => axes.Contains(i) ? 1 : s)];
        var all = new List<double>[kept.Aggregate(1, (a, b) => a * b)];
        for (int i = 0; i < all.Length; i++) { all[i] = []; }
        var y = new OnnxArray(kept, new double[all.Length]);
        int[] strides = y.Strides();
        for (int i = 0; i < x.Size; i++)
        {
            int[] at = OnnxArray.At(x.Shape, i);
            all[at.Index().Sum(p => axes.Contains(p.Index) ? 0 : p.Item * strides[p.Index])].Add(x.Values[i]);
        }
        return new(n.Int("keepdims", 1) == 1 ? kept : [.. kept.Where((_, i) => !axes.Contains(i))], [.. all.Select(f)]);
    }

    private static OnnxArray Along(OnnxArray x, int axis, Func<double[], double[]> f)
    {
        double[] y = new double[x.Size];
        int n = x.Shape[axis], inner = x.Shape[(axis + 1)..].Aggregate(1, (a, b) => a * b);
        for (int o = 0; o < x.Size / n / inner; o++)
        {
            for (int i = 0; i < inner; i++)
            {
                int start = (o * n * inner) + i;
                double[] row = f([.. Enumerable.Range(0, n).Select(k => x.Values[start + (k * inner)])]);
                for (int k = 0; k < n; k++) { y[start + (k * inner)] = row[k]; }
            }
        }
        return new(x.Shape, y);
    }

    private static double[] CumSum(double[] v, bool reverse)
    {
        double sum = 0;
        if (reverse) { return [.. v.Reverse().Select(u => sum += u).Reverse()]; }
        return [.. v.Select(u => sum += u)];
    }
}
