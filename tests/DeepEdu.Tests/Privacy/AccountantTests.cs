using System.Text.Json;
using DeepEdu.Privacy;
using DeepEdu.Tensors;
using DeepEdu.Tests.Nn;
using FsCheck;
using FsCheck.Fluent;

namespace DeepEdu.Tests.Privacy;

/// <summary>What private steps cost: against numerical integration of the definitions in Python (tests/golden/privacy.py), and what must hold for any steps.</summary>
public class AccountantTests
{
    private static readonly JsonElement s_golden = GoldenLayers.Read("privacy.json");

    [Fact]
    public void DivergencesEqualTheIntegralOfTheDefinition()
    {
        double[][] cases = Rows("divergence");
        Assert.Equal(96, cases.Length);
        foreach (double[] c in cases)
        {
            double found = SubsampledGaussian.Divergence(c[0], c[1], c[2]);
            // the golden numbers are logarithms of 1 + D, of 30 digits
            Assert.True(Math.Abs(found - c[3]) <= 1e-8 * c[3], $"order {c[0]}, noise {c[1]}, rate {c[2]}: {found}, expected {c[3]}");
        }
    }

    /// <summary>Between the least that any order gives and a little more, as orders are a grid; and never below the truth, which a distribution of the privacy loss gives.</summary>
    [Fact]
    public void EpsilonsAreTheLeastOfAnyOrderAndAboveTheTruth()
    {
        foreach (double[] c in Rows("epsilon"))
        {
            PrivacyAccountant accountant = Of(c[0], c[1], (long)c[2]);
            double found = accountant.Epsilon(c[3]);
            Assert.InRange(found, c[4] * (1 - 1e-6), c[4] * 1.005);
            Assert.InRange(found, c[5], c[5] * 1.25);
            Assert.InRange(accountant.Order(c[3]), 1.1, 512);
            Assert.Equal(c[3], accountant.Delta(found), 1e-3 * c[3]);
        }
    }

    [Fact]
    public void NoiseForATargetKeepsToItAndIsTheLeast()
    {
        foreach (var (epsilon, rate, steps) in new[] { (8.0, 0.02, 1000L), (3, 0.1, 200), (0.5, 0.01, 5000), (1, 1, 20), (200, 0.3, 3) })
        {
            double noise = PrivacyAccountant.NoiseFor(epsilon, 1e-5, rate, steps);
            Assert.InRange(Of(noise, rate, steps).Epsilon(1e-5), 0.9 * epsilon, epsilon);
            Assert.True(Of(noise * 0.998, rate, steps).Epsilon(1e-5) > epsilon, $"less noise than {noise} would do");
        }
    }

    [Fact]
    public void StepsOfSeveralKindsAddUp()
    {
        var (all, parts) = (new PrivacyAccountant(), new PrivacyAccountant());
        all.Add(1.1, 0.02, 300);
        all.Add(0.8, 0.05, 20);
        for (int i = 0; i < 300; i++) { parts.Add(1.1, 0.02); }
        parts.Add(Of(0.8, 0.05, 20));
        Assert.Equal((320, all.Epsilon(1e-5)), (parts.Steps, parts.Epsilon(1e-5)));
        // alike in the noise alone, or in the rate alone, they are not alike
        PrivacyAccountant near = Of(1.1, 0.02, 300);
        near.Add(1.1, 0.05, 20);
        near.Add(0.8, 0.02, 10);
        Assert.Equal(Enumerable.Range(0, PrivacyAccountant.Orders.Count).Min(i => SubsampledGaussian.Epsilon(PrivacyAccountant.Orders[i],
            new[] { (1.1, 0.02, 300), (1.1, 0.05, 20), (0.8, 0.02, 10) }.Sum(k => k.Item3 * SubsampledGaussian.Divergence(PrivacyAccountant.Orders[i], k.Item1, k.Item2)), 1e-5)), near.Epsilon(1e-5), 1e-12);
        double sum = Enumerable.Range(0, PrivacyAccountant.Orders.Count).Min(i => SubsampledGaussian.Epsilon(PrivacyAccountant.Orders[i],
            (300 * SubsampledGaussian.Divergence(PrivacyAccountant.Orders[i], 1.1, 0.02)) + (20 * SubsampledGaussian.Divergence(PrivacyAccountant.Orders[i], 0.8, 0.05)), 1e-5));
        Assert.Equal(sum, all.Epsilon(1e-5), 1e-12);

        var state = StateDict.CopyOf(all);
        var again = Of(3, 1, 7);
        again.LoadState(state);
        Assert.Equal((320, all.Epsilon(1e-5)), (again.Steps, again.Epsilon(1e-5)));
        Assert.Empty(state.Unread);
    }

    [Fact]
    public void NothingCostsNothingAndNoNoiseCostsAll()
    {
        Assert.Equal((0, 0), (new PrivacyAccountant().Epsilon(1e-5), new PrivacyAccountant().Delta(0)));
        Assert.Equal(0, Of(1, 0.5, 0).Epsilon(1e-5));
        Assert.Equal(double.PositiveInfinity, Of(0, 0.1, 1).Epsilon(1e-5));
        Assert.Equal(1, Of(0, 0.1, 1).Delta(3));
        Assert.Equal(2.0 / (2 * 1.5 * 1.5), SubsampledGaussian.Divergence(2, 1.5, 1), 1e-15);
        Assert.Equal(0, SubsampledGaussian.Divergence(2, 1.5, 0));
    }

    [Fact]
    public void MoreNoiseCostsLessMoreStepsAndMoreSamplesCostMore() => Prop.ForAll(
        (from noise in Gen.Choose(40, 600) from rate in Gen.Choose(1, 1000) from steps in Gen.Choose(1, 2000) from more in Gen.Choose(1, 50) select (Noise: noise / 100.0, Rate: rate / 1000.0, steps, More: 1 + (more / 50.0))).ToArbitrary(), c =>
    {
        double epsilon = Of(c.Noise, c.Rate, c.steps).Epsilon(1e-5);
        return epsilon >= Of(c.Noise * c.More, c.Rate, c.steps).Epsilon(1e-5) && epsilon <= Of(c.Noise, Math.Min(1, c.Rate * c.More), c.steps).Epsilon(1e-5)
            && epsilon <= Of(c.Noise, c.Rate, (long)(c.steps * c.More) + 1).Epsilon(1e-5) && epsilon > 0;
    }).Hold();

    /// <summary>The divergence grows with its order, without a jump between whole and broken orders, which are computed otherwise.</summary>
    [Fact]
    public void WholeAndBrokenOrdersAreOneCurve()
    {
        foreach (var (noise, rate) in new[] { (0.3, 0.01), (1.0, 1e-6), (1.3, 0.3), (20, 0.9), (0.7, 0.999) })
        {
            double[] near = [.. new[] { 2.9999, 3, 3.0001 }.Select(o => SubsampledGaussian.Divergence(o, noise, rate))];
            Assert.True(near[0] < near[1] && near[1] < near[2], string.Join(", ", near));
            Assert.Equal(near[1], (near[0] + near[2]) / 2, 1e-6 * near[1]);
        }
    }

    [Fact]
    public void WhatHasNoMeaningIsNamed()
    {
        Assert.Contains("noise -1", Assert.Throws<ArgumentOutOfRangeException>(() => Of(-1, 0.1, 1)).Message, StringComparison.Ordinal);
        Assert.Contains("rate 1.5", Assert.Throws<ArgumentOutOfRangeException>(() => Of(1, 1.5, 1)).Message, StringComparison.Ordinal);
        Assert.Contains("order 1", Assert.Throws<ArgumentOutOfRangeException>(() => SubsampledGaussian.Divergence(1, 1, 0.1)).Message, StringComparison.Ordinal);
        Assert.Contains("delta 1", Assert.Throws<ArgumentOutOfRangeException>(() => Of(1, 0.1, 1).Epsilon(1)).Message, StringComparison.Ordinal);
        Assert.Contains("epsilon -2", Assert.Throws<ArgumentOutOfRangeException>(() => Of(1, 0.1, 1).Delta(-2)).Message, StringComparison.Ordinal);
        Assert.Contains("steps ('-1')", Assert.Throws<ArgumentOutOfRangeException>(() => Of(1, 0.1, -1)).Message, StringComparison.Ordinal);
        Assert.Contains("epsilon ∞", Assert.Throws<ArgumentOutOfRangeException>(() => PrivacyAccountant.NoiseFor(double.PositiveInfinity, 1e-5, 0.1, 10)).Message.Replace("Infinity", "∞", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Contains("delta 0", Assert.Throws<ArgumentOutOfRangeException>(() => PrivacyAccountant.NoiseFor(1, 0, 0.1, 10)).Message, StringComparison.Ordinal);
        Assert.Contains("rate 2", Assert.Throws<ArgumentOutOfRangeException>(() => PrivacyAccountant.NoiseFor(1, 1e-5, 2, 10)).Message, StringComparison.Ordinal);
        Assert.Contains("steps ('0')", Assert.Throws<ArgumentOutOfRangeException>(() => PrivacyAccountant.NoiseFor(1, 1e-5, 0.1, 0)).Message, StringComparison.Ordinal);
        Assert.InRange(PrivacyAccountant.NoiseFor(1e9, 1e-5, 0.1, 1), 0.02, 0.02003); // the least that is looked at
        Assert.Contains("1 noises, 2 rates", Assert.Throws<InvalidDataException>(() => new PrivacyAccountant().LoadState(new StateDict().Set("noises", [1.0]).Set("rates", [0.1, 0.2]).Set("steps", [1L]))).Message, StringComparison.Ordinal);
        Assert.Contains("2 counts", Assert.Throws<InvalidDataException>(() => new PrivacyAccountant().LoadState(new StateDict().Set("noises", [1.0]).Set("rates", [0.1]).Set("steps", [1L, 2]))).Message, StringComparison.Ordinal);
        Assert.Contains("epsilon 0", Assert.Throws<ArgumentOutOfRangeException>(() => PrivacyAccountant.NoiseFor(0, 1e-5, 0.1, 10)).Message, StringComparison.Ordinal);
        Assert.Contains("fewer steps", Assert.Throws<ArgumentOutOfRangeException>(() => PrivacyAccountant.NoiseFor(1e-4, 1e-12, 1, 1_000_000_000)).Message, StringComparison.Ordinal);
    }

    private static PrivacyAccountant Of(double noise, double rate, long steps)
    {
        var accountant = new PrivacyAccountant();
        accountant.Add(noise, rate, steps);
        return accountant;
    }

    private static double[][] Rows(string name) => [.. s_golden.GetProperty(name).EnumerateArray().Select(r => r.EnumerateArray().Select(v => v.GetDouble()).ToArray())];
}
