using System.Text.RegularExpressions;

namespace DeepEdu.Tests.House;

/// <summary>The rules of the house, read from the text of the source.</summary>
public partial class HouseTests
{
    // A folder may import its own floor and those below. See docs/decisions.
    private static readonly Dictionary<string, int> s_floors = new()
    {
        ["Lanes"] = 1, ["Memory"] = 1, ["Numerics"] = 1, ["Collectives"] = 1,
        ["Devices"] = 2,
        ["Kernels"] = 3,
        ["Tensors"] = 4,
        ["Autograd"] = 5,
        ["Ops"] = 6,
        ["Nn"] = 7, ["Optim"] = 7, ["Data"] = 7, ["Metrics"] = 7,
        ["Io"] = 8, ["Attribution"] = 8, ["Privacy"] = 8,
        ["Training"] = 9,
    };

    [Fact]
    public void EveryFolderOfTheLibraryHasAFloor()
    {
        var folders = Directory.GetDirectories(Path.Combine(Repository.Root, "src", "DeepEdu")).Select(d => Path.GetFileName(d)!)
            .Where(d => d is not ("bin" or "obj"));
        Assert.All(folders, f => Assert.Contains(f, s_floors.Keys));
    }

    [Fact]
    public void UsingLinesOnlyGoDown()
    {
        var upward = new List<string>();
        foreach (string file in Repository.Sources("src/DeepEdu"))
        {
            string folder = Repository.Relative(file).Split('/')[2];
            foreach (Match use in UsingLine().Matches(File.ReadAllText(file)))
            {
                string target = use.Groups[1].Value;
                if (s_floors[target] > s_floors[folder]) { upward.Add($"{Repository.Relative(file)} imports {target}"); }
            }
        }
        Assert.Empty(upward);
    }

    // what it builds on is the interface on the first floor, so that any other transport can be built likewise
    [Fact]
    public void TheProcessPackageImportsTheCollectivesAlone() => Assert.Equal(["Collectives"], Repository.Sources("src/DeepEdu.Distributed")
        .SelectMany(f => UsingLine().Matches(File.ReadAllText(f))).Select(m => m.Groups[1].Value).Distinct());

    [Fact]
    public void NamespaceFollowsFolder()
    {
        var wrong = Repository.Sources("src/DeepEdu")
            .Where(f => !File.ReadAllText(f).Contains($"namespace DeepEdu.{Repository.Relative(f).Split('/')[2]};", StringComparison.Ordinal))
            .Select(Repository.Relative);
        Assert.Empty(wrong);
    }

    [Theory]
    [InlineData("src")]
    [InlineData("samples")]
    [InlineData("tests")]
    [InlineData("benchmarks")]
    public void AFileIsOneIdea(string folder)
    {
        var long_ = Repository.Sources(folder).Select(f => (File: Repository.Relative(f), Lines: File.ReadLines(f).Count())).Where(f => f.Lines > 420);
        Assert.Empty(long_);
    }

    [Fact]
    public void NothingIsLeftUnfinished()
    {
        var marks = from folder in new[] { "src", "samples", "benchmarks" }
                    from file in Repository.Sources(folder)
                    from line in File.ReadLines(file)
                    where Unfinished().IsMatch(line)
                    select $"{Repository.Relative(file)}: {line.Trim()}";
        Assert.Empty(marks);
    }

    [Fact]
    public void TheLibraryNeitherReflectsNorReachesTheNetwork()
    {
        var uses = from file in Repository.Sources("src/DeepEdu")
                   from line in File.ReadLines(file)
                   where Forbidden().IsMatch(line)
                   select $"{Repository.Relative(file)}: {line.Trim()}";
        Assert.Empty(uses);
    }

    [GeneratedRegex(@"^using (?:static )?DeepEdu\.(\w+)", RegexOptions.Multiline)]
    private static partial Regex UsingLine();

    [GeneratedRegex(@"\b(NotImplementedException|TODO|FIXME|HACK)\b")]
    private static partial Regex Unfinished();

    [GeneratedRegex(@"^using System\.(Reflection|Net|Linq\.Expressions)\b|DllImport|LibraryImport")]
    private static partial Regex Forbidden();
}
