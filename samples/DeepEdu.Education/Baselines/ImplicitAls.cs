using DeepEdu.Education.Data;
using DeepEdu.Education.Ui;
using DeepEdu.Memory;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace DeepEdu.Education.Baselines;

/// <summary>Matrix factorisation for implicit feedback by alternating least squares (Hu, Koren and Volinsky 2008, eq. 4): minimises
/// Σ_observed (1 − x·y)² + α Σ_all (x·y)² + λ Σ (n_u + α·I)|x|² and the same for items; the last weight is that of Rendle et al. 2021 (arXiv:2110.14037).</summary>
internal sealed class ImplicitAls(int dimensions, ulong seed, float alpha = 0.1f, float lambda = 0.02f, int sweeps = 12) : IRecommender
{
    private float[] _users = [];
    private float[] _items = [];

    public string Name => "matrix factorisation (iALS)";

    public void Fit(Interactions data, IProgress progress, CancellationToken stop)
    {
        int d = dimensions;
        int[][] byItem = Transpose(data);
        _users = new float[data.Users * d];
        _items = new float[data.Items * d];
        new Rng(seed).FillNormal(_items, 0, 0.1f / MathF.Sqrt(d));
        for (int sweep = 1; sweep <= sweeps && !stop.IsCancellationRequested; sweep++)
        {
            Solve(_users, data.Train, _items);
            Solve(_items, byItem, _users);
            progress.Step("iALS sweeps", sweep, sweeps);
        }
    }

    public void Score(int user, ReadOnlySpan<int> items, Span<float> scores)
    {
        ReadOnlySpan<float> x = _users.AsSpan(user * dimensions, dimensions);
        for (int i = 0; i < items.Length; i++) { scores[i] = TensorPrimitives.Dot(x, _items.AsSpan(items[i] * dimensions, dimensions)); }
    }

    /// <summary>Each row solves (Σ_taken yyᵀ + αYᵀY + λ(n + α·rows)I) x = Σ_taken y.</summary>
    private void Solve(float[] rows, int[][] taken, float[] fixedSide)
    {
        int d = dimensions, others = fixedSide.Length / d;
        using Arena outer = new();
        Tensor y = Tensor.Of([others, d], fixedSide), gram = y.MatMul(y, transA: true) * alpha;
        for (int row = 0; row < taken.Length; row++)
        {
            using Arena inner = new();
            Tensor own = y.IndexSelect(0, taken[row]);
            Span<float> a = (own.MatMul(own, transA: true) + gram).AsSpan(), x = own.Sum(0).AsSpan();
            float ridge = lambda * (taken[row].Length + alpha * others);
            for (int k = 0; k < d; k++) { a[k * d + k] += ridge; }
            Cholesky.Solve(a, x);
            x.CopyTo(rows.AsSpan(row * d));
        }
    }

    private static int[][] Transpose(Interactions data)
    {
        List<int>[] lists = new List<int>[data.Items];
        for (int i = 0; i < lists.Length; i++) { lists[i] = []; }
        for (int u = 0; u < data.Users; u++)
        {
            foreach (int item in data.Train[u]) { lists[item].Add(u); }
        }
        return [.. lists.Select(l => l.ToArray())];
    }
}
