using System.Runtime.CompilerServices;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Memory;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;
using ILGPU;
using ILGPU.Runtime;

namespace DeepEdu.Gpu.Tests;

/// <summary>Memory, copies and waiting.</summary>
public class DeviceMemoryTests
{
    [Fact]
    public void TrimGivesTheMemoryBack()
    {
        using var device = TestDevice.New();
        var block = Closed(device);
        Assert.True(device.CachedBytes >= 4000);
        device.Pool.Trim();
        Assert.Equal((0, 0), (device.CachedBytes, device.LiveBytes));
        Assert.Throws<ObjectDisposedException>(() => block.Memory);

        static GpuBlock Closed(GpuDevice device)
        {
            using var arena = new Arena();
            return (GpuBlock)Tensor.Ones([1000], device).View.Block;
        }
    }

    [Fact]
    public void ForgottenMemoryIsUsedAgain()
    {
        using var device = TestDevice.New();
        Forget(device);
        Assert.Equal(4096, device.LiveBytes);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.Equal((0, 4096), (device.LiveBytes, device.CachedBytes));
        var again = Tensor.Ones([1000], device);
        Assert.Equal((4096, 0, 4096), (device.LiveBytes, device.CachedBytes, device.PeakBytes));
        Assert.Equal(1000, again.Sum().Item());
        device.EmptyCache();
        device.ResetPeak();
        Assert.Equal(device.LiveBytes, device.PeakBytes);
        Assert.Contains("live", device.MemoryReport(), StringComparison.Ordinal);
        GC.KeepAlive(again);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Forget(GpuDevice device) => Tensor.Ones([1000], device);
    }

    [Fact]
    public void AtTheLimitWhatWaitsIsUsedAndThenItIsAnError()
    {
        using var device = TestDevice.New();
        using (var arena = new Arena()) { Tensor.Ones([1000], device); }
        device.MemoryLimit = 8192;
        var x = Tensor.Ones([2000], device); // only if the pool's block goes
        var message = Assert.Throws<InsufficientMemoryException>(() => Tensor.Ones([100], device)).Message;
        Assert.Contains(device.Name, message, StringComparison.Ordinal);
        Assert.Contains("limit", message, StringComparison.Ordinal);
        Assert.Equal(2000, x.ToArray().Sum());
    }

    [Fact]
    public void ATensorOfADisposedDeviceSaysSo()
    {
        var device = TestDevice.New();
        var x = Tensor.Ones([3], device);
        device.Dispose();
        Assert.Throws<ObjectDisposedException>(() => x.ToArray());
        Assert.Throws<ObjectDisposedException>(() => Tensor.Ones([3], device));
    }

    [Fact]
    public void LargeValuesPassThroughTheStagingMemoryInParts()
    {
        using var device = TestDevice.New();
        float[] values = [.. Enumerable.Range(0, (Staging.Capacity / sizeof(float)) + 1000).Select(i => (float)i)];
        var x = Tensor.Of([values.Length], values, device);
        Assert.Equal(1, device.HostWaits); // for the part that did not fit any more
        Assert.Equal(values, x.ToArray());
        Assert.Equal(3, device.HostWaits);
    }

    [Fact]
    public void CopiesFillOneHalfWhileTheOtherIsFetched()
    {
        using var device = TestDevice.New();
        List<Mark> marks = [];
        using var staging = new Staging(device.Accelerator, new IlgpuOrder(device.Accelerator), () =>
        {
            marks.Add(new());
            return marks[^1];
        });
        using var buffer = device.Accelerator.Allocate1D<float>(Staging.Half / sizeof(float));
        float[] half = new float[Staging.Half / sizeof(float)];
        for (int i = 0; i < 5; i++) { staging.Write(half, buffer, 0); } // every half has been fetched when its turn comes
        Assert.Equal((2, 2, 0L), (marks[0].Sets, marks[1].Sets, staging.Waits));
        (marks[0].IsReached, marks[1].IsReached) = (false, false);
        staging.Write(half, buffer, 0); // into the second half, which is not known to have been fetched
        Assert.Equal((0, 1, 1L), (marks[0].Waits, marks[1].Waits, staging.Waits));
    }

    // 2 GiB and more have too many bytes for an int, though not too many values
    [Fact]
    public void VeryLargeValuesPassInParts()
    {
        using var device = TestDevice.New();
        Parts parts = new();
        using Staging staging = new(device.Accelerator, parts, () => new Mark());
        using var buffer = device.Accelerator.Allocate1D<float>(1);
        float[] values = GC.AllocateUninitializedArray<float>((1 << 29) + 5); // pages that nobody writes take no memory
        staging.Write(values, buffer, 7);
        Assert.Equal((28, 28 + (4L * values.Length)), (parts.From, parts.To));
    }

    // takes note of copies, each behind the one before
    private sealed class Parts : IOrder
    {
        public long From = -1, To;

        public void Write(Span<byte> pinned, MemoryBuffer1D<float, Stride1D.Dense> to, long at, bool isLocked)
        {
            if (From < 0) { From = To = at; }
            Assert.Equal(To, at);
            To += pinned.Length;
        }

        public void Read(MemoryBuffer1D<float, Stride1D.Dense> from, long at, Span<byte> pinned) => throw new NotSupportedException();

        public void Copy(MemoryBuffer1D<float, Stride1D.Dense> from, int fromAt, MemoryBuffer1D<float, Stride1D.Dense> to, int toAt, int length) => throw new NotSupportedException();

        public void Wait() { }

        public IMark Mark() => new Mark();

        public Exception Explain(Exception error) => error;

        public void BeforeFree() { }

        public void Dispose() { }
    }

    private sealed class Mark : IMark
    {
        public int Sets, Waits;

        public bool IsReached { get; set; } = true;

        public void Set() => Sets++;

        public void Wait() => Waits++;

        public void Dispose() { }
    }

    [Fact]
    public void ATrainingStepWaitsForTheLossAlone()
    {
        using var device = TestDevice.New();
        device.Strict = true;
        Rng rng = new(1);
        var model = new Sequential(new Dense(4, 8, rng), new Relu(), new Dense(8, 2, rng));
        model.To(device);
        var adam = new Adam(model.Parameters(), new() { LearningRate = 0.01 });
        float[] x = new float[12], t = new float[6];
        rng.FillNormal(x, 0, 1);
        float last = 0;
        for (int i = 0; i < 3; i++)
        {
            long before = device.HostWaits;
            using var tape = new Tape();
            var loss = (model.Forward(Tensor.Of([3, 4], x, device)) - Tensor.Of([3, 2], t, device)).Square().Mean();
            adam.Step(tape.Gradients(loss));
            Assert.Equal(before, device.HostWaits);
            last = loss.Item();
            Assert.Equal(before + 1, device.HostWaits);
        }
        Assert.True(last > 0);
    }

    [Fact]
    public void AStepOfAClassifierWaitsForWhatItReads()
    {
        using var device = TestDevice.New();
        device.Strict = true;
        Rng rng = new(2);
        var words = new Embedding(9, 4, rng);
        var model = new Sequential(new Flatten(), new Dense(12, 8, rng), new LayerNorm(8), new Gelu(), new Dropout(0.2f, rng), new Dense(8, 3, rng));
        words.To(device);
        model.To(device);
        var adam = new Adam([.. words.Parameters(), .. model.Parameters()], new() { LearningRate = 0.01 });
        for (int i = 0; i < 2; i++)
        {
            long before = device.HostWaits;
            using var tape = new Tape();
            var loss = model.Forward(words.Forward(Indices.Of([2, 3], [1, 2, 3, 4, 5, i]))).CrossEntropy(Indices.Of(0, 2));
            var gradients = tape.Gradients(loss);
            Assert.Equal(before, device.HostWaits);
            var norm = Clip.ByNorm(gradients, 1);
            adam.Step(gradients);
            Assert.Equal(before, device.HostWaits);
            Assert.True(norm.Item() > 0 && float.IsFinite(loss.Item()));
            Assert.Equal(before + 2, device.HostWaits);
        }
    }

    [Fact]
    public void ThreadsShareTheDevice()
    {
        using var device = TestDevice.New();
        var w = Tensor.Of([4], [1, 2, 3, 4], device);
        float[] sums = new float[4];
        Thread[] threads = [.. Enumerable.Range(0, sums.Length).Select(i => new Thread(() =>
        {
            using var tape = new Tape();
            tape.Watch(w.Detach());
            for (int k = 0; k < 5; k++) { sums[i] = (w * (i + 1f)).Sum().Item(); }
        }))];
        foreach (var thread in threads) { thread.Start(); }
        foreach (var thread in threads) { thread.Join(); }
        Assert.Equal([10f, 20f, 30f, 40f], sums);
        Assert.Equal(0, device.Pool.LiveBytes);
    }

    [Fact]
    public void AGradientPassesThroughTo()
    {
        using var device = TestDevice.New();
        using var tape = new Tape();
        var x = tape.Watch(Tensor.Of([2], [3, -1]));
        var there = x.To(device);
        var back = (there * there).To(CpuDevice.Instance) * 2f;
        var dx = tape.Gradients(back.Sum())[x];
        Assert.Same(device, there.Device);
        Assert.Same(CpuDevice.Instance, dx.Device);
        Assert.Equal([12f, -4f], dx.ToArray());
    }
}
