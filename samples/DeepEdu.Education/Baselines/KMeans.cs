using DeepEdu.Numerics;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace DeepEdu.Education.Baselines;

/// <summary>Groups of vectors near a common mean (Lloyd 1982), begun with means far from each other (Arthur and Vassilvitskii 2007, k-means++).</summary>
internal static class KMeans
{
    private const int Rounds = 50;

    /// <summary>The group of each vector, from 0; there may be fewer groups than asked for, where vectors are equal.</summary>
    public static int[] Groups(IReadOnlyList<float[]> vectors, int count, Rng rng)
    {
        List<float[]> means = [vectors[rng.Next(vectors.Count)]];
        while (means.Count < Math.Min(count, vectors.Count))
        {
            double[] far = [.. vectors.Select(v => Math.Pow(Nearest(means, v).Distance, 2))];
            double at = rng.NextDouble() * far.Sum();
            int chosen = Array.FindIndex(far, f => (at -= f) < 0);
            if (chosen < 0) { break; }
            means.Add(vectors[chosen]);
        }
        int[] groups = [.. vectors.Select(v => Nearest(means, v).Mean)];
        for (int round = 0; round < Rounds; round++)
        {
            for (int m = 0; m < means.Count; m++)
            {
                float[][] own = [.. vectors.Where((_, i) => groups[i] == m)];
                if (own.Length > 0) { means[m] = [.. Enumerable.Range(0, own[0].Length).Select(k => own.Average(v => v[k]))]; }
            }
            int[] next = [.. vectors.Select(v => Nearest(means, v).Mean)];
            if (next.SequenceEqual(groups)) { break; }
            groups = next;
        }
        return groups;
    }

    private static (int Mean, double Distance) Nearest(List<float[]> means, float[] vector)
    {
        var nearest = (Mean: 0, Distance: double.PositiveInfinity);
        for (int m = 0; m < means.Count; m++)
        {
            double distance = TensorPrimitives.Distance(means[m], vector);
            if (distance < nearest.Distance) { nearest = (m, distance); }
        }
        return nearest;
    }
}
