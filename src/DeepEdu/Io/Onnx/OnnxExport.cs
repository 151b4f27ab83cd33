using System.Diagnostics.CodeAnalysis;
using DeepEdu.Devices;
using DeepEdu.Nn;
using DeepEdu.Tensors;

namespace DeepEdu.Io;

/// <summary>From a forward pass to a graph: the pass is recorded with batches of two sizes, and both recordings are read side by side.</summary>
internal static class OnnxExport
{
    public static OnnxGraph Of(Module model, Func<InferenceInputs, Tensor[]> forward, OnnxOptions options)
    {
        var parts = new Parts();
        parts.Of(model, "");
        if (parts.Tensors.FirstOrDefault(t => t.Value.Device is not CpuDevice) is { Value: { } elsewhere } first)
        {
            throw new NotSupportedException($"onnx-file: \"{first.Name}\" lives on {elsewhere.Device.Name}; bring the model to the processor with To(CpuDevice.Instance) first");
        }
        InferencePlan a, b;
        try
        {
            new InferencePlan(forward, resize: Resize(options, OnnxSize.BatchA)).Verify(forward);
            a = new(forward, tellsLayers: true, resize: Resize(options, OnnxSize.BatchA));
            b = new(forward, tellsLayers: true, resize: Resize(options, OnnxSize.BatchB));
        }
        catch (Exception e) when (e is ArgumentException && !e.Message.StartsWith("onnx-file: ", StringComparison.Ordinal) && options.BatchAxes is not { Count: 0 })
        {
            string where = options.BatchAxes is null ? "axis 0 of each input" : "the axes given";
            throw new InvalidOperationException($"onnx-file: the forward pass does not run with batches of {OnnxSize.BatchA} and of {OnnxSize.BatchB} on {where}; say where the batch is by OnnxOptions.BatchAxes, or [] for a file of one batch: {e.Message}", e);
        }
        catch (InvalidOperationException e) when (e.Message.StartsWith("inference-session: ", StringComparison.Ordinal))
        {
            throw new InvalidOperationException($"onnx-file: {e.Message["inference-session: ".Length..]}", e);
        }
        if (options.BatchAxes is { } axes && axes.Count > a.Inputs.Count) { throw new ArgumentException($"onnx-file: {axes.Count} batch axes, but the forward pass asks for {a.Inputs.Count} inputs; give one for each, null where there is none"); }
        if (a.Outputs.Count == 0) { throw new ArgumentException("onnx-file: the forward pass has no result"); }
        if (!Ranks(a.Inputs.Select(i => i.Shape)).SequenceEqual(Ranks(b.Inputs.Select(i => i.Shape))) || !Ranks(a.Outputs.Select(o => o.Shape)).SequenceEqual(Ranks(b.Outputs.Select(o => o.Shape))))
        {
            throw Unwritable("the forward pass", new(OnnxTranslator.Differs));
        }
        return Graph(parts, a, b, options);

        static IEnumerable<int> Ranks(IEnumerable<Shape> all) => all.Select(s => s.Rank);
    }

    private static Func<int, Shape, Shape> Resize(OnnxOptions options, int batch) => (i, shape) =>
    {
        if (options.BatchAxes is not { } axes) { return shape.Rank == 0 ? shape : shape.With(0, batch); }
        if (axes.Count > 0 && i >= axes.Count) { throw new ArgumentException($"onnx-file: {axes.Count} batch axes, but the forward pass asks for more inputs; give one for each, null where there is none"); }
        if (axes.Count == 0 || axes[i] is not { } axis) { return shape; }
        return (uint)axis < (uint)shape.Rank ? shape.With(axis, batch) : throw new ArgumentException($"onnx-file: input {i} {shape} has no axis {axis} to be the batch");
    };

    private static OnnxGraph Graph(Parts parts, InferencePlan a, InferencePlan b, OnnxOptions options)
    {
        var graph = new OnnxGraph();
        var shapes = new OnnxShapes(graph);
        var memory = new OnnxMemory(shapes, a.Recording.Owns);
        var translator = new OnnxTranslator(graph, shapes, memory);
        string[] inputs = Names("input", options.InputNames, a.Inputs.Count), outputs = Names("output", options.OutputNames, a.Outputs.Count);
        foreach (string name in (string[])[.. inputs, .. outputs, .. parts.Tensors.Select(t => t.Name)])
        {
            if (!graph.Reserve(name)) { throw new ArgumentException($"onnx-file: \"{name}\" is the name of two things among inputs, outputs and weights; give others by OnnxOptions"); }
        }
        foreach (var (name, value) in parts.Tensors)
        {
            var view = value.View;
            memory.AddWeight(name, view, OnnxSize.Of(value.Shape, value.Shape), ((CpuBlock)view.Block).Memory.Slice(view.Offset, view.Length));
        }
        for (int i = 0; i < inputs.Length; i++)
        {
            var (first, second) = (a.Inputs[i], b.Inputs[i]);
            var shape = OnnxSize.Of(first.Shape, second.Shape);
            graph.Input(inputs[i], shape, whole: first.Numbers is not null);
            int open = Array.FindIndex(shape, s => !s.IsFixed);
            if (open >= 0) { shapes.BatchIs(inputs[i], open); }
            if (first.Numbers is not null) { translator.AddWhole(first.Numbers, inputs[i], shape); }
            else { memory.Write(new(first.Floats, second.Floats), OnnxValue.Named(inputs[i], shape)); }
        }
        Translate(parts, a, b, translator, memory);
        for (int i = 0; i < outputs.Length; i++)
        {
            var shape = OnnxSize.Of(a.Outputs[i].Shape, b.Outputs[i].Shape);
            try { graph.Output(outputs[i], shapes.Name(shapes.As(memory.Read(new(a.Outputs[i].View, b.Outputs[i].View)), shape)), shape); }
            catch (NotSupportedException e) { throw Unwritable($"result {i}", e); }
        }
        return graph;
    }

    // the calls are made again one by one, so that the numbers of constants are there when they are read
    private static void Translate(Parts parts, InferencePlan a, InferencePlan b, OnnxTranslator translator, OnnxMemory memory)
    {
        IReadOnlyList<Recording.Call> first = a.Recording.Calls, second = b.Recording.Calls;
        if (first.Count != second.Count)
        {
            int same = first.Zip(second).TakeWhile(c => c.First.GetType() == c.Second.GetType()).Count();
            throw Unwritable(same < first.Count && first[same].Layer is { } layer ? Place(parts, layer) : "the forward pass", new(OnnxTranslator.Differs));
        }
        for (int i = 0; i < first.Count; i++)
        {
            try
            {
                first[i].Run();
                second[i].Run();
                first[i].Accept(translator, second[i]);
            }
            catch (NotSupportedException e) { ThrowAt(parts, first[i].Layer, memory.LastWeight, e); }
        }
    }

    private static string[] Names(string kind, IReadOnlyList<string>? given, int count)
    {
        if (given is null) { return count == 1 ? [kind] : [.. Enumerable.Range(0, count).Select(i => $"{kind}_{i}")]; }
        if (given.Count != count) { throw new ArgumentException($"onnx-file: {given.Count} names for {count} {kind}s"); }
        if (given.Any(string.IsNullOrEmpty)) { throw new ArgumentException($"onnx-file: one of the {kind}s' names is empty"); }
        return [.. given];
    }

    [DoesNotReturn]
    private static void ThrowAt(Parts parts, object? layer, string? weight, NotSupportedException e)
    {
        string? path = layer is null ? null : Place(parts, layer);
        string where = (path, weight) switch
        {
            (not null, null) => path,
            (not null, not null) => $"{path}, where \"{weight}\" was the last weight read",
            (null, not null) => $"the forward pass, where \"{weight}\" was the last weight read",
            _ => "the forward pass, before any weight was read",
        };
        throw Unwritable(where, e);
    }

    private static string Place(Parts parts, object layer) =>
        parts.Modules.FirstOrDefault(m => ReferenceEquals(m.Value, layer)) is { Value: { } module } found ? $"layer \"{found.Path}\" ({module.Kind})" : $"a layer {((Module)layer).Kind}";

    // what, and after a semicolon what to do
    private static NotSupportedException Unwritable(string where, NotSupportedException e)
    {
        string[] parts = e.Message.Split("; ", 2);
        return new($"onnx-file: {where}: {parts[0]} cannot be written as ONNX{(parts.Length > 1 ? $"; {parts[1]}" : "")}", e);
    }
}
