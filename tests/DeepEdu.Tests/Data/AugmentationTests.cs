using DeepEdu.Data;
using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Data;

public class AugmentationTests
{
    private static readonly Tensor s_image = Tensor.Of([2, 9, 7], [.. Enumerable.Range(0, 126).Select(i => (float)(i * 37 % 101))]);

    [Fact]
    public void WithoutSettingsNothingChanges() => Assert.Equal(s_image.ToArray(), new Augmentation().Apply(s_image, new Rng(1)).ToArray());

    [Fact]
    public void AStreamDecidesEverything()
    {
        var all = new Augmentation { Shift = 2, Rotate = 20, Scale = 0.1f, Noise = 1, FlipHorizontal = 0.5f, FlipVertical = 0.5f };
        var rng = new Rng(5);
        Assert.Equal(all.Apply(s_image, rng.Split(3)).ToArray(), all.Apply(s_image, new Rng(5).Split(3)).ToArray());
        Assert.NotEqual(all.Apply(s_image, rng.Split(3)).ToArray(), all.Apply(s_image, rng.Split(4)).ToArray());
    }

    [Fact]
    public void FlipsMirror()
    {
        float[] before = s_image.ToArray(), across = new Augmentation { FlipHorizontal = 1 }.Apply(s_image, new Rng(1)).ToArray(), down = new Augmentation { FlipVertical = 1 }.Apply(s_image, new Rng(1)).ToArray();
        for (int c = 0; c < 2; c++)
        {
            for (int y = 0; y < 9; y++)
            {
                for (int x = 0; x < 7; x++)
                {
                    Assert.Equal(before[(c * 63) + (y * 7) + 6 - x], across[(c * 63) + (y * 7) + x]);
                    Assert.Equal(before[(c * 63) + ((8 - y) * 7) + x], down[(c * 63) + (y * 7) + x]);
                }
            }
        }
        int flipped = Enumerable.Range(0, 1000).Count(i => new Augmentation { FlipHorizontal = 0.3f }.Apply(s_image, new Rng(1, (ulong)i)).ToArray()[0] == before[6]);
        Assert.InRange(flipped, 228, 372); // 5 standard errors of √(1000·0.21) = 14.5
    }

    // A smooth bump: where its mass and axes go shows what was done. The resampling of a sum is exact for shifts; turning and scaling are within a few percent on 33 pixels.
    [Fact]
    public void AShiftMovesTheCentre()
    {
        for (ulong seed = 0; seed < 20; seed++)
        {
            var (x, y, _, _) = Moments(new Augmentation { Shift = 4 }.Apply(Bump(2, 2), new Rng(seed)));
            var rng = new Rng(seed);
            Assert.Equal(16 + (4 * ((2 * rng.NextSingle()) - 1)), x, 0.01);
            Assert.Equal(16 + (4 * ((2 * rng.NextSingle()) - 1)), y, 0.01);
        }
    }

    [Fact]
    public void ATurnKeepsTheMassAndTurnsTheAxis()
    {
        List<double> angles = [];
        for (ulong seed = 0; seed < 50; seed++)
        {
            var (x, y, angle, width) = Moments(new Augmentation { Rotate = 30 }.Apply(Bump(5, 2), new Rng(seed)));
            Assert.Equal((16, 16), (x, y), new Near(0.01));
            Assert.InRange(angle, -30.5, 30.5);
            Assert.InRange(width, 4.7, 5.2);
            angles.Add(angle);
        }
        Assert.True(angles.Min() < -15 && angles.Max() > 15);
    }

    [Fact]
    public void AScaleWidens()
    {
        List<double> widths = [];
        for (ulong seed = 0; seed < 50; seed++) { widths.Add(Moments(new Augmentation { Scale = 0.2f }.Apply(Bump(4, 4), new Rng(seed))).Width); }
        Assert.InRange(widths.Min(), 3.15, 3.6); // 4 · 0.8 at least, with the resampling's own blur of up to 0.3 in quadrature
        Assert.InRange(widths.Max(), 4.4, 4.9);
    }

    [Fact]
    public void NoiseHasItsDeviationAndOutsideIsBackground()
    {
        float[] noisy = new Augmentation { Noise = 0.5f }.Apply(Tensor.Zeros([100, 100]), new Rng(3)).ToArray();
        Assert.InRange(Math.Sqrt(noisy.Average(v => v * (double)v)), 0.482, 0.518); // 5 standard errors of 0.5/√20000
        float[] moved = new Augmentation { Shift = 3, Background = -7 }.Apply(Tensor.Full([20, 20], -7), new Rng(3)).ToArray();
        Assert.All(moved, v => Assert.Equal(-7, v));
        Assert.Contains("is no image", Assert.Throws<ShapeException>(() => new Augmentation().Apply(Tensor.Of(1, 2), new Rng(1))).Message, StringComparison.Ordinal);
        Assert.Throws<ShapeException>(() => new Augmentation().Apply(new float[10], new float[10], 3, 3, new Rng(1)));
    }

    private sealed class Near(double tolerance) : IEqualityComparer<(double, double)>
    {
        public bool Equals((double, double) a, (double, double) b) => Math.Abs(a.Item1 - b.Item1) <= tolerance && Math.Abs(a.Item2 - b.Item2) <= tolerance;

        public int GetHashCode((double, double) x) => 0;
    }

    private static Tensor Bump(double along, double across) => Tensor.Of([33, 33],
        [.. from y in Enumerable.Range(-16, 33) from x in Enumerable.Range(-16, 33) select (float)Math.Exp(-0.5 * ((x * x / (along * along)) + (y * y / (across * across))))]);

    private static (double X, double Y, double Angle, double Width) Moments(Tensor image)
    {
        double m = 0, mx = 0, my = 0, xx = 0, xy = 0, yy = 0;
        float[] values = image.ToArray();
        for (int i = 0; i < 33 * 33; i++) { (m, mx, my) = (m + values[i], mx + (values[i] * (i % 33)), my + (values[i] * (i / 33))); }
        (mx, my) = (mx / m, my / m);
        for (int i = 0; i < 33 * 33; i++)
        {
            double v = values[i] / m, dx = (i % 33) - mx, dy = (i / 33) - my;
            (xx, xy, yy) = (xx + (v * dx * dx), xy + (v * dx * dy), yy + (v * dy * dy));
        }
        return (mx, my, 0.5 * Math.Atan2(2 * xy, xx - yy) * 180 / Math.PI, Math.Sqrt((xx + yy + Math.Sqrt(((xx - yy) * (xx - yy)) + (4 * xy * xy))) / 2));
    }
}
