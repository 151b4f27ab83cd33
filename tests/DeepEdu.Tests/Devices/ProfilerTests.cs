using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Devices;

public class ProfilerTests
{
    [Fact]
    public void CountsWhatWasCalledAndHowMuch()
    {
        var rng = new Rng(1);
        var layer = new Dense(5, 3, rng);
        var x = Tensor.Normal([7, 5], rng);
        using var profiler = new Profiler();
        for (int i = 0; i < 4; i++)
        {
            using var tape = new Tape();
            tape.Gradients(layer.Forward(x).Tanh().Sum());
        }
        profiler.Dispose();
        layer.Forward(x); // no longer
        var calls = profiler.Calls;
        Assert.Equal(4, Assert.Single(calls, c => c is { Name: "linear", Sizes: "7 × 5 → 3" }).Calls);
        Assert.Equal(4, Assert.Single(calls, c => c is { Name: "matmul", Sizes: "[3, 7] · [7, 5] TN" }).Calls);
        Assert.Equal(4, Assert.Single(calls, c => c.Name.Contains("Tanh", StringComparison.Ordinal) && c.Sizes == "21" && !c.Name.Contains("Pull", StringComparison.Ordinal)).Calls);
        Assert.Equal(calls.OrderByDescending(c => c.Total), calls);
        Assert.InRange(calls.Sum(c => c.Total.TotalMilliseconds), 0, profiler.Elapsed.TotalMilliseconds);
        Assert.Contains("outside the device", profiler.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void ChangesNoNumber()
    {
        var rng = new Rng(2);
        var layer = new Lstm(4, 6, rng);
        var x = Tensor.Normal([3, 5, 4], rng);
        float[] plain = layer.Forward(x).ToArray();
        using var profiler = new Profiler();
        Assert.Equal(plain, layer.Forward(x).ToArray());
        Assert.Contains(profiler.Calls, c => c is { Name: "recurrent", Sizes: "3 × 5 × 4 → 6" });
    }

    [Fact]
    public void SessionsAreWatchedToo()
    {
        var rng = new Rng(3);
        var model = new Sequential(new Dense(5, 3, rng), new Tanh());
        var session = new InferenceSession(model, [2, 5]);
        float[] x = new float[10], y = new float[6];
        using var profiler = new Profiler();
        session.Run(x, y);
        session.Run(x, y);
        Assert.Equal(2, Assert.Single(profiler.Calls, c => c is { Name: "linear", Sizes: "2 × 5 → 3" }).Calls);
        Assert.Equal(2, Assert.Single(profiler.Calls, c => c.Name.Contains("Tanh", StringComparison.Ordinal)).Calls);
    }

    [Fact]
    public void TheInnerOneWatchesAndACallThatThrowsEndsNothing()
    {
        using var outer = new Profiler();
        Tensor.Zeros([3]).Exp();
        using (var inner = new Profiler())
        {
            Assert.Throws<DivideByZeroException>(() => CpuDevice.Instance.Launch(default(Throws)));
            Tensor.Zeros([3]).Exp();
            Assert.Contains(inner.Calls, c => c.Name == "throws");
            Assert.Contains(inner.Calls, c => c.Name.Contains("Exp", StringComparison.Ordinal));
        }
        Assert.Equal(1, Assert.Single(outer.Calls, c => c.Name.Contains("Exp", StringComparison.Ordinal)).Calls);
        Tensor.Zeros([3]).Exp();
        Assert.Equal(2, Assert.Single(outer.Calls, c => c.Name.Contains("Exp", StringComparison.Ordinal)).Calls);
    }

    [Fact]
    public void DisposingOutOfOrderSaysSo()
    {
        var outer = new Profiler();
        using (var inner = new Profiler()) { Assert.Contains("nested", Assert.Throws<InvalidOperationException>(outer.Dispose).Message, StringComparison.Ordinal); }
        outer.Dispose();
        outer.Dispose();
    }

    private readonly struct Throws : IKernel
    {
        public static string Name => "throws";

        public void Run() => throw new DivideByZeroException();
    }
}
