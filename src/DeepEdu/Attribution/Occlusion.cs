using DeepEdu.Tensors;

namespace DeepEdu.Attribution;

/// <summary>What the score loses when a window of the input is covered: f(x) − f(x with the window set to the baseline), for each window in turn; a value under several windows gets their mean
/// (Zeiler and Fergus 2014, doi:10.1007/978-3-319-10590-1_53, section 4.2). It asks for no gradient. Captum's <c>Occlusion</c>.
/// <code>var heat = Occlusion.Of(x => model.Forward(x)[.., digit], images, window: [1, 3, 3]);</code></summary>
public static class Occlusion
{
    /// <summary>One number a value of the input; of a linear score and windows of one value it is w ⊙ (x − baseline).</summary>
    /// <param name="f">From rows [N, ..] to one score a row, each of its row alone. It runs as in use: nothing is dropped.</param>
    /// <param name="x">The rows [N, ..].</param>
    /// <param name="window">The window's size along each axis but the first.</param>
    /// <param name="stride">How far it moves along each; as far as it is large if null. The last window of an axis may stand out over its end.</param>
    /// <param name="baseline">What it is covered with.</param>
    /// <exception cref="ShapeException">The input is not [N, ..], window or stride do not fit it, or the function does not give one number a row.</exception>
    /// <exception cref="ArgumentException">A score is NaN or infinite.</exception>
    public static Tensor Of(Func<Tensor, Tensor> f, Tensor x, int[] window, int[]? stride = null, float baseline = 0)
    {
        float[] values = RowScores.Values("occlusion", f, x);
        ArgumentNullException.ThrowIfNull(window);
        int[] sizes = x.Shape.Sizes[1..].ToArray(), step = stride ?? window;
        Fit("window", window, sizes, x.Shape);
        Fit("stride", step, window, x.Shape);
        int rows = x.Shape[0], width = values.Length / rows;
        float[] whole = RowScores.Of("occlusion", f, x);
        double[] sums = new double[values.Length];
        int[] times = new int[width], corner = new int[sizes.Length];
        do
        {
            int[] under = Under(corner, window, sizes);
            float[] covered = [.. values];
            foreach (int place in under)
            {
                times[place]++;
                for (int n = 0; n < rows; n++) { covered[(n * width) + place] = baseline; }
            }
            float[] left = RowScores.Of("occlusion", f, Tensor.Of(x.Shape, covered, x.Device));
            foreach (int place in under)
            {
                for (int n = 0; n < rows; n++) { sums[(n * width) + place] += (double)whole[n] - left[n]; }
            }
        }
        while (Next(corner, step, window, sizes));
        return Tensor.Of(x.Shape, [.. sums.Select((s, i) => (float)(s / times[i % width]))], x.Device);
    }

    // the next corner, the last axis first; false behind the last
    private static bool Next(int[] corner, int[] step, int[] window, int[] sizes)
    {
        for (int a = corner.Length - 1; a >= 0; a--)
        {
            if (corner[a] + window[a] < sizes[a])
            {
                corner[a] += step[a];
                return true;
            }
            corner[a] = 0;
        }
        return false;
    }

    // the places of a row under the window
    private static int[] Under(int[] corner, int[] window, int[] sizes)
    {
        int[] places = [0];
        for (int a = 0; a < sizes.Length; a++)
        {
            int size = sizes[a];
            int[] along = [.. Enumerable.Range(corner[a], Math.Min(window[a], size - corner[a]))];
            places = [.. places.SelectMany(p => along.Select(i => (p * size) + i))];
        }
        return places;
    }

    // a stride above the window would leave values uncovered
    private static void Fit(string what, int[] given, int[] most, Shape x)
    {
        if (given.Length != most.Length || given.Zip(most).Any(p => p.First < 1 || p.First > p.Second))
        {
            throw new ShapeException("occlusion", $"a {what} [{string.Join(',', given)}] for rows of {x}: give one size for each axis but the first, each in 1..[{string.Join(',', most)}]", x);
        }
    }
}
