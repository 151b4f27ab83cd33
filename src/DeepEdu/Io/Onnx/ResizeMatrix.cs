namespace DeepEdu.Io;

/// <summary>Where the values of a resized axis come from, in ONNX's ways of counting places.</summary>
internal static class ResizeMatrix
{
    /// <summary>For each of some taps, the place and the weight for each place of the result; null where a way is not known.</summary>
    public static (int[][] Places, float[][] Weights)? Of(int n, int to, double scale, string mode, string place, string nearest, double cubic, bool excludeOutside)
    {
        int taps = mode switch { "nearest" => 1, "linear" => 2, "cubic" => 4, _ => 0 };
        if (taps == 0) { return null; }
        int[][] places = [.. Enumerable.Range(0, taps).Select(_ => new int[to])];
        float[][] weights = [.. Enumerable.Range(0, taps).Select(_ => new float[to])];
        for (int i = 0; i < to; i++)
        {
            double? x = place switch
            {
                "half_pixel" => ((i + 0.5) / scale) - 0.5,
                "half_pixel_symmetric" => (n / 2.0 * (1 - (to / (n * scale)))) + ((i + 0.5) / scale) - 0.5,
                "pytorch_half_pixel" => to > 1 ? ((i + 0.5) / scale) - 0.5 : 0,
                "align_corners" => to > 1 ? i * (n - 1.0) / (to - 1) : 0,
                "asymmetric" => i / scale,
                _ => null,
            };
            if (x is not { } at) { return null; }
            if (taps == 1)
            {
                double rounded = nearest switch { "floor" => Math.Floor(at), "ceil" => Math.Ceiling(at), "round_prefer_ceil" => Math.Floor(at + 0.5), _ => Math.Ceiling(at - 0.5) };
                (places[0][i], weights[0][i]) = ((int)Math.Clamp(rounded, 0, n - 1), 1);
                continue;
            }
            int first = (int)Math.Floor(at) - (taps / 2) + 1;
            double sum = 0;
            double[] w = new double[taps];
            for (int k = 0; k < taps; k++)
            {
                double d = Math.Abs(at - (first + k));
                w[k] = excludeOutside && (first + k < 0 || first + k >= n) ? 0 : taps == 2 ? 1 - d : Cubic(d, cubic);
                sum += w[k];
            }
            for (int k = 0; k < taps; k++) { (places[k][i], weights[k][i]) = (Math.Clamp(first + k, 0, n - 1), (float)(w[k] / sum)); }
        }
        return (places, weights);
    }

    // Keys 1981, doi:10.1109/TASSP.1981.1163711, eq. 15
    private static double Cubic(double d, double a) => d <= 1 ? ((((a + 2) * d) - (a + 3)) * d * d) + 1 : d < 2 ? (((((a * d) - (5 * a)) * d) + (8 * a)) * d) - (4 * a) : 0;
}
