namespace DeepEdu.Tests.Io;

/// <content>The operators that are layers.</content>
internal static partial class OnnxRun
{
    private static OnnxArray LayerNorm(OnnxReader.Node n, OnnxArray[] x)
    {
        int axis = Axis(n, x[0], -1), width = x[0].Shape[axis..].Aggregate(1, (a, b) => a * b);
        Assert.InRange(axis, 0, x[0].Shape.Length - 1);
        Assert.Equal(x[0].Shape[axis..], x[1].Shape);
        var flat = Along(new OnnxArray([x[0].Size / width, width], x[0].Values), 1, v => Normal(v, n.Float("epsilon", 1e-5f)));
        return OnnxArray.Of(x[0].Shape, i => (flat.Values[i] * x[1].Values[i % width]) + (x.Length > 2 ? x[2].Values[i % width] : 0));
    }

    private static OnnxArray InstanceNorm(OnnxReader.Node n, OnnxArray[] x)
    {
        int c = x[0].Shape[1], inner = x[0].Shape[2..].Aggregate(1, (a, b) => a * b);
        var flat = Along(new OnnxArray([x[0].Size / inner, inner], x[0].Values), 1, v => Normal(v, n.Float("epsilon", 1e-5f)));
        return OnnxArray.Of(x[0].Shape, i => (flat.Values[i] * x[1].Values[i / inner % c]) + x[2].Values[i / inner % c]);
    }

    private static double[] Normal(double[] v, double eps)
    {
        double mean = v.Average(), variance = v.Average(u => (u - mean) * (u - mean));
        return [.. v.Select(u => (u - mean) / Math.Sqrt(variance + eps))];
    }

    // every tap of a window over the spatial axes: its place in the input, or outside
    private static IEnumerable<(int Tap, int[] At)> Taps(int[] kernel, int[] at, int[] strides, int[] pads, int[] dilations)
    {
        int[] shape = kernel;
        for (int t = 0; t < shape.Aggregate(1, (a, b) => a * b); t++)
        {
            int[] tap = OnnxArray.At(shape, t);
            yield return (t, [.. tap.Select((k, i) => (at[i] * strides[i]) - pads[i] + (k * dilations[i]))]);
        }
    }

    private static bool Inside(int[] at, int[] shape) => at.Index().All(p => p.Item >= 0 && p.Item < shape[p.Index]);

    private static OnnxArray Conv(OnnxReader.Node n, OnnxArray[] x)
    {
        int[] image = x[0].Shape[2..], kernel = x[1].Shape[2..], ones = [.. kernel.Select(_ => 1)], strides = n.Ints("strides", ones), dilations = n.Ints("dilations", ones), pads = n.Ints("pads", new int[2 * kernel.Length]);
        int groups = (int)n.Int("group", 1), outputs = x[1].Shape[0], each = x[1].Shape[1], taps = kernel.Aggregate(1, (a, b) => a * b);
        Assert.Equal(x[0].Shape[1], each * groups);
        int[] shape = [x[0].Shape[0], outputs, .. image.Select((s, i) => ((s + pads[i] + pads[i + image.Length] - (dilations[i] * (kernel[i] - 1)) - 1) / strides[i]) + 1)];
        return OnnxArray.Of(shape, i =>
        {
            int[] at = OnnxArray.At(shape, i);
            double sum = x.Length > 2 ? x[2].Values[at[1]] : 0;
            foreach (var (tap, place) in Taps(kernel, at[2..], strides, pads, dilations))
            {
                if (!Inside(place, image)) { continue; }
                for (int c = 0; c < each; c++) { sum += x[1].Values[(((at[1] * each) + c) * taps) + tap] * x[0][[at[0], (at[1] / (outputs / groups) * each) + c, .. place]]; }
            }
            return sum;
        });
    }

    private static OnnxArray ConvTranspose(OnnxReader.Node n, OnnxArray[] x)
    {
        int[] image = x[0].Shape[2..], kernel = x[1].Shape[2..], ones = [.. kernel.Select(_ => 1)], strides = n.Ints("strides", ones), dilations = n.Ints("dilations", ones), pads = n.Ints("pads", new int[2 * kernel.Length]);
        int[] more = n.Ints("output_padding", new int[kernel.Length]);
        int groups = (int)n.Int("group", 1), each = x[1].Shape[1], taps = kernel.Aggregate(1, (a, b) => a * b), inputs = x[0].Shape[1];
        int[] to = [.. image.Select((s, i) => (strides[i] * (s - 1)) + more[i] + ((kernel[i] - 1) * dilations[i]) + 1 - pads[i] - pads[i + image.Length])];
        var y = OnnxArray.Of([x[0].Shape[0], each * groups, .. to], _ => 0);
        int[] steps = y.Strides();
        for (int i = 0; i < x[0].Size; i++)
        {
            int[] at = OnnxArray.At(x[0].Shape, i);
            foreach (var (tap, place) in Taps(kernel, at[2..], strides, pads, dilations))
            {
                if (!Inside(place, to)) { continue; }
                for (int c = 0; c < each; c++)
                {
                    int[] target = [at[0], (at[1] / (inputs / groups) * each) + c, .. place];
                    y.Values[target.Index().Sum(p => p.Item * steps[p.Index])] += x[0].Values[i] * x[1].Values[(((at[1] * each) + c) * taps) + tap];
                }
            }
        }
        return y;
    }

    private static OnnxArray Pool(OnnxReader.Node n, OnnxArray x, Func<List<double>, int, double> f)
    {
        int[] image = x.Shape[2..], kernel = n.Ints("kernel_shape", []), ones = [.. kernel.Select(_ => 1)], strides = n.Ints("strides", ones), dilations = n.Ints("dilations", ones), pads = n.Ints("pads", new int[2 * kernel.Length]);
        Assert.Equal(image.Length, kernel.Length);
        int[] shape = [.. x.Shape[..2], .. image.Select((s, i) => ((s + pads[i] + pads[i + image.Length] - (dilations[i] * (kernel[i] - 1)) - 1) / strides[i]) + 1)];
        return OnnxArray.Of(shape, i =>
        {
            int[] at = OnnxArray.At(shape, i);
            List<double> window = [];
            foreach (var (_, place) in Taps(kernel, at[2..], strides, pads, dilations)) { if (Inside(place, image)) { window.Add(x[[at[0], at[1], .. place]]); } }
            return f(window, kernel.Aggregate(1, (a, b) => a * b));
        });
    }

    // LSTM, GRU and RNN: X [steps, batch, inputs], W [1, gates·hidden, inputs], R, B [1, 2·gates·hidden], lengths, initial h, initial c
    private static OnnxArray[] Sequence(OnnxReader.Node n, OnnxArray?[] x, int gates)
    {
        int steps = x[0]!.Shape[0], batch = x[0]!.Shape[1], hidden = (int)n.Int("hidden_size");
        OnnxArray w = x[1]!, r = x[2]!;
        Assert.Equal([1, gates * hidden, x[0]!.Shape[2]], w.Shape);
        Assert.Equal([1, gates * hidden, hidden], r.Shape);
        bool back = n.Text("direction", "forward") == "reverse";
        double[] bias = At(3)?.Values ?? new double[2 * gates * hidden];
        string activation = n.Attributes.TryGetValue("activations", out object? names) ? ((string[])names).Single() : "Tanh";
        double[] all = new double[steps * batch * hidden], last = new double[batch * hidden], lastC = new double[batch * hidden];
        for (int b = 0; b < batch; b++)
        {
            int length = At(4) is { } lengths ? (int)lengths.Values[b] : steps;
            double[] h = [.. Enumerable.Range(0, hidden).Select(i => At(5)?.Values[(b * hidden) + i] ?? 0)], c = [.. Enumerable.Range(0, hidden).Select(i => At(6)?.Values[(b * hidden) + i] ?? 0)];
            for (int s = 0; s < length; s++)
            {
                int t = back ? length - 1 - s : s;
                double[] input = Product(w, [.. Enumerable.Range(0, x[0]!.Shape[2]).Select(i => x[0]![[t, b, i]])]), own = h;
                double[] state = Product(r, own);
                double In(int gate, int i) => input[(gate * hidden) + i] + bias[(gate * hidden) + i];
                double Back(int gate, int i) => state[(gate * hidden) + i] + bias[((gates + gate) * hidden) + i];
                double[] next = new double[hidden];
                switch (gates)
                {
                    case 4: // i o f c
                        for (int i = 0; i < hidden; i++)
                        {
                            c[i] = (Sigmoid(In(2, i) + Back(2, i)) * c[i]) + (Sigmoid(In(0, i) + Back(0, i)) * Math.Tanh(In(3, i) + Back(3, i)));
                            next[i] = Sigmoid(In(1, i) + Back(1, i)) * Math.Tanh(c[i]);
                        }
                        break;
                    case 3: // z r h
                        double[] z = [.. Enumerable.Range(0, hidden).Select(i => Sigmoid(In(0, i) + Back(0, i)))], reset = [.. Enumerable.Range(0, hidden).Select(i => Sigmoid(In(1, i) + Back(1, i)))];
                        double[] before = Product(r, [.. own.Select((v, i) => v * reset[i])]);
                        for (int i = 0; i < hidden; i++)
                        {
                            double late = n.Int("linear_before_reset") == 1 ? reset[i] * Back(2, i) : before[(2 * hidden) + i] + bias[(5 * hidden) + i];
                            next[i] = ((1 - z[i]) * Math.Tanh(In(2, i) + late)) + (z[i] * own[i]);
                        }
                        break;
                    default:
                        for (int i = 0; i < hidden; i++) { next[i] = In(0, i) + Back(0, i) is var sum && activation == "Relu" ? Math.Max(0, sum) : Math.Tanh(sum); }
                        break;
                }
                h = next;
                h.CopyTo(all, ((t * batch) + b) * hidden);
            }
            h.CopyTo(last, b * hidden);
            c.CopyTo(lastC, b * hidden);
        }
        OnnxArray y = new([steps, 1, batch, hidden], all), yh = new([1, batch, hidden], last);
        return gates == 4 ? [y, yh, new([1, batch, hidden], lastC)] : [y, yh];

        OnnxArray? At(int i) => i < x.Length ? x[i] : null;

        static double[] Product(OnnxArray m, double[] v)
        {
            Assert.Equal(m.Shape[2], v.Length);
            return [.. Enumerable.Range(0, m.Shape[1]).Select(row => v.Select((e, i) => e * m.Values[(row * v.Length) + i]).Sum())];
        }
    }
}
