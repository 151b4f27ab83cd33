using DeepEdu.Tests.House;

namespace DeepEdu.Gpu.Tests.House;

/// <summary>With ILGPU and without, the package has one public surface: a program that compiles against the one compiles against the other.
/// <c>DEEPEDU_APPROVE_API=1 dotnet test --filter PublicApi</c> writes the file anew.</summary>
public class GpuPublicApiTests
{
    [Fact]
    public void ThePublicSurfaceIsAsRecordedWhetherIlgpuIsThereOrNot()
    {
        string path = Path.Combine(Repository.Root, "tests", "DeepEdu.Gpu.Tests", "House", "PublicApi.approved.txt");
        string actual = PublicApi.Describe(typeof(GpuDevice).Assembly);
        if (Environment.GetEnvironmentVariable("DEEPEDU_APPROVE_API") == "1") { File.WriteAllText(path, actual); }
        string[] recorded = File.ReadAllLines(path), now = actual.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Empty(now.Except(recorded).Select(l => "new: " + l).Concat(recorded.Except(now).Select(l => "gone: " + l)));
    }
}
