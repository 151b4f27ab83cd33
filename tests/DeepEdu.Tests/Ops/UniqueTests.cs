using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;
using FsCheck;
using FsCheck.Fluent;

namespace DeepEdu.Tests.Ops;

/// <summary>What the golden rows of unique cannot say: NaN, signs of zero, nothing, and any values.</summary>
public class UniqueTests
{
    [Fact]
    public void NanIsNoOtherAndZeroHasNoSign()
    {
        var (values, inverse, counts) = Tensor.Of(float.NaN, 0, 1, -0f, float.NaN, float.NegativeInfinity).Unique();
        Assert.Equal([float.NegativeInfinity, 0, 1, float.NaN, float.NaN], values.ToArray());
        Assert.Equal([1, 2, 1, 2], [inverse[1], inverse[2], inverse[3], counts[1]]);
        Assert.Equal([1, 2, 1, 1, 1], counts.ToArray());
    }

    [Fact]
    public void NothingHasNoValues()
    {
        var (values, inverse, counts) = Tensor.Empty([2, 0]).Unique();
        Assert.Equal([0], values.Shape);
        Assert.Equal([2, 0], inverse.Shape);
        Assert.Equal([0], counts.Shape);
        Assert.Equal(0, Indices.Of().Unique().Values.Size);
    }

    [Fact]
    public void ValuesRiseAndMakeUpTheTensor() => Properties.Hold(50, Prop.ForAll(Gen.Choose(0, 1 << 20).ToArbitrary(), seed =>
    {
        var rng = new Rng((ulong)seed);
        Shape shape = [rng.Next(1, 5), rng.Next(1, 30)];
        var whole = Indices.Uniform(shape, rng, -4, 9);
        var x = whole.ToTensor() / 3;
        var (values, inverse, counts) = x.Unique();
        Assert.Equal(x.ToArray(), values.IndexSelect(0, inverse).ToArray());
        Assert.Equal(values.ToArray().Distinct().Order(), values.ToArray());
        Assert.Equal(inverse.ToArray().CountBy(i => i).OrderBy(p => p.Key).Select(p => p.Value), counts.ToArray());
        var numbers = whole.Unique();
        Assert.Equal(inverse.ToArray(), numbers.Inverse.ToArray());
        Assert.Equal(counts.ToArray(), numbers.Counts.ToArray());
        Assert.Equal(shape, numbers.Inverse.Shape);
    }));
}
