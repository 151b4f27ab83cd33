using DeepEdu.Optim;

namespace DeepEdu.Tests.Optim;

/// <summary>Line searches along functions that curve in all ways, among them the first two of Moré and Thuente 1994, from five first lengths each: where they end, and after how many looks, is
/// PyTorch's (torch.optim.lbfgs), computed in doubles by both.</summary>
public class StrongWolfeTests
{
    private static readonly double[] s_first = [0.01, 0.3, 1, 5, 40];

    private static (double F, double Slope) At(string kind, double t) => kind switch
    {
        "parabola" => ((t - 1) * (t - 1), 2 * (t - 1)),
        "far" => ((t - 1000) * (t - 1000) / 1000, 2 * (t - 1000) / 1000),
        "thuente1" => (-t / ((t * t) + 2), ((t * t) - 2) / (((t * t) + 2) * ((t * t) + 2))),
        "thuente2" => (Math.Pow(t + 0.004, 5) - (2 * Math.Pow(t + 0.004, 4)), (5 * Math.Pow(t + 0.004, 4)) - (8 * Math.Pow(t + 0.004, 3))),
        "waves" => (-t + (2 * Math.Sin(3 * t) / 3) - (2 * t) + (0.5 * t * t), -3 + (2 * Math.Cos(3 * t)) + t),
        "quartic" => ((t * t * t * t) - (4 * t * t * t) + (2 * t * t) - t, (4 * t * t * t) - (12 * t * t) + (4 * t) - 1),
        "cliff" => (-t + Math.Exp(4 * (t - 2)), -1 + (4 * Math.Exp(4 * (t - 2)))),
        _ => ((0.5 * Math.Log(Math.Cosh(8 * (t - 0.3)))) - (t * 0.2), (4 * Math.Tanh(8 * (t - 0.3))) - 0.2),
    };

    [Theory]
    [InlineData("parabola", new double[] { 0.1, 0.3, 1.0, 1.0, 1.0 }, new[] { 2, 1, 1, 2, 2 })]
    [InlineData("far", new double[] { 550.5, 300.0, 100.0, 500.0, 400.0 }, new[] { 6, 4, 3, 3, 2 })]
    [InlineData("thuente1", new double[] { 0.8230493060851504, 0.3, 1.0, 5.0, 40.0 }, new[] { 3, 1, 1, 1, 1 })]
    [InlineData("thuente2", new double[] { 1.5960000009454496, 1.596000003192028, 1.5960000000001957, 1.5959999999998293, 1.596000000001169 }, new[] { 7, 6, 7, 8, 10 })]
    [InlineData("waves", new double[] { 1.66774112625, 1.6515, 1.6591549076186098, 5.0, 2.3793927045453684 }, new[] { 4, 2, 3, 1, 4 })]
    [InlineData("quartic", new double[] { 0.05505, 0.3, 2.6594912088444476, 2.659303575335045, 2.6803118168946236 }, new[] { 2, 1, 5, 4, 4 })]
    [InlineData("cliff", new double[] { 1.637539644752427, 1.5069309211055182, 1.6629240767590365, 1.455674578155305, 1.5012895784382985 }, new[] { 6, 4, 4, 4, 9 })]
    [InlineData("bend", new double[] { 0.44772627871654913, 0.3, 0.28182908450923894, 0.28273794997447455, 0.2802696536698416 }, new[] { 3, 1, 2, 3, 4 })]
    public void ItEndsWherePyTorchEnds(string kind, double[] lengths, int[] looks)
    {
        for (int i = 0; i < s_first.Length; i++)
        {
            List<double> seen = [];
            HashSet<int> kept = [];
            StrongWolfe.Point Look(double t)
            {
                var (f, slope) = At(kind, t);
                seen.Add(t);
                kept.Add(seen.Count - 1);
                Assert.InRange(kept.Count, 1, 4); // the start, two ends and one between
                return new(t, f, seen.Count - 1, slope);
            }
            var start = Look(0);
            var found = StrongWolfe.Search(Look, place => Assert.True(kept.Remove(place)), start, s_first[i], 1, 1e-9);
            Assert.Equal([0, found.Place], kept.Order());
            Assert.Equal(lengths[i], found.T, 1e-6 * lengths[i]);
            Assert.Equal(looks[i], seen.Count - 1);
            Assert.Equal(seen[found.Place], found.T);
            Assert.Equal(At(kind, found.T).F, found.Loss);
            Assert.Equal(At(kind, found.T).Slope, found.Slope);
        }
    }

    /// <summary>A bracket that is narrower than asked along the widest direction is not cut, and no search looks for ever.</summary>
    [Fact]
    public void NarrowBracketsAndLongSearchesEnd()
    {
        static StrongWolfe.Point Wall(double t) => new(t, t < 1 ? -t : 5, t == 0 ? 0 : 1, t < 1 ? -1 : 3); // no length flattens the slope
        int seen = 0;
        StrongWolfe.Point Look(double t)
        {
            seen++;
            return Wall(t);
        }
        var narrow = StrongWolfe.Search(Look, _ => { }, Wall(0), 1.5, 1e-3, 1e-3);
        Assert.InRange(seen, 2, 12);
        Assert.InRange(narrow.T, 0, 1);
        seen = 0;
        var found = StrongWolfe.Search(Look, _ => { }, Wall(0), 1.5, 1, 0);
        Assert.Equal(26, seen);
        Assert.InRange(found.T, 0.5, 1);
        seen = 0;
        found = StrongWolfe.Search(t => { seen++; return new(t, -t, 1, -1); }, _ => { }, new(0, 0, 0, -1), 1, 1, 1e-9); // |f′| ≤ 0.9 never holds
        Assert.Equal(26, seen);
        Assert.True(found.T > 1);
    }
}
