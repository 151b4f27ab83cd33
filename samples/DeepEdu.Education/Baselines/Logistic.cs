namespace DeepEdu.Education.Baselines;

/// <summary>Logistic regression with a ridge: minimises Σ −ln p(y) + λ/2·|w|² by Newton's steps (iteratively reweighted least squares); the intercept is not shrunk.</summary>
internal sealed class Logistic
{
    private const int Steps = 25;
    private readonly double[] _weights; // the intercept last

    /// <param name="width">Values a row.</param>
    /// <param name="rows">What is known; of none the chance is one half.</param>
    /// <param name="yes">What is to be told.</param>
    /// <param name="lambda">How much weights are shrunk.</param>
    public Logistic(int width, IReadOnlyList<float[]> rows, IReadOnlyList<bool> yes, double lambda = 1)
    {
        int d = width + 1;
        _weights = new double[d];
        // a share that is never 0 or 1, so that rows of one kind only have a finite intercept
        double share = (yes.Count(y => y) + 0.5) / (yes.Count + 1);
        _weights[^1] = Math.Log(share / (1 - share));
        float[] curvature = new float[d * d], step = new float[d];
        for (int round = 0; round < Steps && rows.Count > 0; round++)
        {
            Array.Clear(curvature);
            double[] slope = new double[d];
            double[] sums = new double[d * d];
            for (int r = 0; r < rows.Count; r++)
            {
                double p = Chance(rows[r]), weight = Math.Max(p * (1 - p), 1e-6), error = p - (yes[r] ? 1 : 0);
                for (int i = 0; i < d; i++)
                {
                    double x = i < d - 1 ? rows[r][i] : 1;
                    slope[i] += error * x;
                    for (int j = 0; j <= i; j++) { sums[(i * d) + j] += weight * x * (j < d - 1 ? rows[r][j] : 1); }
                }
            }
            for (int i = 0; i < d; i++)
            {
                bool shrunk = i < d - 1;
                for (int j = 0; j <= i; j++) { curvature[(i * d) + j] = (float)(sums[(i * d) + j] + (i == j ? shrunk ? lambda : 1e-3 : 0)); }
                step[i] = (float)(slope[i] + (shrunk ? lambda * _weights[i] : 0));
            }
            Cholesky.Solve(curvature, step);
            double moved = 0;
            for (int i = 0; i < d; i++)
            {
                double by = Math.Clamp(step[i], -2, 2); // Newton's steps are too long where nearly all rows are told
                _weights[i] -= by;
                moved = Math.Max(moved, Math.Abs(by));
            }
            if (moved < 1e-5) { break; }
        }
    }

    /// <summary>The chance of yes.</summary>
    public double Chance(ReadOnlySpan<float> row)
    {
        double sum = _weights[^1];
        for (int i = 0; i < row.Length; i++) { sum += _weights[i] * row[i]; }
        return 1 / (1 + Math.Exp(-sum));
    }
}
