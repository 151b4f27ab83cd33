using DeepEdu.Memory;
using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Tensors;

public class CreationTests
{
    [Fact]
    public void ConstantsFillEveryShape()
    {
        Assert.Equal([0, 0, 0, 0], Tensor.Zeros([2, 2]).ToArray());
        Assert.Equal([1, 1, 1], Tensor.Ones([3]).ToArray());
        Assert.Equal([2.5f, 2.5f], Tensor.Full([1, 2], 2.5f).ToArray());
        Assert.Equal([1, 0, 0, 0, 1, 0, 0, 0, 1], Tensor.Eye(3).ToArray());
        Assert.Equal(-3, Tensor.Scalar(-3).Item());
        Assert.Equal(([], 1), (Tensor.Scalar(1).Shape, Tensor.Scalar(1).Size));
        Assert.Empty(Tensor.Ones([0, 4]).ToArray());
        Assert.Empty(Tensor.Eye(0).ToArray());
    }

    [Fact]
    public void SizesBeyondWhatATensorHoldsAreNamed()
    {
        Assert.Contains("[65536,65536]", Assert.Throws<ShapeException>(() => Tensor.Eye(65_536)).Message, StringComparison.Ordinal);
        Assert.Contains("alias", Assert.Throws<ShapeException>(() => Tensor.Zeros([4]).Alias([1], int.MaxValue)).Message, StringComparison.Ordinal);
    }

    [Theory]
    // lengths and values as torch.arange
    [InlineData(0, 5, 1, new float[] { 0, 1, 2, 3, 4 })]
    [InlineData(5, 0, -2, new float[] { 5, 3, 1 })]
    [InlineData(0, 0.3, 0.1, new[] { 0, 0.1f, 0.2f })]
    [InlineData(1, 1, 1, new float[0])]
    [InlineData(-1, 0.9, 0.5, new[] { -1, -0.5f, 0, 0.5f })]
    public void ArangeStopsBeforeItsEnd(double start, double end, double step, float[] want) => Assert.Equal(want, Tensor.Arange(start, end, step).ToArray());

    [Theory]
    [InlineData(0, 1, 0, "arange: from 0 to 1 a step of 0 never arrives (Parameter 'step')")]
    [InlineData(0, 1, -1, "arange: from 0 to 1 a step of -1 never arrives (Parameter 'step')")]
    [InlineData(3, 1, 1, "arange: from 3 to 1 a step of 1 never arrives (Parameter 'step')")]
    [InlineData(0, double.PositiveInfinity, 1, "arange: from 0 to Infinity a step of 1 never arrives (Parameter 'step')")]
    [InlineData(0, 1e12, 1, "arange: from 0 to 1000000000000 with a step of 1 are 1000000000000 values, more than 2147483591 (Parameter 'step')")]
    [InlineData(0, 1, double.NaN, "arange: from 0 to 1 a step of NaN never arrives (Parameter 'step')")]
    public void AStepThatNeverArrivesIsRefused(double start, double end, double step, string message) =>
        Assert.Equal(message, Assert.Throws<ArgumentException>(() => Tensor.Arange(start, end, step)).Message);

    [Fact]
    public void LinspaceIncludesBothEnds()
    {
        Assert.Equal([0, 0.25f, 0.5f, 0.75f, 1], Tensor.Linspace(0, 1, 5).ToArray());
        Assert.Equal([3, -1], Tensor.Linspace(3, -1, 2).ToArray());
        Assert.Equal([7], Tensor.Linspace(7, 9, 1).ToArray());
        Assert.Empty(Tensor.Linspace(0, 1, 0).ToArray());
        Assert.Equal(0.3f, Tensor.Linspace(0.1f, 0.3f, 1000).ToArray()[^1]);
        Assert.Throws<ArgumentOutOfRangeException>(() => Tensor.Linspace(0, 1, -1));
    }

    [Fact]
    public void ValuesComeFromSpansAndArrays()
    {
        Assert.Equal("tensor([[1., 2.],\n        [3., 4.]])", Tensor.Of(new float[,] { { 1, 2 }, { 3, 4 } }).ToString());
        Assert.Equal([3], Tensor.Of(1, 2, 3).Shape);
        float[] own = [1, 2];
        var wrapped = Tensor.Wrap(own, [2, 1]);
        var copied = Tensor.Of([2, 1], own);
        own[0] = 9;
        Assert.Equal([9, 2], wrapped.ToArray());
        Assert.Equal([1, 2], copied.ToArray());
        Assert.Equal("tensor: 2 values for [3], which holds 3", Assert.Throws<ShapeException>(() => Tensor.Of([3], own)).Message);
        Assert.Equal("wrap: an array of 2 for [2,2], which holds 4", Assert.Throws<ShapeException>(() => Tensor.Wrap(own, [2, 2])).Message);
        Assert.Equal("copy: 2 values into [3], which holds 3", Assert.Throws<ShapeException>(() => Tensor.Zeros([3]).CopyFrom([1, 2])).Message);
        Assert.Equal("item: [3] holds 3 values, not one; reduce it (Sum, Mean) or use ToArray", Assert.Throws<ShapeException>(() => Tensor.Zeros([3]).Item()).Message);
        Assert.Equal("shape: [-1,-1]: an axis cannot be negative", Assert.Throws<ShapeException>(() => Tensor.Eye(-1)).Message);
        Assert.Throws<ArgumentNullException>(() => Tensor.Wrap(null!, [1]));
    }

    [Fact]
    public void RandomValuesFollowTheirSeed()
    {
        float[] u = Tensor.Uniform([50, 40], new Rng(3), -2, 6).ToArray(), n = Tensor.Normal([50, 40], new Rng(3), 1, 2).ToArray();
        Assert.Equal(u, Tensor.Uniform([2000], new Rng(3), -2, 6).ToArray());
        Assert.NotEqual(u, Tensor.Uniform([2000], new Rng(4), -2, 6).ToArray());
        Assert.All(u, v => Assert.InRange(v, -2, 6));
        // five standard deviations of a mean of 2000: 5 · (8 / √12) / √2000 and 5 · 2 / √2000
        Assert.Equal(2, u.Average(), 0.26f);
        Assert.Equal(1, n.Average(), 0.23f);
        Assert.Equal(2, MathF.Sqrt(n.Average(v => (v - 1) * (v - 1))), 0.2f);
        Assert.Throws<ArgumentNullException>(() => Tensor.Uniform([2], null!));
        Assert.Throws<ArgumentNullException>(() => Tensor.Normal([2], null!));
    }

    [Theory]
    [InlineData(1f, 0f)]
    [InlineData(float.NaN, 1f)]
    [InlineData(0f, float.PositiveInfinity)]
    [InlineData(float.MinValue, float.MaxValue)]
    public void WhatIsNoIntervalIsRefused(float low, float high) =>
        Assert.Contains("is no interval", Assert.Throws<ArgumentException>(() => Tensor.Uniform([2], new Rng(1), low, high)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData(-1f)]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void WhatIsNoDeviationIsRefused(float std) =>
        Assert.Contains("normal: the standard deviation", Assert.Throws<ArgumentOutOfRangeException>(() => Tensor.Normal([2], new Rng(1), 0, std)).Message, StringComparison.Ordinal);

    [Fact]
    public void PersistentMemoryOutlivesItsArena()
    {
        Tensor t;
        using (new Arena())
        {
            t = Tensor.Persistent([2]);
            t.CopyFrom([1, 2]);
        }
        Assert.Equal([1, 2], t.ToArray());
    }

    [Fact]
    public void IndicesAreMadeAndReadByPosition()
    {
        Assert.Equal([0, 1, 2], Indices.Arange(3).ToArray());
        Assert.Equal([5, 3, 1], Indices.Arange(5, 0, -2).ToArray());
        Assert.Equal([2, 5], Indices.Arange(2, 8, 3).ToArray());
        Assert.Empty(Indices.Arange(4, 4).ToArray());
        Assert.Equal([7, 7], Indices.Full([2], 7).ToArray());
        var i = Indices.Arange(6).Reshape([2, 3]);
        Assert.Equal((5, 4, 3), (i[1, 2], i[4], i[1, 0]));
        Assert.Equal("tensor([[0., 1., 2.],\n        [3., 4., 5.]])", i.ToTensor().ToString());
        Assert.Equal("indices: position 2 on axis 0 of [2,3] is outside 0..1", Assert.Throws<ArgumentOutOfRangeException>(() => i[2, 0]).Message);
        Assert.Equal("indices: 3 numbers are no position in [2,3]; give 2, or one that counts through all values", Assert.Throws<ShapeException>(() => i[0, 0, 0]).Message);
        Assert.Equal("indices: 1 numbers are no position in [2,3]; give 2, or one that counts through all values", Assert.Throws<ShapeException>(() => i[6]).Message);
        Assert.Equal("reshape: [2,3] holds 6 values, [4] holds 4; give one size as -1 to have it computed?", Assert.Throws<ShapeException>(() => i.Reshape([4])).Message);
        Assert.Throws<ArgumentException>(() => Indices.Arange(0, 1, 0));
        Assert.Throws<ArgumentException>(() => Indices.Arange(0, 1, -1));
    }
}
