using System.Numerics.Tensors;
using DeepEdu.Memory;
using DeepEdu.Ops;
using Tensor = DeepEdu.Tensors.Tensor;

namespace DeepEdu.Tests.Tensors;

public class SpanTests
{
    [Fact]
    public void ATensorSpanIsTheTensorsMemory()
    {
        var x = Tensor.Of([2, 3], [1, 2, 3, 4, 5, 6]);
        var span = x.AsTensorSpan();
        Assert.Equal((nint)2, span.Lengths[0]);
        Assert.Equal((nint)3, span.Lengths[1]);
        span[1, 0] = 40;
        Assert.Equal([1, 2, 3, 40, 5, 6], x.ToArray());
        Assert.Equal(57, System.Numerics.Tensors.Tensor.Sum(x.AsReadOnlyTensorSpan()));
    }

    [Fact]
    public void ASliceOfTheFirstAxisIsSeenThroughTheSpan()
    {
        var x = Tensor.Arange(6).Reshape(3, 2);
        x[1..].AsTensorSpan()[0, 1] = -1;
        Assert.Equal([0, 1, 2, -1, 4, 5], x.ToArray());
    }

    [Fact]
    public void ASingleValueHasOneAxisOfOne()
    {
        var span = Tensor.Scalar(7).AsTensorSpan();
        Assert.Equal((1, 7f), (span.Rank, span[(nint)0]));
    }

    [Fact]
    public void AStridedSpanBecomesAContiguousTensor()
    {
        var span = new ReadOnlyTensorSpan<float>([1, 2, 3, 4, 5, 6], [2, 3]);
        var whole = Tensor.Of(span);
        Assert.Equal("[2,3]", whole.Shape.ToString());
        Assert.Equal([1, 2, 3, 4, 5, 6], whole.ToArray());
        var part = Tensor.Of(span.Slice([0..2, 1..3]));
        Assert.Equal("[2,2]", part.Shape.ToString());
        Assert.Equal([2, 3, 5, 6], part.ToArray());
    }

    [Fact]
    public void ASpanOfAClosedArenaIsRefused()
    {
        Tensor x;
        using (new Arena()) { x = Tensor.Ones([2]); }
        Assert.Contains("Keep()", Assert.Throws<ObjectDisposedException>(() => { x.AsTensorSpan(); }).Message, StringComparison.Ordinal);
    }
}
