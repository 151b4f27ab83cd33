using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Ops;

public class BagTests
{
    /// <summary>Rounding hardly grows with a bag's length: rows added one after the other would be off by ten times as much. Lengths around those at which parts and halves begin.</summary>
    [Theory]
    [InlineData(BagMode.Sum, 100_003)]
    [InlineData(BagMode.Mean, 100_003)]
    [InlineData(BagMode.Mean, 128)]
    [InlineData(BagMode.Mean, 129)]
    [InlineData(BagMode.Sum, 256)]
    [InlineData(BagMode.Sum, 257)]
    [InlineData(BagMode.Sum, 16384)]
    [InlineData(BagMode.Sum, 16385)]
    [InlineData(BagMode.Sum, 33000)]
    [Trait("Width", "yes")]
    public void LongBagsAreSumsOfParts(BagMode mode, int length)
    {
        const int Rows = 1000, Width = 37, Padding = 7;
        var rng = new Rng(2);
        var table = Tensor.Uniform([Rows, Width], rng);
        var index = Indices.Uniform([1, length], rng, 0, Rows);
        double[] sums = new double[Width];
        float[] values = table.ToArray();
        int count = 0;
        foreach (int row in index.Span)
        {
            if (row == Padding) { continue; }
            count++;
            for (int i = 0; i < Width; i++) { sums[i] += values[(row * Width) + i]; }
        }
        float[] y = table.EmbeddingBag(index, mode, padding: Padding).ToArray();
        for (int i = 0; i < Width; i++)
        {
            double want = mode == BagMode.Mean ? sums[i] / count : sums[i];
            Assert.Equal(want, y[i], 1e-6 * want); // a hundred roundings of a part of 128, a hundred of such parts, and one of each halving above them
        }
    }
}
