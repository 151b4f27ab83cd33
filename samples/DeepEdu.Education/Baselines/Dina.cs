using DeepEdu.Education.Data;

namespace DeepEdu.Education.Baselines;

/// <summary>DINA (Junker and Sijtsma 2001; de la Torre 2009, doi:10.3102/1076998607309474): a learner knows a skill or does not; who knows all skills of an item answers it right unless it slips, others only if they guess. Slip and guess of each item and the
/// share of each of the 2^K patterns are found by expectation and maximisation, the patterns of learners being summed over.</summary>
internal sealed class Dina : IDiagnoser
{
    /// <summary>The most skills whose patterns are counted.</summary>
    public const int MostSkills = 10;

    private const int Rounds = 100;
    private const double Settled = 1e-4;
    private readonly int[] _needs; // of each item, the pattern of its skills
    private readonly double[] _guess, _slip, _shares;
    private readonly double[][] _patterns; // of each learner, how likely each pattern is

    public Dina(DiagnosisSet set)
    {
        int patterns = 1 << set.Skills.Length, items = set.Items.Length;
        _needs = Array.ConvertAll(set.Asks, a => a.Aggregate(0, (m, k) => m | (1 << k)));
        (_guess, _slip, _shares) = (new double[items], new double[items], new double[patterns]);
        Array.Fill(_guess, 0.25);
        Array.Fill(_slip, 0.15);
        Array.Fill(_shares, 1.0 / patterns);
        _patterns = [.. set.Learners.Select(_ => new double[patterns])];
        int[][] rows = [.. set.Learners.Select(_ => Array.Empty<int>())];
        foreach (var own in set.Parts.Train.GroupBy(r => set.Learner[r])) { rows[own.Key] = [.. own]; }
        for (int round = 0; round < Rounds; round++)
        {
            double[] guessed = new double[items], cannot = new double[items], slipped = new double[items], can = new double[items], shares = new double[patterns];
            for (int l = 0; l < rows.Length; l++)
            {
                double[] likely = _patterns[l];
                for (int c = 0; c < patterns; c++) { likely[c] = Math.Log(_shares[c]); }
                foreach (int row in rows[l])
                {
                    int item = set.Item[row], needs = _needs[item];
                    double yes = Math.Log(set.Right[row] ? 1 - _slip[item] : _slip[item]), no = Math.Log(set.Right[row] ? _guess[item] : 1 - _guess[item]);
                    for (int c = 0; c < patterns; c++) { likely[c] += (c & needs) == needs ? yes : no; }
                }
                double most = likely.Max(), sum = 0;
                for (int c = 0; c < patterns; c++) { sum += likely[c] = Math.Exp(likely[c] - most); }
                for (int c = 0; c < patterns; c++) { shares[c] += likely[c] /= sum; }
                foreach (int row in rows[l])
                {
                    int item = set.Item[row], needs = _needs[item];
                    double knows = 0;
                    for (int c = 0; c < patterns; c++) { knows += (c & needs) == needs ? likely[c] : 0; }
                    (can[item], cannot[item]) = (can[item] + knows, cannot[item] + 1 - knows);
                    if (set.Right[row]) { guessed[item] += 1 - knows; } else { slipped[item] += knows; }
                }
            }
            double moved = 0;
            for (int i = 0; i < items; i++)
            {
                // as if four answers more had been given, one of them guessed, one a slip; guessing is rarer than knowing, or the two would change places
                double guess = Math.Min((guessed[i] + 1) / (cannot[i] + 4), 0.5), slip = Math.Min((slipped[i] + 1) / (can[i] + 4), 0.45);
                moved = Math.Max(moved, Math.Max(Math.Abs(guess - _guess[i]), Math.Abs(slip - _slip[i])));
                (_guess[i], _slip[i]) = (guess, slip);
            }
            for (int c = 0; c < patterns; c++) { _shares[c] = (shares[c] + 0.1) / (rows.Length + (0.1 * patterns)); }
            if (moved < Settled) { break; }
        }
    }

    public string Name => "DINA";

    public double Guess(int item) => _guess[item];

    public double Slip(int item) => _slip[item];

    public double Chance(int learner, int item)
    {
        double knows = Known(learner, _needs[item]);
        return (knows * (1 - _slip[item])) + ((1 - knows) * _guess[item]);
    }

    public double? Mastery(int learner, int skill) => Known(learner, 1 << skill);

    public double? Difficulty(int item) => null;

    private double Known(int learner, int needs)
    {
        double knows = 0;
        for (int c = 0; c < _shares.Length; c++) { knows += (c & needs) == needs ? _patterns[learner][c] : 0; }
        return knows;
    }
}
