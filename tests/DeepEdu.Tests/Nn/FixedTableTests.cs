using System.Runtime.CompilerServices;
using DeepEdu.Nn;
using DeepEdu.Tensors;
using DeepEdu.Tests.Devices;

namespace DeepEdu.Tests.Nn;

public class FixedTableTests
{
    /// <summary>A table is copied to each device once, however often they take turns.</summary>
    [Fact]
    public void DevicesInTurnHaveACopyEach()
    {
        var waves = new SinusoidalPositions(16, 4);
        var rotary = new RotaryPositions(16, 4);
        float[] expected = [.. waves.Forward(Tensor.Ones([2, 3, 4])).ToArray(), .. rotary.Forward(Tensor.Ones([2, 3, 4])).ToArray()];
        Elsewhere[] devices = [new(), new()];
        Tensor[] x = [.. devices.Select(d => Tensor.Ones([2, 3, 4], d))];
        for (int i = 0; i < 6; i++)
        {
            float[] y = [.. waves.Forward(x[i % 2]).ToArray(), .. rotary.Forward(x[i % 2]).ToArray()];
            Assert.Equal(expected, y);
        }
        Assert.All(devices, d => Assert.Equal(3, d.Persistent)); // waves, cosines, sines
    }

    [Fact]
    public void ACopyDoesNotKeepItsDevice()
    {
        var waves = new SinusoidalPositions(16, 4);
        var device = Used(waves);
        for (int i = 0; i < 5 && device.IsAlive; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        Assert.False(device.IsAlive);
        GC.KeepAlive(waves);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference Used(SinusoidalPositions waves)
    {
        var device = new Elsewhere();
        waves.Forward(Tensor.Ones([2, 3, 4], device));
        return new(device);
    }
}
