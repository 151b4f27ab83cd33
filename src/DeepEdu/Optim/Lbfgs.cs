using DeepEdu.Autograd;
using DeepEdu.Tensors;

namespace DeepEdu.Optim;

/// <summary>Settings of <see cref="Lbfgs"/>; the defaults are PyTorch's but for the line search, which is on.</summary>
public sealed record LbfgsOptions
{
    /// <summary>The step length, or the first one that the line search tries.</summary>
    public double LearningRate { get; init; } = 1;

    /// <summary>Iterations a call of Step.</summary>
    public int MaxIterations { get; init; } = 20;

    /// <summary>Evaluations of the loss a call of Step; 5/4 of the iterations if null. The line search may overshoot it once.</summary>
    public int? MaxEvaluations { get; init; }

    /// <summary>Ends when no value of the gradient is larger.</summary>
    public double GradientTolerance { get; init; } = 1e-7;

    /// <summary>Ends when loss or parameters change by less.</summary>
    public double ChangeTolerance { get; init; } = 1e-9;

    /// <summary>How many past steps shape the direction.</summary>
    public int History { get; init; } = 100;

    /// <summary>Whether step lengths are searched for until they satisfy the strong Wolfe conditions. PyTorch's <c>line_search_fn="strong_wolfe"</c>.</summary>
    public bool LineSearch { get; init; } = true;
}

/// <summary>Steps along −H·g, H an estimate of the inverse Hessian from the last steps: Liu and Nocedal 1989; Nocedal and Wright 2006, algorithms 7.4 and 7.5. For small
/// smooth problems on all data at once, such as logistic regression. Its vectors are on the device of the first parameter; of an accelerator the host reads the loss with each gradient's slope, and
/// the slope of each direction. <c>torch.optim.LBFGS</c>.
/// <code>
/// var lbfgs = new Lbfgs(model.Parameters());
/// float before = lbfgs.Step(() => model.Forward(x).CrossEntropy(y));
/// </code></summary>
public sealed class Lbfgs : IStateful
{
    private readonly Parameter[] _parameters;
    private readonly LbfgsOptions _options;
    private LbfgsVectors _vectors;
    private double _length, _scale = 1, _lossBefore;

    /// <summary>An optimiser of the given parameters.</summary>
    /// <exception cref="ArgumentException">There is none, or one stands twice, or a setting has no meaning.</exception>
    public Lbfgs(IReadOnlyList<(string Name, Parameter Value)> parameters, LbfgsOptions? options = null)
    {
        NullItems.ThrowIfAny(parameters);
        if (parameters.Count == 0) { throw new ArgumentException("optimizer: there is no parameter to learn; does the module name its parts in Parts()?"); }
        _options = options ?? new();
        if (!(_options.LearningRate > 0) || _options.MaxIterations < 1 || _options.History < 1) { throw new ArgumentException("lbfgs: learning rate, iterations and history must be above 0"); }
        var names = new OwnNames("lbfgs");
        foreach (var (name, value) in parameters) { names.Of(name, value); }
        _parameters = [.. parameters.Select(p => p.Value)];
        _vectors = new(_parameters);
    }

    /// <summary>Iterations so far.</summary>
    public int Iterations { get; private set; }

    /// <summary>Evaluations of the loss so far.</summary>
    public int Evaluations { get; private set; }

    private int Size => _parameters.Sum(p => p.Size);

    /// <summary>Up to <see cref="LbfgsOptions.MaxIterations"/> iterations.</summary>
    /// <param name="loss">Computes the loss, a single value, from the parameters as they are; called many times, each time on a tape of its own. It must not change from call to
    /// call, so no dropout.</param>
    /// <returns>The loss before.</returns>
    /// <exception cref="InvalidOperationException">A parameter has a constraint.</exception>
    public float Step(Func<Tensor> loss)
    {
        ArgumentNullException.ThrowIfNull(loss);
        if (Array.Find(_parameters, p => p.Constraint is not null) is { } bound)
        {
            throw new InvalidOperationException($"lbfgs: a parameter {bound.Shape} has a constraint, which a line search does not keep to; use another optimiser, or bound the function, such as w.Softplus() for w");
        }
        if (_vectors.Device != _parameters[0].Device) { Follow(_vectors.Save()); }
        _vectors.Begin();
        var now = Evaluate(loss, _length);
        float first = (float)now.Loss;
        int most = _options.MaxEvaluations ?? _options.MaxIterations * 5 / 4, evaluations = 1;
        bool flat = now.Largest <= _options.GradientTolerance;
        for (int i = 1; i <= _options.MaxIterations && !flat; i++)
        {
            var (slope, widest) = Turn(now);
            _lossBefore = now.Loss;
            _length = Iterations == 1 ? Math.Min(1, 1 / now.Along) * _options.LearningRate : _options.LearningRate;
            if (slope > -_options.ChangeTolerance) { break; }
            _vectors.Start();
            int seen = Evaluations;
            if (_options.LineSearch)
            {
                var found = StrongWolfe.Search(t => At(loss, t), _vectors.Drop, new(0, now.Loss, now.Number, slope), _length, widest, _options.ChangeTolerance);
                (_length, now) = (found.T, _vectors[found.Place]);
                _vectors.Move(_length);
            }
            else
            {
                _vectors.Move(_length);
                if (i < _options.MaxIterations) { now = Evaluate(loss, _length); }
            }
            evaluations += Evaluations - seen;
            flat = now.Largest <= _options.GradientTolerance;
            if (evaluations >= most || widest * _length <= _options.ChangeTolerance || Math.Abs(now.Loss - _lossBefore) < _options.ChangeTolerance) { break; }
        }
        return first;
    }

    /// <inheritdoc/>
    public void SaveState(StateDict to)
    {
        ArgumentNullException.ThrowIfNull(to);
        to.Set("n_iter", Iterations).Set("func_evals", Evaluations).Set("t", _length).Set("h_diag", _scale).Set("prev_loss", _lossBefore);
        var (direction, before, ys, ss, rho) = _vectors.Save();
        to.Set("d", Tensor.Wrap(direction, [direction.Length])).Set("prev_flat_grad", Tensor.Wrap(before, [before.Length]));
        to.Set("old_dirs", Tensor.Wrap(ys, [rho.Length, Size])).Set("old_stps", Tensor.Wrap(ss, [rho.Length, Size])).Set("ro", rho);
    }

    /// <inheritdoc/>
    public void LoadState(StateDict from)
    {
        ArgumentNullException.ThrowIfNull(from);
        int iterations = from.Int("n_iter"), evaluations = from.Int("func_evals"), begun = iterations > 0 ? Size : 0;
        var (length, scale, loss) = (from.Double("t"), from.Double("h_diag"), from.Double("prev_loss"));
        float[] direction = from.Tensor("d", [begun]).ToArray(), before = from.Tensor("prev_flat_grad", [begun]).ToArray();
        double[] rho = from.Doubles("ro");
        float[] ys = from.Tensor("old_dirs", [rho.Length, Size]).ToArray(), ss = from.Tensor("old_stps", [rho.Length, Size]).ToArray();
        (Iterations, Evaluations, _length, _scale, _lossBefore) = (iterations, evaluations, length, scale, loss);
        Follow(new(direction, before, ys, ss, rho));
    }

    // to where the parameters are
    private void Follow(LbfgsVectors.Saved vectors)
    {
        if (_vectors.Device != _parameters[0].Device) { _vectors = new(_parameters); }
        _vectors.Load(vectors);
    }

    private (double Slope, double Widest) Turn(LbfgsVectors.Place now)
    {
        Iterations++;
        if (Iterations > 1 && now.Ys > 1e-10)
        {
            _vectors.Remember(now, _length, _options.History);
            _scale = now.Ys / now.Yy;
        }
        return _vectors.Turn(now, _scale, Iterations == 1);
    }

    private StrongWolfe.Point At(Func<Tensor> loss, double t)
    {
        _vectors.Move(t);
        var there = Evaluate(loss, t);
        return new(t, there.Loss, there.Number, there.Along);
    }

    private LbfgsVectors.Place Evaluate(Func<Tensor> loss, double length)
    {
        Evaluations++;
        using var tape = new Tape();
        var value = NullItems.Made(loss(), "lbfgs", "loss must give one value");
        return _vectors.Take(value, tape.Gradients(value), length);
    }
}
