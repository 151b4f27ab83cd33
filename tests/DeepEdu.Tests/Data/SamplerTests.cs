using DeepEdu.Data;
using DeepEdu.Numerics;

namespace DeepEdu.Tests.Data;

public class SamplerTests
{
    private static readonly int[] s_labels = [.. Enumerable.Range(0, 120).Select(i => i % 12 == 0 ? 2 : i % 3 == 0 ? 1 : 0)];

    private static IEnumerable<Func<ISampler>> Permuting()
    {
        yield return () => new RandomSampler(120, new Rng(1));
        yield return () => new StratifiedSampler(s_labels, new Rng(1));
        yield return () => GroupSampler.Of(s_labels, new Rng(1));
        yield return () => new WeightedSampler(WeightedSampler.Balancing(s_labels), 120, new Rng(1), replacement: false);
    }

    /// <summary>A curriculum: epochs of one's own sampler grow, and its Count is the most.</summary>
    [Theory, InlineData(false), InlineData(true)]
    public void EpochsMayTakeFewerRowsThanTheMost(bool dropLast)
    {
        var batches = new Batches(new Growing(10, 10), 4, dropLast);
        Assert.Equal(dropLast ? 2 : 3, batches.Count);
        Assert.Equal(dropLast ? [] : [3], batches.Epoch(0).Select(b => b.Length));
        Assert.Equal(dropLast ? [4] : [4, 2], batches.Epoch(1).Select(b => b.Length));
        Assert.Equal(dropLast ? [4, 4] : [4, 4, 1], batches.Epoch(2).Select(b => b.Length));
        Assert.Equal([.. Enumerable.Range(0, 8)], batches.Epoch(2).SelectMany(b => b).Take(8));
        var few = new Batches(new Growing(10, 5), 4, dropLast);
        Assert.Contains("Growing orders 6 rows in epoch 1, but its Count is 5", Assert.Throws<InvalidOperationException>(() => few.Epoch(1).Count()).Message, StringComparison.Ordinal);
    }

    private sealed class Growing(int rows, int count) : ISampler
    {
        public int Count => count;

        public int[] Order(int epoch) => [.. Enumerable.Range(0, Math.Min(rows, 3 * (epoch + 1)))];
    }

    [Fact]
    public void RandomOrdersTakeEveryRowOnceAndFollowTheEpoch()
    {
        foreach (var make in Permuting())
        {
            ISampler one = make(), two = make();
            Assert.Equal(120, one.Count);
            Assert.Equal(one.Order(3), two.Order(3));
            Assert.NotEqual(one.Order(3), one.Order(4));
            Assert.Equal(Enumerable.Range(0, 120), one.Order(5).Order());
        }
    }

    [Fact]
    public void SequentialAndTemporalKeepTheirOrder()
    {
        Assert.Equal([4, 2], new SequentialSampler([4, 2]).Order(1));
        Assert.Equal([2, 0, 3, 1], new TemporalSampler([5, 9, 1, 5]).Order(0));
        Assert.Equal([2, 0, 3, 1], new Batches(new TemporalSampler([5, 9, 1, 5]), 4).Epoch(0).Single());
    }

    [Fact]
    public void WeightedDrawsFollowTheWeights()
    {
        double[] weights = [0, 1, 2, 7];
        int[] drawn = new WeightedSampler(weights, 20_000, new Rng(2)).Order(0);
        for (int i = 0; i < 4; i++)
        {
            double expected = weights[i] / 10;
            Assert.InRange(drawn.Count(d => d == i) / 20_000.0, expected - 0.02, expected + 0.02); // over 5 standard errors of √(¼/20000)
        }
        // without replacement the first row drawn follows the weights too
        var first = Enumerable.Range(0, 4000).Select(e => new WeightedSampler(weights, 3, new Rng(7), replacement: false)).Select((s, e) => s.Order(e)[0]).ToArray();
        Assert.InRange(first.Count(d => d == 3) / 4000.0, 0.66, 0.74); // 5 standard errors of √(0.21/4000)
        Assert.DoesNotContain(0, first);
    }

    [Fact]
    public void BalancedWeightsGiveEveryClassItsShare()
    {
        int[] drawn = new WeightedSampler(WeightedSampler.Balancing(s_labels), 9000, new Rng(3)).Order(0);
        for (int label = 0; label < 3; label++) { Assert.InRange(drawn.Count(d => s_labels[d] == label), 2750, 3250); } // 5 standard errors of √(9000·2/9) = 45
    }

    [Fact]
    public void StratifiedBatchesHoldEachClassNearlyInItsShare()
    {
        foreach (int[] rows in new Batches(new StratifiedSampler(s_labels, new Rng(4)), 24).Epoch(0))
        {
            Assert.InRange(rows.Count(r => s_labels[r] == 2), 1, 3); // 10 of 120, so 2 of 24
            Assert.InRange(rows.Count(r => s_labels[r] == 1), 5, 7); // 30 of 120, so 6 of 24
        }
    }

    [Fact]
    public void GroupsStayTogether()
    {
        string[] students = ["ada", "bo", "ada", "cy", "bo", "ada"];
        int[] order = GroupSampler.Of<string>(students, new Rng(5)).Order(2);
        var runs = order.Select(r => students[r]).Aggregate(new List<string>(), (l, s) => { if (l.Count == 0 || l[^1] != s) { l.Add(s); } return l; });
        Assert.Equal(3, runs.Count);
        Assert.Equal([0, 2, 5], order.Where(r => students[r] == "ada"));
    }

    [Fact]
    public void BucketsHoldLikeLengths()
    {
        var rng = new Rng(6);
        int[] lengths = [.. Enumerable.Range(0, 1000).Select(_ => 1 + rng.Next(200))];
        var buckets = new LengthBuckets(lengths, 16, new Rng(1), pool: 20);
        int[][] batches = [.. buckets.Epoch(0)];
        Assert.Equal(buckets.Count, batches.Length);
        Assert.Equal(Enumerable.Range(0, 1000), batches.SelectMany(b => b).Order());
        Assert.Equal(batches, buckets.Epoch(0));
        Assert.NotEqual(batches.SelectMany(b => b), buckets.Epoch(1).SelectMany(b => b));
        int Padding(IEnumerable<int[]> of) => of.Sum(b => b.Sum(r => b.Max(x => lengths[x]) - lengths[r]));
        Assert.True(Padding(batches) * 5 < Padding(new Batches(1000, 16, new Rng(1)).Epoch(0))); // a pool of 20 batches leaves about a 20th of the spread to a batch
        Assert.Equal(62, new LengthBuckets(lengths, 16, new Rng(1), dropLast: true).Epoch(0).Count(b => b.Length == 16));
        Assert.Empty(new LengthBuckets([], 4, new Rng(1)).Epoch(0));
    }

    [Theory]
    [InlineData(new double[] { }, "no weight is positive")]
    [InlineData(new double[] { 0, 0 }, "no weight is positive")]
    [InlineData(new double[] { 1, -2 }, "weight -2 of 1 is negative")]
    [InlineData(new double[] { double.NaN }, "not finite")]
    public void WeightsThatCannotBeDrawnAreRefused(double[] weights, string expected) =>
        Assert.Contains(expected, Assert.Throws<ArgumentException>(() => new WeightedSampler(weights, 1, new Rng(1))).Message, StringComparison.Ordinal);

    [Fact]
    public void TooManyWithoutReplacementIsRefused() =>
        Assert.Contains("only 2 have a positive weight", Assert.Throws<ArgumentException>(() => new WeightedSampler([1, 0, 1], 3, new Rng(1), replacement: false)).Message, StringComparison.Ordinal);

    [Fact]
    public void LengthBucketsOfSomeRowsHoldTheseOnly()
    {
        int[] lengths = [9, 1, 8, 2, 7, 3, 6, 4], rows = [7, 0, 2, 5];
        int[][] batches = [.. new LengthBuckets(rows, lengths, 2, new Rng(1), pool: 2).Epoch(3)];
        Assert.Equal([[0, 2], [5, 7]], batches.Select(b => b.Order().ToArray()).OrderBy(b => b[0]));
    }

    [Fact]
    public void ClassesAreCountedBeyondWhatAFloatCounts()
    {
        int[] labels = new int[(1 << 24) + 64];
        labels.AsSpan(0, 64).Fill(1);
        float[] weights = ClassWeights.Balanced(labels, 2).ToArray();
        Assert.Equal([labels.Length / (2.0 * (1 << 24)), labels.Length / (2.0 * 64)], weights.Select(w => (double)w), (a, b) => Math.Abs(a - b) < 1e-6 * a);
    }
}
