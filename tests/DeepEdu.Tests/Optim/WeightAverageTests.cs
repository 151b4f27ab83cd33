using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Optim;

public class WeightAverageTests
{
    [Fact]
    public void TheMeanFollowsTheParametersAndStandsInForThem()
    {
        var w = new Parameter([2], [0, 8]);
        var average = new WeightAverage([("w", w)], 0.75f);
        w.CopyFrom([4, 0]);
        average.Update();
        w.CopyFrom([8, 0]);
        average.Update();
        using (average.Apply()) { Assert.Equal([2.75f, 4.5f], w.ToArray()); }
        Assert.Equal([8, 0], w.ToArray());
        using var again = average.Apply();
        Assert.Equal([2.75f, 4.5f], w.ToArray());
        again.Dispose();
        again.Dispose();
        Assert.Equal([8, 0], w.ToArray());
    }

    [Theory]
    [InlineData(1f)]
    [InlineData(-0.1f)]
    [InlineData(float.NaN)]
    public void ADecayOutsideItsRangeIsRefused(float decay) =>
        Assert.Contains("decay", Assert.Throws<ArgumentOutOfRangeException>(() => new WeightAverage([], decay)).Message, StringComparison.Ordinal);
}
