using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Training;

/// <summary>Searches settings of a training, such as its rate and width: by random points (Bergstra and Bengio 2012), by successive halving of these, where all are trained a little, the best third goes on three times as long, and so on (Jamieson and
/// Talwalkar 2016, arXiv:1502.07943), or by Hyperband, which halves in several brackets, from many trials that begin short to few that are trained in full (Li et al. 2018, arXiv:1603.06560). It trains nothing itself: ask it for a trial, train it
/// until its epoch, and tell the number that it reached on validation data. Never choose by test data.
/// <code>
/// var tuner = Tuner.Halving(space, trials: 27, epochs: 9, new Rng(1));
/// while (tuner.Next() is { } trial) { tuner.Tell(trial, Validate(trial.Point.Number("lr"), trial.Until)); }
/// Console.WriteLine(tuner.Best!.Point);
/// </code>
/// What it asks for follows from the space, the stream of random numbers and what it was told, so that with its state a search goes on where it was left.</summary>
public sealed class Tuner : IStateful
{
    private readonly SearchSpace _space;
    private readonly bool _higherIsBetter;
    private readonly Bracket[] _brackets;
    private readonly TunerTrial[] _trials;

    private Tuner(SearchSpace space, int trials, Rng rng, bool higherIsBetter, Func<int, Bracket[]> brackets)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(trials, 1);
        if (space.Names.Count == 0) { throw new ArgumentException("tuner: there is no setting to search", nameof(space)); }
        (_space, _higherIsBetter) = (space, higherIsBetter);
        SearchPoint[] points = space.Draw(trials, rng);
        _brackets = brackets(points.Length);
        _trials = [.. points.Select((p, i) => new TunerTrial(p, i))];
    }

    /// <summary>Each trial is trained in full.</summary>
    /// <param name="space">What is searched.</param>
    /// <param name="trials">How many points; of a space that has fewer, all of them.</param>
    /// <param name="rng">Draws the points.</param>
    /// <param name="epochs">What <see cref="TunerTrial.Until"/> is to say.</param>
    /// <param name="higherIsBetter">Whether the number told is an accuracy, not an error.</param>
    public static Tuner Random(SearchSpace space, int trials, Rng rng, int epochs = 1, bool higherIsBetter = false)
    {
        ArgumentNullException.ThrowIfNull(space);
        ArgumentNullException.ThrowIfNull(rng);
        ArgumentOutOfRangeException.ThrowIfLessThan(epochs, 1);
        return new(space, trials, rng, higherIsBetter, n => [new(0, n, [(n, epochs)])]);
    }

    /// <summary>All trials are trained a little; then the best of each <paramref name="factor"/> go on, <paramref name="factor"/> times as long, until some are trained in full.</summary>
    /// <param name="space">What is searched.</param>
    /// <param name="trials">How many points begin; of a space that has fewer, all of them.</param>
    /// <param name="epochs">Of a full training.</param>
    /// <param name="rng">Draws the points.</param>
    /// <param name="factor">η: one of so many goes on.</param>
    /// <param name="higherIsBetter">Whether the number told is an accuracy, not an error.</param>
    public static Tuner Halving(SearchSpace space, int trials, int epochs, Rng rng, int factor = 3, bool higherIsBetter = false)
    {
        Check(space, rng, epochs, factor);
        return new(space, trials, rng, higherIsBetter, n => [Bracket.Of(0, n, Math.Min(Logarithm(n, factor), Logarithm(epochs, factor)), epochs, factor)]);
    }

    /// <summary>Brackets of halving: in the first a trial begins with an epoch or a little more, in each one after it with <paramref name="factor"/> times as many, in the last it is trained in full. That guards against settings that begin slowly.
    /// The trials are shared among the brackets as the paper's numbers are to each other, ⌈(s + 1)/(k + 1) · ηᵏ⌉ for k from s = ⌊log epochs⌋ to 0.</summary>
    /// <inheritdoc cref="Halving"/>
    public static Tuner Hyperband(SearchSpace space, int trials, int epochs, Rng rng, int factor = 3, bool higherIsBetter = false)
    {
        Check(space, rng, epochs, factor);
        int most = Logarithm(epochs, factor);
        double[] usual = [.. Enumerable.Range(0, most + 1).Select(k => Math.Ceiling((most + 1.0) / (k + 1) * Math.Pow(factor, k)))];
        return new(space, trials, rng, higherIsBetter, n =>
        {
            int[] counts = Shared(n, usual);
            List<Bracket> brackets = [];
            for (int k = most, first = 0; k >= 0; first += counts[k], k--)
            {
                if (counts[k] > 0) { brackets.Add(Bracket.Of(first, counts[k], k, epochs, factor)); }
            }
            return [.. brackets];
        });
    }

    /// <summary>All trials, told or not.</summary>
    public IReadOnlyList<TunerTrial> Trials => _trials;

    /// <summary>The best of the trials that were trained in full; null while there is none.</summary>
    public TunerTrial? Best => Ranked(_brackets.SelectMany(b => b.Trials(_trials).Where(t => t.Told.Count == b.Rungs.Length))).FirstOrDefault();

    /// <summary>The trial to train next, until its <see cref="TunerTrial.Until"/>; null when the search has ended.</summary>
    public TunerTrial? Next()
    {
        foreach (Bracket bracket in _brackets)
        {
            TunerTrial[] rung = [.. bracket.Trials(_trials)];
            for (int r = 0; r < bracket.Rungs.Length; r++)
            {
                if (r > 0) { rung = [.. Ranked(rung, r - 1).Take(bracket.Rungs[r].Trials).OrderBy(t => t.Number)]; }
                if (Array.Find(rung, t => t.Told.Count <= r) is { } next)
                {
                    next.Until = bracket.Rungs[r].Epochs;
                    return next;
                }
            }
        }
        return null;
    }

    /// <summary>Tells what a trial has reached.</summary>
    /// <param name="trial">What <see cref="Next"/> gave.</param>
    /// <param name="value">Of validation data; NaN for a training that failed, which then goes no further.</param>
    /// <exception cref="ArgumentException">Another trial is next.</exception>
    public void Tell(TunerTrial trial, double value)
    {
        ArgumentNullException.ThrowIfNull(trial);
        if (Next() != trial) { throw new ArgumentException($"tuner: trial {trial.Number} is told, but {(Next() is { } next ? $"trial {next.Number} is next" : "the search has ended")}", nameof(trial)); }
        trial.Add(value);
    }

    /// <inheritdoc/>
    public void SaveState(StateDict to)
    {
        ArgumentNullException.ThrowIfNull(to);
        to.Set("plan", Plan);
        foreach (TunerTrial trial in _trials.Where(t => t.Told.Count > 0)) { to.Set($"told.{trial.Number}", [.. trial.Told.Select(t => t.Value)]); }
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidDataException">It is the state of another search.</exception>
    public void LoadState(StateDict from)
    {
        ArgumentNullException.ThrowIfNull(from);
        if (from.Text("plan") != Plan) { throw new InvalidDataException($"tuner: the state is of another search: ({from.Text("plan")}), not ({Plan})"); }
        double[][] told = [.. _trials.Select(t => from.Has($"told.{t.Number}") ? from.Doubles($"told.{t.Number}") : [])];
        foreach (TunerTrial trial in _trials) { trial.Clear(); }
        while (Next() is { } next && next.Told.Count < told[next.Number - 1].Length) { Tell(next, told[next.Number - 1][next.Told.Count]); }
        if (_trials.Any(t => t.Told.Count < told[t.Number - 1].Length)) { throw new InvalidDataException("tuner: the state tells of trials that this search would not have come to"); }
    }

    private string Plan => $"{_space}; first {(_trials.Length > 0 ? _trials[0].Point : "")}; {(_higherIsBetter ? "higher" : "lower")} is better; {string.Join("; ", _brackets.Select(b => string.Join(", ", b.Rungs.Select(r => $"{r.Trials} until {r.Epochs}"))))}";

    // the best first, by what was told last or in the given rung; failed ones are out, and of equals the one drawn first is better
    private IEnumerable<TunerTrial> Ranked(IEnumerable<TunerTrial> trials, int? rung = null)
    {
        var able = trials.Select(t => (Trial: t, t.Told[rung ?? ^1].Value)).Where(t => !double.IsNaN(t.Value));
        return (_higherIsBetter ? able.OrderByDescending(t => t.Value) : able.OrderBy(t => t.Value)).ThenBy(t => t.Trial.Number).Select(t => t.Trial);
    }

    private static void Check(SearchSpace space, Rng rng, int epochs, int factor)
    {
        ArgumentNullException.ThrowIfNull(space);
        ArgumentNullException.ThrowIfNull(rng);
        ArgumentOutOfRangeException.ThrowIfLessThan(epochs, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(factor, 2);
    }

    // rounded down
    private static int Logarithm(int n, int factor)
    {
        int log = 0;
        for (; n >= factor; n /= factor) { log++; }
        return log;
    }

    // whole shares in proportion: rounded down, and what is left to those that lost most
    private static int[] Shared(int n, double[] shares)
    {
        double sum = shares.Sum();
        int[] counts = [.. shares.Select(s => (int)(n * s / sum))];
        foreach (int k in Enumerable.Range(0, shares.Length).OrderByDescending(k => (n * shares[k] / sum) - counts[k]).ThenByDescending(k => k).Take(n - counts.Sum())) { counts[k]++; }
        return counts;
    }

    private sealed record Bracket(int First, int Count, (int Trials, int Epochs)[] Rungs)
    {
        public static Bracket Of(int first, int count, int halvings, int epochs, int factor)
        {
            var rungs = new (int, int)[halvings + 1];
            long power = 1, length = 1;
            for (int r = 0; r < halvings; r++) { length *= factor; }
            for (int r = 0; r <= halvings; r++, power *= factor, length /= factor) { rungs[r] = ((int)Math.Max(1, count / power), (int)((epochs + length - 1) / length)); }
            return new(first, count, rungs);
        }

        public IEnumerable<TunerTrial> Trials(TunerTrial[] all) => all.Skip(First).Take(Count);
    }
}

/// <summary>A point that a <see cref="Tuner"/> tries.</summary>
public sealed class TunerTrial
{
    private readonly List<(int Until, double Value)> _told = [];

    internal TunerTrial(SearchPoint point, int place) => (Point, Number) = (point, place + 1);

    /// <summary>Its settings.</summary>
    public SearchPoint Point { get; }

    /// <summary>From 1.</summary>
    public int Number { get; }

    /// <summary>Until which epoch it is to be trained, counted from its very first. A trial comes again with more where it does well; train it on from where it stood.</summary>
    public int Until { get; internal set; }

    /// <summary>What was told of it: after how many epochs, and the number.</summary>
    public IReadOnlyList<(int Until, double Value)> Told => _told;

    /// <summary>What was told last; NaN if nothing was.</summary>
    public double Value => _told.Count == 0 ? double.NaN : _told[^1].Value;

    internal void Add(double value) => _told.Add((Until, value));

    internal void Clear() => _told.Clear();
}
