using DeepEdu.Numerics;
using DeepEdu.Tensors;
using DeepEdu.Training;
using FsCheck;
using FsCheck.Fluent;

namespace DeepEdu.Tests.Training;

public sealed class TunerTests
{
    private static SearchSpace Space => new SearchSpace().Range("lr", 1e-4, 1e-1, log: true).Whole("hidden", 2, 5).Range("drop", 0, 0.5).Choice("cell", "lstm", "gru");

    [Fact]
    public void PointsLieInTheirRangesEvenly()
    {
        const int n = 4000;
        TunerTrial[] trials = [.. Tuner.Random(Space, n, new Rng(1)).Trials];
        double[] rates = [.. trials.Select(t => Math.Log10(t.Point.Number("lr"))).Order()], drops = [.. trials.Select(t => t.Point.Number("drop")).Order()];
        Even(rates, -4, -1);
        Even(drops, 0, 0.5);
        foreach (var (name, values) in new[] { ("hidden", (string[])["2", "3", "4", "5"]), ("cell", ["lstm", "gru"]) })
        {
            var counts = trials.CountBy(t => t.Point.Text(name)).ToDictionary();
            Assert.Equal(values.Order(), counts.Keys.Order());
            Assert.All(counts.Values, c => Assert.InRange(c, 0.9 * n / values.Length, 1.1 * n / values.Length));
        }

        // Kolmogorov and Smirnov's distance, beyond which one of 10,000 such samples is
        static void Even(double[] sorted, double low, double high)
        {
            Assert.InRange(sorted[0], low, high);
            Assert.InRange(sorted[^1], low, high);
            Assert.True(sorted.Select((x, i) => Math.Abs(((x - low) / (high - low)) - ((i + 0.5) / sorted.Length))).Max() < 2.23 / Math.Sqrt(sorted.Length));
        }
    }

    [Fact]
    public void AWholeNumberByItsLogarithmIsSmallMoreOften()
    {
        int[] drawn = [.. Tuner.Random(new SearchSpace().Whole("n", 1, 1_000_000, log: true).Range("x", 0, 1), 3000, new Rng(2)).Trials.Select(t => t.Point.Whole("n"))];
        Assert.InRange(drawn.Min(), 1, 3);
        Assert.InRange(drawn.Max(), 900_000, 1_000_000);
        Assert.InRange(drawn.Count(n => n <= 1000), 1400, 1600);
    }

    [Fact]
    public void OfFewPointsEachIsTriedOnce()
    {
        SearchSpace space = new SearchSpace().Whole("a", 1, 3).Choice("b", 0.5, 2);
        Assert.Equal(6, space.Count);
        foreach (int asked in new[] { 4, 6, 100 })
        {
            string[] tried = [.. Tuner.Random(space, asked, new Rng(3)).Trials.Select(t => t.Point.ToString())];
            Assert.Equal(Math.Min(6, asked), tried.Distinct().Count());
            Assert.Equal(tried.Length, tried.Distinct().Count());
        }
        Assert.Contains("a 2, b 0.5", Tuner.Random(space, 6, new Rng(3)).Trials.Select(t => t.Point.ToString()));
    }

    /// <summary>The table of Li et al. 2018, section 3.3: R = 81 epochs, η = 3.</summary>
    [Fact]
    public void BracketsAreThoseOfThePaper()
    {
        Tuner tuner = Tuner.Hyperband(Space, 81 + 34 + 15 + 8 + 5, 81, new Rng(1));
        List<(int Bracket, int Until)> asked = [];
        int[] firsts = [0, 81, 115, 130, 138];
        while (tuner.Next() is { } trial)
        {
            asked.Add((Array.FindLastIndex(firsts, f => trial.Number > f), trial.Until));
            tuner.Tell(trial, trial.Number % 7);
        }
        Assert.Equal(
        [
            (0, 1, 81), (0, 3, 27), (0, 9, 9), (0, 27, 3), (0, 81, 1), (1, 3, 34), (1, 9, 11), (1, 27, 3), (1, 81, 1), (2, 9, 15), (2, 27, 5), (2, 81, 1), (3, 27, 8), (3, 81, 2), (4, 81, 5),
        ], asked.CountBy(a => a).Select(a => (a.Key.Bracket, a.Key.Until, a.Value)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void TheBestGoOn(bool higher)
    {
        Tuner tuner = Tuner.Halving(Space, 9, 10, new Rng(4), higherIsBetter: higher);
        List<(int, int)> asked = [];
        double[] worth = [.1, .2, double.NaN, .9, .8, .7, .3, .3, .05];
        while (tuner.Next() is { } trial)
        {
            asked.Add((trial.Number, trial.Until));
            tuner.Tell(trial, worth[trial.Number - 1]);
        }
        int[] best = higher ? [4, 5, 6] : [1, 2, 9];
        Assert.Equal([.. Enumerable.Range(1, 9).Select(t => (t, 2)), .. best.Select(t => (t, 4)), (higher ? 4 : 9, 10)], asked);
        Assert.Equal(higher ? 4 : 9, tuner.Best!.Number);
    }

    [Fact]
    public void FailedTrialsGoNoFurther()
    {
        Tuner tuner = Tuner.Halving(Space, 9, 9, new Rng(5));
        int asked = 0;
        for (; tuner.Next() is { } trial; asked++) { tuner.Tell(trial, trial.Number == 2 ? 1 : double.NaN); }
        Assert.Equal((11, 2), (asked, tuner.Best!.Number));
        tuner = Tuner.Random(Space, 2, new Rng(5));
        while (tuner.Next() is { } trial) { tuner.Tell(trial, double.NaN); }
        Assert.Null(tuner.Best);
    }

    [Fact]
    public void ItGoesOnFromItsState() => Properties.Hold(60, Prop.ForAll(Gen.Choose(0, 1 << 20).ToArbitrary(), seed => GoesOn(new Rng((ulong)seed))));

    private static void GoesOn(Rng draw)
    {
        int n = 1 + draw.Next(30), full = 1 + draw.Next(40), told = draw.Next(60);
        ulong seed = draw.NextUInt64();
        bool hyperband = draw.Next(2) == 0;
        Tuner Make() => hyperband ? Tuner.Hyperband(Space, n, full, new Rng(seed)) : Tuner.Halving(Space, n, full, new Rng(seed));
        static double Worth(TunerTrial trial) => Math.Sin(trial.Number * 12.9898) + (1.0 / trial.Until);
        Tuner whole = Make(), first = Make(), second = Make();
        List<(int, int)> order = [], again = [];
        int begun = 0;
        while (whole.Next() is { } trial)
        {
            order.Add((trial.Number, trial.Until));
            whole.Tell(trial, Worth(trial));
        }
        for (; begun < told && first.Next() is { } trial; begun++) { first.Tell(trial, Worth(trial)); }
        StateDict state = new();
        first.SaveState(state);
        second.LoadState(state);
        while (second.Next() is { } trial)
        {
            again.Add((trial.Number, trial.Until));
            second.Tell(trial, Worth(trial));
        }
        Assert.Equal(order.Skip(begun), again);
        Assert.Equal((whole.Best!.Number, whole.Best.Value, full), (second.Best!.Number, second.Best.Value, second.Best.Told[^1].Until));
        Assert.Equal(n, whole.Trials.Count(t => t.Told.Count > 0)); // each is begun
        Assert.All(whole.Trials, t => Assert.Equal(t.Told.Select(v => v.Until).Distinct().Order(), t.Told.Select(v => v.Until)));
    }

    [Fact]
    public void WhatCannotBeSearchedIsSaid()
    {
        Assert.Contains("lr from 0 to 1, in its logarithm: it takes a finite range with its lower end first, above 0", Assert.Throws<ArgumentException>(() => new SearchSpace().Range("lr", 0, 1, log: true)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new SearchSpace().Range("lr", 1, 1));
        Assert.Throws<ArgumentException>(() => new SearchSpace().Whole("n", 5, 4));
        Assert.Contains("each once", Assert.Throws<ArgumentException>(() => new SearchSpace().Choice("a", "x", "x")).Message, StringComparison.Ordinal);
        Assert.Contains("searched already", Assert.Throws<ArgumentException>(() => Space.Range("lr", 0, 1)).Message, StringComparison.Ordinal);
        Assert.Contains("no setting", Assert.Throws<ArgumentException>(() => Tuner.Random(new(), 3, new Rng(1))).Message, StringComparison.Ordinal);
        Tuner tuner = Tuner.Random(Space, 3, new Rng(1)), other = Tuner.Random(Space, 3, new Rng(2));
        Assert.Contains("trial 2 is told, but trial 1 is next", Assert.Throws<ArgumentException>(() => tuner.Tell(tuner.Trials[1], 0)).Message, StringComparison.Ordinal);
        Assert.Contains("there are lr, hidden, drop, cell", Assert.Throws<KeyNotFoundException>(() => tuner.Trials[0].Point.Number("rate")).Message, StringComparison.Ordinal);
        StateDict state = new();
        tuner.SaveState(state);
        Assert.Contains("another search", Assert.Throws<InvalidDataException>(() => other.LoadState(state)).Message, StringComparison.Ordinal);
    }
}
