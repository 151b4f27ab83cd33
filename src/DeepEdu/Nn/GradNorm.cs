using DeepEdu.Autograd;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>Task weights under which every task pulls on the shared layers alike, harder if it lags: wᵢ is moved so that Gᵢ = wᵢ‖∇_W Lᵢ‖ comes to Ḡ·rᵢ^α, with rᵢ the part of its
/// first loss that task i still has, over the mean of those parts. The weights' sum stays the number of tasks. Chen et al. 2018, arXiv:1711.02257, algorithm 1; as Lᵢ enters Gᵢ only through
/// its gradient's length, ∂|Gᵢ − target|/∂wᵢ is ±‖∇_W Lᵢ‖ and takes no second derivative.
/// <code>
/// using var tape = new Tape();
/// Tensor[] losses = [..];
/// var gradients = tape.Gradients(balance.Total(losses));
/// balance.Update(tape, losses, trunk.Last.Weight); // before the step, which changes what the tape goes back through
/// optimizer.Step(gradients);
/// </code></summary>
public sealed class GradNorm : IStateful
{
    private readonly double[] _weights;
    private readonly double _alpha;
    private double[] _first = [];

    /// <summary>Weights of 1.</summary>
    /// <param name="tasks">How many.</param>
    /// <param name="alpha">α ≥ 0: how strongly a task that lags is pulled up; 0 makes all pull alike.</param>
    /// <param name="learningRate">How far the weights move: gradient descent.</param>
    public GradNorm(int tasks, double alpha = 1.5, double learningRate = 0.025)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(tasks);
        if (!(alpha >= 0)) { throw new ArgumentOutOfRangeException(nameof(alpha), $"gradnorm: alpha {alpha} must not be negative"); }
        (_weights, _alpha, LearningRate) = (new double[tasks], alpha, learningRate);
        _weights.AsSpan().Fill(1);
    }

    /// <summary>How far the weights move at an update.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative or NaN.</exception>
    public double LearningRate { get; set => field = value >= 0 ? value : throw new ArgumentOutOfRangeException(nameof(value), $"gradnorm: learning rate {value} must not be negative"); }

    /// <summary>w.</summary>
    public IReadOnlyList<double> Weights => _weights;

    /// <summary>Σ wᵢLᵢ, the weights as constants.</summary>
    /// <exception cref="ShapeException">Another number of losses, or one that is not a single value.</exception>
    public Tensor Total(params ReadOnlySpan<Tensor> losses) => (Losses.Together("gradnorm", losses, _weights.Length) * Tensor.Of([_weights.Length], Array.ConvertAll(_weights, w => (float)w), losses[0].Device)).Sum();

    /// <summary>Moves the weights by one step; goes back through the tape once a task.</summary>
    /// <param name="tape">On which the losses were computed, still open.</param>
    /// <param name="losses">The tasks' losses, unweighted.</param>
    /// <param name="shared">The weight of the last layer that all tasks share.</param>
    /// <exception cref="ArgumentException">A task's loss does not depend on the shared weight.</exception>
    public void Update(Tape tape, ReadOnlySpan<Tensor> losses, Tensor shared)
    {
        ArgumentNullException.ThrowIfNull(tape);
        ArgumentNullException.ThrowIfNull(shared);
        Losses.CheckEach("gradnorm", losses, _weights.Length);
        int n = losses.Length;
        double[] norms = new double[n], now = new double[n];
        for (int i = 0; i < n; i++)
        {
            now[i] = losses[i].Item();
            var g = tape.Gradients(losses[i]).Find(shared) ?? throw new ArgumentException($"gradnorm: the loss of task {i} does not depend on the shared weight {shared.Shape}", nameof(shared));
            norms[i] = g.Norm().Item();
        }
        if (_first.Length == 0) { _first = [.. now]; }
        double mean = 0, rates = 0;
        for (int i = 0; i < n; i++) { (mean, rates) = (mean + (_weights[i] * norms[i] / n), rates + (now[i] / _first[i] / n)); }
        double sum = 0;
        for (int i = 0; i < n; i++)
        {
            double target = mean * Math.Pow(now[i] / _first[i] / rates, _alpha);
            // a weight that would turn round stops at almost nothing
            _weights[i] = Math.Max(1e-6, _weights[i] - (LearningRate * Math.Sign((_weights[i] * norms[i]) - target) * norms[i]));
            sum += _weights[i];
        }
        for (int i = 0; i < n; i++) { _weights[i] *= n / sum; }
    }

    /// <inheritdoc/>
    public void SaveState(StateDict to)
    {
        ArgumentNullException.ThrowIfNull(to);
        to.Set("weights", (double[])[.. _weights]).Set("first_losses", (double[])[.. _first]).Set("learning_rate", LearningRate);
    }

    /// <inheritdoc/>
    public void LoadState(StateDict from)
    {
        ArgumentNullException.ThrowIfNull(from);
        double[] weights = from.Doubles("weights"), first = from.Doubles("first_losses");
        double rate = from.Has("learning_rate") ? from.Double("learning_rate") : LearningRate; // files of earlier builds lack it
        if (weights.Length != _weights.Length || (first.Length != 0 && first.Length != _weights.Length))
        {
            throw new InvalidDataException($"gradnorm: the state is of {weights.Length} tasks, here there are {_weights.Length}");
        }
        LearningRate = rate;
        weights.CopyTo(_weights, 0);
        _first = [.. first];
    }
}
