using DeepEdu.Education.Models;
using DeepEdu.Education.Report;
using DeepEdu.Numerics;

namespace DeepEdu.Education.Tasks;

/// <summary>Essays that are made to get a score they do not deserve, from honest ones, and how many of them are noticed.</summary>
internal sealed class EssayAttacks
{
    private readonly (string Name, Func<List<string>, EssayOddities, List<string>, Rng, IEnumerable<string>> Make)[] _kinds =
    [
        ("honest essays", (e, _, _, _) => e),
        ("the first tenth of the words", (e, _, _, _) => e.Take(Math.Max(1, e.Count / 10))),
        ("the first third, three times", (e, _, _, _) => Enumerable.Repeat(e.Take(e.Count / 3), 3).SelectMany(w => w)),
        ("the first twenty words, again and again to the same length", (e, _, _, _) => Enumerable.Range(0, e.Count).Select(i => e[i % Math.Min(20, e.Count)])),
        ("without its function words", (e, o, _, _) => e.Where(w => !o.IsFunctionWord(w))),
        ("in random order", (e, _, _, rng) => Shuffled(e, rng)),
        ("random letters for every word", (e, _, _, rng) => e.Select(w => new string([.. w.Select(_ => (char)('a' + rng.Next(26)))]))),
        ("another pupil's essay, every twentieth word left out", (_, _, other, _) => other.Where((_, i) => i % 20 != 19)),
    ];

    private readonly (int Count, int Caught, double Score)[] _sums;

    public EssayAttacks() => _sums = new (int, int, double)[_kinds.Length];

    /// <summary>Which share of honest essays seems odd.</summary>
    public double Odd => _sums[0].Count == 0 ? double.NaN : _sums[0].Caught / (double)_sums[0].Count;

    /// <summary>Tries all attacks with the test essays of a fold.</summary>
    /// <param name="odd">Learned from the training essays of the fold.</param>
    /// <param name="tests">The test essays as words.</param>
    /// <param name="learned">The training essays, from which pupils copy.</param>
    /// <param name="score">What the network gives to essays.</param>
    /// <param name="rng">Draws.</param>
    public void Add(EssayOddities odd, List<string>[] tests, List<string>[] learned, Func<List<string>[], IEnumerable<double>> score, Rng rng)
    {
        for (int k = 0; k < _kinds.Length; k++)
        {
            List<string>[] made = [.. tests.Where(t => t.Count > 0).Select(t => _kinds[k].Make(t, odd, learned[rng.Next(learned.Length)], rng).ToList()).Where(m => m.Count > 0)];
            _sums[k] = (_sums[k].Count + made.Length, _sums[k].Caught + made.Count(m => odd.Of(m).Length > 0), _sums[k].Score + score(made).Sum());
        }
    }

    public ReportTable Table => new("Essays made to deceive: made of every test essay of all folds; noticed ones go to review", ["made by", "essays", "noticed", "mean score that the network gives"],
        [.. _kinds.Zip(_sums, (k, s) => (string[])[k.Name, $"{s.Count}", ResultTable.Number(s.Caught / (double)s.Count), ResultTable.Number(s.Score / s.Count)])]);

    private static List<string> Shuffled(List<string> essay, Rng rng)
    {
        List<string> words = [.. essay];
        rng.Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(words));
        return words;
    }
}
