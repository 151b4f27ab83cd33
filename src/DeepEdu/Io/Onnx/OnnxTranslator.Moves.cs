using DeepEdu.Devices;
using DeepEdu.Kernels;

namespace DeepEdu.Io;

/// <content>Copies along steps: permutations, slices, flips, joins and paddings are told from the steps.</content>
internal sealed partial class OnnxTranslator
{
    private void Move(in StridedCopy a, in StridedCopy b)
    {
        Walk w = a.Walk, v = b.Walk;
        OnnxView from = new(a.From, b.From), to = new(a.To, b.To);
        if (to.Length.A == 0) { return; }
        if (w.Rank != v.Rank) { throw new NotSupportedException("a copy along other axes with another batch"); }
        OnnxSize[] sizes = new OnnxSize[w.Rank], reads = new OnnxSize[w.Rank], writes = new OnnxSize[w.Rank];
        for (int i = 0; i < w.Rank; i++) { (sizes[i], reads[i], writes[i]) = (new(w.Sizes[i], v.Sizes[i]), new(w.From[i], v.From[i]), new(w.To[i], v.To[i])); }
        OnnxSize readStart = new(w.FromStart, v.FromStart), writeStart = new(w.ToStart, v.ToStart);
        var source = memory.Read(from);
        if (OnnxSize.Product(sizes).A == 0) { return; }
        var (merged, steps) = Merge(sizes, writes);
        bool whole = merged.Length == 1 && steps[0] == 1;
        if (whole && merged[0] == to.Length && Folds(to, source)) { return; }
        var value = Picked(source, from.Length, sizes, reads, readStart);
        if (whole) { memory.Write(to with { Offset = to.Offset + writeStart, Length = merged[0] }, value); }
        else { memory.WritePart(to, new(value, merged, steps, writeStart)); }
    }

    // axes that are written straight through are one
    private static (OnnxSize[] Sizes, OnnxSize[] Steps) Merge(OnnxSize[] sizes, OnnxSize[] steps)
    {
        List<OnnxSize> n = [sizes[0]], step = [steps[0]];
        for (int i = 1; i < sizes.Length; i++)
        {
            if (step[^1] == steps[i] * sizes[i]) { (n[^1], step[^1]) = (n[^1] * sizes[i], steps[i]); }
            else { n.Add(sizes[i]); step.Add(steps[i]); }
        }
        return ([.. n], [.. step]);
    }

    // what lies along these steps, as a value of these sizes
    private OnnxValue Picked(OnnxValue x, OnnxSize length, OnnxSize[] sizes, OnnxSize[] steps, OnnxSize start)
    {
        int[] real = [.. Enumerable.Range(0, sizes.Length).Where(i => steps[i].A != 0).OrderByDescending(i => Math.Abs(steps[i].A))];
        OnnxSize[] strides = [.. real.Select(i => new OnnxSize(Math.Abs(steps[i].A), Math.Abs(steps[i].B)))];
        if (OnnxShapes.Grid(length, strides) is { } grid && OnnxShapes.At(start, strides, grid.Length) is { } at && Cut(x, grid, at, real, sizes, steps) is { } part)
        {
            // from the order of the memory to that of the walk; what stands still is repeated
            int[] order = [.. real.Order().Select(i => Array.IndexOf(real, i))];
            var turned = shapes.Transpose(shapes.As(part, [.. real.Select(i => sizes[i])]), order);
            if (real.Length == sizes.Length) { return turned; }
            var one = shapes.As(turned, [.. sizes.Select((n, i) => steps[i].A == 0 ? 1 : n)]);
            return OnnxValue.Named(graph.Add("Expand", [shapes.Name(one), shapes.Sizes(sizes)]), sizes);
        }
        return Gathered(x, length, sizes, steps, start);
    }

    private OnnxValue? Cut(OnnxValue x, OnnxSize[] grid, OnnxSize[] at, int[] real, OnnxSize[] sizes, OnnxSize[] steps)
    {
        for (int j = 0; j < grid.Length; j++)
        {
            OnnxSize n = j < real.Length ? sizes[real[j]] : 1;
            bool back = j < real.Length && steps[real[j]].A < 0, all = n == grid[j] && at[j] == (back ? grid[j] - 1 : 0);
            if (!all && !(n.IsFixed && at[j].IsFixed && (back ? at[j].A - n.A >= -1 : at[j].A + n.A <= grid[j].A))) { return null; }
        }
        var y = shapes.As(x, grid);
        for (int j = 0; j < grid.Length; j++)
        {
            OnnxSize n = j < real.Length ? sizes[real[j]] : 1;
            bool back = j < real.Length && steps[real[j]].A < 0;
            if (n == grid[j] && at[j] == (back ? grid[j] - 1 : 0)) { y = back && n != 1 ? shapes.Flip(y, j) : y; }
            else { y = shapes.Slice(y, j, at[j].A, n.A, back ? -1 : 1); }
        }
        return y;
    }

    // steps that are no axes, such as overlapping windows: every place by its number, within a member of the batch
    private OnnxValue Gathered(OnnxValue x, OnnxSize length, OnnxSize[] sizes, OnnxSize[] steps, OnnxSize start)
    {
        bool batched = !sizes[0].IsFixed;
        OnnxSize row = batched ? steps[0] : length;
        OnnxSize[] rest = batched ? sizes[1..] : sizes;
        if (!row.IsFixed || row.A <= 0 || !start.IsFixed || rest.Any(n => !n.IsFixed) || steps.Skip(batched ? 1 : 0).Any(s => !s.IsFixed) || (batched && sizes[0] * row != length))
        {
            throw new NotSupportedException("a copy whose steps depend on the batch");
        }
        int[] shape = [.. rest.Select(n => n.A)];
        long[] places = new long[shape.Aggregate(1, (p, n) => p * n)];
        for (int i = 0; i < places.Length; i++)
        {
            places[i] = start.A;
            for (int k = shape.Length - 1, left = i; k >= 0; k--)
            {
                (left, int place) = Math.DivRem(left, shape[k]);
                places[i] += place * (long)steps[k + (batched ? 1 : 0)].A;
            }
            if (places[i] < 0 || places[i] >= row.A) { throw new NotSupportedException("a copy from one member of the batch to another"); }
        }
        string from = shapes.Name(batched ? shapes.As(x, sizes[0], row) : shapes.As(x, length));
        return OnnxValue.Named(graph.Add("Gather", [from, graph.Whole(places, shape)], ("axis", batched ? 1 : 0)), sizes);
    }
}
