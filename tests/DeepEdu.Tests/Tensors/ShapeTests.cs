using DeepEdu.Tensors;

namespace DeepEdu.Tests.Tensors;

public class ShapeTests
{
    [Theory]
    [InlineData(0, 3)]
    [InlineData(-1, 1)]
    public void AProductOfAxesThatAreNotThereIsAnError(int from, int to) => Assert.Throws<ShapeException>(() => Shape.Create([2, 3]).Product(from, to));

    [Fact]
    public void AxesAreNamedWhereThereAreNone()
    {
        Shape s = [2, 3];
        Assert.Equal([2, 7], s.With(-1, 7));
        Assert.Equal([2], s.Without(-1));
        Assert.Equal([2, 3, 7], s.Insert(-1, 7));
        Assert.Equal([7, 2, 3], s.Insert(-3, 7));
        Assert.Contains("shape: axis 2 of [2,3]", Assert.Throws<ShapeException>(() => s.With(2, 7)).Message, StringComparison.Ordinal);
        Assert.Contains("shape: axis -3 of [2,3]", Assert.Throws<ShapeException>(() => s.Without(-3)).Message, StringComparison.Ordinal);
        Assert.Contains("[2,3] has no place 3 for an axis: -3 to 2 are possible", Assert.Throws<ShapeException>(() => s.Insert(3, 7)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ShapesAreEqualByTheirSizes()
    {
        Shape a = [2, 3], b = [2, 3], c = [3, 2];
        Assert.True(a == b && a != c && a.Equals((object)b) && a.GetHashCode() == b.GetHashCode());
        Assert.True(default(Shape) == []);
        Assert.Equal(1, default(Shape).Size);
        Assert.Equal("[2,3]", a.ToString());
        Assert.Equal("[]", default(Shape).ToString());
    }

    [Fact]
    public void AxesCountFromBothEnds()
    {
        Shape s = [2, 3, 4];
        Assert.Equal((0, 2, 2, 0), (s.Axis("t", 0), s.Axis("t", 2), s.Axis("t", -1), s.Axis("t", -3)));
        Assert.Equal((24, 12, 1), (s.Size, s.Product(1, 3), s.Product(1, 1)));
        Assert.Equal([2, 9, 4], s.With(1, 9));
        Assert.Equal([2, 4], s.Without(1));
        Assert.Equal([2, 7, 3, 4], s.Insert(1, 7));
    }

    [Theory]
    [InlineData(3, "softmax: axis 3 of [2,3]: axes are -2..1")]
    [InlineData(-3, "softmax: axis -3 of [2,3]: axes are -2..1")]
    public void AMissingAxisIsNamed(int axis, string text)
    {
        var e = Assert.Throws<ShapeException>(() => Shape.Create([2, 3]).Axis("softmax", axis));
        Assert.Equal((text, "softmax", Shape.Create([2, 3])), (e.Message, e.Op, Assert.Single(e.Shapes)));
    }

    [Fact]
    public void ASingleValueHasNoAxes() =>
        Assert.Equal("sum: axis 0 of a single value, which has no axes", Assert.Throws<ShapeException>(() => default(Shape).Axis("sum", 0)).Message);

    [Fact]
    public void ImpossibleShapesAreRefused()
    {
        Assert.Contains("negative", Assert.Throws<ShapeException>(() => Shape.Create([2, -1])).Message, StringComparison.Ordinal);
        Assert.Contains("more than", Assert.Throws<ShapeException>(() => Shape.Create([70_000, 70_000])).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(new[] { 2, 3 }, new[] { 3 }, new[] { 2, 3 })]
    [InlineData(new[] { 2, 1, 4 }, new[] { 3, 1 }, new[] { 2, 3, 4 })]
    [InlineData(new int[0], new[] { 5 }, new[] { 5 })]
    [InlineData(new[] { 0 }, new[] { 1 }, new[] { 0 })]
    public void BroadcastFollowsNumPy(int[] a, int[] b, int[] expected)
    {
        Assert.Equal(Shape.Create(expected), Shape.Broadcast("add", Shape.Create(a), Shape.Create(b)));
        Assert.Equal(Shape.Create(expected), Shape.Broadcast("add", Shape.Create(b), Shape.Create(a)));
    }

    [Fact]
    public void WhatDoesNotBroadcastNamesBothShapesAndTheAxis()
    {
        var e = Assert.Throws<ShapeException>(() => Shape.Broadcast("add", [2, 3], [4]));
        Assert.Equal("add: [2,3] and [4] do not broadcast: sizes 3 and 4 on axis 1", e.Message);
        Assert.Contains("Unsqueeze", Assert.Throws<ShapeException>(() => Shape.Broadcast("mul", [8, 5], [8])).Message, StringComparison.Ordinal);
        Assert.Contains("transpose", Assert.Throws<ShapeException>(() => Shape.Broadcast("mul", [2, 3], [3, 2])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TooManySeparateAxesAreRefusedWithAWayOut()
    {
        Shape a = [2, 1, 2, 1, 2, 1, 2, 1, 2], b = [1, 2, 1, 2, 1, 2, 1, 2, 1];
        var y = Shape.Broadcast("add", a, b);
        Assert.Contains("Reshape", Assert.Throws<ShapeException>(() => Broadcasting.Plan("add", y, a, b, y)).Message, StringComparison.Ordinal);
    }
}
