namespace DeepEdu.Io;

/// <summary>Which of a graph's constants are weights, to be learned on: those that stand where a layer's weight stands, be it behind reshapes and the like. Masks, positions and scales stay as
/// they are.</summary>
internal static class OnnxWeights
{
    private static readonly HashSet<string> s_moves = new(StringComparer.Ordinal) { "Transpose", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity", "Slice", "Split", "Concat", "Expand", "Cast" };

    /// <summary>The names of the weights, and of a batch normalisation's running statistics.</summary>
    public static (HashSet<string> Learned, HashSet<string> Kept) Of(OnnxProtoGraph graph)
    {
        HashSet<string> learned = new(StringComparer.Ordinal), kept = new(StringComparer.Ordinal);
        var rank = graph.Constants.ToDictionary(t => t.Name, t => t.Shape.Length, StringComparer.Ordinal);
        for (int n = graph.Nodes.Count - 1; n >= 0; n--) // what is behind a move is known before it
        {
            var node = graph.Nodes[n];
            if (s_moves.Contains(node.Op) && node.Outputs.Any(learned.Contains)) { learned.UnionWith(node.Op == "Concat" ? node.Inputs : node.Inputs.Take(1)); }
            for (int i = 0; i < node.Inputs.Length; i++)
            {
                string name = node.Inputs[i];
                if (IsWeight(node.Op, i) || (node.Op is "Add" or "Sub" or "Mul" or "Div" && rank.GetValueOrDefault(name) == 1)) { learned.Add(name); }
                if (node.Op == "BatchNormalization" && i is 3 or 4) { kept.Add(name); }
            }
        }
        learned.ExceptWith(kept);
        return (learned, kept);
    }

    private static bool IsWeight(string op, int i) => op switch
    {
        "Conv" or "ConvTranspose" or "BatchNormalization" or "InstanceNormalization" or "LayerNormalization" or "GroupNormalization" => i is 1 or 2,
        "LSTM" or "GRU" or "RNN" => i is 1 or 2 or 3,
        "Gemm" or "MatMul" => true,
        "PRelu" => i == 1,
        "Gather" => i == 0,
        _ => false,
    };

    /// <summary>Operators of sequences whose weights are all constants of their own: these can be brought into PyTorch's order once.</summary>
    public static HashSet<OnnxProtoNode> InOrder(OnnxProtoGraph graph, HashSet<string> learned)
    {
        var constants = graph.Constants.Where(t => t.Kind == OnnxKind.Real).Select(t => t.Name).ToHashSet(StringComparer.Ordinal);
        var uses = graph.Nodes.SelectMany(n => n.Inputs).Concat(graph.Outputs.Select(o => o.Name)).CountBy(n => n, StringComparer.Ordinal).ToDictionary(StringComparer.Ordinal);
        return [.. graph.Nodes.Where(n => OnnxOperators.GateOrder(n.Op) is { Length: > 1 } && n.Inputs.Skip(1).Take(3).All(i => i.Length == 0 || (constants.Contains(i) && learned.Contains(i) && uses[i] == 1)))];
    }

    /// <summary>Rows of gates in PyTorch's order: [directions, blocks·gates·hidden, ..], one block for W and R, two for B.</summary>
    public static float[] Ordered(float[] values, ReadOnlySpan<int> shape, int[] order, int blocks)
    {
        float[] y = new float[values.Length];
        int each = values.Length / Math.Max(1, shape[0] * blocks * order.Length);
        for (int block = 0; block < shape[0] * blocks; block++)
        {
            for (int g = 0; g < order.Length; g++) { values.AsSpan(((block * order.Length) + order[g]) * each, each).CopyTo(y.AsSpan(((block * order.Length) + g) * each)); }
        }
        return y;
    }
}
