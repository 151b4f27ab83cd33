using System.Text.RegularExpressions;

namespace DeepEdu.Tests.House;

/// <summary>Errors begin with the name of what was called, in one style: <c>max-pool2d: ...</c> for MaxPool2d, so that it is found in the documentation.</summary>
public partial class ErrorNameTests
{
    // operators, and what several metrics share
    private static readonly HashSet<string> s_others = ["sub", "mul", "div", "n-grams"];

    private static readonly HashSet<string> s_public = typeof(DeepEdu.Tensors.Tensor).Assembly.GetExportedTypes()
        .SelectMany(t => t.GetMethods().Select(m => m.Name).Append(t.Name.Split('`')[0])).Select(n => n.ToLowerInvariant()).ToHashSet();

    [Fact]
    public void ErrorsBeginWithAPublicName()
    {
        var sources = Repository.Sources("src/DeepEdu").Select(f => (File: f, Text: File.ReadAllText(f))).ToList();
        var takers = sources.SelectMany(s => Taker().Matches(s.Text).Select(m => (Name: m.Groups["name"].Value, In: m.Groups["access"].Value == "private" ? s.File : null))).ToHashSet();
        Assert.True(takers.Count > 50);
        List<string> wrong = [];
        foreach (var (file, text) in sources)
        {
            var names = takers.Where(t => t.In is null || t.In == file).Select(t => t.Name).Distinct();
            var calls = new Regex($@"\b(?:Check\.\w+|{string.Join('|', names)})(?:<\w+>)?\(\$?""(?<op>[^""{{:]+)[""{{:]");
            var ops = Message().Matches(text).Concat(Formula().Matches(text)).Concat(calls.Matches(text)).Select(m => m.Groups["op"].Value);
            wrong.AddRange(ops.Where(op => !IsPublic(op)).Select(op => $"{Repository.Relative(file)}: \"{op}\""));
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    private static bool IsPublic(string op) => s_others.Contains(op) || (Style().IsMatch(op) && s_public.Contains(op.Replace("-", "", StringComparison.Ordinal)));

    [GeneratedRegex("^[a-z0-9]+(-[a-z0-9]+)*$")]
    private static partial Regex Style();

    // a method whose first parameter is the name
    [GeneratedRegex(@"\b(?<access>private|internal|public)\b[^;{}=\n]*?\b(?<name>\w+)(?:<\w+>)?\((?:this \w+ \w+, )?string op\b")]
    private static partial Regex Taker();

    [GeneratedRegex(@"(?:Shape|Argument|ArgumentOutOfRange|InvalidOperation|KeyNotFound)Exception\(\s*(?:nameof\(\w+\),\s*|null,\s*)?\$?""(?<op>[a-z][^"":{]*)(?:: |"", )")]
    private static partial Regex Message();

    // Zip(.., "op")
    [GeneratedRegex(@"\.Zip\w*\([^;]*?Formula[^;]*?, ""(?<op>[a-z][^""]*)""\)")]
    private static partial Regex Formula();
}
