using DeepEdu.Education.Data;
using DeepEdu.Education.Report;
using DeepEdu.Metrics;
using DeepEdu.Numerics;

namespace DeepEdu.Education.Tasks;

/// <summary>What told risks are worth on the test learners of all folds together; a learner's course is tested once.</summary>
internal sealed class RiskScores(BehaviourLog log, string name)
{
    private const double Watched = 0.1; // the share of learners with the highest risks, whom a teacher has time for
    private readonly List<(int Learner, double Risk)> _rows = [];

    public string Name => name;

    public Calibration Calibration { get; } = new();

    /// <summary>What was told, fold after fold.</summary>
    public IReadOnlyList<(int Learner, double Risk)> Risks => _rows;

    public double PrAuc => Area(_rows, new PrAuc(), (a, r) => a.Add(r.Risk, Leaves(r.Learner)));

    public Score[] Scores => [new("pr_auc", PrAuc), new("roc_auc", RocAuc(_rows)), new("lift@10%", Lift), new("caught@10%", Caught), new("lead_weeks", LeadWeeks), new("brier", Brier), new("ece", Calibration.Value)];

    /// <summary>What the canary looks at.</summary>
    public Score[] Areas => [new("roc_auc", RocAuc(_rows)), new("pr_auc", PrAuc)];

    /// <summary>The same risks, when who leaves is shuffled among the test learners.</summary>
    public Score[] Reshuffled(Rng rng)
    {
        int[] from = rng.Permutation(_rows.Count);
        var rows = _rows.Select((r, i) => (_rows[from[i]].Learner, r.Risk));
        return [new("roc_auc", RocAuc(rows)), new("pr_auc", Area(rows, new PrAuc(), (a, r) => a.Add(r.Risk, Leaves(r.Learner))))];
    }

    public void Add(int[] learners, IEnumerable<double> risks)
    {
        foreach (var (l, risk) in learners.Zip(risks))
        {
            _rows.Add((l, risk));
            Calibration.Add(risk, Leaves(l));
        }
    }

    /// <summary>The test learners, their risks, and how far each is among the tenth that is watched, 0 to 1.</summary>
    public IEnumerable<(int Learner, double Risk, double Watched)> Told()
    {
        Dictionary<double, double> watched = Top().GroupBy(r => r.Risk).ToDictionary(g => g.Key, g => g.First().Weight);
        return _rows.Select(r => (r.Learner, r.Risk, watched.GetValueOrDefault(r.Risk)));
    }

    // how many times more of the watched leave than of all
    private double Lift => Caught * _rows.Count / Top().Sum(r => r.Weight);

    // which share of those who leave is watched
    private double Caught => Top().Where(r => Leaves(r.Learner)).Sum(r => r.Weight) / _rows.Count(r => Leaves(r.Learner));

    // how many weeks after what was seen those leave who are watched
    private double LeadWeeks
    {
        get
        {
            var caught = Top().Where(r => Leaves(r.Learner)).ToArray();
            return caught.Sum(r => r.Weight * (log.Learners[r.Learner].Left!.Value + 1 - log.Weeks)) / caught.Sum(r => r.Weight);
        }
    }

    private double Brier => _rows.Average(r => Math.Pow(r.Risk - (Leaves(r.Learner) ? 1 : 0), 2));

    private bool Leaves(int learner) => log.Learners[learner].Left is not null;

    // where there is no room for all of equal risks, each is watched in part
    private IEnumerable<(int Learner, double Risk, double Weight)> Top()
    {
        double room = Math.Max(1, Math.Round(Watched * _rows.Count));
        foreach (var equal in _rows.GroupBy(r => r.Risk).OrderByDescending(g => g.Key))
        {
            double weight = Math.Min(1, room / equal.Count());
            foreach (var row in equal) { yield return (row.Learner, row.Risk, weight); }
            if ((room -= equal.Count()) <= 0) { yield break; }
        }
    }

    private double RocAuc(IEnumerable<(int Learner, double Risk)> rows) => Area(rows, new RocAuc(), (a, r) => a.Add(r.Risk, Leaves(r.Learner)));

    private static double Area<M>(IEnumerable<(int Learner, double Risk)> rows, M area, Action<M, (int Learner, double Risk)> add) where M : IMetric
    {
        foreach (var row in rows) { add(area, row); }
        return area.Value;
    }
}
