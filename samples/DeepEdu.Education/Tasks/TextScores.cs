using DeepEdu.Data;
using DeepEdu.Education.Report;
using DeepEdu.Metrics;

namespace DeepEdu.Education.Tasks;

/// <summary>What a text that was made is like: how varied, how much it repeats itself, and how much of it stands in the text learned from. Counted in words, whatever the tokens were.</summary>
internal static class TextScores
{
    private const int Repeated = 4, Copied = 6; // words

    /// <summary>distinct_1 and distinct_2 (Li et al. 2016); which share of runs of four words came before in the same text; which share of runs of six words stands in <paramref name="learned"/>, the words learned from.</summary>
    public static Score[] Of(string text, IEnumerable<string> learned)
    {
        string[] words = [.. WordTokenizer.Split(text)];
        DistinctNGrams one = new(1), two = new(2);
        one.Add(words);
        two.Add(words);
        string[] runs = Runs(words, Repeated), longer = Runs(words, Copied);
        HashSet<string> copied = Standing([.. longer], learned);
        return
        [
            new("distinct_1", one.Value), new("distinct_2", two.Value),
            new("repeated", runs.Length == 0 ? double.NaN : 1 - (runs.Distinct().Count() / (double)runs.Length)),
            new("copied", longer.Length == 0 ? double.NaN : longer.Count(copied.Contains) / (double)longer.Length),
        ];
    }

    // which of the runs stand in a text; of that only the last words are kept
    private static HashSet<string> Standing(HashSet<string> runs, IEnumerable<string> text)
    {
        HashSet<string> ends = [.. runs.Select(r => r[(r.LastIndexOf(' ') + 1)..])], found = [];
        Queue<string> last = new();
        foreach (string word in text)
        {
            last.Enqueue(word);
            if (last.Count > Copied) { last.Dequeue(); }
            if (last.Count == Copied && ends.Contains(word) && string.Join(' ', last) is var run && runs.Contains(run)) { found.Add(run); }
        }
        return found;
    }

    private static string[] Runs(string[] words, int length) => words.Length < length ? [] : [.. Enumerable.Range(0, words.Length - length + 1).Select(at => string.Join(' ', words[at..(at + length)]))];
}
