using DeepEdu.Numerics;

namespace DeepEdu.Tests.Numerics;

public class RngTests
{
    // Known answers of the authors' library Random123 (file kat_vectors)
    [Theory]
    [InlineData(0UL, 0UL, 0UL, 0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u)]
    [InlineData(ulong.MaxValue, ulong.MaxValue, ulong.MaxValue, 0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu)]
    [InlineData(0x85a308d3243f6a88UL, 0x0370734413198a2eUL, 0x299f31d0a4093822UL, 0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u)]
    public void PhiloxGivesThePublishedWords(ulong low, ulong high, ulong key, uint w0, uint w1, uint w2, uint w3)
        => Assert.Equal((w0, w1, w2, w3), Philox.Block(low, high, key));

    [Fact]
    public void NumbersAreTheWordsOfTheBlocksInOrder()
    {
        var rng = new Rng(7, 9);
        for (ulong block = 0; block < 5; block++)
        {
            var (a, b, c, d) = Philox.Block(block, 9, 7);
            Assert.Equal([a, b, c, d], new[] { rng.NextUInt32(), rng.NextUInt32(), rng.NextUInt32(), rng.NextUInt32() });
        }
        Assert.Equal(20UL, rng.Position);
        Assert.Equal((Philox.Block(5, 9, 7).W0 >> 8) / 16777216f, rng.NextSingle());
    }

    [Fact]
    public void BulkEqualsOneByOneAtEveryOffsetAndLength()
    {
        ulong[] starts = [0, 1, 2, 3, 5, (1UL << 34) - 2, (1UL << 40) + 1]; // carries between counter words included
        foreach (ulong start in starts)
        {
            for (int n = 0; n < 75; n++)
            {
                var bulk = new float[n + 1];
                bulk[n] = 77;
                Rng.UniformAt(3, 4, start, bulk.AsSpan(0, n));
                for (int i = 0; i < n; i++) { Assert.Equal(Rng.UniformAt(3, 4, start + (ulong)i), bulk[i]); }
                Rng.NormalAt(3, 4, start, bulk.AsSpan(0, n));
                for (int i = 0; i < n; i++) { Same(Rng.NormalAt(3, 4, start + (ulong)i), bulk[i]); }
                Assert.Equal(77, bulk[n]);
            }
        }
    }

    [Fact]
    public void FillEqualsNextAndAdvancesThePosition()
    {
        Rng a = new(11), b = new(11);
        var x = new float[1003];
        a.NextSingle();
        b.NextSingle();
        a.FillUniform(x);
        foreach (float v in x) { Assert.Equal(b.NextSingle(), v); }
        a.FillNormal(x);
        foreach (float v in x) { Same(b.NextGaussian(), v); }
        Assert.Equal(2007UL, a.Position);
        Assert.Equal(a.Position, b.Position);
        Assert.Equal(2007UL, a.Reserve(5));
        Assert.Equal(2012UL, a.Position);
    }

    [Fact]
    public void AStreamCanBeTakenUpAtAnyPosition()
    {
        var rng = new Rng(5, 6);
        for (int i = 0; i < 13; i++) { rng.NextUInt32(); }
        var copy = new Rng(rng.Seed, rng.Stream) { Position = rng.Position };
        Assert.Equal(rng.NextUInt64(), copy.NextUInt64());
        Assert.Equal(rng.At(2).NextUInt32(), new Rng(5, 6).At(2).NextUInt32());
        rng.Position = 0;
        Assert.Equal(Rng.UniformAt(5, 6, 0), rng.NextSingle());
    }

    [Fact]
    public void ChildrenDifferAndLeaveTheParentAlone()
    {
        var rng = new Rng(1);
        var seen = new HashSet<(ulong, ulong)> { (rng.Seed, rng.Stream) };
        for (ulong i = 0; i < 20_000; i++) { Assert.True(seen.Add(Key(rng.Split(i)))); }
        for (int i = 0; i < 20_000; i++) { Assert.True(seen.Add(Key(rng.Fork()))); }
        for (ulong i = 0; i < 20_000; i++) { Assert.True(seen.Add(Key(new Rng(1, 1).Split(i)))); }
        Assert.Equal(Key(new Rng(1).Split(3)), Key(rng.Split(3)));
        Assert.NotEqual(Key(new Rng(1).Fork().Fork()), Key(rng.Fork()));
        Assert.Equal(0UL, rng.Position);
        Assert.Equal(20_001UL, rng.Forks);
        static (ulong, ulong) Key(Rng r) => (r.Seed, r.Stream);
    }

    // n = 2²⁰ in 256 cells: χ² has mean 255 and standard deviation √510; the bound is 5 deviations either way
    [Fact]
    public void UniformsFillTheCellsEvenly()
    {
        foreach (ulong seed in (ulong[])[0, 1, 12345])
        {
            var x = new float[1 << 20];
            new Rng(seed).FillUniform(x);
            Assert.All(x, v => Assert.InRange(v, 0f, MathF.BitDecrement(1f)));
            Assert.InRange(ChiSquare(Count(x, v => (int)(v * 256))), 255 - 113, 255 + 113);
            // pairs of neighbours, and the lowest 8 of the 24 bits
            Assert.InRange(ChiSquare(Count(Enumerable.Range(0, x.Length / 2), i => ((int)(x[2 * i] * 16) * 16) + (int)(x[(2 * i) + 1] * 16))), 255 - 113, 255 + 113);
            Assert.InRange(ChiSquare(Count(x, v => (int)(v * 16777216) & 255)), 255 - 113, 255 + 113);
        }
    }

    // the standard errors of the first four moments of n normals are 1, √2, √15, √96 over √n; the bounds are 5 of them
    [Fact]
    public void NormalsHaveTheMomentsOfTheNormalDistribution()
    {
        var x = new float[1 << 20];
        new Rng(2).FillNormal(x);
        double n = x.Length, error = 5 / Math.Sqrt(n);
        Assert.InRange(x.Sum(v => (double)v) / n, -error, error);
        Assert.InRange(x.Sum(v => Math.Pow(v, 2)) / n, 1 - (1.42 * error), 1 + (1.42 * error));
        Assert.InRange(x.Sum(v => Math.Pow(v, 3)) / n, -3.88 * error, 3.88 * error);
        Assert.InRange(x.Sum(v => Math.Pow(v, 4)) / n, 3 - (9.8 * error), 3 + (9.8 * error));
        Assert.InRange(Enumerable.Range(0, x.Length / 2).Sum(i => (double)x[2 * i] * x[(2 * i) + 1]) / (n / 2), -1.42 * error, 1.42 * error);
        // P(|z| > 3) = 0.0026998: 2831 expected, deviation 53
        Assert.InRange(x.Count(v => MathF.Abs(v) > 3), 2831 - 266, 2831 + 266);
        // the uniforms at the same positions know nothing of them
        var u = new float[x.Length];
        new Rng(2).FillUniform(u);
        Assert.InRange(x.Zip(u, (a, b) => a * (b - 0.5)).Sum() / n, -0.29 * error, 0.29 * error);
    }

    [Fact]
    public void MeanAndDeviationScaleNormalsAndBoundsScaleUniforms()
    {
        float[] x = new float[100], y = new float[100];
        new Rng(3).FillNormal(x);
        new Rng(3).FillNormal(y, 5, 2);
        for (int i = 0; i < 100; i++) { Assert.Equal(5 + (2 * x[i]), y[i], 2e-6f); } // rounded once or twice, values below 16
        new Rng(3).FillUniform(x);
        new Rng(3).FillUniform(y, -1, 3);
        for (int i = 0; i < 100; i++) { Assert.Equal(-1 + (4 * x[i]), y[i], 1e-6f); }
    }

    [Fact]
    public void IntegersAreUniformBelowAnyBound()
    {
        var rng = new Rng(4);
        // 6 cells: χ² with 5 degrees of freedom exceeds 30 once in 70000
        Assert.InRange(ChiSquare(Count(Enumerable.Range(0, 60_000), _ => rng.Next(6), 6)), 0.05, 30);
        // a bound of ¾·2³¹, where word mod bound would put half of all numbers into the lowest third
        int low = Enumerable.Range(0, 10_000).Count(_ => rng.Next(1610612736) < 536870912);
        Assert.InRange(low, 3333 - 236, 3333 + 236);
        for (int i = 0; i < 1000; i++)
        {
            Assert.Equal(0, rng.Next(1));
            Assert.InRange(rng.Next(-3, 4), -3, 3);
            Assert.InRange(rng.Next(int.MinValue, int.MaxValue), int.MinValue, int.MaxValue - 1);
        }
        Assert.Throws<ArgumentOutOfRangeException>(() => rng.Next(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => rng.Next(2, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => rng.Reserve(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => rng.Permutation(-1));
    }

    [Fact]
    public void DoublesUse53Bits()
    {
        var rng = new Rng(6);
        double sum = 0;
        bool fine = false;
        for (int i = 0; i < 10_000; i++)
        {
            double x = rng.NextDouble();
            Assert.InRange(x, 0, Math.BitDecrement(1.0));
            sum += x;
            fine |= (x * (1L << 53) % 2) != 0;
        }
        Assert.True(fine);
        Assert.InRange(sum / 10_000, 0.5 - 0.0145, 0.5 + 0.0145); // 5 standard errors of 1/√(12 n)
    }

    // 24 orders of 4 things, 24000 draws: χ² with 23 degrees of freedom has deviation 6.8; the bound is 5 of them
    [Fact]
    public void EveryOrderIsEquallyLikely()
    {
        var rng = new Rng(8);
        var counts = new Dictionary<string, int>();
        for (int i = 0; i < 24_000; i++)
        {
            string order = string.Join(',', rng.Permutation(4));
            counts[order] = counts.GetValueOrDefault(order) + 1;
        }
        Assert.Equal(24, counts.Count);
        Assert.InRange(ChiSquare([.. counts.Values]), 2, 57);
        Assert.Equal(Enumerable.Range(0, 1000), rng.Permutation(1000).Order());
        Assert.Empty(rng.Permutation(0));
    }

    // pairs are made by the same operations at every width, and rounded alike where multiply and add are fused
    private static void Same(float expected, float actual)
    {
        if (System.Runtime.Intrinsics.X86.Fma.IsSupported) { Assert.Equal(expected, actual); }
        else { Assert.Equal(expected, actual, 1e-5f); }
    }

    private static int[] Count<T>(IEnumerable<T> items, Func<T, int> cell, int cells = 256)
    {
        var counts = new int[cells];
        foreach (var item in items) { counts[cell(item)]++; }
        return counts;
    }

    private static double ChiSquare(int[] counts)
    {
        double expected = counts.Sum() / (double)counts.Length;
        return counts.Sum(c => (c - expected) * (c - expected) / expected);
    }
}
