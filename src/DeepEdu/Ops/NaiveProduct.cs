using System.Numerics.Tensors;

namespace DeepEdu.Ops;

internal static class NaiveProduct
{
    public static void Run(Span<float> a, Span<float> b, Span<float> c, int m, int k, int n, bool ta, bool tb)
    {
        for (int i = 0; i < m; i++)
        {
            var row = c.Slice(i * n, n);
            row.Clear();
            if (tb && !ta)
            {
                for (int j = 0; j < n; j++) { row[j] = TensorPrimitives.Dot(a.Slice(i * k, k), b.Slice(j * k, k)); }
                continue;
            }
            for (int p = 0; p < k; p++)
            {
                float x = ta ? a[(p * m) + i] : a[(i * k) + p];
                if (tb) { for (int j = 0; j < n; j++) { row[j] += x * b[(j * k) + p]; } }
                else { TensorPrimitives.MultiplyAdd(b.Slice(p * n, n), x, row, row); }
            }
        }
    }
}
