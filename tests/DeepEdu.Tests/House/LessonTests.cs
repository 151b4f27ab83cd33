using Microsoft.CodeAnalysis;

namespace DeepEdu.Tests.House;

/// <summary>Every lesson runs, and its claim is a real one: it holds, and with one thing changed in the lesson it does not.</summary>
[Collection("alone")]
public class LessonTests
{
    /// <summary>A lesson, a place in it, and what there makes its claim false.</summary>
    public static TheoryData<string, string, string> Broken => new()
    {
        { "01-tensors.cs", "correction: 0", "correction: 1" },
        { "02-gradients.cs", "2 * (p - passed[i])", "(p - passed[i])" },
        { "03-gradient-descent.cs", "w -= Rate * dw;", "w -= Rate * db;" },
        { "04-backpropagation.cs", "1 - h.Square()", "1 - h" },
        { "05-initialisation.cs", "Init.KaimingNormal()", "Init.Normal(0, 0.1f)" },
        { "06-learning-rate.cs", "0.1, 0.3]", "0.1, 0.2]" },
        { "07-overfitting.cs", "dropout: 0.5f", "dropout: 0" },
        { "08-convolution.cs", "left: 4", "left: 0" },
        { "09-memory.cs", "Trainings = 300", "Trainings = 30" },
        { "10-attention.cs", "Backwards(words).Flatten()", "words.Flatten()" },
        { "11-recommendation.cs", "Width = 2", "Width = 1" },
        { "12-uncertainty.cs", "alpha: 0.1", "alpha: 0.4" },
        { "13-explanation.cs", "(3 * x[.., 3])", "(3 * x[.., 4])" },
        { "14-determinism.cs", "threads: 1, 50, 100", "threads: 1, 51, 100" },
        { "15-your-own.cs", "L.Sin(x) * L.Sin(x)", "L.Tanh(x)" },
    };

    public static TheoryData<string> Lessons() => [.. Files().Select(f => Path.GetFileName(f)!)];

    [Theory]
    [MemberData(nameof(Lessons))]
    public void LessonRunsAndItsClaimHolds(string lesson)
    {
        var (exit, printed) = Script.Run(Text(lesson), ReportDiagnostic.Error);
        string last = printed.Split('\n')[^1];
        Assert.True(exit == 0 && last.StartsWith("Claim: ", StringComparison.Ordinal) && last.EndsWith(": True", StringComparison.Ordinal), $"exit code {exit}\n{printed}");
    }

    [Theory]
    [MemberData(nameof(Broken))]
    public void LessonSaysSoWhereItsClaimIsFalse(string lesson, string place, string change)
    {
        string text = Text(lesson);
        Assert.Contains(place, text, StringComparison.Ordinal);
        var (exit, printed) = Script.Run(text.Replace(place, change, StringComparison.Ordinal));
        Assert.Equal(1, exit);
        Assert.EndsWith(": False", printed, StringComparison.Ordinal);
    }

    [Fact]
    public void EveryLessonIsShortSaysWhatItShowsAndWhatToTry()
    {
        Assert.All(Files(), file =>
        {
            string[] lines = File.ReadAllLines(file);
            Assert.True(lines.Length <= 80, $"{file} has {lines.Length} lines");
            Assert.StartsWith($"// Lesson {int.Parse(Path.GetFileName(file)[..2])}: ", lines[0], StringComparison.Ordinal);
            Assert.Contains(lines, l => l.StartsWith("// Try: ", StringComparison.Ordinal));
            Assert.Contains("#:project ../../src/DeepEdu/DeepEdu.csproj", lines);
        });
    }

    [Fact]
    public void EveryLessonIsOnThePageInOrderAndCanFail()
    {
        string[] names = [.. Files().Select(f => Path.GetFileName(f)!)];
        var rows = File.ReadLines(Path.Combine(Folder, "README.md")).Where(l => l.StartsWith("| [", StringComparison.Ordinal)).Select(l => l.Split('(', ')')[1]);
        Assert.Equal(names, rows);
        Assert.Equal(names, Broken.Select(b => (string)b[0]));
        Assert.Equal(names.Select((_, i) => $"{i + 1:00}"), names.Select(n => n[..2]));
    }

    private static string Folder => Path.Combine(Repository.Root, "samples", "lessons");

    private static IEnumerable<string> Files() => Directory.EnumerateFiles(Folder, "*.cs").Order(StringComparer.Ordinal);

    private static string Text(string lesson) => File.ReadAllText(Path.Combine(Folder, lesson));
}
