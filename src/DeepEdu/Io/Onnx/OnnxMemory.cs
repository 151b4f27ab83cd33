using DeepEdu.Devices;
using DeepEdu.Memory;

namespace DeepEdu.Io;

/// <summary>Which value lies where: recorded calls name memory, a graph names values. Each write makes a new value, so that computing in place is no matter.</summary>
internal sealed class OnnxMemory(OnnxShapes shapes, Func<Block, bool> owns)
{
    private readonly Dictionary<Block, List<Region>> _regions = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<Block, (string Name, OnnxValue Value)> _weights = new(ReferenceEqualityComparer.Instance);

    /// <summary>The last weight that was read.</summary>
    public string? LastWeight { get; private set; }

    /// <summary>A weight of the model, which has a block of its own.</summary>
    public void AddWeight(string name, View view, OnnxSize[] shape, ReadOnlyMemory<float> values) => _weights[view.Block] = (name, OnnxValue.Weight(name, shape, values));

    /// <summary>A value was computed.</summary>
    /// <exception cref="NotSupportedException">It was written to memory that outlives the forward pass, or has another size.</exception>
    public void Write(OnnxView to, OnnxValue value)
    {
        if (!owns(to.Block!)) { throw new NotSupportedException("a tensor that outlives the forward pass is changed by it, such as a state or running statistics"); }
        if (value.Size != to.Length) { throw new NotSupportedException(OnnxTranslator.OverBatch); }
        Put(to, new(to, value, null));
    }

    /// <summary>A value was computed into memory of the host.</summary>
    public void WriteOutside(OnnxView to, OnnxValue value) => Put(to, new(to, value, null));

    /// <summary>Some of the numbers of a view were written; the others stay.</summary>
    public void WritePart(OnnxView to, OnnxPart part)
    {
        var region = Of(to).LastOrDefault(r => r.View == to);
        if (region?.Parts is { } parts) { parts.Add(part); return; }
        Put(to, new(to, region?.Value, [part]));
    }

    /// <summary>The value that lies in a view.</summary>
    public OnnxValue Read(OnnxView from)
    {
        var regions = Of(from);
        for (int i = regions.Count - 1; i >= 0; i--)
        {
            var r = regions[i];
            if (r.View == from) { return Whole(r); }
            if (Contains(r.View, from)) { return shapes.Part(Whole(r), from.Offset - r.View.Offset, from.Length); }
            if (Overlaps(r.View, from)) { return Joined(regions, from); }
        }
        if (_weights.TryGetValue(from.Block!, out var weight))
        {
            LastWeight = weight.Name;
            return from.Length == weight.Value.Size ? weight.Value : shapes.Part(weight.Value, from.Offset, from.Length);
        }
        // made before the forward pass: a table
        return OnnxValue.Constant([from.Length], CpuDevice.Of(from.First).ToArray(), CpuDevice.Of(from.Second).ToArray());
    }

    private OnnxValue Whole(Region r)
    {
        if (r.Parts is { } parts)
        {
            r.Value = shapes.Assemble(r.View.Length, r.Value, parts);
            r.Parts = null;
        }
        return r.Value!;
    }

    // neighbours that were written one by one
    private OnnxValue Joined(List<Region> regions, OnnxView from)
    {
        List<OnnxValue> parts = [];
        OnnxSize at = from.Offset, end = from.Offset + from.Length;
        while (at != end)
        {
            int i = regions.FindLastIndex(r => r.View.Offset == at);
            if (i < 0 || regions[i] is not { } next || next.View.Offset.A + next.View.Length.A > end.A || next.View.Length.A == 0 || regions.Skip(i + 1).Any(r => Overlaps(r.View, next.View)))
            {
                throw new NotSupportedException("a tensor that is put together from pieces which overlap");
            }
            parts.Add(Whole(next));
            at += next.View.Length;
        }
        return shapes.Concat([.. parts.Select(p => shapes.As(p, [p.Size]))], 0);
    }

    private void Put(OnnxView to, Region region)
    {
        var regions = Of(to);
        regions.RemoveAll(r => Contains(to, r.View));
        regions.Add(region);
    }

    private List<Region> Of(OnnxView view)
    {
        if (!_regions.TryGetValue(view.Block!, out var list)) { _regions[view.Block!] = list = []; }
        return list;
    }

    private static bool Contains(OnnxView outer, OnnxView inner) => outer.Offset.A <= inner.Offset.A && outer.Offset.A + outer.Length.A >= inner.Offset.A + inner.Length.A;

    private static bool Overlaps(OnnxView a, OnnxView b) => a.Offset.A < b.Offset.A + b.Length.A && b.Offset.A < a.Offset.A + a.Length.A;

    private sealed class Region(OnnxView view, OnnxValue? value, List<OnnxPart>? parts)
    {
        public OnnxView View => view;

        public OnnxValue? Value { get; set; } = value;

        public List<OnnxPart>? Parts { get; set; } = parts;
    }
}

/// <summary>A value that was written along steps into a larger one.</summary>
/// <param name="Value">The value, of the shape of the sizes.</param>
/// <param name="Sizes">Outermost first.</param>
/// <param name="Steps">Floats from one entry of an axis to the next.</param>
/// <param name="Start">Where it begins.</param>
internal sealed record OnnxPart(OnnxValue Value, OnnxSize[] Sizes, OnnxSize[] Steps, OnnxSize Start);
