using DeepEdu.Memory;
using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Attribution;

/// <summary>How much a model needs a feature.</summary>
/// <param name="Feature">Its place on the last axis.</param>
/// <param name="Drops">How far the score fell each time the feature was shuffled.</param>
public sealed record FeatureImportance(int Feature, double[] Drops)
{
    /// <summary>The mean drop: 0 for a feature that the model does without.</summary>
    public double Mean => Drops.Average();

    /// <summary>√(Σ(drop − mean)² / repeats).</summary>
    public double StandardDeviation => Math.Sqrt(Drops.Average(d => Math.Pow(d - Mean, 2)));
}

/// <summary>How far a score falls when one feature is shuffled among the rows, so that it tells nothing any more (Breiman 2001, doi:10.1023/A:1010933404324, section 10; Fisher, Rudin and Dominici 2019,
/// arXiv:1801.01489). It explains a model on data, not a single row, and of features that tell the same it may find both idle. scikit-learn's <c>permutation_importance</c>.
/// <code>var needs = PermutationImportance.Of(rows => RocAuc.Of(Scores(rows), left), validation, new Rng(1));</code></summary>
public static class PermutationImportance
{
    /// <summary>The importance of each feature, in order.</summary>
    /// <param name="score">From all rows to what the model is worth on them; higher is better.</param>
    /// <param name="x">Rows [N, features], or [N, .., features]: then a feature is shuffled in all of a row's places together.</param>
    /// <param name="rng">One child stream is taken.</param>
    /// <param name="repeats">How often each feature is shuffled.</param>
    /// <exception cref="ShapeException">The input is not [N, .., features] with two rows or more.</exception>
    /// <exception cref="ArgumentException">The score is NaN or infinite.</exception>
    public static FeatureImportance[] Of(Func<Tensor, double> score, Tensor x, Rng rng, int repeats = 5)
    {
        ArgumentNullException.ThrowIfNull(score);
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(rng);
        ArgumentOutOfRangeException.ThrowIfLessThan(repeats, 1);
        if (x.Rank < 2 || x.Shape[0] < 2 || x.Size == 0) { throw new ShapeException("permutation-importance", $"the input {x.Shape} is not [N, .., features] with two rows or more", x.Shape); }
        int rows = x.Shape[0], features = x.Shape[^1], width = x.Size / rows;
        float[] values = x.ToArray(), shuffled = [.. values];
        double whole = Score(values);
        Rng own = rng.Fork();
        return [.. Enumerable.Range(0, features).Select(f => new FeatureImportance(f, [.. Enumerable.Range(0, repeats).Select(r =>
        {
            int[] order = own.Split((ulong)((f * (long)repeats) + r)).Permutation(rows);
            Move(n => order[n]);
            double left = Score(shuffled);
            Move(n => n);
            return whole - left;

            void Move(Func<int, int> from)
            {
                for (int n = 0; n < rows; n++)
                {
                    for (int i = f; i < width; i += features) { shuffled[(n * width) + i] = values[(from(n) * width) + i]; }
                }
            }
        })]))];

        double Score(float[] of)
        {
            using Arena arena = new();
            double s = score(Tensor.Of(x.Shape, of, x.Device));
            return double.IsFinite(s) ? s : throw new ArgumentException($"permutation-importance: the score of the rows is {s}; {(double.IsNaN(s) ? "are both kinds of answers among them?" : "a log loss is finite where chances are kept from 0 and 1")}");
        }
    }
}
