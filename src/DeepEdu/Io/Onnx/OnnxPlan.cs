using DeepEdu.Data;
using DeepEdu.Devices;
using DeepEdu.Tensors;

namespace DeepEdu.Io;

/// <summary>A graph ready to run: names are places in an array, what is constant is computed, and each value is let go of after its last use.</summary>
internal sealed class OnnxPlan
{
    private readonly Dictionary<string, int> _places = new(StringComparer.Ordinal);
    private readonly List<(int Place, OnnxCell Value)> _constants = [];
    private readonly List<Step> _steps = [];
    private readonly List<(string Name, int Place)> _captured = [];
    private readonly int[] _inputs;
    private readonly int[] _outputs;
    private readonly int _opset;

    /// <summary>An operator, where its operands and results lie, what is not needed after it, and the graphs inside it.</summary>
    private sealed record Step(OnnxProtoNode Node, Func<OnnxCall, OnnxCell[]>? Run, int[] Inputs, int[] Outputs, OnnxPlan? Then, OnnxPlan? Else)
    {
        public int[] LetGo { get; set; } = [];
    }

    /// <param name="graph">The graph.</param>
    /// <param name="opset">The version of its operators.</param>
    /// <param name="constant">A constant's value.</param>
    /// <param name="outer">Names of the graph around it, if it is inside another.</param>
    /// <exception cref="InvalidDataException">A name is not there.</exception>
    public OnnxPlan(OnnxProtoGraph graph, int opset, Func<OnnxProtoTensor, OnnxCell> constant, Func<string, bool>? outer = null)
    {
        _opset = opset;
        Dictionary<int, OnnxCell> known = [];
        foreach (var t in graph.Constants)
        {
            var value = constant(t);
            int place = New(t.Name);
            _constants.Add((place, value));
            if (value.IsHost) { known[place] = value; }
        }
        _inputs = [.. graph.Inputs.Where(i => !_places.ContainsKey(i.Name)).Select(i => New(i.Name))];
        foreach (var node in graph.Nodes) { Add(node, known, constant, outer); }
        _outputs = [.. graph.Outputs.Select(o => Place(o.Name, outer))];
        LetGo();
    }

    /// <summary>Names of the graph around it that it reads.</summary>
    private IEnumerable<string> Captured => _captured.Select(c => c.Name);

    private void Add(OnnxProtoNode node, Dictionary<int, OnnxCell> known, Func<OnnxProtoTensor, OnnxCell> constant, Func<string, bool>? outer)
    {
        if (node is { Op: "Constant", Domain: "" })
        {
            int place = New(node.Outputs is [var output] ? output : throw new InvalidDataException($"a constant gives {node.Outputs.Length} results, not 1"));
            _constants.Add((place, known[place] = Constant(node, constant)));
            return;
        }
        OnnxPlan? then = Inner("then_branch"), other = Inner("else_branch");
        if (node is { Op: "If", Domain: "" } && (then is null || other is null)) { throw new InvalidDataException($"{node.Label} lacks a branch"); }
        int[] inputs = [.. node.Inputs.Concat(then?.Captured ?? []).Concat(other?.Captured ?? []).Select(i => i.Length == 0 ? -1 : Place(i, outer))];
        int[] outputs = [.. node.Outputs.Select(o => o.Length == 0 ? -1 : New(o))];
        var step = new Step(node, OnnxOperators.Find(node), inputs, outputs, then, other);
        if (then is null && inputs.All(i => i < 0 || known.ContainsKey(i)))
        {
            OnnxCell[] values;
            try { values = Do(step, [.. inputs.Select(i => i < 0 ? null : known[i])], CpuDevice.Instance); }
            catch (OutOfMemoryException e) { throw new InvalidDataException(e.Message, e); }
            for (int i = 0; i < outputs.Length; i++)
            {
                if (outputs[i] >= 0) { _constants.Add((outputs[i], known[outputs[i]] = new OnnxCell(values[i].Host).AsConstant())); }
            }
            return;
        }
        _steps.Add(step);

        OnnxPlan? Inner(string name) => node.Op == "If" && node.Attributes.GetValueOrDefault(name) is OnnxProtoGraph g ? new(g, _opset, constant, n => _places.ContainsKey(n) || outer?.Invoke(n) == true) : null;
    }

    private static OnnxCell Constant(OnnxProtoNode node, Func<OnnxProtoTensor, OnnxCell> constant)
    {
        var (name, value) = node.Attributes.FirstOrDefault();
        return value switch
        {
            OnnxProtoTensor t => constant(t),
            float v => new OnnxCell(new OnnxHost([], [v], OnnxKind.Real)).AsConstant(),
            long v => new OnnxCell(OnnxHost.Whole([], [v])),
            float[] v => new OnnxCell(new OnnxHost([v.Length], Array.ConvertAll(v, x => (double)x), OnnxKind.Real)).AsConstant(),
            long[] v => new OnnxCell(OnnxHost.Whole([v.Length], Array.ConvertAll(v, x => (double)x))),
            _ => throw new NotSupportedException($"onnx-model: {node.Label} holds a {name}, which is neither numbers nor a list of them"),
        };
    }

    private int New(string name) => _places.TryAdd(name, _places.Count) ? _places.Count - 1 : throw new InvalidDataException($"\"{name}\" is given twice");

    private int Place(string name, Func<string, bool>? outer)
    {
        if (_places.TryGetValue(name, out int place)) { return place; }
        if (outer?.Invoke(name) != true) { throw new InvalidDataException($"\"{name}\" is used before, or without, something that gives it"); }
        _captured.Add((name, place = New(name)));
        return place;
    }

    private void LetGo()
    {
        var seen = new bool[_places.Count];
        foreach (int place in _outputs.Concat(_constants.Select(c => c.Place))) { seen[place] = true; }
        for (int i = _steps.Count - 1; i >= 0; i--)
        {
            _steps[i].LetGo = [.. _steps[i].Inputs.Concat(_steps[i].Outputs).Where(p => p >= 0 && !seen[p]).Distinct()];
            foreach (int p in _steps[i].LetGo) { seen[p] = true; }
        }
    }

    /// <summary>The results, of inputs in the order of the graph's.</summary>
    public OnnxCell[] Run(ReadOnlySpan<OnnxCell> inputs, Device device) => Run(inputs, [], device);

    private OnnxCell[] Run(ReadOnlySpan<OnnxCell> inputs, ReadOnlySpan<OnnxCell?> captured, Device device)
    {
        var cells = new OnnxCell?[_places.Count];
        foreach (var (place, value) in _constants) { cells[place] = value; }
        for (int i = 0; i < inputs.Length; i++) { cells[_inputs[i]] = inputs[i]; }
        for (int i = 0; i < captured.Length; i++) { cells[_captured[i].Place] = captured[i]; }
        foreach (var step in _steps)
        {
            var values = Do(step, [.. step.Inputs.Select(i => i < 0 ? null : cells[i])], device);
            for (int i = 0; i < step.Outputs.Length; i++) { if (step.Outputs[i] >= 0) { cells[step.Outputs[i]] = values[i]; } }
            foreach (int i in step.LetGo) { cells[i] = null; }
        }
        return [.. _outputs.Select(o => cells[o]!)];
    }

    private OnnxCell[] Do(Step step, OnnxCell?[] inputs, Device device)
    {
        try
        {
            if (step.Then is { } then && step.Else is { } other)
            {
                // the condition, what the one branch reads, what the other
                int first = then._captured.Count;
                return AsMany(step, inputs[0]!.Host.Values[0] != 0 ? then.Run([], inputs.AsSpan(1, first), device) : other.Run([], inputs.AsSpan(1 + first), device));
            }
            return AsMany(step, step.Run!(new(step.Node, inputs, _opset, device)));
        }
        catch (ShapeException e) when (e.Op != "onnx-model") { throw new ShapeException("onnx-model", $"{step.Node.Label}: {e.Message}", [.. e.Shapes]); }
        catch (ArgumentOutOfRangeException e) when (Nameless(e)) { throw new ArgumentOutOfRangeException($"onnx-model: {step.Node.Label}: {e.Message}", e); }
        catch (ArgumentException e) when (e is not ShapeException && Nameless(e)) { throw new ArgumentException($"onnx-model: {step.Node.Label}: {e.Message}", e); }
        catch (OutOfMemoryException e) { throw new InsufficientMemoryException($"onnx-model: {step.Node.Label}: there is not the memory for what it is asked for: {Given(step.Node, inputs)}", e); }
        // an attribute that is too short, of another kind, or out of all bounds shows itself in many ways
        catch (Exception e) when (e is IndexOutOfRangeException or NullReferenceException or InvalidCastException or OverflowException or DivideByZeroException or KeyNotFoundException)
        {
            throw new InvalidDataException($"onnx-model: {step.Node.Label}: its attributes and inputs do not fit together: {Given(step.Node, inputs)}", e);
        }
    }

    // of an operator inside a branch the error has the name already
    private static bool Nameless(Exception e) => !e.Message.StartsWith("onnx-model: ", StringComparison.Ordinal);

    private static string Given(OnnxProtoNode node, OnnxCell?[] inputs) => string.Join(", ",
    [
        .. inputs.Select(i => i is null ? "nothing" : i.Shape.ToString()),
        .. node.Attributes.Select(a => $"{a.Key} = {Excerpt.Of(a.Value switch { long[] v => $"[{string.Join(',', v)}]", float[] v => $"[{string.Join(',', v)}]", long or float or string => $"{a.Value}", _ => "…" })}"),
    ]);

    private static OnnxCell[] AsMany(Step step, OnnxCell[] values)
        => values.Length >= step.Outputs.Length ? values : throw new NotSupportedException($"onnx-model: {step.Node.Label} is asked for {step.Outputs.Length} results; {values.Length} are supported");
}
