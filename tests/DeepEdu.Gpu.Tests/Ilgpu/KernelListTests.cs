using System.Text.RegularExpressions;
using DeepEdu.Devices;
using DeepEdu.Tensors;
using DeepEdu.Tests.House;

namespace DeepEdu.Gpu.Tests;

/// <summary>docs/gpu.md names the kernels of the core that have no body on accelerators; here they are counted.</summary>
public class KernelListTests
{
    [Fact]
    public void ThePageNamesWhatHasNoKernel()
    {
        using var device = GpuDevice.Simulated();
        Type[] kernels = [.. typeof(Tensor).Assembly.GetTypes().Where(t => t.IsValueType && typeof(IKernel).IsAssignableFrom(t))];
        Assert.True(kernels.Length > 30);
        string[] without = [.. kernels.Where(k => !device.HasBody(k)).Select(k => k.Name.Split('`')[0]).Order(StringComparer.Ordinal)];
        string page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "gpu.md")), line = Assert.Single(Regex.Matches(page, @"^Without a kernel: (.*)\.$", RegexOptions.Multiline)).Groups[1].Value;
        Assert.Equal(without, Regex.Matches(line, "`(.+?)`").Select(m => m.Groups[1].Value).Order(StringComparer.Ordinal));
    }
}
