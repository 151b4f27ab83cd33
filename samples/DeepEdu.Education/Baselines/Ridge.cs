using DeepEdu.Tensors;

namespace DeepEdu.Education.Baselines;

/// <summary>Ridge regression on standardised features: minimises Σ(y − w·x − b)² + λ|w|²; the intercept is not shrunk.</summary>
internal sealed class Ridge : ISaveState
{
    private readonly float[] _mean;
    private readonly float[] _scale;
    private readonly float[] _weights;
    private readonly double _intercept;

    public Ridge(IReadOnlyList<float[]> rows, IReadOnlyList<float> targets, float lambda = 1)
    {
        int d = rows[0].Length;
        _mean = new float[d];
        _scale = new float[d];
        for (int k = 0; k < d; k++)
        {
            double mean = rows.Average(r => (double)r[k]), variance = rows.Average(r => (r[k] - mean) * (r[k] - mean));
            _mean[k] = (float)mean;
            _scale[k] = variance > 1e-12 ? (float)(1 / Math.Sqrt(variance)) : 0;
        }
        _intercept = targets.Average(t => (double)t);
        float[] a = new float[d * d];
        _weights = new float[d];
        for (int r = 0; r < rows.Count; r++)
        {
            float[] x = Standard(rows[r]);
            for (int i = 0; i < d; i++)
            {
                for (int j = 0; j <= i; j++) { a[i * d + j] += x[i] * x[j]; }
                _weights[i] += x[i] * (float)(targets[r] - _intercept);
            }
        }
        for (int k = 0; k < d; k++) { a[k * d + k] += lambda; }
        Cholesky.Solve(a, _weights);
    }

    private Ridge(StateDict from)
    {
        (_mean, _scale, _weights) = (Singles("mean"), Singles("scale"), Singles("weights"));
        _intercept = from.Double("intercept");

        float[] Singles(string name) => Array.ConvertAll(from.Doubles(name), v => (float)v);
    }

    /// <summary>The one that was saved.</summary>
    public static Ridge Load(StateDict from) => new(from);

    public void SaveState(StateDict to)
        => to.Set("mean", [.. _mean.Select(v => (double)v)]).Set("scale", [.. _scale.Select(v => (double)v)]).Set("weights", [.. _weights.Select(v => (double)v)]).Set("intercept", _intercept);

    public float Predict(float[] row)
    {
        float[] x = Standard(row);
        double sum = _intercept;
        for (int k = 0; k < x.Length; k++) { sum += x[k] * _weights[k]; }
        return (float)sum;
    }

    private float[] Standard(float[] row)
    {
        float[] x = new float[row.Length];
        for (int k = 0; k < x.Length; k++) { x[k] = (row[k] - _mean[k]) * _scale[k]; }
        return x;
    }
}
