using DeepEdu.Education.Baselines;
using DeepEdu.Education.Data;
using DeepEdu.Education.Data.Simulated;
using DeepEdu.Education.Report;
using DeepEdu.Metrics;
using DeepEdu.Numerics;

namespace DeepEdu.Education.Tasks;

/// <summary>What a diagnosis is worth on the test answers, and, of simulated learners, beside the truth.</summary>
internal sealed class DiagnosisScores
{
    private const int Resamples = 200;
    private readonly DiagnosisSet _set;
    private readonly IDiagnoser _of;
    private readonly int[] _rows, _order;
    private readonly double[] _chances;
    private readonly bool[] _right;

    public DiagnosisScores(DiagnosisSet set, IDiagnoser of)
    {
        (_set, _of, _rows) = (set, of, set.Parts.Test);
        _chances = of.Chances(Array.ConvertAll(_rows, r => set.Learner[r]), Array.ConvertAll(_rows, r => set.Item[r]));
        _right = Array.ConvertAll(_rows, r => set.Right[r]);
        _order = [.. Enumerable.Range(0, _rows.Length).OrderBy(i => _chances[i])];
        foreach (var (p, right) in _chances.Zip(_right)) { Calibration.Add(p, right); }
    }

    public string Name => _of.Name;

    /// <summary>What several tell of the same test answers; the first one is the model.</summary>
    public static Predictions Told(DiagnosisSet set, DiagnosisScores[] all) => new(["learner", "item", "right", .. all.Select(s => s.Name)], set.Parts.Test.Select((row, i) => (string[])
        [set.Learners[set.Learner[row]].Name, set.Items[set.Item[row]], set.Right[row] ? "1" : "0", .. all.Select(s => Predictions.Number(s._chances[i]))]));

    public double Auc => RocAuc.Of(_chances, _right);

    public Calibration Calibration { get; } = new();

    /// <summary>The numbers of the test answers; what a diagnosis has none of is left out.</summary>
    public Score[] Scores =>
    [
        new("auc", Auc), new("accuracy", _chances.Zip(_right, (p, r) => p >= 0.5 == r ? 1.0 : 0).Average()), new("rmse", Math.Sqrt(_chances.Zip(_right, (p, r) => Math.Pow(p - (r ? 1 : 0), 2)).Average())), new("log_loss", Loss()), new("ece", Calibration.Value),
        .. _of.Mastery(0, 0) is null ? (Score[])[] : [new("doa", Agreement().Value)],
        .. _set.Repeated.Pairs.Length == 0 ? (Score[])[] : [new("auc_once", Once())],
        .. _set.Truth is { } truth ? Beside(truth) : [],
    ];

    /// <summary>Whether who is said to know a skill better answers its test items better.</summary>
    public DegreeOfAgreement Agreement()
    {
        DegreeOfAgreement agreement = new();
        foreach (int row in _rows)
        {
            foreach (int k in _set.Asks[_set.Item[row]]) { agreement.Add(k, _set.Item[row], _of.Mastery(_set.Learner[row], k)!.Value, _set.Right[row] ? 1 : 0); }
        }
        return agreement;
    }

    /// <summary>The interval of the area in 95 of 100 draws of learners, as wholes; none where the area is undefined.</summary>
    public Interval? Interval(ulong seed)
    {
        if (double.IsNaN(Auc)) { return null; }
        int[] counts = new int[_rows.Length];
        return Bootstrap.Confidence(Array.ConvertAll(_rows, r => _set.Learner[r]), rows =>
        {
            Array.Clear(counts);
            foreach (int row in rows) { counts[row]++; }
            return Area(_right, counts);
        }, new Rng(seed), Resamples);
    }

    /// <summary>The area that the same chances have when the test answers are shuffled.</summary>
    public Func<Rng, double> Reshuffled()
    {
        int[] all = _set.Cases(), cases = Array.ConvertAll(_rows, r => all[r]), once = [.. Enumerable.Repeat(1, _rows.Length)];
        return rng => Area(Array.ConvertAll(Canary.Shuffle(cases, rng), row => _right[row]), once);
    }

    // rows whose answer stands in another row too are left out, whichever part that is in
    private double Once()
    {
        int[] cases = _set.Cases();
        HashSet<int> twice = [.. cases.GroupBy(c => c).Where(g => g.Count() > 1).Select(g => g.Key)];
        int[] counts = Array.ConvertAll(_rows, r => twice.Contains(cases[r]) ? 0 : 1);
        return Area(_right, counts);
    }

    // the scale of a mastery is its own, and Spearman's ρ does not see it; its direction is not, for right answers say which end is up
    private IEnumerable<Score> Beside(SimulatedResponses truth)
    {
        int learners = _set.Learners.Length;
        if (_of.Mastery(0, 0) is not null)
        {
            yield return new("mastery_rho", Enumerable.Range(0, _set.Skills.Length).Average(k =>
            {
                int planted = int.Parse(_set.Skills[k].AsSpan(1)); // s3
                return Correlation.Spearman([.. Enumerable.Range(0, learners).Select(l => _of.Mastery(l, k)!.Value)], [.. Enumerable.Range(0, learners).Select(l => (double)truth.Ability[l, planted])]);
            }));
        }
        if (_of.Difficulty(0) is not null)
        {
            int[] planted = Array.ConvertAll(_set.Items, name => int.Parse(name.AsSpan(1))); // q17
            yield return new("difficulty_rho", Correlation.Spearman([.. planted.Select((_, i) => _of.Difficulty(i)!.Value)], [.. planted.Select(truth.Hardness)]));
        }
    }

    private double Loss()
    {
        LogLoss loss = new();
        foreach (var (p, right) in _chances.Zip(_right)) { loss.Add(p, right); }
        return loss.Value;
    }

    // the area of the rows, each as often as it counts
    private double Area(bool[] right, int[] counts)
    {
        double below = 0, wins = 0, positives = 0;
        for (int at = 0; at < _order.Length;)
        {
            double tiedRight = 0, tiedWrong = 0, chance = _chances[_order[at]];
            for (; at < _order.Length && _chances[_order[at]] == chance; at++)
            {
                if (right[_order[at]]) { tiedRight += counts[_order[at]]; } else { tiedWrong += counts[_order[at]]; }
            }
            wins += tiedRight * (below + (0.5 * tiedWrong));
            below += tiedWrong;
            positives += tiedRight;
        }
        return wins / (positives * below);
    }
}
