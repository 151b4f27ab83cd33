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
/// smooth problems on all data at once, such as logistic regression. <c>torch.optim.LBFGS</c>.
/// <code>
/// var lbfgs = new Lbfgs(model.Parameters());
/// float before = lbfgs.Step(() => model.Forward(x).CrossEntropy(y));
/// </code></summary>
public sealed class Lbfgs : IStateful
{
    private readonly Parameter[] _parameters;
    private readonly LbfgsOptions _options;
    private readonly int _size;
    private readonly List<(float[] Y, float[] S, double Rho)> _history = [];
    private float[] _direction = [], _before = [];
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
        _size = _parameters.Sum(p => p.Size);
    }

    /// <summary>Iterations so far.</summary>
    public int Iterations { get; private set; }

    /// <summary>Evaluations of the loss so far.</summary>
    public int Evaluations { get; private set; }

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
        foreach (var p in _parameters) { p.Device.OnHost("lbfgs"); }
        var (now, g) = Evaluate(loss);
        float first = (float)now;
        int most = _options.MaxEvaluations ?? _options.MaxIterations * 5 / 4, evaluations = 1;
        bool flat = Largest(g) <= _options.GradientTolerance;
        for (int i = 1; i <= _options.MaxIterations && !flat; i++)
        {
            Turn(g);
            (_before, _lossBefore) = (g, now);
            _length = Iterations == 1 ? Math.Min(1, 1 / g.Sum(v => Math.Abs((double)v))) * _options.LearningRate : _options.LearningRate;
            double slope = Dot(g, _direction), widest = Largest(_direction);
            if (slope > -_options.ChangeTolerance) { break; }
            float[] start = Read();
            int seen = Evaluations;
            if (_options.LineSearch)
            {
                var found = StrongWolfe.Search(t => At(loss, start, t), new(0, now, g, slope), _length, widest, _options.ChangeTolerance);
                (_length, now, g) = (found.T, found.Loss, found.Gradient);
                Move(start, _length);
            }
            else
            {
                Move(start, _length);
                if (i < _options.MaxIterations) { (now, g) = Evaluate(loss); }
            }
            evaluations += Evaluations - seen;
            flat = Largest(g) <= _options.GradientTolerance;
            if (evaluations >= most || widest * _length <= _options.ChangeTolerance || Math.Abs(now - _lossBefore) < _options.ChangeTolerance) { break; }
        }
        return first;
    }

    /// <inheritdoc/>
    public void SaveState(StateDict to)
    {
        ArgumentNullException.ThrowIfNull(to);
        to.Set("n_iter", Iterations).Set("func_evals", Evaluations).Set("t", _length).Set("h_diag", _scale).Set("prev_loss", _lossBefore);
        to.Set("d", Tensor.Wrap(_direction, [_direction.Length])).Set("prev_flat_grad", Tensor.Wrap(_before, [_before.Length]));
        int m = _history.Count;
        to.Set("old_dirs", Tensor.Wrap([.. _history.SelectMany(h => h.Y)], [m, _size])).Set("old_stps", Tensor.Wrap([.. _history.SelectMany(h => h.S)], [m, _size]));
        to.Set("ro", (double[])[.. _history.Select(h => h.Rho)]);
    }

    /// <inheritdoc/>
    public void LoadState(StateDict from)
    {
        ArgumentNullException.ThrowIfNull(from);
        int iterations = from.Int("n_iter"), evaluations = from.Int("func_evals"), begun = iterations > 0 ? _size : 0;
        var (length, scale, loss) = (from.Double("t"), from.Double("h_diag"), from.Double("prev_loss"));
        float[] direction = from.Tensor("d", [begun]).ToArray(), before = from.Tensor("prev_flat_grad", [begun]).ToArray();
        double[] rho = from.Doubles("ro");
        float[] ys = from.Tensor("old_dirs", [rho.Length, _size]).ToArray(), ss = from.Tensor("old_stps", [rho.Length, _size]).ToArray();
        (Iterations, Evaluations, _direction, _before, _length, _scale, _lossBefore) = (iterations, evaluations, direction, before, length, scale, loss);
        _history.Clear();
        for (int i = 0; i < rho.Length; i++) { _history.Add((ys[(i * _size)..((i + 1) * _size)], ss[(i * _size)..((i + 1) * _size)], rho[i])); }
    }

    // the next direction: the two loops of algorithm 7.4
    private void Turn(float[] g)
    {
        Iterations++;
        float[] d = Array.ConvertAll(g, v => -v);
        if (Iterations > 1)
        {
            float[] y = new float[_size], s = new float[_size];
            for (int i = 0; i < _size; i++) { (y[i], s[i]) = (g[i] - _before[i], (float)(_direction[i] * _length)); }
            double ys = Dot(y, s);
            if (ys > 1e-10)
            {
                if (_history.Count == _options.History) { _history.RemoveAt(0); }
                _history.Add((y, s, 1 / ys));
                _scale = ys / Dot(y, y);
            }
            double[] alpha = new double[_history.Count];
            for (int k = alpha.Length - 1; k >= 0; k--) { Add(d, _history[k].Y, -(alpha[k] = Dot(_history[k].S, d) * _history[k].Rho)); }
            for (int i = 0; i < _size; i++) { d[i] = (float)(d[i] * _scale); }
            for (int k = 0; k < alpha.Length; k++) { Add(d, _history[k].S, alpha[k] - (Dot(_history[k].Y, d) * _history[k].Rho)); }
        }
        _direction = d;
    }

    private StrongWolfe.Point At(Func<Tensor> loss, float[] start, double t)
    {
        Move(start, t);
        var (f, g) = Evaluate(loss);
        return new(t, f, g, Dot(g, _direction));
    }

    private (double Loss, float[] Gradient) Evaluate(Func<Tensor> loss)
    {
        Evaluations++;
        using var tape = new Tape();
        var value = NullItems.Made(loss(), "lbfgs", "loss must give one value");
        var gradients = tape.Gradients(value);
        float[] g = new float[_size];
        int at = 0;
        foreach (var p in _parameters)
        {
            if (gradients.Find(p) is { } one) { one.Device.Read(one.View, g.AsSpan(at, p.Size)); }
            at += p.Size;
        }
        return (value.Item(), g);
    }

    private float[] Read()
    {
        float[] w = new float[_size];
        int at = 0;
        foreach (var p in _parameters)
        {
            p.Device.Read(p.View, w.AsSpan(at, p.Size));
            at += p.Size;
        }
        return w;
    }

    private void Move(float[] start, double t)
    {
        float[] w = [.. start];
        Add(w, _direction, t);
        int at = 0;
        foreach (var p in _parameters)
        {
            p.CopyFrom(w.AsSpan(at, p.Size));
            at += p.Size;
        }
    }

    private static void Add(float[] to, float[] what, double times)
    {
        for (int i = 0; i < to.Length; i++) { to[i] = (float)(to[i] + (times * what[i])); }
    }

    private static double Dot(float[] a, float[] b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++) { sum += (double)a[i] * b[i]; }
        return sum;
    }

    private static double Largest(float[] g)
    {
        double largest = 0;
        foreach (float v in g) { largest = Math.Max(largest, Math.Abs(v)); }
        return largest;
    }
}
