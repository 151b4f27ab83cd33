using DeepEdu.Data;
using DeepEdu.Numerics;

namespace DeepEdu.Tests.Data;

public class DatasetTests
{
    private static readonly IDataset<int> s_ten = Dataset.Of([.. Enumerable.Range(0, 10)]);

    [Fact]
    public void CombinationsAreWhatTheirNamesSay()
    {
        Assert.Equal([0, 1, 4, 9], s_ten.Map(x => x * x).Subset(0, 1, 2, 3).Samples());
        Assert.Equal([5, 7], s_ten.Map((x, i) => x + i + 5).Subset(0, 1).Samples());
        Assert.Equal([1, 3, 5, 7, 9], s_ten.Filter(x => x % 2 == 1).Samples());
        Assert.Equal([9, 9, 0], s_ten.Subset(9, 9, 0).Samples());
        Assert.Equal(["0", "1", "2", "1", "0"], s_ten.Subset(0, 1, 2).Concat(s_ten.Subset(), s_ten.Subset(1), s_ten.Subset(), s_ten.Subset(0)).Map(x => $"{x}").Samples());
        Assert.Equal([0, 3], s_ten.Subset().Concat(s_ten.Subset(0, 3)).Samples());
    }

    [Theory]
    [InlineData(3, 1, 8)]
    [InlineData(3, 3, 3)]
    [InlineData(4, 5, 2)]
    [InlineData(10, 1, 1)]
    [InlineData(11, 1, 0)]
    public void WindowsOfDatasetsAndStreamsAgree(int size, int stride, int count)
    {
        int[][] windows = [.. s_ten.Window(size, stride).Samples()];
        Assert.Equal(count, windows.Length);
        Assert.All(windows.Index(), w => Assert.Equal(Enumerable.Range(w.Index * stride, size), w.Item));
        Assert.Equal(windows, new StreamingDataset<int>(_ => Enumerable.Range(0, 10)).Window(size, stride).Read());
    }

    [Fact]
    public void ACachedSampleIsComputedOnce()
    {
        int computed = 0;
        var data = Dataset.Of(3, i => { computed++; return new object(); }).Cache();
        Assert.Same(data[1], data[1]);
        Assert.NotSame(data[0], data[1]);
        Assert.Equal(2, computed);
    }

    [Fact]
    public void ANumberOutsideIsNamed()
    {
        Assert.Contains("sample 10 is outside 0..9", Assert.Throws<ArgumentOutOfRangeException>(() => s_ten[10]).Message, StringComparison.Ordinal);
        Assert.Contains("sample -1", Assert.Throws<ArgumentOutOfRangeException>(() => s_ten.Subset(2, -1)).Message, StringComparison.Ordinal);
        Assert.Contains("empty dataset", Assert.Throws<ArgumentOutOfRangeException>(() => s_ten.Subset().Cache()[0]).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void StreamsCombineLazilyAndAreReadAnew()
    {
        int opened = 0;
        var stream = new StreamingDataset<int>(epoch => { opened++; return Enumerable.Range(epoch, int.MaxValue - epoch); });
        Assert.Equal([20, 40, 60], stream.Filter(x => x % 2 == 0).Map(x => 10 * x).Take(3, 1).Read(0));
        Assert.Equal([7, 8, 0, 1], stream.Take(2).Read(7).Concat(stream.Take(2).Read(0)));
        Assert.Equal([5, 6, 5], stream.Take(2).Concat(stream.Take(1)).Read(5));
        Assert.Equal(5, opened);
    }

    [Fact]
    public void ABufferShufflesAStreamWithoutLossAndByEpoch()
    {
        var stream = new StreamingDataset<int>(_ => Enumerable.Range(0, 1000)).Shuffle(100, new Rng(1));
        int[] first = [.. stream.Read(0)], again = [.. stream.Read(0)], second = [.. stream.Read(1)];
        Assert.Equal(first, again);
        Assert.NotEqual(first, second);
        Assert.Equal(Enumerable.Range(0, 1000), first.Order());
        Assert.All(first.Index(), x => Assert.True(x.Item <= x.Index + 100)); // none comes before it is read
        Assert.Equal(Enumerable.Range(0, 5), new StreamingDataset<int>(_ => Enumerable.Range(0, 5)).Shuffle(100, new Rng(1)).Read(0).Order());
    }
}
