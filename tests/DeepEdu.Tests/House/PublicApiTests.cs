namespace DeepEdu.Tests.House;

/// <summary>The public surface is a promise: a change of it shows in review as a change of PublicApi.approved.txt, or of the other package's.
/// <c>DEEPEDU_APPROVE_API=1 dotnet test --filter PublicApi</c> writes the file anew.</summary>
public class PublicApiTests
{
    [Theory]
    [InlineData(typeof(DeepEdu.Tensors.Tensor), "PublicApi.approved.txt")]
    [InlineData(typeof(DeepEdu.Distributed.TcpGroup), "PublicApi.Distributed.approved.txt")]
    public void ThePublicSurfaceIsAsRecorded(Type one, string file)
    {
        ArgumentNullException.ThrowIfNull(one);
        string path = Path.Combine(Repository.Root, "tests", "DeepEdu.Tests", "House", file);
        string actual = PublicApi.Describe(one.Assembly);
        if (Environment.GetEnvironmentVariable("DEEPEDU_APPROVE_API") == "1") { File.WriteAllText(path, actual); }
        string[] recorded = File.ReadAllLines(path), now = actual.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Empty(now.Except(recorded).Select(l => "new: " + l).Concat(recorded.Except(now).Select(l => "gone: " + l)));
    }
}
