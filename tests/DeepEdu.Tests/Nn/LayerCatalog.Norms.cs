using DeepEdu.Nn;

namespace DeepEdu.Tests.Nn;

internal static partial class LayerCatalog
{
    private static Dictionary<string, Func<Layer>> Norms() => new()
    {
        ["batch-norm-cumulative"] = () => new BatchNorm(4, momentum: null),
        ["batch-norm-plain"] = () => new BatchNorm(4, affine: false),
        ["batch-norm-no-statistics"] = () => new BatchNorm(4, trackStatistics: false),
        ["batch-norm-no-statistics-eval"] = () => new BatchNorm(4, trackStatistics: false),
        ["batch-norm-cumulative-eval"] = () => new BatchNorm(4, momentum: null, affine: false),
        ["layer-norm-eps"] = () => new LayerNorm([3, 2], 0.1f),
        ["group-norm"] = () => new GroupNorm(2, 4),
        ["group-norm-plain"] = () => new GroupNorm(4, 4, 0.1f, affine: false),
        ["group-norm-1"] = () => new GroupNorm(1, 4),
        ["rms-norm"] = () => new RmsNorm(4),
        ["rms-norm-2d"] = () => new RmsNorm([3, 2], 0.1f),
        ["rms-norm-plain"] = () => new RmsNorm(4, 1e-5f, affine: false),
        ["instance-norm"] = () => new InstanceNorm(4),
        ["instance-norm-affine"] = () => new InstanceNorm(4, eps: 0.1f, affine: true),
        ["instance-norm-statistics"] = () => new InstanceNorm(4, momentum: 0.3f, affine: true, trackStatistics: true),
        ["instance-norm-statistics-eval"] = () => new InstanceNorm(4, affine: true, trackStatistics: true),
        ["instance-norm-eval"] = () => new InstanceNorm(4, affine: true),
    };
}
