using System.Numerics.Tensors;
using DeepEdu.Education.Data;

namespace DeepEdu.Education.Baselines;

/// <summary>The class whose mean image is nearest.</summary>
internal sealed class NearestCentroid
{
    private readonly float[][] _centres;

    public NearestCentroid(ImageSet train)
    {
        _centres = new float[train.Classes][];
        int[] counts = new int[train.Classes];
        for (int k = 0; k < train.Classes; k++) { _centres[k] = new float[train.Size]; }
        for (int i = 0; i < train.Count; i++)
        {
            TensorPrimitives.Add(_centres[train.Labels[i]], train[i], _centres[train.Labels[i]]);
            counts[train.Labels[i]]++;
        }
        for (int k = 0; k < train.Classes; k++) { TensorPrimitives.Divide(_centres[k], Math.Max(1, counts[k]), _centres[k]); }
    }

    public int Predict(ReadOnlySpan<float> image)
    {
        int best = 0;
        float nearest = float.PositiveInfinity;
        for (int k = 0; k < _centres.Length; k++)
        {
            float distance = TensorPrimitives.Distance(image, _centres[k]);
            if (distance < nearest) { (nearest, best) = (distance, k); }
        }
        return best;
    }

    /// <summary>The most frequent class of the training images.</summary>
    public static int Majority(ImageSet train) => train.Labels.GroupBy(l => l).OrderByDescending(g => g.Count()).ThenBy(g => g.Key).First().Key;
}
