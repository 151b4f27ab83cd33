using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Benchmarks.Workloads;

/// <summary>Random batches.</summary>
internal static class Draw
{
    public static Indices Indices(Shape shape, int below, Rng rng)
    {
        int[] values = new int[shape.Size];
        foreach (ref int v in values.AsSpan()) { v = rng.Next(below); }
        return DeepEdu.Tensors.Indices.Wrap(values, shape);
    }

    public static Tensor Coins(Shape shape, Rng rng)
    {
        float[] values = new float[shape.Size];
        foreach (ref float v in values.AsSpan()) { v = rng.Next(2); }
        return Tensor.Wrap(values, shape);
    }
}
