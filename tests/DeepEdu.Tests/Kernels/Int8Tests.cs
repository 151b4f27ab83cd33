using DeepEdu.Kernels;
using DeepEdu.Numerics;

namespace DeepEdu.Tests.Kernels;

public unsafe class Int8Tests
{
    /// <summary>Half a step is lost at most, the largest of a row not even that, and what is rounded already keeps its bits: a weight may go through it any number of times.</summary>
    [Fact]
    public void AWeightIsRoundedByHalfAStepAndOnlyOnce()
    {
        var rng = new Rng(1);
        for (int round = 0; round < 300; round++)
        {
            int outputs = 1 + rng.Next(9), inputs = 1 + rng.Next(70);
            float[] w = Values(rng, outputs * inputs), once = new float[w.Length], twice = new float[w.Length];
            fixed (float* a = w, b = once, c = twice)
            {
                Int8Weights.Round(a, outputs, inputs, b);
                Int8Weights.Round(b, outputs, inputs, c);
            }
            Assert.Equal(once, twice);
            for (int o = 0; o < outputs; o++)
            {
                var row = w.AsSpan(o * inputs, inputs);
                float step = Int8Weights.Step(row), most = 0;
                foreach (float x in row) { most = Math.Max(most, Math.Abs(x)); }
                Assert.InRange(step * 127, most, most * 1.0001f); // 16 bits of the step
                for (int i = 0; i < inputs; i++) { Assert.True(Math.Abs((double)row[i] - once[(o * inputs) + i]) <= 0.5001 * step, $"{row[i]} became {once[(o * inputs) + i]}, a step is {step}"); }
            }
        }
    }

    /// <summary>Against the same sums of whole numbers, made one by one: the bits are equal, whatever the vectors.</summary>
    [Fact]
    public void AProductIsThatOfWholeNumbers()
    {
        var rng = new Rng(2);
        for (int round = 0; round < 200; round++)
        {
            int rows = 1 + rng.Next(15), outputs = 1 + rng.Next(round % 10 == 0 ? 600 : 40), inputs = round == 7 ? Int8Tile.MostInputs : 1 + rng.Next(300);
            float[] x = Values(rng, rows * inputs), w = Values(rng, outputs * inputs), bias = Values(rng, outputs), y = new float[rows * outputs];
            bool relu = rng.Next(2) == 0, biased = rng.Next(3) > 0;
            Product(rows, outputs, inputs, x, w, biased ? bias : null, relu, y);
            for (int r = 0; r < rows; r++)
            {
                var row = x.AsSpan(r * inputs, inputs);
                int most = Math.Min(32767, int.MaxValue / 127 / inputs);
                float largest = 0;
                foreach (float v in row) { largest = Math.Max(largest, Math.Abs(v)); }
                float step = largest / most, each = most / largest;
                for (int o = 0; o < outputs; o++)
                {
                    float own = Int8Weights.Step(w.AsSpan(o * inputs, inputs));
                    long sum = 0;
                    double exact = 0, room = 0;
                    for (int i = 0; i < inputs; i++)
                    {
                        int q = Int8Weights.Code(w[(o * inputs) + i], own);
                        sum += (long)MathF.Round(row[i] * each) * q;
                        exact += (double)row[i] * q * own;
                        room += Math.Abs(q) * (double)own;
                    }
                    Assert.InRange(sum, int.MinValue, int.MaxValue);
                    float expected = (float)(int)sum * (own * step);
                    Assert.InRange(expected, exact - (0.51 * step * room) - (1e-6 * Math.Abs(exact)), exact + (0.51 * step * room) + (1e-6 * Math.Abs(exact)));
                    if (biased) { expected += bias[o]; }
                    if (relu) { expected = MathF.Max(expected, 0); }
                    Assert.Equal(expected, y[(r * outputs) + o]);
                }
            }
        }
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void WhatIsNoNumberIsNotHidden(float bad)
    {
        float[] x = [1, 2, 3, 4, 5, bad], w = [.. Enumerable.Range(0, 12).Select(i => i + 1f)], y = new float[4];
        Product(2, 2, 3, x, [.. w.Take(6)], null, false, y);
        Assert.True(float.IsFinite(y[0]) && float.IsFinite(y[1]) && float.IsNaN(y[2]) && float.IsNaN(y[3]));
        w[4] = bad;
        Product(2, 2, 3, [1, 2, 3, 4, 5, 6], [.. w.Take(6)], null, false, y);
        Assert.True(float.IsFinite(y[0]) && float.IsNaN(y[1]) && float.IsFinite(y[2]) && float.IsNaN(y[3]));
    }

    [Fact]
    public void NothingIsNothing()
    {
        float[] y = new float[4];
        Product(2, 2, 3, [0, 0, 0, 1e-42f, -1e-42f, 0], [1, 2, 3, 0, 0, 0], [5, 6], false, y);
        Assert.Equal([5, 6, 5, 6], y);
    }

    private static float[] Values(Rng rng, int n)
    {
        float[] x = new float[n];
        rng.FillNormal(x, 0, MathF.Pow(10, rng.Next(9) - 4));
        return x;
    }

    private static void Product(int rows, int outputs, int inputs, float[] x, float[] w, float[]? bias, bool relu, float[] y)
    {
        var how = new Int8Panels(outputs, inputs);
        float[] panels = new float[how.Length];
        fixed (float* a = x, b = w, p = panels, c = bias, to = y)
        {
            how.Fill(b, p);
            Int8Linear.Run(rows, outputs, inputs, a, p, to, new(c, relu));
        }
    }
}
