using DeepEdu.Devices;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Gpu.Tests;

/// <summary>Rows that are folded: of every length on both sides of fours, teams and pieces.</summary>
public class FoldsTests
{
    private static readonly Lazy<GpuDevice> s_device = new(TestDevice.New);

    public static TheoryData<int> Lengths => [1, 2, 3, 4, 5, 7, 31, 64, 255, 1023, 1024, 1026, 4095, 4096, 4099, 8200];

    /// <summary>Whole numbers are added up exactly, in any order; every value counts once and nothing beside the row does.</summary>
    [Theory, MemberData(nameof(Lengths))]
    public void EveryValueCountsOnce(int n)
    {
        foreach (int rows in (int[])[1, 3, 70]) { Check(rows, n); }
    }

    private static void Check(int rows, int n)
    {
        const int At = 1, Behind = 5;
        var rng = new Rng(3);
        float[] values = [.. Enumerable.Range(0, (rows * n) + At + Behind).Select(_ => (float)rng.Next(-500, 500))];
        Tensor x = Tensor.Of([values.Length], values, s_device.Value), sums = Tensor.Zeros([rows], s_device.Value);
        foreach (int at in (int[])[0, At])
        {
            View view = new(x.View.Block, x.View.Offset + at, rows * n);
            s_device.Value.Fold(default(Reductions.SumFold), view, rows, n, 1, sums.View);
            Assert.Equal(Enumerable.Range(0, rows).Select(r => values.AsSpan(at + (r * n), n).ToArray().Sum()), sums.ToArray());
        }
    }

    /// <summary>Sixteen bytes at a time or value by value: the same order, so the same bits.</summary>
    [Theory, InlineData(1, 5000), InlineData(9, 132), InlineData(3, 1028)]
    public void WhereARowLiesChangesNoBit(int rows, int n)
    {
        var values = Tensor.Uniform([rows * n], new Rng(5)).ToArray();
        Tensor x = Tensor.Of([values.Length], values, s_device.Value), moved = Tensor.Of([values.Length + 3], [0, 0, 0, .. values], s_device.Value), a = Tensor.Zeros([rows], s_device.Value), b = Tensor.Zeros([rows], s_device.Value);
        s_device.Value.Fold(default(Reductions.SumFold), x.View, rows, n, 1, a.View);
        s_device.Value.Fold(default(Reductions.SumFold), new(moved.View.Block, moved.View.Offset + 3, values.Length), rows, n, 1, b.View);
        Assert.Equal(a.ToArray(), b.ToArray());
    }

    /// <summary>Of some 20,000 numbers from 0 to 1, added one after the other, a sum is off by up to 1e-5 of itself; of parts, by a few roundings of each of three sums.</summary>
    [Theory, InlineData(BagMode.Sum), InlineData(BagMode.Mean)]
    public void LongBagsAreSumsOfParts(BagMode mode)
    {
        const int Rows = 40, Uses = 20_000;
        var rng = new Rng(4);
        var table = Tensor.Uniform([Rows, 2], rng);
        int[] uses = [.. Enumerable.Range(0, Uses).Select(_ => rng.Next(Rows))];
        float[] values = table.ToArray(), got = table.To(s_device.Value).EmbeddingBag(Indices.Of([1, Uses], uses), mode, padding: 3).ToArray();
        for (int column = 0; column < 2; column++)
        {
            double[] taken = [.. uses.Where(r => r != 3).Select(r => (double)values[(2 * r) + column])];
            Assert.Equal(1, got[column] / (mode == BagMode.Sum ? taken.Sum() : taken.Average()), 1e-6);
        }
    }

    [Theory, InlineData(1), InlineData(4), InlineData(7), InlineData(1028)]
    public void FillsWhatItIsTo(int n)
    {
        var x = Tensor.Zeros([n + 9], s_device.Value);
        foreach (int at in (int[])[0, 3, 4])
        {
            x.CopyFrom(new float[n + 9]);
            s_device.Value.Fill(new(x.View.Block, x.View.Offset + at, n), 2);
            Assert.Equal([.. Enumerable.Repeat(0f, at), .. Enumerable.Repeat(2f, n), .. Enumerable.Repeat(0f, 9 - at)], x.ToArray());
        }
    }
}
