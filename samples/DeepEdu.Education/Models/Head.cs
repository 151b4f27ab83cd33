using DeepEdu.Education.Report;
using DeepEdu.Metrics;

namespace DeepEdu.Education.Models;

/// <summary>What a head predicts: a number (squared error), yes or no (binary cross-entropy), or one of several classes (cross-entropy).</summary>
internal enum HeadKind { Value, YesNo, Class }

/// <summary>One task of several: its truth for every row, and how much its loss counts.</summary>
/// <param name="Name">In lower case, as in the names of metrics.</param>
/// <param name="Kind">The kind of loss.</param>
/// <param name="Targets">A number, 0 or 1, or a class from 0, for each row of the data.</param>
internal sealed record Head(string Name, HeadKind Kind, float[] Targets)
{
    /// <summary>How many classes; 1 for the other kinds.</summary>
    public int Outputs { get; init; } = 1;

    public float Weight { get; init; } = 1;

    /// <summary>What is known of each row before the prediction: a number to which a value head learns the difference, or for yes and no the naive guess.</summary>
    public float[]? Known { get; init; }

    public string Metric => Kind switch { HeadKind.Value => "rmse_", HeadKind.YesNo => "auc_", _ => "accuracy_" } + Name;
}

/// <summary>How well one predictor does on one head, over all test rows seen. AUC is the mean over folds: chances of different networks, put in one order, would tell how far their
/// means are apart, and a constant guess would fall below one half.</summary>
internal sealed class HeadScore(Head head)
{
    private readonly RegressionError _error = new();
    private readonly List<RocAuc> _auc = [];
    private readonly Accuracy _right = new();

    /// <summary>The measure that is reported: RMSE, AUC or accuracy.</summary>
    public Score Metric => new(head.Metric, head.Kind switch { HeadKind.Value => _error.Rmse, HeadKind.YesNo => _auc.Select(a => a.Value).Where(double.IsFinite).DefaultIfEmpty(double.NaN).Average(), _ => _right.Value });

    /// <summary>By what share of the other's measure this one is better: (M − M₀) / M₀, turned round for errors. Maninis et al. 2019, arXiv:1904.08918, eq. 4.</summary>
    public double GainOver(HeadScore other) => (head.Kind == HeadKind.Value ? -1 : 1) * (Metric.Value / other.Metric.Value - 1);

    /// <summary>The rows that follow are of another fold.</summary>
    public void BeginFold() => _auc.Add(new());

    /// <summary>Adds a row: the predicted value, a number that grows with the chance of yes, or one for each class.</summary>
    public void Add(int row, ReadOnlySpan<float> predicted)
    {
        float target = head.Targets[row];
        switch (head.Kind)
        {
            case HeadKind.Value:
                _error.Add(predicted[0], target);
                break;
            case HeadKind.YesNo:
                _auc[^1].Add(predicted[0], target > 0);
                break;
            default:
                _right.Add(System.Numerics.Tensors.TensorPrimitives.IndexOfMax(predicted), (int)target);
                break;
        }
    }
}
