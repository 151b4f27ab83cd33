using DeepEdu.Data;
using DeepEdu.Kernels;
using DeepEdu.Nn;
using DeepEdu.Tensors;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace DeepEdu.Io;

/// <summary>Weights of eight bits in a safetensors file: whole numbers [outputs, inputs] as I8, and beside them the step of each output, [outputs, 1], whose name ends in "_scale". What sessions round, and as they do.</summary>
internal static class EightBitFile
{
    /// <summary>How the names of steps end.</summary>
    public const string Steps = "_scale";

    /// <summary>Writes a model's parameters and buffers.</summary>
    public static void Write(string path, Module module)
    {
        if (Path.GetExtension(path).ToLowerInvariant() is ".pt" or ".pth") { throw new ArgumentException($"save: weights of eight bits go into a safetensors file; call it {Path.ChangeExtension(path, ".safetensors")}", nameof(path)); }
        var rounded = module.Factors();
        if (rounded.Count == 0) { throw new ArgumentException($"save: no weight of this {module.Kind} is of a dense, recurrent or attention layer, which alone take eight bits; NumberType.F16 or BF16 halves any", nameof(module)); }
        List<(SafeTensorsEntry, object)> items = [];
        (string Name, Tensor Value)[] all = [.. module.Parameters().Select(p => (p.Name, (Tensor)p.Value)), .. module.Buffers()];
        foreach (var (name, value) in all)
        {
            if (!rounded.Contains(value)) { items.Add((new(name, NumberType.F32, value.Shape), value)); continue; }
            if (all.Any(t => t.Name == name + Steps)) { throw new ArgumentException($"save: the steps of \"{name}\" would have the name of another part, \"{name}{Steps}\"; rename that", nameof(module)); }
            int outputs = value.Shape[0], inputs = value.Shape[1];
            float[] weights = value.ToArray(), steps = new float[outputs];
            for (int o = 0; o < outputs; o++)
            {
                var row = weights.AsSpan(o * inputs, inputs);
                float step = steps[o] = Int8Weights.Step(row);
                foreach (ref float w in row) { w = Int8Weights.Code(w, step); }
            }
            items.Add((new(name, NumberType.I8, value.Shape), Tensor.Of(value.Shape, weights)));
            items.Add((new(name + Steps, NumberType.F32, [outputs, 1]), Tensor.Of([outputs, 1], steps)));
        }
        SafeTensors.Write(path, items);
    }

    /// <summary>Whole numbers times their steps, of each entry of the first axis or one of all.</summary>
    /// <exception cref="InvalidDataException">There are not as many steps.</exception>
    public static Tensor Whole(string path, string name, Tensor codes, Tensor steps)
    {
        int rows = codes.Rank == 0 ? 1 : codes.Shape[0];
        if (steps.Size != 1 && steps.Size != rows) { throw new InvalidDataException($"{path}: \"{name}\" {codes.Shape} needs one step or {rows}, but \"{name}{Steps}\" is {steps.Shape}"); }
        float[] weights = codes.ToArray(), each = steps.ToArray();
        int inputs = rows == 0 ? 0 : weights.Length / rows;
        for (int o = 0; o < rows; o++)
        {
            var row = weights.AsSpan(o * inputs, inputs);
            TensorPrimitives.Multiply(row, each[steps.Size == 1 ? 0 : o], row);
        }
        return Tensor.Of(codes.Shape, weights);
    }
}
