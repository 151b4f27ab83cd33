using System.Runtime.InteropServices;
using System.Security.Cryptography;
using DeepEdu.Education.Report;
using DeepEdu.Education.Ui;
using DeepEdu.Numerics;

namespace DeepEdu.Education.Tasks;

/// <summary>The canary of a run: everything is learned and tested once more on shuffled answers, of which nothing can be told. What is better than chance there has seen answers that it was to tell.
/// Chance is what the same predictions reach when the answers are shuffled again and again: its mean, and four of its deviations, which it exceeds in one of 30,000 runs.</summary>
internal static class Canary
{
    private const int Shuffles = 200;
    private const double Deviations = 4;
    private const double Rounding = 1e-6; // of a model that tells the same of all there is no deviation
    private const ulong Stream = 0xCA4A; // of the seed, apart from all that a run draws

    /// <summary>What the shuffles of a run are drawn from.</summary>
    public static Rng Draws(ulong seed) => new Rng(seed).Split(Stream);

    /// <summary>For each row the row whose answer it takes, drawn from all; rows of one case take the same.</summary>
    /// <param name="cases">Of each row; equal numbers are one case.</param>
    /// <param name="rng">Draws.</param>
    public static int[] Shuffle(ReadOnlySpan<int> cases, Rng rng)
    {
        Dictionary<int, int> numbers = new(cases.Length);
        List<int> first = new(cases.Length);
        int[] own = new int[cases.Length];
        for (int row = 0; row < own.Length; row++)
        {
            if (!numbers.TryGetValue(cases[row], out own[row]))
            {
                numbers.Add(cases[row], own[row] = first.Count);
                first.Add(row);
            }
        }
        int[] drawn = rng.Permutation(first.Count);
        return Array.ConvertAll(own, c => first[drawn[c]]);
    }

    /// <summary>Cases of rows that are told apart by a key, such as a text.</summary>
    public static int[] Cases<K>(IEnumerable<K> keys) where K : notnull
    {
        Dictionary<K, int> numbers = [];
        return [.. keys.Select(k => numbers.TryGetValue(k, out int n) ? n : numbers[k] = numbers.Count)];
    }

    /// <summary>A key of a row of numbers, equal where all are.</summary>
    public static string Key(ReadOnlySpan<float> row) => Convert.ToHexString(SHA256.HashData(MemoryMarshal.AsBytes(row)));

    /// <summary>What was reached on shuffled answers, beside chance.</summary>
    /// <param name="reached">The numbers.</param>
    /// <param name="again">The same numbers of the same predictions, the test answers being shuffled once more.</param>
    /// <param name="seed">Of the run.</param>
    /// <param name="lowerIsBetter">Names that begin so are errors.</param>
    public static CanaryScore[] Beside(IReadOnlyList<Score> reached, Func<Rng, IReadOnlyList<Score>> again, ulong seed, string lowerIsBetter = "rmse")
    {
        Rng rng = Draws(seed).Split(1);
        double[][] draws = [.. Enumerable.Range(0, Shuffles).Select(i => again(rng.Split((ulong)i)).Select(s => s.Value).ToArray())];
        return [.. reached.Select((score, k) =>
        {
            double mean = draws.Average(d => d[k]);
            return new CanaryScore(score.Name, score.Value, mean, Math.Max(Rounding, Deviations * Math.Sqrt(draws.Average(d => Math.Pow(d[k] - mean, 2)))), score.Name.StartsWith(lowerIsBetter, StringComparison.Ordinal));
        })];
    }

    /// <summary>Tells what was found.</summary>
    public static CanaryFound Tell(CanaryFound found, IProgress progress)
    {
        foreach (string line in found.Lines) { progress.Line(line); }
        return found;
    }
}
