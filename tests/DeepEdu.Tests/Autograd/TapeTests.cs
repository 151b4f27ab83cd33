using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Autograd;

public class TapeTests
{
    [Fact]
    public void BroadcastGradientsAddUpTheRepeats()
    {
        var a = new Parameter([2, 3], [1, 2, 3, 4, 5, 6]);
        var b = new Parameter([3], [10, 20, 30]);
        var c = new Parameter([2, 1], [2, 3]);
        using (var tape = new Tape())
        {
            var y = ((a + b) * c).Sum();
            Assert.Equal((11 + 22 + 33) * 2 + (14 + 25 + 36) * 3, y.Item());
            var g = tape.Gradients(y);
            Assert.Equal([2, 2, 2, 3, 3, 3], g[a].ToArray());
            Assert.Equal([5, 5, 5], g[b].ToArray());
            Assert.Equal([66, 75], g[c].ToArray());
        }
        Assert.Equal(0, CpuDevice.Instance.Pool.LiveBlocks);
    }

    [Fact]
    public void AValueUsedTwiceGathersBothGradients()
    {
        var x = new Parameter([2], [3, 4]);
        using var tape = new Tape();
        var y = x * x;
        var g = tape.Gradients((y + y + x).Sum());
        Assert.Equal([13, 17], g[x].ToArray());
    }

    [Fact]
    public void ATensorOfAClosedTapeSaysSo()
    {
        Tensor y;
        using (new Tape()) { y = Tensor.Ones([2]) + Tensor.Ones([2]); }
        var e = Assert.Throws<ObjectDisposedException>(() => y.ToArray());
        Assert.Contains("Keep()", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void KeepLetsATensorOut()
    {
        Tensor y;
        using (new Tape()) { y = (Tensor.Ones([2]) + Tensor.Ones([2])).Keep(); }
        Assert.Equal([2, 2], y.ToArray());
    }
}
