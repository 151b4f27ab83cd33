using System.Runtime.InteropServices;
using DeepEdu.Tensors;

namespace DeepEdu.Education.Models;

/// <summary>Tells essays that are unlike those learned from, so that their scores mean little: too short, repeating themselves, of unknown words, in no order, of keywords alone, or copied. Each is a number of the essay that lies beyond
/// that of all but one in four hundred of the essays learned from, each of these beside the others. The prompt's own words are known only as far as pupils quote them.</summary>
internal sealed class EssayOddities : ISaveState
{
    /// <summary>What is said of an essay, in order of the numbers.</summary>
    public static readonly string[] Reasons = ["much too short", "repeats itself", "unknown words", "words in no order", "keywords alone", "copied"];

    private const double Share = 0.0025;
    private const int TooFew = 30, FunctionWords = 50, Run = 8, Sample = 4;
    private const double LeastCopied = 0.1; // of an essay's runs: a phrase that many use is no copy
    private readonly HashSet<int> _words, _pairs, _runs, _function;
    private readonly double[] _limits;

    private EssayOddities(HashSet<int> words, HashSet<int> pairs, HashSet<int> runs, HashSet<int> function, double[] limits) => (_words, _pairs, _runs, _function, _limits) = (words, pairs, runs, function, limits);

    /// <summary>Learns from essays as words; null if they are too few.</summary>
    public static EssayOddities? Fit(IReadOnlyCollection<List<string>> essays)
    {
        if (essays.Count < TooFew) { return null; }
        Dictionary<int, int> words = Counts(e => Hashes(e, 1)), pairs = Counts(e => Hashes(e, 2)), runs = Counts(Runs);
        HashSet<int> function = [.. essays.SelectMany(e => Hashes(e, 1)).GroupBy(h => h).OrderByDescending(g => g.Count()).ThenBy(g => g.Key).Take(FunctionWords).Select(g => g.Key)];
        // of an essay learned from, what it has in common with others
        static Func<int, bool> Others(Dictionary<int, int> counts) => hash => counts[hash] > 1;
        double[][] numbers = [.. essays.Select(e => Numbers(e, Others(words), Others(pairs), Others(runs), function))];
        double[] limits = [.. Reasons.Select((_, k) => numbers.Select(n => n[k]).OrderDescending().ElementAt((int)(Share * numbers.Length)))];
        limits[^1] = Math.Max(limits[^1], LeastCopied);
        return new([.. words.Keys], [.. pairs.Keys], [.. runs.Keys], function, limits);

        // in how many essays each stands
        Dictionary<int, int> Counts(Func<List<string>, IEnumerable<int>> of) => essays.SelectMany(e => of(e).Distinct()).GroupBy(h => h).ToDictionary(g => g.Key, g => g.Count());
    }

    public static EssayOddities Load(StateDict from)
    {
        return new(Set("words"), Set("pairs"), Set("runs"), Set("function"), from.Doubles("limits"));

        HashSet<int> Set(string name) => [.. MemoryMarshal.Cast<byte, int>(Convert.FromBase64String(from.Text(name)))];
    }

    public void SaveState(StateDict to)
    {
        to.Set("words", Text(_words)).Set("pairs", Text(_pairs)).Set("runs", Text(_runs)).Set("function", Text(_function)).Set("limits", _limits);

        static string Text(HashSet<int> set) => Convert.ToBase64String(MemoryMarshal.AsBytes<int>(set.Order().ToArray()));
    }

    /// <summary>Why an essay is odd; empty for most.</summary>
    public string[] Of(List<string> essay)
    {
        double[] numbers = Numbers(essay, _words.Contains, _pairs.Contains, _runs.Contains, _function);
        return [.. Reasons.Where((_, k) => numbers[k] > _limits[k])];
    }

    /// <summary>A word that is among the most frequent ones, such as "the".</summary>
    public bool IsFunctionWord(string word) => _function.Contains(Hashes([word], 1).First());

    // the larger, the odder
    private static double[] Numbers(List<string> essay, Func<int, bool> word, Func<int, bool> pair, Func<int, bool> run, HashSet<int> function)
    {
        int[] words = [.. Hashes(essay, 1)], pairs = [.. Hashes(essay, 2)], threes = [.. Hashes(essay, 3)], runs = [.. Runs(essay)];
        return [-essay.Count, 1 - Of(threes.Distinct().Count(), threes), 1 - Of(words.Count(word), words), 1 - Of(pairs.Count(pair), pairs), 1 - Of(words.Count(function.Contains), words), runs.Length == 0 ? 0 : Of(runs.Count(run), runs)];

        static double Of(int count, int[] all) => all.Length == 0 ? 1 : count / (double)all.Length;
    }

    // a quarter of the runs, the same of any essay
    private static IEnumerable<int> Runs(List<string> essay) => Hashes(essay, Run).Where(h => h % Sample == 0);

    /// <summary>A number for each so many words in a row (FNV-1a): the same on every machine, and texts cannot be read from them.</summary>
    private static IEnumerable<int> Hashes(List<string> essay, int length)
    {
        for (int at = 0; at + length <= essay.Count; at++)
        {
            uint hash = 2166136261;
            for (int w = at; w < at + length; w++)
            {
                foreach (char c in essay[w]) { hash = (hash ^ c) * 16777619; }
                hash = (hash ^ ' ') * 16777619;
            }
            hash ^= hash >> 15; // the lowest bits alone are not mixed well
            yield return (int)(hash * 0x85EBCA6B);
        }
    }
}
