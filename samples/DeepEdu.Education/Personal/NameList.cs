using System.Text.RegularExpressions;
using DeepEdu.Education.Data;

namespace DeepEdu.Education.Personal;

/// <summary>Names to look for in texts, of one word or several. A word of a name is found whatever its case, if its first letter is a capital in the text: "Will" is, "will" is not; names that begin sentences as words do are found there too.</summary>
internal sealed partial class NameList
{
    private readonly Dictionary<string, List<string[]>> _byFirst = new(StringComparer.OrdinalIgnoreCase);

    /// <param name="names">Each of one word or several.</param>
    public NameList(IEnumerable<string> names)
    {
        foreach (string name in names)
        {
            string[] words = [.. Word().Matches(name).Cast<Match>().Select(m => m.Value)];
            if (words.Length == 0) { continue; }
            Count++;
            if (!_byFirst.TryGetValue(words[0], out List<string[]>? own)) { _byFirst[words[0]] = own = []; }
            own.Add(words);
        }
        foreach (List<string[]> own in _byFirst.Values) { own.Sort((a, b) => b.Length - a.Length); } // the longest first
    }

    public int Count { get; }

    /// <summary>A name a line; empty lines are passed over.</summary>
    public static NameList Read(string path)
    {
        if (!File.Exists(path)) { throw new DataException($"--names {path}: no such file; give a list with a name on each line."); }
        NameList names = new(TextSource.ReadAll(path).Split('\n'));
        return names.Count > 0 ? names : throw new DataException($"--names {path}: holds no name; it takes one on each line.");
    }

    /// <summary>Where names stand.</summary>
    public IEnumerable<(int At, int Length)> Find(string text)
    {
        Match[] words = [.. Word().Matches(text).Cast<Match>()];
        for (int w = 0; w < words.Length; w++)
        {
            if (!char.IsUpper(words[w].Value[0]) || !_byFirst.TryGetValue(words[w].Value, out List<string[]>? names)) { continue; }
            string[]? name = names.Find(n => w + n.Length <= words.Length && Enumerable.Range(0, n.Length).All(k => Is(words[w + k].Value, n[k]) && (k == 0 || Near(words[w + k - 1], words[w + k]))));
            if (name is null) { continue; }
            Match last = words[w + name.Length - 1];
            yield return (words[w].Index, last.Index + last.Length - words[w].Index);
            w += name.Length - 1;
        }

        bool Near(Match a, Match b) => text.AsSpan(a.Index + a.Length, b.Index - a.Index - a.Length) is var between && between.Length <= 2 && between.Trim().Trim("-.").IsEmpty;
        static bool Is(string word, string name) => string.Equals(word, name, StringComparison.OrdinalIgnoreCase) && (char.IsUpper(word[0]) || char.IsLower(name[0]));
    }

    [GeneratedRegex(@"\p{L}[\p{L}\p{M}]*", RegexOptions.CultureInvariant)]
    private static partial Regex Word();
}
