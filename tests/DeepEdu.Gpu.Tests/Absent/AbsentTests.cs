namespace DeepEdu.Gpu.Tests;

/// <summary>Without ILGPU the package says so, and the tests on a device are skipped.</summary>
public class AbsentTests
{
    [Fact]
    public void TheDoctorSaysWhyThereIsNoDevice()
    {
        Assert.False(GpuDevice.IsBuilt);
        Assert.Empty(GpuDevice.All());
        var info = Assert.Single(GpuDevice.Doctor());
        Assert.False(info.Usable);
        Assert.Contains("EnableIlgpu=true", info.ToString(), StringComparison.Ordinal);
        Assert.Contains("EnableIlgpu=true", Assert.Throws<NotSupportedException>(GpuDevice.Best).Message, StringComparison.Ordinal);
    }

    [Fact(Skip = "built without ILGPU: dotnet test tests/DeepEdu.Gpu.Tests -c Release -p:EnableIlgpu=true runs the catalogue of operations on a device")]
    public void TheCatalogueOnADevice() => Assert.Fail("needs ILGPU");
}
