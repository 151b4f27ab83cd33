using DeepEdu.Education.Data;
using DeepEdu.Education.Models;

namespace DeepEdu.Education.Baselines;

/// <summary>Item response theory with one ability a learner and one (difficulty), two (and discrimination) or three (and guessing) parameters an item. Fitted by marginal likelihood: abilities are normal, and summed over
/// (Bock and Aitkin 1981, doi:10.1007/BF02293801); expectation and maximisation, with priors that keep items of few answers finite, as in BILOG: ln a ~ N(0, ½), d ~ N(0, 3), logit c ~ N(−1.4, ½) (deviations).
/// One parameter: a is the same for all items, and learned.</summary>
internal sealed class ItemResponse : IDiagnoser
{
    private const int Rounds = 200, Steps = 3;
    private const double Settled = 1e-4;
    private const double DeviationA = 0.5, DeviationD = 3, DeviationC = 0.5, MeanC = -1.4;
    private readonly Ability[] _abilities;

    public ItemResponse(DiagnosisSet set, int parameters, int[] train)
    {
        Parameters = parameters;
        List<(int, bool)>[] answers = [.. set.Learners.Select(_ => new List<(int, bool)>())];
        foreach (int row in train) { answers[set.Learner[row]].Add((set.Item[row], set.Right[row])); }
        (Bank, LogPosterior) = Fit(answers, set.Items.Length, parameters);
        _abilities = Array.ConvertAll(answers, Bank.Estimate);
    }

    public string Name => $"IRT {Parameters}PL";

    /// <summary>Of an item: 1, 2 or 3.</summary>
    public int Parameters { get; }

    public ItemBank Bank { get; }

    /// <summary>The logarithm of likelihood and priors that was reached.</summary>
    public double LogPosterior { get; }

    public double Chance(int learner, int item) => Bank.Curves[item].Chance(_abilities[learner].Mean);

    public double? Mastery(int learner, int skill) => _abilities[learner].Mean;

    public double? Difficulty(int item) => Bank.Curves[item].Difficulty;

    /// <summary>Finds the items' parameters.</summary>
    /// <param name="answers">Of each learner.</param>
    /// <param name="items">How many there are.</param>
    /// <param name="parameters">1, 2 or 3 of each.</param>
    /// <param name="each">Is told the logarithm of likelihood and priors before each round.</param>
    public static (ItemBank Bank, double LogPosterior) Fit(IReadOnlyList<IReadOnlyList<(int Item, bool Right)>> answers, int items, int parameters, Action<double>? each = null)
    {
        Item[] own = [.. Enumerable.Range(0, items).Select(_ => new Item())];
        foreach (var learner in answers)
        {
            foreach (var (item, right) in learner) { own[item].Start(right); }
        }
        foreach (Item item in own) { item.Begin(parameters == 3); }
        double reached = double.NaN;
        for (int round = 0; round < Rounds; round++)
        {
            reached = Expect(answers, own) + own.Sum(i => i.LogPrior(parameters == 3)) - (parameters == 1 ? (items - 1) * Item.PriorOf(own[0].Alpha) : 0);
            each?.Invoke(reached);
            double moved = 0;
            if (parameters == 1) { moved = Shared(own); }
            foreach (Item item in own) { moved = Math.Max(moved, item.Maximise(parameters)); }
            if (moved < Settled) { break; }
        }
        return (new([.. own.Select(i => i.Curve)]), reached);
    }

    /// <summary>How often each ability of the grid answered each item, and right, as the items are now; gives the log-likelihood.</summary>
    private static double Expect(IReadOnlyList<IReadOnlyList<(int Item, bool Right)>> answers, Item[] items)
    {
        int points = ItemBank.Grid.Length;
        foreach (Item item in items) { item.Clear(); }
        double[] log = new double[points];
        double total = 0;
        foreach (var learner in answers)
        {
            if (learner.Count == 0) { continue; }
            ItemBank.LogPrior.CopyTo(log, 0);
            foreach (var (item, right) in learner)
            {
                double[] chances = right ? items[item].LogRight : items[item].LogWrong;
                for (int q = 0; q < points; q++) { log[q] += chances[q]; }
            }
            double most = log.Max(), sum = 0;
            for (int q = 0; q < points; q++) { sum += log[q] = Math.Exp(log[q] - most); }
            total += most + Math.Log(sum);
            for (int q = 0; q < points; q++) { log[q] /= sum; }
            foreach (var (item, right) in learner)
            {
                double[] count = items[item].Count, rights = items[item].Rights;
                for (int q = 0; q < points; q++) { count[q] += log[q]; }
                if (!right) { continue; }
                for (int q = 0; q < points; q++) { rights[q] += log[q]; }
            }
        }
        return total;
    }

    // the one discrimination, by a scoring step over all items
    private static double Shared(Item[] items)
    {
        double slope = -items[0].Alpha / (DeviationA * DeviationA), information = 1 / (DeviationA * DeviationA);
        foreach (Item item in items)
        {
            var (g, i) = item.OfAlpha();
            (slope, information) = (slope + g, information + i);
        }
        double step = Math.Clamp(slope / information, -0.5, 0.5);
        foreach (Item item in items) { item.Alpha += step; }
        return Math.Abs(step);
    }

    /// <summary>An item while it is fitted: α = ln a, d, γ = logit c, and what is expected at each ability of the grid.</summary>
    private sealed class Item
    {
        private readonly double[] _parameters = new double[3];
        private int _all, _right;
        private bool _guess;

        public double[] Count { get; } = new double[ItemBank.Grid.Length];

        public double[] Rights { get; } = new double[ItemBank.Grid.Length];

        public double[] LogRight { get; } = new double[ItemBank.Grid.Length];

        public double[] LogWrong { get; } = new double[ItemBank.Grid.Length];

        public ref double Alpha => ref _parameters[0];

        public ItemCurve Curve => new(Math.Exp(_parameters[0]), _parameters[1], _guess ? Sigmoid(_parameters[2]) : 0);

        public static double PriorOf(double alpha) => -alpha * alpha / (2 * DeviationA * DeviationA);

        public void Start(bool right)
        {
            _all++;
            _right += right ? 1 : 0;
        }

        public void Begin(bool guess)
        {
            _guess = guess;
            double share = (_right + 0.5) / (_all + 1);
            (_parameters[1], _parameters[2]) = (Math.Log(share / (1 - share)), MeanC);
        }

        public void Clear()
        {
            Array.Clear(Count);
            Array.Clear(Rights);
            ItemCurve curve = Curve;
            for (int q = 0; q < Count.Length; q++)
            {
                double p = curve.Chance(ItemBank.Grid[q]);
                (LogRight[q], LogWrong[q]) = (Math.Log(p), Math.Log(1 - p));
            }
        }

        public double LogPrior(bool guess) => PriorOf(_parameters[0]) - (_parameters[1] * _parameters[1] / (2 * DeviationD * DeviationD)) - (guess ? Math.Pow(_parameters[2] - MeanC, 2) / (2 * DeviationC * DeviationC) : 0);

        /// <summary>Slope and expected information of α from the answers.</summary>
        public (double Slope, double Information) OfAlpha()
        {
            var (g, h) = Scores();
            return (g[0], h[0, 0]);
        }

        /// <summary>Fisher's scoring of the parameters that are the item's own; how far they moved.</summary>
        public double Maximise(int parameters)
        {
            double moved = 0;
            for (int step = 0; step < Steps; step++)
            {
                var (g, h) = Scores();
                (double Mean, double Deviation)[] priors = [(0, DeviationA), (0, DeviationD), (MeanC, DeviationC)];
                for (int i = 0; i < 3; i++)
                {
                    double precision = 1 / (priors[i].Deviation * priors[i].Deviation);
                    g[i] -= (_parameters[i] - priors[i].Mean) * precision;
                    h[i, i] += precision;
                    if (parameters == 1 && i == 0 || parameters < 3 && i == 2)
                    {
                        g[i] = 0; // not its own
                        for (int j = 0; j < 3; j++) { h[i, j] = h[j, i] = i == j ? 1 : 0; }
                    }
                }
                double[] by = Solve(h, g);
                for (int i = 0; i < 3; i++)
                {
                    double d = Math.Clamp(by[i], -1, 1);
                    _parameters[i] += d;
                    if (step == 0) { moved = Math.Max(moved, Math.Abs(d)); }
                }
            }
            return moved;
        }

        private (double[] Slope, double[,] Information) Scores()
        {
            double[] g = new double[3];
            double[,] h = new double[3, 3];
            ItemCurve curve = Curve;
            for (int q = 0; q < Count.Length; q++)
            {
                double x = ItemBank.Grid[q], s = Sigmoid((curve.A * x) + curve.D), p = curve.C + ((1 - curve.C) * s), wrong = Math.Max((1 - curve.C) * (1 - s), 1e-300), slope = (1 - curve.C) * s * (1 - s);
                double[] d = [slope * curve.A * x, slope, _guess ? (1 - s) * curve.C * (1 - curve.C) : 0];
                double error = (Rights[q] - (Count[q] * p)) / (p * wrong), weight = Count[q] / (p * wrong);
                for (int i = 0; i < 3; i++)
                {
                    g[i] += error * d[i];
                    for (int j = 0; j < 3; j++) { h[i, j] += weight * d[i] * d[j]; }
                }
            }
            return (g, h);
        }

        // three equations, the matrix positive definite
        private static double[] Solve(double[,] m, double[] v)
        {
            double[] x = [.. v];
            for (int i = 0; i < 3; i++)
            {
                for (int r = i + 1; r < 3; r++)
                {
                    double f = m[r, i] / m[i, i];
                    for (int c = i; c < 3; c++) { m[r, c] -= f * m[i, c]; }
                    x[r] -= f * x[i];
                }
            }
            for (int i = 2; i >= 0; i--)
            {
                for (int c = i + 1; c < 3; c++) { x[i] -= m[i, c] * x[c]; }
                x[i] /= m[i, i];
            }
            return x;
        }

        private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));
    }
}
