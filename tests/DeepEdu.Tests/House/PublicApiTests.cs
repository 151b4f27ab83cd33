namespace DeepEdu.Tests.House;

/// <summary>The public surface is a promise: a change of it shows in review as a change of PublicApi.approved.txt.
/// <c>DEEPEDU_APPROVE_API=1 dotnet test --filter PublicApi</c> writes the file anew.</summary>
public class PublicApiTests
{
    [Fact]
    public void ThePublicSurfaceIsAsRecorded()
    {
        string path = Path.Combine(Repository.Root, "tests", "DeepEdu.Tests", "House", "PublicApi.approved.txt");
        string actual = PublicApi.Describe(typeof(DeepEdu.Tensors.Tensor).Assembly);
        if (Environment.GetEnvironmentVariable("DEEPEDU_APPROVE_API") == "1") { File.WriteAllText(path, actual); }
        string[] recorded = File.ReadAllLines(path), now = actual.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Empty(now.Except(recorded).Select(l => "new: " + l).Concat(recorded.Except(now).Select(l => "gone: " + l)));
    }
}
