using DeepEdu.Data;
using DeepEdu.Numerics;

namespace DeepEdu.Tests.Data;

public class BatchesTests
{
    [Theory]
    [InlineData(10, 3, false, 4)]
    [InlineData(10, 3, true, 3)]
    [InlineData(9, 3, true, 3)]
    [InlineData(2, 5, true, 0)]
    [InlineData(0, 5, false, 0)]
    public void EveryRowComesOnce(int rows, int size, bool dropLast, int count)
    {
        var batches = new Batches(rows, size, new Rng(1), dropLast);
        int[][] epoch = [.. batches.Epoch(0)];
        Assert.Equal(count, batches.Count);
        Assert.Equal(count, epoch.Length);
        int[] seen = [.. epoch.SelectMany(b => b)];
        Assert.Equal(seen.Length, seen.Distinct().Count());
        Assert.Equal(dropLast ? count * size : rows, seen.Length);
        Assert.All(seen, r => Assert.InRange(r, 0, rows - 1));
    }

    [Fact]
    public void AnEpochIsAFunctionOfSeedAndNumber()
    {
        Batches one = new(50, 7, new Rng(5)), two = new(50, 7, new Rng(5));
        _ = one.Epoch(0).Count();
        Assert.Equal(one.Epoch(3).SelectMany(b => b), two.Epoch(3).SelectMany(b => b));
        Assert.NotEqual(one.Epoch(3).SelectMany(b => b), one.Epoch(4).SelectMany(b => b));
    }

    [Fact]
    public void WithoutRandomnessRowsKeepTheirOrder() => Assert.Equal(Enumerable.Range(0, 10), new Batches(10, 4).Epoch(2).SelectMany(b => b));
}
