namespace DeepEdu.Education.Baselines;

/// <summary>Solves Ax = b for a symmetric positive definite A given by its lower triangle.</summary>
internal static class Cholesky
{
    /// <summary>Overwrites <paramref name="a"/> (n×n, lower triangle) with its factor L, A = LLᵀ, and <paramref name="b"/> with x.</summary>
    public static void Solve(Span<float> a, Span<float> b)
    {
        int n = b.Length;
        for (int j = 0; j < n; j++)
        {
            for (int i = j; i < n; i++)
            {
                double sum = a[i * n + j];
                for (int k = 0; k < j; k++) { sum -= a[i * n + k] * a[j * n + k]; }
                a[i * n + j] = i == j ? (float)Math.Sqrt(Math.Max(sum, 1e-20)) : (float)(sum / a[j * n + j]);
            }
        }
        for (int i = 0; i < n; i++)
        {
            double sum = b[i];
            for (int k = 0; k < i; k++) { sum -= a[i * n + k] * b[k]; }
            b[i] = (float)(sum / a[i * n + i]);
        }
        for (int i = n - 1; i >= 0; i--)
        {
            double sum = b[i];
            for (int k = i + 1; k < n; k++) { sum -= a[k * n + i] * b[k]; }
            b[i] = (float)(sum / a[i * n + i]);
        }
    }
}
