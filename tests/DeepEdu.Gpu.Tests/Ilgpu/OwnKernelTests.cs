using DeepEdu.Devices;
using DeepEdu.Tensors;

namespace DeepEdu.Gpu.Tests
{
    /// <summary>A kernel of somebody else's, which has no body on a device.</summary>
    public class OwnKernelTests
    {
        [Fact]
        public void RunsOnTheProcessorAndIsTold()
        {
            using var device = TestDevice.New();
            List<string> told = [];
            device.Log = told.Add;
            Tensor x = Tensor.Of([4], [1, 2, 3, 4], device), y = Tensor.Zeros([2], device);
            for (int i = 0; i < 2; i++) { device.Launch(new Elsewhere.Halves(new(x.View, new(y.View, 2)), default)); }
            Assert.Equal([6, 14], y.ToArray());
            Assert.Equal([1, 2, 3, 4], x.ToArray());
            Assert.Equal($"halves: no kernel on {device.Name}; it runs on the processor", Assert.Single(told));
            device.Strict = true;
            string message = Assert.Throws<NotSupportedException>(() => device.Launch(new Elsewhere.Halves(new(x.View, new(y.View, 2)), default))).Message;
            Assert.Contains("halves: no kernel on", message, StringComparison.Ordinal);
            Assert.Equal([6, 14], y.ToArray());
        }

        [Fact]
        public void WritesToPartsOfATensorAlone()
        {
            using var device = TestDevice.New();
            device.Log = _ => { };
            var y = Tensor.Of([6], [9, 9, 9, 9, 9, 9], device);
            var all = y.View;
            device.Launch(new Elsewhere.Halves(new(new(all.Block, all.Offset, 4), new(new(all.Block, all.Offset + 2, 2), 1)), default));
            Assert.Equal([9, 9, 18, 18, 9, 9], y.ToArray());
        }

        [Fact]
        public void ViewsMayBeInAnArray()
        {
            using var device = TestDevice.New();
            device.Log = _ => { };
            Tensor x = Tensor.Of([2], [1, 2], device), y = Tensor.Of([1], [3], device);
            device.Launch(new Elsewhere.Negatives([x.View, default, y.View]));
            Assert.Equal([-1, -2, -3], [.. x.ToArray(), .. y.ToArray()]);
        }

        [Fact]
        public void AViewOfADeviceIsNoSpan()
        {
            using var device = TestDevice.New();
            var x = Tensor.Ones([2], device);
            Assert.Contains("To(CpuDevice.Instance)", Assert.Throws<InvalidOperationException>(() => CpuDevice.Of(x.View).Length).Message, StringComparison.Ordinal);
        }
    }
}

namespace Elsewhere
{
    internal readonly record struct Into(View Y, float Times);

    internal readonly record struct Ways(View X, Into To);

    /// <summary>The sums of both halves, times something; its views lie in structs of another library.</summary>
    internal readonly record struct Halves(Ways Of, DateTime Unused) : IKernel
    {
        public static string Name => "halves";

        public void Run()
        {
            var x = CpuDevice.Of(Of.X);
            var y = CpuDevice.Of(Of.To.Y);
            int half = x.Length / 2;
            float first = 0, second = 0;
            for (int i = 0; i < half; i++) { (first, second) = (first + x[i], second + x[half + i]); }
            (y[0], y[1]) = (first * Of.To.Times, second * Of.To.Times);
        }
    }

    internal readonly record struct Negatives(View[] All) : IKernel
    {
        public static string Name => "negatives";

        public void Run()
        {
            foreach (var view in All)
            {
                foreach (ref float x in CpuDevice.Of(view)) { x = -x; }
            }
        }
    }
}
