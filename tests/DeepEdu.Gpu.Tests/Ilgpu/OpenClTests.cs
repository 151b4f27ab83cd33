using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Gpu.Tests;

/// <summary>Rows of the catalogue on an OpenCL processor: unlike ILGPU's own stand-in it runs the code that is compiled for accelerators. Each kernel takes seconds to compile, so these
/// are one row for each way to launch one.</summary>
public class OpenClTests
{
    private static readonly Lazy<GpuDevice?> s_device = new(() => GpuDevice.OpenClProcessor());

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
    [InlineData("qr")]
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

    /// <summary>As some graphics chips are: what is made in double precision goes to the processor, which is told, or refused.</summary>
    [OpenClFact]
    public void WithoutDoublePrecisionTheProcessorTakesOver()
    {
        using var device = GpuDevice.OpenClProcessor(doubles: false)!;
        List<string> told = [];
        device.Log = told.Add;
        float[] numbers = [4, 1, 1, 3];
        Tensor here = Tensor.Of([2, 2], numbers), there = here.To(device);
        Assert.Equal(here.CumSum(1).ToArray(), there.CumSum(1).ToArray());
        Assert.Equal(here.Inverse().ToArray(), there.Inverse().ToArray());
        foreach (bool again in (bool[])[true, false]) { Assert.Equal(here.Multinomial(2, new Rng(1), again).ToArray(), there.Multinomial(2, new Rng(1), again).ToArray()); }
        float[][] weights = [.. new[] { here, there }.Select(x =>
        {
            Parameter w = new([2, 2], numbers, x.Device);
            new Lbfgs([("w", w)], new() { MaxIterations = 3 }).Step(() => (w - x + 1).Square().Sum());
            return w.ToArray();
        })];
        Assert.Equal(weights[0], weights[1]);
        Assert.Equal(["lbfgs measure", "lbfgs move", "lbfgs remember", "lbfgs turn", "multinomial", "multinomial without replacement", "running sum", "solve"], told.Select(t => t.Split(':')[0]).Order());
        // attention takes none, dropout included: rounding alone may differ
        float[] want = here.Attention(here, here, dropout: 0.5f, rng: new Rng(2)).ToArray(), got = there.Attention(there, there, dropout: 0.5f, rng: new Rng(2)).ToArray();
        for (int i = 0; i < want.Length; i++) { Assert.Equal(want[i], got[i], 1e-5f); }
        // a formula has no way round
        string message = Assert.Throws<NotSupportedException>(() => there.Sin()).Message;
        Assert.Contains("SinFormula", message, StringComparison.Ordinal);
        Assert.Contains("To(CpuDevice.Instance)", message, StringComparison.Ordinal);
        device.Strict = true;
        Assert.Contains("no kernel on", Assert.Throws<NotSupportedException>(() => there.CumSum(1)).Message, StringComparison.Ordinal);
    }

    [OpenClTheory, InlineData("mlp"), InlineData("lstm")]
    public void TrainsAsOnTheProcessor(string model) => DeviceTrainingTests.Check(model, s_device.Value!);
}

/// <summary>Skipped where no OpenCL processor is installed.</summary>
internal sealed class OpenClTheoryAttribute : TheoryAttribute
{
    internal static readonly Lazy<string?> Missing = new(() =>
    {
        using var device = GpuDevice.OpenClProcessor();
        return device is null ? "no OpenCL processor; install PoCL (pocl-opencl-icd) to run kernels as accelerators compile them" : null;
    });

    public OpenClTheoryAttribute() => Skip = Missing.Value;
}

/// <inheritdoc cref="OpenClTheoryAttribute"/>
internal sealed class OpenClFactAttribute : FactAttribute
{
    public OpenClFactAttribute() => Skip = OpenClTheoryAttribute.Missing.Value;
}
