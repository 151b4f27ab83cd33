using DeepEdu.Devices;
using DeepEdu.Gpu.Kernels;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Gpu.Tests;

/// <summary>Matrix products on a device, with each tile, against the processor's.</summary>
public class DeviceMatMulTests
{
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(3, 5, 2)]
    [InlineData(65, 17, 4)]
    [InlineData(4, 9, 131)]
    [InlineData(130, 20, 68)]
    public void EveryTileAndTransposeEqualsTheProcessor(int m, int k, int n)
    {
        using var device = TestDevice.New();
        EveryTransposeEqualsTheProcessor(device, m, k, n, ProductTile.Wide);
        EveryTransposeEqualsTheProcessor(device, m, k, n, ProductTile.Small);
    }

    internal static void EveryTransposeEqualsTheProcessor(GpuDevice device, int m, int k, int n, ProductTile tile)
    {
        Rng rng = new(7);
        foreach (bool transA in (bool[])[false, true])
        {
            foreach (bool transB in (bool[])[false, true])
            {
                Tensor a = Tensor.Normal(transA ? [k, m] : [m, k], rng), b = Tensor.Normal(transB ? [n, k] : [k, n], rng);
                Close(a.MatMul(b, transA, transB).ToArray(), Run(device, a, b, null, new() { M = m, K = k, N = n, TransA = transA ? 1 : 0, TransB = transB ? 1 : 0 }, tile), k);
            }
        }
    }

    [Theory, InlineData(false), InlineData(true)]
    public void BiasAndReluEndTheProduct(bool wide)
    {
        using var device = TestDevice.New();
        Rng rng = new(8);
        Tensor x = Tensor.Normal([6, 12], rng), w = Tensor.Normal([70, 12], rng), bias = Tensor.Normal([70], rng);
        Close(x.Linear(w, bias, relu: true).ToArray(), Run(device, x, w, bias, new() { M = 6, K = 12, N = 70, TransB = 1, HasBias = 1, Relu = 1 }, wide ? ProductTile.Wide : ProductTile.Small), 12);
    }

    /// <summary>Long sums in pieces, among them one that is shorter and none that is empty, with every transpose; the same bits each time.</summary>
    [Theory]
    [InlineData(5, 70, 3, false, 3)]
    [InlineData(5, 0, 3, false, 3)]
    [InlineData(66, 33, 4, true, 2)]
    [InlineData(3, 40, 9, true, 99)]
    public void PiecesOfSumsAreJoined(int m, int k, int n, bool wide, int pieces)
    {
        var tile = wide ? ProductTile.Wide : ProductTile.Small;
        using var device = TestDevice.New();
        Rng rng = new(12);
        foreach (bool transA in (bool[])[false, true])
        {
            foreach (bool transB in (bool[])[false, true])
            {
                Tensor a = Tensor.Normal(transA ? [k, m] : [m, k], rng), b = Tensor.Normal(transB ? [n, k] : [k, n], rng), bias = Tensor.Normal([n], rng);
                MatMulKernel.Plan plan = new() { M = m, K = k, N = n, TransA = transA ? 1 : 0, TransB = transB ? 1 : 0, HasBias = 1, Relu = 1 };
                float[] got = Run(device, a, b, bias, plan, tile, pieces);
                Close((a.MatMul(b, transA, transB) + bias).Relu().ToArray(), got, k);
                Assert.Equal(got, Run(device, a, b, bias, plan, tile, pieces));
            }
        }
    }

    [Fact]
    public void EachProductOfABatchIsCut()
    {
        using var device = TestDevice.New();
        Tensor a = Tensor.Normal([3, 2, 640], new Rng(13)), b = Tensor.Normal([3, 640, 5], new Rng(14));
        Close(a.MatMul(b).ToArray(), a.To(device).MatMul(b.To(device)).ToArray(), 640);
        Tensor x = Tensor.Normal([2, 640], new Rng(15)), w = Tensor.Normal([5, 640], new Rng(16)), bias = Tensor.Normal([5], new Rng(17));
        Close(x.Linear(w, bias, relu: true).ToArray(), x.To(device).Linear(w.To(device), bias.To(device), relu: true).ToArray(), 640); // one product: in pieces here, too
    }

    /// <summary>An H200 has 132 multiprocessors.</summary>
    [Theory]
    [InlineData(1024, 65536, 1)] // there is enough without
    [InlineData(132, 65536, 1)]
    [InlineData(16, 4096, 16)] // the gradient of 1024 × 256 weights over 4096 rows
    [InlineData(1, 65536, 256)]
    [InlineData(1, 3200, 12)] // no piece below 256 terms
    [InlineData(1, 255, 1)]
    public void PiecesKeepEveryMultiprocessorBusy(long tiles, int k, int pieces) => Assert.Equal(pieces, MatMulKernel.Pieces(tiles, k, 132));

    [Fact]
    public void ABatchAndAnUnalignedPartOfATensor()
    {
        using var device = TestDevice.New();
        Tensor a = Tensor.Normal([3, 4, 8], new Rng(9)), b = Tensor.Normal([8, 4], new Rng(10)), all = Tensor.Normal([33], new Rng(11));
        Close(a.MatMul(b).ToArray(), a.To(device).MatMul(b.To(device)).ToArray(), 8);
        Tensor part = all.Alias([4, 8], 1);
        Close(part.MatMul(b).ToArray(), all.To(device).Alias([4, 8], 1).MatMul(b.To(device)).ToArray(), 8);
    }

    internal static float[] Run(GpuDevice device, Tensor a, Tensor b, Tensor? bias, MatMulKernel.Plan plan, ProductTile tile, int pieces = 1)
    {
        plan.Batch = new(Broadcast.Flat(1));
        Tensor da = a.To(device), db = b.To(device), c = Tensor.Full([plan.M, plan.N], float.NaN, device);
        MatMulKernel.Launch(device, GpuDevice.Of(da.View), GpuDevice.Of(db.View), GpuDevice.Of((bias?.To(device) ?? c).View), GpuDevice.Of(c.View), plan, 1, tile, pieces);
        return c.ToArray();
    }

    // k products are rounded and added in another order than the processor's
    private static void Close(float[] want, float[] got, int k)
    {
        Assert.Equal(want.Length, got.Length);
        for (int i = 0; i < want.Length; i++) { Assert.Equal(want[i], got[i], 1e-6f * k); }
    }
}
