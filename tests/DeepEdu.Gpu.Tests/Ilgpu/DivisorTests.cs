namespace DeepEdu.Gpu.Tests;

/// <summary>Division by a product and a shift is division.</summary>
public class DivisorTests
{
    [Fact]
    public void IsExactBelowTwoToTheThirtyOne()
    {
        int[] divisors = [.. Enumerable.Range(1, 300), 641, 65535, 65536, 65537, 1 << 30, (1 << 30) + 1, int.MaxValue - 1, int.MaxValue];
        var random = new Random(1);
        foreach (int d in divisors)
        {
            Divisor by = new(d);
            // where quotients change, and anywhere
            for (int i = 0; i < 300; i++)
            {
                long near = (random.NextInt64((int.MaxValue / d) + 1L) * d) + random.Next(-1, 2);
                uint n = (uint)Math.Clamp(near, 0, int.MaxValue);
                Assert.Equal(n / (uint)d, by.Divide(n));
            }
            Assert.Equal(int.MaxValue / (uint)d, by.Divide(int.MaxValue));
        }
    }
}
