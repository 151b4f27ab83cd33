using DeepEdu.Data;
using DeepEdu.Education.Report;
using DeepEdu.Metrics;

namespace DeepEdu.Education.Tasks;

/// <summary>What a text that was made is like: how varied, how much it repeats itself, and how much of it stands in the text learned from. Counted in words, whatever the tokens were.</summary>
internal static class TextScores
{
    private const int Repeated = 4, Copied = 6; // words

    /// <summary>distinct_1 and distinct_2 (Li et al. 2016); which share of runs of four words came before in the same text; which share of runs of six words stands in <paramref name="learned"/>.</summary>
    public static Score[] Of(string text, HashSet<string> learned)
    {
        string[] words = [.. WordTokenizer.Split(text)];
        DistinctNGrams one = new(1), two = new(2);
        one.Add(words);
        two.Add(words);
        string[] runs = Runs(words, Repeated), longer = Runs(words, Copied);
        return
        [
            new("distinct_1", one.Value), new("distinct_2", two.Value),
            new("repeated", runs.Length == 0 ? double.NaN : 1 - (runs.Distinct().Count() / (double)runs.Length)),
            new("copied", longer.Length == 0 ? double.NaN : longer.Count(learned.Contains) / (double)longer.Length),
        ];
    }

    /// <summary>The runs of words of a text learned from, for <see cref="Of"/>.</summary>
    public static HashSet<string> Learned(string text) => [.. Runs([.. WordTokenizer.Split(text)], Copied)];

    private static string[] Runs(string[] words, int length) => words.Length < length ? [] : [.. Enumerable.Range(0, words.Length - length + 1).Select(at => string.Join(' ', words[at..(at + length)]))];
}
