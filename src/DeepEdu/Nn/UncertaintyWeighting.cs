using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>What kind of noise a task's loss stands for.</summary>
public enum TaskKind
{
    /// <summary>A Gaussian's: a mean square.</summary>
    Regression,

    /// <summary>A softmax's or sigmoid's: a cross-entropy.</summary>
    Classification,
}

/// <summary>Σᵢ cᵢ·e^(−sᵢ)·Lᵢ + ½sᵢ, c = ½ for regression and 1 for classification: each task's weight follows from its noise, whose log-variance s is learned with the network.
/// "log_variances" [tasks]. Kendall, Gal and Cipolla 2018, arXiv:1705.07115, eq. 7 and 10.
/// <code>
/// var weighting = new UncertaintyWeighting(TaskKind.Regression, TaskKind.Classification);
/// var adam = new Adam([.. model.Parameters(), .. weighting.Parameters()]);
/// var loss = weighting.Forward(Losses.Mse(grade, target), passed.CrossEntropy(labels));
/// </code></summary>
public sealed class UncertaintyWeighting : Module
{
    private readonly Parameter _logVariances;
    private readonly float[] _factors;

    /// <summary>Weights for one task each, all variances 1 to begin with.</summary>
    public UncertaintyWeighting(params ReadOnlySpan<TaskKind> tasks)
    {
        if (tasks.IsEmpty) { throw new ArgumentException("uncertainty-weighting: name at least one task", nameof(tasks)); }
        _factors = new float[tasks.Length];
        for (int i = 0; i < tasks.Length; i++) { _factors[i] = tasks[i] == TaskKind.Regression ? 0.5f : 1; }
        _logVariances = new([tasks.Length], new float[tasks.Length]);
    }

    /// <summary>s.</summary>
    public Parameter LogVariances => _logVariances;

    /// <summary>The weighted sum of the tasks' losses, single values each.</summary>
    /// <exception cref="ShapeException">Another number of losses, or one that is not a single value.</exception>
    public Tensor Forward(params ReadOnlySpan<Tensor> losses)
    {
        NullItems.ThrowIfAny(losses);
        var all = Losses.Together("uncertainty-weighting", losses, _factors.Length);
        return (all * Tensor.Of([_factors.Length], _factors, all.Device) * (-_logVariances).Exp()).Sum() + (0.5f * _logVariances.Sum());
    }

    /// <inheritdoc/>
    protected internal override void Parts(Parts p)
    {
        ArgumentNullException.ThrowIfNull(p);
        p.Of(_logVariances);
    }
}
