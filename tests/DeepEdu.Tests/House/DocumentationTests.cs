using System.Text.RegularExpressions;

namespace DeepEdu.Tests.House;

/// <summary>Code in the documentation compiles and runs: every csharp fence is a top-level program, and a text fence right after it is its exact output.</summary>
[Collection("alone")]
public partial class DocumentationTests
{
    public static TheoryData<string, int> Snippets()
    {
        TheoryData<string, int> data = [];
        foreach (string file in Pages())
        {
            int n = Fences().Count(File.ReadAllText(file));
            for (int i = 0; i < n; i++) { data.Add(Repository.Relative(file), i); }
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Snippets))]
    public void SnippetRunsAndPrintsWhatThePageSays(string file, int index)
    {
        var fence = Fences().Matches(File.ReadAllText(Path.Combine(Repository.Root, file)))[index];
        var (_, printed) = Script.Run(fence.Groups["code"].Value);
        if (fence.Groups["text"] is { Success: true } expected)
        {
            Assert.Equal(expected.Value.ReplaceLineEndings("\n").TrimEnd(), printed);
        }
    }

    [Fact]
    public void EveryLinkBetweenPagesLeadsSomewhere()
    {
        var dead = from link in LinksBetweenPages()
                   where !Path.Exists(link.To) || (link.Heading.Length > 0 && !Headings(link.To).Contains(link.Heading))
                   select $"{Repository.Relative(link.From)} -> {Repository.Relative(link.To)}#{link.Heading}";
        Assert.Empty(dead);
    }

    [Fact]
    public void EveryPageIsLinkedFromAnother()
    {
        var linked = LinksBetweenPages().Where(l => l.From != l.To).Select(l => l.To).ToHashSet();
        Assert.Equal(["CHANGELOG.md", "README.md"], Pages().Where(p => !linked.Contains(p)).Select(Repository.Relative).Order(StringComparer.Ordinal));
    }

    private static IEnumerable<(string From, string To, string Heading)> LinksBetweenPages() =>
        from page in Pages()
        from Match link in Links().Matches(File.ReadAllText(page))
        let target = link.Groups[1].Value.Split('#')
        where !target[0].Contains("://", StringComparison.Ordinal)
        select (page, target[0].Length == 0 ? page : Path.GetFullPath(Path.Combine(Path.GetDirectoryName(page)!, target[0])), target.ElementAtOrDefault(1) ?? "");

    // as they are linked to: small letters, hyphens for blanks, no punctuation
    private static IEnumerable<string> Headings(string page) =>
        from line in File.ReadLines(page)
        where line.StartsWith('#')
        select string.Concat(line.TrimStart('#').Trim().ToLowerInvariant().Where(c => char.IsLetterOrDigit(c) || c is ' ' or '-' or '_')).Replace(' ', '-');

    private static IEnumerable<string> Pages() => Directory.EnumerateFiles(Repository.Root, "*.md")
        .Concat(Directory.EnumerateFiles(Path.Combine(Repository.Root, "docs"), "*.md", SearchOption.AllDirectories))
        .Concat(Directory.EnumerateFiles(Path.Combine(Repository.Root, "samples", "lessons"), "*.md"));

    [GeneratedRegex(@"^```csharp\r?\n(?<code>.*?)^```\r?\n(?:\s*^```text\r?\n(?<text>.*?)^```)?", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fences();

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Links();
}
