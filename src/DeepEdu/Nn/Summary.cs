using System.Globalization;
using System.Text;
using DeepEdu.Devices;
using DeepEdu.Memory;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>Prints what a model is made of.</summary>
internal static class Summary
{
    private static readonly string[] s_head = ["layer", "output", "parameters", "trainable", "bytes"];

    public static string Of(Module model, Shape? input)
    {
        var shapes = new Dictionary<Module, Shape>(ReferenceEqualityComparer.Instance);
        if (input is { } shape && model is Layer layer)
        {
            using var arena = new Arena();
            Trace(layer, Tensor.Zeros(shape, Device(model)), shapes);
        }
        List<string[]> rows = [s_head];
        var seen = new HashSet<Tensor>(ReferenceEqualityComparer.Instance);
        long total = 0, trainable = 0, bytes = 0;
        foreach (var (path, module) in Modules(model))
        {
            var own = Counts(module, seen);
            (total, trainable, bytes) = (total + own.All, trainable + own.Trainable, bytes + own.Bytes);
            string name = path.Length == 0 ? module.Kind : $"{new string(' ', 2 * (path.Count('.') + 1))}{path[(path.LastIndexOf('.') + 1)..]} {module.Kind}";
            rows.Add([name, shapes.TryGetValue(module, out var s) ? s.ToString() : "", Number(own.All), Number(own.Trainable), Number(own.Bytes)]);
        }
        rows.Add(["total", "", Number(total), Number(trainable), Number(bytes)]);
        return Table(rows);
    }

    // a Sequential's layers are run one by one; any other layer is a whole
    private static Tensor Trace(Layer layer, Tensor x, Dictionary<Module, Shape> shapes)
    {
        Tensor y = x;
        if (layer is Sequential s)
        {
            foreach (var inner in s.Layers) { y = Trace(inner, y, shapes); }
        }
        else { y = layer is Embedding or EmbeddingBag ? layer.Forward(Indices.Full(x.Shape, 0)) : layer.Forward(x); }
        shapes[layer] = y.Shape;
        return y;
    }

    private static Device? Device(Module model) => model.Parameters() is [var first, ..] ? first.Value.Device : null;

    private static List<(string Path, Module Value)> Modules(Module model)
    {
        var p = new Parts();
        p.Of(model, "");
        return [.. p.Modules];
    }

    // what belongs to the module itself and not to its parts, which have rows of their own
    private static (long All, long Trainable, long Bytes) Counts(Module module, HashSet<Tensor> seen)
    {
        var inner = new HashSet<Tensor>(ReferenceEqualityComparer.Instance);
        foreach (var (_, part) in Modules(module).Skip(1))
        {
            foreach (var (_, p) in part.Parameters()) { inner.Add(p); }
            foreach (var (_, b) in part.Buffers()) { inner.Add(b); }
        }
        long all = 0, trainable = 0, bytes = 0;
        foreach (var (_, p) in module.Parameters())
        {
            if (inner.Contains(p) || !seen.Add(p)) { continue; }
            all += p.Size;
            trainable += p.Trainable ? p.Size : 0;
            bytes += (long)p.Size * sizeof(float);
        }
        foreach (var (_, b) in module.Buffers())
        {
            if (!inner.Contains(b) && seen.Add(b)) { bytes += (long)b.Size * sizeof(float); }
        }
        return (all, trainable, bytes);
    }

    private static string Table(List<string[]> rows)
    {
        int[] width = [.. Enumerable.Range(0, s_head.Length).Select(c => rows.Max(r => r[c].Length))];
        string rule = new('─', width.Sum() + (2 * (width.Length - 1)));
        var text = new StringBuilder();
        for (int i = 0; i < rows.Count; i++)
        {
            if (i == 1 || i == rows.Count - 1) { text.Append(rule).Append('\n'); }
            var row = rows[i];
            text.Append(string.Join("  ", row.Select((cell, c) => c < 2 ? cell.PadRight(width[c]) : cell.PadLeft(width[c]))).TrimEnd()).Append('\n');
        }
        return text.ToString();
    }

    private static string Number(long n) => n.ToString("N0", CultureInfo.InvariantCulture);
}
