using DeepEdu.Devices;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Gpu.Tests;

/// <summary>L-BFGS on a device that hands nothing back to the processor: the processor's steps.</summary>
public class LbfgsTests
{
    private const float Close = 1e-4f;

    private static readonly Lazy<GpuDevice> s_device = new(Device);

    private static readonly Dictionary<string, LbfgsOptions> s_options = new()
    {
        ["line search"] = new() { MaxIterations = 5 },
        ["line search from far away"] = new() { MaxIterations = 6, LearningRate = 30 },
        ["short history"] = new() { MaxIterations = 4, History = 3 },
        ["one step's history"] = new() { MaxIterations = 4, History = 1 },
        ["fixed length"] = new() { MaxIterations = 4, LearningRate = 0.4, LineSearch = false },
        ["fixed length, short history"] = new() { MaxIterations = 7, LearningRate = 0.4, LineSearch = false, History = 3 },
    };

    public static TheoryData<string> Options => [.. s_options.Keys];

    [Theory, MemberData(nameof(Options))]
    public void TrainsAsOnTheProcessor(string name)
    {
        Training here = new(CpuDevice.Instance, s_options[name]), there = new(s_device.Value, s_options[name]);
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(here.Step(), there.Step(), Close);
            Same(here, there);
        }
        Assert.True(here.Optimizer.Iterations >= 9);
    }

    /// <summary>The loss is read with the products of its gradient, the slope of a direction with its largest value.</summary>
    [Theory, MemberData(nameof(Options))]
    public void WaitsOnceForAnEvaluationAndOnceForADirection(string name)
    {
        Training there = new(s_device.Value, s_options[name]);
        for (int i = 0; i < 2; i++)
        {
            var (waits, iterations, evaluations) = (s_device.Value.HostWaits, there.Optimizer.Iterations, there.Optimizer.Evaluations);
            there.Step();
            Assert.Equal(there.Optimizer.Iterations - iterations + there.Optimizer.Evaluations - evaluations, s_device.Value.HostWaits - waits);
        }
    }

    [Theory, InlineData(true), InlineData(false)]
    public void GoesOnFromTheOtherDevicesState(bool fromProcessor)
    {
        var options = s_options["short history"];
        Device first = fromProcessor ? CpuDevice.Instance : s_device.Value, second = fromProcessor ? s_device.Value : CpuDevice.Instance;
        Training begun = new(first, options), other = new(second, options);
        other.Step(); // is forgotten
        for (int i = 0; i < 2; i++) { begun.Step(); }
        StateDict state = new();
        begun.Optimizer.SaveState(state);
        other.Optimizer.LoadState(state);
        other.Put(begun.Weights());
        Assert.Equal([3, begun.Weights().Length], state.Tensor("old_stps").Shape.Sizes.ToArray());
        for (int i = 0; i < 2; i++)
        {
            Assert.Equal(begun.Step(), other.Step(), Close);
            Same(begun, other);
        }
        StateDict again = new();
        other.Optimizer.SaveState(again);
        Assert.Equal(state.Names, again.Names);
    }

    /// <summary>What was remembered follows parameters that move.</summary>
    [Fact]
    public void FollowsItsParameters()
    {
        Training here = new(CpuDevice.Instance, s_options["line search"]), moved = new(CpuDevice.Instance, s_options["line search"]);
        Assert.Equal(here.Step(), moved.Step());
        moved.To(s_device.Value);
        for (int i = 0; i < 2; i++)
        {
            Assert.Equal(here.Step(), moved.Step(), Close);
            Same(here, moved);
        }
    }

    /// <summary>Vectors are where the first parameter is; the others' parts are copied.</summary>
    [Theory, InlineData(true), InlineData(false)]
    public void ParametersOfTwoDevices(bool firstOnProcessor)
    {
        float[] want = Steps(CpuDevice.Instance, CpuDevice.Instance), got = firstOnProcessor ? Steps(CpuDevice.Instance, s_device.Value) : Steps(s_device.Value, CpuDevice.Instance);
        for (int i = 0; i < want.Length; i++) { Assert.Equal(want[i], got[i], Close); }

        static float[] Steps(Device a, Device b)
        {
            Parameter p = new([3], [2, -1, 0.5f], a), q = new([2], [1, -3], b);
            Lbfgs lbfgs = new([("p", p), ("q", q)], new() { MaxIterations = 4 });
            // a function of each, so that no operation has operands of two devices
            float loss = lbfgs.Step(() => p.Square().Sum() + q.Cosh().Sum().To(p.Device));
            return [loss, .. p.ToArray(), .. q.ToArray()];
        }
    }

    /// <summary>Neither flat nor lower: it ends where the processor does.</summary>
    [Theory, InlineData(true), InlineData(false)]
    public void OfLossesThatAreNoNumbersItEndsAlike(bool search)
    {
        var (want, got) = (Steps(CpuDevice.Instance), Steps(s_device.Value));
        Assert.Equal(want, got);

        (int, int, bool) Steps(Device device)
        {
            Parameter w = new([2], [-2, -1], device);
            Lbfgs lbfgs = new([("w", w)], new() { LineSearch = search, MaxIterations = 4 });
            lbfgs.Step(() => w.Sqrt().Sum());
            return (lbfgs.Iterations, lbfgs.Evaluations, w.ToArray().Any(float.IsNaN));
        }
    }

    /// <summary>As many parts as groups, and more values than they take at once; whole numbers, whose sums are exact.</summary>
    [Theory, InlineData(1, 1), InlineData(255, 1), InlineData(257, 1), InlineData(1025, 2), InlineData(5000, 5), InlineData(70_001, 69), InlineData(20_000, 256)]
    public void SumsAreTheProcessors(int n, int parts)
    {
        float[] Numbers(int k) => [.. Enumerable.Range(0, n).Select(i => (float)((k * i % 13) - 6))];
        float[] g = Numbers(5), before = Numbers(7), d = Numbers(11), what = Numbers(3);
        Assert.Equal(Made(CpuDevice.Instance), Made(s_device.Value));

        double[] Made(Device device)
        {
            Tensor On(float[] values) => Tensor.Of([n], values, device);
            Tensor slots = Tensor.Zeros([2 * 7 * parts], device), first = Tensor.Zeros([2 * 4 * parts], device), direction = On(d), y = On(g), s = On(g), w = On(g);
            View Slot(int i, int count = 1) => slots.View with { Offset = 2 * i * parts, Length = 2 * count * parts };
            device.Launch(new LbfgsKernels.Measure(On(g).View, default, default, 0, first.View));
            device.Launch(new LbfgsKernels.Measure(On(g).View, On(before).View, On(d).View, 2, Slot(0, 4)));
            device.Launch(new LbfgsKernels.Turn(direction.View, On(g).View, default, default, 2, On(d).View, Slot(4), 1));
            device.Launch(new LbfgsKernels.Turn(direction.View, default, On(what).View, new(Slot(2), 0.5, Slot(3), 2), 0.25, On(d).View, Slot(5, 2), 2));
            device.Launch(new LbfgsKernels.Remember(On(g).View, On(before).View, On(d).View, 3, y.View, s.View));
            device.Launch(new LbfgsKernels.Move(On(g).View, On(d).View, -2, w.View));
            return [.. Values(first, 4), .. Values(slots, 7), .. Numbered(direction), .. Numbered(y), .. Numbered(s), .. Numbered(w)];
        }

        static IEnumerable<double> Numbered(Tensor t) => t.ToArray().Select(v => (double)v);

        double[] Values(Tensor t, int count)
        {
            double[] all = System.Runtime.InteropServices.MemoryMarshal.Cast<float, double>(t.ToArray()).ToArray();
            // the first of four is the largest, and the last of seven
            return [.. Enumerable.Range(0, count).Select(i => all[(i * parts)..((i + 1) * parts)]).Select((p, i) => i == 0 || i == 6 ? p.Max() : p.Sum())];
        }
    }

    /// <summary>Launches that are collected are the same.</summary>
    [Fact]
    public void GraphsGiveTheSameBits()
    {
        using var device = Device();
        device.Graphs = true;
        Training one = new(s_device.Value, s_options["short history"]), two = new(device, s_options["short history"]);
        for (int i = 0; i < 2; i++) { Assert.Equal(one.Step(), two.Step()); }
        Assert.Equal(one.Weights(), two.Weights());
    }

    private static void Same(Training one, Training other)
    {
        Assert.Equal((one.Optimizer.Iterations, one.Optimizer.Evaluations), (other.Optimizer.Iterations, other.Optimizer.Evaluations));
        float[] want = one.Weights(), got = other.Weights();
        for (int i = 0; i < want.Length; i++) { Assert.Equal(want[i], got[i], Close * MathF.Max(1, MathF.Abs(want[i]))); }
    }

    private static GpuDevice Device()
    {
        var device = TestDevice.New();
        device.Strict = true;
        return device;
    }

    /// <summary>Four parameters, one of which no loss depends on, of more values than one part of a sum.</summary>
    private sealed class Training
    {
        private readonly Sequential _model;
        private readonly Parameter _idle;
        private readonly Tensor _x;
        private readonly Indices _labels = Enumerable.Range(0, 30).Select(i => i * i % 5).ToArray();
        private Tensor _there;

        public Training(Device device, LbfgsOptions options)
        {
            Rng rng = new(4);
            _model = new(new Dense(220, 6, rng), new Tanh(), new Dense(6, 5, rng, bias: false));
            _idle = new(Tensor.Ones([3]));
            _there = _x = Tensor.Normal([30, 220], rng) * 0.2f;
            To(device);
            Optimizer = new([.. _model.Parameters(), ("idle", _idle)], options);
        }

        public Lbfgs Optimizer { get; }

        public void To(Device device)
        {
            _model.To(device);
            _idle.MoveTo(device);
            _there = _x.To(device);
        }

        // a sum of squares keeps the smallest loss away from infinity
        public float Step() => Optimizer.Step(() => _model.Forward(_there).CrossEntropy(_labels) + (0.02f * _model.Parameters().Select(p => p.Value.Square().Sum()).Aggregate((a, b) => a + b)));

        public float[] Weights() => [.. _model.Parameters().SelectMany(p => p.Value.ToArray()), .. _idle.ToArray()];

        public void Put(float[] weights)
        {
            int at = 0;
            foreach (var p in _model.Parameters().Select(p => p.Value).Append(_idle))
            {
                p.CopyFrom(weights.AsSpan(at, p.Size));
                at += p.Size;
            }
        }
    }
}
