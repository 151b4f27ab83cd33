using DeepEdu.Lanes;

namespace DeepEdu.Tests;

public class LaneTests
{
    [Fact]
    public void DualOfSquareIsTwiceTheValue()
    {
        var x = new Dual<F1>(3f, 1f);
        Assert.Equal(6f, (x * x).D.V);
    }
}
