using DeepEdu.Data;
using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Data;

public class PoissonBatchesTests
{
    [Fact]
    public void EveryRowComesByItselfWithTheSameChance()
    {
        int[] given = [.. Enumerable.Range(0, 40).Select(i => 100 + (3 * i))];
        var batches = new PoissonBatches(given, 4, new Rng(1));
        Assert.Equal((40, 4, 0.1, 10), (batches.Rows, batches.Size, batches.Rate, batches.Count));
        int[][] drawn = [.. Enumerable.Range(0, 1000).SelectMany(e => batches.Epoch(e))];
        Assert.Equal(10_000, drawn.Length);
        Assert.All(drawn, b => Assert.Equal(b.Distinct().Order(), b));
        double[] shares = [.. given.Select(r => drawn.Count(b => b.Contains(r)) / 10_000.0)];
        Assert.All(shares, s => Assert.InRange(s, 0.1 - 0.015, 0.1 + 0.015)); // five deviations of √(.1·.9/10,000)
        // sizes are binomial: mean 4, variance 3.6; empty ones have the chance .9⁴⁰ = .0148
        Assert.InRange(drawn.Average(b => b.Length), 3.9, 4.1);
        Assert.InRange(drawn.Average(b => Math.Pow(b.Length - 4, 2)), 3.35, 3.85);
        Assert.InRange(drawn.Count(b => b.Length == 0), 90, 210);
        // two rows come together as often as independent ones do
        Assert.InRange(drawn.Count(b => b.Contains(100) && b.Contains(103)), 50, 150);
    }

    [Fact]
    public void AnEpochIsAFunctionOfSeedAndNumberAndCanBeTakenUpAnywhere()
    {
        PoissonBatches one = new(50, 7, new Rng(5)), two = new(50, 7, new Rng(5)), other = new(50, 7, new Rng(6));
        Assert.Equal(one.Epoch(3), two.Epoch(3));
        Assert.NotEqual(one.Epoch(3), one.Epoch(4));
        Assert.NotEqual(one.Epoch(3), other.Epoch(3));
        Assert.Equal(one.Epoch(3).Skip(4), ((IBatches<int[]>)two).Epoch(3, 4));
        other.LoadState(StateDict.CopyOf(one));
        Assert.Equal(one.Epoch(3), other.Epoch(3));
        Assert.Contains("7 of 50", Assert.Throws<InvalidDataException>(() => new PoissonBatches(60, 7, new Rng(1)).LoadState(StateDict.CopyOf(one))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WholeBatchesAndRareOnes()
    {
        Assert.Equal(Enumerable.Range(0, 6), new PoissonBatches(6, 6, new Rng(1)).Epoch(0).Single());
        // a million rows, four a batch: what is drawn costs no more than that
        var rare = new PoissonBatches(1_000_000, 4, new Rng(2));
        Assert.InRange(rare.Epoch(0).Take(2000).Average(b => b.Length), 3.7, 4.3);
        Assert.InRange(rare.Epoch(0).Take(2000).SelectMany(b => b).Average(), 470_000, 530_000);
        Assert.Contains("only 3", Assert.Throws<ArgumentException>(() => new PoissonBatches(3, 4, new Rng(1))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ASecretStreamIsNeverTheSame()
    {
        Rng a = Rng.Secret(), b = Rng.Secret();
        Assert.NotEqual((a.Seed, a.Stream), (b.Seed, b.Stream));
        Assert.NotEqual(a.NextUInt64(), b.NextUInt64());
    }
}
