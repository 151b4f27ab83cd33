namespace DeepEdu.Gpu.Tests;

/// <summary>Rows of the catalogue on an OpenCL processor: unlike ILGPU's own stand-in it runs the code that is compiled for accelerators. Each kernel takes seconds to compile, so these
/// are one row for each way to launch one.</summary>
public class OpenClTests
{
    private static readonly Lazy<GpuDevice?> s_device = new(GpuDevice.OpenClProcessor);

    [OpenClTheory]
    [InlineData("exp")]
    [InlineData("add")]
    [InlineData("sum")]
    [InlineData("sum 0")]
    [InlineData("matmul-tn")]
    [InlineData("linear-relu")]
    [InlineData("softmax")]
    [InlineData("layer-norm")]
    [InlineData("gather")]
    [InlineData("solve")]
    [InlineData("slogdet")]
    [InlineData("det")]
    [InlineData("cholesky")]
    [InlineData("least-squares")]
    [InlineData("eigh-vectors")]
    [InlineData("svd-left")]
    public void EqualsTheProcessor(string row) => DeviceCatalogTests.Check(row, s_device.Value!);

    [OpenClTheory, InlineData(false), InlineData(true)]
    public void MatrixProducts(bool wide) => DeviceMatMulTests.EveryTransposeEqualsTheProcessor(s_device.Value!, 130, 20, 67, wide ? Kernels.ProductTile.Wide : Kernels.ProductTile.Small);

    [OpenClTheory, InlineData(MatMulPrecision.High), InlineData(MatMulPrecision.Medium)]
    public void WithoutTensorCoresTheSwitchSaysSo(MatMulPrecision precision)
    {
        var device = s_device.Value!;
        List<string> told = [];
        (device.Log, device.Strict) = (told.Add, false);
        device.MatMulPrecision = precision;
        Assert.Contains("no tensor cores", Assert.Single(told), StringComparison.Ordinal);
        device.Strict = true;
        Assert.Throws<NotSupportedException>(() => device.MatMulPrecision = precision);
        device.MatMulPrecision = MatMulPrecision.Highest;
    }

    [OpenClTheory, InlineData("mlp"), InlineData("lstm")]
    public void TrainsAsOnTheProcessor(string model) => DeviceTrainingTests.Check(model, s_device.Value!);
}

/// <summary>Skipped where no OpenCL processor is installed.</summary>
internal sealed class OpenClTheoryAttribute : TheoryAttribute
{
    private static readonly Lazy<string?> s_missing = new(() =>
    {
        using var device = GpuDevice.OpenClProcessor();
        return device is null ? "no OpenCL processor; install PoCL (pocl-opencl-icd) to run kernels as accelerators compile them" : null;
    });

    public OpenClTheoryAttribute() => Skip = s_missing.Value;
}
