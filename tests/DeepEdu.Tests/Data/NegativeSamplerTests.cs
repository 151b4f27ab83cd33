using DeepEdu.Data;
using DeepEdu.Numerics;

namespace DeepEdu.Tests.Data;

public class NegativeSamplerTests
{
    // item i was taken by i + 1 of the ten users; user u took the items from 9 − u on
    private static readonly TakenItems s_taken = new([.. Enumerable.Range(0, 10).Select(u => Enumerable.Range(9 - u, u + 1).ToArray())], 10);

    [Fact]
    public void TakenItemsAreKnown()
    {
        Assert.Equal(Enumerable.Range(1, 10), s_taken.Popularity());
        Assert.Equal((10, 10), (s_taken.Users, s_taken.Items));
        Assert.True(s_taken.Has(2, 7));
        Assert.False(s_taken.Has(2, 6));
        Assert.Equal([1, 4], new TakenItems([[4, 1, 4]], 5).Of(0));
        Assert.Contains("user 1 took item 5, outside 0..4", Assert.Throws<ArgumentOutOfRangeException>(() => new TakenItems([[], [5]], 5)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(-1)] // uniform
    [InlineData(1)]
    [InlineData(0.75)]
    public void DrawsFollowTheirWeightsAndAvoidWhatWasTaken(double alpha)
    {
        var sampler = alpha < 0 ? NegativeSampler.Uniform(s_taken) : NegativeSampler.Popular(s_taken, alpha);
        var rng = new Rng(1);
        int[] counts = new int[10];
        for (int i = 0; i < 40_000; i++) { counts[sampler.Draw(4, rng)]++; } // who took 5..9
        double[] weights = [.. Enumerable.Range(1, 5).Select(n => alpha < 0 ? 1 : Math.Pow(n, alpha))];
        for (int item = 0; item < 5; item++)
        {
            Assert.InRange(counts[item] / 40_000.0, (weights[item] / weights.Sum()) - 0.0125, (weights[item] / weights.Sum()) + 0.0125); // 5 standard errors of at most √(¼/40000)
        }
        Assert.Equal(0, counts[5..].Sum());
    }

    [Fact]
    public void ARareRestIsFoundAndNoneIsSaid()
    {
        // of 5,000 items only two are left, so 64 draws mostly fail
        var nearly = new TakenItems([[.. Enumerable.Range(0, 5000).Where(i => i is not (17 or 4711))]], 5000);
        var rng = new Rng(2);
        int[] drawn = [.. Enumerable.Range(0, 400).Select(_ => NegativeSampler.Uniform(nearly).Draw(0, rng))];
        Assert.Equal([17, 4711], drawn.Distinct().Order());
        Assert.InRange(drawn.Count(d => d == 17), 150, 250); // 5 standard errors of 10
        Assert.Contains("user 9 took every item", Assert.Throws<InvalidOperationException>(() => NegativeSampler.Uniform(s_taken).Draw(9, rng)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TheHardestScoresHighestOfItsCandidates()
    {
        var sampler = NegativeSampler.Uniform(s_taken);
        var rng = new Rng(3);
        int[] hard = [.. Enumerable.Range(0, 3000).Select(_ => sampler.Hardest(4, 3, item => -Math.Abs(item - 1), rng))];
        // the best item is among 3 of 5 with chance 1 − (4/5)³
        Assert.InRange(hard.Count(h => h == 1) / 3000.0, 0.488 - 0.046, 0.488 + 0.046); // 5 standard errors
        Assert.All(hard, h => Assert.InRange(h, 0, 4));
        Assert.Equal(sampler.Draw(4, new Rng(5)), sampler.Hardest(4, 1, _ => 0, new Rng(5)));
    }
}
